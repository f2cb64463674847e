"""Whose code it is: of functions, lambdas, partials, methods, classes and objects; and what it would import."""

import functools
import sys

import numpy as np
import pytest
import torch

from course_lib.classroom.checking.students_code import import_first, line_of, student_globals, unwrapped


def plain(x):
    return x


class Callable:
    def __call__(self, x):
        return x

    @staticmethod
    def fixed(x):
        return x


class Layer(torch.nn.Module):
    def forward(self, x):
        return x


@functools.lru_cache
def kept(x):
    return x


@torch.no_grad()
def decorated(x):
    return x


def closed(f):
    return np.vectorize(f)


OWN = [plain, lambda x: x, functools.partial(plain, 1), functools.partial(functools.partial(plain), 1), Callable(),
       Callable().__call__, Callable.fixed, Callable, Layer(), kept, decorated, closed(plain), torch.vmap(plain)]


@pytest.mark.parametrize("answer", OWN, ids=lambda answer: type(answer).__name__)
def test_the_students_own(answer):
    assert [names is globals() for names in student_globals(answer)] == [True]


LIBRARY = [torch.softmax, torch.nn.functional.softmax, np.sum, np.add, len, torch.nn.Softmax(-1),
           functools.partial(torch.softmax, dim=-1), None, 3]


@pytest.mark.parametrize("answer", LIBRARY, ids=lambda thing: getattr(thing, "__name__", type(thing).__name__))
def test_a_librarys(answer):
    assert student_globals(answer) == []


def test_a_wrapper_that_wraps_itself_ends():
    plain_too = lambda x: x  # noqa: E731
    plain_too.__wrapped__ = plain_too
    assert unwrapped(plain_too) is plain_too


def test_the_line_is_the_students_last():
    def fails(x):
        return np.reshape(x, 7)

    try:
        fails(np.ones(3))
    except ValueError as error:
        number, text = line_of(error, [globals()])
        assert text == "return np.reshape(x, 7)" and number == fails.__code__.co_firstlineno + 1
        assert line_of(error, []) is None


PROGRAMS = {
    "a function": "def f():\n    import wave",
    "a function in a function": "def f():\n    def g():\n        import wave\n    return g",
    "a method": "class A:\n    def f(self):\n        import wave",
    "a part": "def f():\n    from wave import open",
    "a submodule": "def f():\n    from xml.dom import minidom",
}


@pytest.mark.parametrize("what", PROGRAMS)
def test_imports_come_first(what, monkeypatch):
    name = "xml.dom.minidom" if "xml" in PROGRAMS[what] else "wave"
    monkeypatch.delitem(sys.modules, name, raising=False)
    if name != "wave":
        monkeypatch.delattr(sys.modules.get("xml.dom", sys), "minidom", raising=False)
    names = {"__name__": "a notebook"}
    exec(PROGRAMS[what], names)
    import_first([names])
    assert name in sys.modules


def test_an_import_that_fails_is_left_to_the_answer():
    names = {"__name__": "a notebook"}
    exec("def f():\n    import no_such_module\n    from math import no_such_name", names)
    import_first([names])
