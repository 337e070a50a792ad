"""The hash algorithms of OpenPGP, also those nobody should use any more (RFC 9580 §9.5)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Hash:
    """``name`` as hashlib spells it, the DER of its object identifier (§5.2.3.1), v6 salt size (Table 23)."""

    name: str
    oid: str
    salt_size: int

    def new(self, data: bytes = b"") -> hashlib._Hash:
        """Raises ValueError where OpenSSL was built without the algorithm (RIPEMD-160, often)."""
        return hashlib.new(self.name, data, usedforsecurity=False)


# RFC 9580 gives no salt size for the first three: v6 must not use them. 16 lets forge make such signatures.
HASHES = {
    1: Hash("md5", "06082a864886f70d0205", 16),
    2: Hash("sha1", "06052b0e03021a", 16),
    3: Hash("ripemd160", "06052b24030201", 16),
    8: Hash("sha256", "0609608648016503040201", 16),
    9: Hash("sha384", "0609608648016503040202", 24),
    10: Hash("sha512", "0609608648016503040203", 32),
    11: Hash("sha224", "0609608648016503040204", 16),
    12: Hash("sha3_256", "0609608648016503040208", 16),
    14: Hash("sha3_512", "060960864801650304020a", 32),
}


def digest_info(hash_algo: int, digest: bytes) -> bytes:
    """The DigestInfo of RSASSA-PKCS1-v1_5 (RFC 8017 §9.2)."""
    algorithm = bytes.fromhex(HASHES[hash_algo].oid) + b"\x05\x00"
    inner = b"\x30" + bytes([len(algorithm)]) + algorithm + b"\x04" + bytes([len(digest)]) + digest
    return b"\x30" + bytes([len(inner)]) + inner
