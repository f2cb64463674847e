"""Every field of every config is given by itself as numpy and torch give it, then saved and loaded."""

import dataclasses
import importlib
import json
import pkgutil
import types
import typing
from pathlib import Path

import numpy as np
import pytest
import torch

import course_lib
from course_lib.classroom.checking.exercise import Exercise, Probe, Property
from course_lib.classroom.checking.open_question import OpenQuestion
from course_lib.classroom.grading.sandbox.limits import Limits
from course_lib.doors.settings import plain
from course_lib.lab import results
from course_lib.model.config import GPTConfig
from course_lib.model.gpt import GPT
from course_lib.text.dataset import TokenDataset
from course_lib.text.token_file import TokenFile
from course_lib.text.tokenizer import BPETokenizer, CharTokenizer, load_tokenizer
from course_lib.training.checkpoint import load_checkpoint, save_checkpoint
from course_lib.training.config import TrainConfig
from course_lib.training.trainer import Trainer
from course_lib.worlds.storyworld import World, stories, tell_story

# A value for each field that is not optional, and others than the defaults where those are None: all fit together.
SAMPLES = {
    TrainConfig: dict(max_steps=6, batch_size=2, warmup_steps=1, threads=1, grad_clip=0.5, eval_every=3, eval_batches=1,
                      save_every=2, device="cpu", dtype="float32"),
    GPTConfig: dict(vocab_size=11, context_length=4, n_layer=1, n_head=2, n_kv_head=2, n_embd=8, n_hidden=4,
                    logit_soft_cap=15.0, dropout=0.1),
    TokenFile: dict(path=None, dtype="uint16", n_ids=5, vocab_size=7, end_of_text=6, n_documents=1, n_bytes=4),
    World: dict(most=3, events=("walk", "find")),
    Limits: {},
    Exercise: dict(number="01.1", function="f", hints=("a", "b", "c")),
    Probe: dict(id="a", name="a", fn=None),
    Property: dict(id="a", name="a", fn=None, ranges={}),
    OpenQuestion: dict(number="01.1", rubric=((1.0, "names it"),)),
}
# Dataclasses that are saved, too, but hold what the course's own code found, not what somebody set.
RESULTS = {"classroom.grading.marking.Mark", "classroom.grading.records.Result"}
UNTOUCHED = {"path", "fn", "ranges", "places", "probes", "properties", "mistakes", "forbids"}  # of other types

SCALARS = {
    int: [np.int64, np.int32, np.uint8, np.array, torch.tensor, lambda n: torch.tensor(n, dtype=torch.int32)],
    float: [np.float64, np.float32, np.float16, np.longdouble, np.array, torch.tensor,
            lambda x: torch.tensor(x, dtype=torch.bfloat16)],
    bool: [np.bool_, np.array, torch.tensor],
    str: [np.str_],
}
REFUSED = {
    int: [True, np.bool_(True), 2.5, np.float64(2.5), "3", np.nan, np.array([3]), [3], {}],
    float: [True, "0.1", "1e-3", np.nan, np.float32("nan"), np.inf, -np.inf, 10**400, torch.tensor(float("nan")),
            np.array([0.1]), 0.1j],
    bool: [1, 0, "True", np.int64(1), 1.0, []],
    str: [1, b"adamw", True, ["adamw"]],
}


def every_class():
    """Name → class, of all dataclasses that a module of the package defines."""
    found = {}
    for module in pkgutil.walk_packages(course_lib.__path__, "course_lib."):
        if not module.name.endswith("__main__"):
            for thing in vars(importlib.import_module(module.name)).values():
                if isinstance(thing, type) and dataclasses.is_dataclass(thing) and thing.__module__ == module.name:
                    found[f"{module.name.removeprefix('course_lib.')}.{thing.__name__}"] = thing
    return found


def sources():
    root = Path(course_lib.__file__).parent
    for path in root.rglob("*.py"):
        module = ".".join(path.relative_to(root.parent).with_suffix("").parts)
        yield module, path.read_text(encoding="utf-8")


def one_kind(cls, name):
    """The type of a field without `| None`."""
    kind = typing.get_type_hints(cls)[name]
    return typing.get_args(kind)[0] if isinstance(kind, types.UnionType) else kind


def simple_fields():
    for cls in SAMPLES:
        for field in dataclasses.fields(cls):
            if (kind := one_kind(cls, field.name)) in SCALARS:
                yield pytest.param(cls, field.name, kind, id=f"{cls.__name__}.{field.name}")


def tuple_fields():
    for cls in SAMPLES:
        for field in dataclasses.fields(cls):
            if typing.get_origin(one_kind(cls, field.name)) is tuple and field.name not in UNTOUCHED:
                yield pytest.param(cls, field.name, id=f"{cls.__name__}.{field.name}")


def without_functions(config):
    return {name: value for name, value in dataclasses.asdict(config).items() if name not in UNTOUCHED}


