"""The checkpoint that comes with the course: small, whole, and a model that has learned."""

import numpy as np
import pytest
import torch

from course_lib.model.config import tiny
from course_lib.model.gpt import GPT
from course_lib.text.corpora import load_corpus
from course_lib.text.tokenizer import BPETokenizer
from course_lib.training.checkpoint import load_checkpoint, save_checkpoint
from course_lib.training.evaluate import document_nats
from course_lib.training.pretrained import SHIPPED, export_checkpoint, load_pretrained

MEGABYTE = 1_000_000


def test_the_shipped_one_is_small_and_has_learned_the_story_world():
    model, tokenizer, config, folder = load_pretrained("small")
    assert sum(path.stat().st_size for path in folder.iterdir()) < 12 * MEGABYTE
    assert {tensor.dtype for tensor in model.parameters()} == {torch.float32} and not model.training
    split = load_corpus("storyworld").split()
    stories, log_probs = list(split.held_out)[:8], list(split.held_out_log_probs)[:8]
    nats = np.sum(document_nats(model, tokenizer, stories, context_length=model.config.context_length))
    assert 0.9 < nats / -np.sum(log_probs) < 1.3  # of the entropy: these eight stories may be luckier than all
    assert (folder / "README.md").is_file()


def test_a_run_is_exported_in_half_its_size_and_computes_nearly_the_same(tmp_path):
    tokenizer = BPETokenizer.train(["a rose is a rose"], 260)
    model = GPT(tiny(260, n_embd=32, n_layer=1, context_length=16)).eval()
    torch.nn.init.normal_(model.head_weight.data, std=0.1)
    run = save_checkpoint(tmp_path / "run", model=model, tokenizer=tokenizer, best=True)
    export_checkpoint(tmp_path / "run", tmp_path / "shipped" / "rose")
    names = {path.name for path in (tmp_path / "shipped" / "rose").iterdir()}
    assert names == {"config.json", "model.safetensors", "tokenizer.json"}
    sizes = [(folder / "model.safetensors").stat().st_size for folder in (tmp_path / "shipped" / "rose", run)]
    assert sizes[0] < 0.6 * sizes[1]
    shipped, idx = load_checkpoint(tmp_path / "shipped" / "rose"), torch.arange(12)[None]
    assert shipped.tokenizer.encode("a rose") == tokenizer.encode("a rose")
    assert torch.allclose(shipped.model(idx)[0], model(idx)[0], atol=1e-2)


def test_a_weight_beyond_float16_is_refused(tmp_path):
    model = GPT(tiny(260, n_embd=32, n_layer=1, context_length=16))
    model.head_weight.data[0, 0] = 1e5
    save_checkpoint(tmp_path / "run", model=model, best=True)
    with pytest.raises(ValueError, match="65504"):
        export_checkpoint(tmp_path / "run", tmp_path / "out")


def test_what_is_not_shipped_is_said():
    shipped = [path.parent.name for path in SHIPPED.glob("*/config.json")]
    with pytest.raises(ValueError, match=shipped[0]):
        load_pretrained("large")
