r"""Patterns and lists of texts as automata that read bytes. Derived in lesson 13 (decoding).

A pattern is what is left to match. Reading a byte leaves another pattern, its *derivative*: of `ab|ac` after `a`,
`b|c` is left. There are finitely many; they are the states. Source: Brzozowski 1964, "Derivatives of Regular
Expressions"; Owens, Reppy and Turon 2009.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce

from course_lib.text.texts import as_texts, utf8

# A pattern is a tuple: NOTHING matches no text, EMPTY the empty one; ("byte", set), ("then", a, b), ("or", set of
# patterns), ("many", a). The functions `then` and `either` keep equal ones equal, or states would never repeat.
Pattern = tuple
NOTHING, EMPTY = ("nothing",), ("empty",)


def then(first: Pattern, second: Pattern) -> Pattern:
    """First one, then the other."""
    if NOTHING in (first, second):
        return NOTHING
    if first == EMPTY:
        return second
    if first[0] == "then":  # lean to the right
        return "then", first[1], then(first[2], second)
    return first if second == EMPTY else ("then", first, second)


def either(patterns: Iterable[Pattern]) -> Pattern:
    """Any of them."""
    flat = {part for p in patterns for part in (p[1] if p[0] == "or" else (p,))} - {NOTHING}
    single = [p[1] for p in flat if p[0] == "byte"]
    if len(single) > 1:
        flat = {p for p in flat if p[0] != "byte"} | {("byte", frozenset().union(*single))}
    return NOTHING if not flat else flat.pop() if len(flat) == 1 else ("or", frozenset(flat))


def literal(text: str) -> Pattern:
    """Exactly this text, in UTF-8."""
    return sequence(("byte", frozenset([byte])) for byte in utf8(text))


def sequence(patterns: Iterable[Pattern]) -> Pattern:
    """One after the other."""
    return reduce(lambda rest, first: then(first, rest), reversed(list(patterns)), EMPTY)


def many(pattern: Pattern) -> Pattern:
    """Any number of times, none included."""
    return EMPTY if pattern in (EMPTY, NOTHING) else pattern if pattern[0] == "many" else ("many", pattern)


def may_end(pattern: Pattern) -> bool:
    """Whether the empty text matches."""
    kind, *parts = pattern
    if kind == "then":
        return may_end(parts[0]) and may_end(parts[1])
    return any(map(may_end, parts[0])) if kind == "or" else kind in ("empty", "many")


def derivative(pattern: Pattern, byte: int) -> Pattern:
    """What is left to match after this byte."""
    kind, *parts = pattern
    if kind == "byte":
        return EMPTY if byte in parts[0] else NOTHING
    if kind == "many":
        return then(derivative(parts[0], byte), pattern)
    if kind == "or":
        return either(derivative(part, byte) for part in parts[0])
    if kind == "then":
        after = then(derivative(parts[0], byte), parts[1])
        return either([after, derivative(parts[1], byte)]) if may_end(parts[0]) else after
    return NOTHING


def first_bytes(pattern: Pattern) -> frozenset[int]:
    """The bytes that a match can begin with."""
    kind, *parts = pattern
    if kind == "then":
        return first_bytes(parts[0]) | (first_bytes(parts[1]) if may_end(parts[0]) else frozenset())
    if kind == "or":
        return frozenset().union(*map(first_bytes, parts[0]))
    return {"byte": lambda: parts[0], "many": lambda: first_bytes(parts[0])}.get(kind, frozenset)()


@dataclass(frozen=True)
class Automaton:
    """Begin in state 0, follow `moves[state][byte]`; the text matches if all bytes have a move and the last state
    `accepts`. Elsewhere: deterministic finite automaton (DFA).
    """

    moves: list[dict[int, int]]
    accepts: frozenset[int]

    def matches(self, text: str) -> bool:
        """Whether the whole text matches."""
        state = 0
        for byte in utf8(text):
            if (state := self.moves[state].get(byte)) is None:
                return False
        return state in self.accepts


def from_texts(texts: str | Iterable[str]) -> Automaton:
    """Exactly these texts: beginnings that several share are one path (a trie). Raises ValueError if there is none."""
    moves, accepts = [{}], set()
    for text in as_texts(texts):
        state = 0
        for byte in utf8(text):
            if byte not in moves[state]:
                moves[state][byte] = len(moves)
                moves.append({})
            state = moves[state][byte]
        accepts.add(state)
    if not accepts:
        raise ValueError("no text at all is allowed; give at least one")
    return Automaton(moves, frozenset(accepts))


def from_derivatives(pattern: Pattern, max_states: int = 10_000) -> Automaton:
    """All derivatives of a pattern, numbered. Raises ValueError where nothing matches, or for too many states."""
    if pattern == NOTHING:
        raise ValueError("no text at all matches the pattern; allow at least one")
    states, moves, number = [pattern], [], {pattern: 0}
    while len(moves) < len(states):
        here = states[len(moves)]
        moves.append({})
        for byte in sorted(first_bytes(here)):
            there = derivative(here, byte)
            if there not in number:
                number[there] = len(states)
                states.append(there)
            moves[-1][byte] = number[there]
        if len(states) > max_states:
            raise ValueError(f"the pattern needs more than {max_states} states; shorten it, or repeat less")
    return Automaton(moves, frozenset(number[state] for state in states if may_end(state)))
