#!/usr/bin/env bash
# A key through its life as the quickstart shows it. The same with curl, Python and JavaScript is in tests/docs/.
set -euo pipefail
cd "$(dirname "$0")/.."
exec ./scripts/quickstart.sh --exit
