"""Malformed ClientHellos, key shares and retries in TLS 1.3; see cases13.py."""

from peer import (ALPN, CLIENT_HELLO, COOKIE, DATA, EARLY_DATA, EMS, END_OF_EARLY_DATA, GROUPS, HANDSHAKE, KEY_SHARE,
                  P256, P256_MLKEM768, P384, P384_MLKEM1024, P521, POINT_FORMATS, PSK, PSK_MODES, RENEGOTIATION,
                  SIGNATURES, SNI, VERSIONS, X25519, Hello, key_pair, list16, message, u16, u8, vec16, vec8)

from cases13 import case, start


# --- the hello: syntax -----------------------------------------------------------------------------------------------

def raw_hello(c, body, length=None):
    p = start(c)
    p.record(HANDSHAKE, message(CLIENT_HELLO, body(p.hello), length), 0x0301)
    return p.outcome()


@case()
def hello_trailing_byte(c):
    return raw_hello(c, lambda h: h.body() + b"\0")


@case()
def hello_cut_short(c):
    return raw_hello(c, lambda h: h.body()[:-1])


@case()
def hello_empty(c):
    return raw_hello(c, lambda h: b"")


@case()
def hello_never_complete(c):
    return raw_hello(c, Hello.body, length=5000)


@case()
def hello_of_16_megabytes(c):
    return raw_hello(c, Hello.body, length=0xffffff)


@case()
def hello_longer_than_any_buffer(c):
    p = start(c)
    p.raw(u8(HANDSHAKE) + b"\x03\x01" + vec16(b"\x01\xff\xff\xff" + bytes(16000)))
    for _ in range(40):
        p.record(HANDSHAKE, bytes(16384), 0x0301)
    return p.outcome()


@case()
def hello_extension_block_too_long(c):
    def body(h):
        block = h.extension_block()
        return h.body()[:-len(block) - 2] + u16(len(block) + 1) + block
    return raw_hello(c, body)


@case()
def hello_extension_too_long(c):
    def body(h):
        h.add(0x7777, b"")
        return h.body()[:-2] + u16(5)
    return raw_hello(c, body)


@case()
def hello_extension_cut_short(c):
    def body(h):
        h.add(0x7777, b"")
        whole = h.body()[:-1]
        block = len(h.extension_block())
        at = len(whole) - (block - 1) - 2
        return whole[:at] + u16(block - 1) + whole[at + 2:]
    return raw_hello(c, body)


@case()
def hello_session_of_33_bytes(c):
    def body(h):
        h.session = bytes(33)
        return h.body()
    return raw_hello(c, body)


@case()
def hello_without_suites(c):
    def body(h):
        h.suites = []
        return h.body()
    return raw_hello(c, body)


@case()
def hello_odd_suites(c):
    def body(h):
        whole = h.body()
        return whole[:67] + u16(3) + b"\x13\x01\x13" + whole[71:]
    return raw_hello(c, body)


@case()
def hello_without_compressions(c):
    def body(h):
        h.compressions = b""
        return h.body()
    return raw_hello(c, body)


@case()
def hello_with_compression(c):
    def body(h):
        h.compressions = b"\x01\x00"
        return h.body()
    return raw_hello(c, body)


@case()
def hello_without_null_compression(c):
    def body(h):
        h.compressions = b"\x01"
        return h.body()
    return raw_hello(c, body)


def changed(c, change):
    p = start(c)
    change(p)
    p.send_hello()
    return p.outcome()


@case()
def hello_extension_twice(c):
    return changed(c, lambda p: p.hello.add(GROUPS, vec16(u16(P256))))


@case()
def hello_unknown_extension_twice(c):
    def change(p):
        p.hello.add(0x7777)
        p.hello.add(0x7777)
    return changed(c, change)


@case()
def hello_extension_for_servers(c):
    return changed(c, lambda p: p.hello.add(COOKIE, b""))


@case()
def hello_versions_empty(c):
    return changed(c, lambda p: p.hello.set(VERSIONS, b"\0"))


@case()
def hello_versions_odd(c):
    return changed(c, lambda p: p.hello.set(VERSIONS, b"\x03\x03\x04\x03"))


@case()
def hello_groups_empty(c):
    return changed(c, lambda p: p.hello.set(GROUPS, b"\0\0"))


@case()
def hello_signatures_empty(c):
    return changed(c, lambda p: p.hello.set(SIGNATURES, b"\0\0"))


@case()
def hello_share_cut_short(c):
    return changed(c, lambda p: p.hello.set(KEY_SHARE, vec16(u16(P256) + u16(66) + p.share)))


