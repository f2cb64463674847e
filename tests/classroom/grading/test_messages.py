"""What a box says, as bytes from an enemy: an answer or a reason comes of it, in little memory, and never an error."""
# ruff: noqa: E501  (tables of bytes)

import json
import random
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.classroom.checking.diagnose import diagnose
from course_lib.classroom.grading.display import clean_outputs
from course_lib.classroom.grading.marking import tidy
from course_lib.classroom.grading.sandbox.messages import (
    DEPTH,
    LONGEST,
    VALUES,
    Listener,
    read_evidence,
    read_outputs,
    weigh,
)
from course_lib.classroom.grading.sandbox.rounds import Run

CELLS = [{"id": "c0"}, {"id": "c1"}]
STAGES = [{"cells": CELLS}, {"jobs": [{"probes": [{"id": "a"}, {"id": "b"}]}]}, {"jobs": [{"probes": [{"id": "a"}]}]}]
PRINTED = [{"output_type": "stream", "name": "stdout", "text": "x"}]
SAID = [
    {"is": "cell begins", "id": "c0"}, {"is": "cell", "id": "c0", "outputs": PRINTED},
    {"is": "cell begins", "id": "c1"}, {"is": "cell", "id": "c1", "outputs": []}, {"is": "stage done", "stage": 0},
    {"is": "evidence", "id": "a", "says": {"value": 1.5}}, {"is": "evidence", "id": "b", "says": {"value": [1]}},
    {"is": "stage done", "stage": 1},
    {"is": "evidence", "id": "a", "says": {"error": "error", "message": "no"}}, {"is": "stage done", "stage": 2},
]  # fmt: skip
LINES = [json.dumps(message).encode() + b"\n" for message in SAID]
RECORD = {
    "function": "f", "tolerance": 1e-6, "mistakes": [{"name": "m", "hint": "h", "evidence": {"a": {"value": 2.0}}}],
    "probes": [{"id": "a", "name": "a", "points": 1, "hidden": False, "axes": ""}], "expected": {"a": {"value": 1.25}},
}  # fmt: skip


def hear(pieces, stages=STAGES):
    """What a listener makes of pieces, asked like `watch` asks: the next stage when the last was answered."""
    ear, waiting = Listener(), list(stages)
    for piece in pieces:
        if ear.done and waiting:
            ear.ask(waiting.pop(0))
        if ear.stopped or ear.done:
            break
        ear.hear(piece)
    return ear


def judge_all(ear):
    """Every step that reads what was heard; returns how many texts there were."""
    run = Run(ear.cells, ear.evidence, ["a note"])
    again = Run.read(iter(run.lines()))
    assert (again.said, again.answered) == (run.said, run.answered)
    for outputs in again.cells.values():
        json.dumps(clean_outputs(outputs))
    for stage in again.evidence:
        json.dumps(stage)
        try:
            outcome = diagnose(RECORD, {probe["id"]: tidy(stage.get(probe["id"])) for probe in RECORD["probes"]})
            assert outcome.points == 0.0, "1.25 is not among what is said here"
        except Exception as error:  # `marking` answers these with no points
            assert not isinstance(error, MemoryError)
    return len(run.said) + sum(map(len, run.answered))


def test_a_conversation():
    ear = hear(LINES)
    assert ear.done and not ear.stopped and ear.current is None
    assert read_outputs(ear.cells["c0"]) == PRINTED and read_outputs(ear.cells["c1"]) == []
    assert [{id: read_evidence(text) for id, text in stage.items()} for stage in ear.evidence] == [
        {"a": {"value": 1.5}, "b": {"value": [1]}}, {"a": {"error": "error", "message": "no"}}]  # fmt: skip


@pytest.mark.parametrize("place", range(len(LINES)))
@pytest.mark.parametrize("how", ["left out", "twice", "too early", "another's", "garbage before", "an empty line"])
def test_whatever_is_out_of_turn_ends_it(place, how):
    lines = list(LINES)
    if how == "left out":
        del lines[place]
        if place == len(LINES) - 1:
            return
    elif how == "too early":
        lines[place:place] = [LINES[(place + 1) % len(LINES)]]
    else:
        wrong = {"twice": LINES[place - 1], "another's": b'{"is": "cell", "id": "c9", "outputs": []}\n',
                 "garbage before": b"\x00\xff{", "an empty line": b"\n"}[how]
        lines.insert(place, wrong)
    ear = hear(lines)
    assert ear.stopped and not ear.done
    assert judge_all(ear) <= place


