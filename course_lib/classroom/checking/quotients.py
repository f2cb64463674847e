"""The name of a factor: a quotient that is √D in every case is called √D. Used by the checks of all lessons.

A factor is known by its value in each of several cases; sizes of the arguments, their roots, products and quotients and
a few constants are tried in turn, the simplest first.
"""

import itertools
import math
from collections.abc import Iterator

import numpy as np

CONSTANTS = {
    "2": 2, "3": 3, "4": 4, "8": 8, "10": 10, "100": 100, "1000": 1000, "1024": 1024, "a million": 1e6,
    "ln 2": math.log(2), "ln 10": math.log(10), "log₂ 10": math.log2(10), "√2": math.sqrt(2), "π": math.pi, "e": math.e,
}
LARGE = 1e4  # what is too large by so much in one case only has another reason than a number that was added
LOGARITHMS = {  # yours is so many times what is expected: the logarithm that was taken, and the one that was meant
    1 / math.log(2): "the logarithm to base 2 in place of the natural one (bits, not nats)",
    math.log(2): "the natural logarithm in place of the one to base 2 (nats, not bits)",
    1 / math.log(10): "the logarithm to base 10 in place of the natural one",
    math.log(10): "the natural logarithm in place of the one to base 10",
    math.log10(2): "the logarithm to base 10 in place of the one to base 2",
    math.log2(10): "the logarithm to base 2 in place of the one to base 10",
}


def factor(quotients: np.ndarray, sizes: list[dict[str, float]], close: float = 1e-4) -> str:
    """What an answer is that is `quotients[i]` times the expected one in case i; "" where no name fits all cases.

    Args:
        sizes: of the arguments, in each case.
        close: by which share of itself a quotient may miss its name.
    """
    q = np.asarray(quotients, dtype=float)
    if not q.size or not np.all(np.isfinite(q)) or np.any(q == 0):
        return ""
    if _same(q, -1.0, close):
        return "the sign is wrong: yours is −1 times what is expected"
    for value, bases in LOGARITHMS.items():
        if _same(np.abs(q), value, close):
            sign = "−" if q[0] < 0 else ""
            return f"yours is {sign}{value:.4g} times what is expected: {bases}?"
    if not (np.all(q > 0) or np.all(q < 0)):
        return ""
    above = np.abs(q) if abs(q[0]) > 1 else 1 / np.abs(q)
    name, where = _names(above, sizes, close)
    if not name:
        return ""
    if q[0] > 0:
        return f"yours is {name} times too {'large' if q[0] > 1 else 'small'}{where}"
    return f"yours is −{name if abs(q[0]) > 1 else f'1/({name})'} times what is expected{where}"


def difference(differences: np.ndarray, sizes: list[dict[str, float]], close: float = 1e-4) -> str:
    """What an answer is that is larger than the expected one by `differences[i]` in case i; "" where no name fits."""
    d = np.asarray(differences, dtype=float)
    if not d.size or not np.all(np.isfinite(d)) or np.any(d == 0) or not (np.all(d > 0) or np.all(d < 0)):
        return ""
    word = "large" if d[0] > 0 else "small"
    if _same(d, d[0], close) and (len(d) > 1 or abs(d[0]) < LARGE):
        return f"yours is {abs(d[0]):.6g} too {word}"
    name, where = _names(np.abs(d), sizes, close, sums=True)
    return f"yours is too {word} by {name}{where}" if name else ""


def _names(values, sizes, close, sums=False):
    """The simplest names of what has these values, two at the most, and the sizes they speak of; "" and "" for none.

    Products of two sizes are so many that some fits any number: they need two cases that differ.
    """
    common = [label for label in (sizes[0] if sizes else {}) if all(label in one for one in sizes)]
    columns = {label: np.array([one[label] for one in sizes]) for label in common}
    columns = {label: column for label, column in columns.items() if np.all(column > 0) and np.any(column != 1)}
    columns, letters = _one_of_each(columns)
    groups = [_plain, _derived]
    if not _same(values, values[0], close):
        groups += [_pairs, _sums] if sums else [_pairs]
    for group in groups:
        found = [(name, labels) for name, value, labels in group(columns)
                 if np.all(np.abs(values - value) <= close * np.abs(value))][:2]
        if found:
            labels = dict.fromkeys(label for _, ones in found for label in ones)
            return ", or ".join(name for name, _ in found), _where(labels, columns, letters)
    return "", ""


def _one_of_each(columns):
    """One name of several that mean one number in all cases, and a letter for each that takes a phrase to say."""
    kept, letters, spare = {}, {}, iter("nmkj")
    for label, column in columns.items():
        if any(np.array_equal(column, other) for other in kept.values()):
            continue
        name = next(spare, label) if " " in label else label
        letters[name] = label
        kept[name] = column
    return kept, letters


def _plain(columns) -> Iterator[tuple]:
    yield from ((name, value, ()) for name, value in CONSTANTS.items())
    yield from ((name, column, (name,)) for name, column in columns.items())


def _derived(columns):
    for name, s in columns.items():
        for text, value in (
            (f"√{name}", np.sqrt(s)), (f"{name}²", s * s), (f"2 {name}", 2 * s), (f"½ {name}", s / 2),
            (f"({name} − 1)", s - 1), (f"({name} + 1)", s + 1), (f"4 {name}", 4 * s), (f"ln {name}", np.log(s)),
            (f"log₂ {name}", np.log2(s)), (f"{name} / ({name} − 1)", s / np.where(s == 1, np.nan, s - 1)),
        ):
            yield text, value, (name,)


def _pairs(columns):
    for (one, s), (two, t) in itertools.combinations(columns.items(), 2):
        yield f"{one} · {two}", s * t, (one, two)
        yield f"{one} / {two}", s / t, (one, two)
        yield f"{two} / {one}", t / s, (one, two)
        yield f"√({one} · {two})", np.sqrt(s * t), (one, two)


def _sums(columns):
    """What a sum lacks is often a product with a factor of its own."""
    whole = {name: s for name, s in columns.items() if np.all(s == np.round(s))}
    terms = {(name,): s for name, s in whole.items()}
    for n in (2, 3):
        for names in itertools.combinations_with_replacement(whole, n):
            terms[names] = math.prod(whole[name] for name in names)
    for names, value in terms.items():
        for times in (1, 2, 3, 4, 6, 8, 12):
            yield f"{'' if times == 1 else f'{times} '}{' · '.join(names)}", times * value, tuple(dict.fromkeys(names))


def _where(labels, columns, letters):
    said = []
    for label in labels:
        values = list(dict.fromkeys(f"{value:g}" for value in columns[label]))
        meaning = "" if letters[label] == label else f", {letters[label]}"
        said.append(f"{label} = {' and '.join(values[:3])}{meaning}")
    return f" ({', '.join(said)})" if said else ""


def _same(values, wanted, close):
    return bool(np.all(np.abs(values - wanted) <= close * abs(wanted)))
