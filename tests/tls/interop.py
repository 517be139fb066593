"""Our server and client against other implementations, both ways: OpenSSL, GnuTLS, curl, Python, Java, tlslite-ng.

Every case narrows what one side offers to one version, suite, group and kind of certificate, and then holds what *our*
side says was negotiated against it, so a silent fallback cannot pass.
"""

import itertools
import pathlib
import re
import socket
import ssl
import sys
import tempfile
import threading

import tlslite.api as tlslite

from harness import (ECHO, KINDS, REQUEST, Checks, EchoServer, Failed, Pki, Process, echo_connect, expect, finish,
                     free_port, must, run, wait_for_port)

HERE = pathlib.Path(__file__).resolve().parent
GROUPS = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}
CURVE_OF = {"secp256r1": "p256", "secp384r1": "p384", "secp521r1": "p521"}
HYBRIDS = ["secp256r1MLKEM768", "secp384r1MLKEM1024"]
TLS13_SUITES = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384"]
TLS12_SUITES = {  # IANA name: OpenSSL name
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
}


def ours(suite):
    """Our name of a suite."""
    return suite.replace("TLS_AES", "TLS13_AES")


def cases(kinds=KINDS):
    """Every case once; see `every_case`."""
    return dict.fromkeys(every_case(kinds))


def every_case(kinds):
    """(version, suite, group, kind): every suite with every group, and every kind of certificate in both versions.

    In TLS 1.2 the groups a client offers bound the curve of the certificate as well (RFC 8422 §5.1), so there an EC
    certificate has the curve of the case.
    """
    for suite, group in itertools.product(TLS13_SUITES, GROUPS):
        yield "1.3", suite, group, "p256"
    for suite, group in itertools.product(TLS12_SUITES, GROUPS):
        yield "1.2", suite, group, "rsa2048" if "RSA_WITH" in suite else CURVE_OF[group]
    for kind in kinds:
        yield "1.3", TLS13_SUITES[1], "secp256r1", kind
        key = "RSA" if kind.startswith("rsa") else "ECDSA"
        group = next((group for group, curve in CURVE_OF.items() if curve == kind), "secp256r1")
        yield "1.2", f"TLS_ECDHE_{key}_WITH_AES_256_GCM_SHA384", group, kind


def certificate_case(version, kind):
    """A case in which a client certificate of `kind` may be shown; in TLS 1.2 its curve must be among the groups."""
    if version == "1.3":
        return version, TLS13_SUITES[1], "secp384r1", "p256"
    group = next((group for group, curve in CURVE_OF.items() if curve == kind), "secp256r1")
    return version, list(TLS12_SUITES)[1], group, CURVE_OF[group]


def holds(text, case, client=None):
    """Compares what our side says with what the case asked for."""
    version, suite, group, _ = case
    if version == "1.2" and "resumed=true" in text:
        group = "none"  # a resumed session of TLS 1.2 exchanges no keys
    wanted = [f"version=TLSv1_{version[-1]}", f"suite={ours(suite)}", f"group={group}"]
    if client is not None:
        wanted.append(f"client={client}")
    for line in wanted:
        expect(re.search(f"^{re.escape(line)}\r?$", text, re.MULTILINE), f"`{line}` not in:\n{text}")


# --- others as clients of ours ---------------------------------------------------------------------------------------

def openssl_options(case, pki, role=None, kind=None):
    version, suite, group, _ = case
    options = [f"-tls1_{version[-1]}", "-groups", GROUPS[group], "-CAfile", pki.ca]
    options += ["-ciphersuites", suite] if version == "1.3" else ["-cipher", TLS12_SUITES[suite]]
    if kind:
        options += ["-cert", pki.cert(role, kind), "-key", pki.key(role, kind)]
    return options


