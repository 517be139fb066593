"""Malformed and out-of-order conversations in TLS 1.3. Each function does one thing wrong; `expectations.toml` says
how the server must take it. A function may return the outcome itself; otherwise it is read after it."""

from peer import (ALERT, CCS, CERTIFICATE, CERTIFICATE_REQUEST, CERTIFICATE_VERIFY, CLIENT_KEY_EXCHANGE, DATA,
                  FINISHED, GROUPS, HANDSHAKE, HEARTBEAT, KEY_SHARE, KEY_UPDATE, NEW_TICKET, P256, PADDING, PSK_MODES,
                  REQUEST, SERVER_HELLO, SIGNATURES, VERSIONS, X25519, Peer13, certificate_der, list16, message, u16,
                  u8, vec16, vec24, vec8)

CASES = {}


def case(server="ec"):
    """Registers a conversation with one of the servers: `ec` asks for a certificate, `required` insists on one,
    `rsa` does neither."""
    def register(function):
        CASES[f"tls13_{function.__name__}"] = (server, function)
        return function
    return register


def start(context, group=P256):
    return context.open(Peer13(context.port, group))


# --- conversations without a mistake ---------------------------------------------------------------------------------

@case()
def good(c):
    p = start(c)
    p.connect()
    p.ask()
    return p.outcome()


@case()
def good_client_certificate(c):
    p = start(c)
    p.until_flight()
    p.certificate(certificate_der(c.pki.cert("client", "p256")))
    p.certificate_verify(c.pki.key("client", "p256"))
    p.finished()
    p.use_application_keys()
    p.ask()
    return p.outcome()


@case()
def good_grease(c):
    p = start(c)
    h = p.hello
    h.suites = [0x0a0a, *h.suites, 0x5a5a]
    h.extensions = [(0x1a1a, b""), *h.extensions, (0x3a3a, b"\0")]
    h.set(VERSIONS, vec8(list16([0x2a2a, 0x0304, 0x7f1c])))
    h.set(GROUPS, vec16(list16([0x4a4a, P256, 0xfe00])))
    h.set(KEY_SHARE, vec16(u16(0x4a4a) + vec16(b"\0") + u16(P256) + vec16(p.share)))
    h.set(SIGNATURES, vec16(list16([0x6a6a, 0x0403, 0xfefe])))
    h.set(PSK_MODES, vec8(b"\x0b\x01\x2a"))
    p.connect()
    p.ask()
    return p.outcome()


@case()
def good_one_byte_records(c):
    p = start(c)
    whole = p.hello.message()
    p.transcript += whole
    for byte in whole:
        p.record(HANDSHAKE, u8(byte), 0x0301)
    p.read_hello()
    p.read_flight()
    p.use_handshake_keys()
    p.certificate()
    body = message(FINISHED, p.verify_data())
    for byte in body:
        p.send(HANDSHAKE, u8(byte))
    p.use_application_keys()
    p.ask()
    return p.outcome()


@case()
def good_padded_records(c):
    p = start(c)
    p.connect()
    p.sealed(DATA, REQUEST[:5], padding=1000)
    p.sealed(DATA, b"", padding=16000)
    p.sealed(DATA, REQUEST[5:])
    return p.outcome()


@case()
def good_change_cipher_spec_dropped(c):
    p = start(c)
    p.until_flight()
    p.record(CCS, b"\x01")
    p.certificate()
    p.finished()
    p.use_application_keys()
    p.ask()
    return p.outcome()


@case()
def good_key_updates(c):
    p = start(c)
    p.connect()
    for _ in range(3):
        # the answer to each comes before the server's next data (RFC 8446 §4.6.3)
        p.send(HANDSHAKE, message(KEY_UPDATE, b"\x01"))
        p.writing = p.writing.next()
    p.ask()
    return p.outcome()


@case()
def good_after_retry(c):
    p = start(c)
    h = p.hello
    h.set(GROUPS, vec16(list16([X25519, P256])))
    h.set(KEY_SHARE, vec16(u16(X25519) + vec16(bytes(range(32)))))
    p.send_hello()
    asked = p.read_retry()
    h.set(KEY_SHARE, vec16(u16(asked) + vec16(p.share)))
    p.connect()
    p.ask()
    return p.outcome()


