#!/bin/sh
# Everything that `make test` runs, in the order of what fails fastest. Extra arguments go to pytest.
# Two files at a time: each file stays with one process, for the cells of a notebook share a kernel, and the tests of
# the browser share one JupyterLab. In the order of the folders, for the slow ones come early.
# COURSE_TEST_JOBS=0 runs all in one process, as a debugger wants it.
set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python
"$python" -m ruff check .
"$python" tools/other_pythons.py
options="-n ${COURSE_TEST_JOBS:-2} --dist loadfile --no-loadscope-reorder $*"
# shellcheck disable=SC2086
set -- --nbval $options tests
for folder in notebooks solutions; do
    [ ! -d "$folder" ] || set -- "$@" "$folder"
done
"$python" -m pytest "$@"
# Grading refuses root: there its tests run as an ordinary account. Otherwise they were among those above.
[ "$(id -u)" != 0 ] || exec sh tools/ordinary_account.sh $options tests/classroom/grading
