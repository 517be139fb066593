"""Malformed and out-of-order conversations in TLS 1.2. Each function does one thing wrong; `expectations.toml` says
how the server must take it."""

import os

from peer import (ALERT, CCS, CERTIFICATE, CLIENT_KEY_EXCHANGE, DATA, ECDSA_AES128, EMS, FINISHED, GROUPS, HANDSHAKE,
                  HEARTBEAT, P256, P384, POINT_FORMATS, RENEGOTIATION, REQUEST, RSA_AES128, SERVER_HELLO, SIGNATURES,
                  VERSIONS, X25519, Peer12, certificate_der, key_pair, list16, message, u16, u8, vec16, vec24, vec8)

CASES = {}


def case(server="ec"):
    def register(function):
        CASES[f"tls12_{function.__name__}"] = (server, function)
        return function
    return register


def start(context, suite=ECDSA_AES128, group=P256):
    return context.open(Peer12(context.port, suite, group))


def changed(c, change, **options):
    p = start(c, **options)
    change(p)
    p.send_hello()
    return p.outcome()


# --- conversations without a mistake ---------------------------------------------------------------------------------

@case()
def good(c):
    p = start(c)
    p.connect()
    p.ask()
    return p.outcome()


@case("rsa")
def good_rsa(c):
    p = start(c, RSA_AES128)
    p.connect()
    p.ask()
    return p.outcome()


@case()
def good_client_certificate(c):
    p = start(c)
    p.send_hello()
    p.read_flight()
    p.certificate(certificate_der(c.pki.cert("client", "p256")))
    p.client_key_exchange()
    p.derive()
    p.certificate_verify(c.pki.key("client", "p256"))
    p.change_cipher_spec()
    p.finished()
    p.read_finished()
    p.ask()
    return p.outcome()


@case()
def good_one_byte_records(c):
    p = start(c)
    whole = p.hello.message()
    p.transcript += whole
    for byte in whole:
        p.record(HANDSHAKE, u8(byte), 0x0301)
    p.read_flight()
    p.certificate()
    p.client_key_exchange()
    p.derive()
    p.change_cipher_spec()
    p.finished()
    p.read_finished()
    p.ask()
    return p.outcome()


@case()
def good_empty_data_records(c):
    p = start(c)
    p.connect()
    for _ in range(10):
        p.sealed(DATA, b"")
    p.ask()
    return p.outcome()


@case()
def good_later_version_means_1_2(c):
    def change(p):
        p.hello.version = 0x0305
    return changed(c, change)


@case()
def good_unknown_session(c):
    def change(p):
        p.hello.session = os.urandom(32)
    return changed(c, change)


def resume(c, change=lambda p: None):
    """A session, and a second connection that resumes it after `change`."""
    first = start(c)
    first.connect()
    first.ask()
    first.outcome()
    p = start(c)
    p.hello.session = first.server_session
    change(p)
    p.send_hello()
    _, body = p.read_message(SERVER_HELLO)
    if body[35:35 + body[34]] != first.server_session:
        return "not_resumed"
    p.server_random, p.master = body[2:34], first.master
    p.derive_keys()
    p.read_finished()
    p.change_cipher_spec()
    p.finished()
    p.ask()
    return p.outcome()


@case()
def good_resumption(c):
    return resume(c)


@case()
def resumption_without_extended_master_secret(c):
    return resume(c, lambda p: p.hello.drop(EMS))


@case()
def resumption_without_the_suite(c):
    def change(p):
        p.hello.suites = [0xc02c]
    return resume(c, change)


# --- the hello -------------------------------------------------------------------------------------------------------

@case()
def hello_without_extended_master_secret(c):
    return changed(c, lambda p: p.hello.drop(EMS))


@case()
def hello_extended_master_secret_not_empty(c):
    return changed(c, lambda p: p.hello.set(EMS, b"\0"))


@case()
def hello_without_extensions(c):
    def change(p):
        p.hello.extensions = []
    return changed(c, change)


@case()
def hello_without_signatures(c):
    return changed(c, lambda p: p.hello.drop(SIGNATURES))


@case()
def hello_only_sha1_signatures(c):
    return changed(c, lambda p: p.hello.set(SIGNATURES, vec16(list16([0x0203, 0x0201]))))


@case()
def hello_signatures_of_another_key(c):
    return changed(c, lambda p: p.hello.set(SIGNATURES, vec16(list16([0x0804, 0x0401]))))


@case()
def hello_without_groups(c):
    return changed(c, lambda p: p.hello.drop(GROUPS))


@case()
def hello_no_common_group(c):
    return changed(c, lambda p: p.hello.set(GROUPS, vec16(u16(X25519))))


@case()
def hello_only_hybrid_group(c):
    return changed(c, lambda p: p.hello.set(GROUPS, vec16(u16(0x11eb))))