@case()
def good_largest_hello(c):
    p = start(c)
    p.hello.add(PADDING, bytes(60000))
    whole = p.hello.message()
    p.transcript += whole
    for at in range(0, len(whole), 16384):
        p.record(HANDSHAKE, whole[at:at + 16384], 0x0301)
    p.read_hello()
    return "server_hello"


@case()
def good_legacy_version_ignored(c):
    p = start(c)
    p.hello.version = 0x0302
    p.send_hello()
    return p.outcome()


@case()
def good_close_after_handshake(c):
    p = start(c)
    p.connect()
    p.send(ALERT, b"\x01\x00")
    return p.outcome()


# --- records ---------------------------------------------------------------------------------------------------------

@case()
def record_empty_handshake(c):
    p = start(c)
    p.record(HANDSHAKE, b"", 0x0301)
    p.send_hello()
    return p.outcome()


@case()
def record_plaintext_too_long(c):
    p = start(c)
    p.hello.add(PADDING, bytes(16000))
    whole = p.hello.message()
    p.hello.extensions[-1] = (PADDING, bytes(16000 + 16385 - len(whole)))
    p.record(HANDSHAKE, p.hello.message(), 0x0301)
    return p.outcome()


@case()
def record_longest_length(c):
    p = start(c)
    p.raw(u8(HANDSHAKE) + b"\x03\x01\xff\xff" + bytes(65535))
    return p.outcome()


@case()
def record_ciphertext_too_long(c):
    p = start(c)
    p.connect()
    p.raw(u8(DATA) + b"\x03\x03" + vec16(bytes(16384 + 257)))
    return p.outcome()


@case()
def record_inner_plaintext_too_long(c):
    p = start(c)
    p.connect()
    p.sealed(DATA, bytes(16385))
    return p.outcome()


@case()
def record_inner_padding_too_long(c):
    p = start(c)
    p.connect()
    p.sealed(DATA, bytes(16384), padding=1)
    return p.outcome()


@case()
def record_without_content_type(c):
    p = start(c)
    p.connect()
    p.raw(p.writing.seal(bytes(32)))
    return p.outcome()


@case()
def record_empty_inner_handshake(c):
    p = start(c)
    p.until_flight()
    p.sealed(HANDSHAKE, b"")
    return p.outcome()


@case()
def record_empty_inner_alert(c):
    p = start(c)
    p.connect()
    p.sealed(ALERT, b"")
    return p.outcome()


@case()
def record_shorter_than_a_tag(c):
    p = start(c)
    p.connect()
    p.raw(u8(DATA) + b"\x03\x03" + vec16(bytes(15)))
    return p.outcome()


@case()
def record_empty_ciphertext(c):
    p = start(c)
    p.connect()
    p.raw(u8(DATA) + b"\x03\x03\0\0")
    return p.outcome()


@case()
def record_spoiled_tag(c):
    p = start(c)
    p.connect()
    sealed = bytearray(p.writing.seal(REQUEST + u8(DATA)))
    sealed[-1] ^= 1
    p.raw(bytes(sealed))
    return p.outcome()


@case()
def record_repeated(c):
    p = start(c)
    p.connect()
    sealed = p.writing.seal(b"GET / HT" + u8(DATA))
    p.raw(sealed + sealed)
    return p.outcome()


@case()
def record_left_out(c):
    p = start(c)
    p.connect()
    p.writing.seal(b"GET / HT" + u8(DATA))
    p.ask()
    return p.outcome()


@case()
def record_of_unknown_type(c):
    p = start(c)
    p.record(99, b"\0\0")
    return p.outcome()


@case()
def record_of_unknown_inner_type(c):
    p = start(c)
    p.connect()
    p.sealed(99, b"\0\0")
    return p.outcome()


@case()
def record_data_before_hello(c):
    p = start(c)
    p.record(DATA, REQUEST)
    return p.outcome()


@case()
def record_heartbeat(c):
    p = start(c)
    p.hello.add(HEARTBEAT, b"\x01")
    p.connect()
    p.sealed(24, b"\x01\x40\x00")
    return p.outcome()


@case()
def record_plain_http(c):
    p = start(c)
    p.raw(REQUEST)
    return p.outcome()


@case()
def record_sslv2_hello(c):
    p = start(c)
    p.raw(b"\x80\x2e\x01\x03\x01\x00\x15\x00\x00\x00\x10" + bytes(60))
    return p.outcome()


