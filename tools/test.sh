#!/bin/sh
# Everything that `make test` runs, in the order of what fails fastest. Extra arguments go to pytest.
set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python
"$python" -m ruff check .
"$python" tools/other_pythons.py
set -- --nbval "$@" tests
for folder in notebooks solutions; do
    [ ! -d "$folder" ] || set -- "$@" "$folder"
done
exec "$python" -m pytest "$@"
