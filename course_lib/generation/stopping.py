r"""Text as it comes, and texts at which it stops, wherever tokens begin and end. Derived in lesson 13 (decoding).

Tokens cut texts and characters anywhere: `\n\nQ:` may come as `.\n`, `\nQ` and `: A`. So what could be the beginning of
a stop text, or is half a character, waits until the next token decides.
"""

import codecs
from collections.abc import Collection, Iterable, Iterator, Sequence

from torch import Tensor

from course_lib.generation.generate import checked_stops, left_pad, stream
from course_lib.model.gpt import GPT
from course_lib.text.texts import as_list, as_texts, utf8
from course_lib.text.vocabulary import Tokenizer


class TextReader:
    """Bytes in, text out, up to the stop text that is complete first (of several, the longest); `found` says which.

    How the bytes are cut changes nothing but when text comes. Bytes that are no UTF-8 become U+FFFD. Raises ValueError
    for an empty stop text. Elsewhere: stop, stop_strings.
    """

    def __init__(self, stop_texts: str | Sequence[str] = ()):
        stop_texts = as_list(stop_texts, "stop_texts")
        if "" in stop_texts:
            raise ValueError(f"stop_texts={stop_texts!r} must be texts, none of them empty")
        self.stops = {utf8(text): text for text in sorted(stop_texts, key=lambda text: -len(utf8(text)))}
        self.waiting, self.found = b"", None
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, data: bytes) -> str:
        """The text that these bytes make certain; nothing once a stop text was found."""
        sure = bytearray()
        for byte in data if self.found is None else b"":
            self.waiting += bytes([byte])
            stop = next(filter(self.waiting.endswith, self.stops), None)
            if stop is not None:
                sure += self.waiting.removesuffix(stop)
                self.waiting, self.found = b"", self.stops[stop]
                return self._utf8.decode(sure, final=True)
            certain = len(self.waiting) - self._beginning()
            sure += self.waiting[:certain]
            self.waiting = self.waiting[certain:]
        return self._utf8.decode(sure)

    def _beginning(self) -> int:
        """How many of the last bytes begin a stop text."""
        return max((n for stop in self.stops for n in range(1, min(len(stop), len(self.waiting) + 1))
                    if self.waiting.endswith(stop[:n])), default=0)

    def end(self) -> str:
        """Nothing more will come: the text that waited."""
        waiting, self.waiting = self.waiting, b""
        return self._utf8.decode(waiting, final=True)


def read_texts(new: Iterable[Tensor], tokenizer: Tokenizer, *, stop_texts: str | Sequence[str] = (),
               stop_ids: int | Collection[int] = ()) -> Iterator[list[str]]:
    """What each row of `stream(…)`, ids (B,), has to say at each step, as text: B strings, often empty ones.

    A row is silent after its first stop text or stop id; neither is part of the text. Once all rows are, it ends, and
    no more ids are drawn. Joined, a row's strings are its text.
    """
    readers, silent, stop_ids = None, [], checked_stops(stop_ids)
    for ids in new:
        readers = readers or [TextReader(stop_texts) for _ in ids]
        silent = silent or [False] * len(readers)
        pieces = [""] * len(readers)
        for row, (reader, token) in enumerate(zip(readers, ids.tolist(), strict=True)):
            if not silent[row]:
                pieces[row] = reader.end() if token in stop_ids else reader.feed(tokenizer.token_bytes(token))
                silent[row] = token in stop_ids or reader.found is not None
        yield pieces
        if all(silent):
            return
    if readers:
        yield [reader.end() for reader in readers]


def complete(model: GPT, tokenizer: Tokenizer, prompts: str | Sequence[str], *, max_new_tokens: int,
             stop_texts: str | Sequence[str] = (), **options) -> list[str]:
    """What the model adds to each prompt (one is a list of one), all in one batch; `options` go to `stream`.

    Every prompt is the beginning of a document: the end-of-text id stands before it, and stops it. Raises ValueError
    for an empty prompt where the tokenizer has no such id.
    """
    end, prompts = tokenizer.end_of_text, list(as_texts(prompts, "prompts"))
    idx, padding_mask = left_pad([([] if end is None else [end]) + tokenizer.encode(prompt) for prompt in prompts])
    stop_ids = () if end is None else (end,)
    new = stream(model, idx.to(model.head_weight.device), max_new_tokens=max_new_tokens, stop_ids=stop_ids,
                 padding_mask=None if padding_mask.all() else padding_mask.to(model.head_weight.device), **options)
    pieces = read_texts(new, tokenizer, stop_texts=stop_texts, stop_ids=stop_ids)
    return ["".join(row) for row in zip(*pieces, strict=True)] or [""] * len(prompts)
