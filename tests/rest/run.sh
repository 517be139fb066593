#!/usr/bin/env bash
# The REST interface against its own description: Schemathesis generates requests from the served OpenAPI document, valid
# and not, and holds every answer of a real server against it: no 5xx, no undocumented status, media type or body, nothing
# invalid accepted, nothing valid refused. Done without a caller and as each role. schemathesis.toml holds the exceptions,
# each with its reason.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD

st=$root/target/rest-venv/bin/st
[ -x "$st" ] || { echo "FAILED rest: Schemathesis is missing; run scripts/install.sh test" >&2; exit 1; }
cargo build --locked --quiet --workspace --bins
keyward=${CARGO_TARGET_DIR:-$root/target}/debug/keyward

home=$(mktemp -d "${TMPDIR:-/tmp}/keyward-rest.XXXXXX")
chmod 700 "$home"
server=
finish() {
    status=$?
    [ -z "$server" ] || { kill "$server" 2>/dev/null; wait "$server" 2>/dev/null || true; }
    [ "$status" -eq 0 ] || { echo "rest: the server's log:" >&2; tail -n 20 "$home/server.log" >&2; }
    rm -rf "$home"
    exit "$status"
}
trap finish EXIT

export KEYWARD_CONFIG=$home/config.toml
: > "$KEYWARD_CONFIG"
(umask 077; head -c 24 /dev/urandom | base64 > "$home/passphrase")
"$keyward" init --data-dir "$home/data" --passphrase-file "$home/passphrase" --no-context > "$home/init.txt"
"$keyward" server --data-dir "$home/data" --passphrase-file "$home/passphrase" \
    --listen 127.0.0.1:0 --port-file "$home/port" 2> "$home/server.log" &
server=$!
for _ in $(seq 150); do
    [ -s "$home/port" ] && break
    kill -0 "$server" 2>/dev/null || { echo "rest: the server ended" >&2; exit 1; }
    sleep 0.2
done
export KEYWARD_SERVER=https://127.0.0.1:$(cat "$home/port") KEYWARD_CA=$home/data/tls/ca.crt
export KEYWARD_TOKEN_FILE=$home/data/admin.token
cp "$KEYWARD_TOKEN_FILE" "$home/administrator.token"
field() { python3 -c 'import json,sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }
"$keyward" realm create shop --rehearsal > "$home/realm.txt"
roles=(crypto-officer crypto-user auditor backup-operator custodian)
for role in "${roles[@]}"; do
    case "$role" in crypto-*) realm=shop ;; *) realm=system ;; esac
    id=$("$keyward" --realm "$realm" workload create "$role" --role "$role" --json | field id)
    "$keyward" --realm "$realm" workload token "$id" --days 7 --output "$home/$role.token" > "$home/token.txt"
done
"$keyward" --realm shop --token-file "$home/crypto-officer.token" key create orders > "$home/key.txt"

# check WHO EXAMPLES OPTION...
check() {
    local who=$1 examples=$2
    shift 2
    echo "== rest as $who"
    # A fixed seed: a run is the same for everybody, and what fails can be looked at.
    "$st" --config-file "$root/tests/rest/schemathesis.toml" run "$KEYWARD_SERVER/v1/openapi.json" --tls-verify "$KEYWARD_CA" \
        --max-examples "$examples" --seed 20261124 --continue-on-failure --no-color "$@" > "$home/$who.txt" 2>&1 \
        || { cat "$home/$who.txt"; echo "FAILED rest as $who" >&2; return 1; }
    grep -E "generated" "$home/$who.txt" || true
}
as() { printf 'Authorization: Bearer %s' "$(cat "$home/$1.token")"; }

# Examples for each operation, in the ordinary run; KEYWARD_REST_EXAMPLES sets more for a long one.
few=${KEYWARD_REST_EXAMPLES:-6}
failed=0
check nobody "$few" || failed=1
# Sealing ends the test, so only those who may not do it try.
check administrator "$((2 * few))" --exclude-operation-id seal -H "$(as administrator)" || failed=1
for role in "${roles[@]}"; do
    exclude=()
    [ "$role" = custodian ] && exclude=(--exclude-operation-id seal)
    check "$role" "$few" "${exclude[@]}" -H "$(as "$role")" || failed=1
done
if grep -q panicked "$home/server.log"; then
    grep -A3 panicked "$home/server.log" >&2
    failed=1
fi
[ "$failed" -eq 0 ] || exit 1
"$keyward" status > "$home/status.txt" || { echo "FAILED rest: afterwards the server does not answer" >&2; exit 1; }
echo "rest: everything held"
