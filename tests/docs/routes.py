#!/usr/bin/env python3
"""docs/api.md lists every route of spec/openapi.json; `--write` brings it up to date."""
import json
import sys
from pathlib import Path

PAGE, START = Path("docs/api.md"), "|---|---|---|\n"

paths = json.loads(Path("spec/openapi.json").read_text())["paths"]
rows = "".join(
    f"| `{method.upper()}` | `{path}` | {operation['summary'].rstrip('.')} |\n"
    for path, methods in paths.items()
    for method, operation in methods.items()
    if method in ("get", "post", "put", "patch", "delete")
)
before, _, after = PAGE.read_text().partition("## Routes\n")
head, _, _ = after.partition(START)
wanted = f"{before}## Routes\n{head}{START}{rows}"
if "--write" in sys.argv:
    PAGE.write_text(wanted)
elif PAGE.read_text() != wanted:
    sys.exit("docs/api.md does not list the routes of spec/openapi.json: tests/docs/routes.py --write")
