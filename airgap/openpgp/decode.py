"""Packet bodies to values: key packets and signature packets of versions 4 and 6.

Structure and subpacket areas are read here for both versions. Key material and signature values of version 4 come
from PGPy, all others from rfc9580.py (docs/adr/0002).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from airgap.errors import OpenPGPError
from airgap.openpgp import _pgpy, rfc9580
from airgap.openpgp.algorithms import HashAlgorithm, SignatureValue
from airgap.openpgp.keys import Fingerprint, Material, PublicKey, Unusable, fingerprint_of
from airgap.openpgp.packets import Malformed
from airgap.openpgp.subpackets import (
    CREATION_TIME,
    EMBEDDED_SIGNATURE,
    EXPIRATION_TIME,
    ISSUER_FINGERPRINT,
    ISSUER_KEY_ID,
    KNOWN,
    NOTATION,
    Area,
    parse_area,
)

_V4_BODY_MAX: Final = 0xFFFF  # bytes: the length that is hashed into the fingerprint has two octets (§5.5.4)
_ENCRYPTION_ONLY: Final = {2: "RSA", 16: "Elgamal", 18: "ECDH", 25: "X25519", 26: "X448"}


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature packet of version 4 or 6, decoded but not verified.

    ``hashed_fields`` is everything from the version octet to the end of the hashed area, as it is hashed; ``prefix``
    the first two octets of the digest, which must be right; ``encoded_value`` the algorithm-specific part, undecoded.
    ``created`` is in seconds since 1970, from the hashed area, None unless it stands there exactly once (S3). The
    issuers are those of both areas (S5).
    """

    version: int
    type: int
    key_algorithm: int
    hash_algorithm: int
    hashed_fields: bytes
    hashed: Area
    unhashed: Area
    prefix: bytes
    salt: bytes
    encoded_value: bytes
    created: int | None
    issuer_fingerprints: frozenset[Fingerprint]
    issuer_key_ids: frozenset[bytes]

    @property
    def fault(self) -> str | None:
        """What is malformed in it although its fields can be told apart (S7); None if nothing is."""
        found = self.hashed.fault or self.unhashed.fault
        if found is None:
            for body in self.hashed.bodies(EMBEDDED_SIGNATURE) + self.unhashed.bodies(EMBEDDED_SIGNATURE):
                found = found or _embedded_fault(self.version, body)
        return found

    @property
    def unknown_critical(self) -> int | None:
        """The type of a critical subpacket that is not understood, None if there is none (S6).

        No notation is understood, so any critical one counts as unknown (§5.2.3.24).
        """
        for subpacket in self.hashed.subpackets:
            if subpacket.critical and (subpacket.type not in KNOWN or subpacket.type == NOTATION):
                return subpacket.type
        return None

    @property
    def expires(self) -> int | None:
        """The second from which this signature no longer counts, None for never."""
        after = self.hashed.number(EXPIRATION_TIME)
        return None if not after or self.created is None else self.created + after

    def names(self, key: PublicKey) -> bool:
        """Whether every issuer that is named is this key, and at least one is (S5)."""
        fingerprints, key_ids = self.issuer_fingerprints, self.issuer_key_ids
        return (
            bool(fingerprints or key_ids) and fingerprints <= {key.fingerprint} and key_ids <= {key.fingerprint.key_id}
        )

    def might_be_by(self, fingerprint: Fingerprint) -> bool:
        """Whether a hint points at this key: for look-up only."""
        return fingerprint in self.issuer_fingerprints or fingerprint.key_id in self.issuer_key_ids

    def digest(self, hash_: HashAlgorithm, material: bytes) -> bytes:
        """The digest that the signature value is over (RFC 9580 §5.2.4)."""
        trailer = bytes([self.version, 0xFF]) + len(self.hashed_fields).to_bytes(4, "big")
        return hash_.new(self.salt + material + self.hashed_fields + trailer).digest()

    def value(self) -> SignatureValue:
        """Decode the algorithm-specific part. Raises Malformed."""
        if self.version == 4 and self.key_algorithm in _pgpy.ALGORITHMS:
            fixed = bytes([4, self.type, self.key_algorithm, self.hash_algorithm])
            return _pgpy.decode_signature_value(fixed + b"\0\0\0\0" + self.prefix + self.encoded_value)
        if self.key_algorithm in (rfc9580.NATIVE if self.version == 4 else rfc9580.ALGORITHMS):
            return rfc9580.decode_signature_value(self.key_algorithm, self.encoded_value)
        raise OpenPGPError("algorithm-unsupported", f"signature algorithm {self.key_algorithm} does not count")