@case()
def hello_without_uncompressed_points(c):
    return changed(c, lambda p: p.hello.set(POINT_FORMATS, b"\x01\x01"))


@case()
def hello_point_formats_empty(c):
    return changed(c, lambda p: p.hello.set(POINT_FORMATS, b"\0"))


def suites(c, *offered):
    def change(p):
        p.hello.suites = list(offered)
    return changed(c, change)


@case()
def hello_suites_cbc(c):
    return suites(c, 0xc009, 0xc023)


@case()
def hello_suites_rsa_key_transport(c):
    return suites(c, 0x009c, 0x002f)


@case()
def hello_suites_of_the_other_key(c):
    return suites(c, RSA_AES128)


@case()
def hello_suites_chacha(c):
    return suites(c, 0xcca9)


@case()
def hello_suites_null(c):
    return suites(c, 0xc006, 0x0000)


@case()
def hello_suites_anonymous(c):
    return suites(c, 0xc018, 0x0034)


@case()
def hello_suites_3des_rc4(c):
    return suites(c, 0xc008, 0xc007)


@case()
def hello_suites_finite_field(c):
    return suites(c, 0x009e, 0x00a2)


@case()
def hello_suites_psk(c):
    return suites(c, 0x00a8)


@case()
def hello_suites_of_tls_1_3(c):
    return suites(c, 0x1301, 0x1302)


def version(c, number):
    def change(p):
        p.hello.version = number
    return changed(c, change)


@case()
def hello_version_ssl_3_0(c):
    return version(c, 0x0300)


@case()
def hello_version_1_0(c):
    return version(c, 0x0301)


@case()
def hello_version_1_1(c):
    return version(c, 0x0302)


@case()
def hello_version_2_0(c):
    return version(c, 0x0200)


@case()
def hello_fallback_signal(c):
    return suites(c, ECDSA_AES128, 0x5600)


@case()
def hello_versions_extension_1_2_only(c):
    return changed(c, lambda p: p.hello.add(VERSIONS, vec8(u16(0x0303))))


@case()
def hello_renegotiation_info_not_empty(c):
    return changed(c, lambda p: p.hello.set(RENEGOTIATION, vec8(bytes(12))))


@case()
def hello_without_renegotiation_info(c):
    return changed(c, lambda p: p.hello.drop(RENEGOTIATION))


@case()
def hello_without_null_compression(c):
    def change(p):
        p.hello.compressions = b"\x01"
    return changed(c, change)


@case()
def hello_extension_twice(c):
    return changed(c, lambda p: p.hello.add(EMS))


# --- key exchange ----------------------------------------------------------------------------------------------------

def exchanged(c, spoil):
    p = start(c)
    p.until_flight()
    p.client_key_exchange(spoil(p.share))
    p.derive()
    p.change_cipher_spec()
    p.finished()
    return p.outcome()


@case()
def share_not_on_the_curve(c):
    return exchanged(c, lambda s: s[:-1] + u8(s[-1] ^ 1))


@case()
def share_empty(c):
    return exchanged(c, lambda s: b"")


@case()
def share_of_infinity(c):
    return exchanged(c, lambda s: b"\0")


@case()
def share_compressed(c):
    return exchanged(c, lambda s: u8(2 | s[-1] & 1) + s[1:33])


@case()
def share_too_long(c):
    return exchanged(c, lambda s: s + b"\0")


@case()
def share_of_another_curve(c):
    return exchanged(c, lambda s: key_pair(P384)[2])


@case()
def share_of_another_key(c):
    return exchanged(c, lambda s: key_pair(P256)[2])


def exchange_message(c, body):
    p = start(c)
    p.until_flight()
    p.handshake(CLIENT_KEY_EXCHANGE, body(p.share))
    return p.outcome()


@case()
def key_exchange_empty(c):
    return exchange_message(c, lambda s: b"")


@case()
def key_exchange_trailing_byte(c):
    return exchange_message(c, lambda s: vec8(s) + b"\0")


@case()
def key_exchange_cut_short(c):
    return exchange_message(c, lambda s: vec8(s)[:-1])


# --- order -----------------------------------------------------------------------------------------------------------

@case()
def order_key_exchange_without_certificate(c):
    p = start(c)
    p.send_hello()
    p.read_flight()
    p.client_key_exchange()
    return p.outcome()


@case("rsa")
def order_certificate_not_asked_for(c):
    p = start(c, RSA_AES128)
    p.send_hello()
    p.read_flight()
    p.certificate(certificate_der(c.pki.cert("client", "p256")))
    return p.outcome()


@case()
def order_change_without_key_exchange(c):
    p = start(c)
    p.until_flight()
    p.record(CCS, b"\x01")
    return p.outcome()


@case()
def order_change_before_hello(c):
    p = start(c)
    p.record(CCS, b"\x01")
    return p.outcome()


