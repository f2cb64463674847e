"""Two arrays side by side as text, with the places marked where they differ. Used by the checks of all lessons."""

import numpy as np

SIDE = 6  # rows and columns shown
DIGITS = (4, 5, 6, 7, 8, 10, 12, 17)


def side_by_side(expected: np.ndarray, got: np.ndarray, wrong: np.ndarray) -> str:
    """Expected beside got, both of one shape, as small text grids; `*` marks where `wrong` is true.

    Of more than two axes the first slice with a difference is shown; of long axes the part around it.
    """
    title = ""
    while expected.ndim > 2:
        index = int(np.argmax(wrong.reshape(len(wrong), -1).any(axis=1)))
        title += f"[{index}]"
        expected, got, wrong = expected[index], got[index], wrong[index]
    shape = expected.shape
    expected, got, wrong = (np.atleast_2d(array) for array in (expected, got, wrong))
    first_row, first_column = np.argwhere(wrong)[0] if wrong.any() else (0, 0)
    rows, columns = _window(first_row, expected.shape[0]), _window(first_column, expected.shape[1])
    cut = (slice(*rows), slice(*columns))
    digits = _digits(expected[cut], got[cut], wrong[cut])
    left, right = _cells(expected[cut], None, digits), _cells(got[cut], wrong[cut], digits)
    width = max(len("expected"), *(len(line) for line in left))
    lines = [f"{'expected':<{width}}   {'yours':<8}".rstrip()]
    lines += [f"{a:<{width}}   {b}".rstrip() for a, b in zip(left, right, strict=True)]
    if (rows[1] - rows[0], columns[1] - columns[0]) != expected.shape or title:
        of = title + (f" rows {rows[0]}–{rows[1] - 1}," if len(shape) == 2 else "")
        lines.append(f"(shown:{of} places {columns[0]}–{columns[1] - 1} of the last axis)")
    return "\n".join(lines)


def told_apart(expected: object, got: object) -> tuple[str, str]:
    """Two numbers that differ, as a student reads them: with as many digits as show it."""
    digits = _digits(np.asarray(expected), np.asarray(got), np.asarray(True))
    return number(expected, digits), number(got, digits)


def number(value: object, digits: int = DIGITS[0]) -> str:
    """One number as a student reads it: four digits if no more are asked for, no trailing zeros."""
    if isinstance(value, (bool, np.bool_)):
        return "True" if value else "False"
    if isinstance(value, (int, np.integer)):
        return str(value)
    if isinstance(value, np.floating):
        value = value.item()  # of single precision, too: as many digits as are asked for
    return f"{value:.{digits if abs(value) < 1e5 else max(digits, 6)}g}"


def _digits(expected, got, wrong):
    """As few digits as tell every pair that differs apart."""
    pairs = [(a, b) for a, b, bad in zip(expected.ravel(), got.ravel(), wrong.ravel(), strict=True) if bad and a != b]
    return next((d for d in DIGITS if all(number(a, d) != number(b, d) for a, b in pairs)), DIGITS[-1])


def _window(first, length):
    start = max(0, min(int(first) - 1, length - SIDE))
    return start, min(length, start + SIDE)


def _cells(array, wrong, digits):
    texts = [[number(value, digits) for value in row] for row in array]
    if wrong is not None:
        texts = [
            [text + ("*" if bad else " ") for text, bad in zip(row, marks, strict=True)]
            for row, marks in zip(texts, wrong, strict=True)
        ]
    width = max((len(text) for row in texts for text in row), default=1)
    return [" ".join(f"{text:>{width}}" for text in row) for row in texts]
