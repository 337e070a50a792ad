"""The bounded reader for what PGPy cannot decode: version 6 packets, and the native Ed25519 and Ed448 algorithms.

Formats: RFC 9580 §5.5.5 (key material), §5.2.3 (signature values), §3.2 (multiprecision integers), §9.2 (curves).
"""

from __future__ import annotations

from typing import Final

from airgap.openpgp.algorithms import ECDSA, ED448, ED25519, EDDSA_LEGACY, RSA, SignatureValue
from airgap.openpgp.keys import ECDSAMaterial, EdwardsMaterial, Material, RSAMaterial, Unusable
from airgap.openpgp.packets import Malformed

ALGORITHMS: Final = frozenset({RSA, ECDSA, ED25519, ED448})
NATIVE: Final = frozenset({ED25519, ED448})  # the same fixed-size fields in version 4 and version 6

_KEY_BYTES: Final = {ED25519: 32, ED448: 57}
_SIGNATURE_BYTES: Final = {ED25519: 64, ED448: 114}
# How many integers a signature value has: for those that count, and for RSA that only signs, DSA and Elgamal (§9.1).
_SIGNATURE_MPIS: Final = {RSA: 1, 3: 1, 17: 2, ECDSA: 2, 20: 2, EDDSA_LEGACY: 2}
_CURVES: Final = {
    bytes.fromhex("2a8648ce3d030107"): "secp256r1",
    bytes.fromhex("2b81040022"): "secp384r1",
    bytes.fromhex("2b81040023"): "secp521r1",
}

_POINT_BYTES: Final = {"secp256r1": 65, "secp384r1": 97, "secp521r1": 133}
_UNCOMPRESSED: Final = 4  # §11.2.1


def decode_key_material(algorithm: int, data: bytes) -> Material:
    """The algorithm-specific part of a public key packet, to its last byte. Raises Malformed."""
    if algorithm in NATIVE:
        return EdwardsMaterial(_sized(data, _KEY_BYTES[algorithm]))
    if algorithm == RSA:
        n, e = _mpis(data, 2)
        return RSAMaterial(n, e)
    length = data[0] if data else 0
    curve = _CURVES.get(data[1 : 1 + length])
    if curve is None:
        return Unusable("ECDSA over a curve that is not a NIST one")
    (number,) = _mpis(data[1 + length :], 1)
    point = number.to_bytes((number.bit_length() + 7) // 8, "big")
    if len(point) != _POINT_BYTES[curve] or point[0] != _UNCOMPRESSED:
        raise Malformed("the point is not an uncompressed one of its curve")
    return ECDSAMaterial(curve, point)


def decode_signature_value(algorithm: int, data: bytes) -> SignatureValue:
    """The algorithm-specific part of a signature packet, to its last byte. Raises Malformed."""
    if algorithm in NATIVE:
        return _sized(data, _SIGNATURE_BYTES[algorithm])
    if algorithm == RSA:
        return _mpis(data, 1)[0]
    r, s = _mpis(data, 2)
    return r, s


def require_form(algorithm: int, data: bytes) -> None:
    """Look at a signature value that nobody will verify: of a known algorithm, it must be exact. Raises Malformed."""
    if algorithm in NATIVE:
        _sized(data, _SIGNATURE_BYTES[algorithm])
    elif algorithm in _SIGNATURE_MPIS:
        _mpis(data, _SIGNATURE_MPIS[algorithm])


def encode_mpi(value: int) -> bytes:
    """The one encoding of a multiprecision integer (RFC 9580 §3.2): bit count, then no leading zero byte."""
    return value.bit_length().to_bytes(2, "big") + value.to_bytes((value.bit_length() + 7) // 8, "big")


def _mpis(data: bytes, count: int) -> list[int]:
    found: list[int] = []
    at = 0
    for _ in range(count):
        octets = (int.from_bytes(data[at : at + 2], "big") + 7) // 8
        found.append(int.from_bytes(data[at + 2 : at + 2 + octets], "big"))
        at += 2 + octets
    if b"".join(map(encode_mpi, found)) != data:
        raise Malformed("the integers are not in their one encoding")
    return found


def _sized(data: bytes, size: int) -> bytes:
    if len(data) != size:
        raise Malformed(f"{len(data)} bytes where {size} belong")
    return data
