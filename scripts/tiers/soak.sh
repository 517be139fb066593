#!/usr/bin/env bash
# What takes hours: long fuzzing, many crashes, many simulated histories. Sizes can be set:
#   KEYWARD_SOAK_FUZZ_SECONDS   for each fuzz target (600)
#   KEYWARD_CRASH_RUNS          how often the server is killed at a random moment (300)
#   KEYWARD_SIM_SCHEDULES       simulated histories (100000)
#   KEYWARD_REST_EXAMPLES       generated requests for each operation of the REST interface (50)
set -euo pipefail

echo "=== soak: random damage to valid input, without coverage"
KEYWARD_FUZZ_TIMES=20 cargo test --release --locked --package keyward-fuzz
echo "=== soak: coverage-guided fuzzing"
./scripts/fuzz.sh --seconds "${KEYWARD_SOAK_FUZZ_SECONDS:-600}"
echo "=== soak: the server killed at random moments"
KEYWARD_CRASH_RUNS="${KEYWARD_CRASH_RUNS:-300}" cargo test --locked --package keyward-cli --test crash -- --nocapture
echo "=== soak: simulated histories"
KEYWARD_SIM_SCHEDULES="${KEYWARD_SIM_SCHEDULES:-100000}" \
    cargo test --release --locked --package keyward-engine --test simulation -- --nocapture
echo "=== soak: many generated requests"
KEYWARD_REST_EXAMPLES="${KEYWARD_REST_EXAMPLES:-50}" ./tests/rest/run.sh
