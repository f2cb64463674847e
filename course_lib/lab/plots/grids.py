"""Arrays one can read: grids with their values, one beside the other. Lessons 04, 07, 08."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.colors import Normalize
from matplotlib.patches import Rectangle

from course_lib.lab.plots.figure import WIDTH, CourseFigure, axes_at, course_figure, new_canvas, new_figure, numbers
from course_lib.lab.plots.fonts import mono_fonts, printable
from course_lib.lab.plots.rounding import fixed, steady
from course_lib.lab.plots.theme import text_on, theme
from course_lib.lab.plots.tokens import span

Cells = Sequence[tuple[int, ...]]
CELL_WIDTH, CELL_HEIGHT, GAP = 0.44, 0.32, 0.62  # inches; the gap holds an axis's name and ticks
LETTER, MARGIN = 0.11, 0.08  # inches: a letter of a grid's title at most, and what stays free at the right


@course_figure
def labelled_grid(values: np.ndarray, *, rows: str, columns: str, title: str = "",
                  row_labels: Sequence[str] | None = None, column_labels: Sequence[str] | None = None,
                  decimals: int = 2, signed: bool = False, marked: Cells = ()) -> CourseFigure:
    """A matrix with every value written into its cell and both axes named (`rows="T (queries)"`).

    Args:
        values: (rows, columns); NaN leaves a cell empty (hidden by a mask, not computed yet).
        row_labels, column_labels: tokens or names instead of 0, 1, 2 ...
        signed: colour by sign, blue below zero and orange above it.
        marked: (row, column) of the cells to frame.

    Raises ValueError if `values` is no matrix, or labels or marked cells do not fit it.
    """
    values = numbers(values, "values", dims=2, gaps=True)
    n, m = values.shape
    figure, ax = new_figure(width=min(WIDTH, 1.5 + 0.56 * m), height=min(9.0, 1.15 + 0.36 * n))
    draw_grid(ax, values, decimals=decimals, signed=signed, marked=marked)
    ax.set(title=title, xlabel=columns, ylabel=rows)
    label_ticks(ax.xaxis, m, column_labels)
    label_ticks(ax.yaxis, n, row_labels)
    figure.summary = f"{n} × {m} values {_from_to(values, decimals)}"
    return figure


@course_figure
def labelled_grids(arrays: Mapping[str, np.ndarray], *, axes: Mapping[str, Sequence[str]], title: str = "",
                   decimals: int = 2, signed: bool = False, marked: Mapping[str, Cells] | None = None) -> CourseFigure:
    """The arrays of a computation side by side, with cells of one size and colours of one scale: an array microscope.

    Args:
        arrays: name → array of 1 to 4 axes; further axes become one grid for each index (`scores, H = 0`).
            NaN leaves a cell empty.
        axes: name → the names of its axes, as in `{"q": "TD", "scores": ("H", "T", "S")}`.
        marked: name → indices of the cells to frame.

    Raises ValueError if an array has another number of axes than `axes` names for it.
    """
    grids = [grid for name, array in arrays.items() for grid in _grids(name, array, axes, (marked or {}).get(name, ()))]
    lines = _lines(grids, WIDTH)
    heights = [max(grid.values.shape[0] for grid in line) * CELL_HEIGHT + 0.85 for line in lines]
    limits = span(np.concatenate([grid.values.ravel() for grid in grids]))
    figure, canvas = new_canvas(WIDTH, sum(heights), title=title)
    y = 0.0
    for line, height in zip(lines, heights, strict=True):
        x = 0.5
        for grid in line:
            (n, m), (rows, columns) = grid.values.shape, grid.axes
            ax = axes_at(canvas, x, y + 0.32, m * CELL_WIDTH, n * CELL_HEIGHT)
            draw_grid(ax, grid.values, decimals=decimals, signed=signed, marked=grid.marked, limits=limits)
            ax.set_title(grid.title, fontsize=10.5, pad=5)
            ax.set(xlabel=columns, ylabel=rows)
            label_ticks(ax.xaxis, m, None)
            label_ticks(ax.yaxis, n if rows else 0, None)
            x += grid.width + GAP
        y += height
    figure.summary = " · ".join(f"{name} {tuple(np.shape(a))} {_from_to(a, decimals)}" for name, a in arrays.items())
    return figure


def draw_grid(ax, values: np.ndarray, *, decimals: int = 2, signed: bool = False, marked: Cells = (),
              limits: tuple[float, float] | None = None) -> None:
    """Cells with their values in `ax`; the numbers are left out where cells are too many to hold them."""
    low, high = limits or span(values)
    if signed:
        low, high = -max(abs(low), abs(high)), max(abs(low), abs(high))
    colors, norm = theme().plus_minus() if signed else theme().more(), Normalize(low, high)
    ax.imshow(np.ma.masked_invalid(values), cmap=colors, norm=norm, aspect="auto")
    ax.grid(visible=False)
    ax.set_xticks(np.arange(values.shape[1] - 1) + 0.5, minor=True)
    ax.set_yticks(np.arange(values.shape[0] - 1) + 0.5, minor=True)
    ax.grid(which="minor", color=theme().background, linewidth=1.2)
    ax.tick_params(which="both", length=0)
    ax.spines[:].set_visible(False)
    for (y, x), value in np.ndenumerate(values):
        if np.isfinite(value) and values.shape[1] <= 14 and values.shape[0] <= 24:
            written = fixed(value, decimals).replace("-", "−")
            ink = text_on(colors(steady(norm(value), 2)))
            ax.text(x, y, written, ha="center", va="center_baseline", fontsize=8.5, color=ink)
    for y, x in marked:
        if not (0 <= y < values.shape[0] and 0 <= x < values.shape[1]):
            raise ValueError(f"the marked cell {(y, x)} is outside of a grid of {values.shape}; count from 0")
        frame(ax, x, y)


def frame(ax, x: float, y: float, width: float = 1, height: float = 1) -> None:
    """A frame around cells, seen on dark and on pale ones: the first cell's place, and how many it spans."""
    for color, line, order in ((theme().background, 4.6, 3), (theme().series[1], 2.4, 3.1)):
        ax.add_patch(Rectangle((x - 0.5, y - 0.5), width, height, fill=False, edgecolor=color, linewidth=line,
                               clip_on=False, zorder=order))


