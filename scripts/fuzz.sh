#!/usr/bin/env bash
# Runs the libFuzzer targets of fuzz/ one after another, on stable Rust and without cargo-fuzz.
#   scripts/fuzz.sh [--seconds N] [TARGET...]     60 seconds each unless told otherwise; all targets if none is named
# What they start from is written to fuzz/corpus first; what fails is kept in fuzz/artifacts and ends the run with
# failure. Put it into crates/keyward-fuzz/regressions/TARGET/ with the change that mends it.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=60
if [ "${1:-}" = "--seconds" ]; then
    seconds=${2:?--seconds needs a number}
    shift 2
fi
host=$(rustc -vV | awk '/^host/ { print $2 }')
if [ $# -gt 0 ]; then targets=("$@"); else mapfile -t targets < <(sed -n 's/^name = "\([a-z_]*\)"$/\1/p' fuzz/Cargo.toml); fi

cargo run --quiet --locked --package keyward-fuzz --example seeds -- fuzz/corpus

# What libFuzzer needs to see where an input leads: edge counters, their addresses, and compared values.
coverage="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4"
coverage+=" -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table"
coverage+=" -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1"
bins=()
for target in "${targets[@]}"; do bins+=(--bin "$target"); done
# The versions are those of the product; only libFuzzer's own crate comes in addition.
cp Cargo.lock fuzz/Cargo.lock
# --target keeps the flags away from build scripts and procedural macros.
RUSTFLAGS="$coverage" CARGO_TARGET_DIR=fuzz/target \
    cargo build --quiet --manifest-path fuzz/Cargo.toml --release --target "$host" "${bins[@]}"

failed=()
for target in "${targets[@]}"; do
    mkdir -p "fuzz/artifacts/$target"
    echo "== fuzz $target for $seconds s"
    "fuzz/target/$host/release/$target" "fuzz/corpus/$target" -artifact_prefix="fuzz/artifacts/$target/" \
        -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -max_len=65536 -print_final_stats=1 \
        2> "fuzz/artifacts/$target.log" || failed+=("$target")
    grep -E "^stat::(number_of_executed_units|average_exec_per_sec|peak_rss_mb)|panicked at|ERROR:" \
        "fuzz/artifacts/$target.log" || true
done
if [ ${#failed[@]} -gt 0 ]; then
    echo "fuzz: FAILED: ${failed[*]} (inputs and logs are in fuzz/artifacts)" >&2
    exit 1
fi
echo "fuzz: ${#targets[@]} targets held"