@case()
def order_finished_without_change(c):
    p = start(c)
    p.until_change()
    p.finished()
    return p.outcome()


@case()
def order_change_twice(c):
    p = start(c)
    p.until_change()
    p.change_cipher_spec()
    p.writing, kept = None, p.writing
    p.record(CCS, b"\x01")
    p.writing = kept
    p.finished()
    return p.outcome()


@case()
def order_protected_change_after_handshake(c):
    p = start(c)
    p.connect()
    p.sealed(CCS, b"\x01")
    return p.outcome()


@case()
def order_fragment_across_the_change(c):
    p = start(c)
    p.until_change()
    whole = message(FINISHED, p.verify_data())
    p.record(HANDSHAKE, whole[:4])
    p.change_cipher_spec()
    p.sealed(HANDSHAKE, whole[4:])
    return p.outcome()


@case()
def order_finished_before_key_exchange(c):
    p = start(c)
    p.until_flight()
    p.handshake(FINISHED, bytes(12))
    return p.outcome()


@case()
def order_key_exchange_twice(c):
    p = start(c)
    p.until_flight()
    p.client_key_exchange()
    p.client_key_exchange()
    return p.outcome()


@case()
def order_verify_without_certificate(c):
    p = start(c)
    p.until_change()
    p.certificate_verify(c.pki.key("client", "p256"))
    return p.outcome()


@case()
def order_certificate_without_verify(c):
    p = start(c)
    p.send_hello()
    p.read_flight()
    p.certificate(certificate_der(c.pki.cert("client", "p256")))
    p.client_key_exchange()
    p.derive()
    p.change_cipher_spec()
    p.finished()
    return p.outcome()


@case()
def order_data_before_finished(c):
    p = start(c)
    p.until_change()
    p.change_cipher_spec()
    p.ask()
    return p.outcome()


@case()
def order_plain_data_in_handshake(c):
    p = start(c)
    p.until_flight()
    p.record(DATA, REQUEST)
    return p.outcome()


@case()
def order_hello_twice(c):
    p = start(c)
    p.send_hello()
    p.read_flight()
    p.record(HANDSHAKE, p.hello.message())
    return p.outcome()


@case()
def order_hello_request_from_client(c):
    p = start(c)
    p.connect()
    p.sealed(HANDSHAKE, message(0, b""))
    return p.outcome()


@case()
def order_renegotiation(c):
    p = start(c)
    p.connect()
    p.hello.set(RENEGOTIATION, vec8(bytes(12)))
    p.sealed(HANDSHAKE, p.hello.message())
    return p.outcome()


@case()
def order_renegotiation_flood(c):
    p = start(c)
    p.connect()
    for _ in range(100):
        p.sealed(HANDSHAKE, p.hello.message())
    return p.outcome()


@case()
def order_server_hello_from_client(c):
    p = start(c)
    p.until_flight()
    p.handshake(SERVER_HELLO, bytes(40))
    return p.outcome()


# --- our own flight --------------------------------------------------------------------------------------------------

def finished(c, spoil):
    p = start(c)
    p.until_change()
    p.change_cipher_spec()
    p.handshake(FINISHED, spoil(p.verify_data()))
    return p.outcome()


@case()
def finished_spoiled(c):
    return finished(c, lambda d: u8(d[0] ^ 1) + d[1:])


@case()
def finished_too_short(c):
    return finished(c, lambda d: d[:-1])


@case()
def finished_too_long(c):
    return finished(c, lambda d: d + b"\0")


@case()
def finished_under_wrong_keys(c):
    p = start(c)
    p.until_change()
    p.next_writing = p.next_reading
    p.change_cipher_spec()
    p.finished()
    return p.outcome()


@case()
def finished_spoiled_tag(c):
    p = start(c)
    p.until_change()
    p.change_cipher_spec()
    sealed = bytearray(p.writing.seal(HANDSHAKE, message(FINISHED, p.verify_data())))
    sealed[-1] ^= 1
    p.raw(bytes(sealed))
    return p.outcome()


@case("required")
def certificate_missing(c):
    p = start(c)
    p.until_change()
    p.change_cipher_spec()
    p.finished()
    return p.outcome()


def certified(c, der, key, **options):
    p = start(c)
    p.send_hello()
    p.read_flight()
    p.certificate(der)
    p.client_key_exchange()
    p.derive()
    p.certificate_verify(key, **options)
    p.change_cipher_spec()
    p.finished()
    return p.outcome()


@case()
def certificate_of_a_stranger(c):
    return certified(c, certificate_der(c.pki.cert("stranger", "p256")), c.pki.key("stranger", "p256"))


@case()
def certificate_of_a_server(c):
    return certified(c, certificate_der(c.pki.cert("server", "p256")), c.pki.key("server", "p256"))