def openssl_client(port, case, pki, kind=None, *more):
    status, text = run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", "localhost",
                        "-verify_hostname", "localhost", "-verify_return_error", "-ign_eof",
                        *openssl_options(case, pki, "client", kind), *more])
    expect(status == 0 and "Verification: OK" in text or "Verify return code: 0 (ok)" in text, text)
    holds(text, case, "CN=client" if kind else "none")
    return text


def openssl_resumes(port, version, pki):
    case = (version, TLS13_SUITES[1] if version == "1.3" else list(TLS12_SUITES)[1], "secp256r1", "p256")
    with tempfile.TemporaryDirectory() as directory:
        session = f"{directory}/session"
        first = openssl_client(port, case, pki, "p256", "-sess_out", session)
        expect("resumed=false" in first, first)
        second = openssl_client(port, case, pki, "p256", "-sess_in", session)
        expect("resumed=true" in second, second)


def openssl_refused(port, pki, alert, *options):
    _, text = run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-CAfile", pki.ca, "-ign_eof", *options])
    expect("HTTP/1.0 200" not in text and re.search(f"alert {alert}", text), f"no alert `{alert}` in:\n{text}")


def gnutls_priority(case):
    version, suite, group, _ = case
    aead = "AES-256-GCM" if "256_GCM" in suite else "AES-128-GCM"
    exchange = "" if version == "1.3" else f":-KX-ALL:+ECDHE-{'RSA' if 'RSA_WITH' in suite else 'ECDSA'}"
    return (f"NORMAL:-VERS-ALL:+VERS-TLS{version}:-CIPHER-ALL:+{aead}:-GROUP-ALL:+GROUP-{group.upper()}{exchange}")


def gnutls_client(port, case, pki, kind=None):
    command = ["gnutls-cli", "--port", str(port), "127.0.0.1", "--sni-hostname", "localhost",
               "--verify-hostname", "localhost", "--x509cafile", pki.ca, "--priority", gnutls_priority(case)]
    if kind:
        command += ["--x509certfile", pki.cert("client", kind), "--x509keyfile", pki.key("client", kind)]
    status, text = run(command)
    expect(status == 0, text)
    holds(text, case, "CN=client" if kind else "none")


def curl(port, case, pki, kind=None):
    version, suite, group, _ = case
    command = ["curl", "--silent", "--show-error", "--fail", "--cacert", pki.ca, "--http1.1", "--curves", GROUPS[group],
               f"--tlsv{version}", "--tls-max", version, "--resolve", f"localhost:{port}:127.0.0.1"]
    command += ["--tls13-ciphers", suite] if version == "1.3" else ["--ciphers", TLS12_SUITES[suite]]
    if kind:
        command += ["--cert", pki.cert("client", kind), "--key", pki.key("client", kind)]
    status, text = run([*command, f"https://localhost:{port}/"])
    expect(status == 0, text)
    holds(text, case, "CN=client" if kind else "none")
    expect("alpn=http/1.1" in text, text)


def python_context(purpose, case, pki, role=None, kind=None):
    version, suite, group, _ = case
    context = ssl.SSLContext(purpose)
    context.minimum_version = context.maximum_version = ssl.TLSVersion[f"TLSv1_{version[-1]}"]
    context.load_verify_locations(pki.ca)
    context.set_ecdh_curve({"secp256r1": "prime256v1"}.get(group, group))
    if version == "1.2":
        context.set_ciphers(TLS12_SUITES[suite])
    if kind:
        context.load_cert_chain(pki.cert(role, kind), pki.key(role, kind))
    return context


def python_client(port, case, pki, kind=None):
    context = python_context(ssl.PROTOCOL_TLS_CLIENT, case, pki, "client", kind)
    context.set_alpn_protocols(["http/1.1"])
    with socket.create_connection(("127.0.0.1", port), 10) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as stream:
            expect(stream.selected_alpn_protocol() == "http/1.1", "no ALPN")
            stream.sendall(REQUEST)
            text = b"".join(iter(lambda: stream.recv(65536), b"")).decode()
    holds(text, case, "CN=client" if kind else "none")


