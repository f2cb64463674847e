"""One submission's run: boxes until one ends well, or there were too many. Part of grading; no lesson derives it.

The job is a pure function of plain data, (cells, stages, limits) → evidence: it can run in a thread, in a process,
or on another machine.
"""

import ast
import time
from dataclasses import asdict, dataclass, field

from course_lib.classroom.grading.sandbox.limits import Limits
from course_lib.classroom.grading.sandbox.watch import run_box


@dataclass
class Run:
    """What a submission's code did.

    cells: outputs by cell id; evidence: for each stage, {probe id: evidence}; notes: what went wrong, for humans.
    """

    cells: dict[str, list] = field(default_factory=dict)
    evidence: list[dict[str, dict]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0
    peak: int = 0

    def to_dict(self) -> dict:
        """Plain data, for files and other machines."""
        return asdict(self)


def run_submission(
    cells: list[dict], stages: list[dict], limits: Limits | None = None, *, sandboxed: bool = True
) -> Run:
    """Run cells and then the probe stages; a cell that kills its box is left out of the next one.

    A cell is {"id", "source"}, and "given": True where it is the course's own, which may take its time to import.

    Fails closed: a probe that no box answered has no evidence, and so no points.
    """
    limits, began = limits or Limits(), time.monotonic()
    run, skip, known = Run(evidence=[{} for _ in stages]), {}, {cell["id"] for cell in cells}
    for _ in range(1 + limits.restarts):
        first = {"cells": cells, "skip": skip, "imports": imports_of(stages)}
        said = run_box([first, *stages], limits, sandboxed=sandboxed)
        run.peak = max(run.peak, said.peak)
        run.cells |= said.cells
        for kept, new in zip(run.evidence, said.evidence, strict=False):
            kept |= {name: value for name, value in new.items() if name not in kept}
        if not said.stopped:
            break
        # What the box calls its cells is a student's word as well: only those that were sent are believed.
        blame = said.current if said.current in known - said.cells.keys() else None
        run.notes.append(f"{f'cell {blame}' if blame is not None else 'the sandbox'}: {said.stopped}")
        if blame is None or blame in skip:
            break
        skip[blame] = said.stopped
    run.seconds = time.monotonic() - began
    return run


def imports_of(stages: list[dict]) -> list[str]:
    """Names of the modules that the probes import or forbid something of, and nothing else of them.

    The box imports them once, before any cell: each probe has a process of its own, which would import torch anew.
    """
    jobs = [job for stage in stages for job in stage["jobs"]]
    found = {name.rpartition(".")[0] for job in jobs for name in job["forbidden"]}
    for source in {job["source"] for job in jobs}:
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module)
    return sorted(found - {""})
