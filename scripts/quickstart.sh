#!/usr/bin/env bash
# Builds Keyward, makes an installation in a fresh directory, starts its server and walks a key through its life,
# printing each command and its result. Leaves the server running; with --exit it ends it.
set -euo pipefail
cd "$(dirname "$0")/.."

end_server=no
case "${1:-}" in
    "") ;;
    --exit) end_server=yes ;;
    *) echo "usage: scripts/quickstart.sh [--exit]" >&2; exit 2 ;;
esac

./scripts/install.sh
export PATH="$HOME/.cargo/bin:$PATH"
profile=${KEYWARD_PROFILE:-dev}
echo "building (the first time takes some minutes)"
cargo build --quiet --locked --profile "$profile" --bin keyward
target=$(cargo metadata --format-version 1 --no-deps | python3 -c 'import json,sys; print(json.load(sys.stdin)["target_directory"])')
[ "$profile" = dev ] && profile=debug
keyward=$target/$profile/keyward

home=$(mktemp -d "${TMPDIR:-/tmp}/keyward-quickstart.XXXXXX")
chmod 700 "$home"
server=
finish() {
    status=$?
    if [ "$status" -ne 0 ] || [ "$end_server" = yes ]; then
        [ -z "$server" ] || { kill "$server" 2>/dev/null; wait "$server" 2>/dev/null || true; }
    fi
    if [ "$status" -ne 0 ]; then
        echo "quickstart: stopped with an error; the server's log:" >&2
        [ -e "$home/server.log" ] && tail -n 20 "$home/server.log" >&2
    fi
    [ "$end_server" = yes ] && rm -rf "$home"
    exit "$status"
}
trap finish EXIT

bold() { printf '\n\033[1m%s\033[0m\n' "$*"; }
run() { printf '$ keyward %s\n' "$*"; "$keyward" "$@"; }
refused() {
    printf '$ keyward %s\n' "$*"
    if "$keyward" "$@"; then echo "quickstart: this should have been refused" >&2; return 1; fi
}
field() { python3 -c 'import json,sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }

export KEYWARD_CONFIG=$home/config.toml
: > "$KEYWARD_CONFIG"
(umask 077; head -c 24 /dev/urandom | base64 > "$home/passphrase")

bold "1. Make an installation and start its server"
run init --data-dir "$home/data" --passphrase-file "$home/passphrase" --no-context | tee "$home/init.txt"
log_key=$(awk '/^log key/ { print $3 }' "$home/init.txt")
"$keyward" server --data-dir "$home/data" --passphrase-file "$home/passphrase" \
    --listen 127.0.0.1:0 --port-file "$home/port" 2> "$home/server.log" &
server=$!
for _ in $(seq 150); do
    [ -s "$home/port" ] && break
    kill -0 "$server" 2>/dev/null || { echo "quickstart: the server ended" >&2; exit 1; }
    sleep 0.2
done
[ -s "$home/port" ] || { echo "quickstart: the server does not listen" >&2; exit 1; }
export KEYWARD_SERVER=https://127.0.0.1:$(cat "$home/port")
export KEYWARD_CA=$home/data/tls/ca.crt
admin=$(find "$home/data" -maxdepth 1 -name '*token*' -type f | head -n 1)
[ -n "$admin" ] || { echo "quickstart: no administrator's token" >&2; exit 1; }
export KEYWARD_TOKEN_FILE=$admin
run status

bold "2. A realm, and workloads with separated roles"
run realm create shop --rehearsal
export KEYWARD_REALM=shop
for role in crypto-officer crypto-user; do
    id=$("$keyward" workload create "$role" --role "$role" --json | field id)
    run workload token "$id" --days 7 --output "$home/$role.token"
done
auditor=$("$keyward" --realm system workload create auditor --role auditor --json | field id)
run workload token "$auditor" --days 7 --output "$home/auditor.token"
officer=(--token-file "$home/crypto-officer.token")
user=(--token-file "$home/crypto-user.token")
audit=(--token-file "$home/auditor.token")

bold "3. Create a key and encrypt a file"
run "${officer[@]}" key create orders
echo "order 4711: two chairs" > "$home/order.txt"
run "${user[@]}" encrypt "$home/order.txt" --key orders --output "$home/order.kwc"

bold "4. Rotate the key; what the old version encrypted still opens"
run "${officer[@]}" key rotate orders
run "${user[@]}" decrypt "$home/order.kwc" --key orders --output "$home/order.again"
cmp "$home/order.txt" "$home/order.again"

bold "5. Suspend it: use is refused; resume it"
run "${officer[@]}" key suspend orders --reason "looking into something"
refused "${user[@]}" decrypt "$home/order.kwc" --key orders --output "$home/never"
run "${officer[@]}" key resume orders

bold "6. Destroy a second key (a rehearsal realm may do so without waiting)"
run "${officer[@]}" key create doomed
run "${user[@]}" encrypt "$home/order.txt" --key doomed --output "$home/doomed.kwc"
run "${officer[@]}" key destroy schedule doomed --after-days 0 --reason "quickstart"
run "${officer[@]}" key destroy execute doomed --yes || echo "(the scheduler, which looks every second, was first)"
refused "${user[@]}" decrypt "$home/doomed.kwc" --key doomed --output "$home/never"
run "${user[@]}" decrypt "$home/order.kwc" --key orders --output "$home/order.again" --force

bold "7. Verify the audit log offline"
run "${audit[@]}" audit records --last 5
run "${audit[@]}" audit proof 3 --output "$home/proof.json"
run "${audit[@]}" audit download "$home/log"
run audit verify "$home/log" --log-key "$log_key"
run audit verify "$home/proof.json" --log-key "$log_key"

bold "Done."
if [ "$end_server" = no ]; then
    trap - EXIT
    cat <<END
The server goes on as process $server. Go on with:
  export KEYWARD_SERVER=$KEYWARD_SERVER KEYWARD_CA=$KEYWARD_CA KEYWARD_REALM=shop
  $keyward --token-file $home/crypto-officer.token key list
End it with:  kill $server && rm -rf $home
END
fi
