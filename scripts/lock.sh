#!/bin/sh
# Resolve the dependencies anew. The lock files hold versions and hashes, and no address.
set -eu
uv=$1
compile() {
    out=$1
    shift
    "$uv" pip compile --quiet --upgrade --generate-hashes --universal --no-emit-index-url --no-header \
        --python-version 3.11 "$@" -o "requirements/$out"
}
# what `make run` needs; who wants traces installs gatewright[tracing]
compile run.lock --extra linux --extra postgresql pyproject.toml requirements/build.in
compile dev.lock --all-extras pyproject.toml requirements/build.in requirements/dev.in
compile bench.lock requirements/bench.in
