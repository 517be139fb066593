#!/usr/bin/env bash
# The server under load while its certificate is replaced and while it stops.
set -euo pipefail
cd "$(dirname "$0")/../.."
cargo build --locked --quiet --workspace --bins
KEYWARD="${CARGO_TARGET_DIR:-$PWD/target}/debug/keyward" exec python3 tests/serving/run.py
