"""Which algorithms count, and the mathematics of one signature (rules S8, S9, S14).

``cryptography`` does the arithmetic; this module decides what is allowed at all. What is not listed does not count.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature

from airgap.errors import OpenPGPError
from airgap.openpgp.keys import ECDSAMaterial, EdwardsMaterial, PublicKey, RSAMaterial, SigningMaterial, Unusable

RSA: Final = 1
ECDSA: Final = 19
EDDSA_LEGACY: Final = 22
ED25519: Final = 27
ED448: Final = 28

RSA_BITS_MIN: Final = 2048
RSA_BITS_MAX: Final = 16384  # one check of a larger modulus would cost an attacker nothing and us seconds
RSA_EXPONENT_BITS_MAX: Final = 64  # likewise; everybody uses 17


@dataclass(frozen=True, slots=True)
class HashAlgorithm:
    """A hash: ``salt`` is the salt size in bytes that a version 6 signature must have (RFC 9580 §9.5), None for any."""

    name: str
    new: Callable[[bytes], hashlib._Hash]
    primitive: hashes.HashAlgorithm
    salt: int | None


HASHES: Final[dict[int, HashAlgorithm]] = {
    8: HashAlgorithm("SHA-256", hashlib.sha256, hashes.SHA256(), 16),
    9: HashAlgorithm("SHA-384", hashlib.sha384, hashes.SHA384(), 24),
    10: HashAlgorithm("SHA-512", hashlib.sha512, hashes.SHA512(), 32),
    12: HashAlgorithm("SHA3-256", hashlib.sha3_256, hashes.SHA3_256(), 16),
    14: HashAlgorithm("SHA3-512", hashlib.sha3_512, hashes.SHA3_512(), 32),
}
SHA224: Final = 11
# A revocation is believed even if its hash is weak (C7): to doubt it would be to trust the key.
REVOCATION_HASHES: Final[dict[int, HashAlgorithm]] = HASHES | {
    2: HashAlgorithm("SHA-1", hashlib.sha1, hashes.SHA1(), None),  # noqa: S303  # for revocations only
    SHA224: HashAlgorithm("SHA-224", hashlib.sha224, hashes.SHA224(), 16),
}
_WEAK: Final = {1: "MD5", 2: "SHA-1", 3: "RIPEMD-160", 11: "SHA-224"}
_CURVES: Final[dict[str, ec.EllipticCurve]] = {
    "secp256r1": ec.SECP256R1(),
    "secp384r1": ec.SECP384R1(),
    "secp521r1": ec.SECP521R1(),
}
_KEY_FOR: Final = {
    RSA: RSAMaterial,
    ECDSA: ECDSAMaterial,
    EDDSA_LEGACY: EdwardsMaterial,
    ED25519: EdwardsMaterial,
    ED448: EdwardsMaterial,
}

_DIGEST_MIN: Final[dict[str | int, int]] = {"secp256r1": 32, "secp384r1": 48, "secp521r1": 64, ED25519: 32, ED448: 64}

SignatureValue = int | tuple[int, int] | bytes
"""RSA's integer, the pair (r, s) of ECDSA and legacy EdDSA, or the native bytes of Ed25519 and Ed448."""


def require_hash(algorithm: int, kind: str = "weak-hash") -> HashAlgorithm:
    """The hash that this id names, if it counts. No date rescues a weak one (S8). Raises OpenPGPError(kind)."""
    found = HASHES.get(algorithm)
    if found is None:
        name = _WEAK.get(algorithm, f"hash algorithm {algorithm}")
        raise OpenPGPError(kind, f"made with {name}, which does not count", algorithm=name)
    return found


