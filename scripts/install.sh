#!/usr/bin/env bash
# Installs what building and testing need, on Debian or Ubuntu with nothing but Rust. Does nothing for what is already
# there.
#   install.sh          what a build needs
#   install.sh test     also the third-party programs of the interop tier, in target/*-venv what comes from PyPI
set -euo pipefail
cd "$(dirname "$0")/.."

packages=()
# need COMMAND PACKAGE...
need() {
    command -v "$1" >/dev/null 2>&1 && return 0
    shift
    packages+=("$@")
}

build_tools() {
    need cc gcc libc6-dev
    need g++ g++
    need make make
    need cmake cmake
    need go golang-go
    need perl perl
    need git git
    need curl curl ca-certificates
    need pkg-config pkg-config
}

test_tools() {
    need python3 python3
    need node nodejs
    need xxd xxd
    python3 -c 'import ensurepip, venv' 2>/dev/null || packages+=(python3-venv)
    need openssl openssl
    # other TLS implementations and probes (tests/tls)
    need gnutls-cli gnutls-bin
    need gnutls-cli-debug gnutls-bin
    need certtool gnutls-bin
    need testssl testssl.sh
    need sslscan sslscan
    need javac default-jdk-headless
    need hexdump bsdextrautils
    need host bind9-host
    need ps procps
    # programs that make what the scanner must find (tests/assess)
    need keytool default-jdk-headless
    need ssh-keygen openssh-client
    need gpg gnupg
    need age age
    need cryptsetup cryptsetup-bin
    need certutil libnss3-tools
    need puttygen putty-tools
    need zip zip
    need xz xz-utils
    need sqlite3 sqlite3
    # packaging (packaging/test.sh)
    need dpkg-deb dpkg
    need systemd-analyze systemd
}

install_missing() {
    [ "${#packages[@]}" -eq 0 ] && return 0
    local as_root=() unique
    mapfile -t unique < <(printf '%s\n' "${packages[@]}" | sort -u)
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null 2>&1 || { echo "install.sh: needs root or sudo to install: ${unique[*]}" >&2; exit 1; }
        as_root=(sudo)
    fi
    echo "installing: ${unique[*]}"
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${unique[@]}"
}

# python_tools NAME: the pinned packages of tests/NAME/requirements.txt in target/NAME-venv
python_tools() {
    local wanted="tests/$1/requirements.txt" venv="target/$1-venv"
    cmp --silent "$wanted" "$venv/requirements.txt" && return 0
    python3 -m venv --clear "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$wanted"
    cp "$wanted" "$venv/requirements.txt"
}

command -v cargo >/dev/null 2>&1 || { echo "install.sh: Rust is missing; install it from https://rustup.rs and run this again" >&2; exit 1; }
build_tools
case "${1:-build}" in
    build) install_missing ;;
    test)
        test_tools
        install_missing
        python_tools tls
        python_tools rest
        python_tools assess
        ;;
    *) echo "usage: scripts/install.sh [build|test]" >&2; exit 2 ;;
esac
