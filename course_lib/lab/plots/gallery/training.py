"""The gallery's figures of training: curves, ladders, parts, time lines. Lessons 00, 02, 05, 12, 14, 15."""

import numpy as np

from course_lib.lab import plots


def _training_curve():
    rng = np.random.default_rng(0)
    records = [{"step": s, "loss": 2 + 5 * np.exp(-s / 40) + 0.12 * rng.normal()} for s in range(1, 241)]
    for record in records[39::40]:
        record["held_out_loss"] = record["loss"] + 0.1
    return plots.training_curve(
        records, references={"6-gram": 2.6},
        caption="Thin: every batch. Thick: smoothed. Dots: held-out text. Dashed: a model that only counts.",
        alt="The loss falls steeply, passes the 6-gram's level near step 85 and flattens at two nats.")


def _curves():
    step, rng = np.arange(100), np.random.default_rng(0)
    runs = {name: np.exp(-step / speed) * (1 + 0.3 * rng.random((5, 100))) + 0.02
            for name, speed in (("SGD", 60), ("momentum", 30), ("AdamW", 15))}
    return plots.curves(
        step, runs, xlabel="step (optimizer updates)", ylabel="loss (nats)", log="y", levels={"best possible": 0.02},
        title="Three optimizers, five seeds each",
        caption="Line: the median of five runs; band: from the lowest to the highest.",
        alt="Three falling lines in narrow bands; AdamW falls fastest and reaches the dashed level.")


def _schedule_curve():
    step = np.arange(101)
    lrs = {"cosine": 1e-3 * (1 + np.cos(np.pi * step / 100)) / 2, "wsd": 1e-3 * np.minimum(1, (100 - step) / 40)}
    return plots.schedule_curve(
        lrs, caption="WSD: warm up, stay, decay. Cosine: down from the start.",
        alt="A half cosine wave, and a plateau that falls in a straight line from step 60.")


def _ladder():
    return plots.ladder(
        {"unigram": 4.4, "6-gram": 0.95, "MLP": 0.9, "LSTM": 0.75, "GPT": 0.59}, floor=("story-teller", 0.41),
        caption="Shorter is better; nobody gets past the dashed line.",
        alt="Bars from 4.4 bits per byte for unigrams to 0.59 for the GPT; a dashed line at 0.41.")


def _grouped_bars():
    return plots.grouped_bars(
        {"add-one": [4.4, 3.6, 2.9, 2.8, 3.1], "Kneser–Ney": [4.4, 3.4, 2.3, 1.6, 1.2]}, list("12345"), xlabel="order",
        ylabel="bits per byte", levels={"entropy of the source": 0.41}, title="Do longer contexts help?",
        caption="With add-one smoothing, longer contexts soon hurt; with Kneser–Ney's, they help.",
        alt="Pairs of columns by order; add-one rises again after order 4, Kneser–Ney falls to 1.2.")


def _speed_ladder():
    return plots.speed_ladder(
        {"float32": 41_000, "+ bf16": 98_000, "+ compile": 181_000, "+ larger batch": 240_000},
        caption="Grey: what was there before. Blue: what the change brought.",
        alt="Four bars from 41 thousand to 240 thousand tokens a second; bf16 brings the most, 2.4 times.")


def _stacked_bars():
    return plots.stacked_bars(
        {"parameters": [0.5, 0.5, 0.5], "gradients": [0.5, 0.5, 0.5], "optimizer": [1, 1, 1],
         "activations": [12, 6, 1.5]},
        ["float32", "bf16", "bf16, recomputed"], unit="GiB", limit=("GPU", 10), title="Where does the memory go?",
        caption="Activations are most of it; recomputing them in the backward pass saves most of them.",
        alt="Three bars of 14, 8 and 3.5 GiB; only the first passes the GPU's 10.")


def _timeline():
    ranks, n = 3, 4
    forward = [(r, r + m, r + m + 1, "forward", str(m)) for r in range(ranks) for m in range(n)]
    back = [(r, s, s + 2, "backward", str(m)) for r in range(ranks) for m in range(n)
            for s in [ranks + n - 1 + 2 * (ranks - 1 - r + m)]]
    return plots.timeline(
        forward + back, unit="slots", title="A pipeline of three ranks",
        caption="Empty space is a bubble: a rank that waits for its neighbour.",
        alt="Three rows of boxes in stairs: forward to the right and down, backward to the right and up.")


def _memory_timeline():
    ms = np.arange(61.0)
    held = np.interp(ms, [0, 20, 50, 60], [2, 8, 3, 2])
    return plots.memory_timeline(
        ms, {"rank 0": held + 1, "rank 1": held}, time_unit="ms", unit="GiB", limit=("GPU", 10),
        phases={"forward": (0, 20), "backward": (20, 50), "update": (50, 60)}, title="One step on two ranks",
        caption="Activations pile up on the way forward and go on the way back.",
        alt="Two areas that rise to 9 and 8 GiB in 20 ms and fall again until 50 ms.")


EXAMPLES = (_training_curve, _curves, _schedule_curve, _ladder, _grouped_bars, _speed_ladder, _stacked_bars,
            _timeline, _memory_timeline)
