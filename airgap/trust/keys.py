"""Which keys a trust root lets count, among those that are strong enough for any (rule S9). It can only be narrower."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from airgap.errors import OpenPGPError
from airgap.openpgp.keys import ECDSAMaterial, EdwardsMaterial, PublicKey, RSAMaterial

ALGORITHMS: Final = ("ecdsa", "ed25519", "ed448", "rsa")
RSA_BITS_MIN: Final = 2048  # bits of a modulus; no root can ask for less
RSA_BITS_MAX: Final = 16384
_ED25519_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class KeyPolicy:
    """Algorithms by their names in ALGORITHMS, and the least RSA modulus in bits."""

    algorithms: tuple[str, ...] = ALGORITHMS
    rsa_bits: int = RSA_BITS_MIN

    def require(self, key: PublicKey) -> None:
        """Raises OpenPGPError(algorithm-unsupported or weak-key) for a key that this root does not let count."""
        name = _algorithm(key)
        if name not in self.algorithms:
            raise OpenPGPError(
                "algorithm-unsupported",
                f"key {key.fingerprint} is of algorithm {name}; the trust root lets {', '.join(self.algorithms)} count",
                hint="Ask the maintainer to sign with a key of an algorithm that the trust root allows.",
            )
        bits = key.material.n.bit_length() if isinstance(key.material, RSAMaterial) else self.rsa_bits
        if bits < self.rsa_bits:
            raise OpenPGPError(
                "weak-key",
                f"key {key.fingerprint} has {bits} bits; the trust root asks for {self.rsa_bits}",
                hint="Ask the maintainer to sign with a longer RSA key, or one of another algorithm.",
            )


ANY_KEY: Final = KeyPolicy()


def _algorithm(key: PublicKey) -> str:
    if isinstance(key.material, RSAMaterial):
        return "rsa"
    if isinstance(key.material, ECDSAMaterial):
        return "ecdsa"
    if isinstance(key.material, EdwardsMaterial):
        return "ed25519" if len(key.material.raw) == _ED25519_BYTES else "ed448"
    return f"{key.algorithm} (OpenPGP)"