def decode_signature(body: bytes) -> Signature:
    """Decode a signature packet body. Raises Malformed, or OpenPGPError for versions that never count."""
    version = body[0] if body else 0
    if version not in (4, 6):
        raise OpenPGPError(
            "signature-version-unsupported", f"a version {version} signature does not count", version=version
        )
    reader = _Reader(body)
    _, type_, key_algorithm, hash_algorithm = reader.take(4)
    count_octets = 2 if version == 4 else 4
    hashed = reader.take(reader.number(count_octets))
    hashed_fields = body[: reader.at]
    unhashed = reader.take(reader.number(count_octets))
    prefix = reader.take(2)
    salt = b"" if version == 4 else reader.take(reader.number(1))
    hashed_area, unhashed_area = parse_area(hashed), parse_area(unhashed)
    times = hashed_area.bodies(CREATION_TIME)
    fingerprints = hashed_area.bodies(ISSUER_FINGERPRINT) + unhashed_area.bodies(ISSUER_FINGERPRINT)
    return Signature(
        version=version,
        type=type_,
        key_algorithm=key_algorithm,
        hash_algorithm=hash_algorithm,
        hashed_fields=hashed_fields,
        hashed=hashed_area,
        unhashed=unhashed_area,
        prefix=prefix,
        salt=salt,
        encoded_value=reader.rest(),
        created=int.from_bytes(times[0], "big") if len(times) == 1 else None,
        issuer_fingerprints=frozenset(
            Fingerprint(body[1:].hex().upper()) for body in fingerprints if len(body) in (21, 33)
        ),
        issuer_key_ids=frozenset(hashed_area.bodies(ISSUER_KEY_ID) + unhashed_area.bodies(ISSUER_KEY_ID)),
    )


def _embedded_fault(version: int, body: bytes) -> str | None:
    """What is wrong with a signature embedded in one of ``version``; one of an unknown algorithm is no fault (C10)."""
    if body[0] != version:
        return f"the signature embedded in it has version {body[0]}"
    try:
        embedded = decode_signature(body)
        if embedded.hashed.bodies(EMBEDDED_SIGNATURE) or embedded.unhashed.bodies(EMBEDDED_SIGNATURE):
            return "a signature is embedded in the signature embedded in it"
        if embedded.key_algorithm in _ENCRYPTION_ONLY:
            raise Malformed(f"algorithm {embedded.key_algorithm} only encrypts")
        rfc9580.require_form(embedded.key_algorithm, embedded.encoded_value)
    except Malformed as error:
        return f"the signature embedded in it is malformed: {error}"
    return embedded.fault


def decode_public_key(body: bytes) -> PublicKey:
    """Decode a public key or subkey packet body. Raises Malformed, or OpenPGPError for versions that never count.

    A key of an unknown algorithm or curve is a key all the same, with Unusable material (C10).
    """
    version = body[0] if body else 0
    if version not in (4, 6):
        raise OpenPGPError(
            "certificate-version-unsupported", f"a version {version} key does not count", version=version
        )
    if version == 4 and len(body) > _V4_BODY_MAX:
        raise Malformed(f"a version 4 key of {len(body)} bytes has no fingerprint")
    reader = _Reader(body)
    reader.take(1)
    created = reader.number(4)
    algorithm = reader.number(1)
    if version == 6 and reader.number(4) != len(body) - reader.at:
        raise Malformed("the key material has another length than its count says")
    material = _material(version, algorithm, body, reader.rest())
    return PublicKey(version, created, algorithm, material, body, fingerprint_of(version, body))


def _material(version: int, algorithm: int, body: bytes, encoded: bytes) -> Material:
    if version == 4 and algorithm in _pgpy.ALGORITHMS:
        return _pgpy.decode_public_key(body) if _known_curve(algorithm, encoded) else _UNKNOWN_CURVE
    if algorithm in (rfc9580.NATIVE if version == 4 else rfc9580.ALGORITHMS):
        return rfc9580.decode_key_material(algorithm, encoded)
    if algorithm in _ENCRYPTION_ONLY:
        return Unusable(f"{_ENCRYPTION_ONLY[algorithm]} keys only encrypt")
    return Unusable(f"public-key algorithm {algorithm} does not count")


_UNKNOWN_CURVE: Final = Unusable("a curve that is neither Ed25519 nor a NIST one")
_CURVE_OIDS: Final = {
    19: frozenset({"2a8648ce3d030107", "2b81040022", "2b81040023"}),
    22: frozenset({"2b06010401da470f01"}),
}


def _known_curve(algorithm: int, encoded: bytes) -> bool:
    """PGPy raises on curves it does not know; such a subkey must not make its certificate unreadable."""
    oids = _CURVE_OIDS.get(algorithm)
    return oids is None or encoded[1 : 1 + (encoded[0] if encoded else 0)].hex() in oids


class _Reader:
    """Takes exact pieces from the front of a body."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def take(self, length: int) -> bytes:
        piece = self._data[self.at : self.at + length]
        if len(piece) != length:
            raise Malformed("the packet ends inside a field")
        self.at += length
        return piece

    def number(self, octets: int) -> int:
        return int.from_bytes(self.take(octets), "big")

    def rest(self) -> bytes:
        return self.take(len(self._data) - self.at)
