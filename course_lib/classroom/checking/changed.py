"""The right numbers, and something done to each of them: a square, a logarithm, a sum over what came before.

Used by the checks of all lessons: each is tried on what is expected when an answer is wrong.
"""

from collections.abc import Callable, Iterator

import numpy as np

Change = tuple[str, Callable[[np.ndarray], np.ndarray]]


def of_each_number() -> Iterator[Change]:
    """(what yours is, what was done to each number of the expected answer)."""
    yield "the square of what is expected", np.square
    yield "the square root of what is expected", np.sqrt
    yield "1 divided by what is expected", lambda x: 1 / x
    yield "what is expected, with True and False exchanged", lambda x: ~x if x.dtype == bool else x
    yield "1 minus what is expected", lambda x: 1 - x
    yield "what is expected without its signs", np.abs
    yield "exp of what is expected", np.exp
    yield "exp of minus what is expected", lambda x: np.exp(-x)
    yield "2 to the power of what is expected", np.exp2
    yield "10 to the power of what is expected", lambda x: 10.0**x
    yield "the natural logarithm of what is expected", np.log
    yield "minus the natural logarithm of what is expected", lambda x: -np.log(x)
    yield "the logarithm to base 2 of what is expected", np.log2
    yield "minus the logarithm to base 2 of what is expected", lambda x: -np.log2(x)
    yield "the logarithm to base 10 of what is expected", np.log10
    yield "ln(1 + what is expected)", np.log1p
    yield "exp of what is expected, minus 1", np.expm1
    yield "the sigmoid of what is expected", lambda x: 1 / (1 + np.exp(-x))
    yield "the tanh of what is expected", np.tanh
    yield "what is expected, with 0 in place of every negative number", lambda x: np.maximum(x, 0)
    yield "what is expected, rounded to whole numbers", np.round
    yield "the square of what is expected, divided by 2", lambda x: x * x / 2
    yield "the cube of what is expected", lambda x: x**3
    yield "1 divided by the square of what is expected", lambda x: 1 / (x * x)
    yield "1 divided by the square root of what is expected", lambda x: 1 / np.sqrt(x)


def along(n_axes: int) -> Iterator[Change]:
    """The same for what is done along an axis, of arrays with so many."""
    for axis in range(n_axes):
        each = _each(axis, n_axes)
        yield f"summed up from the beginning{each}", lambda x, a=axis: np.cumsum(x, axis=a)
        yield f"summed up from the end{each}", lambda x, a=axis: np.flip(np.cumsum(np.flip(x, a), axis=a), a)
        yield f"multiplied up from the beginning{each}", lambda x, a=axis: np.cumprod(x, axis=a)
        yield f"differences of neighbours{each}", lambda x, a=axis: np.diff(x, axis=a, prepend=0)
        yield f"the largest so far{each}", lambda x, a=axis: np.maximum.accumulate(x, axis=a)
        yield f"the mean so far{each}", _mean_so_far(axis)
    for axis in [*range(n_axes)][::-1] + [None] * (n_axes != 1):
        each = "" if axis is None else _each(axis, n_axes)
        of = {"axis": axis, "keepdims": True}
        yield f"divided by the sum{each}", lambda x, of=of: x / x.sum(**of)
        yield f"divided by the largest{each}", lambda x, of=of: x / x.max(**of)
        yield f"divided by the root of the sum of squares{each}", lambda x, of=of: x / np.sqrt(np.square(x).sum(**of))
        yield f"divided by the standard deviation{each}", lambda x, of=of: x / x.std(**of)
        yield f"moved so that the mean is 0{each}", lambda x, of=of: x - x.mean(**of)
        yield f"moved so that the largest is 0{each}", lambda x, of=of: x - x.max(**of)
        yield f"run through a softmax{each}", _softmax(axis)


def over(n_axes: int) -> Iterator[Change]:
    """What makes an axis disappear: (what was done, how)."""
    for axis in [*range(n_axes)] + [None] * (n_axes > 1):
        where = "all numbers" if axis is None or n_axes == 1 else _of(axis, n_axes)
        for name, reduced in (("sum", np.sum), ("mean", np.mean), ("largest", np.max), ("product", np.prod)):
            yield f"the {name} of {where}", lambda x, f=reduced, a=axis: f(x, axis=a)


def _mean_so_far(axis):
    def mean(x):
        counts = np.arange(1, x.shape[axis] + 1).reshape([-1 if i == axis else 1 for i in range(x.ndim)])
        return np.cumsum(x, axis=axis) / counts

    return mean


def _softmax(axis):
    def softmax(x):
        e = np.exp(x - x.max(axis=axis, keepdims=True))
        return e / e.sum(axis=axis, keepdims=True)

    return softmax


def _each(axis, n_axes):
    return "" if n_axes == 1 else f", in each {('column', 'row')[axis]}" if n_axes == 2 else f", along axis {axis}"


def _of(axis, n_axes):
    return f"each {('column', 'row')[axis]}" if n_axes == 2 else f"what lies along axis {axis}"
