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
target=$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
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
# Words with blanks are shown as they would have to be typed.
shown() { printf '$ keyward'; for word in "$@"; do case $word in *' '*) printf ' "%s"' "$word" ;; *) printf ' %s' "$word" ;; esac; done; echo; }
run() { shown "$@"; "$keyward" "$@"; }
refused() {
    shown "$@"
    if "$keyward" "$@"; then echo "quickstart: this should have been refused" >&2; return 1; fi
}

# All of this session stays in one directory: settings and contexts too.
unset KEYWARD_CONTEXT KEYWARD_SERVER KEYWARD_CA KEYWARD_TOKEN_FILE KEYWARD_CERTIFICATE KEYWARD_PRIVATE_KEY KEYWARD_REALM
export KEYWARD_CONFIG=$home/config.toml
cd "$home"
(umask 077; head -c 24 /dev/urandom | base64 > passphrase)

bold "1. Make an installation and start its server"
run init --data-dir data --passphrase-file passphrase
shown server --data-dir data --passphrase-file passphrase --listen 127.0.0.1:0 --port-file port
"$keyward" server --data-dir data --passphrase-file passphrase \
    --listen 127.0.0.1:0 --port-file port 2> server.log &
server=$!
for _ in $(seq 150); do
    [ -s port ] && break
    kill -0 "$server" 2>/dev/null || { echo "quickstart: the server ended" >&2; exit 1; }
    sleep 0.2
done
[ -s port ] || { echo "quickstart: the server does not listen" >&2; exit 1; }
address=https://localhost:$(cat port)
run context set default --server "$address"
run status

bold "2. A realm, and workloads with separated roles, each with a context"
run realm create shop --rehearsal
for who in officer:crypto-officer:shop app:crypto-user:shop auditor:auditor:system; do
    IFS=: read -r name role realm <<< "$who"
    run workload create "$name" --role "$role" -r "$realm"
    run workload token "$name" --days 7 -o "$name.token" -r "$realm"
    context=(context set "$name" --server "$address" --ca data/tls/ca.crt --token-file "$name.token" -r "$realm")
    shown "${context[@]}"
    "$keyward" "${context[@]}" > /dev/null
done
run context list

bold "3. Create a key and encrypt a file"
run key create orders --context officer
echo "order 4711: two chairs" > order.txt
run encrypt order.txt -k orders -o order.kwc --context app

bold "4. Rotate the key; what the old version encrypted still opens"
run key rotate orders --context officer
run decrypt order.kwc --context app

bold "5. Suspend it: use is refused; resume it"
run key suspend orders --reason "looking into something" --context officer
refused decrypt order.kwc --context app
run key resume orders --context officer

bold "6. Destroy a second key (a rehearsal realm may do so without waiting)"
run key create doomed --context officer
run encrypt order.txt -k doomed -o doomed.kwc --context app
run key destroy schedule doomed --after-days 0 --reason quickstart --context officer
run key destroy execute doomed --yes --context officer || echo "(the scheduler, which looks every second, was first)"
refused decrypt doomed.kwc --context app
run decrypt order.kwc --context app

bold "7. Verify the audit log offline, trusting only the log key"
run audit records --last 5 --context auditor
run audit proof 3 -o proof.json --context auditor
run audit download log --context auditor
run audit verify log proof.json --log-key data/log.key

bold "Done."
if [ "$end_server" = no ]; then
    trap - EXIT
    cat <<END
The server goes on as process $server. Go on with:
  cd $home
  export KEYWARD_CONFIG=$KEYWARD_CONFIG PATH=$(dirname "$keyward"):\$PATH
  keyward key list --context officer
End it with:
  kill $server && rm -rf $home
Next: docs/tutorial.md, an application that encrypts its data.
END
fi
