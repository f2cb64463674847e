"""What runs on a GPU, run without one: shapes of full width as fake tensors, numbers on a pretended device.

A build of torch without CUDA can neither index nor train fake CUDA tensors (it asks for the driver's streams), so both
lie on `tools.pretend_device`, which also knows what a GPU refuses.
"""

import re
from unittest.mock import patch

import pytest
import torch
from torch._subclasses import FakeTensorMode

from course_lib.generation.automaton import from_texts
from course_lib.generation.beam import beam_search, next_log_probs
from course_lib.generation.constrained import TokenAutomaton, constrained
from course_lib.generation.generate import generate, left_pad, stream
from course_lib.generation.penalties import PENALTIES, adjust_with
from course_lib.generation.speculative import speculate
from course_lib.generation.static_cache import GreedyDecoder
from course_lib.model.config import PRESETS
from course_lib.model.gpt import GPT
from course_lib.model.position import rotary_tables
from course_lib.text.dataset import TokenDataset
from course_lib.text.tokenizer import CharTokenizer
from course_lib.training.config import TrainConfig
from course_lib.training.cost import measure_peak
from course_lib.training.evaluate import document_nats, held_out_loss
from course_lib.training.loss import next_token_loss
from course_lib.training.muon import build_optimizers, set_lr
from course_lib.training.optim import clip_gradients
from course_lib.training.trainer import Trainer
from tools.pretend_device import pretend, rehearse

SMALL = dict(context_length=16, n_layer=2, n_head=2, n_embd=16, n_kv_head=None, n_hidden=None)
V = 41


def small(preset="tiny", **changes):
    torch.manual_seed(0)
    model = GPT(PRESETS[preset](V, **SMALL | {"init": "gpt2"} | changes))
    for p in model.parameters():  # far from uniform, so that greedy ids change from token to token
        p.data.mul_(5)
    return model.eval()


def moved(model):
    """`model.to("cuda")`, which cannot swap fake tensors."""
    for module in model.modules():
        for tensors in (module._parameters, module._buffers):
            for name, tensor in tensors.items():
                there = None if tensor is None else tensor.detach().to("cuda")
                tensors[name] = torch.nn.Parameter(there) if isinstance(tensor, torch.nn.Parameter) else there
    return model


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_takes_a_step_in_full_width_and_waits_for_nothing(preset, optimizer):
    with FakeTensorMode(), pretend() as work:
        model = moved(GPT(PRESETS[preset](50_304, n_layer=2)))
        optimizers = build_optimizers(model, TrainConfig(max_steps=1, batch_size=2, optimizer=optimizer))
        idx = torch.zeros(2, model.config.context_length, dtype=torch.long, device="cuda")
        logits = model(idx)
        loss = next_token_loss(logits, idx, n_targets=idx.numel())
        loss.backward()
        clip_gradients(model.parameters(), 1.0)
        for each in optimizers:
            set_lr(each, 1e-3)
            each.step()
    assert logits.shape == (*idx.shape, 50_304) and logits.device == loss.device == torch.device("cuda:0")
    assert work.waits == []
    assert all(p.grad.device == loss.device for p in model.parameters())


def trained(device, preset, optimizer):
    ids = torch.randint(V, (800,), generator=torch.Generator().manual_seed(1)).numpy()
    config = TrainConfig(max_steps=2, batch_size=2, accumulation_steps=2, optimizer=optimizer, device=device,
                         dtype="float32", threads=1, eval_every=1, eval_batches=1)
    trainer = Trainer(small(preset), TokenDataset(ids, batch_size=2, context_length=16), config, held_out=ids[:200])
    return [{name: value for name, value in record.items() if name != "seconds"} for record in trainer]


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_trains_as_on_the_cpu_with_one_wait_an_update(preset, optimizer):
    expected = trained("cpu", preset, optimizer)
    with pretend() as work:
        found = trained("cuda", preset, optimizer)
    for record, other in zip(found, expected, strict=True):
        assert record == pytest.approx(other, rel=1e-4)
    assert len(work.waits) <= 2 * 2, work.waits  # an update and an evaluation, twice


# Decoding. `record` is the one thing that only CUDA can do: here the step runs as often, and is not recorded.


@pytest.fixture
def played():
    """How often a recorded step was played."""
    plays = []

    def counted(step, device):
        rehearse(step, device)
        return lambda: (plays.append(device), step())

    with patch("course_lib.generation.static_cache.record", counted):
        yield plays


