"""The real server under load while its certificate is replaced and while it stops; and what it tells about itself.

Only the Python standard library and openssl are used. Traffic stays on the loopback interface.
"""

import base64
import http.client
import json
import os
import pathlib
import re
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
KEYWARD = os.environ.get("KEYWARD") or str(ROOT / "target" / "debug" / "keyward")
BODY = json.dumps({"plaintext": base64.b64encode(b"order 4711").decode()})


def must(*command):
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120,
                          check=False)
    if done.returncode != 0:
        sys.exit(f"FAILED serving: {' '.join(map(str, command))}: {done.stdout.decode()}{done.stderr.decode()}")
    return done.stdout.decode()


def check(condition, message):
    if not condition:
        sys.exit(f"FAILED serving: {message}")


class Server:
    """`keyward server`, its installation, and one client for each role."""

    def __init__(self, home):
        self.home = home
        self.data = home / "data"
        (home / "passphrase").write_text("a passphrase for the serving tests\n", encoding="ascii")
        (home / "passphrase").chmod(0o600)
        self.authority()
        self.certificate("first")
        self.metrics_port = free_port()
        (home / "server.toml").write_text(
            f'certificate = "{home}/server.pem"\nprivate_key = "{home}/server.key"\n'
            f'metrics = "127.0.0.1:{self.metrics_port}"\nlog = "json"\n', encoding="utf-8")
        must(KEYWARD, "init", "--data-dir", self.data, "--passphrase-file", home / "passphrase", "--no-context")
        (home / "config.toml").touch()
        self.start()

    def authority(self):
        must("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "90",
             "-subj", "/CN=authority", "-addext", "keyUsage=critical,keyCertSign", "-keyout", self.home / "ca.key",
             "-out", self.home / "ca.pem")

    def certificate(self, name):
        """A new key and certificate, put in place in one step each."""
        new = self.home / "new"
        must("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
             "-keyout", f"{new}.key", "-out", f"{new}.csr")
        (self.home / "new.ext").write_text("subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth\n",
                                           encoding="ascii")
        must("openssl", "x509", "-req", "-in", f"{new}.csr", "-days", "80", "-CA", self.home / "ca.pem", "-CAkey",
             self.home / "ca.key", "-extfile", self.home / "new.ext", "-out", f"{new}.pem")
        os.replace(f"{new}.key", self.home / "server.key")
        os.replace(f"{new}.pem", self.home / "server.pem")

    def start(self):
        port_file = self.home / "port"
        port_file.unlink(missing_ok=True)
        self.log = open(self.home / "server.log", "ab")
        self.process = subprocess.Popen(
            [KEYWARD, "server", "--data-dir", self.data, "--server-config", self.home / "server.toml",
             "--passphrase-file", self.home / "passphrase", "--listen", "127.0.0.1:0", "--port-file", port_file],
            stderr=self.log)
        deadline = time.monotonic() + 30
        while not port_file.exists():
            check(self.process.poll() is None and time.monotonic() < deadline, f"the server does not start:\n{self.text()}")
            time.sleep(0.05)
        self.port = int(port_file.read_text(encoding="ascii"))
        self.context = ssl.create_default_context(cafile=str(self.home / "ca.pem"))

    def text(self):
        return (self.home / "server.log").read_text(encoding="utf-8", errors="replace")

    def keyward(self, *words, token="data/admin.token"):
        return must(KEYWARD, "--config", self.home / "config.toml", "--server", f"https://127.0.0.1:{self.port}", "--ca",
                    self.home / "ca.pem", "--token-file", self.home / token, *words)

    def connection(self):
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=30, context=self.context)

    def presented(self):
        """The name in the certificate a new connection is shown."""
        connection = self.connection()
        connection.connect()
        name = dict(pair[0] for pair in connection.sock.getpeercert()["subject"])["commonName"]
        connection.close()
        return name

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(60)
        check(status == 0, f"the server ended with {status}:\n{self.text()}")


