"""Positions: rotary against complex numbers and transformers, and what every kind must keep."""

import pytest
import torch
from transformers.models.llama.modeling_llama import apply_rotary_pos_emb

from course_lib.model.config import GPTConfig
from course_lib.model.position import build_position, rotary_tables, rotate, token_positions


@pytest.fixture
def x():
    return torch.randn(2, 3, 10, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def tables():
    return [table.double() for table in rotary_tables(8, 10)]


def test_rotation_is_multiplication_by_a_complex_number(x, tables):
    pairs = torch.complex(x[..., :4], x[..., 4:])
    speed = 10_000.0 ** (-torch.arange(4, dtype=torch.float64) / 4)
    angle = torch.arange(10, dtype=torch.float64)[:, None] * speed
    turned = pairs * torch.polar(torch.ones_like(angle), angle)
    torch.testing.assert_close(rotate(x, *tables), torch.cat([turned.real, turned.imag], dim=-1), atol=1e-6, rtol=0)


def test_rotation_is_transformers(x, tables):
    cos, sin = tables
    unsigned = torch.cat([sin[:, 4:], sin[:, 4:]], dim=-1)  # theirs keeps the minus sign elsewhere
    theirs, _ = apply_rotary_pos_emb(x, x, cos[None], unsigned[None])
    torch.testing.assert_close(rotate(x, cos, sin), theirs, atol=1e-12, rtol=0)


def test_lengths_are_kept(x, tables):
    torch.testing.assert_close(rotate(x, *tables).norm(dim=-1), x.norm(dim=-1), atol=1e-6, rtol=0)


def test_only_distance_counts(x):
    cos, sin = (table.double() for table in rotary_tables(8, 50))
    q, k = x[:, :, :1], x[:, :, 1:2]

    def score(at_q, at_k):
        turned_q = rotate(q, cos[at_q], sin[at_q])
        return (turned_q * rotate(k, cos[at_k], sin[at_k])).sum(-1)

    torch.testing.assert_close(score(7, 3), score(47, 43), atol=1e-5, rtol=0)
    assert (score(7, 3) - score(7, 4)).abs().min() > 1e-3


def test_positions_count_real_tokens_only():
    mask = torch.tensor([[0, 0, 1, 1], [1, 1, 1, 1], [0, 0, 0, 1]], dtype=torch.bool)
    assert token_positions(mask).tolist() == [[0, 0, 0, 1], [0, 1, 2, 3], [0, 0, 0, 0]]


def test_a_row_of_positions_for_each_text(x):
    rotary = build_position(GPTConfig(vocab_size=5, n_embd=24, n_head=3, context_length=20)).double()
    positions = torch.stack([torch.arange(10), torch.arange(5, 15)])
    together = rotate(x, *rotary.rotation(positions))
    for row in range(2):
        torch.testing.assert_close(together[row], rotate(x[row:row + 1], *rotary.rotation(positions[row]))[0])


def test_each_kind_acts_in_its_own_place():
    x, positions = torch.zeros(2, 6, 8), torch.arange(6)
    acts = {}
    for kind in ("learned", "rotary", "none"):
        position = build_position(GPTConfig(vocab_size=5, n_embd=8, n_head=2, position=kind))
        acts[kind] = (bool(position(x, positions).any()), position.rotation(positions) is not None)
    assert acts == {"learned": (True, False), "rotary": (False, True), "none": (False, False)}


def test_rotary_tables_are_not_saved():
    assert not build_position(GPTConfig(vocab_size=5)).state_dict()
