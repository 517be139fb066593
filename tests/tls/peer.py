"""A TLS client that does exactly what a script says, right or wrong, on the primitives of tlslite-ng.

tlslite-ng computes (key exchange, HKDF, the TLS 1.2 PRF, AES-GCM, signatures); the messages are written here byte by
byte, because the point is to write them wrongly. `Peer13` and `Peer12` know the right order and offer every step by
itself; a script leaves steps out, repeats them or changes their bytes.
"""

import hashlib
import os
import pathlib
import socket
import struct

from tlslite.keyexchange import ECDHKeyExchange, KEMKeyExchange
from tlslite.mathtls import PRF_1_2
from tlslite.utils.cipherfactory import createAESGCM
from tlslite.utils.cryptomath import HKDF_expand_label, secureHMAC
from tlslite.utils.keyfactory import parsePEMKey
from tlslite.utils.pem import dePem

ALERTS = {
    0: "close_notify", 10: "unexpected_message", 20: "bad_record_mac", 22: "record_overflow", 40: "handshake_failure",
    42: "bad_certificate", 43: "unsupported_certificate", 44: "certificate_revoked", 45: "certificate_expired",
    46: "certificate_unknown", 47: "illegal_parameter", 48: "unknown_ca", 49: "access_denied", 50: "decode_error",
    51: "decrypt_error", 70: "protocol_version", 71: "insufficient_security", 80: "internal_error",
    86: "inappropriate_fallback", 90: "user_canceled", 100: "no_renegotiation", 109: "missing_extension",
    110: "unsupported_extension", 112: "unrecognized_name", 116: "certificate_required", 120: "no_application_protocol",
}
CCS, ALERT, HANDSHAKE, DATA = 20, 21, 22, 23
CLIENT_HELLO, SERVER_HELLO, NEW_TICKET, END_OF_EARLY_DATA, ENCRYPTED_EXTENSIONS, CERTIFICATE = 1, 2, 4, 5, 8, 11
SERVER_KEY_EXCHANGE, CERTIFICATE_REQUEST, SERVER_HELLO_DONE, CERTIFICATE_VERIFY = 12, 13, 14, 15
CLIENT_KEY_EXCHANGE, FINISHED, KEY_UPDATE = 16, 20, 24
RETRY_RANDOM = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
P256, P384, P521, X25519, P256_MLKEM768, P384_MLKEM1024 = 0x17, 0x18, 0x19, 0x1d, 0x11eb, 0x11ed
SNI, GROUPS, POINT_FORMATS, SIGNATURES, ALPN, EMS, TICKET, PSK, EARLY_DATA, VERSIONS, COOKIE, PSK_MODES, KEY_SHARE, \
    RENEGOTIATION, PADDING, HEARTBEAT = 0, 10, 11, 13, 16, 23, 35, 41, 42, 43, 44, 45, 51, 0xff01, 21, 15
SCHEMES = [0x0403, 0x0503, 0x0603, 0x0807, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601]
AES128_SHA256 = 0x1301
ECDSA_AES128, RSA_AES128 = 0xc02b, 0xc02f
REQUEST = b"GET /v1/health HTTP/1.0\r\n\r\n"


class Outcome(Exception):
    """How the server ended the conversation."""


def u8(value):
    return bytes([value])


def u16(value):
    return struct.pack(">H", value)


def vec8(data):
    return u8(len(data)) + data


def vec16(data):
    return u16(len(data)) + data


def vec24(data):
    return struct.pack(">I", len(data))[1:] + data


def list16(values):
    return b"".join(map(u16, values))


def message(kind, body, length=None):
    """A handshake message; `length` lies about the length of the body."""
    if length is None:
        length = len(body)
    return u8(kind) + struct.pack(">I", length)[1:] + bytes(body)


def key_pair(group):
    exchange = (KEMKeyExchange if group > 0x11e0 else ECDHKeyExchange)(group, (3, 4))
    private = exchange.get_random_private_key()
    return exchange, private, bytes(exchange.calc_public_value(private))