def free_port():
    import socket
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Load:
    """Threads that encrypt, each on a connection that it keeps. A connection the server closed between two requests is
    opened again while the server runs; whatever else goes wrong is a failure."""

    def __init__(self, server, threads=8):
        self.server = server
        self.token = (server.home / "user.token").read_text(encoding="ascii").strip()
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self.answered = self.unanswered = 0
        self.failures = []
        self.threads = [threading.Thread(target=self.work, daemon=True) for _ in range(threads)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join(60)

    def work(self):
        connection = self.server.connection()
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        while not self.stopping.is_set():
            try:
                connection.request("POST", "/v1/realms/shop/keys/orders/encrypt", BODY, headers)
                answer = connection.getresponse()
                answer.read()
                with self.lock:
                    self.answered += answer.status == 200
                    if answer.status != 200:
                        self.failures.append(f"status {answer.status}")
            except (http.client.HTTPException, OSError) as error:
                connection.close()
                with self.lock:
                    self.unanswered += 1
                    self.failures.append(repr(error))
                if self.stopping.is_set() or isinstance(error, ConnectionRefusedError):
                    return


def encryptions(server, token):
    """How many encryptions the log has, done ones only."""
    done = after = 0
    while True:
        request = urllib.request.Request(
            f"https://127.0.0.1:{server.port}/v1/audit/records?from={after}&limit=1000&command=encrypt",
            headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request, timeout=30, context=server.context) as answer:
            page = json.load(answer)
        done += sum(record["outcome"] in ("done", 0) for record in page["items"])
        if page["next"] >= page["size"]:
            return done
        after = page["next"]


def people(server):
    server.keyward("realm", "create", "shop", "--rehearsal")
    for name, role, realm in [("officer", "crypto-officer", "shop"), ("user", "crypto-user", "shop"),
                              ("auditor", "auditor", "system")]:
        made = json.loads(server.keyward("--realm", realm, "workload", "create", name, "--role", role, "--json"))
        server.keyward("--realm", realm, "workload", "token", made["id"], "--days", "7", "--output",
                       server.home / f"{name}.token")
    server.keyward("--realm", "shop", "key", "create", "orders", token="officer.token")


def a_new_certificate_reaches_new_connections_and_disturbs_nobody(server):
    check(server.presented() == "first", "the first certificate is not shown")
    with Load(server) as load:
        time.sleep(1)
        for name in ["second", "third"]:
            server.certificate(name)
            server.process.send_signal(signal.SIGHUP)
            deadline = time.monotonic() + 10
            while server.presented() != name:
                check(time.monotonic() < deadline, f"the certificate `{name}` is not shown")
                time.sleep(0.05)
        # Half a key: the old certificate stays.
        whole = (server.home / "server.key").read_text(encoding="ascii")
        (server.home / "server.key").write_text(whole[:60], encoding="ascii")
        server.process.send_signal(signal.SIGHUP)
        time.sleep(0.5)
        check(server.presented() == "third", "a broken key took the certificate away")
        (server.home / "server.key").write_text(whole, encoding="ascii")
    check(not load.failures and load.answered > 20, f"{load.answered} answered, failures {load.failures[:5]}")
    return load.answered


def stopping_answers_what_was_begun(server, so_far):
    with Load(server) as load:
        time.sleep(1)
        server.process.send_signal(signal.SIGTERM)
        status = server.process.wait(60)
    check(status == 0, f"the server ended with {status}:\n{server.text()}")
    check(load.answered > 20, "there was no load")
    check(not any(failure.startswith("status") for failure in load.failures), f"{load.failures[:5]}")
    server.start()
    token = (server.home / "auditor.token").read_text(encoding="ascii").strip()
    done = encryptions(server, token)
    expected = so_far + load.answered
    # What the server did, it answered: a record without an answer would be a request that was dropped half-way.
    check(done == expected, f"the log has {done} encryptions and {expected} were answered")
    return load.answered, load.unanswered


def it_measures_itself(server, answered):
    with urllib.request.urlopen(f"http://127.0.0.1:{server.metrics_port}/metrics", timeout=10) as answer:
        check(answer.headers["Content-Type"].startswith("application/openmetrics-text"), "another media type")
        text = answer.read().decode()
    check(text.endswith("# EOF\n"), "the exposition is not whole")
    check("keyward_sealed 0" in text, text)
    counted = re.search(r'keyward_requests_total\{operation="encrypt",status="200"\} (\d+)', text)
    check(counted and int(counted[1]) == answered, f"{counted and counted[0]} where {answered} were answered")
    for name in ["keyward_build_info", "keyward_log_records", "keyward_store_used_bytes", "keyward_open_connections",
                 'keyward_request_duration_seconds_bucket{le="']:
        check(name in text, f"no {name} in\n{text}")
    for secret in [*(path.read_text(encoding="ascii").strip() for path in server.home.glob("*.token")), "orders", "shop"]:
        check(secret not in text, "the measurements name what they must not")


def its_log_is_json_without_secrets(server):
    text = server.text()
    for line in text.splitlines():
        check(isinstance(json.loads(line), dict), f"not an object: {line}")
    for path in [*server.home.glob("*.token"), server.home / "data/admin.token", server.home / "passphrase"]:
        check(path.read_text(encoding="ascii").strip() not in text, f"the log has the secret of {path.name}")


def main():
    with tempfile.TemporaryDirectory(prefix="keyward-serving-") as directory:
        server = Server(pathlib.Path(directory))
        try:
            people(server)
            reloaded = a_new_certificate_reaches_new_connections_and_disturbs_nobody(server)
            it_measures_itself(server, reloaded)
            answered, closed = stopping_answers_what_was_begun(server, reloaded)
            its_log_is_json_without_secrets(server)
            server.stop()
        finally:
            if server.process.poll() is None:
                server.process.kill()
    print(f"serving: {reloaded} requests during reloads, none failed; {answered} answered before the stop, "
          f"{closed} found the server gone, none was done without an answer")


if __name__ == "__main__":
    main()
