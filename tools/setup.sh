#!/usr/bin/env bash
# Makes the project's virtual environment, .venv, with exactly what requirements.lock names.
set -euo pipefail
cd "$(dirname "$0")/.."

tools/need.sh git=git python3=python3 ssh=openssh-client curl=curl
if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "seatrial: python3 here is $(python3 -V | cut -d' ' -f2); 3.11 or newer is needed" >&2
    exit 1
fi
if ! python3 -c 'import ensurepip' 2>/dev/null; then
    tools/need.sh seatrial-python-venv=python3-venv
fi
if ! [ -x .venv/bin/pip ]; then
    echo "seatrial: making .venv" >&2
    python3 -m venv .venv
fi
if ! [ -x .venv/bin/uv ]; then
    .venv/bin/pip install --quiet --disable-pip-version-check "$(sed -n 's/^\(uv==[^ ]*\).*/\1/p' requirements.lock)"
fi
.venv/bin/uv pip sync --quiet --compile-bytecode --python .venv/bin/python --require-hashes requirements.lock
touch .venv/.ready
