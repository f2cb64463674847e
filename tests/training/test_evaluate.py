import math

import numpy as np
import pytest
import torch

from course_lib.text.dataset import sequential_windows, write_ids
from course_lib.training.evaluate import (
    Score,
    bytes_per_id,
    document_nats,
    held_out_ids,
    held_out_loss,
    sample_windows,
    score,
)


@pytest.fixture
def model(small):
    """In float64, and with weights that react to context."""
    model = small.model(dropout=0.5).double()
    for p in model.parameters():
        torch.nn.init.normal_(p, std=0.4, generator=torch.Generator().manual_seed(p.numel()))
    return model


def log_p(model, context, wanted):
    """log p(wanted | context), one token at a time: slow, and hard to get wrong."""
    model.eval()
    with torch.no_grad():
        return model(torch.tensor([context]))[0, -1].log_softmax(-1)[wanted].item()


def test_held_out_loss_is_the_chain_rule(small, model):
    ids = small.ids[:70]
    expected = [-log_p(model, ids[i - i % 16:i + 1].tolist(), ids[i + 1]) for i in range(69)]
    model.train()
    loss = held_out_loss(model, sequential_windows(ids, 4, 16))
    assert model.training, "the model is handed back as it came"
    assert loss == pytest.approx(np.mean(expected), rel=1e-10)
    assert loss != pytest.approx(math.log(small.tokenizer.vocab_size), rel=0.02)


def test_score_counts_targets_and_bytes(small, model):
    ids = np.array([*small.tokenizer.encode("ab"), small.tokenizer.end_of_text, *small.tokenizer.encode("cde")])
    found = score(model, sequential_windows(ids, 2, 4), id_bytes=bytes_per_id(small.tokenizer))
    assert (found.n_targets, found.n_bytes) == (5, 4)  # the first id is no target, <|endoftext|> is no text
    assert Score(nats=8 * math.log(2), n_targets=2, n_bytes=4).bits_per_byte == pytest.approx(2)


def test_nothing_to_evaluate_is_an_error(model):
    with pytest.raises(ValueError, match="held-out split empty"):
        held_out_loss(model, [])


def test_a_sample_is_spread_evenly_and_always_the_same(small):
    ids = np.arange(1000)
    starts = [[idx[0, 0] for idx, _ in sample_windows(ids, 2, 10, 5)] for _ in range(2)]
    assert starts[0] == starts[1] == [0, 244, 489, 734, 979]
    assert [idx.shape for idx, _ in sample_windows(ids, 2, 10, 5)] == [(2, 10)] * 5
    for n_batches in (None, 50, 10_000):
        targets = np.concatenate([t[t != -1] for _, t in sample_windows(ids, 2, 10, n_batches)])
        assert targets.tolist() == list(range(1, 1000))


@pytest.mark.parametrize("tokens_at_once", [1, 50, 4096])
def test_document_nats_is_the_chain_rule_for_each_document(small, model, tokens_at_once):
    documents = ["hello.", "", "the cat sat on the mat and thought of nothing at all.", "a dog", "exactly fifteen"]
    expected, eot = [], small.tokenizer.end_of_text
    for document in documents:
        ids = [eot, *small.tokenizer.encode(document), eot]
        nats, start, scored = 0.0, 0, 0
        while scored < len(ids) - 1:  # windows of 16 ids that share 6 with the one before
            start = max(0, scored - 6)
            stop = min(start + 16, len(ids) - 1)
            nats -= sum(log_p(model, ids[start:i + 1], ids[i + 1]) for i in range(scored, stop))
            scored = stop
        expected.append(nats)
    model.train()
    found = document_nats(model, small.tokenizer, documents, context_length=16, overlap=6,
                          tokens_at_once=tokens_at_once)
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert model.training


def test_documents_need_an_end(small, model):
    tokenizer = type(small.tokenizer).train("abc", special_tokens=())
    with pytest.raises(ValueError, match="no <|endoftext|>"):
        document_nats(model, tokenizer, ["abc"], context_length=16)


def test_held_out_text_may_come_as_file_path_or_array(small, tmp_path):
    info = write_ids(tmp_path / "held_out.bin", ["abc", "de"], small.tokenizer)
    ids = list(info.ids)
    for given in (info, tmp_path / "held_out.bin", str(tmp_path / "held_out.bin"), np.array(ids)):
        assert held_out_ids(given).tolist() == ids
