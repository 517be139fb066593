#!/usr/bin/env bash
# The interop tier of TLS: other implementations against ours both ways (interop.py), third-party probes (probes.py),
# malformed and out-of-order conversations (malformed.py).
#
# Everything it needs must be there (install.sh installs it): a missing tool fails, it never skips. Traffic stays on
# the loopback interface.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "$here/../.." && pwd)"
# shellcheck source=tests/tls/install.sh
source "$here/install.sh"

missing=()
for entry in "${TLS_DEBIAN_TOOLS[@]}" java:openjdk-17-jdk-headless cargo:rust; do
    command -v "${entry%%:*}" >/dev/null || missing+=("${entry%%:*} (package ${entry##*:})")
done
python="$root/target/tls-venv/bin/python"
for module in tlslite kyber_py sslyze; do
    "$python" -c "import $module" 2>/dev/null || missing+=("Python module $module in target/tls-venv")
done
if ((${#missing[@]})); then
    printf 'FAILED tls: missing: %s\n' "${missing[@]}" "run tests/tls/install.sh" >&2
    exit 1
fi

cd "$root"
cargo build --locked --quiet --package keyward-tls --example tls_echo
TLS_ECHO="${CARGO_TARGET_DIR:-$root/target}/debug/examples/tls_echo"
export TLS_ECHO PYTHONDONTWRITEBYTECODE=1

failed=0
"$python" "$here/malformed.py" || failed=1
# the probes mostly wait, the interoperability checks mostly compute
probes="$(mktemp)"
trap 'rm -f "$probes"' EXIT
"$python" "$here/probes.py" >"$probes" 2>&1 &
probes_pid=$!
"$python" "$here/interop.py" || failed=1
wait "$probes_pid" || failed=1
cat "$probes"
if ((failed)); then
    echo "FAILED tls" >&2
    exit 1
fi
echo "tls: everything held"
