"""Text for whatever it is printed on: signs that a console cannot show are replaced. Used by all lessons.

A console of an older Windows, output that goes to a file there, and `PYTHONIOENCODING` hold a few hundred signs at
most; Python's own way is to raise UnicodeEncodeError in the middle of a line. Here `–` becomes `-` and `é` becomes
`e`. Most signs give way to one other, so that columns stay columns; `≤` becomes `<=`, for its meaning comes first. What
has no likeness, as Chinese has none, becomes `?`.
"""

import contextlib
import sys
import unicodedata
from collections.abc import Iterator
from typing import IO

GROUPS = {  # plain: the signs that it stands for
    "-": "–—−‐‑─", "|": "│‖", "+": "┌┐└┘├┤┬┴┼✓✔", "#": "█▉▊▋▌▍▎▏■", ".": "·", "*": "•⊙●", "x": "×✗", "o": "○□▢°",
    "d": "∂đð", "^": "↑", "v": "↓", ">": "⇥▶", "<": "◀", "_": "␣", "/": "⏎", "~": "␍", "0": "∅", "u": "µ",
    "h": "ħ", "i": "ı", "l": "ł", "n": "ŋ", "e": "ə", '"': "“”„", "'": "‘’′", "...": "…", "->": "→", "<-": "←",
    "<=": "≤", ">=": "≥", "!=": "≠", "~=": "≈", "+-": "±", "sqrt ": "√", "inf": "∞", "1/2": "½", "''": "″",
    "section ": "§", "<<": "«", ">>": "»", "ss": "ß", "ae": "æ", "oe": "œø", "th": "þ",
}
ALIKE = {sign: plain for plain, signs in GROUPS.items() for sign in signs}


def readable(text: str, encoding: str | None) -> str:
    """`text` as far as `encoding` can hold it (None: everything), other signs replaced by what is most alike.

    >>> readable("π ≈ 3.14 … é 中", "ascii"), readable("é …", "latin-1")
    ('pi ~= 3.14 ... e ?', 'é ...')
    """
    encoding = encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return "".join(map(lambda sign: _substitute(sign, encoding), text))
    return text


def say(text: object) -> None:
    """`print`, but never stopped by a sign that standard output cannot hold."""
    print(readable(str(text), getattr(sys.stdout, "encoding", None)), flush=True)


@contextlib.contextmanager
def any_sign() -> Iterator[None]:
    """Within the body, standard output and standard error take every sign, whoever prints it."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (stream if stream is None else Substituting(stream) for stream in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


class Substituting:
    """A text stream that writes to another one what that can hold; in all else it is the other one."""

    def __init__(self, stream: IO[str]):
        self.stream = stream

    @property
    def encoding(self) -> str:
        """Of the other stream. ASCII calls itself Latin-1: libraries take ASCII for a mistake, and go round us."""
        found = getattr(self.stream, "encoding", None) or "utf-8"
        return "latin-1" if "a".encode(found) == b"a" and not _holds("é", found) else found

    def write(self, text: str) -> int:
        """As of any text stream."""
        return self.stream.write(readable(text, getattr(self.stream, "encoding", None)))

    def writelines(self, lines) -> None:
        """As of any text stream."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str):
        return getattr(self.stream, name)


def _substitute(sign, encoding):
    """The sign itself, or what is most alike and can be written."""
    if _holds(sign, encoding):
        return sign
    words = unicodedata.name(sign, "").split()
    plain = "".join(part for part in unicodedata.normalize("NFKD", sign) if not unicodedata.combining(part))
    greek = words[-1].lower() if words[:1] == ["GREEK"] and "WITH" not in words else ""
    tried = (ALIKE.get(sign, ""), plain, ALIKE.get(plain, ""), greek.capitalize() if sign.isupper() else greek)
    return next((one for one in tried if one and _holds(one, encoding)), "?")


def _holds(text, encoding):
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
