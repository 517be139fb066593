#!/usr/bin/env bash
# Runs what the documentation tells its readers to run, and checks that its links lead somewhere.
# KEYWARD names the program; without it, it is built.
set -euo pipefail
cd "$(dirname "$0")/../.."
for program in python3 curl node; do
    command -v "$program" > /dev/null || { echo "tests/docs: $program is missing: ./scripts/install.sh test" >&2; exit 1; }
done
if [ -z "${KEYWARD:-}" ]; then
    cargo build --quiet --locked --bin keyward
    KEYWARD=$(cargo metadata --format-version 1 --no-deps |
        python3 -c 'import json,sys; print(json.load(sys.stdin)["target_directory"])')/debug/keyward
fi
python3 tests/docs/links.py
python3 tests/docs/routes.py
python3 tests/docs/tutorial.py docs/tutorial.md "$KEYWARD"
