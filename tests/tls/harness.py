"""What the scripts of this directory share: the echo program as server and client, certificates, and counting checks.

Traffic stays on the loopback interface; every port is chosen by the system; every process started here is ended here.
"""

import concurrent.futures
import json
import os
import pathlib
import re
import ssl
import subprocess
import sys
import threading
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
ECHO = os.environ.get("TLS_ECHO") or str(ROOT / "target" / "debug" / "examples" / "tls_echo")
KEYWARD = os.environ.get("KEYWARD") or str(ROOT / "target" / "debug" / "keyward")
REQUEST = b"GET /v1/health HTTP/1.0\r\nHost: localhost\r\n\r\n"
KINDS = ["p256", "p384", "p521", "ed25519", "rsa2048", "rsa3072", "rsa4096"]


class Failed(Exception):
    """A check did not hold."""


def run(command, stdin=REQUEST, timeout=20, env=None):
    """Runs a program to its end and gives exit status and everything it printed."""
    done = subprocess.run(command, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout,
                          env=env, check=False)
    return done.returncode, done.stdout.decode("utf-8", "replace")


def must(command, stdin=b"", timeout=60):
    status, output = run(command, stdin, timeout)
    if status != 0:
        raise Failed(f"{' '.join(map(str, command))}: status {status}\n{output}")
    return output


class Process:
    """A server program that runs while the `with` block does."""

    def __init__(self, command, ready=None, env=None):
        self.command = [str(word) for word in command]
        self.ready = ready
        self.env = env
        self.output = b""

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, env=self.env)
        self.lock = threading.Condition()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.match = self._wait(self.ready) if self.ready else None
        return self

    def _read(self):
        while chunk := self.process.stdout.read1(65536):
            with self.lock:
                self.output += chunk
                self.lock.notify_all()
        with self.lock:
            self.lock.notify_all()

    def _wait(self, pattern, timeout=20):
        deadline = time.monotonic() + timeout
        with self.lock:
            while True:
                if match := re.search(pattern, self.output):
                    return match
                if self.process.poll() is not None or not self.lock.wait(max(0, deadline - time.monotonic())):
                    raise Failed(f"{' '.join(self.command)} did not start:\n{self.text()}")

    def text(self):
        return self.output.decode("utf-8", "replace")

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.reader.join(5)
        self.process.stdin.close()


class EchoServer(Process):
    """Our server. Leaving the block fails if it died, panicked, or no longer shakes hands with our own client."""

    def __init__(self, pki, kind="p256", *options):
        self.pki = pki
        command = [ECHO, "serve", "--cert", pki.cert("server", kind), "--key", pki.key("server", kind), *options]
        super().__init__(command, rb"port (\d+)\n")
        self.options = options

    def __enter__(self):
        super().__enter__()
        self.port = int(self.match[1])
        return self

    def __exit__(self, failure, *rest):
        alive = self.process.poll() is None
        super().__exit__(failure, *rest)
        if failure is None and not alive:
            raise Failed(f"our server died:\n{self.text()}")
        if "panicked" in self.text():
            raise Failed(f"our server panicked:\n{self.text()}")


class ProductServer(Process):
    """`keyward server` on an installation of its own, with a certificate of the test's authority; with anchors, it asks
    clients for certificates. Leaving the block fails as for `EchoServer`."""

    def __init__(self, pki, directory, kind="p256", anchors=False):
        self.pki = pki
        self.anchors = anchors
        self.home = pathlib.Path(directory)
        self.home.mkdir(mode=0o700)
        passphrase, config, self.port_file = self.home / "passphrase", self.home / "server.toml", self.home / "port"
        passphrase.write_text("a passphrase for the TLS tests\n", encoding="ascii")
        passphrase.chmod(0o600)
        config.write_text(f'certificate = "{pki.cert("server", kind)}"\nprivate_key = "{pki.key("server", kind)}"\n',
                          encoding="utf-8")
        data = ["--data-dir", self.home / "data", "--passphrase-file", passphrase]
        must([KEYWARD, "init", *data, "--no-context"])
        super().__init__([KEYWARD, "server", *data, "--server-config", config,
                          "--listen", "127.0.0.1:0", "--port-file", self.port_file], rb"listening")

    def __enter__(self):
        super().__enter__()
        self.port = int(self.port_file.read_text(encoding="ascii"))
        if self.anchors:
            self._register_anchor()
        return self

    def _register_anchor(self):
        token = next(self.home.glob("data/*token*")).read_text(encoding="ascii").strip()
        context = ssl.create_default_context(cafile=self.pki.ca)

        def post(path, body):
            request = urllib.request.Request(f"https://localhost:{self.port}{path}", json.dumps(body).encode(),
                                             {"Authorization": f"Bearer {token}", "Content-Type": "application/json"})
            with urllib.request.urlopen(request, timeout=20, context=context) as answer:
                expect(answer.status in (200, 201), f"{path}: {answer.status}")

        post("/v1/realms", {"name": "tls"})
        post("/v1/realms/tls/anchors", {"certificate": pathlib.Path(self.pki.ca).read_text(encoding="ascii")})
        time.sleep(1.5)  # anchors reach the listener within a second

    def __exit__(self, failure, *rest):
        alive = self.process.poll() is None
        super().__exit__(failure, *rest)
        if failure is None and (not alive or "panicked" in self.text()):
            raise Failed(f"the product's server died or panicked:\n{self.text()}")


