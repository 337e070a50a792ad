"""Secret keys made from a seed, and what OpenPGP derives from them (RFC 9580 §5.5, §9.1, §9.2)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cache

from cryptography.hazmat.primitives import hashes as digests
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature

from .hashes import digest_info
from .packets import PUBLIC_KEY, SECRET_KEY, SECRET_SUBKEY, SUBKEY, mpi, packet

CREATED = 1_704_067_200
"""2024-01-01 00:00:00 UTC: when keys are made, unless told otherwise."""
SIGNED = 1_748_736_000
"""2025-06-01 00:00:00 UTC: when documents are signed, unless told otherwise."""

Private = (
    rsa.RSAPrivateKey
    | ec.EllipticCurvePrivateKey
    | ed25519.Ed25519PrivateKey
    | ed448.Ed448PrivateKey
    | x25519.X25519PrivateKey
    | None
)

_ED25519_LEGACY = bytes.fromhex("2b06010401da470f01")
_CURVE25519_LEGACY = bytes.fromhex("2b060104019755010501")
_KDF = bytes.fromhex("03010807")  # §11.5: SHA-256 and AES-128, as gpg writes
_CURVES: dict[str, tuple[ec.EllipticCurve, str]] = {
    "p256": (ec.SECP256R1(), "2a8648ce3d030107"),
    "p384": (ec.SECP384R1(), "2b81040022"),
    "p521": (ec.SECP521R1(), "2b81040023"),
    "k256": (ec.SECP256K1(), "2b8104000a"),
    "bp256": (ec.BrainpoolP256R1(), "2b2403030208010107"),
}
_IDS = {"eddsa": 22, "ed25519": 27, "ed448": 28, "cv25519": 18, "x25519": 25, "unknown": 99}
_RAW_SIZES = {"eddsa": 32, "ed25519": 32, "ed448": 57, "cv25519": 32, "x25519": 32, "unknown": 32}
_HASH_FOR = {"p384": 9, "p521": 10, "ed448": 10}  # §5.2.3.2, §5.2.3.5: no digest shorter than the curve
_PREHASHED: dict[int, digests.HashAlgorithm] = {
    16: digests.MD5(),
    20: digests.SHA1(),
    28: digests.SHA224(),
    32: digests.SHA256(),
    48: digests.SHA384(),
    64: digests.SHA512(),
}


@dataclass(frozen=True)
class SecretKey:
    """A key pair with its OpenPGP wrapping. Equal when the public packet is."""

    algorithm: str
    version: int
    created: int
    material: bytes
    """The algorithm-specific part of the public key packet."""
    secret_material: bytes = field(repr=False, compare=False)
    private: Private = field(repr=False, compare=False)

    @property
    def algorithm_id(self) -> int:
        """The public-key algorithm number (§9.1)."""
        if self.algorithm in _CURVES:
            return 19
        return 1 if self.algorithm.startswith("rsa") else _IDS[self.algorithm]

    @property
    def public_body(self) -> bytes:
        """The body of the public key packet (§5.5.2); version 6 counts the material."""
        head = bytes([self.version]) + self.created.to_bytes(4, "big") + bytes([self.algorithm_id])
        return head + (len(self.material).to_bytes(4, "big") if self.version == 6 else b"") + self.material

    @property
    def secret_body(self) -> bytes:
        """The body of an unprotected secret key packet (§5.5.3)."""
        checksum = b"" if self.version == 6 else (sum(self.secret_material) % 0x10000).to_bytes(2, "big")
        return self.public_body + b"\0" + self.secret_material + checksum

    @property
    def hash_prefix(self) -> bytes:
        """What stands for this key in the hash of a certification and of its own fingerprint (§5.2.4)."""
        start = b"\x9b" if self.version == 6 else b"\x99"
        return start + len(self.public_body).to_bytes(4 if self.version == 6 else 2, "big") + self.public_body

    @property
    def fingerprint(self) -> bytes:
        """20 octets for version 4, 32 for version 6 (§5.5.4)."""
        if self.version == 6:
            return hashlib.sha256(self.hash_prefix).digest()
        return hashlib.sha1(self.hash_prefix, usedforsecurity=False).digest()

    @property
    def key_id(self) -> bytes:
        """The last eight octets of a version 4 fingerprint, the first eight of version 6 (§5.5.4)."""
        return self.fingerprint[:8] if self.version == 6 else self.fingerprint[-8:]

    @property
    def signs(self) -> bool:
        """False for encryption-only and unknown algorithms."""
        return self.private is not None and not isinstance(self.private, x25519.X25519PrivateKey)

    @property
    def default_hash(self) -> int:
        """SHA-256, or longer where the curve asks for it."""
        return _HASH_FOR.get(self.algorithm, 8)

    def public_packet(self, *, subkey: bool = False, secret: bool = False) -> bytes:
        """The (sub)key packet; ``secret`` gives the unprotected secret one."""
        if secret:
            return packet(SECRET_SUBKEY if subkey else SECRET_KEY, self.secret_body, old=True)
        return packet(SUBKEY if subkey else PUBLIC_KEY, self.public_body, old=True)

    def sign(self, hash_algo: int, digest: bytes) -> bytes:
        """The algorithm-specific fields of a signature over ``digest`` (§5.2.3).

        A key which cannot sign raises TypeError.
        """
        match self.private:
            case rsa.RSAPrivateKey() as private:
                return mpi(_rsa_sign(private, digest_info(hash_algo, digest)))
            case ec.EllipticCurvePrivateKey() as private:
                algorithm = ec.ECDSA(Prehashed(_PREHASHED[len(digest)]), deterministic_signing=True)
                return b"".join(map(mpi, decode_dss_signature(private.sign(digest, algorithm))))
            case ed25519.Ed25519PrivateKey() | ed448.Ed448PrivateKey() as private:
                signature = private.sign(digest)
                return mpi(signature[:32]) + mpi(signature[32:]) if self.algorithm == "eddsa" else signature
        raise TypeError(f"{self.algorithm} keys do not sign")


def secret_key(seed: str, algorithm: str = "eddsa", *, created: int = CREATED, version: int = 4) -> SecretKey:
    """The key that belongs to ``seed`` and ``algorithm``; the same in every run, except for RSA.

    Signing: eddsa (22), ed25519 (27), ed448 (28), p256, p384, p521, k256, bp256 (19), rsa<bits> (1).
    Not signing: cv25519 (18), x25519 (25) and unknown (99), whose material means nothing.
    """
    if algorithm.startswith("rsa"):
        return _rsa_key(_new_rsa(seed, int(algorithm[3:])), algorithm, created, version)
    size = _CURVES[algorithm][0].key_size // 8 if algorithm in _CURVES else _RAW_SIZES[algorithm]
    raw = hashlib.shake_256(f"airgap forge\0{algorithm}\0{seed}".encode()).digest(size)
    return import_secret(raw, algorithm, created=created, version=version)


def import_secret(raw: bytes, algorithm: str, *, created: int = CREATED, version: int = 4) -> SecretKey:
    """A key from its secret octets: published test vectors (RFC 9580 §A.4) can be made again."""

    def key(material: bytes, secret: bytes, private: Private) -> SecretKey:
        return SecretKey(algorithm, version, created, material, secret, private)

    if algorithm in _CURVES:
        curve, oid = _CURVES[algorithm]
        # Halved, the scalar is below the order of every curve here; a hair of the key space is lost.
        scalar = int.from_bytes(raw, "big") >> 1
        derived = ec.derive_private_key(scalar, curve)
        point = derived.public_key().public_numbers()
        size = (curve.key_size + 7) // 8
        encoded = b"\x04" + point.x.to_bytes(size, "big") + point.y.to_bytes(size, "big")
        return key(_with_length(bytes.fromhex(oid)) + mpi(encoded), mpi(scalar), derived)
    match algorithm:
        case "eddsa":
            edwards = ed25519.Ed25519PrivateKey.from_private_bytes(raw)
            public = b"\x40" + edwards.public_key().public_bytes_raw()
            return key(_with_length(_ED25519_LEGACY) + mpi(public), mpi(raw), edwards)
        case "ed25519":
            edwards = ed25519.Ed25519PrivateKey.from_private_bytes(raw)
            return key(edwards.public_key().public_bytes_raw(), raw, edwards)
        case "ed448":
            goldilocks = ed448.Ed448PrivateKey.from_private_bytes(raw)
            return key(goldilocks.public_key().public_bytes_raw(), raw, goldilocks)
        case "cv25519":
            montgomery = x25519.X25519PrivateKey.from_private_bytes(raw)
            public = b"\x40" + montgomery.public_key().public_bytes_raw()
            # §5.5.5.6.1.1: the legacy secret is stored reversed, and clamped
            clamped = bytes([raw[0] & 0xF8]) + raw[1:31] + bytes([raw[31] & 0x7F | 0x40])
            return key(_with_length(_CURVE25519_LEGACY) + mpi(public) + _KDF, mpi(clamped[::-1]), montgomery)
        case "x25519":
            montgomery = x25519.X25519PrivateKey.from_private_bytes(raw)
            return key(montgomery.public_key().public_bytes_raw(), raw, montgomery)
        case "unknown":
            return key(raw, raw, None)
    raise ValueError(f"no such algorithm: {algorithm}")


def _with_length(oid: bytes) -> bytes:
    return bytes([len(oid)]) + oid


@cache
def _new_rsa(seed: str, bits: int) -> rsa.RSAPrivateKey:
    """One key for each seed and size as long as the process lives."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def _rsa_key(private: rsa.RSAPrivateKey, algorithm: str, created: int, version: int) -> SecretKey:
    numbers = private.private_numbers()
    public = numbers.public_numbers
    p, q = sorted((numbers.p, numbers.q))  # §5.5.5.1: u is the inverse of p, p the smaller one
    secret = b"".join(map(mpi, (numbers.d, p, q, pow(p, -1, q))))
    return SecretKey(algorithm, version, created, mpi(public.n) + mpi(public.e), secret, private)


def _rsa_sign(private: rsa.RSAPrivateKey, info: bytes) -> int:
    """RSASSA-PKCS1-v1_5 by hand (RFC 8017 §8.2.1): ``cryptography`` has no RIPEMD-160."""
    numbers = private.private_numbers()
    size = (private.key_size + 7) // 8
    message = int.from_bytes(b"\0\1" + b"\xff" * (size - len(info) - 3) + b"\0" + info, "big")
    low, high = pow(message, numbers.dmp1, numbers.p), pow(message, numbers.dmq1, numbers.q)
    return high + numbers.q * ((low - high) * numbers.iqmp % numbers.p)
