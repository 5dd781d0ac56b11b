#!/bin/sh
# Install the Node SDKs that tests/clients drives the service with, when Node is there.
set -eu
step=$(realpath "$(dirname "$0")/step.sh")
cd "$(dirname "$0")/../tests/clients/node" 2>/dev/null || exit 0
if command -v npm >/dev/null && command -v node >/dev/null; then
    sh "$step" "Installing the Node SDKs that the tests drive it with" \
        npm ci --silent --no-audit --no-fund --ignore-scripts
fi
