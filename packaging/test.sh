#!/usr/bin/env bash
# Builds the Debian package from the programs of the tests, installs it into an empty root, uses what is in it, and lets
# systemd judge the unit.
set -euo pipefail
cd "$(dirname "$0")/.."

for tool in dpkg-deb dpkg systemd-analyze readelf strip; do
    command -v "$tool" > /dev/null || { echo "FAILED packaging: $tool is missing; run scripts/install.sh test" >&2; exit 1; }
done
cargo build --locked --quiet --workspace --bins
work=$(mktemp -d "${TMPDIR:-/tmp}/keyward-packaging.XXXXXX")
trap 'rm -rf "$work"' EXIT
fail() { echo "FAILED packaging: $*" >&2; exit 1; }

./packaging/deb/build.sh --profile debug "$work" > "$work/build.log"
package=$(echo "$work"/keyward_*.deb)
dpkg-deb --info "$package" > "$work/info.txt"

# What is in it, with which rights.
dpkg-deb --contents "$package" | awk '{ print $1, $2, $6 }' > "$work/contents.txt"
for line in "-rwxr-xr-x root/root ./usr/bin/keyward" "-rwxr-xr-x root/root ./usr/bin/keyward-assess" \
    "-rw-r--r-- root/root ./lib/systemd/system/keyward.service" "-rw-r----- root/root ./etc/keyward/keyward.toml" \
    "-rw-r--r-- root/root ./usr/share/man/man1/keyward.1.gz" "-rw-r--r-- root/root ./usr/share/man/man1/keyward-server.1.gz" \
    "-rw-r--r-- root/root ./usr/share/bash-completion/completions/keyward" \
    "-rw-r--r-- root/root ./usr/share/doc/keyward/copyright"; do
    grep -qxF -- "$line" "$work/contents.txt" || fail "the package has no \`$line\`: $(cat "$work/contents.txt")"
done
if grep -E '^-..(s|...w|......w)|^-......w' "$work/contents.txt"; then fail "files with too many rights"; fi

# dpkg takes it into an empty root, lists its configuration file, and removes it again without a rest.
mkdir -p "$work/root/var/lib/dpkg" "$work/root/bin"
: > "$work/root/var/lib/dpkg/status"
quiet_dpkg() { dpkg --root="$work/root" --force-script-chrootless --force-depends --force-not-root --no-triggers "$@" > "$work/dpkg.log" 2>&1 || { cat "$work/dpkg.log" >&2; fail "dpkg $*"; }; }
quiet_dpkg --unpack "$package"
dpkg --root="$work/root" --status keyward | grep -q "/etc/keyward/keyward.toml" || fail "keyward.toml is no configuration file"
[ -x "$work/root/usr/bin/keyward" ] || fail "nothing was unpacked"
quiet_dpkg --remove keyward
[ ! -e "$work/root/usr/bin/keyward" ] || fail "removing leaves the program"

# The programs in it run; the server makes an installation and starts on the packaged configuration.
dpkg-deb --extract "$package" "$work/root"
"$work/root/usr/bin/keyward" --version
"$work/root/usr/bin/keyward-assess" --version
bash -n "$work/root/usr/share/bash-completion/completions/keyward"
for script in postinst prerm postrm; do sh -n "packaging/deb/$script"; done
umask 077
head -c 24 /dev/urandom | base64 > "$work/passphrase"
"$work/root/usr/bin/keyward" init --data-dir "$work/data" --passphrase-file "$work/passphrase" --no-context > "$work/init.txt"
"$work/root/usr/bin/keyward" server --data-dir "$work/data" --server-config "$work/root/etc/keyward/keyward.toml" \
    --passphrase-file "$work/passphrase" --listen 127.0.0.1:0 --port-file "$work/port" 2> "$work/server.log" &
server=$!
for _ in $(seq 150); do [ -s "$work/port" ] && break; kill -0 "$server" || fail "the server ended: $(cat "$work/server.log")"; sleep 0.2; done
curl --silent --show-error --fail --cacert "$work/data/tls/ca.crt" "https://127.0.0.1:$(cat "$work/port")/v1/health"
echo
kill "$server"
wait "$server" || fail "the server did not stop in good order: $(cat "$work/server.log")"

# The unit is sound and confined. The program's path exists for the check only inside the unpacked package.
sed "s|/usr/bin/keyward|/bin/true|" packaging/systemd/keyward.service > "$work/keyward.service"
systemd-analyze verify --man=no "$work/keyward.service" > "$work/verify.txt" 2>&1 || { cat "$work/verify.txt" >&2; fail "systemd-analyze verify"; }
if grep -F keyward.service "$work/verify.txt"; then fail "systemd-analyze verify has objections"; fi
systemd-analyze security --offline=true --no-pager --threshold=15 "$work/keyward.service" > "$work/security.txt" \
    || { cat "$work/security.txt" >&2; fail "the unit is exposed more than 1.5"; }
tail -n 1 "$work/security.txt"

python3 - <<'P'
import json
dashboard = json.load(open("packaging/grafana/keyward.json", encoding="utf-8"))
queries = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
assert queries and all("keyward_" in query for query in queries), queries
P
if command -v lintian > /dev/null; then
    # Not a package of the distribution: no changelog of Debian's form, no bug number.
    lintian --fail-on error --suppress-tags no-changelog,debian-changelog-file-missing,embedded-library,unstripped-binary-or-object "$package"
fi
echo "packaging: everything held"
