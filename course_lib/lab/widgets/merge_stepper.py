"""Step through byte pair encoding on a sentence: which pair, how often, what is left. Lesson 01 (tokens)."""

from collections.abc import Sequence
from html import escape
from itertools import chain
from typing import Any

from course_lib.lab.plots import token_strip
from course_lib.lab.plots.fonts import visible
from course_lib.lab.widgets.control import Control, text
from course_lib.lab.widgets.markup import element, plural, press
from course_lib.lab.widgets.merge_steps import MergeStep, Words, merge_steps, start, token_bytes
from course_lib.lab.widgets.picture import Picture, picture_of
from course_lib.lab.widgets.stepper import Stepper
from course_lib.text.tokenizer import BPETokenizer
from course_lib.text.vocabulary import printable

RIVALS = 7  # pairs in the table
DEEPEST = 6  # bytes in a token of the fullest colour


class MergeStepper(Stepper):
    """A sentence that is merged step by step, beside the pairs that compete for each step.

    >>> MergeStepper("low lower lowest")                    # learns from the sentence itself    # doctest: +SKIP
    >>> MergeStepper("low lower lowest", tokenizer)         # applies what a tokenizer learned   # doctest: +SKIP

    Args:
        sentence: what is merged; people can type another one.
        tokenizer: a BPETokenizer or a list of pairs of ids. Without one, merges are learned from the sentence alone.
        step: which merge it begins with; the last one by default, as a page shows it.
        most: merges at most.
    """

    name, label, step_label = "merge_stepper", "Byte pair encoding, merge by merge", "merge"

    def __init__(self, sentence: str, tokenizer: BPETokenizer | Sequence | None = None, *, step: int | None = None,
                 most: int = 60):
        self.merges = getattr(tokenizer, "merges", tokenizer)
        self.most = most
        super().__init__(state={"sentence": sentence, "step": 0})
        self._follow(sentence)
        self.state["step"] = self.last if step is None else min(max(step, 0), self.last)

    @property
    def last(self) -> int:
        """The number of merges."""
        return len(self.steps)

    def controls(self) -> list[Control]:
        """The sentence, and the way through its merges."""
        return [text("sentence"), *super().controls()]

    def act(self, name: str, value: Any) -> None:
        """Go to a merge, or begin with another sentence."""
        super().act(name, value)
        if name == "sentence":
            self._follow(value)
            self.state["step"] = 0

    def still(self, state: dict[str, Any]) -> Picture:
        """The tokens after the present merge, each coloured by its bytes."""
        ids = list(chain.from_iterable(self._words(state["step"])))
        if not ids:
            return Picture("an empty sentence has no tokens", markup="<p>(an empty sentence)</p>")
        pieces = [self.bytes[i].decode("utf-8", errors="backslashreplace") for i in ids]
        title = f"The sentence after {plural(state['step'], 'merge')}"
        figure = token_strip(pieces, [len(self.bytes[i]) for i in ids], unit="bytes in the token", title=title,
                             caption="The sentence, each token coloured by how many bytes it holds.",
                             alt=self._words_for(state["step"]))
        return picture_of(figure, words=self._words_for(state["step"]))

    def draw(self, state: dict[str, Any]) -> Picture:
        """The sentence before and after the merge, the pairs that competed, and how the tokens get fewer."""
        k = state["step"]
        step = self.steps[k - 1] if k else None
        count = element("small", plural(sum(map(len, self._words(k))), "token"))
        texts = element("h4", "before") + self._strip(self._words(k - 1), pair=step.pair) if step else ""
        texts += element("h4", "after " if step else "bytes ", count)
        texts += self._strip(self._words(k), new=step.new_id if step else None)
        board = self._board(step) if step else element("p", "Each byte is a token. Step forward for the first merge.")
        sides = element("div", texts, class_="texts") + element("div", board, class_="board")
        return Picture(self._words_for(k), markup=element("div", sides, class_="merging") + self._curve(k))

    def _follow(self, sentence: str) -> None:
        self.start = start(sentence)
        self.steps = merge_steps(sentence, self.merges, most=self.most)
        self.bytes = token_bytes([step.pair for step in self.steps] if self.merges is None else self.merges)

    def _words(self, k: int) -> Words:
        return self.steps[k - 1].words if k else self.start

    def _name(self, token_id: int) -> str:
        return visible(printable(self.bytes[token_id]))

    def _words_for(self, k: int) -> str:
        count = sum(map(len, self._words(k)))
        if not k:
            return f"no merge yet: {plural(count, 'byte')}, {plural(self.last, 'merge')} to come"
        step = self.steps[k - 1]
        left, right = map(self._name, step.pair)
        place = f"merge {k} of {self.last}" + (f" (the tokenizer's {step.new_id - 255}.)" if self.merges else "")
        return (f"{place}: {left} + {right} → {self._name(step.new_id)}, seen {step.count} times; "
                f"{sum(map(len, self._words(k - 1)))} → {count} tokens")

    def _strip(self, words: Words, *, pair: tuple = (), new: int | None = None) -> str:
        """The tokens, words apart from each other; a pair underlined, or the new token framed."""
        groups = []
        for word in words:
            chips, i = [], 0
            while i < len(word):
                if tuple(word[i : i + 2]) == pair:
                    chips.append(element("span", *map(self._chip, pair), class_="pair"))
                    i += 2
                    continue
                chips.append(self._chip(word[i], "chip new" if word[i] == new else "chip"))
                i += 1
            groups.append(element("span", *chips, class_="word"))
        return element("p", " ".join(groups), class_="strip")

    def _chip(self, token_id: int, kind: str = "chip") -> str:
        depth = min((len(self.bytes[token_id]) - 1) / (DEEPEST - 1), 1.0)
        return element("span", escape(self._name(token_id)), class_=kind, style=f"--w:{depth:.2f}")

    def _board(self, step: MergeStep) -> str:
        """The pairs that stood in the text, the winner first, with bars as long as their counts."""
        most = max(count for _, count in step.rivals)
        first = "most frequent" if self.merges is None else "earliest learned"
        rows = [element("caption", f"Pairs, the {first} first")]
        for pair, count in step.rivals[:RIVALS]:
            name = element("th", escape(" + ".join(map(self._name, pair))), scope="row")
            bar = element("td", element("i", style=f"--w:{count / most:.3f}"), str(count))
            rows.append(element("tr", name, bar, class_="won" if pair == step.pair else None))
        left = len(step.rivals) - RIVALS
        if left > 0:
            rows.append(element("tr", element("td", f"and {plural(left, 'other pair')}", colspan=2)))
        return element("table", *rows)

    def _curve(self, k: int) -> str:
        """Tokens left after each merge, one bar each; a bar is a button that goes there."""
        counts = [sum(map(len, self._words(i))) for i in range(self.last + 1)]
        bars = (press(does={"step": i}, style=f"--w:{count / (counts[0] or 1):.3f}", tabindex=0 if i == k else -1,
                      aria_current="true" if i == k else None,
                      aria_label=f"after {plural(i, 'merge')}: {plural(count, 'token')}")
                for i, count in enumerate(counts))
        title = element("h4", "tokens after each merge ", element("small", f"{counts[0]} → {counts[-1]}"))
        return title + element("div", *bars, class_="curve", data_arrows="", role="group",
                               aria_label="tokens after each merge")
