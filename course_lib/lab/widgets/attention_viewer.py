"""Hover over a token and see what it reads from, or what reads it, in every head. Lessons 07, 08, 10, 11, 12."""

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np

from course_lib.generation.ranking import ranked
from course_lib.lab.plots import attention_maps, numbers
from course_lib.lab.plots.fonts import visible
from course_lib.lab.plots.rounding import fixed, steady
from course_lib.lab.widgets.base import Widget
from course_lib.lab.widgets.control import Control, choice
from course_lib.lab.widgets.markup import element, press
from course_lib.lab.widgets.picture import Picture, picture_of

READS, READ_BY = "reads from", "is read by"
MEAN = -1  # instead of a head: the mean of all
TOLD = 3  # tokens named in words


class AttentionViewer(Widget):
    """Tokens in a row with arcs to what they read from, above one small map for each head.

    >>> AttentionViewer(weights, tokens)                                                            # doctest: +SKIP

    Hovering shows a token, a click or the arrow keys keep it. A head is chosen by its map; `mean` is all of them.

    Args:
        weights: (H, T, S), or (T, S) for one head; numpy or torch. What a mask hides is 0 or NaN.
        tokens: the T tokens that read.
        keys: the S tokens that are read, where these are others (translation, a cache): a second row.
        names: of the heads; default head 0, head 1 ...
        token, head: what it begins with; default the last token, and the mean of all heads.

    Raises ValueError if weights and tokens do not fit.
    """

    name, label = "attention_viewer", "Attention: which token reads from which"

    def __init__(self, weights: np.ndarray, tokens: Sequence[str], *, keys: Sequence[str] | None = None,
                 names: Sequence[str] | None = None, token: int | None = None, head: int | None = None):
        weights = numbers(weights, "weights", dims=(2, 3), gaps=True)
        self.weights = np.nan_to_num(weights if weights.ndim == 3 else weights[None])    # (H, T, S)
        self.tokens, self.keys = list(map(str, tokens)), None if keys is None else list(map(str, keys))
        H, T, S = self.weights.shape
        if (T, S) != (len(self.tokens), len(self._read())):
            raise ValueError(f"weights of shape {weights.shape} do not fit {len(self.tokens)} tokens and "
                             f"{len(self._read())} keys; give (H, {len(self.tokens)}, {len(self._read())})")
        self.names = list(names) if names else [f"head {h}" for h in range(H)]
        head = (MEAN if H > 1 else 0) if head is None else head
        super().__init__(state={"token": T - 1 if token is None else token, "head": head, "way": READS})

    def controls(self) -> list[Control]:
        """Which way to look."""
        return [choice("way", [READS, READ_BY], "the token")]

    def act(self, name: str, value: Any) -> None:
        """Choose a token, a head or the way; a token of the other row turns the way round."""
        if name == "row":  # a click in one of two rows says both: which token, and which way
            self.state["way"], name, value = (READ_BY, "token", value[1]) if value[0] else (READS, "token", value[1])
        super().act(name, value)
        row = self.tokens if self.state["way"] == READS else self._read()
        self.state["token"] = min(self.state["token"], len(row) - 1)

    def still(self, state: dict[str, Any]) -> Picture:
        """All heads as maps."""
        figure = attention_maps(self.weights, self.tokens, keys=self.keys, names=self.names,
                                caption="Each row: what one token reads from.", alt=self._words(state))
        return picture_of(figure, words=self._words(state))

    def draw(self, state: dict[str, Any]) -> Picture:
        """Tokens and maps; attention_viewer.js draws arcs and cells from the weights that lie in the markup."""
        per_mille = np.rint((1000 * self.weights).round(3)).astype(int).tolist()
        data = {"state": state, "weights": per_mille, "cross": self.keys is not None, "reads": READS}
        rows = self._row(self.tokens, 0, "tokens that read" if self.keys else "tokens", state)
        if self.keys is not None:
            rows = self._row(self.keys, 1, "tokens that are read", state) + rows
        strip = element("div", element("svg", class_="arcs", aria_hidden="true"), rows, class_="rows")
        maps = element("div", self._maps(state), class_="heads", data_arrows="", role="group", aria_label="heads")
        markup = element("div", element("div", strip, class_="scroll", data_scroll=""), maps, data_attention=data,
                         class_="attention" + (" cross" if self.keys is not None else ""))
        return Picture(self._words(state), markup=markup)

    def _read(self) -> list[str]:
        return self.tokens if self.keys is None else self.keys

    def _row(self, tokens: list[str], side: int, label: str, state: dict) -> str:
        """Tokens as buttons. One row is both sides; of two rows, a click says which side it means."""
        single = self.keys is None
        at = state["token"] if single or (state["way"] == READ_BY) == bool(side) else None
        chips = (press(escape(visible(token)), element("small"), does={"token": i} if single else {"row": [side, i]},
                       class_="token", data_row=side, data_key=f"{side}-{i}", tabindex=0 if i == (at or 0) else -1,
                       aria_current="true" if i == at else None)
                 for i, token in enumerate(tokens))
        return element("div", *chips, class_="tokens", data_arrows="", role="group", aria_label=label)

    def _maps(self, state: dict) -> str:
        T, S = self.weights.shape[1:]
        heads = [*([(MEAN, "mean")] if len(self.weights) > 1 else []), *enumerate(self.names)]
        shape = f"aspect-ratio: {S} / {T}"
        return "".join(press(element("b", escape(name)), element("canvas", data_head=h, style=shape), element("small"),
                             does={"head": h}, class_="head", tabindex=0 if h == state["head"] else -1,
                             aria_pressed=str(h == state["head"]).lower())
                       for h, name in heads)

    def _words(self, state: dict) -> str:
        weights = self.weights.mean(axis=0) if state["head"] == MEAN else self.weights[state["head"]]    # (T, S)
        forwards = state["way"] == READS
        row = weights[state["token"]] if forwards else weights[:, state["token"]]
        here, there = (self.tokens, self._read()) if forwards else (self._read(), self.tokens)
        best = [i for i in ranked(row, TOLD) if steady(row[i], 2) >= 0.005]
        told = ", ".join(f"“{visible(there[i])}” {fixed(100 * row[i], 0)} %" for i in best) or "nothing"
        head = "mean of all heads" if state["head"] == MEAN else self.names[state["head"]]
        return f"“{visible(here[state['token']])}” {state['way']} {told} ({head})"
