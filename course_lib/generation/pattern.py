r"""A simple pattern language: `(yes|no)`, `[0-9]+`, `"[^"]*"`. Derived in lesson 13 (decoding).

As in regular expressions: `|` or, `( )` groups, `[a-z_]` one of, `[^"]` any but, `.` any but the end of a line,
`*` any number, `+` at least one, `?` perhaps, `{3}`, `{2,}` and `{2,5}` so often; `\d \w \s` digits, letters of ASCII
with digits and `_`, white space of ASCII; `\n \t`; `\` before any other sign means the sign. It matches the whole text.
"""

from course_lib.generation.automaton import (
    EMPTY,
    Automaton,
    Pattern,
    either,
    from_derivatives,
    literal,
    many,
    sequence,
    then,
)
from course_lib.text.texts import clean

DIGITS = frozenset(b"0123456789")
CLASSES = {"d": DIGITS, "s": frozenset(b" \t\n\r\f\v"),
           "w": DIGITS | frozenset(b"abcdefghijklmnopqrstuvwxyz_ABCDEFGHIJKLMNOPQRSTUVWXYZ")}
CONTROLS = {"n": "\n", "t": "\t", "r": "\r"}
ASCII = frozenset(range(128))
# What UTF-8 allows beyond ASCII, as ranges for each byte (The Unicode Standard, table 3-7).
LONG = [((0xC2, 0xDF), (0x80, 0xBF)), ((0xE0, 0xE0), (0xA0, 0xBF), (0x80, 0xBF)),
        ((0xE1, 0xEC), (0x80, 0xBF), (0x80, 0xBF)), ((0xED, 0xED), (0x80, 0x9F), (0x80, 0xBF)),
        ((0xEE, 0xEF), (0x80, 0xBF), (0x80, 0xBF)), ((0xF0, 0xF0), (0x90, 0xBF), (0x80, 0xBF), (0x80, 0xBF)),
        ((0xF1, 0xF3), (0x80, 0xBF), (0x80, 0xBF), (0x80, 0xBF)),
        ((0xF4, 0xF4), (0x80, 0x8F), (0x80, 0xBF), (0x80, 0xBF))]
BEYOND_ASCII = either(sequence(("byte", frozenset(range(low, high + 1))) for low, high in ranges) for ranges in LONG)


def from_pattern(text: str) -> Automaton:
    """The automaton of a pattern. Raises ValueError, with the place, for what is not one."""
    return from_derivatives(Parser(text).pattern())


class Parser:
    """Recursive descent: `pattern` is sequences with | between them, a sequence is pieces, a piece may repeat."""

    def __init__(self, text: str):
        self.text, self.place = clean(text), 0

    def pattern(self) -> Pattern:
        """The whole text as a pattern."""
        found = self._alternatives()
        if self.place < len(self.text):
            raise self._error("nothing opened this )")
        return found

    def _error(self, what: str) -> ValueError:
        return ValueError(f"{what}, at place {self.place} of the pattern {self.text!r}; "
                          "\\ before a sign means the sign itself")

    def _see(self, signs: str) -> str:
        """The next sign if it is one of `signs`, now read; otherwise ''."""
        if self.place < len(self.text) and self.text[self.place] in signs:
            self.place += 1
            return self.text[self.place - 1]
        return ""

    def _read(self) -> str:
        if self.place == len(self.text):
            raise self._error("the pattern ends too early")
        self.place += 1
        return self.text[self.place - 1]

    def _alternatives(self):
        found = [self._sequence()]
        while self._see("|"):
            found.append(self._sequence())
        return either(found)

    def _sequence(self):
        pieces = []
        while self.place < len(self.text) and self.text[self.place] not in "|)":
            pieces.append(self._repeated(self._one()))
        return sequence(pieces)

    def _repeated(self, piece):
        while sign := self._see("*+?{"):
            low, high = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(sign) or self._bounds()
            rest = many(piece) if high is None else EMPTY
            for _ in range(0 if high is None else high - low):  # (a(a)?)?, not a?a?: fewer different derivatives
                rest = either([EMPTY, then(piece, rest)])
            piece = sequence([piece] * low + [rest])
        return piece

    def _bounds(self):
        """What stands between { and }."""
        end = self.text.find("}", self.place)
        low, comma, high = self.text[self.place:end].partition(",") if end >= 0 else ("", "", "")
        if not low.isdecimal() or high and (not high.isdecimal() or int(high) < int(low)):
            raise self._error("{ begins no number of times such as {3}, {2,} or {2,5}")
        self.place = end + 1
        return int(low), int(high) if high else None if comma else int(low)

    def _one(self):
        sign = self._read()
        if sign == "(":
            inside = self._alternatives()
            if not self._see(")"):
                raise self._error("a ( is not closed")
            return inside
        if sign == "[":
            return self._set()
        if sign == ".":
            return either([("byte", ASCII - {10}), BEYOND_ASCII])
        if sign in "*+?{":
            self.place -= 1
            raise self._error(f"nothing stands before {sign} to be repeated")
        if sign in "^$":
            raise self._error("the pattern is for the whole text, from beginning to end, anyway")
        return self._escaped() if sign == "\\" else literal(sign)

    def _escaped(self):
        sign = self._read()
        return ("byte", CLASSES[sign]) if sign in CLASSES else literal(CONTROLS.get(sign, self._plain(sign)))

    def _plain(self, sign):
        if sign.isascii() and sign.isalnum() and sign not in CONTROLS:
            raise self._error(f"\\{sign} means nothing here")
        return sign

    def _set(self):
        """What stands between [ and ]: signs, ranges and classes; with ^ all others."""
        negated, parts = self._see("^"), []
        while not self._see("]"):
            parts.append(self._range())
        if not parts:
            raise self._error("nothing stands between [ and ]")
        found = either(parts)
        if not negated:
            return found
        if found[0] != "byte":
            raise self._error("after [^ only signs of ASCII can be left out")
        return either([("byte", ASCII - found[1]), BEYOND_ASCII])

    def _range(self):
        """One sign or class within [ ], or all signs from one to another."""
        first = self._read()
        if first == "\\":
            return self._escaped()
        if self.text[self.place:self.place + 1] != "-" or self.text[self.place + 1:self.place + 2] in ("]", ""):
            return literal(first)
        self.place += 1
        last = self._read()
        if last < first or last == "\\":
            raise self._error(f"from {first} to {last} there is nothing")
        signs = map(chr, range(ord(first), ord(last) + 1))
        return either(literal(sign) for sign in signs if not "\ud800" <= sign <= "\udfff")
