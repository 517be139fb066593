"""Third-party probes against our server: testssl.sh, sslscan, gnutls-cli-debug, sslyze.

Each probe's machine output is read (gnutls-cli-debug has none, so its lines are) and held against what we mean to
offer: every protocol, suite and group it finds must be one of ours, every one of ours that it can find must be found,
and every finding above INFO must be explained in ALLOWED. An explanation that is no longer needed fails too.

Two servers are probed: with an EC certificate and everything on, and with an RSA certificate and TLS 1.2 only.
"""

import json
import pathlib
import re
import sys
import tempfile
import xml.etree.ElementTree as xml

from harness import ROOT, Checks, EchoServer, Pki, expect, run

TLS13 = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384"}
ECDSA = {"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"}
RSA = {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"}

# Findings of testssl.sh that are not about TLS as we speak it. id: reason
ALLOWED = {
    "cert_revocation": "the authority of this test has no revocation service; a deployment's authority decides that",
    "DNS_CAArecord": "localhost has no DNS zone",
    "security_headers": "the echo program answers text/plain; the headers of the product are the server's business",
}
# Findings about the OpenSSL that testssl.sh runs on, not about a server; whether they come depends on the system.
ABOUT_THE_TOOL = {"engine_problem"}
# The hellos testssl.sh writes itself have no extended master secret, which we require in TLS 1.2, so there it has to
# use OpenSSL, whose Debian build cannot even ask for what is long gone. The other server is asked all of this.
ALLOWED_NATIVE = ALLOWED | {
    "pre_128cipher": "asked without the extended master secret, so refused whatever the number of suites",
    "clientsimulation": "not done in this mode",
} | dict.fromkeys(["SSLv2", "SSLv3", "cipherlist_EXPORT", "cipherlist_LOW", "cipherlist_3DES_IDEA", "CRIME_TLS",
                   "SWEET32", "FREAK", "LOGJAM", "RC4"], "the local OpenSSL cannot ask for it")
# What sslyze asks with an OpenSSL that knows no extended master secret; without TLS 1.3 it gets no connection.
SSLYZE_WITHOUT_EMS = {"tls_compression", "session_renegotiation"}


def sslscan(server, directory, tls13):
    report = f"{directory}/sslscan-{server.port}.xml"
    status, text = run(["sslscan", "--xml=" + report, f"localhost:{server.port}"], b"", 60)
    expect(status == 0, text)
    test = xml.parse(report).getroot().find("ssltest")
    enabled = {f"{p.get('type')}{p.get('version')}" for p in test.findall("protocol") if p.get("enabled") == "1"}
    # sslscan's own hello for TLS 1.2 lacks the extended master secret, so it must not get through
    expect(enabled == ({"tls1.3"} if tls13 else set()), f"protocols {enabled}")
    suites = {cipher.get("cipher") for cipher in test.findall("cipher")}
    expect(suites == (TLS13 if tls13 else set()), f"suites {suites}")
    groups = {group.get("id") for group in test.findall("group")}
    expect(groups == ({"0x0017", "0x0018", "0x0019"} if tls13 else set()), f"groups {groups}")
    expect(all(bleed.get("vulnerable") == "0" for bleed in test.findall("heartbleed")), "heartbleed")
    compression = test.find("compression")
    expect(compression is None or compression.get("supported") == "0", "compression")


# every line of gnutls-cli-debug about what is offered, and what it has to say
GNUTLS = {
    r"TLS 1\.0 \(RFC2246\) support": "no",
    r"TLS 1\.1 \(RFC4346\) support": "no",
    r"TLS 1\.2 \(RFC5246\) support": "yes",
    r"TLS 1\.3 \(RFC8446\) support": None,  # depends on the server
    r"safe renegotiation \(RFC5746\) support": "yes",
    r"encrypt-then-MAC \(RFC7366\) support": "no",
    r"ext master secret \(RFC7627\) support": "yes",
    r"heartbeat \(RFC6520\) support": "no",
    r"anonymous authentication support": "no",
    r"RSA key exchange support": "no",
    r"ephemeral Diffie-Hellman support": "no",
    r"RFC7919 Diffie-Hellman support": "no",
    r"ephemeral EC Diffie-Hellman support": "yes",
    r"VKO GOST-2012 .* support": "no",
    r"curve SECP256r1 \(RFC4492\)": "yes",
    r"curve SECP384r1 \(RFC4492\)": "yes",
    r"curve SECP521r1 \(RFC4492\)": "yes",
    r"curve X25519 \(RFC8422\)": "no",
    r"AES-GCM cipher \(RFC5288\) support": "yes",
    r"AES-CCM cipher \(RFC6655\) support": "no",
    r"AES-CCM-8 cipher \(RFC6655\) support": "no",
    r"AES-CBC cipher \(RFC3268\) support": "no",
    r"CAMELLIA-GCM cipher \(RFC6367\) support": "no",
    r"CAMELLIA-CBC cipher \(RFC5932\) support": "no",
    r"3DES-CBC cipher \(RFC2246\) support": "no",
    r"ARCFOUR 128 cipher \(RFC2246\) support": "no",
    r"CHACHA20-POLY1305 cipher \(RFC7905\) support": "no",
    r"GOST28147-CNT cipher .* support": "no",
    r"MD5 MAC support": "no",
    r"SHA1 MAC support": "no",
    r"SHA256 MAC support": "no",
    r"GOST28147-IMIT MAC .* support": "no",
    r"%NO_EXTENSIONS is required": "no",
    r"%ALLOW_SMALL_RECORDS is required": "no",
    r"we need to disable TLS 1\.2": "no",
    r"certificate chain order": "sorted",
    r"bogus TLS record version in the client hello is accepted": "yes",
    r"understands TLS closure alerts": "(yes|partially)",
}


def gnutls_debug(server, _directory, tls13):
    status, text = run(["gnutls-cli-debug", "--port", str(server.port), "localhost"], b"", 60)
    expect(status == 0, text)
    for question, answer in GNUTLS.items():
        if answer is None:
            answer = "yes" if tls13 else "no"
        expect(re.search(rf"{question}\.\.\. {answer}$", text, re.MULTILINE), f"{question}: not `{answer}` in\n{text}")


SSLYZE = ["certificate_info", "ssl_2_0_cipher_suites", "ssl_3_0_cipher_suites", "tls_1_0_cipher_suites",
          "tls_1_1_cipher_suites", "tls_1_2_cipher_suites", "tls_1_3_cipher_suites", "elliptic_curves",
          "tls_compression", "tls_1_3_early_data", "openssl_ccs_injection", "tls_fallback_scsv", "heartbleed", "robot",
          "session_renegotiation", "session_resumption", "tls_extended_master_secret"]


def sslyze(server, directory, tls13):
    report = f"{directory}/sslyze-{server.port}.json"
    command = [str(ROOT / "target/tls-venv/bin/python"), "-W", "ignore", "-m", "sslyze", f"--json_out={report}",
               "--sslv2", "--sslv3", "--tlsv1", "--tlsv1_1", "--tlsv1_2", "--tlsv1_3", "--elliptic_curves",
               "--compression", "--fallback", "--heartbleed", "--openssl_ccs", "--reneg", "--resum", "--robot",
               "--early_data", "--ems", "--certinfo", f"localhost:{server.port}"]
    _, text = run(command, b"", 120)
    result = json.loads(pathlib.Path(report).read_text(encoding="utf-8"))["server_scan_results"][0]
    expect(result["scan_status"] == "COMPLETED", text)
    scans = {}
    unanswered = set()
    for name in SSLYZE:
        scan = result["scan_result"][name]
        if scan["status"] == "COMPLETED":
            scans[name] = scan["result"]
        else:
            expect("handshake failure" in str(scan["error_trace"]),
                   f"{name}: {scan['error_reason']} {scan['error_trace']}")
            unanswered.add(name)
    expect(unanswered == (set() if tls13 else SSLYZE_WITHOUT_EMS), f"no answer about {unanswered}")

    def accepted(name):
        return {suite["cipher_suite"]["name"] for suite in scans[name]["accepted_cipher_suites"]}

    for name in ["ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1"]:
        expect(not accepted(f"{name}_cipher_suites"), f"{name}: {accepted(f'{name}_cipher_suites')}")
    # sslyze enumerates TLS 1.2 with an old OpenSSL that knows no extended master secret, so it must not get through
    expect(not accepted("tls_1_2_cipher_suites"), f"{accepted('tls_1_2_cipher_suites')}")
    expect(accepted("tls_1_3_cipher_suites") == (TLS13 if tls13 else set()), f"{accepted('tls_1_3_cipher_suites')}")
    curves = {curve["name"] for curve in scans["elliptic_curves"]["supported_curves"] or []}
    expect(curves == {"secp256r1", "secp384r1", "secp521r1"}, f"curves {curves}")
    if tls13:
        expect(not scans["tls_compression"]["supports_compression"], "compression")
        renegotiation = scans["session_renegotiation"]
        expect(not renegotiation["is_vulnerable_to_client_renegotiation_dos"], "renegotiation")
        expect(renegotiation["supports_secure_renegotiation"], "secure renegotiation")
    expect(not scans["tls_1_3_early_data"]["supports_early_data"], "early data")
    expect(not scans["openssl_ccs_injection"]["is_vulnerable_to_ccs_injection"], "CCS injection")
    expect(not scans["heartbleed"]["is_vulnerable_to_heartbleed"], "heartbleed")
    expect(scans["robot"]["robot_result"] == "NOT_VULNERABLE_RSA_NOT_SUPPORTED", f"ROBOT {scans['robot']}")
    expect(scans["tls_extended_master_secret"]["supports_ems_extension"], "extended master secret")
    tickets = scans["session_resumption"]["tls_ticket_resumption_result"]
    expect(tickets == "NOT_SUPPORTED", f"tickets {tickets}")


def testssl(server, directory, tls13, ca):
    report = pathlib.Path(f"{directory}/testssl-{server.port}.json")
    status, text = run(["testssl", "--quiet", "--color", "0", "--warnings", "off", "--add-ca", ca, "--ip", "127.0.0.1",
                        "--jsonfile", str(report), *([] if tls13 else ["--ssl-native"]), f"localhost:{server.port}"],
                       b"", 230)
    expect(report.exists(), f"status {status}\n{text}")
    everything = json.loads(report.read_text(encoding="utf-8"))
    findings = {finding["id"]: finding for finding in everything}
    expect("scanTime" in findings, f"did not come to its end: {text}")
    allowed = ALLOWED if tls13 else ALLOWED_NATIVE
    loud = {finding["id"]: f"{finding['severity']} {finding['finding']}" for finding in everything
            if finding["severity"] not in ("OK", "INFO") and finding["id"] not in ABOUT_THE_TOOL}
    unexplained = {name: finding for name, finding in loud.items() if name not in allowed}
    expect(not unexplained, f"findings {unexplained}")
    stale = set(allowed) - set(loud)
    expect(not stale, f"no longer found, so no longer to be explained: {stale}")
    suites = {finding["finding"].split()[-1] for name, finding in findings.items()
              if re.fullmatch("cipher_x[0-9a-f]+", name)}
    # in its own mode it may or may not fall back to OpenSSL for the suites of TLS 1.2
    expect(TLS13 <= suites <= TLS13 | ECDSA if tls13 else suites == RSA, f"suites {suites}")
    named = set(findings["PFS_ciphers"]["finding"].split())
    ours = {suite.removeprefix("TLS_").replace("WITH_AES_", "AES").replace("_", "-") for suite in ECDSA | RSA} | TLS13
    expect(named <= ours, f"suites {named}")
    curves = set(findings["PFS_ECDHE_curves"]["finding"].split())
    expect(curves == {"prime256v1", "secp384r1", "secp521r1"}, f"curves {curves}")
    offered = {name: findings[name]["finding"] for name in ["SSLv2", "SSLv3", "TLS1", "TLS1_1", "TLS1_2", "TLS1_3"]}
    expect(all(offered[name].startswith("not ") for name in ["SSLv2", "SSLv3", "TLS1", "TLS1_1"]), offered)
    expect(offered["TLS1_3" if tls13 else "TLS1_2"].startswith("offered"), offered)
    if tls13:
        connected = [finding["finding"] for name, finding in findings.items()
                     if name.startswith("clientsimulation-") and finding["finding"] != "No connection"]
        expect(connected and all("GCM" in finding for finding in connected), f"simulated clients: {connected}")


def main():
    with tempfile.TemporaryDirectory(prefix="tls-probes-") as directory:
        pki = Pki(f"{directory}/pki", ["p256", "rsa2048"])
        checks = Checks("probes", workers=3)
        with EchoServer(pki, "p256") as both, EchoServer(pki, "rsa2048", "--version", "1.2") as old:
            checks.add("testssl.sh", testssl, both, directory, True, pki.ca)
            checks.add("testssl.sh, TLS 1.2 with RSA", testssl, old, directory, False, pki.ca)
            for name, probe in [("sslscan", sslscan), ("gnutls-cli-debug", gnutls_debug), ("sslyze", sslyze)]:
                checks.add(name, probe, both, directory, True)
                checks.add(f"{name}, TLS 1.2 with RSA", probe, old, directory, False)
            failed = checks.finish()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
