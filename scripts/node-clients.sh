#!/bin/sh
# Install the Node SDKs that tests/clients drives the service with, when Node is there.
set -eu
cd "$(dirname "$0")/../tests/clients/node" 2>/dev/null || exit 0
if command -v npm >/dev/null && command -v node >/dev/null; then
    npm ci --silent --no-audit --no-fund --ignore-scripts >/dev/null
fi
