#!/usr/bin/env bash
set -euo pipefail
cargo xtask codegen --check
cargo test --workspace --locked --no-fail-fast