PROMPTS = left_pad([[1, 2, 3, 4, 5], [6, 7]])
END = 40


def clock(logits, idx):
    """An adjustment that knows every token and the place it stands at."""
    return logits + 0.1 * idx.sum(dim=1, keepdim=True).remainder(7) * torch.arange(V, device=logits.device).cos()


def written(device, **options):
    """What is added to two prompts of unequal length, past the context's end and one slide more."""
    idx, padding_mask = (side.to(device) for side in PROMPTS)
    generator = torch.Generator(device).manual_seed(3)
    return generate(small().to(device), idx, max_new_tokens=30, padding_mask=padding_mask, generator=generator,
                    **options).cpu()


@pytest.mark.parametrize("options", [
    dict(temperature=0), dict(temperature=0, use_cache=False), dict(temperature=0.8), dict(top_k=7, top_p=0.9),
    dict(min_p=0.02, typical_p=0.9), dict(stop_ids=[3, 5]), dict(adjust=clock)], ids=lambda o: ", ".join(o))
def test_a_gpu_writes_what_the_cpu_writes(options, played):
    expected = written("cpu", **options)
    with pretend() as work:
        assert torch.equal(written("cuda", **options), expected)
    if "stop_ids" not in options:
        # of thirty tokens one comes from reading the prompt, two from reading the last half after a slide
        assert len(played) == (0 if "use_cache" in options else 27)
        assert work.waits == ["aten::_to_copy"]  # the text at its end; a stop id would be asked for at every step


def test_a_step_of_sampling_is_a_few_calls_beside_the_recorded_one():
    """What makes it fast: of the hundreds of kernels of a step the processor starts a few dozen."""
    counts = []
    with pretend() as work, patch("course_lib.generation.static_cache.record", lambda step, device: step() or int):
        model, idx = small(n_layer=12).to("cuda"), torch.tensor([[1, 2]], device="cuda")
        for new in (13, 3):  # three are too few to record for
            steps = stream(model, idx, max_new_tokens=new, temperature=0.8, top_p=0.9)
            next(steps), next(steps)
            before = len(work.operations)
            next(steps)
            counts.append(len(work.operations) - before)
    print(counts)
    assert counts[0] < 40 < 300 < counts[1], counts


def test_the_recorded_decoder_reads_the_prompt_at_once_and_waits_for_nothing(played):
    idx = PROMPTS[0][:1]
    expected = generate(small(), idx, max_new_tokens=9, temperature=0)
    with pretend() as work:
        decoder = GreedyDecoder(small().to("cuda"), 1, max_length=14)
        found = decoder(idx.to("cuda"), max_new_tokens=9)
        assert work.waits == [] and len(played) == 9
        assert torch.equal(found.cpu(), expected)


def found_by_beams(device, change):
    log_probs = next_log_probs(small().to(device))
    found, _ = beam_search(change(log_probs), [1, 2, 3], n_beam=3, max_new_tokens=6, stop_ids=[END])
    return [hypothesis.ids for hypothesis in found]


NAMES = {i: bytes([97 + i % 26]) for i in range(END)}
CHANGES = {name: lambda log_probs, name=name: lambda idx: adjust_with(  # as `course generate --beams` does it
    torch.tensor([[False, True, True]]), **{name: 2})(log_probs(idx), idx) for name in PENALTIES}
CHANGES |= {"alone": lambda log_probs: log_probs,
            "constrained": lambda log_probs: constrained(
                log_probs, TokenAutomaton(from_texts(["abc", "abde", "xyz"]), NAMES, END), 3, 6)}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_beams_on_a_gpu_find_what_they_find_on_the_cpu(change):
    expected = found_by_beams("cpu", change)
    with pretend():
        assert found_by_beams("cuda", change) == expected


@pytest.mark.parametrize("name", PENALTIES)
def test_penalties_on_a_gpu(name, played):
    def options(device):
        return dict(adjust=adjust_with(PROMPTS[1].to(device), **{name: 2}), temperature=0)

    expected = written("cpu", **options("cpu"))
    with pretend():
        assert torch.equal(written("cuda", **options("cuda")), expected)


