"""The gallery's figures of computations: arrays, graphs, surfaces, histograms. Lessons 04, 05, 07."""

import numpy as np

from course_lib.lab import plots


def _labelled_grid():
    values = np.array([[0.8, -0.3, 1.2], [-1.1, 0.4, np.nan]])
    return plots.labelled_grid(
        values, rows="T", columns="D", row_labels=["The", " cat"], signed=True, marked=[(0, 2)], title="q",
        caption="Orange is positive, blue negative, and what is not computed yet is empty.",
        alt="Two rows of three numbers from −1.1 to 1.2; the largest is framed.")


def _labelled_grids():
    q, k = np.array([[1.0, 0.5], [0.2, -1.0], [-0.7, 0.9]]), np.array([[0.4, 1.0], [1.1, -0.2], [-0.5, -0.8]])
    scores = q @ k.T / np.sqrt(2)
    weights = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    return plots.labelled_grids(
        {"q": q, "k": k, "scores": scores, "weights": weights}, title="From queries and keys to weights", signed=True,
        axes={"q": "TD", "k": "SD", "scores": "TS", "weights": "TS"},
        marked={"q": [(1, 0), (1, 1)], "k": [(2, 0), (2, 1)], "scores": [(1, 2)]},
        caption=r"The framed score is $q_1 \cdot k_2 / \sqrt{D}$. All cells share one scale.",
        alt="Four grids: q and k of three rows and two columns, scores and weights of three by three.")


def _graph():
    return plots.graph(
        [[], [], [0, 1], [], [2, 3], [4]], names=["w", "x", "w·x", "b", "z", "y"], title="One neuron, backwards",
        values=[0.5, 2.0, 1.0, -0.4, 0.6, 0.54], gradients=[None, None, 0.71, 0.71, 0.71, 1.0],
        operators=["", "", "×", "", "+", "tanh"], active=[4],
        caption="Below each value its gradient. The sum has just handed its own to both inputs; w and x still wait.",
        alt="w and x are multiplied, b is added, tanh gives y = 0.54; gradients are known but for w and x.")


def _decision_surface():
    angle = np.linspace(0, 2 * np.pi, 13)[:-1]
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return plots.decision_surface(
        lambda x: 1 / (1 + np.exp(-4 * ((x**2).sum(axis=1) - 1.2))), np.concatenate([0.5 * ring, 1.6 * ring]),
        np.repeat([0, 1], 12), title="Inside or outside?", caption="The line is where the classifier changes its mind.",
        alt="A blue disk with twelve circles on an orange ground with twelve squares; a ring separates them.")


def _layer_histograms():
    rng = np.random.default_rng(0)
    layers = {f"layer {l}": np.tanh(scale * rng.normal(size=4000)) for l, scale in enumerate((0.5, 1.0, 2.0), 1)}
    return plots.layer_histograms(
        layers, xlabel="activation (after tanh)", beyond=0.97, title="Saturation",
        caption="Orange: units that are so far out that hardly any gradient passes.",
        alt="Three histograms between −1 and 1: a bell, a plateau, and one piled up at both ends.")


EXAMPLES = (_labelled_grid, _labelled_grids, _graph, _decision_surface, _layer_histograms)
