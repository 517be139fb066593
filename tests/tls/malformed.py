"""Drives every malformed and out-of-order conversation of cases12.py, cases13.py and cases13_hello.py against our server.

How each must end stands in expectations.toml: `expect` is what the RFC asks for; where our server differs, the same
line says what it does (`observed`) and why that is acceptable (`reason`). The run fails if a conversation ends in
another way, if a line has no conversation or a conversation no line, if a difference is no longer there, or if after
any conversation an ordinary client is not served.

`--product` does the same with `keyward server` instead of the echo program: what holds of our TLS must hold of the
listener around it. The product never insists on a certificate, so the conversations that need that are left out.
"""

import contextlib
import socket
import ssl
import sys
import tempfile
import tomllib
from pathlib import Path

import cases12
import cases13
import cases13_hello  # noqa: F401  (registers its conversations with those of cases13)
from harness import EchoServer, Failed, Pki, ProductServer, expect
from peer import ALERTS, REQUEST, Outcome

CASES = cases13.CASES | cases12.CASES
ENDS = {"answer", "close", "server_hello", "hello_retry", "not_resumed", "waits"} | set(ALERTS.values())


class Context:
    """What a conversation needs: where to connect, certificates, and somebody who closes the sockets."""

    def __init__(self, port, pki, stack):
        self.port = port
        self.pki = pki
        self.stack = stack

    def open(self, peer):
        self.stack.callback(peer.close)
        return peer


def converse(name, ports, pki):
    server, function = CASES[name]
    with contextlib.ExitStack() as stack:
        try:
            return function(Context(ports[server], pki, stack))
        except Outcome as outcome:
            return str(outcome)


def serves(port, pki, client_certificate):
    """An ordinary client, by the Python standard library."""
    context = ssl.create_default_context(cafile=pki.ca)
    if client_certificate:
        context.load_cert_chain(pki.cert("client", "p256"), pki.key("client", "p256"))
    with socket.create_connection(("127.0.0.1", port), 10) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as stream:
            stream.sendall(REQUEST)
            return stream.recv(65536).startswith(b"HTTP/1.0 200")


def allowed(expected):
    """The ends an `expect` allows; `abort` is any end without service."""
    ends = [expected] if isinstance(expected, str) else expected
    if ends == ["abort"]:
        return set(ALERTS.values()) | {"close", "reset"}
    expect(set(ends) <= ENDS, f"`{ends}` names no end of a conversation")
    return set(ends)


def judge(name, line, end):
    """What is wrong with how a conversation ended, if anything."""
    if line is None:
        return f"ended with `{end}` and has no line in expectations.toml"
    strict = end in allowed(line["expect"])
    differs = "observed" in line or "reason" in line
    if strict and differs:
        return f"ended with `{end}` as {line['rfc']} asks; its difference is no longer needed: remove it"
    if strict:
        return None
    if not differs:
        return f"ended with `{end}`, but {line['rfc']} asks for {line['expect']}"
    if line.get("observed") != end or len(line.get("reason", "")) < 20:
        return f"ended with `{end}`, but the line says `{line.get('observed')}` because `{line.get('reason')}`"
    return None


def check_the_judge():
    """The rules of this driver, on lines made up for it: what must fail does fail."""
    line = {"rfc": "RFC 0", "expect": ["decode_error", "illegal_parameter"]}
    explained = line | {"observed": "close", "reason": "long enough to be a reason"}
    expect(judge("x", line, "decode_error") is None and judge("x", explained, "close") is None, "good lines fail")
    expect(judge("x", {"rfc": "RFC 0", "expect": "abort"}, "reset") is None, "an abort is refused")
    for bad in [judge("x", None, "close"), judge("x", line, "close"), judge("x", line, "answer"),
                judge("x", explained, "decode_error"), judge("x", explained, "answer"),
                judge("x", explained | {"reason": "because"}, "close"),
                judge("x", {"rfc": "RFC 0", "expect": "abort"}, "waits")]:
        expect(bad, "a bad line passes")


def main():
    product = sys.argv[1:] == ["--product"]
    check_the_judge()
    table = tomllib.loads(Path(__file__).with_name("expectations.toml").read_text(encoding="utf-8"))
    lines = table["cases"]
    wrong = [(name, "has a line in expectations.toml and no conversation") for name in lines if name not in CASES]
    with tempfile.TemporaryDirectory(prefix="tls-malformed-") as directory, contextlib.ExitStack() as stack:
        pki = Pki(f"{directory}/pki", ["p256", "rsa2048"])
        if product:
            servers = {
                "ec": ProductServer(pki, f"{directory}/ec", "p256", anchors=True),
                "rsa": ProductServer(pki, f"{directory}/rsa", "rsa2048"),
            }
        else:
            servers = {
                "ec": EchoServer(pki, "p256", "--ca", pki.ca, "--alpn"),
                "rsa": EchoServer(pki, "rsa2048"),
                "required": EchoServer(pki, "p256", "--ca", pki.ca, "--require"),
            }
        ports = {name: stack.enter_context(server).port for name, server in servers.items()}
        cases = {name: server for name, (server, _) in CASES.items() if server in servers}
        for name, server in cases.items():
            end = converse(name, ports, pki)
            line = lines.get(name)
            if product and line and "product" in line:
                line = {"rfc": line["product_reason"], "expect": line["product"]}
            problem = judge(name, line, end)
            if problem:
                wrong.append((name, problem))
            if not serves(ports[server], pki, server == "required"):
                wrong.append((name, "afterwards the server did not serve an ordinary client"))
    differences = sum("observed" in line for line in lines.values())
    if differences != table["differences"]:
        wrong.append(("differences", f"the table says {table['differences']} and has {differences}"))
    title = "malformed, product" if product else "malformed"
    for name, problem in wrong:
        print(f"FAILED {title}: {name}: {problem}")
    print(f"{title}: {len(cases)} conversations, {differences} explained differences, {len(wrong)} failed")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    try:
        main()
    except Failed as failure:
        print(f"FAILED malformed: {failure}")
        sys.exit(1)
