"""Click a token, see what may come next, choose, go on. Lessons 02 (ngrams), 12 (gpt) and 13 (decoding)."""

import html
import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from course_lib.generation.ranking import largest, ranked
from course_lib.lab.plots import next_token_bars
from course_lib.lab.plots.fonts import visible
from course_lib.lab.plots.rounding import fixed, percent
from course_lib.lab.widgets.base import Widget
from course_lib.lab.widgets.control import Control, button, text
from course_lib.lab.widgets.explore import Explore
from course_lib.lab.widgets.picture import Picture


class NextToken(Widget):
    """P(next token) after any place of a text, for any model: an n-gram, a GPT, your own.

    >>> NextToken(lambda ids: model.probabilities(ids), tokenizer.decode, tokenizer.encode("Once"))  # doctest: +SKIP

    Args:
        probabilities: ids → (V,) probabilities of the next one; also takes the settings of `ranges`, by name.
        decode: ids → text.
        ids: the text to begin with.
        encode: text → ids; with it there is a field to type in.
        top: how many candidates are shown.
        max_tokens: it writes no further than this; give the model's context length.
        seed: of the button that draws at random.
        ranges: settings that `probabilities` takes, as for `explore`: `temperature=(0.1, 2.0, 0.1)`.
    """

    name, label = "next_token", "What comes next?"

    def __init__(self, probabilities: Callable[..., np.ndarray], decode: Callable[[list[int]], str],
                 ids: Sequence[int], *, encode: Callable[[str], list[int]] | None = None, top: int = 12,
                 max_tokens: int = 128, seed: int = 0, **ranges: Any):
        settings = Explore(probabilities, ranges)
        super().__init__(state={"ids": list(ids), "at": len(ids), "text": decode(list(ids)), **settings.state})
        self.probabilities, self.decode, self.encode = probabilities, decode, encode
        self.top, self.max_tokens, self.ranges, self.settings = top, max_tokens, set(ranges), settings.controls()
        self.random = np.random.default_rng(seed)

    def controls(self) -> Sequence[Control]:
        """A field to begin with, three ways to go on or back, and the settings."""
        field = [text("text", "begin with")] if self.encode else []
        writing = self.state["at"] < self.max_tokens
        return [*field, button("best", "take the most probable", enabled=writing),
                button("draw", "draw one at random", enabled=writing),
                button("back", enabled=self.state["at"] > 1), *self.settings]

    def act(self, name: str, value: Any) -> None:
        """`at` looks after that many tokens, `take` goes on from there with a token; the rest are the controls."""
        at = self.state["at"]
        if name == "text":
            ids = list(self.encode(value))[-self.max_tokens:]
            self.state |= {"text": value, "ids": ids, "at": len(ids)}
        elif name == "at":
            self.state["at"] = min(max(0, int(value)), len(self.state["ids"]))
        elif name == "back":
            self.state |= {"ids": self.state["ids"][:at - 1], "at": at - 1}
        elif name in ("take", "best", "draw"):
            self._append(int(value) if name == "take" else self._choose(name))
        else:
            super().act(name, value)

    def distribution(self, state: dict[str, Any]) -> np.ndarray:
        """P(next | the first `at` ids) under the settings, (V,); raises ValueError where it does not sum to one."""
        given = {name: state[name] for name in self.ranges}
        probs = np.asarray(self.probabilities(state["ids"][:state["at"]], **given), dtype=float)
        if probs.ndim != 1 or not np.isclose(probs.sum(), 1.0, atol=1e-3):
            raise ValueError(f"probabilities(ids) has shape {probs.shape} and sums to {probs.sum():.3f}; "
                             "return one probability for each token, summing to one")
        return probs

    def draw(self, state: dict[str, Any]) -> Picture:
        """The text and the candidates, both to be clicked."""
        probs = self.distribution(state)
        best = ranked(probs, self.top)
        came = state["ids"][state["at"]] if state["at"] < len(state["ids"]) else None
        shown = best.tolist() if came is None or came in best else [*best.tolist(), came]
        rows = "".join(self._candidate(i, probs[i], probs.max(), came == i) for i in shown)
        strip = "".join(self._token(place, i, state["at"]) for place, i in enumerate(state["ids"], start=1))
        return Picture(self._words(state, probs, best), markup=(
            f'<div class="strip" role="group" aria-label="the text" data-arrows data-scroll>{strip}</div>'
            f'<div class="candidates" role="group" aria-label="what may come next" data-arrows>{rows}</div>'))

    def still(self, state: dict[str, Any]) -> object:
        """The candidates as `plots.next_token_bars`."""
        probs = self.distribution(state)
        names = [self.decode([i]) for i in range(len(probs))]
        tail = self.decode(state["ids"][:state["at"]])[-32:].replace("\n", "⏎")
        return next_token_bars(names, probs, top=self.top, title=f"… {tail} ▢",
                               caption="What may come next, and how probable the model thinks it is.",
                               alt=f"Bars of the {self.top} most probable next tokens.")

    def _append(self, token: int) -> None:
        ids = self.state["ids"][:self.state["at"]]
        if len(ids) < self.max_tokens:
            self.state |= {"ids": [*ids, token], "at": len(ids) + 1}

    def _choose(self, how: str) -> int:
        probs = self.distribution(self.state)
        return largest(probs) if how == "best" else int(self.random.choice(len(probs), p=probs / probs.sum()))

    def _visible(self, token: int) -> str:
        return html.escape(visible(self.decode([token])))

    def _token(self, place: int, token: int, at: int) -> str:
        state = f'aria-pressed="{str(place == at).lower()}"' + (' class="after"' if place > at else "")
        return f"<button type=\"button\" {state} data-set='{json.dumps({'at': place})}'>{self._visible(token)}</button>"

    def _candidate(self, token: int, p: float, highest: float, came: bool) -> str:
        note = " ← came" if came else ""
        return (f"<button type=\"button\" data-set='{json.dumps({'take': int(token)})}'><b>{self._visible(token)}</b>"
                f'<i style="width:{fixed(100 * p / highest, 1)}%"></i><span>{fixed(100 * p, 1)}%{note}</span></button>')

    def _words(self, state: dict[str, Any], probs: np.ndarray, best: np.ndarray) -> str:
        bits = -np.sum(probs[probs > 0] * np.log2(probs[probs > 0]))
        after = visible(self.decode(state["ids"][:state["at"]])[-24:])
        first = ", ".join(f"{visible(self.decode([i]))} {percent(probs[i])}" for i in best[:3].tolist())
        return f"after {after!r}: {first}; entropy {fixed(bits, 1)} bits"