def tlslite_settings(group, version="1.3"):
    settings = tlslite.HandshakeSettings()
    settings.minVersion = settings.maxVersion = (3, 4) if version == "1.3" else (3, 3)
    settings.cipherNames = ["aes256gcm", "aes128gcm"]
    settings.eccCurves = [group.lower()]
    settings.keyShares = [group.lower()]
    settings.dhGroups = []
    # tlslite-ng 0.8.2 compresses a client certificate because it offered to *receive* compressed ones (RFC 8879 §3
    # asks for an offer of the server)
    settings.certificate_compression_send = settings.certificate_compression_receive = []
    return settings


def tlslite_client(port, group):
    with socket.create_connection(("127.0.0.1", port), 10) as plain:
        stream = tlslite.TLSConnection(plain)
        stream.handshakeClientCert(settings=tlslite_settings(group), serverName="localhost")
        stream.send(REQUEST)
        text = read_all(stream)
    holds(text, ("1.3", TLS13_SUITES[1], group, None))


def read_all(stream):
    text = b""
    try:
        while chunk := stream.recv(65536):
            text += chunk
    except tlslite.TLSClosedConnectionError:
        pass
    return text.decode()


def java(mode, group, pki, kind, arguments):
    return ["java", f"-Djdk.tls.namedGroups={group}", str(HERE / "Interop.java"), mode, pki.ca,
            pki.cert(mode, kind), pki.key(mode, kind), *arguments]


def java_client(ports, group, pki):
    """Every version and suite in one group; the client shows its certificate because ours asks for one."""
    arguments = []
    for number, (version, suite, case_group, kind) in enumerate(cases([k for k in KINDS if k != "ed25519"])):
        if case_group == group:
            arguments.append(f"case{number},{ports[kind]},TLSv{version},{suite},{group},yes")
    status, text = run(java("client", group, pki, "p256", arguments), b"", 60)
    expect(status == 0 and text.count(" ok: ") == len(arguments), text)
    for line in text.splitlines():
        for argument in arguments:
            name, _, version, suite, *_ = argument.split(",")
            if line.startswith(f"{name} "):
                for wanted in (f"suite={ours(suite)}", f"group={group}", f"version={version.replace('v1.', 'v1_')}"):
                    expect(wanted in line, f"`{wanted}` not in:\n{line}")


