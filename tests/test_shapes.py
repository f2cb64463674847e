"""Every shape comment in course_lib is run, and holds. A module that has one needs a driver in DRIVERS.

A driver imports what it needs inside itself (there the package is the instrumented one) and runs it at tiny
sizes, all different, so that two axes in the wrong order cannot look right.
"""

import itertools

import numpy as np
import pytest
import torch

from tools.shape_comments import ShapeError, checked, comments_in, instrument

B, T, V = 3, 5, 11
CHOICES = {
    "norm": ("rmsnorm", "layernorm"),
    "position": ("rotary", "learned", "none"),
    "feedforward": ("relu2", "gelu", "swiglu"),
    "attention": ("auto", "explicit", "fused"),
}


def tiny_gpt(**changes):
    from course_lib.model.config import GPTConfig
    from course_lib.model.gpt import GPT

    sizes = {"vocab_size": V, "context_length": 8, "n_layer": 2, "n_head": 6, "n_kv_head": 2, "n_embd": 24}
    torch.manual_seed(0)
    return GPT(GPTConfig(**sizes | changes))


def drive_model():
    """Every choice of parts once; cached, ragged and explicit attention."""
    from course_lib.model.attention import attention, causal_mask
    from course_lib.model.kv_cache import KVCache

    idx = torch.randint(V, (B, T))
    for values in itertools.zip_longest(*CHOICES.values()):
        chosen = {name: value for name, value in zip(CHOICES, values, strict=True) if value}
        tiny_gpt(**chosen, qk_norm=True, bias=True, logit_soft_cap=30.0)(idx)
    with torch.autocast("cpu", torch.bfloat16):
        tiny_gpt()(idx)
    model = tiny_gpt()
    with torch.autocast("cpu", dtype=torch.bfloat16):  # here always, in training only on processors that have bf16
        model(idx)
    padding_mask = torch.arange(T) >= torch.tensor([[0], [1], [3]])
    cache = KVCache(model.config, B)
    model(idx, padding_mask=padding_mask, cache=cache)
    longer = torch.cat([padding_mask, torch.ones(B, 1, dtype=bool)], dim=1)
    model(idx[:, :1], padding_mask=longer, cache=cache)
    cache.select(torch.tensor([0, 2, 2, 1]))
    q, k, v = torch.randn(B, 6, 2, 4), torch.randn(B, 6, T, 4), torch.randn(B, 6, T, 4)
    attention(q, k, v, causal_mask(2, T))
    attention(q, k, v, causal_mask(2, T) & torch.tensor([[True], [False]]))


def drive_generation():
    from unittest.mock import patch

    from course_lib.generation import generate as module
    from course_lib.generation import static_cache
    from course_lib.generation.generate import generate, left_pad
    from course_lib.generation.static_cache import GreedyDecoder

    idx, padding_mask = left_pad([[1, 2, 3], [4]])
    sampling = {"temperature": 0.9, "top_k": 7, "top_p": 0.9, "min_p": 0.01, "typical_p": 0.9}
    for use_cache in (True, False):
        options = {"max_new_tokens": 12, "padding_mask": padding_mask, "stop_ids": {5}}
        generate(tiny_gpt(), idx, use_cache=use_cache, **options, **sampling)
    GreedyDecoder(tiny_gpt(), 2, max_length=7)(idx, max_new_tokens=4)
    for position in CHOICES["position"]:  # enough new tokens for numpy
        generate(tiny_gpt(position=position, norm="layernorm"), idx, max_new_tokens=20)
    with (patch.object(module, "can_record", lambda model: True),  # as on a GPU, without its recording
          patch.object(static_cache, "record", lambda step, device: step)):
        generate(tiny_gpt(), idx, padding_mask=padding_mask, max_new_tokens=12)
    with patch.object(module, "waits_anyway", lambda idx, stop_ids: False):  # as on a GPU
        generate(tiny_gpt(), idx, max_new_tokens=2, temperature=1e-5)
    generate(tiny_gpt(), idx, max_new_tokens=2, adjust=lambda logits, so_far: logits - so_far[:, -1:])


def drive_penalties():
    from course_lib.generation.penalties import adjust_with

    idx = torch.randint(V, (B, T))
    adjust = adjust_with(idx[:, :2] > 2, repetition_penalty=2.0, no_repeat_ngram=2)
    adjust(torch.randn(B, V), idx)


