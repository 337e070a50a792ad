"""Public keys as values: what a key packet says, with its fingerprint recomputed from the packet's own bytes."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final

_FINGERPRINT: Final = re.compile(r"(?:[0-9A-F]{40}|[0-9A-F]{64})")


@dataclass(frozen=True, slots=True, order=True)
class Fingerprint:
    """A full fingerprint in upper-case hex: 40 digits for version 4, 64 for version 6 (RFC 9580 §5.5.4)."""

    hex: str

    def __post_init__(self) -> None:
        if not _FINGERPRINT.fullmatch(self.hex):
            raise ValueError(f"not a full OpenPGP fingerprint: {self.hex[:70]!r}")

    def __str__(self) -> str:
        return self.hex

    @property
    def key_id(self) -> bytes:
        """The 64-bit key id: a hint for look-up, never a reason to believe anything."""
        raw = bytes.fromhex(self.hex)
        return raw[-8:] if len(raw) == 20 else raw[:8]

    @property
    def spaced(self) -> str:
        """In groups of four, for reading aloud."""
        return " ".join(self.hex[i : i + 4] for i in range(0, len(self.hex), 4))


@dataclass(frozen=True, slots=True)
class RSAMaterial:
    n: int
    e: int


@dataclass(frozen=True, slots=True)
class ECDSAMaterial:
    """A NIST curve by its name in SEC 2 (``secp256r1`` …) and the uncompressed point."""

    curve: str
    point: bytes


@dataclass(frozen=True, slots=True)
class EdwardsMaterial:
    """A native public key of 32 (Ed25519) or 57 (Ed448) bytes."""

    raw: bytes


@dataclass(frozen=True, slots=True)
class Unusable:
    """A key that cannot make a signature that counts, and why: encryption only, unknown curve, unknown algorithm."""

    why: str


SigningMaterial = RSAMaterial | ECDSAMaterial | EdwardsMaterial
Material = SigningMaterial | Unusable


@dataclass(frozen=True, slots=True)
class PublicKey:
    """One public key or subkey packet. ``created`` is in seconds since 1970; ``body`` the exact packet body."""

    version: int
    created: int
    algorithm: int
    material: Material
    body: bytes
    fingerprint: Fingerprint

    @property
    def secret(self) -> object:
        """Equal for two keys that one secret signs for, whatever their packets say; None if it can sign nothing."""
        if isinstance(self.material, Unusable):
            return None
        return self.material.n if isinstance(self.material, RSAMaterial) else self.material

    @property
    def hash_prefix(self) -> bytes:
        """What is hashed in front of the key when a signature is made over it (RFC 9580 §5.2.4)."""
        return _prefix(self.version, len(self.body))


def fingerprint_of(version: int, body: bytes) -> Fingerprint:
    """Recompute the fingerprint of a version 4 or 6 key packet body (RFC 9580 §5.5.4)."""
    framed = _prefix(version, len(body)) + body
    digest = hashlib.sha1(framed, usedforsecurity=False) if version == 4 else hashlib.sha256(framed)
    return Fingerprint(digest.hexdigest().upper())


def parse_fingerprint(text: str) -> Fingerprint:
    """A full fingerprint as people write it: any case, spaces between groups, optional ``0x``. Raises ValueError."""
    compact = "".join(text.split()).upper().removeprefix("0X")
    return Fingerprint(compact)


def _prefix(version: int, length: int) -> bytes:
    return b"\x99" + length.to_bytes(2, "big") if version == 4 else b"\x9b" + length.to_bytes(4, "big")
