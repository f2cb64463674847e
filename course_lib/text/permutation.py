"""A shuffle that is computed, not stored. Used by `dataset`; derived in lesson 14 (gpt_on_gpu)."""

import math

import numpy as np

ROUNDS = 4  # the tests measure that first places and pairs of neighbours then look uniform
HALF = np.uint64(32)


def mix(x: np.ndarray) -> np.ndarray:
    """Scramble 64-bit integers into 32-bit ones: every bit of x can change any bit of the result.

    x: uint64, any shape -> uint64 below 2**32, same shape. Multiplying carries low bits upwards, the shift
    brings high bits down. A shorter form of SplitMix64's finalizer (Steele, Lea and Flood 2014, "Fast
    splittable pseudorandom number generators"), with its two odd multipliers.
    """
    x = x * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> HALF)) * np.uint64(0x94D049BB133111EB)
    return x >> HALF


class KeyedPermutation:
    r"""A permutation of 0 … n-1 chosen by a key; `permutation(index)` says what stands at those places.

    Shuffling a list of the windows of a 2 GB file would store 134 MB of window numbers. Instead, write a
    number as a cell of a table, $x = \ell \cdot \text{columns} + r$, and take turns shifting row and column:

    $$\ell \leftarrow (\ell + F(r)) \bmod \text{rows},\; r \leftarrow (r + F'(\ell)) \bmod \text{columns}$$

    Each shift can be undone by subtracting the same amount, whatever the function F is. So the whole is
    one-to-one on the cells, a permutation, and F is free to be as wild as we like: here `mix` of r and a
    key. The table has a few cells more than n; a number that lands on one of them goes round again until it
    comes out below n. That ends, for it walks along a cycle of the permutation, and this cycle holds the
    number below n it started from.

    Memory: a dozen numbers for any n. The key is any integers >= 0, e.g. (seed, epoch). It is a good
    shuffle, not a secret one. Elsewhere: format-preserving encryption, Feistel network with cycle walking;
    Black and Rogaway 2002, "Ciphers with arbitrary finite domains".
    """

    def __init__(self, n: int, *key: int):
        if n < 1 or any(k < 0 for k in key):
            raise ValueError(f"a permutation needs n >= 1 and a key of integers >= 0, not {n=}, {key=}")
        rows = math.isqrt(n - 1) + 1  # about square, so both halves carry equal randomness
        self.n, self.rows, self.columns = n, np.uint64(rows), np.uint64(-(-n // rows))
        self.keys = np.random.SeedSequence(key).generate_state(2 * ROUNDS, np.uint64).reshape(ROUNDS, 2)

    def __call__(self, index: np.ndarray) -> np.ndarray:
        """index: integers in 0 … n-1, shape (K,) -> int64 (K,), all different where the indices are."""
        x = self._shift_in_turns(np.asarray(index).astype(np.uint64))
        while (outside := x >= self.n).any():
            x[outside] = self._shift_in_turns(x[outside])
        return x.astype(np.int64)

    def _shift_in_turns(self, x):
        left, right = np.divmod(x, self.columns)
        for key_left, key_right in self.keys:
            left = (left + mix(right ^ key_left)) % self.rows
            right = (right + mix(left ^ key_right)) % self.columns
        return left * self.columns + right
