"""What a box may say, and how much of it. Part of grading; no lesson derives it.

The grader has sent the cells and the questions, so it knows every message that will come, word for word but for the
outputs of a cell and the answer of a probe, and in which order: whatever is not the next one ends the box. Outputs and
answers are weighed as bytes, before any object is made of them (`[],` takes three bytes as text and sixty as a list),
and kept as the text that came. So a box takes no more of the grader's memory than it was allowed to say.
"""

import json

LONGEST = 2_200_000  # bytes of one message; `inside` keeps an honest box below
DEPTH = 24  # of lists and dicts in one message
VALUES = 300_000  # lists, dicts, keys and what is in them, in all messages of a box
PAYLOAD = {"cell": "outputs", "evidence": "says"}  # kind of message → what of it is not known beforehand
PIECE = 1 << 16
NO_MARKS = bytes(set(range(256)) - set(b",:[]{}"))
NO_BRACKETS = b",:"
OUT_OF_TURN = "it said something that was not asked"


class Listener:
    """Hears what one box says, in pieces of any size. Never raises, whatever they hold.

    cells: outputs by cell id, evidence: for each stage after the first, answers by probe id, both as JSON text (see
    `read_outputs`, `read_evidence`); current: the cell at work; done: whether all that was asked has been said;
    stopped: why this box is not to be heard any further, else empty.
    """

    def __init__(self):
        self.cells: dict[str, bytes] = {}
        self.evidence: list[dict[str, bytes]] = []
        self.current, self.done, self.stopped = None, True, ""
        self._stage, self._expected, self._line, self._values = -1, [], bytearray(), VALUES

    def ask(self, stage: dict) -> None:
        """What this stage, {"cells": …} or {"jobs": …}, makes the box say comes next."""
        self._stage, self.done, self.current = self._stage + 1, False, None
        expected = []
        if self._stage == 0:
            for cell in stage["cells"]:
                expected += [("cell begins", cell["id"]), ("cell", cell["id"])]
        else:
            self.evidence.append({})
            expected += [("evidence", evidence_id(job, probe)) for job in stage["jobs"] for probe in job["probes"]]
        self._expected = [(*one, _opening(*one)) for one in [*expected, ("stage done", self._stage)]][::-1]

    def hear(self, data: bytes) -> bool:
        """Take the next piece; returns whether a message was complete and the one that was to come."""
        heard, start = False, len(self._line)
        self._line += data
        while not self.stopped and (end := self._line.find(b"\n", start)) >= 0:
            line, start = bytes(self._line[:end]), 0
            del self._line[: end + 1]
            heard = self._take(line) or heard
        if len(self._line) > LONGEST:
            self.stopped = f"more than {LONGEST // 1_000_000} MB of output in one message"
        elif self._line and not self._begins(self._line):
            self.stopped = OUT_OF_TURN
        if self.stopped:
            self._line.clear()
        return heard

    def _begins(self, piece):
        """Whether a piece of a message may still become the one that is to come."""
        opening = self._expected[-1][-1] if self._expected else b""
        return bool(opening) and (piece.startswith(opening) or opening.startswith(piece))

    def _take(self, line):
        kind, id, opening = self._expected[-1] if self._expected else ("", "", b"")
        fits = line.startswith(opening) and line.endswith(b"}") if kind in PAYLOAD else bool(kind) and line == opening
        # Before the next stage is sent there is nothing to say: whoever speaks on has not read the questions.
        if not fits or len(line) > LONGEST or kind == "stage done" and self._line:
            self.stopped = OUT_OF_TURN
            return False
        self._expected.pop()
        if kind == "cell begins":
            self.current = id
        elif kind == "cell":
            self.current = None
            self.cells.setdefault(id, self._kept(line[len(opening) : -1]))
        elif kind == "evidence":
            self.evidence[-1].setdefault(id, self._kept(line[len(opening) : -1]))
        else:
            self.done = True
        return True

    def _kept(self, text):
        values, problem = weigh(text, self._values)
        self._values -= values
        return text if not problem else json.dumps({"left out": problem}).encode()


def evidence_id(job: dict, probe: dict) -> str:
    """What evidence is kept under: exercises of one lesson may call their probes alike."""
    return f"{job['number']} {probe['id']}" if "number" in job else probe["id"]


def weigh(text: bytes, most: int = VALUES) -> tuple[int, str]:
    """(values in a JSON text, why it must not be read, else empty); counts bytes and makes no objects of them.

    Where the text is no JSON the count holds for as much of it as a reader reads before it notices.
    """
    if not text.isascii():
        return 0, "it holds bytes that JSON has no use for"
    bare = text.replace(rb"\\", b"").replace(rb"\"", b"") if b"\\" in text else text
    if bare.count(b'"') > 2 * most:
        return 0, f"it holds more than {VALUES:,} values"
    marks = b"".join(_outside_of_texts(bare))
    values = 1 + len(marks) - marks.count(b"]") - marks.count(b"}")
    if values > most:
        return 0, f"it holds more than {VALUES:,} values"
    nested = marks.translate(None, NO_BRACKETS)
    for _ in range(DEPTH):  # takes off the innermost brackets
        nested = nested.replace(b"[]", b"").replace(b"{}", b"")
    return values, "it is nested too deeply, or not JSON" if nested else ""


def _outside_of_texts(bare):
    """Brackets, commas and colons between the texts, a piece at a time: a list of two million pieces would be large."""
    inside = 0
    for start in range(0, len(bare), PIECE):
        parts = bare[start : start + PIECE].split(b'"')
        yield b"".join(parts[inside::2]).translate(None, NO_MARKS)
        inside = (inside + len(parts) - 1) % 2


def read_outputs(text: bytes) -> list:
    """The outputs of a cell from what a `Listener` kept; one that says so where they were left out."""
    found = _read(text)
    if isinstance(found, list):
        return found
    why = found.get("left out") if isinstance(found, dict) else None
    return [{"output_type": "error", "ename": "LeftOut", "evalue": str(why or "no outputs")[:100], "traceback": []}]


def read_evidence(text: bytes) -> dict:
    """A probe's evidence from what a `Listener` kept; an error where it was left out or is none."""
    found = _read(text)
    if isinstance(found, dict) and ("value" in found or "error" in found):
        return found
    why = found.get("left out") if isinstance(found, dict) else None
    message = f"your answer cannot be read: {str(why or 'it is none')[:100]}"
    return {"error": "unreadable", "type": "", "message": message, "line": None}


def _read(text):
    try:
        return json.loads(text.decode("ascii"))
    except (ValueError, RecursionError):
        return None


def _opening(kind, id):
    """A message as far as it is known: all of it, or up to what only the box can say."""
    text = json.dumps({"is": kind, "stage" if kind == "stage done" else "id": id})
    return f"{text[:-1]}, {json.dumps(PAYLOAD[kind])}: ".encode() if kind in PAYLOAD else text.encode()
