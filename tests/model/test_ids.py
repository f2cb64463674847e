"""Ids in tensors: looked at where that is possible, and nowhere else."""

from dataclasses import replace

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from course_lib.model import gpt
from course_lib.model.config import GPTConfig
from course_lib.model.gpt import GPT
from course_lib.model.ids import can_look, refuse_odd_ids
from course_lib.model.kv_cache import KVCache
from course_lib.training.loss import next_token_loss


class HalfRead(KVCache):
    """A cache that has three tokens, and no memory."""

    length = 3

    def __init__(self, *arguments):
        pass

    def append(self, layer, k, v):
        return k, v


CONFIG = GPTConfig(vocab_size=11, context_length=8, n_layer=1, n_head=2, n_embd=8)


def test_the_first_that_is_none_is_named():
    refuse_odd_ids(torch.tensor([[0, 10]]), 11)
    refuse_odd_ids(torch.tensor([[-1, 10]], dtype=torch.int32), 11, ignore=-1)
    with pytest.raises(ValueError, match=r"idx\[1, 0\] is 11, but ids are 0 to 10"):
        refuse_odd_ids(torch.tensor([[0, 1], [11, 12]]), 11)
    for dtype in (torch.float32, torch.bool, torch.uint8):
        with pytest.raises(ValueError, match=rf"targets is of {dtype}, but ids are int64"):
            refuse_odd_ids(torch.zeros(1, 2, dtype=dtype), 11, "targets")


@pytest.mark.filterwarnings("ignore:`torch.jit.trace:DeprecationWarning")
def test_where_numbers_can_be_looked_at():
    assert can_look(torch.zeros(2)) and can_look(torch.nn.Parameter(torch.zeros(2)))
    assert not can_look(torch.zeros(2, device="meta"))
    with FakeTensorMode(allow_non_fake_inputs=True):
        assert not can_look(torch.zeros(2, device="cuda")) and not can_look(torch.zeros(2))
    seen = []
    torch.func.vmap(lambda x: (seen.append(can_look(x)), x * 2)[1])(torch.zeros(2, 2))
    torch.func.grad(lambda x: (seen.append(can_look(x)), x.sum())[1])(torch.zeros(2))
    torch.jit.trace(lambda x: (seen.append(can_look(x)), x * 2)[1], torch.zeros(2), check_trace=False)
    assert seen == [False, False, False]


def test_a_forward_pass_asks_a_gpu_for_no_number_in_training_or_when_it_goes_on(monkeypatch):
    """Each question would wait for all that the GPU has been given to do. Elsewhere the first ids are looked at."""
    asked = []
    monkeypatch.setattr(gpt, "refuse_odd_ids", lambda idx, vocab_size: asked.append(tuple(idx.shape)))
    model = GPT(replace(CONFIG, position="none"))
    with FakeTensorMode(), torch.no_grad():
        tensors = {name: torch.empty(tensor.shape, dtype=tensor.dtype, device="cuda")
                   for name, tensor in [*model.named_parameters(), *model.named_buffers()]}
        idx = torch.zeros(2, 3, dtype=torch.long, device="cuda")
        next_token_loss(torch.func.functional_call(model, tensors, (idx,)), idx, n_targets=6.0)
        assert asked == []
        model.eval()
        torch.func.functional_call(model, tensors, (idx,))
        assert asked == [(2, 3)]
        torch.func.functional_call(model, tensors, (idx,), {"cache": HalfRead(CONFIG, 2)})
        assert asked == [(2, 3)]


@pytest.mark.parametrize("training", [True, False])
def test_the_model_is_exported_and_compiled_as_before(training):
    model, idx = GPT(CONFIG).train(training), torch.tensor([[1, 2, 3]])
    exported = torch.export.export(model, (idx,), strict=False).module()
    torch.testing.assert_close(exported(idx), model(idx))
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(idx), model(idx))
    loss = torch.compile(next_token_loss, backend="eager", fullgraph=True)
    torch.testing.assert_close(loss(model(idx), idx, n_targets=3.0), next_token_loss(model(idx), idx))


def test_gradients_of_each_sample_alone():
    """What DP-SGD does: vmap over grad, in which no number can be looked at."""
    model = GPT(replace(CONFIG, attention="explicit")).double()
    parameters = dict(model.named_parameters())

    def loss(parameters, idx):
        return next_token_loss(torch.func.functional_call(model, parameters, (idx[None],)), idx[None], n_targets=3.0)

    idx = torch.tensor([[1, 2, 3], [4, 5, 6]])
    each = torch.func.vmap(torch.func.grad(loss), (None, 0))(parameters, idx)
    alone = torch.func.grad(loss)(parameters, idx[1])
    torch.testing.assert_close({name: grad[1] for name, grad in each.items()}, alone)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_gpu_names_them_too():
    model = GPT(CONFIG).cuda().eval()
    with pytest.raises(ValueError, match=r"idx\[0, 1\] is 11"):
        model(torch.tensor([[0, 11]], device="cuda"))
    with pytest.raises(ValueError, match=r"targets\[0, 1\] is -100"):
        next_token_loss(torch.zeros(1, 2, 11, device="cuda"), torch.tensor([[0, -100]], device="cuda"))
    assert model(torch.tensor([[0, 10]], device="cuda")).isfinite().all()  # the GPU is as it was
