#!/bin/sh
# Make .venv and install what requirements-dev.txt names. Called by make; one clear sentence for each way it can fail.
set -eu
cd "$(dirname "$0")/.."

stop() {
    printf '%s\n' "$1" >&2
    exit 1
}

modern() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
    for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
        if modern "$candidate"; then
            printf '%s' "$candidate"
            return
        fi
    done
    found=$("${PYTHON:-python3}" --version 2>/dev/null || true)
    found=${found:-not found}
    stop "Lazo needs Python 3.11 or newer, and ${PYTHON:-python3} is $found: install a newer one, or name yours with PYTHON=/path/to/python3.11."
}

if ! modern .venv/bin/python; then
    python=$(find_python)
    "$python" -m venv --clear .venv >/dev/null 2>&1 ||
        stop "$python cannot make a virtual environment: install its venv module (Debian and Ubuntu: apt-get install python3-venv)."
fi

printf 'Installing packages into .venv (only when they changed; one or two minutes) ...\n'
log=.venv/install.log
if ! .venv/bin/python -m pip install --disable-pip-version-check --no-input --quiet --retries 2 --timeout 30 \
    --requirement requirements-dev.txt >"$log" 2>&1; then
    if grep -qiE 'NewConnectionError|ConnectTimeout|ConnectionError|ProxyError|name resolution|Network is unreachable|Connection refused' "$log"; then
        stop "The package index cannot be reached: connect this machine to the network for the first start (or set PIP_INDEX_URL to a mirror); details are in $log."
    fi
    stop "The packages could not be installed: $(grep -E '^ERROR' "$log" | head -n 1) Details are in $log."
fi
touch .venv/.ready
