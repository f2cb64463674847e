"""What the viewer says and sends: the weights as given, in words, in maps, and in the data that arcs are drawn from."""

import json
import re
from html import unescape

import numpy as np
import pytest
import torch

from course_lib.lab.widgets.attention_viewer import MEAN, READ_BY, READS, AttentionViewer

TOKENS = ["The", " cat", " <sat>"]
WEIGHTS = np.array([
    [[1, 0, 0], [0.2, 0.8, 0], [0.1, 0.6, 0.3]],
    [[1, 0, 0], [0.5, 0.5, 0], [0.9, 0.1, 0.0]],
])


@pytest.fixture
def viewer():
    return AttentionViewer(WEIGHTS, TOKENS)


def data(viewer):
    return json.loads(unescape(re.search(r'data-attention="([^"]*)"', viewer.picture().markup)[1]))


def test_words_tell_who_reads_from_whom(viewer):
    assert viewer.picture().words == "“␣<sat>” reads from “The” 50 %, “␣cat” 35 %, “␣<sat>” 15 % (mean of all heads)"
    viewer.set(head=0)
    assert viewer.picture().words == "“␣<sat>” reads from “␣cat” 60 %, “␣<sat>” 30 %, “The” 10 % (head 0)"
    viewer.set(way=READ_BY, token=1)
    assert viewer.picture().words == "“␣cat” is read by “␣cat” 80 %, “␣<sat>” 60 % (head 0)"


def test_the_browser_gets_the_weights(viewer):
    sent = data(viewer)
    np.testing.assert_array_equal(np.array(sent["weights"]) / 1000, WEIGHTS)
    assert sent["state"] == {"token": 2, "head": MEAN, "way": READS} and not sent["cross"]


def test_markup_is_safe_and_walked_by_keys(viewer):
    markup = viewer.picture().markup
    assert "<sat>" not in markup and "␣&lt;sat&gt;" in markup
    assert len(re.findall("class=\"token\"", markup)) == 3 and len(re.findall("<canvas", markup)) == 3
    reachable = re.findall(r'class="(token|head)"[^>]*tabindex="0"', markup)
    assert sorted(reachable) == ["head", "token"], "one tab stop in each group"


def test_two_rows_where_keys_are_others():
    viewer = AttentionViewer(WEIGHTS[0, :, :2], TOKENS, keys=["Die", " Katze"], names=["only"])
    assert viewer.state["head"] == 0
    assert viewer.picture().words == "“␣<sat>” reads from “␣Katze” 60 %, “Die” 10 % (only)"
    viewer.set(row=[1, 1])
    assert viewer.picture().words == "“␣Katze” is read by “␣cat” 80 %, “␣<sat>” 60 % (only)"
    viewer.set(row=[0, 0])
    assert viewer.state["way"] == READS and viewer.picture().words == "“The” reads from “Die” 100 % (only)"
    viewer.set(token=2)
    viewer.set(way=READ_BY)
    assert viewer.state["token"] == 1, "there is no third key"


def test_torch_and_masked_weights_are_welcome():
    weights = torch.tensor(WEIGHTS[0], dtype=torch.bfloat16, requires_grad=True)
    assert "“␣cat” 60 %" in AttentionViewer(weights, TOKENS).picture().words
    masked = np.where(WEIGHTS[0] == 0, np.nan, WEIGHTS[0])
    np.testing.assert_array_equal(data(AttentionViewer(masked, TOKENS))["weights"][0][0], [1000, 0, 0])


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"shape \(2, 3, 3\) do not fit 2 tokens and 2 keys; give \(H, 2, 2\)"):
        AttentionViewer(WEIGHTS, TOKENS[:2])
