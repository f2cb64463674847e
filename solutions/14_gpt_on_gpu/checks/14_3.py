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
RESTLESS = (  # in which other readings of "the spike" find other steps, each its own in one of them at least
    """3.06 3.31 5.48 2.82 5.75 4.91 3.33 5.38 3.26 5.27 5.49 2.80 4.84 2.94 2.71 2.10 4.00 4.40 4.44 5.12 1.53 5.16 5.27
    4.64 5.30 4.43""",
    """1.53 1.71 5.37 2.31 5.24 4.05 1.85 4.57 1.78 1.87 3.41 3.46 2.78 4.35 3.44 4.04 4.88 5.61 1.67 4.42 1.50 3.84 4.55
    4.71 5.24 5.20""",
    """4.28 3.35 4.47 3.98 2.46 5.67 2.05 4.57 1.68 3.93 5.34 5.42 5.71 5.10 5.86 2.38 5.74 5.95 3.30 5.13 3.12 2.02 3.30
    4.81 5.14 5.18""")
FLOPS_A_TOKEN, PEAK = 6_291_456, 55.4e9


def the_run():
    """The records of the real run, new ones each time."""
    columns = (map(float, column.split()) for column in (LOSS, GRAD_NORM, SECONDS))
    return [{"step": step, "loss": loss, "grad_norm": grad_norm, "tokens": 512 * step, "seconds": seconds}
            for step, (loss, grad_norm, seconds) in enumerate(zip(*columns, strict=True), start=1)]


def restless(number, first=0):
    """The real run from record `first` on, with other losses, which jump up and down."""
    losses = map(float, RESTLESS[number].split())
    return [record | {"loss": loss} for record, loss in zip(the_run()[first:], losses, strict=False)]


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


@meter.probe()
def up_and_down(ns, rng):
    """a run whose loss jumps up and down"""
    return ns["read_the_meter"](restless(0), FLOPS_A_TOKEN, PEAK)


@meter.probe()
def up_and_down_later(ns, rng):
    """another one whose loss jumps, from step 8 on"""
    return ns["read_the_meter"](restless(1, 7), FLOPS_A_TOKEN, 3 * PEAK)


@meter.probe()
def up_and_down_to_the_end(ns, rng):
    """a third one whose loss jumps, to the end"""
    return ns["read_the_meter"](restless(2, 19), FLOPS_A_TOKEN, PEAK / 2)


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
    jumps, times = restless(int(rng.integers(2)), int(rng.integers(3, 12))), float(rng.uniform(0.5, 2.0))
    runs = [another_run(rng), [record | {"loss": times * record["loss"]} for record in jumps], the_run()[15:24]]
    for i, more in ((4, 2.0), (-1, 1.0)):
        runs[2][i]["loss"] += more
    return [ns["read_the_meter"](run, float(rng.uniform(1e6, 1e9)), float(rng.uniform(1e12, 1e15))) for run in runs]


@meter.property(late=(0.0, 100.0), seed=(0, 99))
def what_was_before(ns, late, seed):
    """how long everything took before the first record changes nothing"""
    records = another_run(np.random.default_rng(seed))
    later = [record | {"seconds": record["seconds"] + late} for record in records]
    return ns["read_the_meter"](later, 1e6, 1e12), ns["read_the_meter"](records, 1e6, 1e12)


def speed_of(records):
    first, last = records[0], records[-1]
    return (last["tokens"] - first["tokens"]) / (last["seconds"] - first["seconds"])


def spike_of(records, window=lambda loss, i: np.median(loss[i - 5 : i]), start=5, height=lambda loss, low: loss - low, of="loss"):
    """The place of the spike. window: what a loss is compared with; height: how."""
    loss = [record[of] for record in records]
    start = min(start, len(loss) - 1)
    return start + int(np.argmax([height(loss[i], window(loss, i)) for i in range(start, len(loss))]))


def found_by(records, *how, **more):
    """The step at the place that another rule finds."""
    return records[spike_of(records, *how, **more)]["step"]


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


