#!/bin/sh
# Proof of the scanner against real tools: builds the labelled corpus, measures recall and precision (fails
# below 0.99), validates the bills of materials, checks that a repeated run gives the same bytes.
# KEYWARD_ASSESS names the executable; KEYWARD_CYCLONEDX_SCHEMAS the directory of the official schemas.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
assess=${KEYWARD_ASSESS:-$here/../../target/release/keyward-assess}
PATH=$PATH:/usr/sbin:/sbin; export PATH
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
corpus=${KEYWARD_ASSESS_CORPUS:-$work/corpus}
[ -f "$corpus/labels.tsv" ] || sh "$here/build-corpus.sh" "$corpus"
"$assess" scan "$corpus" --at 2026-11-23 --format json -o "$work/one.json"
"$assess" scan "$corpus" --at 2026-11-23 --format json -o "$work/two.json"
cmp "$work/one.json" "$work/two.json" && echo "a repeated scan gives the same bytes"
python3 "$here/measure.py" "$corpus" "$work/one.json" --minimum 0.99
for version in 1.6 1.7; do
    "$assess" convert "$work/one.json" --format cbom-$version > "$work/bom.json"
    if [ -n "${KEYWARD_CYCLONEDX_SCHEMAS:-}" ]; then
        python3 "$here/validate.py" "$work/bom.json" "$KEYWARD_CYCLONEDX_SCHEMAS"
    else
        echo "CycloneDX $version: NOT VALIDATED, KEYWARD_CYCLONEDX_SCHEMAS is not set"
    fi
done
"$assess" scan "$corpus" --journal "$work/journal" --format json -o "$work/cold.json"
"$assess" scan "$corpus" --journal "$work/journal" --format json -o "$work/warm.json"
python3 - "$work/cold.json" "$work/warm.json" <<'P'
import json, sys
cold, warm = (json.load(open(path)) for path in sys.argv[1:])
assert warm["coverage"]["files_read"] == 0 and warm["coverage"]["resumed"] == cold["coverage"]["files_read"]
assert warm["findings"] == cold["findings"]
print("a resumed scan reads nothing and finds the same")
P
status=0; "$assess" scan "$corpus" --fail-on high > /dev/null || status=$?
[ $status = 2 ] && echo "--fail-on gives exit code 2"
python3 "$here/source-bench.py" "$assess" "$work/source" --minimum 0.9
python3 "$here/endpoints.py" "$assess"
"$assess" interview > "$work/systems.toml"
for format in html pdf; do
    "$assess" convert "$work/one.json" --format $format --interview "$work/systems.toml" -o "$work/report.$format"
done
head -c 8 "$work/report.pdf" | grep -q '%PDF-1.4' && grep -q 'id="coverage"' "$work/report.html" && echo "HTML and PDF are written"
