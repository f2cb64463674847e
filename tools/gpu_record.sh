#!/bin/sh
# Measure all that a GPU is to show, within its few minutes.   sh tools/gpu_record.sh OUT [MINUTES]
# OUT gets gpu.jsonl (the record, a line as soon as it is measured), what each part printed, and steps.jsonl: which part
# ran for how long and how it ended. In MINUTES (default: 9.5) everything is over, whatever hangs: a part is given the
# time that is left, and ended then. Copy gpu.jsonl to runs/reference/ to let lesson 14 show it.
# Needs a Python with torch and numpy, regex, safetensors, and pytest for the tests; nothing is installed or fetched.
# PYTHON chooses the interpreter; GPU_RECORD_SMOKE=1 measures at toy sizes only.
set -u
root=$(cd "$(dirname "$0")/.." && pwd -P)
[ $# -ge 1 ] || { echo "course: name a folder for the record: sh tools/gpu_record.sh OUT [MINUTES]" >&2; exit 2; }
mkdir -p "$1" || exit 1
out=$(cd "$1" && pwd -P)
minutes=${2:-9.5}
python=${PYTHON:-}
if [ -z "$python" ]; then python=$root/.venv/bin/python; [ -x "$python" ] || python=python3; fi
export PYTHONPATH="$root" PYTHONUNBUFFERED=1
begun=$(date +%s)
end=$(awk -v begun="$begun" -v minutes="$minutes" 'BEGIN { printf "%d", begun + 60 * minutes }')
failed=0
: > "$out/steps.jsonl"

# part NAME MOST COMMAND ...: run it for MOST seconds at most, and never past the end.
part() {
    name=$1 most=$2 start=$(date +%s) status=0
    shift 2
    left=$((end - start - 5))
    [ "$left" -lt "$most" ] && most=$left
    if [ "$most" -le 0 ]; then
        echo "course: no time is left for $name"
        printf '{"step": "%s", "seconds": 0, "status": "left out"}\n' "$name" >> "$out/steps.jsonl"
        return
    fi
    echo "== $name (at most $most s)"
    timeout -k 5 "$most" "$@" > "$out/$name.txt" 2>&1 || status=$?
    tail -n 40 "$out/$name.txt"
    [ "$status" = 0 ] || failed=1
    printf '{"step": "%s", "seconds": %d, "status": %d}\n' "$name" $(($(date +%s) - start)) "$status" >> "$out/steps.jsonl"
}

cd "$root/benchmarks" || exit 1
smoke=${GPU_RECORD_SMOKE:+--smoke}
# First whether everything runs at all, compiled and in bf16, at toy sizes; then at once what matters most.
part smoke 100 "$python" gpu.py --smoke --minutes 1.5 --out "$out/smoke.jsonl"
# shellcheck disable=SC2086
part benchmark 430 "$python" gpu.py $smoke --minutes 6 --out "$out/gpu.jsonl"
cd "$root" || exit 1
part tests 180 "$python" -m pytest -q -o addopts=--import-mode=importlib -p no:cacheprovider -m gpu \
    tests/training tests/model tests/generation
cat "$out/steps.jsonl"
exit "$failed"