@meter.mistake(hint="A mean is pulled up by a single high loss among the five, and hides the next one. The *median* of the five is asked.")
def above_the_mean(records, flops_a_token, peak):
    """the mean of the five losses before it in place of their median"""
    return reading(records, flops_a_token, peak, spike=found_by(records, lambda loss, i: np.mean(loss[i - 5 : i])))


@meter.mistake(hint="The median of the five before it, the middle one by size: not the largest.")
def above_the_largest(records, flops_a_token, peak):
    """the largest of the five losses before it in place of their median"""
    return reading(records, flops_a_token, peak, spike=found_by(records, lambda loss, i: max(loss[i - 5 : i])))


@meter.mistake(hint="The median of the five before it, the middle one by size: not the smallest.")
def above_the_smallest(records, flops_a_token, peak):
    """the smallest of the five losses before it in place of their median"""
    return reading(records, flops_a_token, peak, spike=found_by(records, lambda loss, i: min(loss[i - 5 : i])))


@meter.mistake(hint="The middle between the largest and the smallest is no median: that is the third of the five by size.")
def above_the_midrange(records, flops_a_token, peak):
    """the middle between the largest and the smallest of the five in place of their median"""
    return reading(records, flops_a_token, peak, spike=found_by(records, lambda loss, i: (max(loss[i - 5 : i]) + min(loss[i - 5 : i])) / 2))


@meter.mistake(hint="The median is the middle one by size. Yours is the mean of what is left when the largest and the smallest are gone.")
def above_a_trimmed_mean(records, flops_a_token, peak):
    """the mean of the middle three of the five in place of their median"""
    return reading(records, flops_a_token, peak, spike=found_by(records, lambda loss, i: np.mean(sorted(loss[i - 5 : i])[1:4])))


@meter.mistake(hint="The median is the middle one by size: sort the five first. Yours is the middle one in time.")
def above_the_middle_one(records, flops_a_token, peak):
    """the loss three before it: the middle of five that were not sorted"""
    return reading(records, flops_a_token, peak, spike=found_by(records, lambda loss, i: loss[i - 3]))


@meter.mistake(hint="Sorted, the five stand at the places 0 to 4: the median is at 2.")
def above_the_fourth(records, flops_a_token, peak):
    """the second largest of the five losses before it in place of their median"""
    return reading(records, flops_a_token, peak, spike=found_by(records, lambda loss, i: sorted(loss[i - 5 : i])[3]))


@meter.mistake(hint="Five losses before it, not one of them: take their median.")
def above_the_fifth_before(records, flops_a_token, peak):
    """the loss five before it in place of a median"""
    return reading(records, flops_a_token, peak, spike=found_by(records, lambda loss, i: loss[i - 5]))


@meter.mistake(hint="The five before it: loss[i − 5] to loss[i − 1]. A slice ends before its second number.")
def median_of_four(records, flops_a_token, peak):
    """the median of the four losses before it"""
    return reading(records, flops_a_token, peak, spike=found_by(records, lambda loss, i: np.median(loss[i - 4 : i])))


@meter.mistake(hint="The five before it, loss[i − 5] to loss[i − 1], not three.")
def median_of_three(records, flops_a_token, peak):
    """the median of the three losses before it"""
    return reading(records, flops_a_token, peak, spike=found_by(records, lambda loss, i: np.median(loss[i - 3 : i])))


@meter.mistake(hint="The five before it, loss[i − 5] to loss[i − 1], not six.")
def median_of_six(records, flops_a_token, peak):
    """the median of the six losses before it, where there are so many"""
    return reading(records, flops_a_token, peak, spike=found_by(records, lambda loss, i: np.median(loss[max(i - 6, 0) : i])))


@meter.mistake(hint="The five *before* it: the loss itself is not among them. The slice ends before i.")
def with_itself(records, flops_a_token, peak):
    """a median of five that takes in the loss itself"""
    return reading(records, flops_a_token, peak, spike=found_by(records, lambda loss, i: np.median(loss[i - 4 : i + 1])))