class Hello:
    """A ClientHello as data. `extensions` is a list of pairs, so that order and repetition can be wrong too."""

    def __init__(self, suites, extensions):
        self.version = 0x0303
        self.random = os.urandom(32)
        self.session = os.urandom(32)
        self.suites = suites
        self.compressions = b"\0"
        self.extensions = extensions

    def set(self, kind, data):
        """Replaces the extension, in its place."""
        assert any(extension == kind for extension, _ in self.extensions)
        self.extensions = [(k, data if k == kind else d) for k, d in self.extensions]

    def add(self, kind, data=b""):
        self.extensions.append((kind, data))

    def drop(self, kind):
        assert any(extension == kind for extension, _ in self.extensions)
        self.extensions = [pair for pair in self.extensions if pair[0] != kind]

    def extension_block(self):
        return b"".join(u16(kind) + vec16(data) for kind, data in self.extensions)

    def body(self):
        return (u16(self.version) + self.random + vec8(self.session) + vec16(list16(self.suites))
                + vec8(self.compressions) + vec16(self.extension_block()))

    def message(self):
        return message(CLIENT_HELLO, self.body())


class Gcm13:
    """One direction of TLS 1.3 record protection."""

    def __init__(self, secret):
        self.secret = secret
        self.cipher = createAESGCM(HKDF_expand_label(secret, b"key", b"", 16, "sha256"))
        self.iv = HKDF_expand_label(secret, b"iv", b"", 12, "sha256")
        self.number = 0

    def nonce(self):
        number = self.number.to_bytes(12, "big")
        self.number += 1
        return bytearray(a ^ b for a, b in zip(self.iv, number))

    def seal(self, inner):
        header = u8(DATA) + b"\x03\x03" + u16(len(inner) + 16)
        return header + bytes(self.cipher.seal(self.nonce(), bytearray(inner), bytearray(header)))

    def open(self, header, sealed):
        inner = self.cipher.open(self.nonce(), bytearray(sealed), bytearray(header))
        if inner is None:
            raise Outcome("the server's record does not open")
        inner = bytes(inner).rstrip(b"\0")
        return inner[-1], inner[:-1]

    def next(self):
        return Gcm13(HKDF_expand_label(self.secret, b"traffic upd", b"", 32, "sha256"))


class Gcm12:
    """One direction of TLS 1.2 record protection."""

    def __init__(self, key, salt):
        self.cipher = createAESGCM(bytearray(key))
        self.salt = bytes(salt)
        self.number = 0

    def seal(self, kind, plain):
        number = self.number.to_bytes(8, "big")
        self.number += 1
        additional = number + u8(kind) + b"\x03\x03" + u16(len(plain) & 0xffff)
        sealed = self.cipher.seal(bytearray(self.salt + number), bytearray(plain), bytearray(additional))
        return u8(kind) + b"\x03\x03" + vec16(number + bytes(sealed))

    def open(self, kind, sealed):
        number = self.number.to_bytes(8, "big")
        self.number += 1
        additional = number + u8(kind) + b"\x03\x03" + u16(len(sealed) - 24)
        plain = self.cipher.open(bytearray(self.salt + sealed[:8]), bytearray(sealed[8:]), bytearray(additional))
        if plain is None:
            raise Outcome("the server's record does not open")
        return kind, bytes(plain)


