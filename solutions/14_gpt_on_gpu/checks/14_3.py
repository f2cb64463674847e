"""Exercise 14.3: tokens a second, MFU and the spike, read from a run's records."""

import numpy as np

from course_lib.classroom.checking.exercise import Exercise

meter = Exercise(
    "14.3", "read_the_meter", title="Read the meter", difficulty=2, minutes=15,
    hints=(
        "tokens and seconds are totals since the beginning of the run. How many of each lie between the first record and the last?",
        "MFU is tokens a second, times operations a token, over operations a second. For the spike look at one record after the other from the sixth on.",
        "loss[i] − np.median(loss[i − 5 : i]) for i from 5; the i where it is largest; then that record's step.",
    ),
)

LOSS = """
7.368 7.079 6.903 6.723 6.395 6.037 5.806 5.561 5.442 5.435 5.674 5.624 5.541 5.447 8.112 5.455 5.504 5.376 5.454
5.515 5.360 5.365 5.421 5.547 5.240 5.356 5.301 5.129 5.528 5.395 5.192 5.195 5.446 5.195 5.263 5.140 5.173 5.103
5.046 5.046 5.067 5.126 5.096 5.067 5.321 5.224"""
GRAD_NORM = """
3.64 2.35 1.73 1.53 1.59 1.53 3.28 1.11 2.40 0.58 0.75 1.16 1.28 0.90 22.90 0.92 0.89 0.80 0.73 0.71 0.71 0.74 0.73
0.96 0.67 0.60 0.68 0.81 0.62 0.74 0.65 0.74 0.78 0.71 0.74 0.78 0.81 0.62 0.83 1.01 0.72 0.74 0.84 0.69 0.78 0.70"""
SECONDS = """
0.292 0.526 0.981 1.172 1.359 1.557 1.803 2.034 2.279 2.503 2.770 3.086 3.365 3.638 3.949 4.188 4.394 4.624 4.823
5.011 5.247 5.711 6.099 6.245 6.381 6.510 6.636 6.765 6.895 7.059 7.231 7.378 7.514 7.648 7.791 7.939 8.091 8.236
8.376 8.591 8.822 9.079 9.271 9.434 9.579 9.729"""
FLOPS_A_TOKEN, PEAK = 6_291_456, 55.4e9


def the_run():
    """The records of the real run, new ones each time."""
    columns = (map(float, column.split()) for column in (LOSS, GRAD_NORM, SECONDS))
    return [{"step": step, "loss": loss, "grad_norm": grad_norm, "tokens": 512 * step, "seconds": seconds}
            for step, (loss, grad_norm, seconds) in enumerate(zip(*columns, strict=True), start=1)]


@meter.probe()
def the_real_run(ns, rng):
    """the run above"""
    return ns["read_the_meter"](the_run(), FLOPS_A_TOKEN, PEAK)


@meter.probe()
def begun_later(ns, rng):
    """the same run from step 18 on"""
    return ns["read_the_meter"](the_run()[17:], FLOPS_A_TOKEN, PEAK)


@meter.probe()
def among_the_first_five(ns, rng):
    """the same run from step 12 on: its highest loss is among the first five"""
    return ns["read_the_meter"](the_run()[11:], FLOPS_A_TOKEN, PEAK)


@meter.probe()
def six_records(ns, rng):
    """six records: one is asked"""
    return ns["read_the_meter"](the_run()[10:16], FLOPS_A_TOKEN, PEAK)


@meter.probe()
def at_both_ends(ns, rng):
    """a spike at the very end, after a low loss that makes another look high"""
    records = the_run()[15:30]
    records[8]["loss"], records[-1]["loss"] = 4.9, 5.9
    return ns["read_the_meter"](records, 2 * FLOPS_A_TOKEN, 10 * PEAK)


def another_run(rng):
    """The end of the real run on a machine of another speed, with a fall of the loss, a dip before it and a spike after it."""
    records, fall = the_run()[15:], int(rng.integers(8, 12))
    speed, spike = rng.uniform(0.2, 5.0), int(rng.integers(fall + 7, len(records) - 1))
    for i, record in enumerate(records):
        record["seconds"] = record["seconds"] / speed + rng.uniform(0, 0.01)
        record["step"] += 1000
        record["loss"] += 1.5 if i <= fall and i != fall - 2 else 0.7 if i == spike else 0.0
    return records


@meter.probe(hidden=True, points=2)
def any_run(ns, rng):
    """another run"""
    return ns["read_the_meter"](another_run(rng), float(rng.uniform(1e6, 1e9)), float(rng.uniform(1e12, 1e15)))


@meter.property(late=(0.0, 100.0), seed=(0, 99))
def what_was_before(ns, late, seed):
    """how long everything took before the first record changes nothing"""
    records = another_run(np.random.default_rng(seed))
    later = [record | {"seconds": record["seconds"] + late} for record in records]
    return ns["read_the_meter"](later, 1e6, 1e12), ns["read_the_meter"](records, 1e6, 1e12)


def speed_of(records):
    first, last = records[0], records[-1]
    return (last["tokens"] - first["tokens"]) / (last["seconds"] - first["seconds"])


def spike_of(records, window=lambda loss, i: np.median(loss[i - 5 : i]), start=5):
    loss = [record["loss"] for record in records]
    return start + int(np.argmax([loss[i] - window(loss, i) for i in range(start, len(loss))]))


