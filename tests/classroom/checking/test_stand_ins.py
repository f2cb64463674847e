"""A stand-in behaves as what it stands for, asks first, and goes when the body ends. What it catches: test_forbid."""

import functools
import math

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
