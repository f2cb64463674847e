"""Build the notebooks that differ from their sources.

    python tools/build_notebooks.py [--all | --check] [NAME ...]

NAME is a lesson's name, such as 12_gpt: its lesson and its solution are built even if they are current.
`--check` builds nothing and starts no kernel: it says which notebooks differ from their sources (cells, ids,
metadata) and ends with 1 if any does. Whether stored outputs are still true, `pytest --nbval` tells.
"""

import argparse
import sys
import time
from pathlib import Path

from course_lib.classroom.authoring.build import BuildError, build, differences, sources

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--check", action="store_true", help="only say which notebooks are out of date")
    parser.add_argument("--all", action="store_true", help="build every notebook, current or not")
    options = parser.parse_args()
    known = {source.name.split(".")[0] for source in sources(ROOT)}
    if unknown := sorted(set(options.names) - known):
        there = ", ".join(sorted(known)) or "none yet"
        parser.error(f"no lesson is called {', '.join(unknown)}; the lessons: {there}")

    failed = False
    for source in sources(ROOT):
        if options.names and source.name.split(".")[0] not in options.names:
            continue
        found = differences(source, root=ROOT)
        if options.check:
            failed |= bool(found)
            print("\n".join(found) or f"{source.relative_to(ROOT)}: current")
        elif found or options.all or options.names:
            started = time.perf_counter()
            try:
                built = build(source, root=ROOT, tell=print)
            except BuildError as error:
                failed = True
                print(error, file=sys.stderr)
                continue
            seconds = time.perf_counter() - started
            print(", ".join(str(path.relative_to(ROOT)) for path in built), f"{seconds:.1f} s", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
