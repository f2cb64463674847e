#!/bin/sh
# Make the virtual environment .venv and install the course into it.   sh tools/setup.sh [dev | grade | site]
# A second run installs nothing: .venv/installed-with holds the checksum of what was installed, and where.
# PYTHON=/path/to/python chooses the interpreter; COURSE_MIN_DISK_GB=2 is enough for PyTorch's CPU build.
set -eu
cd "$(dirname "$0")/.."
extras=${1:-}
python=.venv/bin/python
say() { printf '%s\n' "$*"; }
stop() { printf 'course: %s\n' "$*" >&2; exit 1; }
starts() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

wanted="$(cat pyproject.toml constraints.txt | cksum) in $(pwd)"
for done in "$wanted" "$wanted with grade" "$wanted with site" "$wanted with dev"; do  # dev holds all of them
    case "$extras:$done" in *:*"with dev" | grade:*"with grade" | site:*"with site" | :*)
        if [ "$(cat .venv/installed-with 2>/dev/null)" = "$done" ] && starts "$python"; then exit 0; fi ;;
    esac
done

# An interpreter that really starts: a name on the PATH can be an empty shell (pyenv, Windows' store link).
found=""
for name in ${PYTHON:+"$PYTHON"} python3.11 python3 python3.12 python3.13 python3.14 python; do
    if starts "$name"; then found=$name; break; fi
done
[ -n "$found" ] || stop "Python 3.11 or newer is needed and none was found: install it" \
    "(Debian, Ubuntu: sudo apt-get install python3 python3-venv; macOS: brew install python@3.11) and run this again."
version=$("$found" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
"$found" -c 'import venv, ensurepip' >/dev/null 2>&1 ||
    stop "Python $version has no venv module: install it (Debian, Ubuntu: sudo apt-get install python$version-venv) and run this again."
if [ ! -d .venv/lib/python"$version"/site-packages/torch ]; then
    need=${COURSE_MIN_DISK_GB:-6}
    free=$(df -Pk . | awk 'NR == 2 { print int($4 / 1048576) }')
    [ "$free" -ge "$need" ] || stop "$need GB of free disk space are needed here and $free are left: free some, or install" \
        "PyTorch's CPU build (see README.md) and say COURSE_MIN_DISK_GB=2."
fi

# A moved folder or another interpreter leaves a broken environment behind: begin again.
if ! starts "$python" || [ "$(cat .venv/made-in 2>/dev/null)" != "$(pwd)" ]; then
    say "Making .venv with Python $version"
    "$found" -m venv --clear .venv || stop "python$version -m venv failed: see the lines above."
    pwd > .venv/made-in
fi
rm -f .venv/installed-with
say "Installing the course into .venv (once; a few minutes, mostly for PyTorch)"
"$python" -m pip install -c constraints.txt -e ".${extras:+[$extras]}" ||
    stop "the installation failed: see pip's lines above; then run this again."
"$python" -m ipykernel install --sys-prefix >/dev/null
printf '%s\n' "$wanted${extras:+ with $extras}" > .venv/installed-with
say "Installed."
