"""Writing only what is allowed: an automaton over tokens masks the logits. Derived in lesson 13 (decoding).

An automaton reads bytes, a model writes tokens of several. In a state, those tokens may follow whose bytes lead to a
state from which tokens can still reach an end. Source: Willard and Louf 2023, "Efficient Guided Generation".
"""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from course_lib.generation.automaton import Automaton
from course_lib.generation.beam import NextLogProbs
from course_lib.text.vocabulary import Tokenizer


class TokenAutomaton:
    """`moves[state][id]` is the next state, for ids that lead to an end; at an end `end_id` is one of them.

    `distance[state]` is how many tokens, `end_id` included, reach the end soonest. States are those of `automaton`,
    and END. Raises ValueError where the tokens can write none of its texts, and says which bytes they lack.
    """

    def __init__(self, automaton: Automaton, token_bytes: Mapping[int, bytes], end_id: int):
        self.end_id, self.END = end_id, len(automaton.moves)
        tree = byte_tree({token: data for token, data in token_bytes.items() if data and token != end_id})
        moves, todo = {}, {0}
        while todo:
            state = todo.pop()
            moves[state] = readable(automaton, state, tree)
            todo |= set(moves[state].values()) - moves.keys()
            if state in automaton.accepts:
                moves[state][end_id] = self.END
        self.distance = distances(moves, self.END)
        if 0 not in self.distance:
            raise ValueError(f"these {len(token_bytes)} tokens can write none of the allowed texts"
                             + missing_bytes(automaton, token_bytes))
        self.moves = {state: {token: there for token, there in moves[state].items() if there in self.distance}
                      for state in self.distance if state != self.END}
        self.moves[self.END] = {end_id: self.END}

    @classmethod
    def from_tokenizer(cls, automaton: Automaton, tokenizer: Tokenizer) -> "TokenAutomaton":
        """With a tokenizer's ordinary tokens and its end-of-text id. Raises ValueError if it has none."""
        if tokenizer.end_of_text is None:
            raise ValueError("this tokenizer has no end-of-text id to end a text with; train one that has")
        special = set(tokenizer.special_tokens.values())
        ordinary = {i: tokenizer.token_bytes(i) for i in range(tokenizer.vocab_size) if i not in special}
        return cls(automaton, ordinary, tokenizer.end_of_text)

    def read(self, ids: Iterable[int]) -> int:
        """The state after these ids. Raises ValueError at the first that is not allowed."""
        state = 0
        for place, token in enumerate(ids):
            if token not in self.moves[state]:
                raise ValueError(f"token {token} at place {place} is not allowed; "
                                 f"there may stand {sorted(self.moves[state])[:8]}")
            state = self.moves[state][token]
        return state

    def allowed(self, state: int, remaining: int | None = None) -> list[int]:
        """The ids that may follow; with `remaining`, those after which the end comes within so many tokens, end_id and
        this one included. Never none: raises ValueError where the end is farther.
        """
        if remaining is not None and self.distance[state] > remaining:
            raise ValueError(f"the shortest allowed text needs {self.distance[state]} more tokens, its end included, "
                             f"but only {remaining} remain; raise max_new_tokens")
        return [token for token, there in self.moves[state].items()
                if remaining is None or self.distance[there] < remaining or there == self.END]


def constrain(logits: Tensor, idx: Tensor, tokens: TokenAutomaton, max_new_tokens: int | None = None) -> Tensor:
    """Logits (B, V), -inf where a token may not follow what was written, idx (B, t), the prompt not included.

    With `max_new_tokens`, a text is led to its end in time. What is left keeps its proportions: each step draws from
    the model's distribution given that *this* token is allowed, which is not its distribution given that the *text*
    will be (Park et al. 2024, "Grammar-Aligned Decoding"). Raises ValueError where no allowed text is short enough.
    """
    masked = torch.full_like(logits, -torch.inf)
    for row, ids in enumerate(idx.tolist()):
        remaining = None if max_new_tokens is None else max_new_tokens - len(ids)
        may = tokens.allowed(tokens.read(ids), remaining)
        masked[row, may] = logits[row, may]
    return masked


def constrained(next_log_probs: NextLogProbs, tokens: TokenAutomaton, prompt_length: int,
                max_new_tokens: int | None = None) -> NextLogProbs:
    """For `beam_search`: the log-probabilities of allowed tokens as they are, so that the best hypothesis is the
    allowed text that the model itself finds most probable, if the beams are wide enough.
    """
    return lambda idx: constrain(next_log_probs(idx), idx[:, prompt_length:], tokens, max_new_tokens)


def byte_tree(token_bytes: Mapping[int, bytes]) -> dict:
    """All tokens as one tree: byte -> tree, and at None the ids of the tokens that end there."""
    tree = {}
    for token, data in token_bytes.items():
        here = tree
        for byte in data:
            here = here.setdefault(byte, {})
        here.setdefault(None, []).append(token)
    return tree


def readable(automaton: Automaton, state: int, tree: dict) -> dict[int, int]:
    """id -> state after it, for each token that the automaton can read from `state`."""
    found, todo = {}, [(state, tree)]
    while todo:
        here, branch = todo.pop()
        found |= dict.fromkeys(branch.get(None, ()), here)
        moves = automaton.moves[here]
        todo += [(moves[byte], branch[byte]) for byte in branch.keys() & moves.keys()]
    return found


def distances(moves: dict[int, dict[int, int]], end: int) -> dict[int, int]:
    """How many steps each state is from `end`, for those that can reach it: breadth first, backwards."""
    before = {}
    for state, onward in moves.items():
        for there in onward.values():
            before.setdefault(there, set()).add(state)
    distance, found = {end: 0}, [end]
    for there in found:
        for state in before.get(there, set()) - distance.keys():
            distance[state] = distance[there] + 1
            found.append(state)
    return distance


def missing_bytes(automaton: Automaton, token_bytes: Mapping[int, bytes]) -> str:
    """For the error: what the texts need and no token has."""
    lacking = {byte for moves in automaton.moves for byte in moves} - set(b"".join(token_bytes.values()))
    return f": none has {bytes(sorted(lacking))[:20]}; allow other texts" if lacking else "; allow other texts"