def test_whatever_is_saved_is_settled():
    """A dataclass that becomes a dictionary is either tried below, or named above with the reason."""
    saved = {name: cls for name, cls in every_class().items() if hasattr(cls, "to_dict")}
    assert {name for name, cls in saved.items() if cls not in SAMPLES} == RESULTS
    known = {cls.__module__ for cls in SAMPLES} | {f"course_lib.{name.rpartition('.')[0]}" for name in RESULTS}
    made_dictionaries = {module for module, text in sources() if "asdict(" in text}
    assert made_dictionaries - known == {"course_lib.text.prepare"}, "of a TokenFile"
    for cls in SAMPLES:
        known = {field.name for field in dataclasses.fields(cls)}
        tried = {case.values[1] for case in (*simple_fields(), *tuple_fields()) if case.values[0] is cls}
        assert known - tried <= UNTOUCHED, f"{cls.__name__}: nobody tries {known - tried - UNTOUCHED}"


@pytest.mark.parametrize("cls, name, kind", list(simple_fields()))
def test_a_field_takes_scalars_of_numpy_and_torch(cls, name, kind):
    value = getattr(cls(**SAMPLES[cls]), name)
    for scalar in SCALARS[kind]:
        if kind is int and value is not None and value > 2**31 - 1 or scalar is np.uint8 and not 0 <= value < 256:
            continue
        given = scalar(value)
        if kind is float:
            value = float(given)  # in its own precision
        config = cls(**SAMPLES[cls] | {name: given})
        assert type(getattr(config, name)) is kind and getattr(config, name) == value
        values = without_functions(config)
        again = cls(**SAMPLES[cls] | json.loads(json.dumps(values)))
        assert without_functions(again) == values


@pytest.mark.parametrize("cls, name, kind", list(simple_fields()))
def test_a_field_refuses_what_it_is_not(cls, name, kind):
    for value in REFUSED[kind]:
        with pytest.raises(ValueError, match=rf"\b{name}="):
            cls(**SAMPLES[cls] | {name: value})
    if "None" not in str(typing.get_type_hints(cls)[name]):
        with pytest.raises(ValueError, match=rf"\b{name}=None must be"):
            cls(**SAMPLES[cls] | {name: None})


@pytest.mark.parametrize("cls, name", list(tuple_fields()))
def test_a_field_of_several_values_takes_arrays_and_lists_but_no_single_value(cls, name):
    value = getattr(cls(**SAMPLES[cls]), name)
    for given in (list(value), np.array(value, dtype=None if name == "betas" else object)):
        config = cls(**SAMPLES[cls] | {name: given})
        assert getattr(config, name) == value and type(getattr(config, name)) is tuple
        json.dumps(without_functions(config))
    for wrong in ("Mia", 0.9, None if name != "events" else 3):
        with pytest.raises(ValueError, match=f"{name}=.* must be"):
            cls(**SAMPLES[cls] | {name: wrong})
    if name == "betas":
        for wrong in ((0.9,), (0.9, "0.9"), (0.9, np.nan), np.array([[0.9, 0.95]])):
            with pytest.raises(ValueError, match="betas"):
                cls(**SAMPLES[cls] | {name: wrong})


@pytest.mark.parametrize("given, way_out", [("3", "without quotes"), (4.0, "write 4"), (True, "write 1")])
def test_the_refusal_says_what_to_write(given, way_out):
    with pytest.raises(ValueError, match=f"max_steps={given!r} must be a whole number; .*{way_out}"):
        TrainConfig(max_steps=given, batch_size=1)


def spelled_by_numpy(cls):
    """The sample with every number in it as numpy has it."""
    made = {int: np.int64, float: np.float64, bool: np.bool_, str: np.str_}
    config = cls(**SAMPLES[cls])
    values = {case.values[1]: getattr(config, case.values[1]) for case in simple_fields() if case.values[0] is cls}
    return {name: value if value is None else made[type(value)](value) for name, value in values.items()}


def test_a_run_told_by_numpy_is_saved_and_resumed(tmp_path):
    """From settings of numpy to the end: trained, killed after four of six steps, resumed, finished."""
    ids = np.random.default_rng(0).integers(0, 10, 200)
    sizes = dict(batch_size=np.int64(2), context_length=np.int32(4), seed=np.int64(1), rank=np.int8(0),
                 world_size=np.array(1))
    config = TrainConfig(**spelled_by_numpy(TrainConfig) | {"betas": np.array([0.9, 0.95])})
    trainer = Trainer(GPT(GPTConfig(**spelled_by_numpy(GPTConfig))), TokenDataset(ids, **sizes), config,
                      held_out=ids, out=tmp_path / "run")
    for _ in zip(range(4), trainer, strict=False):
        pass
    resumed = Trainer.resume(tmp_path / "run", TokenDataset(ids, **sizes), config=config, held_out=ids)
    assert resumed.step >= 2 and resumed.config == trainer.config
    assert [record["step"] for record in resumed][-1] == 6
    assert load_checkpoint(tmp_path / "run").model.config == GPTConfig(**SAMPLES[GPTConfig])