def label_ticks(axis, n: int, labels: Sequence[str] | None, *, every: int = 1, **text) -> None:
    """Write `labels` (tokens; or 0, 1, 2 ...) at every `every`-th of `n` places of a matplotlib axis.

    Raises ValueError if there are not `n` labels.
    """
    if labels is not None and len(labels) != n:
        raise ValueError(f"{len(labels)} labels for {n} places; give one label for each")
    words = [printable(str(label), longest=14) for label in labels] if labels is not None else list(map(str, range(n)))
    axis.set_ticks(range(0, n, every), words[::every], family=mono_fonts(), **text)


@dataclass
class _Grid:
    """One matrix to draw: its title, the names of its axes, its cells and those to frame."""

    title: str
    values: np.ndarray
    axes: tuple[str, str]
    marked: Cells

    @property
    def width(self) -> float:
        """In inches: of its cells, or of its title where that is wider."""
        return max(self.values.shape[1] * CELL_WIDTH, len(self.title) * LETTER)


def _from_to(values, decimals):
    return f"from {fixed(np.nanmin(values), decimals)} to {fixed(np.nanmax(values), decimals)}"


def _grids(name, array, axes, marked):
    """One _Grid for each matrix in an array."""
    array = numbers(array, name, dims=(1, 2, 3, 4), gaps=True)
    names = tuple(axes.get(name, ()))
    if len(names) != array.ndim:
        raise ValueError(f"{name} has shape {array.shape}, but axes names {names}; give one name for each axis")
    if array.ndim == 1:
        yield _Grid(name, array[None], ("", names[0]), [(0, *cell) for cell in marked])
        return
    for index in np.ndindex(array.shape[:-2]):
        where = ", ".join(f"{axis} = {i}" for axis, i in zip(names, index, strict=False))
        cells = [tuple(cell[-2:]) for cell in marked if tuple(cell[:-2]) == index]
        yield _Grid(f"{name}, {where}" if where else name, array[index], names[-2:], cells)


def _lines(grids, wide):
    """Grids in lines that are at most `wide` inches wide, axis labels included."""
    lines, x = [], wide
    for grid in grids:
        needed = grid.width + GAP
        if x + needed > wide - MARGIN or not lines:
            lines.append([])
            x = 0.5 - GAP
        lines[-1].append(grid)
        x += needed
    return lines
