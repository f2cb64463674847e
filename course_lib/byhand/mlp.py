"""An MLP and a neural language model, forwards and backwards in numpy. Derived in lesson 04 (backprop).

`forward` gives its result and `steps`, every intermediate by name. `backward` takes them and gives the gradient of
the loss for each step and each parameter, under the same names: in formulas dx for x, in code grads["x"].
"""

from collections.abc import Sequence

import numpy as np

from course_lib.byhand import functional as F
from course_lib.text.ids import checked_ids

Arrays = dict[str, np.ndarray]
# name → the function, its gradient, and what that gradient needs: z, the number before the bend, or a, the one after
ACTIVATIONS = {
    "sigmoid": (F.sigmoid, F.sigmoid_backward, "a"),
    "tanh": (F.tanh, F.tanh_backward, "a"),
    "relu": (F.relu, F.relu_backward, "z"),
}


def random_weight(n_in: int, n_out: int, generator: np.random.Generator) -> np.ndarray:
    """(n_in, n_out) normal numbers of variance 1 / n_in: what comes out is about as large as what went in."""
    return generator.normal(size=(n_in, n_out)) / np.sqrt(n_in)


class MLP:
    r"""Linear, bend, linear, bend, …, linear, with one pair $W_l, b_l$ for each layer l = 1 … L.

    $$z_l = a_{l-1} W_l + b_l, \qquad a_l = \sigma(z_l), \qquad a_0 = x, \qquad \text{out} = z_L$$

    `widths` are the numbers of units from input to output: [2, 4, 1] has L = 2 layers. The last layer is not bent: its
    numbers are logits, and sigmoid or softmax belong to the loss. Rosenblatt's perceptron with layers: Rumelhart,
    Hinton, Williams 1986. Elsewhere: feed-forward network, fully connected or dense layers.
    """

    def __init__(self, widths: Sequence[int], activation: str = "tanh", *, generator: np.random.Generator):
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation={activation!r} is not known; there are {', '.join(ACTIVATIONS)}")
        if len(widths) < 2:
            raise ValueError(f"widths={list(widths)} has no layer; give at least input and output, like [2, 1]")
        self.n_layer = len(widths) - 1
        self.bend, self.bend_backward, self.bend_needs = ACTIVATIONS[activation]
        self.params: Arrays = {}
        for l in range(1, self.n_layer + 1):
            self.params[f"W{l}"] = random_weight(widths[l - 1], widths[l], generator)
            self.params[f"b{l}"] = np.zeros(widths[l])

    def forward(self, x: np.ndarray) -> tuple[np.ndarray, Arrays]:
        """x (B, first width) -> out (B, last width), and the steps a0, z1, a1, …, zL."""
        p, steps = self.params, {"a0": x}
        for l in range(1, self.n_layer + 1):
            steps[f"z{l}"] = z = F.linear(steps[f"a{l - 1}"], p[f"W{l}"], p[f"b{l}"])
            if l < self.n_layer:
                steps[f"a{l}"] = self.bend(z)
        return z, steps

    def backward(self, dout: np.ndarray, steps: Arrays) -> Arrays:
        r"""The four equations of backpropagation, from the last layer to the first; ⊙ is number by number.

        $$dz_L = d\text{out} \qquad dz_{l-1} = (dz_l W_l^\top) \odot \sigma'(z_{l-1})
          \qquad dW_l = a_{l-1}^\top dz_l \qquad db_l = \textstyle\sum_{\text{rows}} dz_l$$
        """
        grads = {f"z{self.n_layer}": dout}
        for l in range(self.n_layer, 0, -1):
            below = f"a{l - 1}"
            grads[below], grads[f"W{l}"], grads[f"b{l}"] = F.linear_backward(
                grads[f"z{l}"], steps[below], self.params[f"W{l}"])
            if l > 1:
                grads[f"z{l - 1}"] = self.bend_backward(grads[below], steps[f"{self.bend_needs}{l - 1}"])
        return grads


def context_windows(words: Sequence[Sequence[int]], context_length: int, end: int) -> tuple[np.ndarray, np.ndarray]:
    """The ids before each id: idx (N, T), targets (N,), both int64; T = context_length.

    Each word is asked for letter by letter and then for its end; before its first letter stands `end`, T times.
    """
    idx, targets = [], []
    for number, word in enumerate(words):
        word = checked_ids(word, what=f"words[{number}]").tolist()
        recent = [end] * context_length
        for w in (*word, end):
            idx.append(recent)
            targets.append(w)
            recent = [*recent[1:], w]
    return np.array(idx, dtype=np.int64).reshape(-1, context_length), np.array(targets, dtype=np.int64)


class MLPLanguageModel:
    """The T ids before → a row of a table for each → linear → layer norm → tanh → linear → logits for the next id.

    The neural language model of Bengio et al. 2003, "A Neural Probabilistic Language Model" (equation 1, without the
    direct connections W), with a layer norm, which they did not have yet.
    """

    def __init__(self, vocab_size: int, context_length: int, n_embd: int, n_hidden: int, *,
                 generator: np.random.Generator):
        self.params: Arrays = {
            "table": generator.normal(size=(vocab_size, n_embd)),
            "W1": random_weight(context_length * n_embd, n_hidden, generator),
            "b1": np.zeros(n_hidden),
            "gain": np.ones(n_hidden),
            "shift": np.zeros(n_hidden),
            "W2": random_weight(n_hidden, vocab_size, generator) / 10,  # at birth nearly all ids are equally likely
            "b2": np.zeros(vocab_size),
        }

    def forward(self, idx: np.ndarray) -> tuple[np.ndarray, Arrays]:
        """idx (B, T) -> logits (B, V) of the id that comes next, and the steps e, x, z, n, h, logits."""
        p, B = self.params, len(idx)
        e = F.embedding(idx, p["table"])            # (B, T, C)
        x = e.reshape(B, -1)                        # (B, T * C)
        z = F.linear(x, p["W1"], p["b1"])           # (B, F)
        n = F.layer_norm(z, p["gain"], p["shift"])  # (B, F)
        h = F.tanh(n)                               # (B, F)
        logits = F.linear(h, p["W2"], p["b2"])      # (B, V)
        return logits, {"idx": idx, "e": e, "x": x, "z": z, "n": n, "h": h, "logits": logits}

    def backward(self, dlogits: np.ndarray, steps: Arrays) -> Arrays:
        """dlogits (B, V) -> the gradient of every parameter and every step: the forward pass, read from its end."""
        p, g = self.params, {"logits": dlogits}
        g["h"], g["W2"], g["b2"] = F.linear_backward(g["logits"], steps["h"], p["W2"])
        g["n"] = F.tanh_backward(g["h"], steps["h"])
        g["z"], g["gain"], g["shift"] = F.layer_norm_backward(g["n"], steps["z"], p["gain"])
        g["x"], g["W1"], g["b1"] = F.linear_backward(g["z"], steps["x"], p["W1"])
        g["e"] = g["x"].reshape(steps["e"].shape)
        g["table"] = F.embedding_backward(g["e"], steps["idx"], p["table"])
        return g

    def nats(self, idx: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Surprise of each target, -log p(target | idx), in nats: (B,)."""
        logits, _ = self.forward(idx)
        targets = checked_ids(targets, logits.shape[-1], what="targets")
        return -F.log_softmax(logits)[np.arange(len(targets)), targets]
