"""The most expensive OpenPGP files that we can think of: what each is full of, and its bytes (airgap/limits.py).

For tests that bound the work and the memory they cost, and for scripts/bench, which measures it.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable

from .certificates import Certificate, Part, certificate
from .keys import CREATED, SecretKey, secret_key
from .messages import inline
from .packets import compressed, literal, mpi, packet, padding, subpacket
from .signatures import certification, signature_body, subkey_binding

KIB = 1024
SIGNATURE_FILE = 64 * KIB
CERTIFICATE = 1024 * KIB
KEYRING = 16 * 1024 * KIB
CHECKS = 500  # signatures that one certificate may have checked
SPARE = 2 * KIB  # bytes left for all that is not the flood


def _key() -> SecretKey:
    return secret_key("hostile")


def _certificate() -> Certificate:
    return certificate("hostile")


def _full(piece: bytes, size: int) -> bytes:
    return piece * (size // len(piece))


# Signature files


def packets() -> bytes:
    return _full(padding(0), SIGNATURE_FILE)


def subpackets() -> bytes:
    """As many as there can be, of the sort whose form is looked at."""
    return packet(2, signature_body(_key(), 0, b"", hashed=[_full(subpacket(4, b"\1"), SIGNATURE_FILE - SPARE)]))


def embedded_in_embedded() -> bytes:
    body = signature_body(_key(), 0x19, b"")
    head, tail = body[:4], body[6 + int.from_bytes(body[4:6], "big") :]
    while len(body) < SIGNATURE_FILE - SPARE:
        area = subpacket(32, body, width=5)
        body = head + len(area).to_bytes(2, "big") + area + tail
    return packet(2, body)


def embedded_beside_embedded() -> bytes:
    one = subpacket(32, signature_body(_key(), 0x19, b"", hashed=[subpacket(4, b"\1")] * 10))
    return packet(2, signature_body(_key(), 0, b"", hashed=[one] * 253))


def inflated_to_the_ceiling() -> bytes:
    message = inline(_key(), bytes(SIGNATURE_FILE - 300))
    return compressed(message, 1, level=9)


def bomb() -> bytes:
    return compressed(literal(bytes(60 * 1024 * KIB)), 1, level=9)


SIGNATURE_FILES: dict[str, Callable[[], bytes]] = {
    "64 KiB of packets": packets,
    "64 KiB of subpackets": subpackets,
    "64 KiB of signatures in signatures": embedded_in_embedded,
    "a signature with 253 in it": embedded_beside_embedded,
    "64 KiB inflated": inflated_to_the_ceiling,
    "60 MiB inflated": bomb,
}


# Keyrings


def self_signatures() -> bytes:
    """All that one certificate may have checked; each is wrong, and found out by arithmetic only."""
    many = [
        certification(_key(), "Alice <alice@example.org>", created=CREATED + n, corrupt=True) for n in range(CHECKS)
    ]
    return _certificate().insert("certification", *many[1:]).bytes


def misplaced_signatures() -> bytes:
    """Each is hashed over a user id that takes all the room there is, for nothing."""
    name = Part("user-id", packet(13, bytes(CERTIFICATE - 80 * KIB)))
    lost = [certification(_key(), "nobody", created=CREATED + n) for n in range(CHECKS - 20)]
    return certificate("hostile", user_ids=[], direct=True).append(name, *lost).bytes


def user_ids() -> bytes:
    """As many as a certificate may have packets."""
    return _certificate().append(*(packet(13, b"%05d" % n) for n in range(19_000))).bytes


def foreign_subpackets(size: int = KEYRING) -> bytes:
    """Signatures by others are dropped, but first they must say by whom they are."""
    area = _full(subpacket(100, b""), SIGNATURE_FILE - SPARE)
    foreign = b"\4\x13\x16\x08" + len(area).to_bytes(2, "big") + area + b"\0\0ab" + mpi(1) * 2
    return _certificate().bytes + _full(packet(2, foreign), size - SPARE)


def version_6_area() -> bytes:
    """Its length has four octets."""
    area = _full(subpacket(100, b""), KEYRING - SPARE)
    foreign = b"\6\x13\x1b\x08" + len(area).to_bytes(4, "big") + area + bytes(4) + b"ab\x10" + bytes(16 + 64)
    return _certificate().bytes + packet(2, foreign)


def tiny_certificates() -> bytes:
    tiny = b"\4" + CREATED.to_bytes(4, "big") + b"\x63"
    return _full(b"".join(packet(6, tiny + n.to_bytes(4, "big")) for n in range(10_000)), KEYRING)


def large_rsa_keys() -> bytes:
    """The largest that counts, with the largest exponent: a check costs sixty times what one with RSA-4096 does."""
    numbers = random.Random(1)  # no key: nobody needs to sign with it
    made = []
    for _ in range(300):
        body = b"\4" + CREATED.to_bytes(4, "big") + b"\1"
        body += mpi(numbers.getrandbits(16_384) | 1 << 16_383 | 1) + mpi(1 << 63 | 1)
        key = secret_key("hostile rsa", "rsa2048")
        made.append(_signed_in_the_name_of(body, key))
    return b"".join(made)


def _signed_in_the_name_of(body: bytes, signer: SecretKey) -> bytes:
    fingerprint = hashlib.sha1(b"\x99" + len(body).to_bytes(2, "big") + body).digest()  # of version 4
    hint = [subpacket(16, fingerprint[-8:])]
    certifications = [
        packet(
            2,
            signature_body(
                signer, 0x13, b"", created=CREATED + n, unhashed=hint, omit=["issuer-fingerprint"], value=mpi(5)
            ),
        )
        for n in range(CHECKS)
    ]
    return packet(6, body) + packet(13, b"A") + b"".join(certifications)


def bindings_of_many_subkeys() -> bytes:
    """Each tried over every subkey."""
    keys = [secret_key(f"subkey {n}", "ed25519").public_packet(subkey=True) for n in range(9)]
    mallory = secret_key("mallory")
    lost = [subkey_binding(_key(), mallory, back="none", created=CREATED + n) for n in range(50)]
    return _certificate().append(*keys, *lost).bytes


KEYRINGS: dict[str, Callable[[], bytes]] = {
    "a certificate with 500 self-signatures": self_signatures,
    "1 MiB with misplaced signatures": misplaced_signatures,
    "misplaced bindings of subkeys": bindings_of_many_subkeys,
    "a certificate of 19 000 user ids": user_ids,
    "a signature of 16 MiB": version_6_area,
    "16 MiB of tiny certificates": tiny_certificates,
    "5 MiB by RSA-16384": large_rsa_keys,
    "16 MiB of subpackets": foreign_subpackets,
}
