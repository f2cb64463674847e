#!/bin/sh
# Open JupyterLab at lesson 00.   sh tools/lab.sh [JupyterLab options, e.g. --ip=0.0.0.0 --port=9000]
set -eu
cd "$(dirname "$0")/.."
lesson=notebooks/00_start_here.ipynb
[ "$(id -u)" -ne 0 ] || set -- --allow-root "$@"     # containers: JupyterLab refuses root unless told
if [ "$(uname)" = Linux ] && [ -z "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
    echo "No display here: open the address that JupyterLab prints below in a browser."
    set -- --no-browser "$@"
fi
[ ! -f "$lesson" ] || set -- "--LabApp.default_url=/lab/tree/$lesson" "$@"
exec .venv/bin/python -m jupyterlab "$@"