def echo_connect(port, pki, *options, host="127.0.0.1"):
    return run([ECHO, "connect", f"{host}:{port}", "--ca", pki.ca, "--name", "localhost", *map(str, options)], b"")


class Pki:
    """An authority and certificates of every kind, made by OpenSSL, not by us."""

    def __init__(self, directory, kinds=None):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.ca = str(self.directory / "ca.pem")
        self.stranger_ca = str(self.directory / "stranger-ca.pem")
        self._authority("ca")
        self._authority("stranger-ca")
        for kind in kinds or KINDS:
            self._leaf("server", kind, "ca", "subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth")
            self._leaf("client", kind, "ca", "subjectAltName=URI:spiffe://test/client\nextendedKeyUsage=clientAuth")
        self._leaf("stranger", "p256", "stranger-ca", "extendedKeyUsage=clientAuth")

    def cert(self, role, kind):
        return str(self.directory / f"{role}-{kind}.pem")

    def key(self, role, kind):
        return str(self.directory / f"{role}-{kind}.key")

    def _authority(self, name):
        must(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "90",
              "-subj", f"/CN={name}", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
              "-keyout", self.directory / f"{name}.key", "-out", self.directory / f"{name}.pem"])

    def _leaf(self, role, kind, issuer, extensions):
        if kind.startswith("rsa"):
            algorithm = ["-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{kind[3:]}"]
        elif kind == "ed25519":
            algorithm = ["-algorithm", "ED25519"]
        else:
            algorithm = ["-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:P-{kind[1:]}"]
        must(["openssl", "genpkey", *algorithm, "-out", self.key(role, kind)], timeout=120)
        request = must(["openssl", "req", "-new", "-key", self.key(role, kind), "-subj", f"/CN={role}"])
        extension_file = self.directory / f"{role}-{kind}.ext"
        extension_file.write_text(f"basicConstraints=critical,CA:false\nkeyUsage=critical,digitalSignature\n{extensions}\n")
        must(["openssl", "x509", "-req", "-days", "80", "-CA", self.directory / f"{issuer}.pem",
              "-CAkey", self.directory / f"{issuer}.key", "-extfile", extension_file, "-out", self.cert(role, kind)],
             request.encode())


class Checks:
    """Runs named checks, a few at a time, and reports what failed."""

    def __init__(self, title, workers=4):
        self.title = title
        self.pool = concurrent.futures.ThreadPoolExecutor(workers)
        self.pending = []

    def add(self, name, function, *arguments):
        self.pending.append((name, self.pool.submit(function, *arguments)))

    def finish(self):
        failed = 0
        for name, future in self.pending:
            error = future.exception()
            if error is not None:
                failed += 1
                kind = "" if isinstance(error, Failed) else f"{type(error).__name__}: "
                print(f"FAILED {self.title}: {name}\n    " + f"{kind}{error}".replace("\n", "\n    "), flush=True)
        print(f"{self.title}: {len(self.pending)} checks, {failed} failed", flush=True)
        return failed


def expect(condition, message):
    if not condition:
        raise Failed(message)


def finish(*groups):
    sys.exit(1 if sum(group.finish() for group in groups) else 0)


def free_port():
    """A port that was free a moment ago, for programs that cannot choose one themselves."""
    import socket
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port, timeout=10):
    import socket
    deadline = time.monotonic() + timeout
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise Failed(f"nothing listens on port {port}") from None
            time.sleep(0.05)
