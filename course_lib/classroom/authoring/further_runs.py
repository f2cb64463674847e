"""More runs of the same questions, where the public probes alone tell a mistake too little from the truth.

Part of the authors' tools; no lesson derives it. They earn nothing: a check makes them only to be sure of a name.
"""

from collections.abc import Callable

from course_lib.classroom.checking.known import same_evidence
from course_lib.classroom.checking.probing import run_probes

SEEDS = 4  # that are tried


def further_runs(jobs: list[dict], answers: dict, mistake: Callable, *, seed: int, n: int) -> list[dict]:
    """At most n runs that tell `mistake` from the right one: [{"probe", "seed", "evidence"}].

    Args:
        jobs: with probes, or with rules, that may be run again; the first come first.
        answers: the names of the solution.
        seed: of the public probes. A probe that draws nothing says the same for every other one, and does not count.
    """
    found = []
    for job in jobs:
        for one in job["probes"]:
            alone = job | {"probes": [one], "forbidden": []}
            seen = [] if "ranges" in one else [_run(alone, answers, seed)]
            for other in range(seed + 1, seed + 1 + SEEDS):
                expected, known = _run(alone, answers, other), _run(alone, answers | {job["function"]: mistake}, other)
                if any(same_evidence(expected, old, job["tolerance"]) for old in seen):
                    continue
                seen.append(expected)
                if not same_evidence(expected, known, job["tolerance"]):
                    found.append({"probe": one["id"], "seed": other, "evidence": _told(known)})
                if len(found) == n:
                    return found
    return found


def _run(job, ns, seed):
    return run_probes(job, ns, seed=seed)[job["probes"][0]["id"]]


def _told(evidence):
    """Without lines and messages: a wrong answer's code stays at home."""
    return evidence if "value" in evidence else evidence | {"line": None, "message": ""}
