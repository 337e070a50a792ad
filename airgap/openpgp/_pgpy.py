"""PGPy decodes version 4 key packets and signature values here, and nowhere else (docs/adr/0002).

It sees only bytes that the packet walk has approved: one packet, no subpacket areas, a supported algorithm. Its
verdicts are never asked for, what it decoded must encode to the very same bytes again, and whatever it raises becomes
Malformed.
"""

from __future__ import annotations

from typing import Any, Final

from pgpy.constants import EllipticCurveOID
from pgpy.packet import Packet as PGPyPacket

from airgap.openpgp.algorithms import ECDSA, EDDSA_LEGACY, RSA, SignatureValue
from airgap.openpgp.keys import ECDSAMaterial, EdwardsMaterial, Material, RSAMaterial, Unusable
from airgap.openpgp.packets import PUBLIC_KEY, SIGNATURE, Malformed, Packet
from airgap.openpgp.rfc9580 import encode_mpi

ALGORITHMS: Final = frozenset({RSA, ECDSA, EDDSA_LEGACY})
_CURVES: Final[dict[Any, str]] = {
    EllipticCurveOID.NIST_P256: "secp256r1",
    EllipticCurveOID.NIST_P384: "secp384r1",
    EllipticCurveOID.NIST_P521: "secp521r1",
}


def decode_public_key(body: bytes) -> Material:
    """The key material of a version 4 public key packet body whose algorithm is in ALGORITHMS. Raises Malformed."""
    decoded = _decode(Packet(PUBLIC_KEY, body))
    try:
        if bytes(decoded.keymaterial.__bytearray__()) != body[6:]:
            raise Malformed("the key material does not encode to the same bytes again")
        return _material(decoded.keymaterial, body[5])
    except (AttributeError, ValueError, TypeError) as error:
        raise Malformed(f"the key material is malformed: {error}") from None


def decode_signature_value(body: bytes) -> SignatureValue:
    """The signature integers of a version 4 signature packet body with emptied subpacket areas. Raises Malformed."""
    decoded = _decode(Packet(SIGNATURE, body))
    value = decoded.signature
    try:
        numbers = [int(value.md_mod_n)] if body[2] == RSA else [int(value.r), int(value.s)]
    except AttributeError as error:
        raise Malformed(f"the signature value is malformed: {error}") from None
    if b"".join(map(encode_mpi, numbers)) != body[10:]:
        raise Malformed("the signature value does not encode to the same bytes again")
    return numbers[0] if body[2] == RSA else (numbers[0], numbers[1])


def _decode(packet: Packet) -> Any:
    try:
        return PGPyPacket(bytearray(packet.encoded))
    except Exception as error:  # what PGPy raises on hostile bytes has no common base
        raise Malformed(f"{type(error).__name__} while decoding") from None


def _material(decoded: Any, algorithm: int) -> Material:
    if algorithm == RSA:
        return RSAMaterial(int(decoded.n), int(decoded.e))
    if algorithm == EDDSA_LEGACY:
        if decoded.oid != EllipticCurveOID.Ed25519 or len(decoded.p.x) != 32:
            return Unusable("legacy EdDSA over a curve other than Ed25519")
        return EdwardsMaterial(bytes(decoded.p.x))
    curve = _CURVES.get(decoded.oid)
    if curve is None:
        return Unusable(f"ECDSA over {decoded.oid.name}, which is not a NIST curve")
    return ECDSAMaterial(curve, bytes(decoded.p.to_mpibytes())[2:])