def reading(records, flops_a_token, peak, *, speed=None, mfu=None, spike=None):
    """The right answer, with some things wrong."""
    speed = speed_of(records) if speed is None else speed
    return {"tokens_per_second": speed, "mfu": speed * flops_a_token / peak if mfu is None else mfu,
            "spike": records[spike_of(records)]["step"] if spike is None else spike}


@meter.mistake(hint="The first record paid for warming up. Take its tokens and its seconds away.")
def with_the_warm_up(records, flops_a_token, peak):
    """a speed from the beginning of the run on, warm-up included"""
    return reading(records, flops_a_token, peak, speed=records[-1]["tokens"] / records[-1]["seconds"])


@meter.mistake(hint="Records are written at the end of an update. The first one is where counting begins: do not drop it, or the second update is lost, too.")
def the_first_record_dropped(records, flops_a_token, peak):
    """a count that begins after the second update, for the first record was dropped"""
    return reading(records, flops_a_token, peak, speed=speed_of(records[1:]))


@meter.mistake(hint="`tokens` and `seconds` are totals so far. They must not be added up once more.")
def totals_added_up(records, flops_a_token, peak):
    """sums of numbers that are sums already"""
    tokens, seconds = (sum(record[name] for record in records) for name in ("tokens", "seconds"))
    return reading(records, flops_a_token, peak, speed=tokens / seconds)


@meter.mistake(hint="A mean of speeds counts quick updates as much as slow ones. All tokens over all seconds is what one pays for.")
def a_mean_of_speeds(records, flops_a_token, peak):
    """the mean of every update's own speed"""
    pairs = zip(records, records[1:], strict=False)
    speeds = [(after["tokens"] - before["tokens"]) / (after["seconds"] - before["seconds"]) for before, after in pairs]
    return reading(records, flops_a_token, peak, speed=float(np.mean(speeds)))


@meter.mistake(hint="You took the last total of tokens over seconds without the first's: take the first away from both.")
def seconds_without_the_first(records, flops_a_token, peak):
    """the first record taken away from the seconds, not from the tokens"""
    seconds = records[-1]["seconds"] - records[0]["seconds"]
    return reading(records, flops_a_token, peak, speed=records[-1]["tokens"] / seconds)


@meter.mistake(hint="How many updates are there in a second? The question is about tokens.")
def updates_a_second(records, flops_a_token, peak):
    """updates a second in place of tokens"""
    first, last = records[0], records[-1]
    return reading(records, flops_a_token, peak, speed=(last["step"] - first["step"]) / (last["seconds"] - first["seconds"]))


@meter.mistake(hint="A share of the peak: a number from 0 to 1, not per cent.")
def in_per_cent(records, flops_a_token, peak):
    """an MFU in per cent"""
    return reading(records, flops_a_token, peak, mfu=100 * speed_of(records) * flops_a_token / peak)


@meter.mistake(hint="Yours is how many times the peak is larger. Turn the fraction round.")
def peak_over_work(records, flops_a_token, peak):
    """the MFU upside down"""
    return reading(records, flops_a_token, peak, mfu=peak / (speed_of(records) * flops_a_token))


@meter.mistake(hint="At the beginning every loss is high. A spike is high compared with what came just before.")
def the_highest_loss(records, flops_a_token, peak):
    """the highest loss of all as the spike"""
    highest = max(records, key=lambda record: record["loss"])
    return reading(records, flops_a_token, peak, spike=highest["step"])


@meter.mistake(hint="You return the place in the list. The record at that place has a `step`.")
def the_place_in_the_list(records, flops_a_token, peak):
    """the place of the spike in the list"""
    return reading(records, flops_a_token, peak, spike=spike_of(records))


@meter.mistake(hint="A large gradient often comes with a spike, but not always at the same step. The question is about the loss.")
def the_largest_gradient(records, flops_a_token, peak):
    """the largest gradient as the spike"""
    return reading(records, flops_a_token, peak, spike=max(records, key=lambda record: record["grad_norm"])["step"])


@meter.mistake(hint="Compare with the median of five, not with one neighbour: a low loss beside it makes any loss look high.")
def against_the_one_before(records, flops_a_token, peak):
    """the largest rise from one record to the next"""
    place = spike_of(records, lambda loss, i: loss[i - 1], 1)
    return reading(records, flops_a_token, peak, spike=records[place]["step"])


@meter.mistake(hint="The five before it: without the loss itself, and without what comes later.")
def around_it(records, flops_a_token, peak):
    """a median that takes in the losses after it"""
    place = spike_of(records, lambda loss, i: np.median(loss[i - 2 : i + 3]))
    return reading(records, flops_a_token, peak, spike=records[place]["step"])


@meter.mistake(hint="The first five records have no five before them; the one at the place i has those from i − 5 to i − 1.")
def one_step_beside_it(records, flops_a_token, peak):
    """the step after the spike"""
    return reading(records, flops_a_token, peak, spike=records[spike_of(records)]["step"] + 1)


@meter.mistake(hint="How high the loss is, was not asked: at which step.")
def how_high_it_is(records, flops_a_token, peak):
    """the loss at the spike in place of its step"""
    return reading(records, flops_a_token, peak, spike=records[spike_of(records)]["loss"])


@meter.mistake(hint="There may be other runs.", memorised=True)
def this_run_only(records, flops_a_token, peak):
    """the spike of the run above, whatever is asked"""
    return reading(records, flops_a_token, peak, spike=the_run()[spike_of(the_run())]["step"])