def drive_beam():
    from course_lib.generation.beam import beam_search, next_log_probs

    beam_search(next_log_probs(tiny_gpt()), [1, 2, 3], n_beam=2, max_new_tokens=4, stop_ids=[1])


def drive_speculative():
    from course_lib.generation.speculative import speculate

    list(speculate(tiny_gpt(), tiny_gpt(n_layer=1), [1, 2, 3], max_new_tokens=5, n_draft=2))


def drive_dataset():
    from course_lib.text.dataset import TokenDataset
    from course_lib.text.windows import document_windows, sequential_windows

    ids = np.arange(100) % V
    next(TokenDataset(ids, batch_size=B, context_length=T))
    list(sequential_windows(ids, B, T))
    list(document_windows(ids, B, T, end_of_text=0))


def drive_ngram():
    from course_lib.byhand.interpolation import Interpolated
    from course_lib.byhand.ngram import NGram

    model = NGram.fit([0, 1, 2, 0, 1, 2], 3, vocab_size=4)
    model.log_probs([0, 1, 2, 3])
    model.probs([0, 1])
    Interpolated.fit_weights(model, [0, 1, 2, 3, 1])


def drive_backprop():
    """A step of each MLP by hand, which calls every commented function of byhand.functional."""
    from course_lib.byhand import functional as F
    from course_lib.byhand.mlp import MLPLanguageModel

    rng = np.random.default_rng(0)
    model = MLPLanguageModel(V, T, 4, 6, generator=rng)
    logits, steps = model.forward(rng.integers(0, V, (B, T)))
    targets = rng.integers(0, V, B)
    F.cross_entropy(logits, targets)
    model.backward(F.cross_entropy_backward(1.0, logits, targets), steps)
    F.linear_backward(np.ones((B, T, 2)), np.ones((B, T, 4)), np.ones((4, 2)))


def drive_attention_by_hand():
    from course_lib.byhand.attention import attention, attention_backward, causal_mask

    q, k, v = np.ones((B, 6, 2, 4)), np.ones((B, 6, T, 4)), np.ones((B, 6, T, 4))
    out, weights = attention(q, k, v, causal_mask(2, T))
    attention_backward(np.ones_like(out), q, k, v, weights)


def drive_evaluate():
    from course_lib.text.tokenizer import CharTokenizer
    from course_lib.training.evaluate import document_nats

    tokenizer = CharTokenizer.train(["abcdefg"])
    model = tiny_gpt(vocab_size=tokenizer.vocab_size)
    document_nats(model, tokenizer, ["abc", "gfedcbaabcdefg", "a"], context_length=8)


def drive_muon():
    from course_lib.training.muon import Muon

    weights = [torch.nn.Parameter(torch.randn(3, 4)) for _ in range(2)]
    for weight in weights:
        weight.grad = torch.randn(3, 4)
    Muon(weights).step()


def drive_trainer():
    from course_lib.text.dataset import TokenDataset
    from course_lib.training.config import TrainConfig
    from course_lib.training.trainer import Trainer

    recipe = {"max_lr": 1e-3, "min_lr": 1e-4, "warmup_steps": 1, "weight_decay": 0.1, "threads": 1}
    config = TrainConfig(max_steps=1, batch_size=B, **recipe)
    list(Trainer(tiny_gpt(), TokenDataset(np.arange(100) % V, batch_size=B, context_length=T), config))


def drive_attention_viewer():
    from course_lib.lab.widgets import AttentionViewer

    weights = np.full((2, 3, 4), 0.25)
    AttentionViewer(weights, ["a", "b", "c"], keys=["a", "b", "c", "d"], token=1, head=0).picture()


DRIVERS = {
    "text.dataset": drive_dataset,
    "text.windows": drive_dataset,
    "byhand.attention": drive_attention_by_hand,
    "byhand.functional": drive_backprop,
    "byhand.mlp": drive_backprop,
    "byhand.interpolation": drive_ngram,
    "byhand.ngram": drive_ngram,
    "model.attention": drive_model,
    "model.block": drive_model,
    "model.gpt": drive_model,
    "model.kv_cache": drive_model,
    "model.position": drive_model,
    "training.evaluate": drive_evaluate,
    "training.muon": drive_muon,
    "training.gradients": drive_trainer,
    "generation.beam": drive_beam,
    "generation.ranking": drive_beam,
    "generation.generate": drive_generation,
    "generation.penalties": drive_penalties,
    "generation.sampling": drive_generation,
    "generation.folding": drive_generation,
    "generation.numpy_decoder": drive_generation,
    "generation.speculative": drive_speculative,
    "generation.static_cache": drive_generation,
    "lab.widgets.attention_viewer": drive_attention_viewer,
}