@case()
def hello_name_empty(c):
    return changed(c, lambda p: p.hello.set(SNI, vec16(b"\0\0\0")))


@case()
def hello_names_empty(c):
    return changed(c, lambda p: p.hello.set(SNI, b"\0\0"))


@case()
def hello_name_twice(c):
    name = b"\0" + vec16(b"localhost")
    return changed(c, lambda p: p.hello.set(SNI, vec16(name + name)))


@case()
def hello_name_not_ascii(c):
    return changed(c, lambda p: p.hello.set(SNI, vec16(b"\0" + vec16(b"\xff\xfe"))))


@case()
def hello_psk_modes_empty(c):
    return changed(c, lambda p: p.hello.set(PSK_MODES, b"\0"))


@case()
def hello_alpn_empty(c):
    return changed(c, lambda p: p.hello.add(ALPN, b"\0\0"))


@case()
def hello_alpn_empty_name(c):
    return changed(c, lambda p: p.hello.add(ALPN, vec16(b"\0")))


@case()
def hello_alpn_unknown(c):
    p = start(c)
    p.hello.add(ALPN, vec16(vec8(b"spdy/3")))
    p.send_hello()
    p.read_hello()
    return p.outcome()


# --- the hello: meaning ----------------------------------------------------------------------------------------------

@case()
def hello_without_share(c):
    return changed(c, lambda p: p.hello.drop(KEY_SHARE))


@case()
def hello_without_groups(c):
    return changed(c, lambda p: p.hello.drop(GROUPS))


@case()
def hello_without_signatures(c):
    return changed(c, lambda p: p.hello.drop(SIGNATURES))


@case()
def hello_empty_shares(c):
    return changed(c, lambda p: p.hello.set(KEY_SHARE, b"\0\0"))


@case()
def hello_share_twice(c):
    share = lambda p: u16(P256) + vec16(p.share)
    return changed(c, lambda p: p.hello.set(KEY_SHARE, vec16(share(p) + share(p))))


@case()
def hello_share_of_a_group_not_offered(c):
    return changed(c, lambda p: p.hello.set(GROUPS, vec16(u16(P384))))


@case()
def hello_no_common_group(c):
    def change(p):
        p.set_share(X25519, bytes(range(32)))
    return changed(c, change)


@case()
def hello_no_common_suite(c):
    def change(p):
        p.hello.suites = [0x1303, 0x1304]
    return changed(c, change)


@case()
def hello_no_common_signature(c):
    p = start(c)
    p.hello.set(SIGNATURES, vec16(list16([0x0201, 0x0203])))
    p.send_hello()
    p.read_hello()
    return p.outcome()


@case()
def hello_only_tls_1_1(c):
    return changed(c, lambda p: p.hello.set(VERSIONS, vec8(list16([0x0302, 0x0301]))))


@case()
def hello_only_unknown_version(c):
    return changed(c, lambda p: p.hello.set(VERSIONS, vec8(u16(0x0305))))


@case()
def hello_psk_not_last(c):
    def change(p):
        p.hello.extensions.insert(0, (PSK, psk_offer()))
    return changed(c, change)


def psk_offer(binders=1, binder=32):
    identities = vec16(vec16(b"unknown session") + bytes(4))
    return identities + vec16(vec8(bytes(binder)) * binders)


@case()
def hello_psk_without_modes(c):
    def change(p):
        p.hello.drop(PSK_MODES)
        p.hello.add(PSK, psk_offer())
    return changed(c, change)


@case()
def hello_psk_unknown(c):
    return changed(c, lambda p: p.hello.add(PSK, psk_offer()))


@case()
def hello_psk_too_many_binders(c):
    return changed(c, lambda p: p.hello.add(PSK, psk_offer(binders=2)))


@case()
def hello_psk_short_binder(c):
    return changed(c, lambda p: p.hello.add(PSK, psk_offer(binder=5)))


@case()
def hello_early_data_without_psk(c):
    return changed(c, lambda p: p.hello.add(EARLY_DATA))


@case()
def hello_early_data_refused_and_skipped(c):
    p = start(c)
    p.hello.add(EARLY_DATA)
    p.hello.add(PSK, psk_offer())
    p.send_hello()
    p.record(DATA, bytes(100))
    p.read_hello()
    p.read_flight()
    p.use_handshake_keys()
    p.certificate()
    p.finished()
    p.use_application_keys()
    p.ask()
    return p.outcome()


@case()
def early_data_not_announced(c):
    p = start(c)
    p.send_hello()
    p.record(DATA, bytes(100))
    p.read_hello()
    p.read_flight()
    return p.outcome()


