"""What a signature file is: an OpenPGP signed message, or a detached signature (rules F1 to F7).

Exactly one-pass signature, literal, signature, inside at most one compressed packet; or exactly one signature packet.
Everything else that OpenPGP allows is refused, so that what is hashed is beyond doubt (CVE-2018-12020, CVE-2022-34903).
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Final

from airgap.errors import FormatError, OpenPGPError
from airgap.limits import LIMITS
from airgap.openpgp import armor, packets
from airgap.openpgp.decode import Signature, decode_signature
from airgap.openpgp.packets import Malformed, Packet

_WINDOW_BITS: Final = {1: -15, 2: 15}  # ZIP is raw deflate, ZLIB has its header and checksum (§9.4)
_UNCOMPRESSED: Final = 0


@dataclass(frozen=True, slots=True)
class SignedMessage:
    """A signature file, framed but not verified. ``payload`` is None for a detached signature."""

    signature: Signature
    payload: bytes | None


def parse_signature_file(data: bytes) -> SignedMessage:
    """Read one signature file, binary or armored. Raises OpenPGPError; FormatError for an inflation bomb."""
    if len(data) > LIMITS.signature_file:
        raise OpenPGPError(
            "signature-too-large", f"{len(data)} bytes, over the limit of {LIMITS.signature_file}", bytes=len(data)
        )
    label = None
    if armor.is_armored(data):
        label, data = armor.dearmor(data, frozenset({armor.MESSAGE, armor.SIGNATURE}))
    try:
        found = _walk(data)
        if found and found[0].tag == packets.SIGNATURE:
            return _detached(found, label)
        return _inline(found, label)
    except Malformed as error:
        raise OpenPGPError("message-malformed", f"the signature file is malformed: {error}") from None


def _walk(data: bytes) -> list[Packet]:
    """The packets without markers and padding, which may stand in front and behind but not in between (F1)."""
    found = packets.walk(data, most=LIMITS.signature_packets)
    kept = [packet for packet in found if not packets.is_padding(packet)]
    if kept:
        first = found.index(kept[0])
        if found[first : first + len(kept)] != kept:
            raise Malformed("a marker or padding packet stands inside the message")
    return kept


def _detached(found: list[Packet], label: str | None) -> SignedMessage:
    if len(found) != 1:
        raise Malformed("a detached signature file holds one signature packet and nothing else")
    if label not in (None, armor.SIGNATURE):
        raise Malformed(f"a detached signature is armored as {label!r}")
    return SignedMessage(_signature(found[0]), None)


def _inline(found: list[Packet], label: str | None) -> SignedMessage:
    if label not in (None, armor.MESSAGE):
        raise Malformed(f"a signed message is armored as {label!r}")
    if len(found) == 1 and found[0].tag == packets.COMPRESSED:
        found = _walk(_inflate(found[0].body))
        if any(packet.tag == packets.COMPRESSED for packet in found):
            raise OpenPGPError("compression-nested", "a compressed packet inside a compressed packet")
    tags = [packet.tag for packet in found]
    if tags != [packets.ONE_PASS_SIGNATURE, packets.LITERAL, packets.SIGNATURE]:
        raise Malformed(f"packet types {tags[:8]}, expected one-pass signature, literal data, signature [4, 11, 2]")
    signature = _signature(found[2])
    _require_one_pass(found[0].body, signature)
    return SignedMessage(signature, _literal(found[1].body))


def _inflate(body: bytes) -> bytes:
    """Undo the one compressed packet, never past the ceiling (F2)."""
    if body[:1] == bytes([_UNCOMPRESSED]):
        return body[1:]
    window_bits = _WINDOW_BITS.get(body[0]) if body else None
    if window_bits is None:
        raise OpenPGPError("compression-malformed", "compressed with neither ZIP nor ZLIB")
    inflater = zlib.decompressobj(window_bits)
    try:
        inflated = inflater.decompress(body[1:], LIMITS.signature_inflated + 1)
    except zlib.error as error:
        raise OpenPGPError("compression-malformed", f"the compressed packet is damaged: {error}") from None
    if len(inflated) > LIMITS.signature_inflated:
        raise FormatError(
            "signature-inflates-past-limit",
            f"{len(body)} compressed bytes inflate past {LIMITS.signature_inflated}",
            limit=LIMITS.signature_inflated,
        )
    if not inflater.eof or inflater.unused_data:
        raise OpenPGPError("compression-malformed", "the compressed data does not end where its packet does")
    return inflated


def _signature(packet: Packet) -> Signature:
    try:
        signature = decode_signature(packet.body)
        fault = signature.fault  # looks at every signature embedded in it
        if fault is not None:
            raise Malformed(fault)
        return signature
    except Malformed as error:
        raise OpenPGPError("signature-malformed", f"the signature packet is malformed: {error}") from None


def _literal(body: bytes) -> bytes:
    """The payload; format, file name and date are not signed and are dropped (F7)."""
    if len(body) < 2 or len(body) < 6 + body[1]:
        raise Malformed("the literal packet is malformed")
    return body[6 + body[1] :]


def _require_one_pass(body: bytes, signature: Signature) -> None:
    """The one-pass packet announces the signature that follows; they must agree (F3, §5.4)."""
    version = body[0] if body else 0
    announced = bytes([signature.type, signature.hash_algorithm, signature.key_algorithm])
    if version == 3:
        agrees = len(body) == 13 and {body[4:12]} == (
            signature.issuer_key_ids or {fingerprint.key_id for fingerprint in signature.issuer_fingerprints}
        )
        agrees = agrees and signature.version == 4
    else:
        salt_end = 5 + len(signature.salt)
        agrees = (
            version == 6
            and signature.version == 6
            and len(body) == salt_end + 33
            and body[4:salt_end] == bytes([len(signature.salt)]) + signature.salt
            and {body[salt_end:-1].hex().upper()} == {fpr.hex for fpr in signature.issuer_fingerprints}
        )
    if not agrees or body[1:4] != announced or body[-1] != 1:
        raise OpenPGPError("one-pass-mismatch", "the one-pass packet does not agree with the signature")
