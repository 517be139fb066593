#!/usr/bin/env bash
# Runs the tests. Without a tier: core and interop.
#   core     formatting of generated files, layering, every Rust test
#   interop  third-party clients and tools against the real programs
#   soak     long crash and fuzz runs
set -euo pipefail
cd "$(dirname "$0")/.."

tiers="core interop"
if [ "${1:-}" = "--tier" ]; then
    tiers=${2:?--tier needs core, interop or soak}
elif [ $# -gt 0 ]; then
    echo "usage: scripts/test.sh [--tier core|interop|soak]" >&2
    exit 2
fi
for tier in $tiers; do
    [ -e "scripts/tiers/$tier.sh" ] || { echo "test.sh: no tier $tier" >&2; exit 2; }
done

./scripts/install.sh test
export PATH="$HOME/.cargo/bin:$PATH"
for tier in $tiers; do
    echo "=== $tier"
    "./scripts/tiers/$tier.sh"
done
