#!/bin/sh
# Run the grading tests as an ordinary account.   sh tools/ordinary_account.sh [arguments for pytest]
#                       or a script of the course.  sh tools/ordinary_account.sh --run SCRIPT [arguments]
# Grading refuses to run as root, and continuous integration often is root. Then this script makes an account, an
# environment of its own from the distribution's Python in a folder that everyone can read, copies the course
# there, and runs the tests as that account. A second run finds the environment and only copies.
set -eu
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- tests/classroom/grading
if [ "$1" = --run ]; then shift; else set -- -m pytest -p no:cacheprovider "$@"; fi
if [ "$(id -u)" != 0 ]; then exec .venv/bin/python "$@"; fi

account=course-tester
base=${COURSE_TESTER_DIR:-/var/tmp/course-tester}
python=${COURSE_TESTER_PYTHON:-/usr/bin/python3}
stop() { printf 'course: %s\n' "$*" >&2; exit 1; }

command -v bwrap >/dev/null || stop "bubblewrap is needed: sudo apt-get install bubblewrap"
"$python" -c 'import venv, ensurepip' 2>/dev/null ||
    stop "$python with its venv module is needed: sudo apt-get install python3 python3-venv"
id "$account" >/dev/null 2>&1 ||
    useradd --system --user-group --no-create-home --home-dir "$base/home" --shell /usr/sbin/nologin "$account"

umask 022
mkdir -p "$base/course"
exec 9> "$base/lock"  # one run at a time: the next would replace the copy under the feet of this one
flock 9
wanted="$(cat pyproject.toml constraints.txt | cksum) $("$python" --version)"
if [ "$(cat "$base/installed-with" 2>/dev/null)" != "$wanted" ]; then
    rm -f "$base/installed-with"
    [ -x "$base/venv/bin/python" ] || "$python" -m venv "$base/venv"
    cp pyproject.toml README.md LICENSE LICENSE-TEXT constraints.txt "$base/course/"
    mkdir -p "$base/course/course_lib" && cp course_lib/__init__.py "$base/course/course_lib/"
    "$base/venv/bin/python" -m pip install -q -c constraints.txt -e "$base/course[dev]" || stop "the installation failed"
    printf '%s\n' "$wanted" > "$base/installed-with"
fi

# A fresh copy: what one run left behind must not help the next.
find "$base/course" -mindepth 1 -maxdepth 1 ! -name '*.egg-info' -exec rm -rf {} +
tar -cf - --exclude='./.venv*' --exclude='./.git' --exclude='./work' --exclude='./runs' --exclude='./build' --exclude='__pycache__' \
    --exclude='.pytest_cache' --exclude='.nbgrader' --exclude='*.egg-info' . | tar -xf - --no-same-owner -C "$base/course"
"$base/venv/bin/python" -m compileall -q "$base/course/course_lib"  # a sandbox cannot keep what it has compiled
chmod -R go+rX "$base/course"
rm -rf "$base/home" && mkdir -m 700 "$base/home" && chown "$account:" "$base/home"

cd "$base/course"
exec setpriv --reuid="$account" --regid="$account" --init-groups env -i HOME="$base/home" TMPDIR="$base/home" \
    PATH="$base/venv/bin:/usr/bin:/bin" LANG=C.UTF-8 CI="${CI:-}" PYTHONDONTWRITEBYTECODE=1 OMP_NUM_THREADS=1 \
    "$base/venv/bin/python" "$@"