def test_what_json_cannot_hold_is_said_before_the_training(tmp_path):
    """A model of one's own, with a config of one's own."""
    class Config:
        def to_dict(self):
            return {"width": np.float32(8)}

    model = GPT(GPTConfig(**SAMPLES[GPTConfig]))
    model.config = Config()
    dataset = TokenDataset(np.arange(60) % 7, batch_size=2, context_length=4)
    with pytest.raises(ValueError, match=r"the model's width=.*8\.0.* cannot be saved"):
        Trainer(model, dataset, TrainConfig(max_steps=1, batch_size=2, device="cpu"), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["batch_size", "context_length", "seed", "rank", "world_size", "position"])
def test_a_dataset_is_settled_too(name):
    values = dict(batch_size=3, context_length=4, seed=1, rank=0, world_size=1)
    position = {"position": 3}

    def made(**changes):
        dataset = TokenDataset(np.arange(50), **{n: changes.get(n, value) for n, value in values.items()})
        dataset.position = changes.get("position", position["position"])
        return dataset

    for scalar in SCALARS[int]:
        dataset = made(**{name: scalar((values | position)[name])})
        assert json.loads(json.dumps(dataset.state())) == made().state() and type(getattr(dataset, name)) is int
        assert np.array_equal(next(dataset)[0], next(made())[0])
    for wrong in REFUSED[int]:
        with pytest.raises(ValueError, match=f"{name}="):
            made(**{name: wrong})


def test_a_tokenizer_made_of_numpys_numbers_is_saved_and_loaded(tmp_path):
    for merges in (np.array([[104, 105], [256, 104]]), [(np.int64(104), np.int32(105)), (torch.tensor(256), 104)]):
        tokenizer = BPETokenizer(merges)
        tokenizer.save(tmp_path / "tokenizer.json")
        assert load_tokenizer(tmp_path / "tokenizer.json").encode("hih") == [257] == tokenizer.encode("hih")
    for merges in ([(104.0, 105)], [(True, 105)], [("h", "i")]):
        with pytest.raises(ValueError, match="merge"):
            BPETokenizer(merges)
    trained = BPETokenizer.train("hihihi", vocab_size=np.int64(259))
    assert trained.merges == BPETokenizer.train("hihihi", vocab_size=259).merges
    for wrong in REFUSED[int]:
        with pytest.raises(ValueError, match="vocab_size="):
            BPETokenizer.train("hihihi", vocab_size=wrong)
    letters = CharTokenizer(np.str_("abc"), [np.str_("<|x|>")])
    letters.save(tmp_path / "tokenizer.json")
    assert load_tokenizer(tmp_path / "tokenizer.json").encode("cab") == [2, 0, 1]


def test_a_seed_of_numpy_tells_the_same_stories():
    for seed in (1, 2**20):
        first = next(stories(seed=seed)).text
        for scalar in (np.int64, np.int32, torch.tensor):
            assert next(stories(seed=scalar(seed))).text == first, "the seed of a story is shifted by 40 bits"
    assert tell_story(np.int64(3)).text == tell_story(3).text
    for wrong in (1.5, "1", True):
        with pytest.raises(ValueError, match="seed="):
            next(stories(seed=wrong))
        with pytest.raises(ValueError, match="seed="):
            tell_story(wrong)


def test_a_step_of_numpy_can_be_saved(tmp_path):
    model = GPT(GPTConfig(**SAMPLES[GPTConfig]))
    assert load_checkpoint(save_checkpoint(tmp_path, model=model, step=np.int64(3))).config["step"] == 3
    with pytest.raises(ValueError, match="step="):
        save_checkpoint(tmp_path, model=model, step=3.5)


def test_a_result_of_numpy_can_be_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_WORK", str(tmp_path))
    row = dict(lesson="12", model="GPT", corpus="toy", parameters=np.int64(3), tokens=torch.tensor(4),
               seconds=np.float32(1.25), bits_per_byte=np.float16(0.5))
    assert results.record_result(**row) == json.loads((tmp_path / "results.jsonl").read_text())
    for wrong in (dict(bits_per_byte=np.nan), dict(tokens="4"), dict(lesson=12)):
        with pytest.raises(ValueError, match=f"{next(iter(wrong))}="):
            results.record_result(**row | wrong)


def test_none_passes_only_where_it_is_allowed_and_other_types_pass_as_they_are():
    assert plain("x", None, int | None) is None and plain("x", {1: 2}, dict) == {1: 2}
    with pytest.raises(ValueError, match="x=None must be a whole number"):
        plain("x", None, int)
