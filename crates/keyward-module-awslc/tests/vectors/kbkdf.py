#!/usr/bin/env python3
"""Known answers of the stored derivations, from an implementation that shares nothing with the module.

Prints the constants of kbkdf.in. SP 800-108 counter mode, HMAC-SHA-256, 32-bit counter before the fixed input.
"""
import hashlib
import hmac
import struct


def kbkdf(key: bytes, fixed: bytes, length: int) -> bytes:
    out = b""
    for counter in range(1, (length + 31) // 32 + 1):
        out += hmac.new(key, struct.pack(">I", counter) + fixed, hashlib.sha256).digest()
    return out[:length]


def keyed(label: bytes, spec: bytes, context: bytes, length: int) -> bytes:
    return label + spec + b"\x00" + context + struct.pack(">I", 8 * length)


seed = b"\x42" * 32
leaf = 0x123456789A
for depth in range(1, 41):
    node = bytes([depth]) + (leaf >> (40 - depth)).to_bytes(5, "big")
    seed = kbkdf(seed, b"keyward tree 1\x00" + node + struct.pack(">I", 256), 32)
root = b"\x42" * 32
answers = {
    "LEAF": kbkdf(seed, keyed(b"keyward leaf 1 ", b"aes-256", b"info", 32), 32),
    "DERIVED_AES_256": kbkdf(root, keyed(b"keyward derive 1 ", b"aes-256", b"info", 32), 32),
    "DERIVED_HMAC_SHA_512": kbkdf(root, keyed(b"keyward derive 1 ", b"hmac-sha-512", b"info", 64), 64),
}
for name, value in answers.items():
    print(f'const {name}: &str = "{value.hex()}";')
