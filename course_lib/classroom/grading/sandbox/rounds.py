"""One submission's run: boxes until one ends well, or there were too many. Part of grading; no lesson derives it.

The job is a pure function of plain data, (cells, stages, limits) → evidence: it can run in a thread, in a process,
or on another machine.
"""

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from course_lib.classroom.grading.sandbox.limits import Limits
from course_lib.classroom.grading.sandbox.messages import read_evidence, read_outputs
from course_lib.classroom.grading.sandbox.watch import run_box

# Notes that begin so are for whoever grades, and stand on no student's page: what the grader's own system complains of,
# and what happens in the last stage, for code can choose by the secret numbers how it ends.
ASIDE = "not for the student: "


@dataclass
class Run:
    """What a submission's code did.

    said: outputs by cell id; answered: for each stage, evidence by probe id; both as the JSON text that came, which is
    a tenth of the objects in it. notes: what went wrong, for humans.
    """

    said: dict[str, bytes] = field(default_factory=dict)
    answered: list[dict[str, bytes]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0
    peak: int = 0

    @property
    def cells(self) -> dict[str, list]:
        """Outputs by cell id, as objects."""
        return {id: self.outputs(id) for id in self.said}

    @property
    def evidence(self) -> list[dict[str, dict]]:
        """For each stage, evidence by probe id, as objects."""
        return [{id: read_evidence(text) for id, text in stage.items()} for stage in self.answered]

    def outputs(self, id: str) -> list:
        """One cell's outputs, as objects."""
        return read_outputs(self.said[id]) if id in self.said else []

    def lines(self) -> Iterator[bytes]:
        """As a file: a line that says what follows, then one line for each text that came."""
        head = {"said": [*self.said], "answered": [[*stage] for stage in self.answered], "notes": self.notes,
                "seconds": self.seconds, "peak": self.peak}
        for text in (json.dumps(head).encode(), *self.said.values(), *(t for s in self.answered for t in s.values())):
            yield text + b"\n"

    @classmethod
    def read(cls, lines: Iterable[bytes]) -> "Run":
        """What `lines` gave. Raises ValueError for anything else."""
        lines = iter(lines)
        try:
            head = json.loads(next(lines))
            said = {id: _whole(next(lines)) for id in head["said"]}
            answered = [{id: _whole(next(lines)) for id in ids} for ids in head["answered"]]
            return cls(said, answered, head["notes"], head["seconds"], head["peak"])
        except (KeyError, TypeError, StopIteration, RecursionError) as error:
            raise ValueError(f"not a run: {error!r}") from None


def _whole(line):
    if not line.endswith(b"\n"):
        raise ValueError("a run that was not written to its end")
    return line[:-1]


def run_submission(
    cells: list[dict], stages: list[dict], limits: Limits | None = None, *, sandboxed: bool = True
) -> Run:
    """Run cells and then the probe stages; a cell that kills its box is left out of the next one.

    A cell is {"id", "source"}, and "given": True where it is the course's own, which may take its time to import.

    Fails closed: a probe that no box answered has no evidence, and so no points.
    """
    limits, began = limits or Limits(), time.monotonic()
    run, skip = Run(), {}
    imports = sorted({name for stage in stages for name in stage.get("imports", ())})
    for _ in range(1 + limits.restarts):
        left = limits.total - (time.monotonic() - began)
        if left < limits.grace:
            run.notes.append(f"the sandbox: longer than {limits.total:g} s in all")
            break
        box = replace(limits, seconds=min(limits.seconds, left))
        first = {"cells": cells, "skip": skip, "careful": bool(skip), "imports": imports}
        said = run_box([first, *stages], box, sandboxed=sandboxed)
        # The next box runs every cell again, so that nothing of the last one is needed; only cells cause a next one.
        run.said, run.answered, run.peak = said.cells, said.evidence, max(run.peak, said.peak)
        if not said.stopped:
            break
        blame = said.current  # one of those that were sent, for no other is heard
        run.notes.append(_note(said, blame, stages))
        if blame is None or blame in skip:
            break
        skip[blame] = said.stopped
    run.answered += [{} for _ in stages[len(run.answered) :]]
    run.seconds = time.monotonic() - began
    return run


def _note(said, blame, stages):
    if blame is not None:
        return f"cell {blame}: {said.stopped}"
    begun, secret = bool(said.cells or said.evidence), bool(stages) and len(said.evidence) == len(stages)
    return f"{'' if begun and not secret else ASIDE}the sandbox: {said.stopped}"