@meter.mistake(hint="The five before it alone: the loss itself does not belong to what it is compared with.")
def five_and_itself(records, flops_a_token, peak):
    """a median of six: the five before it and the loss itself"""
    return reading(records, flops_a_token, peak, spike=found_by(records, lambda loss, i: np.median(loss[i - 5 : i + 1])))


@meter.mistake(hint="Only the five before it: all that was before goes back to the high losses of the beginning.")
def all_before_it(records, flops_a_token, peak):
    """the median of all losses before it"""
    return reading(records, flops_a_token, peak, spike=found_by(records, lambda loss, i: np.median(loss[:i])))


@meter.mistake(hint="How far above, a difference: loss − median, not a quotient.")
def how_many_times(records, flops_a_token, peak):
    """loss divided by the median in place of loss minus the median"""
    return reading(records, flops_a_token, peak, spike=found_by(records, height=lambda loss, low: loss / low))


@meter.mistake(hint="*Above* the median: a loss that falls far below it is no spike.")
def far_below_as_well(records, flops_a_token, peak):
    """distances without their sign: a fall counts like a spike"""
    return reading(records, flops_a_token, peak, spike=found_by(records, height=lambda loss, low: abs(loss - low)))


@meter.mistake(hint="The distance itself, in nats: not divided by how much the five differ among themselves.")
def in_standard_deviations(records, flops_a_token, peak):
    """the distance from the median in standard deviations of the five"""
    return reading(records, flops_a_token, peak, spike=found_by(records, lambda loss, i: (np.median(loss[i - 5 : i]), np.std(loss[i - 5 : i])), height=lambda loss, low: (loss - low[0]) / low[1]))


@meter.mistake(hint="Leaving out the first five is not enough: a spike is high compared with the five before it, not with the whole run.")
def the_highest_after_five(records, flops_a_token, peak):
    """the highest loss after the first five as the spike"""
    return reading(records, flops_a_token, peak, spike=found_by(records, lambda loss, i: 0.0))


@meter.mistake(hint="The first five records are not asked: they have no five before them.")
def the_first_ones_asked(records, flops_a_token, peak):
    """the first five asked as well, with as many losses as there are before them"""
    return reading(records, flops_a_token, peak, spike=found_by(records, lambda loss, i: np.median(loss[max(i - 5, 0) : i]), 1))


@meter.mistake(hint="The record at the place 5 is the sixth, and the first that has five before it: it is asked.")
def the_sixth_not_asked(records, flops_a_token, peak):
    """the sixth record not asked either"""
    return reading(records, flops_a_token, peak, spike=found_by(records, start=6))


@meter.mistake(hint="The fifth record has four before it: the first that is asked is the sixth, at the place 5.")
def the_fifth_asked(records, flops_a_token, peak):
    """the fifth record asked as well"""
    return reading(records, flops_a_token, peak, spike=found_by(records, lambda loss, i: np.median(loss[max(i - 5, 0) : i]), 4))


@meter.mistake(hint="The last record is asked as well: its five stand before it.")
def the_last_not_asked(records, flops_a_token, peak):
    """the last record not asked"""
    asked = records[:-1] if len(records) > 6 else records
    return reading(records, flops_a_token, peak, spike=found_by(asked))


@meter.mistake(hint="The question is about the loss, not about the norm of the gradient.")
def a_spike_of_the_gradient(records, flops_a_token, peak):
    """the spike of the gradient's norm"""
    return reading(records, flops_a_token, peak, spike=found_by(records, of="grad_norm"))


@meter.mistake(hint="The five have none before them, so the first difference belongs to the place 5: add 5 to its index.")
def five_too_early(records, flops_a_token, peak):
    """a step five records too early"""
    return reading(records, flops_a_token, peak, spike=records[spike_of(records) - 5]["step"])


@meter.mistake(hint="The first difference belongs to the place 5, the sixth record.")
def one_too_early(records, flops_a_token, peak):
    """a step one record too early"""
    return reading(records, flops_a_token, peak, spike=records[spike_of(records) - 1]["step"])


@meter.mistake(hint="Records need not begin with step 1. The record at the place that you found has a `step`.")
def the_place_and_one(records, flops_a_token, peak):
    """the place in the list and 1, as if every list began with step 1"""
    return reading(records, flops_a_token, peak, spike=spike_of(records) + 1)


