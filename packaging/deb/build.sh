#!/usr/bin/env bash
# Builds the Debian package from programs that are already built.
#   packaging/deb/build.sh [--profile debug|release] OUTPUT_DIRECTORY
set -euo pipefail
cd "$(dirname "$0")/../.."

profile=release
if [ "${1:-}" = "--profile" ]; then profile=${2:?--profile needs debug or release}; shift 2; fi
out=${1:?usage: packaging/deb/build.sh [--profile debug|release] OUTPUT_DIRECTORY}
bin=${CARGO_TARGET_DIR:-target}/$profile
for program in keyward keyward-assess; do
    [ -x "$bin/$program" ] || { echo "build.sh: $bin/$program is not built (cargo build --locked --workspace --bins)" >&2; exit 1; }
done
mkdir -p "$out"
version=$("$bin/keyward" --version | awk '{ print $2 }')
architecture=$(dpkg --print-architecture)
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

put() { install -D -m "$1" "$2" "$root/$3"; }
for program in keyward keyward-assess; do
    put 0755 "$bin/$program" "usr/bin/$program"
    strip --strip-unneeded "$root/usr/bin/$program"
done
put 0644 packaging/systemd/keyward.service lib/systemd/system/keyward.service
put 0640 packaging/keyward.toml etc/keyward/keyward.toml
put 0644 packaging/grafana/keyward.json usr/share/keyward/grafana-dashboard.json
put 0644 packaging/prometheus/keyward.rules.yml usr/share/keyward/prometheus-rules.yml
put 0644 README.md usr/share/doc/keyward/README.md
put 0644 SECURITY.md usr/share/doc/keyward/SECURITY.md
put 0644 NOTICE usr/share/doc/keyward/NOTICE
gzip -9nc CHANGELOG.md | install -D -m 0644 /dev/stdin "$root/usr/share/doc/keyward/changelog.gz"
{
    echo "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/"
    echo "Upstream-Name: Keyward"
    echo
    echo "Files: *"
    echo "Copyright: the Keyward authors"
    echo "License: Apache-2.0"
    echo " On Debian systems the full text of the Apache License 2.0 is in /usr/share/common-licenses/Apache-2.0."
    echo " Attributions of what is linked in are in /usr/share/doc/keyward/NOTICE."
} | install -D -m 0644 /dev/stdin "$root/usr/share/doc/keyward/copyright"

"$bin/keyward" completions bash | install -D -m 0644 /dev/stdin "$root/usr/share/bash-completion/completions/keyward"
"$bin/keyward" completions zsh | install -D -m 0644 /dev/stdin "$root/usr/share/zsh/vendor-completions/_keyward"
"$bin/keyward" completions fish | install -D -m 0644 /dev/stdin "$root/usr/share/fish/vendor_completions.d/keyward.fish"
mkdir -p "$root/usr/share/man/man1"
"$bin/keyward" man --out "$root/usr/share/man/man1" > /dev/null
gzip -9n "$root"/usr/share/man/man1/*

# The oldest C library that has every symbol the programs ask for.
libc=$(readelf --version-info --wide "$root"/usr/bin/* | grep -o 'GLIBC_[0-9.]*' | sed 's/GLIBC_//' | sort -V | tail -n 1)
mkdir "$root/DEBIAN"
cat > "$root/DEBIAN/control" <<END
Package: keyward
Version: $version
Architecture: $architecture
Maintainer: The Keyward authors <keyward@example.invalid>
Installed-Size: $(du -sk --exclude=DEBIAN "$root" | cut -f1)
Depends: libc6 (>= $libc), libgcc-s1, adduser
Section: admin
Priority: optional
Description: key management server
 Keyward keeps cryptographic keys, lets programs use them over an API, and
 records every use in a log that can be verified without trusting the server.
 It computes on keys in the validated module AWS-LC FIPS 3.1.0 only. The
 package has the server and its command line, and a scanner that finds the
 cryptography on a system.
END
echo /etc/keyward/keyward.toml > "$root/DEBIAN/conffiles"
for script in postinst prerm postrm; do
    install -m 0755 "packaging/deb/$script" "$root/DEBIAN/$script"
done
(cd "$root" && find . -path ./DEBIAN -prune -o -type f -printf '%P\0' | sort -z | xargs -0 md5sum) > "$root/DEBIAN/md5sums"
chmod -R go-w "$root"
dpkg-deb --root-owner-group --build "$root" "$out/keyward_${version}_$architecture.deb"