def test_an_answer_to_a_question_that_was_not_asked_yet_is_none():
    """Two messages in one piece: whoever says the second has not read the stage that asks for it."""
    ear = hear([b"".join(LINES[:6])])
    assert ear.stopped and ear.evidence == []


NUMBERS = [b"NaN", b"-Infinity", b"1e999", b"-0", b"9" * 4300, b"9" * 4301, b"1" * 100_000, b"0." + b"1" * 5000, b"1E+5"]
TEXTS = [rb'"\ud800"', rb'"\udfff\ud800"', rb'"\u0000"', b'"' + b"x" * 300_000 + b'"', rb'"\\\""', b'"\\\\"', rb'"[[[[{{"', b'"\xff"']
SHAPES = [b"[" * 200 + b"]" * 200, b'{"a":' * 30 + b"1" + b"}" * 30, b"[" * 90_000, b"[]," * 20_000 + b"[]", b"][", b"[}",
          b'{"value": 1, "value": 2, "error": 3}', b'{"value": {"dict": [["a", 1], ["a", 2]]}}', b"", b"1}, {", b"null",
          b'{"array": [1], "shape": [-1], "dtype": "O"}']  # fmt: skip
DATA = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(
        ["value", "error", "array", "shape", "dtype", "dict", "output_type", "text", "data", "line"]), inner, max_size=4)),
    max_leaves=12,
)  # fmt: skip
PAYLOADS = st.one_of(
    st.sampled_from([*NUMBERS, *TEXTS, *SHAPES]), st.binary(max_size=60), DATA.map(lambda value: json.dumps(value).encode()),
    st.sampled_from([*NUMBERS, *TEXTS]).map(lambda one: b'{"value": [' + one + b"]}"),
    st.sampled_from([*NUMBERS, *TEXTS]).map(lambda one: b'{"value": {"array": [' + one + b'], "shape": [], "dtype": "float64"}}'),
)
OPENINGS = [b'{"is": "cell", "id": "c0", "outputs": ', b'{"is": "cell", "id": "c1", "outputs": ',
            b'{"is": "evidence", "id": "a", "says": ', b'{"is": "evidence", "id": "b", "says": ']  # fmt: skip
MESSAGES = st.one_of(
    st.sampled_from(LINES),
    st.tuples(st.sampled_from(OPENINGS), PAYLOADS).map(lambda pair: pair[0] + pair[1] + b"}\n"),
    st.binary(max_size=30),
    st.sampled_from(LINES).map(lambda line: line[:-3]),
)


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_fuzz(data):
    """A right conversation with a few of its lines exchanged, or anything at all; in one piece, in lines, in crumbs."""
    lines = list(LINES) if data.draw(st.booleans()) else data.draw(st.lists(MESSAGES, max_size=12))
    for _ in range(data.draw(st.integers(0, 3))):
        if lines:
            place = data.draw(st.integers(0, len(lines) - 1))
            opening = next((one for one in OPENINGS if lines[place].startswith(one)), None)
            lines[place] = opening + data.draw(PAYLOADS) + b"}\n" if opening else data.draw(MESSAGES)
    ear = hear(lines)
    assert ear.done or ear.stopped or len(ear._line) <= LONGEST
    judge_all(ear)
    raw = b"".join(lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=6)))
    crumbs = [raw[i:j] for i, j in zip([0, *cuts], [*cuts, len(raw)], strict=True) if i < j]
    judge_all(hear(crumbs))


@pytest.mark.parametrize("seed", range(20))
def test_crumbs_say_what_lines_say(seed):
    """Cut anywhere within its lines, a conversation is the same."""
    draw = random.Random(seed)
    cut = [line[i:j] for line in LINES for k in [draw.randrange(len(line))] for i, j in ((0, k), (k, len(line))) if i < j]
    ear = hear(cut)
    assert ear.done and (ear.cells, ear.evidence) == (hear(LINES).cells, hear(LINES).evidence)


