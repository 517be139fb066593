#!/usr/bin/env bash
# Installs what tests/tls/run.sh needs and does not have: Debian packages with apt-get (as root or through sudo),
# Python packages into target/tls-venv. Source it and call `install_tls_tools`, or run it.
#
# Installing is kept apart from testing on purpose: the tests themselves never install and never skip.

tls_root() { (cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd); }

# command:package
TLS_DEBIAN_TOOLS=(
    openssl:openssl
    gnutls-cli:gnutls-bin
    gnutls-serv:gnutls-bin
    gnutls-cli-debug:gnutls-bin
    certtool:gnutls-bin
    curl:curl
    testssl:testssl.sh
    sslscan:sslscan
    javac:openjdk-17-jdk-headless
    python3:python3
)

install_tls_tools() {
    local entry missing=() sudo=() venv
    for entry in "${TLS_DEBIAN_TOOLS[@]}"; do
        command -v "${entry%%:*}" >/dev/null || missing+=("${entry##*:}")
    done
    python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
    if ((${#missing[@]})); then
        [ "$(id -u)" -eq 0 ] || sudo=(sudo)
        "${sudo[@]}" apt-get update
        "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
            apt-get install --yes --no-install-recommends "${missing[@]}"
    fi
    venv="$(tls_root)/target/tls-venv"
    if ! cmp --silent "$(tls_root)/tests/tls/requirements.txt" "$venv/requirements.txt"; then
        python3 -m venv --clear "$venv"
        "$venv/bin/pip" install --quiet --disable-pip-version-check \
            --requirement "$(tls_root)/tests/tls/requirements.txt"
        cp "$(tls_root)/tests/tls/requirements.txt" "$venv/requirements.txt"
    fi
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
    set -euo pipefail
    install_tls_tools
fi
