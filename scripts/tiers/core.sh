#!/usr/bin/env bash
# Everything that needs no other program: the steps of `cargo xtask ci`, one by one, each once.
set -euo pipefail
exec cargo xtask ci