@case()
def record_truncated(c):
    p = start(c)
    p.raw(b"\x16\x03\x01\x00\x80" + p.hello.message()[:40])
    return p.outcome()


@case()
def record_plain_after_keys(c):
    p = start(c)
    p.until_flight()
    p.record(HANDSHAKE, message(CERTIFICATE, b"\0\0\0\0"))
    return p.outcome()


@case()
def record_plain_data_in_handshake(c):
    p = start(c)
    p.until_flight()
    p.record(DATA, REQUEST)
    return p.outcome()


# --- change cipher spec and alerts ----------------------------------------------------------------------------------

@case()
def ccs_before_hello(c):
    p = start(c)
    p.record(CCS, b"\x01")
    p.send_hello()
    return p.outcome()


@case()
def ccs_of_another_value(c):
    p = start(c)
    p.until_flight()
    p.record(CCS, b"\x02")
    return p.outcome()


@case()
def ccs_too_long(c):
    p = start(c)
    p.until_flight()
    p.record(CCS, b"\x01\x01")
    return p.outcome()


@case()
def ccs_empty(c):
    p = start(c)
    p.until_flight()
    p.record(CCS, b"")
    return p.outcome()


@case()
def ccs_protected(c):
    p = start(c)
    p.until_flight()
    p.sealed(CCS, b"\x01")
    return p.outcome()


@case()
def ccs_after_finished(c):
    p = start(c)
    p.connect()
    p.record(CCS, b"\x01")
    p.ask()
    return p.outcome()


@case()
def ccs_flood(c):
    p = start(c)
    p.until_flight()
    for _ in range(200):
        p.record(CCS, b"\x01")
    p.certificate()
    p.finished()
    p.use_application_keys()
    p.ask()
    return p.outcome()


@case()
def ccs_inside_a_message(c):
    p = start(c)
    whole = p.hello.message()
    p.record(HANDSHAKE, whole[:50], 0x0301)
    p.record(CCS, b"\x01")
    p.record(HANDSHAKE, whole[50:], 0x0301)
    return p.outcome()


@case()
def alert_fatal_in_handshake(c):
    p = start(c)
    p.until_flight()
    p.send(ALERT, b"\x02\x28")
    p.certificate()
    return p.outcome()


@case()
def alert_close_in_handshake(c):
    p = start(c)
    p.until_flight()
    p.send(ALERT, b"\x01\x00")
    return p.outcome()


@case()
def alert_user_canceled_flood(c):
    p = start(c)
    p.until_flight()
    for _ in range(100):
        p.send(ALERT, b"\x01\x5a")
    return p.outcome()


@case()
def alert_too_short(c):
    p = start(c)
    p.record(ALERT, b"\x02")
    return p.outcome()


@case()
def alert_too_long(c):
    p = start(c)
    p.connect()
    p.send(ALERT, b"\x01\x00\x00")
    return p.outcome()


@case()
def alert_of_unknown_level(c):
    p = start(c)
    p.connect()
    p.send(ALERT, b"\x09\x00")
    return p.outcome()


@case()
def alert_inside_a_message(c):
    p = start(c)
    whole = p.hello.message()
    p.record(HANDSHAKE, whole[:50], 0x0301)
    p.record(ALERT, b"\x01\x5a", 0x0301)
    p.record(HANDSHAKE, whole[50:], 0x0301)
    return p.outcome()


# --- order -----------------------------------------------------------------------------------------------------------

@case()
def order_server_hello_first(c):
    p = start(c)
    p.record(HANDSHAKE, message(SERVER_HELLO, bytes(40)), 0x0301)
    return p.outcome()


@case()
def order_finished_first(c):
    p = start(c)
    p.record(HANDSHAKE, message(FINISHED, bytes(32)), 0x0301)
    return p.outcome()


@case()
def order_unknown_message_first(c):
    p = start(c)
    p.record(HANDSHAKE, message(99, b""), 0x0301)
    return p.outcome()


@case()
def order_hello_twice(c):
    p = start(c)
    p.send_hello()
    p.read_hello()
    p.read_flight()
    p.record(HANDSHAKE, p.hello.message(), 0x0301)
    return p.outcome()


