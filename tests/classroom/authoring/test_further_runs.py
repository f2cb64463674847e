"""Further runs: of probes that draw, then of rules; only those that tell the mistake from the truth."""

from course_lib.classroom.authoring.further_runs import further_runs

SOURCE = """
def fixed(ns, rng):
    return ns['f'](2)

def drawn(ns, rng):
    return ns['f'](int(rng.integers(1000)))

def never_less(ns, n):
    return ns['f'](n), n
"""
JOB = {"function": "f", "source": SOURCE, "forbidden": [], "seconds": 5, "tolerance": 1e-4}
PROBES = JOB | {"probes": [{"id": "fixed"}, {"id": "drawn"}]}
RULES = JOB | {"probes": [{"id": "never_less", "ranges": {"n": [1, 9]}}]}


def right(n):
    return n


def test_probes_that_draw_come_first():
    runs = further_runs([PROBES, RULES], {"f": right}, lambda n: n + 1, seed=0, n=2)
    assert [(run["probe"], run["seed"]) for run in runs] == [("drawn", 1), ("drawn", 2)]
    assert all(isinstance(run["evidence"]["value"], int) for run in runs)
    runs = further_runs([PROBES, RULES], {"f": right}, lambda n: n + 1, seed=0, n=5)
    assert [run["probe"] for run in runs] == ["drawn"] * 4 + ["never_less"]


def test_only_those_that_tell():
    def wrong(n):
        return n if n != 2 else 3

    assert further_runs([PROBES, RULES], {"f": right}, wrong, seed=0, n=1)[0]["probe"] == "never_less"
    assert further_runs([PROBES], {"f": right}, wrong, seed=0, n=1) == [], "the same 2 for every seed"


def test_an_error_tells_nothing_of_its_code():
    def wrong(n):
        raise KeyError("a line of the wrong answer")

    run, = further_runs([PROBES], {"f": right}, wrong, seed=0, n=1)
    assert run["evidence"] == {"error": "error", "type": "KeyError", "message": "", "line": None}
