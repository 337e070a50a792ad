"""What one case is, and the keys and certificates that the families of cases are built from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import shake_256

from cryptography.hazmat.primitives.asymmetric import rsa
from forge import CREATED, SIGNED, Certificate, Part, SecretKey, certificate, mpi, packet, secret_key

DAY = 86_400
PAYLOAD = b'{"what": "was signed"}\n'
RENEWED = CREATED + 100 * DAY  # between the making of keys and the signing of documents
LATER = SIGNED + 100 * DAY  # after the signing of documents, before any reference time
MODERN_HASHES = frozenset({12, 14})
_MODERN_ALGORITHMS = frozenset({"ed25519", "ed448"})
_SMALL_PRIMES = [p for p in range(3, 2000, 2) if all(p % q for q in range(3, int(p**0.5) + 1, 2))]


@dataclass(frozen=True, slots=True)
class Case:
    """One question to a verifier. ``payload`` is None if the signature file carries it (inline).

    ``modern`` tells that RFC 9580 has made or changed something in it that Sequoia 1.12 does not implement;
    ``unjudged`` why no Sequoia here answers the question at all, empty if one does.
    """

    name: str
    certificate: bytes
    signature: bytes
    payload: bytes | None
    reference: int
    modern: bool = False
    unjudged: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """A case without its reference time."""

    name: str
    certificate: bytes
    signature: bytes
    payload: bytes | None = PAYLOAD
    modern: bool = False
    unjudged: str = ""


def draft(
    name: str,
    cert: Certificate | bytes,
    signature: bytes,
    *,
    payload: bytes | None = PAYLOAD,
    modern: bool = False,
    unjudged: str = "",
) -> Draft:
    """A draft that is marked as modern by the keys in its certificate."""
    if isinstance(cert, bytes):
        return Draft(name, cert, signature, payload, modern, unjudged)
    keys = (cert.primary, *cert.subkeys)
    modern = modern or any(key.version == 6 or key.algorithm in _MODERN_ALGORITHMS for key in keys)
    return Draft(name, cert.bytes, signature, payload, modern, unjudged)


def key(seed: str, algorithm: str = "eddsa", *, created: int = CREATED, version: int = 4) -> SecretKey:
    """A signing key; unlike forge's, the RSA ones are the same in every run too."""
    if not algorithm.startswith("rsa"):
        return secret_key(seed, algorithm, created=created, version=version)
    private = _rsa(seed, int(algorithm[3:]))
    public = private.public_key().public_numbers()
    return SecretKey(algorithm, version, created, mpi(public.n) + mpi(public.e), b"", private)


@cache
def _rsa(seed: str, bits: int) -> rsa.RSAPrivateKey:
    p, q = (_prime(f"{seed}/{bits}/{one}", bits // 2) for one in "pq")
    d = pow(65537, -1, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(65537, p * q)
    numbers = rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), public)
    return numbers.private_key(unsafe_skip_rsa_key_validation=bits < 1024)


def _prime(seed: str, bits: int) -> int:
    """A probable prime with its two top bits set: good enough for keys that protect nothing."""
    number = int.from_bytes(shake_256(b"differential\0" + seed.encode()).digest(bits // 8), "big")
    number |= 3 << (bits - 2) | 1
    while any(number % small == 0 for small in _SMALL_PRIMES) or number % 65537 == 1 or pow(2, number - 1, number) != 1:
        number += 2
    return number


def body_of(framed: bytes) -> bytes:
    """The body of a packet in the legacy framing that forge uses for signatures."""
    return framed[1 + (1, 2, 4)[framed[0] & 3] :]


def reframed(framed: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """The same packet with another body."""
    return packet(framed[0] >> 2 & 0x0F, change(body_of(framed)), old=True)


def assemble(
    primary: SecretKey,
    *,
    revocations: Sequence[bytes] = (),
    direct: Sequence[bytes] = (),
    users: Mapping[str, Sequence[bytes]] | None = None,
    subkeys: Sequence[tuple[SecretKey, Sequence[bytes]]] = (),
) -> Certificate:
    """A certificate from exactly these signatures, in exactly this order."""
    parts = [Part("primary", primary.public_packet())]
    parts += [Part("revocation", one) for one in revocations]
    parts += [Part("direct", one) for one in direct]
    for user, signatures in (users or {}).items():
        parts.append(Part("user-id", packet(13, user.encode(), old=True)))
        parts += [Part("certification", one) for one in signatures]
    result = Certificate(primary, tuple(parts))
    for subkey, bindings in subkeys:
        parts = [Part("subkey", subkey.public_packet(subkey=True)), *(Part("binding", one) for one in bindings)]
        result = Certificate(primary, (*result.parts, *parts), (*result.subkeys, subkey))
    return result


def plain(seed: str = "plain", *, subkey: bool = False) -> Certificate:
    """A good certificate, with a signing subkey or with a primary key that signs."""
    return certificate(seed, signing_subkey="eddsa" if subkey else None)


__all__ = [
    "CREATED",
    "DAY",
    "LATER",
    "MODERN_HASHES",
    "PAYLOAD",
    "RENEWED",
    "SIGNED",
    "Case",
    "Draft",
    "assemble",
    "body_of",
    "draft",
    "key",
    "plain",
    "reframed",
]
