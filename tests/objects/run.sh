#!/usr/bin/env bash
# Material in and out with standard tools: OpenSSL wraps a key for an import key and opens an export, signs a certificate
# for a request of the server, and checks what the imported key does.
set -euo pipefail
cd "$(dirname "$0")/../.."
for tool in openssl xxd curl; do
    command -v "$tool" >/dev/null || { echo "tests/objects needs $tool" >&2; exit 2; }
done
keyward="${KEYWARD:-$PWD/target/debug/keyward}"
[ -x "$keyward" ] || { echo "build it first: cargo build --bin keyward" >&2; exit 2; }

work=$(mktemp -d)
server=
finish() {
    [ -z "$server" ] || { kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; }
    rm -rf "$work"
}
trap finish EXIT
cd "$work"
export KEYWARD_CONFIG="$work/config.toml" XDG_CONFIG_HOME="$work"
kw() { "$keyward" "$@"; }
hex() { xxd -p -c 0 "$1"; }
fails() { # CODE COMMAND...: refused with this code
    local code=$1
    shift
    if "$@" >out.txt 2>err.txt; then echo "should be refused: $*" >&2; exit 1; fi
    grep -q "$code" err.txt || { echo "not $code: $*" >&2; cat err.txt >&2; exit 1; }
}

echo "=== a server, a realm, an officer, an application"
(umask 077; echo "correct horse battery staple" >pass)
kw init --data-dir data --passphrase-file pass >init.txt
"$keyward" server --data-dir data --listen 127.0.0.1:0 --port-file port --passphrase-file pass 2>server.log &
server=$!
for _ in $(seq 600); do [ -s port ] && break; sleep 0.1; done
kw context set default --server "https://localhost:$(cat port)"
kw realm create shop >/dev/null
for who in officer:crypto-officer app:crypto-user; do
    kw workload create "${who%%:*}" --role "${who##*:}" -r shop >/dev/null
    kw workload token "${who%%:*}" --days 1 -o "${who%%:*}.token" -r shop >/dev/null
done
as() { local who=$1; shift; kw --token-file "$who.token" -r shop "$@"; }

echo "=== OpenSSL wraps an AES key for an import key (ecdh-p384-kwp)"
openssl rand -out key.bin 32
as officer key import-key -o d >/dev/null
openssl ecparam -name P-384 -genkey -noout -out own.pem
openssl pkey -in own.pem -pubout -outform DER -out own.der
openssl pkey -pubin -inform DER -in d/public.der -out peer.pem
openssl pkeyutl -derive -inkey own.pem -peerkey peer.pem -out z.bin
openssl kdf -keylen 32 -kdfopt digest:SHA256 -kdfopt hexkey:"$(hex z.bin)" \
    -kdfopt hexinfo:"$(hex d/info.bin)" -binary -out kek.bin SSKDF
openssl enc -id-aes256-wrap-pad -iv A65959A6 -K "$(hex kek.bin)" -in key.bin -out wrapped.bin
as officer key import orders --export wrapped --import-key d --encapsulated own.der --wrapped wrapped.bin
as officer key show orders | grep -q imported
fails import_key as officer key import again --import-key d --encapsulated own.der --wrapped wrapped.bin
echo "4711" >card.txt
as app encrypt -k orders card.txt -o card.kwc >/dev/null
[ "$(as app decrypt card.kwc)" = 4711 ]

echo "=== the same key comes out again, for another key of OpenSSL's"
openssl ecparam -name P-384 -genkey -noout -out out.pem
openssl pkey -in out.pem -pubout -outform DER -out out.der
as officer key export orders --scheme ecdh-p384-kwp --public-key out.der -o orders.kwp >/dev/null
openssl pkey -pubin -inform DER -in orders.kwp.encapsulated -out peer.pem
openssl pkeyutl -derive -inkey out.pem -peerkey peer.pem -out z.bin
openssl kdf -keylen 32 -kdfopt digest:SHA256 -kdfopt hexkey:"$(hex z.bin)" \
    -kdfopt hexinfo:"$(hex orders.kwp.info)" -binary -out kek.bin SSKDF
openssl enc -d -id-aes256-wrap-pad -iv A65959A6 -K "$(hex kek.bin)" -in orders.kwp -out back.bin
cmp key.bin back.bin

echo "=== a pair of OpenSSL's comes in; a request is signed with it; OpenSSL issues; the certificate is kept"
openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -outform DER -out pair.p8
as officer key import-key -o e >/dev/null
openssl ecparam -name P-384 -genkey -noout -out own.pem
openssl pkey -in own.pem -pubout -outform DER -out own.der
openssl pkey -pubin -inform DER -in e/public.der -out peer.pem
openssl pkeyutl -derive -inkey own.pem -peerkey peer.pem -out z.bin
openssl kdf -keylen 32 -kdfopt digest:SHA256 -kdfopt hexkey:"$(hex z.bin)" \
    -kdfopt hexinfo:"$(hex e/info.bin)" -binary -out kek.bin SSKDF
openssl enc -id-aes256-wrap-pad -iv A65959A6 -K "$(hex kek.bin)" -in pair.p8 -out wrapped.bin
as officer key import till-key --spec ec-p256 --import-key e --encapsulated own.der --wrapped wrapped.bin >/dev/null
as officer key create rsa-key --spec rsa-2048 >/dev/null
as officer key create ed-key --spec ed25519 >/dev/null
for key in till-key rsa-key ed-key; do
    as officer cert request "$key" --subject CN=till.example,O=Shop --san dns:till.example -o "$key.csr"
    openssl req -in "$key.csr" -noout -verify -subject 2>&1 | grep -q "OK"
done
openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj "/CN=Shop CA" -days 30 2>/dev/null
openssl x509 -req -in till-key.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 20 -copy_extensions copy \
    -out till.pem 2>/dev/null
cat till.pem ca.pem >chain.pem
as officer cert put till chain.pem --for till-key >/dev/null
as officer cert show till | grep -q "CN=till.example"
as officer cert show till --pem | openssl verify -CAfile ca.pem >/dev/null
fails subject_key as officer cert put wrong chain.pem --for rsa-key
as officer key blast-radius till-key | grep -q certifies

echo "=== secrets"
as officer secret create db --generate 32 >/dev/null
[ "$(as app secret read db | wc -c)" = 32 ]
printf 'pa\0ss' >value.bin
as officer secret put db --from-file value.bin >/dev/null
as app secret read db | cmp - value.bin
fails permission_denied as officer secret read db
fails not_found as app secret read nothing
echo "objects: all good"
