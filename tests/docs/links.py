#!/usr/bin/env python3
"""Every relative link in the documentation leads to a file, and every anchor to a heading in it."""
import re
import subprocess
import sys
from pathlib import Path

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def anchors(page):
    """As GitHub makes them: lower case, no punctuation, blanks to hyphens."""
    found = set()
    for heading in re.findall(r"^#+ (.+)$", page.read_text(), re.M):
        plain = re.sub(r"[^\w\- ]", "", heading.lower()).strip()
        found.add(plain.replace(" ", "-"))
    return found


def main():
    tracked = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.md"], capture_output=True, text=True, check=True)
    wrong, count = [], 0
    for page in map(Path, tracked.stdout.split()):
        text = re.sub(r"```.*?```", "", page.read_text(), flags=re.S)
        for link in LINK.findall(text):
            if re.match(r"[a-z]+:", link):
                continue
            count += 1
            name, _, anchor = link.partition("#")
            target = (page.parent / name) if name else page
            if not target.exists():
                wrong.append(f"{page}: {link} leads nowhere")
            elif anchor and anchor not in anchors(target):
                wrong.append(f"{page}: {link} names no heading")
    print("\n".join(wrong) or f"{count} links lead somewhere")
    return 1 if wrong or count < 20 else 0


sys.exit(main())