@meter.mistake(hint="Its step is asked, not the record.")
def the_whole_record(records, flops_a_token, peak):
    """the record of the spike in place of its step"""
    return reading(records, flops_a_token, peak, spike=records[spike_of(records)])


@meter.mistake(hint="From the first record to the last, not the last update alone.")
def the_last_update_only(records, flops_a_token, peak):
    """the speed of the last update alone"""
    return reading(records, flops_a_token, peak, speed=speed_of(records[-2:]))


@meter.mistake(hint="All tokens over all seconds: not the median of every update's own speed.")
def a_median_of_speeds(records, flops_a_token, peak):
    """the median of every update's own speed"""
    pairs = zip(records, records[1:], strict=False)
    return reading(records, flops_a_token, peak, speed=float(np.median([speed_of(pair) for pair in pairs])))


@meter.mistake(hint="The clock runs to the last record, records[-1].")
def without_the_last(records, flops_a_token, peak):
    """a count that ends one record before the last"""
    return reading(records, flops_a_token, peak, speed=speed_of(records[:-1]))


@meter.mistake(hint="You took the first's tokens away, but not its seconds: take the first away from both.")
def tokens_without_the_first(records, flops_a_token, peak):
    """the first record taken away from the tokens, not from the seconds"""
    first, last = records[0], records[-1]
    return reading(records, flops_a_token, peak, speed=(last["tokens"] - first["tokens"]) / last["seconds"])


@meter.mistake(hint="How many operations are there in a second? Tokens a second times operations a token; then divide by the peak.")
def mfu_without_the_speed(records, flops_a_token, peak):
    """an MFU without the speed: operations a token over the peak"""
    return reading(records, flops_a_token, peak, mfu=flops_a_token / peak)


@meter.mistake(hint="The peak is in operations a *second*: divide all operations by the seconds as well.")
def mfu_without_the_seconds(records, flops_a_token, peak):
    """an MFU without the seconds: all operations over the peak"""
    tokens = records[-1]["tokens"] - records[0]["tokens"]
    return reading(records, flops_a_token, peak, mfu=tokens * flops_a_token / peak)


@meter.mistake(hint="The peak is in operations a *second*: divide all operations by the seconds, and take the first record's away from both.")
def mfu_of_all_tokens(records, flops_a_token, peak):
    """an MFU without the seconds, of all tokens since the beginning"""
    return reading(records, flops_a_token, peak, mfu=records[-1]["tokens"] * flops_a_token / peak)


@meter.mistake(hint="The speed is without the warm-up, the MFU is not: use the same speed in both.")
def mfu_with_the_warm_up(records, flops_a_token, peak):
    """the right speed, with an MFU that has the warm-up in it"""
    speed = records[-1]["tokens"] / records[-1]["seconds"]
    return reading(records, flops_a_token, peak, mfu=speed * flops_a_token / peak)


@meter.mistake(hint="flops_a_token counts forward and backward already: no further factor.")
def mfu_three_times(records, flops_a_token, peak):
    """an MFU three times too large"""
    return reading(records, flops_a_token, peak, mfu=3 * speed_of(records) * flops_a_token / peak)


@meter.mistake(hint="flops_a_token counts all operations of a token already: no further factor.")
def mfu_six_times(records, flops_a_token, peak):
    """an MFU six times too large"""
    return reading(records, flops_a_token, peak, mfu=6 * speed_of(records) * flops_a_token / peak)


@meter.mistake(hint="The share itself, not rounded.")
def mfu_rounded(records, flops_a_token, peak):
    """a rounded MFU"""
    return reading(records, flops_a_token, peak, mfu=round(speed_of(records) * flops_a_token / peak, 2))


@meter.mistake(hint="There may be other runs.", memorised=True)
def this_run_only(records, flops_a_token, peak):
    """the spike of the run above, whatever is asked"""
    return reading(records, flops_a_token, peak, spike=the_run()[spike_of(the_run())]["step"])
