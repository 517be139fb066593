#!/usr/bin/env bash
# The real programs with third-party ones. Each suite builds what it needs, which after the core tier is there already;
# all of them run even if one fails.
set -euo pipefail

# The scanner against real tools' files; its bills of materials against the official schemas.
scanner() {
    local venv=$PWD/target/assess-venv schemas file
    schemas=$(mktemp -d)
    for file in "$venv"/lib/python3*/site-packages/cyclonedx/schema/_res/*.schema.json; do
        cp "$file" "$schemas/$(basename "$file" | sed 's/\.SNAPSHOT//')"
    done
    local status=0
    PATH="$venv/bin:$PATH" KEYWARD_CYCLONEDX_SCHEMAS=$schemas \
        KEYWARD_ASSESS=${CARGO_TARGET_DIR:-$PWD/target}/debug/keyward-assess sh ./tests/assess/run.sh || status=$?
    rm -rf "$schemas"
    return "$status"
}

cargo build --locked --workspace --bins
export KEYWARD="${CARGO_TARGET_DIR:-$PWD/target}/debug/keyward"

failed=()
suite() {
    echo "=== interop: $*"
    local begin=$SECONDS
    "$@" || failed+=("$1")
    echo "=== interop: $1 took $((SECONDS - begin)) s"
}
suite ./tests/main-path.sh
suite ./tests/docs/run.sh
suite ./tests/objects/run.sh
suite ./tests/serving/run.sh
suite ./tests/rest/run.sh
suite ./tests/tls/run.sh
suite scanner
suite ./packaging/test.sh
if [ "${#failed[@]}" -gt 0 ]; then
    echo "FAILED interop: ${failed[*]}" >&2
    exit 1
fi
echo "interop: everything held"