def test_speculation_on_a_gpu():
    def rounds(device):
        generator = torch.Generator().manual_seed(1)
        return list(speculate(small().to(device), small("gpt2_124m").to(device), [1, 2, 3], max_new_tokens=12,
                              generator=generator, top_k=20))

    expected = rounds("cpu")
    with pretend():
        assert rounds("cuda") == expected
        with pytest.raises(ValueError, match="generator is one of cuda, but ids are drawn on the CPU"):
            speculate(small(), small(), [1], max_new_tokens=2, generator=torch.Generator("cuda"))


def test_what_lies_on_two_devices_is_said_at_the_door():
    with pretend():
        model, there, here = small().to("cuda"), PROMPTS[0].to("cuda"), PROMPTS[0]
        for options, message in (
                (dict(idx=here), "the model is on cuda, but idx is on cpu; use idx.to('cuda')"),
                (dict(idx=there, padding_mask=PROMPTS[1]), "padding_mask is on cpu; use padding_mask.to('cuda')"),
                (dict(idx=there, generator=torch.Generator()), "generator is on cpu; use torch.Generator('cuda')")):
            with pytest.raises(ValueError, match=re.escape(message)):
                stream(model, max_new_tokens=3, **options)


# Apple's GPUs have no doubles.


def test_nothing_makes_doubles_where_there_are_none():
    tokenizer = CharTokenizer.train("abc ")
    with pretend("mps"):
        with pytest.raises(TypeError, match="float64"):
            torch.ones(1, device="mps").double()
        torch.manual_seed(0)
        model = GPT(PRESETS["tiny"](tokenizer.vocab_size, **SMALL)).to("mps")
        assert (document_nats(model, tokenizer, ["abba", "a cab"], context_length=16) > 0).all()
        idx = PROMPTS[0].numpy() % 4
        assert held_out_loss(model, [(idx, idx)]) > 0
        beam_search(next_log_probs(model), [1, 2], n_beam=2, max_new_tokens=3)
        list(speculate(model, model, [1, 2], max_new_tokens=3))
        assert next(stream(model, torch.tensor([[1]], device="mps"), max_new_tokens=2)).device.type == "mps"
        with torch.device("mps"):
            assert rotary_tables(4, 8)[0].device.type == "mps"


def test_the_clock_waits_for_an_apple_gpu_as_well():
    with pretend("mps"), patch("torch.mps.synchronize") as wait:
        measure_peak("mps", size=8, seconds=0)
    assert wait.call_count >= 6


# The net itself: what it must catch.


def index_on_the_cpu(model, idx):
    return torch.nn.functional.embedding(torch.arange(3), model.token_embedding.weight)


def slot_on_the_cpu(model, idx):
    return model.token_embedding.weight.index_copy(0, torch.tensor([1]), idx.new_zeros(1, 16).float())


def mask_on_the_cpu(model, idx):
    return model(idx, padding_mask=torch.ones(1, 3, dtype=torch.bool))


def ids_on_the_cpu(model, idx):
    return model(idx.cpu())


def numpy_of_a_gpu(model, idx):
    return idx.numpy()


@pytest.mark.parametrize("mistake", [index_on_the_cpu, slot_on_the_cpu, mask_on_the_cpu, ids_on_the_cpu,
                                     numpy_of_a_gpu])
def test_tensors_of_two_devices_do_not_meet(mistake):
    with pretend():
        model, idx = small().to("cuda"), torch.tensor([[1, 2, 3]], device="cuda")
        with pytest.raises((RuntimeError, TypeError, ValueError), match="same device|numpy|is on cpu|on the CPU"):
            mistake(model, idx)


def test_a_pretended_device_computes_what_the_cpu_computes():
    def results(device):
        a = torch.arange(12.0, device=device).view(3, 4)
        b = torch.full_like(a, -1.0)
        b[1, [0, 2]], b[:, 3], b[2, torch.tensor([1])] = a[1, [0, 2]], torch.tensor([8.0, 9, 10], device=device), 7
        picked = torch.tensor([[1], [0], [3]], device=device)
        return [a.gather(1, picked), b, a[a > 5], b.to(torch.float16), a.sum(dim=0), a.tolist(), (a @ b.mT).cpu()]

    expected = results("cpu")
    with pretend() as work:
        for found, value in zip(results("cuda"), expected, strict=True):
            assert found == value if isinstance(value, list) else torch.equal(found.cpu(), value)
    assert "aten::_local_scalar_dense" not in work.waits and len(work.operations) > 15