class Peer:
    """What both versions share: the socket, records, the transcript, and reading how it ends."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.transcript = b""
        self.reading = self.writing = None
        self.fragments = b""
        self.pending = b""
        self.answer = b""

    def close(self):
        self.socket.close()

    def raw(self, data):
        try:
            self.socket.sendall(data)
        except OSError:  # the server hung up already; how, is read afterwards
            pass

    def record(self, kind, payload, version=0x0303):
        """A record without protection, whatever the state."""
        self.raw(u8(kind) + u16(version) + vec16(payload))

    def sealed(self, kind, payload):
        raise NotImplementedError

    def send(self, kind, payload):
        """A record as the state wants it."""
        if self.writing is None:
            self.record(kind, payload)
        else:
            self.sealed(kind, payload)

    def handshake(self, kind, body):
        """A handshake message as the state wants it, into the transcript."""
        whole = message(kind, body)
        self.transcript += whole
        self.send(HANDSHAKE, whole)

    def hash(self, data=None):
        return hashlib.sha256(self.transcript if data is None else data).digest()

    def read_exactly(self, count):
        """So many bytes; what came before a timeout is kept for the next attempt."""
        while len(self.pending) < count:
            try:
                chunk = self.socket.recv(65536)
            except ConnectionResetError:
                raise Outcome("reset") from None
            except socket.timeout:
                raise Outcome("hangs") from None
            if not chunk:
                raise Outcome("close")
            self.pending += chunk
        data, self.pending = self.pending[:count], self.pending[count:]
        return data

    def read_record(self):
        """The next record, opened. An alert ends the conversation."""
        header = self.read_exactly(5)
        length = int.from_bytes(header[3:], "big")
        try:
            kind, payload = header[0], self.read_exactly(length)
        except Outcome:
            self.pending = header + self.pending
            raise
        kind, payload = self.opened(header, kind, payload)
        if kind == ALERT:
            name = ALERTS.get(payload[1], f"alert {payload[1]}")
            raise Outcome("close" if name == "close_notify" else name)
        return kind, payload

    def opened(self, header, kind, payload):
        raise NotImplementedError

    def read_message(self, *expected):
        """The next handshake message, into the transcript."""
        while len(self.fragments) < 4 or len(self.fragments) < 4 + int.from_bytes(self.fragments[1:4], "big"):
            kind, payload = self.read_record()
            if kind == CCS:
                continue
            if kind != HANDSHAKE:
                raise Outcome(f"record of type {kind} instead of a handshake message")
            self.fragments += payload
        length = 4 + int.from_bytes(self.fragments[1:4], "big")
        whole, self.fragments = self.fragments[:length], self.fragments[length:]
        if expected and whole[0] not in expected:
            raise Outcome(f"handshake message {whole[0]}")
        self.transcript += whole
        return whole[0], whole[4:]

    def ask(self):
        self.send(DATA, REQUEST)

    def outcome(self):
        """How the server ends the conversation. If it does nothing for a second, it is told that nothing more comes;
        if only then it hangs up, it `waits`: what was sent did not make it end anything."""
        self.socket.settimeout(1)
        try:
            return self.end()
        except Outcome as outcome:
            if str(outcome) != "hangs":
                return str(outcome)
        try:
            self.socket.settimeout(10)
            self.socket.shutdown(socket.SHUT_WR)
            return self.end()
        except OSError:
            return "close"
        except Outcome as outcome:
            return "waits" if str(outcome) == "close" else str(outcome)

    def end(self):
        while True:
            kind, payload = self.read_record()
            if kind == DATA:
                self.answer += payload
                if self.answer.startswith(b"HTTP/1.0 200"):
                    return "answer"
            if kind == HANDSHAKE and payload[:1] == u8(KEY_UPDATE):
                self.reading = self.reading.next()
            if kind == HANDSHAKE and self.reading is None and payload[:1] == u8(SERVER_HELLO):
                return "hello_retry" if payload[6:38] == RETRY_RANDOM else "server_hello"

    def sign(self, key_file, scheme, content):
        """A signature with an EC or RSA key."""
        key = parsePEMKey(pathlib.Path(key_file).read_text(encoding="ascii"), private=True)
        digest = hashlib.sha256(content).digest()
        if scheme == 0x0403:
            return bytes(key.sign(bytearray(digest), padding=None, hashAlg="sha256"))
        if scheme == 0x0804:
            return bytes(key.sign(bytearray(digest), padding="pss", hashAlg="sha256", saltLen=32))
        return bytes(key.sign(bytearray(digest), padding="pkcs1", hashAlg="sha256"))


def certificate_der(file):
    return bytes(dePem(pathlib.Path(file).read_text(encoding="ascii"), "CERTIFICATE"))


class Peer13(Peer):
    """TLS 1.3 with AES-128-GCM and SHA-256."""

    def __init__(self, port, group=P256):
        super().__init__(port)
        self.group = group
        self.exchange, self.private, self.share = key_pair(group)
        self.hello = Hello([AES128_SHA256], [
            (SNI, vec16(b"\0" + vec16(b"localhost"))),
            (VERSIONS, vec8(u16(0x0304))),
            (GROUPS, vec16(u16(group))),
            (KEY_SHARE, vec16(u16(group) + vec16(self.share))),
            (SIGNATURES, vec16(list16(SCHEMES))),
            (PSK_MODES, b"\x01\x01"),
        ])
        self.requested = None

    def sealed(self, kind, payload, padding=0):
        self.raw(self.writing.seal(payload + u8(kind) + bytes(padding)))

    def opened(self, header, kind, payload):
        if self.reading is None or kind == CCS:
            return kind, payload
        if kind == ALERT and len(payload) == 2:
            return kind, payload  # sent before the server had keys
        return self.reading.open(header, payload)

    def set_share(self, group, share):
        self.hello.set(GROUPS, vec16(u16(group)))
        self.hello.set(KEY_SHARE, vec16(u16(group) + vec16(share)))

    def send_hello(self):
        whole = self.hello.message()
        self.transcript += whole
        self.record(HANDSHAKE, whole, 0x0301)

    def read_retry(self):
        """Reads a HelloRetryRequest and gives the group it asks for."""
        first = self.transcript
        self.transcript = message(254, self.hash(first))
        _, body = self.read_message(SERVER_HELLO)
        if body[2:34] != RETRY_RANDOM:
            raise Outcome("server_hello")
        return int.from_bytes(extensions_of(body)[KEY_SHARE], "big")

    def read_hello(self):
        """Reads ServerHello and derives the handshake keys, for reading only."""
        _, body = self.read_message(SERVER_HELLO)
        if body[2:34] == RETRY_RANDOM:
            raise Outcome("hello_retry")
        share = extensions_of(body)[KEY_SHARE][4:]
        secret = bytes(self.exchange.calc_shared_key(self.private, bytearray(share)))
        early = secureHMAC(bytearray(32), bytearray(32), "sha256")
        self.handshake_secret = secureHMAC(self.derive(early, b"derived", self.hash(b"")), bytearray(secret), "sha256")
        self.client_secret = self.derive(self.handshake_secret, b"c hs traffic", self.hash())
        self.server_secret = self.derive(self.handshake_secret, b"s hs traffic", self.hash())
        self.reading = Gcm13(self.server_secret)

    @staticmethod
    def derive(secret, label, context):
        return HKDF_expand_label(bytearray(secret), label, bytearray(context), 32, "sha256")

    def read_flight(self):
        """Reads from EncryptedExtensions to Finished and derives the application keys; reading uses them at once."""
        self.read_message(ENCRYPTED_EXTENSIONS)
        kind, body = self.read_message(CERTIFICATE_REQUEST, CERTIFICATE)
        if kind == CERTIFICATE_REQUEST:
            self.requested = body
            self.read_message(CERTIFICATE)
        self.read_message(CERTIFICATE_VERIFY)
        before = self.hash()
        _, body = self.read_message(FINISHED)
        key = self.derive(self.server_secret, b"finished", b"")
        if bytes(body) != bytes(secureHMAC(key, bytearray(before), "sha256")):
            raise Outcome("the server's Finished is wrong")
        master = secureHMAC(self.derive(self.handshake_secret, b"derived", self.hash(b"")), bytearray(32), "sha256")
        self.client_application = self.derive(master, b"c ap traffic", self.hash())
        self.reading = Gcm13(self.derive(master, b"s ap traffic", self.hash()))

    def use_handshake_keys(self):
        self.writing = Gcm13(self.client_secret)

    def use_application_keys(self):
        self.writing = Gcm13(self.client_application)

    def verify_data(self):
        key = self.derive(self.client_secret, b"finished", b"")
        return bytes(secureHMAC(key, bytearray(self.hash()), "sha256"))

    def certificate(self, der=b"", context=b""):
        entries = vec24(der) + b"\0\0" if der else b""
        self.handshake(CERTIFICATE, vec8(context) + vec24(entries))

    def certificate_verify(self, key_file, scheme=0x0403, spoil=False):
        content = b" " * 64 + b"TLS 1.3, client CertificateVerify\0" + self.hash()
        signature = bytearray(self.sign(key_file, scheme, content))
        if spoil:
            signature[-1] ^= 1
        self.handshake(CERTIFICATE_VERIFY, u16(scheme) + vec16(bytes(signature)))

    def finished(self):
        self.handshake(FINISHED, self.verify_data())

    def until_flight(self):
        """From hello to the server's Finished, with the keys for our own flight."""
        self.send_hello()
        self.read_hello()
        self.read_flight()
        self.use_handshake_keys()

    def until_finished(self):
        """Everything before our own Finished: an empty certificate where one was asked for."""
        self.until_flight()
        if self.requested is not None:
            self.certificate()

    def connect(self):
        """A whole handshake without mistakes."""
        self.until_finished()
        self.finished()
        self.use_application_keys()


