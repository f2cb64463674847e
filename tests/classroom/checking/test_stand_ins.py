"""A stand-in behaves as what it stands for, asks first, and goes when the body ends. What it catches: test_forbid."""

import ast
import functools
import inspect
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from course_lib.classroom.checking.stand_ins import StandIn, modules_with, stand_ins, torch_reports


class Asked(Exception):
    pass


def refuse(name):
    raise Asked(name)


def test_it_is_like_the_original():
    asked = []
    one = StandIn(np.add, "numpy.add", asked.append)
    assert one(2, 3) == 5 and one.reduce([1, 2, 3]) == 6 and one.nin == 2 and repr(one) == "<ufunc 'add'>"
    assert asked == ["numpy.add", "numpy.add"] and one.__doc__ == np.add.__doc__


def test_everywhere_and_only_within():
    names = {"exp": math.exp, "doubled": functools.partial(math.pow, 2), "other": math.log}
    named = {math.exp: "math.exp", math.pow: "math.pow"}
    forbidden = {thing: (name, modules_with(thing, name)) for thing, name in named.items()}
    assert vars(math) in forbidden[math.exp][1]
    with stand_ins(forbidden, [names], refuse):
        for call in (lambda: math.exp(1), lambda: names["exp"](1), lambda: names["doubled"](3)):
            with pytest.raises(Asked):
                call()
        assert names["other"] is math.log
    assert names["exp"] is math.exp and names["doubled"](3) == 8 and math.exp(0) == 1


def test_torch_reports_whoever_calls():
    watched = {torch.exp: "torch.exp"}
    with torch_reports(lambda function: watched.get(function), refuse):
        with pytest.raises(Asked):
            list(map(torch.exp, [torch.ones(2)]))
        assert torch.ones(2).sum() == 2
    assert torch.exp(torch.zeros(1)) == 1


@pytest.mark.parametrize("thing", [np.tanh, np.add, np.dot, math.exp, torch.softmax, np.linalg.norm],
                         ids=lambda thing: thing.__name__)
def test_it_has_the_surface_of_the_original(thing):
    one = StandIn(thing, "name", refuse)
    assert set(dir(thing)) <= set(dir(one)) and isinstance(one, type(thing)) and callable(one)
    assert one == thing and thing == one and hash(one) == hash(thing) and one in {thing: 1}
    assert one.__name__ == thing.__name__ and repr(one) == repr(thing)
    for name in dir(thing):
        if not name.startswith("__") and not callable(getattr(thing, name)):
            assert getattr(one, name) == getattr(thing, name)


CHECKS = {path: text for path in sorted((Path(__file__).parents[3] / "solutions").glob("*/checks/*.py"))
          if "\nclass " in (text := path.read_text(encoding="utf-8"))}
CLASSES = {
    (path, node.name): {part.name for part in node.body if isinstance(part, ast.FunctionDef)}
    for path, text in CHECKS.items() for node in ast.parse(text).body
    if isinstance(node, ast.ClassDef) and "Exception" not in map(ast.unparse, node.bases)
}
REAL = {"zero_grad": torch.optim.Optimizer, "step": torch.optim.Optimizer, "forward": torch.nn.Module}
PLAYED = [key for key, methods in CLASSES.items() if methods & REAL.keys()]
GIVEN = [key for key, methods in CLASSES.items() if not methods & REAL.keys()]


def made(path, name):
    """A class of a file of checks."""
    names = {"__name__": "a_file_of_checks"}
    exec(compile(CHECKS[path], str(path), "exec"), names)
    return names[name]


@pytest.mark.parametrize(("path", "name"), PLAYED, ids=lambda part: getattr(part, "stem", part))
def test_what_a_probe_plays_is_the_real_thing(path, name):
    """An optimizer or a model that a probe hands to an answer: a subclass, so nobody who knows torch is refused."""
    real = next(REAL[method] for method in CLASSES[path, name] if method in REAL)
    assert issubclass(made(path, name), real)


@pytest.mark.parametrize(("path", "name"), [key for key in PLAYED if CLASSES[key] & {"zero_grad", "step"}],
                         ids=lambda part: getattr(part, "stem", part))
def test_a_played_optimizer_does_what_an_optimizer_does(path, name):
    weight = torch.nn.Parameter(torch.ones(2))
    optimizer, sgd = made(path, name)([weight]), torch.optim.SGD([weight], lr=1.0)
    assert {part for part in dir(sgd) if not part.startswith("_")} <= set(dir(optimizer))
    assert optimizer.param_groups[0]["params"][0] is weight and {"lr", "params"} <= optimizer.param_groups[0].keys()
    weight.grad = torch.ones(2)
    optimizer.param_groups[0]["lr"] = 0.25
    optimizer.step()
    assert weight.tolist() == [0.75, 0.75]
    optimizer.zero_grad(set_to_none=False)
    assert weight.grad.tolist() == [0.0, 0.0]
    optimizer.zero_grad(set_to_none=True)
    assert weight.grad is None
    optimizer.step()
    optimizer.load_state_dict(optimizer.state_dict())
    optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(1))]})
    torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.5)
    assert weight.tolist() == [0.75, 0.75] and len(optimizer.param_groups) == 2


@pytest.mark.parametrize(("path", "name"), [key for key in PLAYED if "forward" in CLASSES[key]],
                         ids=lambda part: getattr(part, "stem", part))
def test_a_played_model_can_be_asked_where_it_is(path, name):
    played = made(path, name)
    parts = [one for one in inspect.signature(played).parameters.values() if one.kind is one.POSITIONAL_OR_KEYWORD]
    model = played(*(torch.nn.Embedding(6, 6) for one in parts if one.default is one.empty))
    assert next(model.parameters()).device.type == "cpu" and model.eval() is model and not model.training


@pytest.mark.parametrize(("path", "name"), GIVEN, ids=lambda part: getattr(part, "stem", part))
def test_what_stands_for_a_class_of_the_notebook_has_what_that_has(path, name):
    """04.4 asks with Numbers in place of the notebook's Nodes: every attribute that a student may use is there."""
    notebook = next(path.parents[1].glob("*.nb.py")).read_text(encoding="utf-8")
    given = {node.name: node for node in ast.parse(notebook).body if isinstance(node, ast.ClassDef)}
    attributes = {}
    for what, node in {"played": next(n for n in ast.parse(CHECKS[path]).body if getattr(n, "name", "") == name),
                       **given}.items():
        attributes[what] = {part.attr for part in ast.walk(node) if isinstance(part, ast.Attribute)
                            and isinstance(part.value, ast.Name) and part.value.id == "self"}
        attributes[what] |= {part.name for part in node.body if isinstance(part, ast.FunctionDef)}
    assert any(attributes[what] <= attributes["played"] for what in given)
