#!/usr/bin/env bash
# The two commands' path with a third-party client: a key through its life with the keyward command and with curl.
set -euo pipefail
cd "$(dirname "$0")/.."
exec ./scripts/quickstart.sh --exit
