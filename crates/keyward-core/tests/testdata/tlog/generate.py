"""Writes aics_witness.txt: what another implementation's witness answers to a log's requests, and how it cosigns.

    python3.12 -m venv venv && venv/bin/pip install aics-tlog==0.2.1 aics-witness==0.1.0
    venv/bin/python generate.py > aics_witness.txt

Fields are separated by tabs; a newline within a field is written \\n. The keys are test keys made from fixed seeds; the clock is a constant.
"""

import tempfile
from pathlib import Path

from aics_tlog import (
    Checkpoint,
    MerkleTree,
    format_vkey,
    sign_checkpoint,
    tiles,
    vkey_from_ed25519,
)
from aics_witness.config import LogConfig
from aics_witness.protocol import format_add_checkpoint_request
from aics_witness.service import Witness, WitnessError
from aics_witness.store import WitnessStore
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

NOW = 1_790_000_000
ORIGIN = "example.com/log"


def say(*fields):
    print("\t".join(str(field).replace("\n", "\\n") for field in fields))


def tree(entries):
    result = MerkleTree()
    result.extend(entries)
    return result


log_key = Ed25519PrivateKey.from_private_bytes(bytes([1] * 32))
other_key = Ed25519PrivateKey.from_private_bytes(bytes([2] * 32))
witness_key = Ed25519PrivateKey.from_private_bytes(bytes([7] * 32))
log_vkey = format_vkey(vkey_from_ed25519(ORIGIN, log_key.public_key()))

honest = tree(f"entry {n}".encode() for n in range(300))
forked = tree(f"{'entry' if n < 20 else 'forged'} {n}".encode() for n in range(300))


def checkpoint(log, size, key=log_key, root=None, origin=ORIGIN):
    head = Checkpoint(origin=origin, size=size, root=root if root is not None else log.root(size))
    return sign_checkpoint(head, key, origin).to_bytes()


def request(log, old, new, proof=None, **of_checkpoint):
    if proof is None:
        proof = log.consistency_proof(old, new) if 0 < old <= new else []
    return format_add_checkpoint_request(old, proof, checkpoint(log, new, **of_checkpoint))


with tempfile.TemporaryDirectory() as directory:
    store = WitnessStore(Path(directory) / "state.db", create=True)
    witness = Witness(
        "witness.example/w",
        witness_key,
        store,
        [LogConfig.from_strings(ORIGIN, [log_vkey])],
        clock=lambda: NOW,
    )
    say("keys", log_vkey, witness.vkey_text)

    def exchange(what, body):
        try:
            status, answer = 200, witness.add_checkpoint(body)
        except WitnessError as refusal:
            # Bodies of refusals are for people, save that of a conflict.
            status, answer = refusal.status, refusal.body if refusal.status == 409 else b""
        say("exchange", what, body.decode(), status, answer.decode())

    leaf = honest.root(1)
    exchange("size zero with a false root", request(honest, 0, 0, root=leaf))
    exchange("size zero with a proof", request(honest, 0, 0, proof=[leaf]))
    exchange("first with a proof", request(honest, 0, 3, proof=[leaf]))
    exchange("unknown log", request(honest, 0, 3, origin="example.com/unknown"))
    exchange("foreign key", request(honest, 0, 3, key=other_key))
    exchange("first", request(honest, 0, 3))
    exchange("first again", request(honest, 0, 3))
    exchange("same size", request(honest, 3, 3))
    exchange("same size with a proof", request(honest, 3, 3, proof=[leaf]))
    exchange("old above new", request(honest, 3, 2))
    for old, new in [(3, 4), (4, 8), (8, 20), (20, 21), (21, 64), (64, 256), (256, 257), (257, 299)]:
        exchange("wrong old size", request(honest, old - 1, new))
        exchange("proof of another step", request(honest, old, new, proof=honest.consistency_proof(old, 300)))
        exchange("empty proof", request(honest, old, new, proof=[]))
        exchange("step", request(honest, old, new))
    exchange("fork of the same size", request(forked, 299, 299))
    exchange("fork of a larger size", request(forked, 299, 300))
    exchange("back to an older size", request(honest, 21, 64))
    exchange("last step", request(honest, 299, 300))
    exchange("no request", b"old 300\n")
    exchange("no note", b"old 300\n\nexample.com/log\n")
    exchange("leading zero", request(honest, 300, 300).replace(b"old 300", b"old 0300"))
    store.close()

for path, data in sorted(tiles.materialise_tiles([f"entry {n}".encode() for n in range(300)]).items()):
    say("tile", path, data.hex())