def require_key(key: PublicKey) -> SigningMaterial:
    """Refuse keys that are too weak or of an algorithm that does not count (S9). Raises OpenPGPError."""
    material = key.material
    if isinstance(material, Unusable):
        raise OpenPGPError("algorithm-unsupported", f"key {key.fingerprint}: {material.why}")
    if isinstance(material, RSAMaterial):
        bits, exponent_bits = material.n.bit_length(), material.e.bit_length()
        if not RSA_BITS_MIN <= bits <= RSA_BITS_MAX or exponent_bits > RSA_EXPONENT_BITS_MAX:
            raise OpenPGPError("weak-key", f"key {key.fingerprint} is RSA with {bits} bits, exponent {exponent_bits}")
    return material


def is_long_enough(hash_: HashAlgorithm, key: PublicKey) -> bool:
    """Whether the hash is as long as the key's curve asks (RFC 9580 §5.2.3.2, §5.2.3.5); RSA asks for nothing."""
    curve = key.material.curve if isinstance(key.material, ECDSAMaterial) else key.algorithm
    return hash_.primitive.digest_size >= _DIGEST_MIN.get(curve, 0)


def cost(key: PublicKey) -> int:
    """What one check with this key costs, in checks with RSA-4096 and its usual exponent; all others cost less."""
    material = key.material
    if not isinstance(material, RSAMaterial):
        return 1
    bits, exponent_bits = material.n.bit_length(), material.e.bit_length()
    if bits > RSA_BITS_MAX or exponent_bits > RSA_EXPONENT_BITS_MAX:
        return 1  # refused before any arithmetic
    return max(1, bits**2 * exponent_bits // (4096**2 * 17))


def verify_digest(key: PublicKey, algorithm: int, hash_: HashAlgorithm, digest: bytes, value: SignatureValue) -> None:
    """Check one signature over an already computed digest (S14). Raises OpenPGPError, returns nothing on success."""
    material = require_key(key)
    if algorithm != key.algorithm or not isinstance(material, _KEY_FOR.get(algorithm, ())):
        raise OpenPGPError(
            "algorithm-unsupported", f"signature algorithm {algorithm} does not fit key {key.fingerprint}"
        )
    try:
        _verify(material, hash_, digest, value)
    except (InvalidSignature, ValueError, UnsupportedAlgorithm, OverflowError):
        raise OpenPGPError("bad-signature", f"the signature does not verify with key {key.fingerprint}") from None


def _verify(material: SigningMaterial, hash_: HashAlgorithm, digest: bytes, value: SignatureValue) -> None:
    if isinstance(material, RSAMaterial):
        size = (material.n.bit_length() + 7) // 8
        if not isinstance(value, int):
            raise ValueError("RSA takes one integer")
        # MPIs drop leading zeros; the primitive wants the length of the modulus (real signatures fail otherwise).
        _rsa(material).verify(value.to_bytes(size, "big"), digest, padding.PKCS1v15(), Prehashed(hash_.primitive))
    elif isinstance(material, ECDSAMaterial):
        if not isinstance(value, tuple):
            raise ValueError("ECDSA takes r and s")
        _ecdsa(material).verify(encode_dss_signature(*value), digest, ec.ECDSA(Prehashed(hash_.primitive)))
    else:
        _edwards(material).verify(_native(value), digest)


def _native(value: SignatureValue) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, int):
        raise ValueError("EdDSA takes r and s")
    return b"".join(half.to_bytes(32, "big") for half in value)  # legacy EdDSA: MPIs that lost leading zeros (§5.2.3.3)


@lru_cache(maxsize=1024)
def _rsa(material: RSAMaterial) -> rsa.RSAPublicKey:
    return rsa.RSAPublicNumbers(material.e, material.n).public_key()


@lru_cache(maxsize=1024)
def _ecdsa(material: ECDSAMaterial) -> ec.EllipticCurvePublicKey:
    return ec.EllipticCurvePublicKey.from_encoded_point(_CURVES[material.curve], material.point)


@lru_cache(maxsize=1024)
def _edwards(material: EdwardsMaterial) -> ed25519.Ed25519PublicKey | ed448.Ed448PublicKey:
    if len(material.raw) == 32:
        return ed25519.Ed25519PublicKey.from_public_bytes(material.raw)
    return ed448.Ed448PublicKey.from_public_bytes(material.raw)
