#!/usr/bin/env bash
# Installs what building and testing need, on Debian or Ubuntu. Does nothing for what is already there.
set -euo pipefail

packages=()
need() { command -v "$1" >/dev/null 2>&1 || packages+=("$2"); }

build_tools() {
    need cc gcc
    need g++ g++
    need make make
    need cmake cmake
    need go golang-go
    need perl perl
    need git git
    need curl curl
}

test_tools() {
    need openssl openssl
    need python3 python3
    need node nodejs
}

install_missing() {
    [ "${#packages[@]}" -eq 0 ] && return 0
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null 2>&1 || { echo "install.sh: needs root or sudo to install: ${packages[*]}" >&2; exit 1; }
        as_root=(sudo)
    fi
    echo "installing: ${packages[*]}"
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}"
}

command -v cargo >/dev/null 2>&1 || { echo "install.sh: Rust is missing; install it from https://rustup.rs and run this again" >&2; exit 1; }
build_tools
[ "${1:-build}" = test ] && test_tools
install_missing
