"""The grids of the array microscope as HTML: a card for each array, a field or button for each cell. Lessons 04, 07."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from course_lib.lab.plots.rounding import fixed
from course_lib.lab.widgets.axes import Cell, Labels, cell_name
from course_lib.lab.widgets.markup import element, press


@dataclass
class Card:
    """What is shown of one array: its values (None: not computed yet), its gradients, and which cells are lit."""

    name: str
    formula: str
    axes: str
    values: np.ndarray | None
    grads: np.ndarray | None = None
    editable: bool = False
    now: bool = False
    wrong: bool = False
    error: str = ""
    picked: Cell | None = None
    lit_in: np.ndarray | None = None
    lit_out: np.ndarray | None = None

    def told(self, cards: Sequence["Card"], axes: Mapping[str, str], labels: Labels) -> str:
        """In words: the picked cell of this card, what reaches it, and what it reaches."""
        here = f"{cell_name(self.name, self.picked, axes, labels)} = {readable_number(self.values[self.picked])}"
        if self.grads is not None:
            here += f", gradient {readable_number(self.grads[self.picked])}"
        for verb, which in (("reached by", "lit_in"), ("reaches", "lit_out")):
            counts = {card.name: int(getattr(card, which).sum()) for card in cards if getattr(card, which) is not None}
            told = ", ".join(f"{count} of {name}" for name, count in counts.items() if count)
            here += f"; {verb} {told}" if told else ""
        return here


def readable_number(value: float) -> str:
    """Two decimals, a real minus, and no minus before a zero."""
    if not np.isfinite(value):
        return "?" if np.isnan(value) else "∞" if value > 0 else "−∞"
    return fixed(value, 2).replace("-", "−")


def number_typed(text: str) -> float | None:
    """What a person means by it, with any minus and a comma as well; None where it is no number."""
    try:
        number = float(str(text).replace("−", "-").replace(",", "."))
    except ValueError:
        return None
    return number if np.isfinite(number) else None


def cards_html(cards: Sequence[Card], labels: Labels) -> str:
    """All cards: inputs in the first line, the steps in the next."""
    lit = any(card.picked is not None for card in cards)
    lines = [[_card(card, labels) for card in cards if card.editable == editable] for editable in (True, False)]
    key = element("p", element("span", "reaches the picked cell", class_="in"),
                  element("span", "is reached by it", class_="out"), class_="key", hidden=None if lit else "")
    return element("div", *(element("div", *line, class_="line") for line in lines), key,
                   class_="microscope lit" if lit else "microscope")


def _card(card: Card, labels: Labels) -> str:
    shape = element("small", f" ({', '.join(card.axes)})") if card.axes else ""
    formula = element("span", escape(card.formula)) if card.formula else ""
    head = element("header", element("b", escape(card.name)), shape, formula)
    if card.error:
        body = element("p", escape(card.error), role="alert")
    else:
        body = element("p", "not yet", class_="later") if card.values is None else _table(card, labels)
    if card.wrong:
        body += element("p", "its backward and finite differences disagree", role="alert")
    kinds = " ".join(["card", *(kind for kind in ("now", "wrong") if getattr(card, kind))])
    return element("section", head, body, class_=kinds, aria_label=card.name)


def _table(card: Card, labels: Labels) -> str:
    n, m = np.atleast_2d(card.values).shape
    row_axis, column_axis = ("", "", *card.axes)[-2:]
    rows = labels.get(row_axis, range(n)) if row_axis else [""]
    columns = labels.get(column_axis, range(m)) if column_axis else [""]
    corner = f"{row_axis} ↓ {column_axis} →" if row_axis else column_axis and f"{column_axis} →"
    head = element("tr", element("td", corner), *(element("th", escape(str(c)), scope="col") for c in columns))
    body = (element("tr", element("th", escape(str(name)), scope="row"), *(_cell(card, r, c, labels) for c in range(m)))
            for r, name in enumerate(rows))
    return element("table", head, *body)


def _cell(card: Card, r: int, c: int, labels: Labels) -> str:
    cell = (r, c)[2 - card.values.ndim:] if card.values.ndim else ()
    value, grad = float(card.values[cell]), None if card.grads is None else card.grads[cell]
    share = _share(card.values if card.grads is None else card.grads, cell)
    kinds = ["cell", "plus" if share > 0 else "minus", "here" if card.picked == cell else ""]
    kinds += [kind for kind, lit in (("in", card.lit_in), ("out", card.lit_out)) if lit is not None and lit[cell]]
    said = f"{cell_name(card.name, cell, {card.name: card.axes}, labels)}: {readable_number(value)}"
    said += "" if grad is None else f", gradient {readable_number(grad)}"
    common = {"data_key": f"{card.name}-{r}-{c}", "data_cell": f"{r},{c}", "aria_label": said,
              "aria_pressed": str(card.picked == cell).lower()}
    small = "" if grad is None else element("small", readable_number(grad))
    does = {"picked": [card.name, *cell]}
    if card.editable:
        plain = abs(value - round(value, 2)) < 1e-9  # 0.1 + 0.2 is 0.3
        field = element("input", type="text", inputmode="decimal", autocomplete="off", data_set=does, **common,
                        value=f"{round(value, 2):g}".replace("-", "−") if plain else readable_number(value))
        inner = field.removesuffix("</input>") + small
    else:
        inner = press(readable_number(value), small, does=does, tabindex=0 if (r, c) == (0, 0) else -1, **common)
    return element("td", inner, class_=" ".join(kinds), style=f"--w:{abs(share):.3f}")


def _share(array: np.ndarray, cell: Cell) -> float:
    """A cell's value on the scale of the largest of its array, −1 to 1; 0 where it is not finite."""
    finite = np.where(np.isfinite(array), array, 0.0).astype(float)
    return float(finite[cell]) / (abs(finite).max(initial=0.0) or 1.0)
