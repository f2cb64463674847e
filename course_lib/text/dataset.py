"""Batches for training: shuffled windows of a file of token ids. Used by lesson 12 (gpt)."""

from functools import lru_cache
from pathlib import Path

import numpy as np

from course_lib.doors.settings import plain
from course_lib.text.ids import whole_numbers
from course_lib.text.permutation import KeyedPermutation
from course_lib.text.token_file import TokenFile, write_ids
from course_lib.text.windows import IGNORE, document_windows, sequential_windows

__all__ = ["IGNORE", "TokenDataset", "TokenFile", "document_windows", "sequential_windows", "write_ids"]


class TokenDataset:
    """Iterating yields (idx, targets), int64 arrays (B, T), for ever; every window once an epoch, shuffled.

    N ids hold M = N - 1 pairs (id, next id). Each epoch cuts them into M // T windows of T = context_length
    pairs and visits these in the order of a `KeyedPermutation` with the key (seed, epoch). The first cut is
    at another place every epoch, so that no token always stands at a window's start, where it has little
    context. A file whose last id is also its first (`write_ids` puts <eot> there) is a ring: one window of
    the epoch may run over the end into the beginning, and no place is special. In other files the cut only
    shifts by the M % T pairs that an epoch leaves over.

    `position` counts the windows drawn by all ranks together, and it is the whole state: set it, and the same
    batches follow, bit for bit, also with another batch_size or world_size. Rank r takes the r-th batch_size
    windows of every world_size * batch_size.

    ids: the path of a file made by `write_ids`, a TokenFile, or an integer array (N,). Raises ValueError
    where the file is damaged, context_length does not fit into it, or a number is no id.
    """

    def __init__(self, ids: str | Path | TokenFile | np.ndarray, *, batch_size: int, context_length: int,
                 seed: int = 0, rank: int = 0, world_size: int = 1):
        if isinstance(ids, str | Path):
            ids = TokenFile.open(ids)
        self.info = ids if isinstance(ids, TokenFile) else None
        self.ids = ids.ids if self.info else whole_numbers(ids)
        for name, value in dict(batch_size=batch_size, context_length=context_length, seed=seed, rank=rank,
                                world_size=world_size).items():
            setattr(self, name, plain(name, value, int))  # the checkpoint will hold them
        self._check_sizes()
        self.n_windows = (len(self.ids) - 1) // self.context_length
        self.position = 0
        self._cuts = KeyedPermutation(self._number_of_cuts(), self.seed)
        self._order = lru_cache(maxsize=4)(self._order_of_epoch)  # a batch may cross into the next epoch

    @property
    def position(self) -> int:
        """Windows drawn so far, by all ranks together."""
        return self._position

    @position.setter
    def position(self, windows: int):
        windows = plain("position", windows, int)
        if windows < 0:
            raise ValueError(f"position={windows} is a number of windows drawn; it cannot be negative")
        self._position = windows

    @property
    def epoch(self) -> int:
        """How many times all windows have been drawn."""
        return self.position // self.n_windows

    def __iter__(self):
        return self

    def __next__(self) -> tuple[np.ndarray, np.ndarray]:
        B, T = self.batch_size, self.context_length
        starts = self._starts(self.position + self.rank * B + np.arange(B))  # (B,)
        places = starts[:, None] + np.arange(T + 1)                          # (B, T + 1)
        if places[:, -1].max() >= len(self.ids):
            places %= len(self.ids) - 1  # round the ring
        window = self.ids[places].astype(np.int64)  # (B, T + 1)
        self._check_ids(window, places)
        self.position += B * self.world_size
        return window[:, :-1].copy(), window[:, 1:].copy()  # contiguous, and each its own

    def state(self) -> dict:
        """For the checkpoint: the position, and what it is a position in."""
        return {"position": self.position, **self._identity()}

    def restore(self, state: dict):
        """Continue where `state()` was taken. ValueError if that was another file, seed or context_length."""
        if state != {"position": state.get("position"), **self._identity()}:
            raise ValueError(f"this dataset has {self._identity()}, but the saved state is {state}: resume "
                             "with the same file, seed and context_length, or start a new run")
        self.position = state["position"]

    def _identity(self):
        return {"seed": self.seed, "context_length": self.context_length, "n_ids": len(self.ids)}

    def _starts(self, drawn):
        """Where in the ids the drawn[i]-th window of the run begins, for an increasing array `drawn`."""
        epochs, index = np.divmod(drawn, self.n_windows)
        starts = np.empty_like(drawn)
        for epoch in range(epochs[0], epochs[-1] + 1):
            permutation, first_cut = self._order(epoch)
            here = epochs == epoch
            starts[here] = first_cut + self.context_length * permutation(index[here])
        return starts

    def _order_of_epoch(self, epoch):
        first_cut = self._cuts(np.array([epoch % self._cuts.n]))[0]  # every cut once before any comes again
        return KeyedPermutation(self.n_windows, self.seed, epoch), first_cut

    def _number_of_cuts(self):
        M, T = len(self.ids) - 1, self.context_length
        is_ring = self.ids[0] == self.ids[M]
        return T if is_ring else M % T + 1

    def _check_sizes(self):
        T, N = self.context_length, len(self.ids)
        if self.batch_size < 1 or T < 1 or self.seed < 0:
            raise ValueError(f"batch_size={self.batch_size} and context_length={T} must be at least 1, and "
                             f"seed={self.seed} at least 0")
        if not 0 <= self.rank < self.world_size:
            raise ValueError(f"rank={self.rank} must be one of 0 … {self.world_size - 1} (world_size - 1)")
        if N <= T:
            raise ValueError(f"context_length={T} needs at least {T + 1} ids, but there are only {N}; "
                             f"use more text, or a context_length of at most {N - 1}")

    def _check_ids(self, window, places):
        if self.info and window.max() >= self.info.vocab_size:
            place = places.flat[window.argmax()]
            raise ValueError(f"{self.info.path} holds the id {window.max()} at place {place}, but its header says "
                             f"vocab_size={self.info.vocab_size}: it is damaged; write it again with write_ids")
        if window.min() < 0:
            raise ValueError(f"ids[{places.flat[window.argmin()]}] is {window.min()}, but ids are from 0 up; targets "
                             "that are not asked for are made by sequential_windows")
