"""The gallery's figures of text: strips, what comes next, attention, trees, words. Lessons 01, 07, 08, 13."""

import numpy as np

from course_lib.lab import plots


def _token_strip():
    tokens = ["Today", " is", " a", " fine", " day", ".", "\n", "今天", "天气", "很", "好", "🙂"]
    bits = [6.1, 1.0, 1.4, 5.2, 2.3, 0.4, 0.9, 8.0, 3.1, 1.6, 0.7, 9.5]
    return plots.token_strip(
        tokens, bits, unit="bits", title="How surprising is each token?",
        caption="The stronger the colour, the more surprising. What no font can draw is written as its code point.",
        alt="A sentence in English and Chinese; its first word, its first Chinese word and the emoji stand out most.")


def _token_html():
    tokens = ["Today", " is", " a", " fine", " day", ".", "\n", "今天", "天气", "很", "好", "🙂"]
    bits = [6.1, 1.0, 1.4, 5.2, 2.3, 0.4, 0.9, 8.0, 3.1, 1.6, 0.7, 9.5]
    return plots.token_html(
        tokens, bits, unit="bits", notes=[f"position {t}" for t in range(len(tokens))],
        caption="The same for the browser: rest on a token, or walk with the Tab key.",
        alt="A sentence in English and Chinese; its first word, its first Chinese word and the emoji stand out most.")


def _next_token_bars():
    tokens, probs = [" the", " a", " her", "\n", " 家", " home"], [0.41, 0.22, 0.16, 0.09, 0.08, 0.04]
    return plots.next_token_bars(
        tokens, probs, top=5, chosen=2, title="She went ▢",
        caption="The five most probable next tokens; the one that was drawn is marked.",
        alt="Bars: ␣the 41 %, ␣a 22 %, ␣her, the chosen one, 16 %, then a line's end, 家, and one other.")


def _next_token_panels():
    tokens, logits = [" the", " a", " her", " my", " one", " each"], np.array([3.0, 2.2, 1.9, 1.0, 0.3, 0.0])
    heat = {f"T = {t}": np.exp(logits / t) / np.exp(logits / t).sum() for t in (0.5, 1.0, 2.0)}
    return plots.next_token_bars(
        tokens, heat, title="One set of logits at three temperatures",
        caption="A low temperature sharpens, a high one flattens; the order stays.",
        alt="Three panels of the same six tokens: steep bars at 0.5, nearly even ones at 2.")


def _attention_map():
    tokens = ["The", " cat", " saw", " its", " tail"]
    scores = [[2, 0, 0, 0, 0], [1, 2, 0, 0, 0], [0, 3, 1, 0, 0], [0, 4, 1, 1, 0], [0, 2, 1, 3, 1]]
    e = np.where(np.tri(5, dtype=bool), np.exp(scores), 0.0)
    return plots.attention_map(
        e / e.sum(axis=1, keepdims=True), tokens, query=3, title="What does “its” read?",
        caption="Each row sums to one. The framed one, “its”, reads the cat.",
        alt="A lower triangle of weights; in the row of “its” the column of “cat” stands out most, 0.89.")


def _attention_maps():
    tokens = ["The", " cat", " saw", " its", " tail", "."]
    distance = np.arange(6)[:, None] - np.arange(6)
    heads = np.stack([np.where(distance >= 0, np.exp(-abs(distance - d) * 2.0), 0.0) for d in range(4)])
    return plots.attention_maps(
        heads / heads.sum(axis=-1, keepdims=True), tokens, names=[f"{d} back" for d in range(4)],
        title="Four heads that look back", caption="Each head looks one token further back than the one before.",
        alt="Four lower triangles; the strong diagonal moves down by one row from map to map.")


def _tree():
    tokens = [" the", " cat", " dog", " sat", " slept", " barked", " ran", "."]
    return plots.tree(
        tokens, [-1, 0, 0, 1, 1, 2, 2, 3], [-0.2, -0.9, -1.1, -1.6, -2.8, -1.7, -3.0, -1.9], best=7,
        kept=[True, True, True, True, False, True, False, True], title="Beam search with two beams",
        caption="Dashed: dropped, because two others were better. Thick: the winner. Below each token: log P so far.",
        alt="A tree that grows to the right from “the”; the thick way reads “the cat sat.”, log P −1.9.")


def _trade_off():
    ways = {"t = 0.5": (0.62, 0.05), "t = 1": (0.74, 0.09), "t = 1.3": (0.83, 0.31), "top-p 0.9": (0.71, 0.05)}
    return plots.trade_off(
        ways, paths=[["t = 0.5", "t = 1", "t = 1.3"]], goal=("people", (0.78, 0.0)), xlabel="different 4-grams, share",
        ylabel="wrong sentences, share", title="Variety has its price",
        caption="Down and to the right is better. Heat buys variety with mistakes; the nucleus buys it cheaper.",
        alt="Three temperatures on a rising line, top-p below it, and a star for people at the lower right.")


def _word_map():
    words = ["king", "queen", "prince", "red", "green", "blue", "walk", "run", "走", "跑"]
    points = np.array([[-2, 1.2], [-1.7, 1.6], [-1.5, 0.9], [1.6, 1.4], [2, 1], [1.5, 0.7], [0, -1.6], [0.5, -1.9],
                       [0.1, -1.2], [0.7, -1.5]])
    return plots.word_map(
        points, words, groups=["people"] * 3 + ["colours"] * 3 + ["moves"] * 4, title="Words in two directions",
        caption="Words that are used alike lie near each other, across languages too.",
        alt="Three clusters: people at the upper left, colours at the upper right, moves at the bottom.")


EXAMPLES = (_token_strip, _token_html, _next_token_bars, _next_token_panels, _attention_map, _attention_maps,
            _tree, _trade_off, _word_map)