@case()
def early_data_end_not_announced(c):
    p = start(c)
    p.until_flight()
    p.send(HANDSHAKE, message(END_OF_EARLY_DATA, b""))
    return p.outcome()


# --- key shares ------------------------------------------------------------------------------------------------------

def share(c, spoil, group=P256):
    p = start(c, group)
    p.set_share(group, spoil(p.share))
    p.send_hello()
    return p.outcome()


@case()
def share_not_on_the_curve(c):
    return share(c, lambda s: s[:-1] + u8(s[-1] ^ 1))


@case()
def share_not_on_p384(c):
    return share(c, lambda s: s[:-1] + u8(s[-1] ^ 1), P384)


@case()
def share_not_on_p521(c):
    return share(c, lambda s: s[:-1] + u8(s[-1] ^ 1), P521)


@case()
def share_empty(c):
    return share(c, lambda s: b"")


@case()
def share_of_infinity(c):
    return share(c, lambda s: b"\0")


@case()
def share_of_zeros(c):
    return share(c, lambda s: b"\x04" + bytes(64))


@case()
def share_compressed(c):
    return share(c, lambda s: u8(2 | s[-1] & 1) + s[1:33])


@case()
def share_too_short(c):
    return share(c, lambda s: s[:-1])


@case()
def share_too_long(c):
    return share(c, lambda s: s + b"\0")


@case()
def share_above_the_field(c):
    return share(c, lambda s: b"\x04" + b"\xff" * 64)


@case()
def share_of_another_curve(c):
    return share(c, lambda s: key_pair(P384)[2])


@case()
def share_hybrid_zero_key(c):
    return share(c, lambda s: s[:65] + bytes(1184), P256_MLKEM768)


@case()
def share_hybrid_key_out_of_range(c):
    return share(c, lambda s: s[:65] + b"\xff" * 1184, P256_MLKEM768)


@case()
def share_hybrid_key_out_of_range_1024(c):
    return share(c, lambda s: s[:97] + b"\xff" * 1568, P384_MLKEM1024)


@case()
def share_hybrid_bad_point(c):
    return share(c, lambda s: s[:64] + u8(s[64] ^ 1) + s[65:], P256_MLKEM768)


@case()
def share_hybrid_point_alone(c):
    return share(c, lambda s: s[:65], P256_MLKEM768)


@case()
def share_hybrid_key_alone(c):
    return share(c, lambda s: s[65:], P256_MLKEM768)


@case()
def share_hybrid_too_long(c):
    return share(c, lambda s: s + b"\0", P256_MLKEM768)


@case()
def share_hybrid_of_the_other_size(c):
    return share(c, lambda s: s[:97] + s[97:97 + 1184], P384_MLKEM1024)


@case()
def share_hybrid_halves_swapped(c):
    return share(c, lambda s: s[65:] + s[:65], P256_MLKEM768)


# --- hello retry -----------------------------------------------------------------------------------------------------

def retried(c, change):
    p = start(c)
    h = p.hello
    h.set(GROUPS, vec16(list16([X25519, P256])))
    h.set(KEY_SHARE, vec16(u16(X25519) + vec16(bytes(range(32)))))
    p.send_hello()
    asked = p.read_retry()
    h.set(KEY_SHARE, vec16(u16(asked) + vec16(p.share)))
    change(p)
    p.send_hello()
    return p.outcome()


@case()
def retry_same_share_again(c):
    return retried(c, lambda p: p.hello.set(KEY_SHARE, vec16(u16(X25519) + vec16(bytes(range(32))))))


@case()
def retry_without_shares(c):
    return retried(c, lambda p: p.hello.set(KEY_SHARE, b"\0\0"))


@case()
def retry_two_shares(c):
    return retried(c, lambda p: p.hello.set(KEY_SHARE, vec16(
        u16(P256) + vec16(p.share) + u16(X25519) + vec16(bytes(32)))))


@case()
def retry_other_suites(c):
    def change(p):
        p.hello.suites = [0x1302]
    return retried(c, change)


@case()
def retry_with_early_data(c):
    return retried(c, lambda p: p.hello.add(EARLY_DATA))


@case()
def retry_with_tls_1_2(c):
    def change(p):
        p.hello.set(VERSIONS, vec8(u16(0x0303)))
        p.hello.suites = [0xc02b]
        p.hello.add(EMS)
        p.hello.add(RENEGOTIATION, b"\0")
        p.hello.add(POINT_FORMATS, b"\x01\0")
    return retried(c, change)