@case()
def certificate_is_rubbish(c):
    return certified(c, b"\x30\x03\x02\x01\x00", c.pki.key("client", "p256"))


@case()
def certificate_list_cut_short(c):
    p = start(c)
    p.send_hello()
    p.read_flight()
    p.handshake(CERTIFICATE, vec24(b"\0\0\x05abc"))
    return p.outcome()


@case()
def verify_spoiled(c):
    return certified(c, certificate_der(c.pki.cert("client", "p256")), c.pki.key("client", "p256"), spoil=True)


@case()
def verify_by_another_key(c):
    return certified(c, certificate_der(c.pki.cert("client", "p256")), c.pki.key("server", "p256"))


@case()
def verify_with_sha1(c):
    return certified(c, certificate_der(c.pki.cert("client", "rsa2048")), c.pki.key("client", "rsa2048"), scheme=0x0201)


# --- records and alerts ----------------------------------------------------------------------------------------------

@case()
def record_ciphertext_too_long(c):
    p = start(c)
    p.connect()
    p.raw(u8(DATA) + b"\x03\x03" + vec16(bytes(16384 + 2049)))
    return p.outcome()


@case()
def record_plaintext_too_long(c):
    p = start(c)
    p.connect()
    p.sealed(DATA, bytes(16385))
    return p.outcome()


@case()
def record_shorter_than_nonce_and_tag(c):
    p = start(c)
    p.connect()
    p.raw(u8(DATA) + b"\x03\x03" + vec16(bytes(23)))
    return p.outcome()


@case()
def record_empty_ciphertext(c):
    p = start(c)
    p.connect()
    p.raw(u8(DATA) + b"\x03\x03\0\0")
    return p.outcome()


@case()
def record_repeated(c):
    p = start(c)
    p.connect()
    sealed = p.writing.seal(DATA, b"GET / HT")
    p.raw(sealed + sealed)
    return p.outcome()


@case()
def record_left_out(c):
    p = start(c)
    p.connect()
    p.writing.seal(DATA, b"GET / HT")
    p.ask()
    return p.outcome()


@case()
def record_spoiled_tag(c):
    p = start(c)
    p.connect()
    sealed = bytearray(p.writing.seal(DATA, REQUEST))
    sealed[-1] ^= 1
    p.raw(bytes(sealed))
    return p.outcome()


@case()
def record_spoiled_nonce(c):
    p = start(c)
    p.connect()
    sealed = bytearray(p.writing.seal(DATA, REQUEST))
    sealed[5] ^= 1
    p.raw(bytes(sealed))
    return p.outcome()


@case()
def record_of_another_type(c):
    p = start(c)
    p.connect()
    sealed = bytearray(p.writing.seal(DATA, REQUEST))
    sealed[0] = HANDSHAKE
    p.raw(bytes(sealed))
    return p.outcome()


@case()
def record_of_another_version(c):
    p = start(c)
    p.connect()
    sealed = bytearray(p.writing.seal(DATA, REQUEST))
    sealed[2] = 2
    p.raw(bytes(sealed))
    return p.outcome()


@case()
def record_of_an_impossible_version(c):
    p = start(c)
    p.record(HANDSHAKE, p.hello.message(), 0x0505)
    return p.outcome()


@case()
def record_plain_after_handshake(c):
    p = start(c)
    p.connect()
    p.record(DATA, REQUEST)
    return p.outcome()


@case()
def record_empty_handshake(c):
    p = start(c)
    p.connect()
    p.sealed(HANDSHAKE, b"")
    return p.outcome()


@case()
def record_heartbeat(c):
    p = start(c)
    p.hello.add(HEARTBEAT, b"\x01")
    p.connect()
    p.sealed(24, b"\x01\x40\x00")
    return p.outcome()


@case()
def alert_warning_flood(c):
    p = start(c)
    p.connect()
    for _ in range(100):
        p.sealed(ALERT, b"\x01\x5a")
    p.ask()
    return p.outcome()


@case()
def alert_too_long(c):
    p = start(c)
    p.connect()
    p.sealed(ALERT, b"\x01\x00\x00")
    return p.outcome()


@case()
def alert_of_unknown_level(c):
    p = start(c)
    p.connect()
    p.sealed(ALERT, b"\x09\x28")
    return p.outcome()


@case()
def alert_fatal_in_handshake(c):
    p = start(c)
    p.until_flight()
    p.record(ALERT, b"\x02\x28")
    return p.outcome()


@case()
def alert_plain_after_handshake(c):
    p = start(c)
    p.connect()
    p.record(ALERT, b"\x01\x00")
    return p.outcome()


@case()
def alert_close_after_handshake(c):
    p = start(c)
    p.connect()
    p.sealed(ALERT, b"\x01\x00")
    return p.outcome()