def clients(checks, pki, ports, required):
    for case in cases():
        kind = case[3]
        checks.add(f"OpenSSL client {case}", openssl_client, ports[kind], case, pki)
        checks.add(f"GnuTLS client {case}", gnutls_client, ports[kind], case, pki)
        checks.add(f"curl {case}", curl, ports[kind], case, pki)
        if case[0] == "1.2" or case[1] == TLS13_SUITES[1]:  # Python cannot choose among the suites of TLS 1.3
            checks.add(f"Python client {case}", python_client, ports[kind], case, pki)
    for version, kind in itertools.product(["1.2", "1.3"], KINDS):
        case = certificate_case(version, kind)
        for name, client in [("OpenSSL", openssl_client), ("GnuTLS", gnutls_client), ("curl", curl),
                             ("Python", python_client)]:
            checks.add(f"{name} client certificate {kind} {version}", client, ports[case[3]], case, pki, kind)
    for version in ["1.2", "1.3"]:
        checks.add(f"OpenSSL client resumes {version}", openssl_resumes, ports["p256"], version, pki)
        only = f"-tls1_{version[-1]}"
        stranger = ["-cert", pki.cert("stranger", "p256"), "-key", pki.key("stranger", "p256")]
        checks.add(f"a stranger is refused {version}", openssl_refused, ports["p256"], pki, "unknown ca", only, *stranger)
        checks.add(f"no certificate is refused where one is required {version}", openssl_refused, required, pki,
                   "certificate required|handshake failure", only)
    refuse = [("handshake failure", "-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305"),
              ("handshake failure", "-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256"),
              ("handshake failure", "-tls1_2", "-cipher", "AES128-GCM-SHA256"),
              ("handshake failure", "-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256"),
              ("handshake failure", "-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"),
              ("handshake failure", "-tls1_3", "-groups", "X25519"),
              ("handshake failure", "-tls1_2", "-groups", "X25519"),
              # without the extensions of TLS 1.2 there is not even a version to talk about
              ("(protocol version|handshake failure)", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"),
              ("(protocol version|handshake failure)", "-tls1", "-cipher", "ALL:@SECLEVEL=0")]
    for alert, *options in refuse:
        checks.add(f"refused: {' '.join(options)}", openssl_refused, ports["p256"], pki, alert, *options)
    for group in [*GROUPS, *HYBRIDS]:
        checks.add(f"tlslite-ng client {group}", tlslite_client, ports["p256"], group)
    for group in GROUPS:
        checks.add(f"Java client {group}", java_client, ports, group, pki)


# --- ours as client of others ----------------------------------------------------------------------------------------

def our_options(case, pki, kind=None):
    version, suite, group, _ = case
    options = ["--version", version, "--suite", ours(suite), "--group", group]
    if kind:
        options += ["--cert", pki.cert("client", kind), "--key", pki.key("client", kind)]
    return options


def our_client(port, case, pki, kind=None, *more):
    status, text = echo_connect(port, pki, *our_options(case, pki, kind), *more)
    expect(status == 0, text)
    holds(text, case)
    return text


def openssl_server(case, pki, kind=None, *more):
    command = ["openssl", "s_server", "-accept", "127.0.0.1:0", "-www", *openssl_options(case, pki, "server", case[3])]
    if kind:
        command += ["-Verify", "1", "-verify_return_error"]
    with Process(command, rb"ACCEPT 127\.0\.0\.1:(\d+)") as server:
        text = our_client(server.match[1].decode(), case, pki, kind, *more)
    expect("HTTP/1.0 200" in text, text)
    if kind:
        expect("Client certificate" in text, text)


def gnutls_server(case, pki, kind=None):
    port = free_port()
    command = ["gnutls-serv", "--http", "--port", port, "--x509cafile", pki.ca, "--priority", gnutls_priority(case),
               "--x509certfile", pki.cert("server", case[3]), "--x509keyfile", pki.key("server", case[3])]
    if kind:
        command += ["--require-client-cert", "--verify-client-cert"]
    with Process(command) as server:
        wait_for_port(port)
        text = our_client(port, case, pki, kind)
        expect("HTTP/1.0 200" in text, f"{text}\n{server.text()}")


class ThreadServer:
    """A server in a thread of this process that answers one connection per round."""

    def __init__(self, answer, rounds=1):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(15)
        self.port = self.listener.getsockname()[1]
        self.answer = answer
        self.rounds = rounds
        self.error = None
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def _run(self):
        try:
            for _ in range(self.rounds):
                plain, _ = self.listener.accept()
                plain.settimeout(10)
                self.answer(plain)
        except Exception as error:  # shown by the check that fails because of it
            self.error = error

    def __exit__(self, *failure):
        self.thread.join(15)
        self.listener.close()
        if self.error is not None:
            raise Failed(f"the other side: {type(self.error).__name__}: {self.error}")


def python_server(case, pki, kind=None):
    context = python_context(ssl.PROTOCOL_TLS_SERVER, case, pki, "server", case[3])
    context.verify_mode = ssl.CERT_REQUIRED if kind else ssl.CERT_NONE

    def answer(plain):
        with context.wrap_socket(plain, server_side=True) as stream:
            stream.recv(65536)
            subject = stream.getpeercert()["subject"] if kind else ""
            stream.sendall(f"HTTP/1.0 200 OK\r\n\r\npython {subject}\n".encode())
            stream.unwrap().close()

    with ThreadServer(answer) as server:
        text = our_client(server.port, case, pki, kind)
    expect("HTTP/1.0 200" in text and (not kind or "'client'" in text), text)


def tlslite_server(group, pki, kind):
    certificate = pathlib.Path(pki.cert("server", kind)).read_text(encoding="ascii")
    chain = tlslite.X509CertChain()
    chain.parsePemList(certificate)
    key = tlslite.parsePEMKey(pathlib.Path(pki.key("server", kind)).read_text(encoding="ascii"), private=True)

    def answer(plain):
        stream = tlslite.TLSConnection(plain)
        stream.handshakeServer(certChain=chain, privateKey=key, settings=tlslite_settings(group))
        stream.recv(65536)
        stream.send(b"HTTP/1.0 200 OK\r\n\r\ntlslite\n")
        stream.close()

    case = ("1.3", TLS13_SUITES[1], group, kind)
    with ThreadServer(answer) as server:
        text = our_client(server.port, case, pki)
    expect("tlslite" in text, text)


def our_client_refuses(pki, says, *options, server_options=(), kind="p256"):
    """A server that offers only what we do not take."""
    command = ["openssl", "s_server", "-accept", "127.0.0.1:0", "-www", "-cert", pki.cert("server", kind),
               "-key", pki.key("server", kind), *server_options]
    with Process(command, rb"ACCEPT 127\.0\.0\.1:(\d+)") as server:
        status, text = echo_connect(server.match[1].decode(), pki, *options)
    expect(status != 0 and re.search(says, text), f"status {status}, no `{says}` in:\n{text}")


def our_client_refuses_without_extended_master_secret(pki):
    chain = tlslite.X509CertChain()
    chain.parsePemList(pathlib.Path(pki.cert("server", "p256")).read_text(encoding="ascii"))
    key = tlslite.parsePEMKey(pathlib.Path(pki.key("server", "p256")).read_text(encoding="ascii"), private=True)
    settings = tlslite_settings("secp256r1", "1.2")
    settings.useExtendedMasterSecret = False

    def answer(plain):
        try:
            tlslite.TLSConnection(plain).handshakeServer(certChain=chain, privateKey=key, settings=settings)
        except tlslite.TLSRemoteAlert:
            return
        raise Failed("our client took a session without the extended master secret")

    with ThreadServer(answer) as server:
        status, text = echo_connect(server.port, pki, "--version", "1.2")
    expect(status != 0 and "ExtendedMasterSecretExtensionRequired" in text, text)


def refusals(checks, pki):
    no_security = ["-cipher", "ALL:@SECLEVEL=0"]
    for name, says, options in [
        ("CBC", "HandshakeFailure", ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256"]),
        ("ChaCha20", "HandshakeFailure", ["-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305"]),
        ("ChaCha20 in TLS 1.3", "HandshakeFailure", ["-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"]),
        ("X25519", "HandshakeFailure", ["-tls1_3", "-groups", "X25519"]),
        ("TLS 1.1", "ProtocolVersion", ["-tls1_1", *no_security]),
        ("TLS 1.0", "ProtocolVersion", ["-tls1", *no_security]),
    ]:
        checks.add(f"our client refuses {name}", lambda says=says, options=options: our_client_refuses(
            pki, says, server_options=options))
    checks.add("our client refuses RSA with 1024 bits", lambda: our_client_refuses(
        pki, "BadSignature",
        server_options=no_security, kind="rsa1024"))
    checks.add("our client refuses another name", lambda: our_client_refuses(
        pki, "not valid for name", "--name", "elsewhere.test"))
    checks.add("our client refuses an unknown authority", lambda: our_client_refuses(
        pki, "UnknownIssuer", "--ca", pki.stranger_ca))
    checks.add("our client refuses TLS 1.2 without the extended master secret",
               our_client_refuses_without_extended_master_secret, pki)


def java_server(group, pki, kind):
    """Every version and suite in one group, with and without a client certificate."""
    wanted = {}
    key = "RSA" if kind.startswith("rsa") else "ECDSA"
    for case in cases([]):
        if case[2] == group and (case[0] == "1.3" or key in case[1]):
            for certificate in ["no", "yes"]:
                wanted[f"case{len(wanted)}"] = (case, certificate)
    arguments = [f"{name},TLSv{case[0]},{case[1]},{group},{certificate}"
                 for name, (case, certificate) in wanted.items()]
    last = list(wanted)[-1].encode()
    with Process(java("server", group, pki, kind, arguments), last + rb" port \d+") as server:
        for name, (case, certificate) in wanted.items():
            port = re.search(rf"{name} port (\d+)", server.text())[1]
            text = our_client(port, case, pki, CURVE_OF[group] if certificate == "yes" else None)
            peer = "CN=client" if certificate == "yes" else "none"
            expect(f"java client={peer}" in text, f"{text}\n{server.text()}")


def servers(checks, pki):
    for case in cases():
        checks.add(f"OpenSSL server {case}", openssl_server, case, pki)
        checks.add(f"GnuTLS server {case}", gnutls_server, case, pki)
        checks.add(f"Python server {case}", python_server, case, pki)
    for version, kind in itertools.product(["1.2", "1.3"], KINDS):
        case = certificate_case(version, kind)
        checks.add(f"OpenSSL server wants client {kind} {version}", openssl_server, case, pki, kind)
        checks.add(f"GnuTLS server wants client {kind} {version}", gnutls_server, case, pki, kind)
        checks.add(f"Python server wants client {kind} {version}", python_server, case, pki, kind)
    for version in ["1.2", "1.3"]:
        suite = TLS13_SUITES[1] if version == "1.3" else list(TLS12_SUITES)[1]
        checks.add(f"our client resumes with OpenSSL {version}", openssl_server,
                   (version, suite, "secp256r1", "p256"), pki, None, "--twice")
    for group in [*GROUPS, *HYBRIDS]:
        checks.add(f"tlslite-ng server {group}", tlslite_server, group, pki, "p256")
    for group, kind in [*CURVE_OF.items(), *((group, "rsa2048") for group in GROUPS)]:
        checks.add(f"Java server {group} {kind}", java_server, group, pki, kind)


# --- our own certificates, read by others ----------------------------------------------------------------------------

def own_certificates(directory):
    must([ECHO, "pki", directory])
    directory = pathlib.Path(directory)
    for leaf, purpose in [("server", "sslserver"), ("client", "sslclient")]:
        must(["openssl", "verify", "-x509_strict", "-CAfile", directory / "ca.pem", "-purpose", purpose,
              directory / f"{leaf}.pem"])
        must(["certtool", "--verify", "--load-ca-certificate", directory / "ca.pem", "--infile",
              directory / f"{leaf}.pem"])
    must(["openssl", "pkey", "-check", "-noout", "-in", directory / "server.key"])
    _, text = run(["openssl", "verify", "-CAfile", str(directory / "stranger-ca.pem"), str(directory / "server.pem")])
    expect("unable to get local issuer" in text, text)


def main():
    with tempfile.TemporaryDirectory(prefix="tls-interop-") as directory:
        pki = Pki(f"{directory}/pki", [*KINDS, "rsa1024"])
        own = pathlib.Path(directory, "own")
        own.mkdir()
        checks = Checks("interop", workers=3)
        checks.add("our certificates", own_certificates, str(own))
        running = {kind: EchoServer(pki, kind, "--ca", pki.ca, "--alpn") for kind in KINDS}
        required = EchoServer(pki, "p256", "--ca", pki.ca, "--require")
        everyone = [*running.values(), required]
        for server in everyone:
            server.__enter__()
        clients(checks, pki, {kind: server.port for kind, server in running.items()}, required.port)
        servers(checks, pki)
        refusals(checks, pki)
        failed = checks.finish()
        for server in everyone:
            server.__exit__(None, None, None)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