@pytest.fixture(scope="module")
def commented(repository):
    """Module → lines, of every shape comment in the package."""
    found = {}
    for path in sorted((repository / "course_lib").rglob("*.py")):
        if lines := comments_in(path.read_text(encoding="utf-8")):
            name = ".".join(path.relative_to(repository / "course_lib").with_suffix("").parts)
            found[name.removesuffix(".__init__")] = set(lines)
    return found


def test_every_commented_module_has_a_driver(commented):
    assert set(commented) == set(DRIVERS), "DRIVERS must list exactly the modules with shape comments"


def test_every_shape_comment_runs_and_holds(commented, repository):
    with checked("course_lib", repository) as log:
        for driver in dict.fromkeys(DRIVERS.values()):
            driver()
    assert log.unattached == set(), "a shape comment belongs behind an assignment or a return"
    ran = {(name.removeprefix("course_lib."), line) for name, line in log.ran}
    all_comments = {(name, line) for name, lines in commented.items() for line in lines}
    assert all_comments - ran == set(), "these shape comments never ran: extend the driver"
    assert len(ran) == len(all_comments)


RIGHT = """
def f(x, F):
    '''Doc.'''
    B, T, C = x.shape
    y, z = x.swapaxes(1, 2), 2 * x.swapaxes(1, 2)  # (B, C, T)
    w: object = np.concatenate([x, x], -1)  # (B, T, 2*C)
    box.it = w  # (..., C + C)
    pad = np.zeros(F)  # (F,)
    s = x.sum()  # ()
    p = x[0]  # (T, C) or (B, T, C)
    n = 7
    q = np.ones((n + 1, n))  # (n + 1, n)
    return x[:, 0]  # (B, C)
"""


def run(source):
    """Run f of a source with checks; returns its value."""
    from types import SimpleNamespace

    from tools.shape_comments import Log

    log = Log()
    code, unattached = instrument(source, "source.py")
    space = {"np": np, "box": SimpleNamespace(), "_check_shape_": log.checker("source"), "_sizes_": {}}
    exec(code, space)
    return space["f"](np.zeros((2, 3, 4)), 6), log, unattached


def test_right_comments_hold():
    value, log, unattached = run(RIGHT)
    assert value.shape == (2, 4) and len(log.ran) == 8 and not unattached


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("(B, C, T)", "(B, T, C)", r"line 5: y is \(2, 4, 3\), the comment says \(B, T, C\): T is 3, not 4"),
        ("(B, C, T)", "(B, C)", "3 axes instead of 2"),
        ("(B, T, 2*C)", "(B, T, 3*C)", r"3\*C is 12, not 8"),
        ("(..., C + C)", "(..., C)", "C is 4, not 8"),
        ("# (F,)", "# (T,)", "T is 3, not 6"),
        ("# ()", "# (1,)", "0 axes instead of 1"),
        ("(T, C) or (B, T, C)", "(C, T) or (B, T, C)", "C is 4, not 3; 2 axes instead of 3"),
        ("return x[:, 0]  # (B, C)", "return x[:, 0]  # (B, T)", "_result_ is .*T is 3, not 4"),
        ("# (n + 1, n)", "# (N + 1, n)", r"nothing says what N \+ 1 is"),
        ("# (n + 1, n)", "# (N, N)", "N is 8, not 7"),
        ("s = x.sum()  # ()", "s = [1]  # (1,)", "is a list, which has no shape"),
    ],
)
def test_a_wrong_comment_fails(right, wrong, message):
    with pytest.raises(ShapeError, match=message):
        run(RIGHT.replace(right, wrong))


def test_what_counts_as_a_shape_comment():
    lines = ["x = 1  # (B, T)", "# (B, T)", "y = 2  # (see the paper)", "z = 3  # (B)"]
    lines += ["k = 4  # (who, whom)", "s = '# (B, T)'"]
    assert comments_in("\n".join(lines) + "\n") == {1: "(B, T)"}


def test_a_comment_that_cannot_be_checked_is_reported():
    assert instrument("for x in y:  # (B, T)\n    pass\n", "source.py")[1] == {1}
