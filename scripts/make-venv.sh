#!/bin/sh
# Make the virtual environment with uv in it, of the version and hash that the lock file names.
set -eu
python=$1 venv=$2 lock=$3
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "Gatewright needs Python 3.11 or newer as '$python'; name another one with PYTHON=..." >&2
    exit 1
fi
if ! "$python" -m venv --clear "$venv" 2>/dev/null; then
    rm -rf "$venv"
    echo "Python cannot make virtual environments here: apt-get install python3-venv" >&2
    exit 1
fi
wanted=$(mktemp)
trap 'rm -f "$wanted"' EXIT
# uv's own entry of the lock: its line and the hashes that follow.
sed -n '/^uv==/,/^[^ ]/{/^uv==/p;/^    --hash/p}' "$lock" >"$wanted"
"$venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r "$wanted"