AMPLIFIERS = {
    "lists": b"[" + b"[]," * 700_000 + b"[]]", "dicts": b"[" + b"{}," * 700_000 + b"{}]", "texts": b"[" + b'"",' * 700_000 + b'""]',
    "numbers": b"[" + b"1," * 1_000_000 + b"1]", "keys": b"{" + b",".join(b'"%d":1' % n for n in range(180_000)) + b"}",
    "nested dicts": b"[" + b'{"a":{}},' * 230_000 + b"{}]", "escapes": b'"' + rb"\"" * 1_000_000 + b'"', "deep": b"[" * 2_000_000,
    "backslashes": b'"' + b"\\" * 2_000_000 + b'"', "quotes": b'"' * 2_000_000, "letters": b'"' + b"x" * 2_000_000 + b'"',
    "astral letters": b'"' + rb"\ud83d\ude00" * 170_000 + b'"', "white space": b"[" + b" " * 2_000_000 + b"]",
}


@pytest.mark.parametrize("what", AMPLIFIERS)
def test_no_bytes_become_much_more(what):
    """Each message is as long as one may be; ten of them are more than a box may say at all."""
    cells = [{"id": f"c{number}"} for number in range(4)]
    says = [line for number in range(4) for line in (
        b'{"is": "cell begins", "id": "c%d"}\n' % number, b'{"is": "cell", "id": "c%d", "outputs": ' % number, AMPLIFIERS[what], b"}\n")]
    tracemalloc.start()
    ear = hear(says, [{"cells": cells}])
    for text in ear.cells.values():
        read_outputs(text)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(ear.cells) == 4
    assert peak < 4 * LONGEST + 45_000_000


@pytest.mark.parametrize("depth", [1, DEPTH - 1, 2 * DEPTH + 1, 493, 990, 100_000])
@pytest.mark.parametrize(("left", "right"), [(b"[", b"]"), (b'{"a":', b"}"), (b'["[", ', b"]"), (b"[[],", b"]"), (b'[{"a": ', b"}]")])
def test_depth(left, right, depth):
    times = depth // 2 if left.startswith(b"[{") else depth  # two levels at once
    assert bool(weigh(left * times + b"1" + right * times)[1]) == (depth > DEPTH)


@pytest.mark.parametrize("text", [rb'{"a\\": [1, 2]}', rb'["\"[[[", "\\", [3]]', rb'"\\\"["', b'["a,b:c{", 1]', b"[]", b"1"])
def test_what_stands_in_a_text_weighs_nothing(text):
    def values(one):
        inner = [*one, *one.values()] if isinstance(one, dict) else one if isinstance(one, list) else []
        return 1 + sum(map(values, inner))

    found, problem = weigh(text)
    assert not problem and values(json.loads(text)) <= found + 1 <= 2 * values(json.loads(text)) + 1


def test_what_weighs_too_much_costs_itself_and_leaves_room_for_the_next():
    heavy = b'{"is": "evidence", "id": "a", "says": {"value": [' + b"1," * VALUES + b"1]}}\n"
    ear = hear([*LINES[:5], heavy, *LINES[6:]])
    assert ear.done
    assert read_evidence(ear.evidence[0]["a"])["error"] == "unreadable"
    assert "more than 300,000 values" in read_evidence(ear.evidence[0]["a"])["message"]
    assert read_evidence(ear.evidence[0]["b"]) == {"value": [1]}


def test_a_run_that_was_not_written_to_its_end_is_none():
    lines = list(Run({"c0": b"[]"}, [{"a": b"{}"}]).lines())
    assert Run.read(lines).said == {"c0": b"[]"}
    for broken in (lines[:-1], [*lines[:-1], lines[-1][:-1]], [b"{}\n"], [b"[]\n"], [b"1\n"], [], [b"\xff\n"], [b"[" * 9999]):
        with pytest.raises(ValueError):
            Run.read(broken)