@case()
def order_hello_instead_of_finished(c):
    p = start(c)
    p.until_flight()
    p.send(HANDSHAKE, p.hello.message())
    return p.outcome()


@case()
def order_finished_without_certificate(c):
    p = start(c)
    p.until_flight()
    p.finished()
    return p.outcome()


@case()
def order_certificate_not_asked_for(c):
    p = start(c)
    p.until_flight()
    p.certificate(certificate_der(c.pki.cert("client", "p256")))
    return p.outcome()


CASES["tls13_order_certificate_not_asked_for"] = ("rsa", order_certificate_not_asked_for)


@case()
def order_certificate_without_verify(c):
    p = start(c)
    p.until_flight()
    p.certificate(certificate_der(c.pki.cert("client", "p256")))
    p.finished()
    return p.outcome()


@case()
def order_verify_without_certificate(c):
    p = start(c)
    p.until_flight()
    p.certificate_verify(c.pki.key("client", "p256"))
    return p.outcome()


@case()
def order_verify_after_empty_certificate(c):
    p = start(c)
    p.until_flight()
    p.certificate()
    p.certificate_verify(c.pki.key("client", "p256"))
    return p.outcome()


@case()
def order_certificate_twice(c):
    p = start(c)
    p.until_flight()
    p.certificate()
    p.certificate()
    return p.outcome()


@case()
def order_data_before_finished(c):
    p = start(c)
    p.until_flight()
    p.send(DATA, REQUEST)
    return p.outcome()


@case()
def order_data_under_early_application_keys(c):
    p = start(c)
    p.until_flight()
    p.use_application_keys()
    p.ask()
    return p.outcome()


@case()
def order_key_update_before_finished(c):
    p = start(c)
    p.until_flight()
    p.send(HANDSHAKE, message(KEY_UPDATE, b"\0"))
    return p.outcome()


@case()
def order_finished_twice(c):
    p = start(c)
    p.connect()
    p.send(HANDSHAKE, message(FINISHED, bytes(32)))
    return p.outcome()


@case()
def order_hello_after_handshake(c):
    p = start(c)
    p.connect()
    p.send(HANDSHAKE, p.hello.message())
    return p.outcome()


@case()
def order_ticket_from_client(c):
    p = start(c)
    p.connect()
    p.send(HANDSHAKE, message(NEW_TICKET, bytes(8) + vec8(b"n") + vec16(b"t") + b"\0\0"))
    return p.outcome()


@case()
def order_certificate_request_from_client(c):
    p = start(c)
    p.connect()
    p.send(HANDSHAKE, message(CERTIFICATE_REQUEST, b"\0\0\0"))
    return p.outcome()


@case()
def order_certificate_after_handshake(c):
    p = start(c)
    p.connect()
    p.certificate()
    return p.outcome()


@case()
def order_tls_1_2_key_exchange(c):
    p = start(c)
    p.until_flight()
    p.send(HANDSHAKE, message(CLIENT_KEY_EXCHANGE, vec8(p.share)))
    return p.outcome()


@case()
def order_message_across_the_first_key_change(c):
    p = start(c)
    p.record(HANDSHAKE, p.hello.message() + message(CERTIFICATE, b"\0\0\0\0"), 0x0301)
    return p.outcome()


@case()
def order_fragment_across_the_first_key_change(c):
    p = start(c)
    p.record(HANDSHAKE, p.hello.message() + message(CERTIFICATE, b"\0\0\0\0")[:2], 0x0301)
    return p.outcome()


@case()
def order_message_across_finished(c):
    p = start(c)
    p.until_finished()
    p.send(HANDSHAKE, message(FINISHED, p.verify_data()) + message(KEY_UPDATE, b"\0"))
    return p.outcome()


@case()
def order_fragment_across_finished(c):
    p = start(c)
    p.until_finished()
    p.send(HANDSHAKE, message(FINISHED, p.verify_data()) + u8(KEY_UPDATE))
    return p.outcome()


@case()
def order_fragment_across_key_update(c):
    p = start(c)
    p.connect()
    p.send(HANDSHAKE, message(KEY_UPDATE, b"\0") + u8(KEY_UPDATE))
    return p.outcome()


@case()
def order_data_inside_a_message(c):
    p = start(c)
    p.connect()
    p.send(HANDSHAKE, u8(KEY_UPDATE))
    p.ask()
    return p.outcome()


