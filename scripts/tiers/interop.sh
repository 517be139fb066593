#!/usr/bin/env bash
set -euo pipefail
cargo build --locked --bin keyward
./tests/main-path.sh
./tests/docs/run.sh
./tests/objects/run.sh