def extensions_of(server_hello):
    session = server_hello[34]
    rest = server_hello[35 + session + 3 + 2:]
    found = {}
    while rest:
        kind, length = struct.unpack(">HH", rest[:4])
        found[kind], rest = rest[4:4 + length], rest[4 + length:]
    return found


class Peer12(Peer):
    """TLS 1.2 with ECDHE, AES-128-GCM and SHA-256."""

    def __init__(self, port, suite=ECDSA_AES128, group=P256):
        super().__init__(port)
        self.hello = Hello([suite], [
            (SNI, vec16(b"\0" + vec16(b"localhost"))),
            (GROUPS, vec16(u16(group))),
            (POINT_FORMATS, b"\x01\x00"),
            (SIGNATURES, vec16(list16(SCHEMES))),
            (EMS, b""),
            (RENEGOTIATION, b"\0"),
        ])
        self.hello.session = b""
        self.exchange, self.private, self.share = key_pair(group)
        self.requested = False

    def sealed(self, kind, payload):
        self.raw(self.writing.seal(kind, payload))

    def opened(self, header, kind, payload):
        if self.reading is None:
            return kind, payload
        return self.reading.open(kind, payload)

    def send_hello(self):
        whole = self.hello.message()
        self.transcript += whole
        self.send(HANDSHAKE, whole)

    def read_flight(self):
        """Reads from ServerHello to ServerHelloDone."""
        _, body = self.read_message(SERVER_HELLO)
        self.server_random = body[2:34]
        self.server_session = body[35:35 + body[34]]
        self.server_extensions = extensions_of(body)
        self.read_message(CERTIFICATE)
        _, body = self.read_message(SERVER_KEY_EXCHANGE)
        self.server_share = body[4:4 + body[3]]
        kind, _ = self.read_message(CERTIFICATE_REQUEST, SERVER_HELLO_DONE)
        if kind == CERTIFICATE_REQUEST:
            self.requested = True
            self.read_message(SERVER_HELLO_DONE)

    def client_key_exchange(self, share=None):
        self.handshake(CLIENT_KEY_EXCHANGE, vec8(self.share if share is None else share))

    def derive(self):
        """The keys, from the transcript up to ClientKeyExchange."""
        secret = bytearray(self.exchange.calc_shared_key(self.private, bytearray(self.server_share)))
        self.master = PRF_1_2(secret, b"extended master secret", bytearray(self.hash()), 48)
        self.derive_keys()

    def derive_keys(self):
        block = bytes(PRF_1_2(self.master, b"key expansion", bytearray(self.server_random + self.hello.random), 40))
        self.next_writing, self.next_reading = Gcm12(block[:16], block[32:36]), Gcm12(block[16:32], block[36:40])

    def change_cipher_spec(self):
        self.send(CCS, b"\x01")
        self.writing = self.next_writing

    def verify_data(self, label=b"client finished"):
        return bytes(PRF_1_2(self.master, label, bytearray(self.hash()), 12))

    def finished(self):
        self.handshake(FINISHED, self.verify_data())

    def read_finished(self):
        kind, _ = self.read_record()
        if kind != CCS:
            raise Outcome(f"record of type {kind} instead of the server's change of cipher")
        self.reading = self.next_reading
        wanted = self.verify_data(b"server finished")
        _, body = self.read_message(FINISHED)
        if body != wanted:
            raise Outcome("the server's Finished is wrong")

    def certificate(self, der=b""):
        self.handshake(CERTIFICATE, vec24(vec24(der) if der else b""))

    def certificate_verify(self, key_file, scheme=0x0403, spoil=False):
        signature = bytearray(self.sign(key_file, scheme, self.transcript))
        if spoil:
            signature[-1] ^= 1
        self.handshake(CERTIFICATE_VERIFY, u16(scheme) + vec16(bytes(signature)))

    def until_flight(self):
        """From hello to ServerHelloDone, with an empty certificate where one was asked for."""
        self.send_hello()
        self.read_flight()
        if self.requested:
            self.certificate()

    def until_change(self):
        """Everything before our ChangeCipherSpec."""
        self.until_flight()
        self.client_key_exchange()
        self.derive()

    def connect(self):
        """A whole handshake without mistakes."""
        self.until_change()
        self.change_cipher_spec()
        self.finished()
        self.read_finished()
