#!/usr/bin/env bash
# TLS against other implementations: both ways (interop.py), third-party probes (probes.py), malformed and out-of-order
# conversations (malformed.py) with the echo program and with the product's own listener.
#
# Everything it needs must be there (scripts/install.sh test installs it): a missing tool fails, it never skips. Traffic
# stays on the loopback interface.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "$here/../.." && pwd)"

missing=()
for tool in openssl gnutls-cli gnutls-serv gnutls-cli-debug certtool curl testssl sslscan javac java python3 cargo; do
    command -v "$tool" >/dev/null || missing+=("$tool")
done
python="$root/target/tls-venv/bin/python"
for module in tlslite kyber_py sslyze; do
    "$python" -c "import $module" 2>/dev/null || missing+=("Python module $module in target/tls-venv")
done
if ((${#missing[@]})); then
    printf 'FAILED tls: missing: %s\n' "${missing[@]}" "run scripts/install.sh test" >&2
    exit 1
fi

cd "$root"
# All examples and all programs, so that the features are those of the test run and nothing is compiled again.
cargo build --locked --quiet --workspace --examples
cargo build --locked --quiet --workspace --bins
TLS_ECHO="${CARGO_TARGET_DIR:-$root/target}/debug/examples/tls_echo"
KEYWARD="${CARGO_TARGET_DIR:-$root/target}/debug/keyward"
export TLS_ECHO KEYWARD PYTHONDONTWRITEBYTECODE=1

failed=0
"$python" "$here/malformed.py" || failed=1
"$python" "$here/malformed.py" --product || failed=1
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
