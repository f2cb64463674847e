"""Cutting probes out of a file of checks: what they need comes along, nothing else does."""

import ast

import pytest

from course_lib.classroom.authoring.probe_source import probe_source

CHECKS = '''
import math
import os.path
import numpy as np
from functools import cache as remember

from course_lib.classroom.checking.exercise import Exercise

SIDE, OTHER = 3, 4
SECRET = 7
e = Exercise("01.1", "f")

class Model:
    def __call__(self, x):
        return helper(x)

def helper(x):
    return np.full(SIDE, x)

@remember
def remembered(x):
    return x

@e.probe(points=2)
def public(ns, rng):
    "what it asks"
    return ns["f"](Model()(remembered(1)))

@e.probe(hidden=True)
def hidden(ns, rng):
    return ns["f"](math.pi + SECRET)

@e.mistake(hint="x")
def wrong(x):
    return os.path
'''


def test_a_probe_and_all_it_uses():
    source = probe_source(CHECKS, ["public"])
    names = {n.name for n in ast.parse(source).body if isinstance(n, (ast.FunctionDef, ast.ClassDef))}
    assert names == {"Model", "helper", "remembered", "public"}
    for absent in ("SECRET", "hidden", "wrong", "math", "os", "Exercise", "@e"):
        assert absent not in source
    assert "@remember" in source
    namespace = {}
    exec(source, namespace)
    assert namespace["public"]({"f": lambda x: x.tolist()}, None) == [1, 1, 1]


LOCAL = '''
def helper(x):
    return x

def kept(x):
    return helper(x)

def counted(n, start=helper(1)):
    return start + sum(1 for _ in range(n))

@e.probe()
def asked(ns, rng):
    kept, *other = [ns["f"](row) for row in range(3)]
    return kept, counted(3)

@e.mistake(hint="x")
def other(x):
    return kept(x)

@e.forbid("math.prod")
def _(call, x):
    return call(x)
'''


def test_a_local_name_is_no_use_of_what_is_called_alike():
    """`for _ in …` in a probe must not bring along an answer that is called _, nor `kept = …` a helper of others."""
    names = [node.name for node in ast.parse(probe_source(LOCAL, ["asked"])).body]
    assert names == ["helper", "counted", "asked"], "a default value is worked out in the file: its helper comes along"
    names = [node.name for node in ast.parse(probe_source(LOCAL, ["other"])).body]
    assert names == ["helper", "kept", "other"]


def test_a_name_that_is_not_there():
    with pytest.raises(ValueError, match="defines no nowhere"):
        probe_source(CHECKS, ["public", "nowhere"])