# --- our own flight --------------------------------------------------------------------------------------------------

@case()
def finished_spoiled(c):
    p = start(c)
    p.until_finished()
    data = bytearray(p.verify_data())
    data[0] ^= 1
    p.handshake(FINISHED, bytes(data))
    return p.outcome()


@case()
def finished_too_short(c):
    p = start(c)
    p.until_finished()
    p.handshake(FINISHED, p.verify_data()[:-1])
    return p.outcome()


@case()
def finished_too_long(c):
    p = start(c)
    p.until_finished()
    p.handshake(FINISHED, p.verify_data() + b"\0")
    return p.outcome()


@case()
def finished_empty(c):
    p = start(c)
    p.until_finished()
    p.handshake(FINISHED, b"")
    return p.outcome()


@case()
def key_update_of_another_value(c):
    p = start(c)
    p.connect()
    p.send(HANDSHAKE, message(KEY_UPDATE, b"\x02"))
    return p.outcome()


@case()
def key_update_empty(c):
    p = start(c)
    p.connect()
    p.send(HANDSHAKE, message(KEY_UPDATE, b""))
    return p.outcome()


@case()
def key_update_old_keys(c):
    p = start(c)
    p.connect()
    p.send(HANDSHAKE, message(KEY_UPDATE, b"\0"))
    p.ask()
    return p.outcome()


@case()
def key_update_flood(c):
    p = start(c)
    p.connect()
    for _ in range(200):
        p.send(HANDSHAKE, message(KEY_UPDATE, b"\0"))
        p.writing = p.writing.next()
    p.ask()
    return p.outcome()


@case("required")
def certificate_missing(c):
    p = start(c)
    p.until_flight()
    p.certificate()
    p.finished()
    return p.outcome()


@case()
def certificate_of_a_stranger(c):
    p = start(c)
    p.until_flight()
    p.certificate(certificate_der(c.pki.cert("stranger", "p256")))
    p.certificate_verify(c.pki.key("stranger", "p256"))
    p.finished()
    return p.outcome()


@case()
def certificate_of_a_server(c):
    p = start(c)
    p.until_flight()
    p.certificate(certificate_der(c.pki.cert("server", "p256")))
    p.certificate_verify(c.pki.key("server", "p256"))
    p.finished()
    return p.outcome()


@case()
def certificate_is_rubbish(c):
    p = start(c)
    p.until_flight()
    p.certificate(b"\x30\x03\x02\x01\x00")
    p.certificate_verify(c.pki.key("client", "p256"))
    p.finished()
    return p.outcome()


@case()
def certificate_with_context(c):
    p = start(c)
    p.until_flight()
    p.certificate(context=b"x")
    p.finished()
    return p.outcome()


@case()
def certificate_list_cut_short(c):
    p = start(c)
    p.until_flight()
    der = certificate_der(c.pki.cert("client", "p256"))
    p.handshake(CERTIFICATE, b"\0" + vec24(vec24(der)))
    return p.outcome()


@case()
def certificate_entry_empty(c):
    p = start(c)
    p.until_flight()
    p.handshake(CERTIFICATE, b"\0" + vec24(vec24(b"") + b"\0\0"))
    return p.outcome()


def verified(c, **options):
    p = start(c)
    p.until_flight()
    p.certificate(certificate_der(c.pki.cert("client", options.get("kind", "p256"))))
    options.pop("kind", None)
    key = options.pop("key", c.pki.key("client", "p256"))
    p.certificate_verify(key, **options)
    p.finished()
    return p.outcome()


@case()
def verify_spoiled(c):
    return verified(c, spoil=True)


@case()
def verify_by_another_key(c):
    return verified(c, key=c.pki.key("server", "p256"))


@case()
def verify_with_pkcs1(c):
    return verified(c, kind="rsa2048", key=c.pki.key("client", "rsa2048"), scheme=0x0401)


@case()
def verify_with_the_scheme_of_another_curve(c):
    return verified(c, scheme=0x0503)


@case()
def verify_empty(c):
    p = start(c)
    p.until_flight()
    p.certificate(certificate_der(c.pki.cert("client", "p256")))
    p.handshake(CERTIFICATE_VERIFY, u16(0x0403) + b"\0\0")
    p.finished()
    return p.outcome()
