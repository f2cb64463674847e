"""Axes by their letters, B T S H C D as in the course's shape comments, and the names along them. Lessons 04, 07."""

from collections.abc import Mapping, Sequence

import numpy as np

Cell = tuple[int, ...]
Labels = Mapping[str, Sequence[str]]  # letter → names along that axis
LARGEST = 16  # cells along an axis


def cell_name(name: str, cell: Cell, axes: Mapping[str, str], labels: Labels) -> str:
    """`scores[cat, sat]`: an array and the labels of one of its cells."""
    words = [labels[letter][i] if letter in labels else str(i) for letter, i in zip(axes[name], cell, strict=True)]
    return f"{name}[{', '.join(words)}]" if words else name


def check_axes(arrays: Mapping[str, np.ndarray], axes: Mapping[str, str], labels: Labels) -> None:
    """Raises ValueError unless each array has at most two axes, one letter for each, and a letter one length."""
    lengths: dict[str, int] = {}
    for name, array in arrays.items():
        shape, letters = array.shape, axes.get(name)
        if letters is None or len(letters) != len(shape) or len(shape) > 2:
            raise ValueError(f"{name} has shape {shape}, and axes says {letters!r}; give one letter for each axis, "
                             "at most two")
        for letter, length in zip(letters, shape, strict=True):
            if lengths.setdefault(letter, length) != length:
                raise ValueError(f"axis {letter} is {lengths[letter]} long, but {length} in {name}, shape {shape}; "
                                 "use another letter if this is another axis")
            if length > LARGEST:
                raise ValueError(f"{name} has shape {shape}; a microscope shows at most {LARGEST} cells along an axis, "
                                 "so give it a smaller example")
            if len(labels.get(letter, range(length))) != length:
                raise ValueError(f"{len(labels[letter])} labels for axis {letter}, which is {length} long")
