"""The block, against PyTorch's encoder layer with pre-norm and a causal mask."""

import torch
from torch import nn

from course_lib.model.attention import causal_mask
from course_lib.model.block import Block
from course_lib.model.config import GPTConfig


def make_block(**changes) -> Block:
    torch.manual_seed(0)
    block = Block(GPTConfig(vocab_size=5, n_embd=16, n_head=4, norm="layernorm", position="none",
                            feedforward="gelu", bias=True, **changes)).double()
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return block


def test_block_is_pytorchs_pre_norm_layer():
    ours = make_block()
    theirs = nn.TransformerEncoderLayer(16, 4, 64, dropout=0.0, batch_first=True, norm_first=True, dtype=torch.float64,
                                        activation=lambda x: nn.functional.gelu(x, approximate="tanh"))
    names = {"self_attn.in_proj_": "attention.qkv.", "self_attn.out_proj.": "attention.proj.",
             "linear1.": "feedforward.up.", "linear2.": "feedforward.proj.",
             "norm1.": "attention_norm.", "norm2.": "feedforward_norm."}
    theirs.load_state_dict({prefix + kind: ours.state_dict()[name + kind]
                            for prefix, name in names.items() for kind in ("weight", "bias")})
    x = torch.randn(2, 6, 16, dtype=torch.float64)
    expected = theirs(x, src_mask=~causal_mask(6))
    torch.testing.assert_close(ours(x), expected, rtol=1e-12, atol=1e-12)


def test_a_block_with_zero_projections_is_the_identity():
    block = make_block()
    for proj in (block.attention.proj, block.feedforward.proj):
        nn.init.zeros_(proj.weight)
        nn.init.zeros_(proj.bias)
    x = torch.randn(2, 6, 16, dtype=torch.float64)
    assert torch.equal(block(x), x)


def test_dropout_acts_on_both_branches():
    block, x = make_block(dropout=0.9).train(), torch.randn(2, 6, 16, dtype=torch.float64)
    assert not torch.equal(block(x), block(x))
    assert torch.equal(block.eval()(x), block(x))
