#!/usr/bin/env python3
"""Probes servers made by the real tools, on loopback, and compares what is reported with how they were started.

usage: endpoints.py KEYWARD-ASSESS. Needs openssl; sshd is asked too if it is there.
"""
import json
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

assess = sys.argv[1]
work = pathlib.Path(tempfile.mkdtemp())
checks = failed = 0


def check(what, right):
    global checks, failed
    checks += 1
    failed += not right
    print(f"{'ok  ' if right else 'FAIL'} {what}")


def free():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait(port):
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"nothing listens on {port}")


def scan(*targets):
    done = subprocess.run([assess, "scan", *targets, "--format", "json"], capture_output=True, check=True)
    return json.loads(done.stdout)


def props(assessment, kind, **wanted):
    return [f for f in assessment["findings"] if f["kind"] == kind
            and all(f.get("properties", {}).get(k.replace("_", "-")) == v for k, v in wanted.items())]


subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=endpoint.example", "-days", "5",
                "-keyout", work / "key.pem", "-out", work / "cert.pem"], check=True, capture_output=True)


def server(*options):
    port = free()
    process = subprocess.Popen(["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", work / "cert.pem", "-key", work / "key.pem",
                                "-quiet", *options], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait(port)
    return process, port


try:
    process, port = server("-tls1_2", "-cipher", "ECDHE-RSA-AES256-GCM-SHA384:AES128-SHA:@SECLEVEL=0")
    try:
        found = scan(f"tls://127.0.0.1:{port}")
        twelve = props(found, "protocol", protocol_version="TLS 1.2")
        check("a TLS 1.2 server is told as such and nothing else",
              len(twelve) == 1 and not props(found, "protocol", protocol_version="TLS 1.3") and not props(found, "protocol", protocol_version="TLS 1.1"))
        check("exactly its two suites are found",
              twelve and set(twelve[0]["properties"]["suites"].split(",")) == {"ECDHE-RSA-AES256-GCM-SHA384", "AES128-SHA"})
        check("the suite without forward secrecy is an issue", twelve and any(i["rule"] == "KA-TLS-NO-FORWARD-SECRECY" for i in twelve[0]["issues"]))
        check("its certificate is in the inventory", len([f for f in found["findings"] if f["kind"] == "certificate"]) == 1)
    finally:
        process.kill(); process.wait()
    process, port = server("-tls1_3", "-groups", "P-384:X25519")
    try:
        found = scan(f"tls://127.0.0.1:{port}")
        groups = [f for f in found["findings"] if f["format"] == "tls-groups"]
        check("a TLS 1.3 server is told", len(props(found, "protocol", protocol_version="TLS 1.3")) == 1)
        check("exactly its groups are found", groups and set(groups[0]["properties"]["groups"].split(",")) == {"P-384", "X25519"})
        check("no post-quantum group is said", groups and groups[0]["quantum_vulnerable"] is True)
    finally:
        process.kill(); process.wait()
    # STARTTLS: a few lines of SMTP in front of nothing
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0)); listener.listen()
        found = None
        port = listener.getsockname()[1]
        import threading

        def talk():
            while True:
                try:
                    c, _ = listener.accept()
                except OSError:
                    return
                with c:
                    try:
                        c.sendall(b"220 mail ready\r\n"); c.recv(1024); c.sendall(b"250 mail\r\n"); c.recv(1024); c.sendall(b"502 no\r\n")
                    except OSError:
                        pass
        threading.Thread(target=talk, daemon=True).start()
        found = scan(f"smtp://127.0.0.1:{port}")
        check("a mail server without STARTTLS is said in the coverage", "unreachable" in found["coverage"]["gap_counts"])
    found = scan(f"tls://127.0.0.1:{free()}")
    check("a closed port is said in the coverage", found["coverage"]["gap_counts"].get("unreachable") == 1)
    found = scan("host:")
    check("the running host gives facts", any(f["format"] == "host" for f in found["findings"]))
finally:
    pass
print(f"{checks - failed} passed, {failed} failed")
sys.exit(1 if failed or not checks else 0)
