#!/usr/bin/env python3
"""Runs a page of the documentation as its reader would: every `sh` block in order, in one shell, in one directory.

A comment before a block says what is special about it:
  <!-- file: NAME -->          the block is a file to write
  <!-- run: background -->     runs until the end of the page (a server in a second terminal)
  <!-- run: expect "TEXT" -->  must end well and print TEXT
  <!-- run: fails "TEXT" -->   its last command must fail and print TEXT
Blocks in other languages than `sh` without such a comment are for reading. Only if the page's port is taken, another
one is put in its place.
"""
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PORT = 8443
BLOCK = re.compile(r"(?:<!-- (?P<what>run|file): (?P<how>.+?) -->\n)?```(?P<language>\w+)\n(?P<text>.*?)```\n", re.S)


def port():
    """The page's port, or a free one."""
    for wanted in (PORT, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", wanted))
                return probe.getsockname()[1]
            except OSError:
                continue
    raise SystemExit("no port is free")


def with_port(text, number):
    if number == PORT:
        return text
    text = text.replace(f"localhost:{PORT}", f"localhost:{number}")
    text = text.replace("keyward init --data-dir ./data", f"keyward init --data-dir ./data --port {number}")
    return text.replace("keyward server --data-dir ./data", f"keyward server --data-dir ./data --listen 127.0.0.1:{number}")


def wait_for(number, server):
    for _ in range(300):
        if server.poll() is not None:
            raise SystemExit("the server ended")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", number)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit("the server does not listen")


def run(text, how, home, environment):
    """One block; variables that it exports are there for the next."""
    kept = home / ".exported"
    script = f"set -euo pipefail\n[ -e {kept} ] && . {kept}\n{text}\n"
    if not how.startswith("fails"):
        script += f"export -p > {kept}\n"
    done = subprocess.run(["bash", "-c", script], cwd=home / "tutorial", env=environment, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300, check=False)
    print(done.stdout, end="")
    expected = re.search(r'"(.*)"', how)
    wrong = None
    if how.startswith("fails") == (done.returncode == 0):
        wrong = f"ended with {done.returncode}"
    elif expected and expected[1] not in done.stdout:
        wrong = f"did not print {expected[1]!r}"
    if wrong:
        raise SystemExit(f"FAILED: this block {wrong}:\n{text}")


def main(page, keyward):
    number = port()
    servers, ran, files = [], 0, 0
    with tempfile.TemporaryDirectory() as place:
        home = Path(place)
        (home / "tutorial").mkdir()
        environment = {"HOME": place, "PATH": f"{Path(keyward).resolve().parent}:{os.environ['PATH']}", "LANG": "C.UTF-8"}
        try:
            for block in BLOCK.finditer(Path(page).read_text()):
                text, how = with_port(block["text"], number), block["how"] or ""
                if block["what"] == "file":
                    (home / "tutorial" / how).write_text(text)
                    files += 1
                elif block["language"] == "sh" and how == "background":
                    log = open(home / "server.log", "w")
                    server = subprocess.Popen(["bash", "-c", f"exec {text}"], cwd=home / "tutorial",
                                              env=environment, stdout=log, stderr=log)
                    servers.append(server)
                    wait_for(number, server)
                    ran += 1
                elif block["language"] == "sh":
                    print(f"--- {text.splitlines()[0]}")
                    run(text, how, home, environment)
                    ran += 1
        finally:
            for server in servers:
                server.send_signal(signal.SIGTERM)
                server.wait(timeout=60)
        if any(server.returncode != 0 for server in servers):
            raise SystemExit(f"FAILED: the server ended with {[server.returncode for server in servers]}")
    if ran < 15 or files < 2:
        raise SystemExit(f"FAILED: only {ran} blocks and {files} files were found: has the page changed its form?")
    print(f"{page}: {ran} blocks run, {files} files written")


if __name__ == "__main__":
    main(*sys.argv[1:])
