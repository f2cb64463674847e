"""The cache: whatever way a text is cut, the logits are those of reading it at once."""

import pytest
import torch

from course_lib.model.config import GPTConfig
from course_lib.model.kv_cache import KVCache, cache_bytes

TIGHT = dict(rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("pieces", [[1] * 12, [5, 1, 1, 4, 1], [12], [11, 1]])
def test_cached_logits_are_full_logits(model, idx, pieces):
    cache, cached = KVCache(model.config, 3), []
    for part in idx.split(pieces, dim=1):
        cached.append(model(part, cache=cache))
    torch.testing.assert_close(torch.cat(cached, dim=1), model(idx), **TIGHT)
    assert cache.length == 12


@pytest.mark.parametrize("attention", ["explicit", "fused"])
def test_both_paths_use_the_cache(build, idx, attention):
    model = build(attention=attention, n_kv_head=2)
    cache = KVCache(model.config, 3)
    cached = [model(part, cache=cache) for part in idx.split([4, 3, 1, 4], dim=1)]
    torch.testing.assert_close(torch.cat(cached, dim=1), model(idx), **TIGHT)


@pytest.mark.parametrize("pieces", [[6, 1, 1, 4], [12], [8, 4]])
def test_ragged_rows_are_as_if_alone(model, idx, pieces):
    starts, cache, cached = (0, 3, 5), KVCache(model.config, 3), []
    padding_mask = torch.arange(12) >= torch.tensor(starts)[:, None]
    for part in idx.split(pieces, dim=1):
        cached.append(model(part, padding_mask=padding_mask[:, :cache.length + part.shape[1]], cache=cache))
    cached = torch.cat(cached, dim=1)
    for row, start in enumerate(starts):
        torch.testing.assert_close(cached[row:row + 1, start:], model(idx[row:row + 1, start:]), **TIGHT)


def test_append_returns_old_before_new(build):
    config = build(n_kv_head=2).config
    cache = KVCache(config, 1, max_length=3)
    k = torch.arange(48.0).view(1, 2, 3, 8)
    cache.append(1, k[:, :, :2], -k[:, :, :2])
    cache.advance(2)
    keys, values = cache.append(1, k[:, :, 2:], -k[:, :, 2:])
    assert torch.equal(keys, k) and torch.equal(values, -k)
    assert cache.keys.shape == (2, 1, 2, 3, 8)


def test_memory_is_allocated_once(build, idx):
    model = build()
    cache = KVCache(model.config, 3)
    model(idx[:, :4], cache=cache)
    where = cache.keys.data_ptr()
    model(idx[:, 4:], cache=cache)
    assert cache.keys.data_ptr() == where and cache.keys.dtype == torch.float64


def test_a_full_cache_says_so_and_stays_usable(build, idx):
    model = build()
    cache = KVCache(model.config, 3, max_length=10)
    model(idx[:, :8], cache=cache)
    with pytest.raises(ValueError, match="holds 8 of 10 tokens, so 3 more do not fit; make it with max_length=11, or"):
        model(idx[:, 8:11], cache=cache)
    after = model(idx[:, 8:10], cache=cache)
    torch.testing.assert_close(after, model(idx[:, :10])[:, 8:], **TIGHT)


def test_clear_forgets(build, idx):
    model = build()
    cache = KVCache(model.config, 3)
    model(idx, cache=cache)
    cache.clear()
    torch.testing.assert_close(model(idx[:, 4:], cache=cache), model(idx[:, 4:]), **TIGHT)


def test_the_context_counts_cached_tokens_too(build, idx):
    model = build()
    cache = KVCache(model.config, 3, max_length=100)
    model(idx, cache=cache)
    with pytest.raises(ValueError, match="17 tokens do not fit context_length=16"):
        model(idx[:, :5], cache=cache)


def test_truncated_is_never_read(model, idx):
    """Another end is read, undone, and read right: the logits are those of the right text."""
    cache = KVCache(model.config, 3)
    model(idx.flip(1)[:, :5], cache=cache)
    cache.truncate(0)
    model(torch.cat([idx[:, :6], idx[:, :4]], dim=1), cache=cache)
    cache.truncate(6)
    assert cache.length == 6
    torch.testing.assert_close(model(idx[:, 6:], cache=cache), model(idx)[:, 6:], **TIGHT)


def test_only_what_is_there_can_be_kept(build, idx):
    model = build()
    cache = KVCache(model.config, 3)
    model(idx[:, :4], cache=cache)
    for length in (5, -1):
        with pytest.raises(ValueError, match=f"holds 4 tokens and cannot keep {length}; keep 0 to 4"):
            cache.truncate(length)


@pytest.mark.parametrize("rows", [[2, 0, 0, 1], [1], [0, 1, 2]])
def test_selected_rows_go_on_as_their_texts(model, idx, rows):
    cache, rows = KVCache(model.config, 3), torch.tensor(rows)
    model(idx[:, :6], cache=cache)
    cache.select(rows)
    new = idx.flip(0)[torch.arange(len(rows)) % 3, 6:]
    expected = model(torch.cat([idx[rows, :6], new], dim=1))[:, 6:]
    torch.testing.assert_close(model(new, cache=cache), expected, **TIGHT)


def test_rows_can_be_selected_before_the_first_token(model, idx):
    cache = KVCache(model.config, 1)
    cache.select(torch.tensor([0, 0, 0]))
    torch.testing.assert_close(model(idx, cache=cache), model(idx), **TIGHT)


@pytest.mark.parametrize("n_kv_head", [1, 2, 4])
@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16"])
def test_bytes_are_those_allocated(build, idx, n_kv_head, dtype):
    model = build(n_kv_head=n_kv_head).to(getattr(torch, dtype))
    cache = KVCache(model.config, 3, max_length=13)
    model(idx, cache=cache)
    assert cache.keys.nbytes + cache.values.nbytes == cache_bytes(model.config, 3, 13, dtype)


def test_bytes_of_gpt2_by_hand():
    """12 layers, 768 numbers for keys and as many for values: 36 864 bytes a token in bf16, 36 MiB for 1024."""
    config = GPTConfig(vocab_size=50257, n_layer=12, n_head=12, n_embd=768)
    assert cache_bytes(config, 1, 1024, "bfloat16") == 36 * 2**20
