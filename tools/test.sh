#!/bin/sh
# Everything that `make test` runs, in the order of what fails fastest. Extra arguments go to pytest.
set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python
"$python" -m ruff check .
"$python" tools/other_pythons.py
options="$*"
set -- --nbval "$@" tests
for folder in notebooks solutions; do
    [ ! -d "$folder" ] || set -- "$@" "$folder"
done
"$python" -m pytest "$@"
# Grading refuses root: there its tests run as an ordinary account. Otherwise they were among those above.
[ "$(id -u)" != 0 ] || exec sh tools/ordinary_account.sh $options tests/grading
