"""Signature subpacket areas (RFC 9580 §5.2.3.7), v4 and v6 alike.

Every subpacket of a type that a decision rests on has its exact length checked here, so that reading a value later
cannot fail and cannot be read two ways (rule S7).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from airgap.limits import LIMITS
from airgap.openpgp.packets import Malformed

CREATION_TIME: Final = 2
EXPIRATION_TIME: Final = 3
KEY_EXPIRATION_TIME: Final = 9
ISSUER_KEY_ID: Final = 16
NOTATION: Final = 20
KEY_FLAGS: Final = 27
REVOCATION_REASON: Final = 29
EMBEDDED_SIGNATURE: Final = 32
ISSUER_FINGERPRINT: Final = 33

# Types this verifier knows: a critical subpacket of any other type voids its signature (§5.2.3.7).
KNOWN: Final = frozenset({2, 3, 4, 5, 6, 7, 9, 11, 12, 16, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 39})
_EXACT_LENGTH: Final = {
    CREATION_TIME: 4,
    EXPIRATION_TIME: 4,
    4: 1,  # exportable certification
    5: 2,  # trust signature
    7: 1,  # revocable
    KEY_EXPIRATION_TIME: 4,
    ISSUER_KEY_ID: 8,
    25: 1,  # primary user id
}
# A second one of these would let two readers see two values; one reader's "last" is another's "first".
_AT_MOST_ONCE: Final = frozenset({EXPIRATION_TIME, KEY_EXPIRATION_TIME, KEY_FLAGS, REVOCATION_REASON})


@dataclass(frozen=True, slots=True)
class Subpacket:
    type: int
    critical: bool
    body: bytes


@dataclass(frozen=True, slots=True)
class Area:
    """The hashed or the unhashed subpackets of one signature, in order."""

    subpackets: tuple[Subpacket, ...]

    def bodies(self, type_: int) -> list[bytes]:
        return [subpacket.body for subpacket in self.subpackets if subpacket.type == type_]

    def number(self, type_: int) -> int | None:
        """The value of a four-octet time field, None if absent."""
        found = self.bodies(type_)
        return int.from_bytes(found[0], "big") if found else None


def parse_area(data: bytes) -> Area:
    """Split and check one area. Raises Malformed."""
    found: list[Subpacket] = []
    at = 0
    while at < len(data):
        if len(found) == LIMITS.subpackets:
            raise Malformed(f"more than {LIMITS.subpackets} subpackets")
        length, at = _length(data, at)
        if length == 0 or at + length > len(data):
            raise Malformed("a subpacket runs past its area")
        type_, body = data[at] & 0x7F, data[at + 1 : at + length]
        _require_length(type_, body)
        found.append(Subpacket(type_, bool(data[at] & 0x80), body))
        at += length
    types = [subpacket.type for subpacket in found]
    for type_ in _AT_MOST_ONCE:
        if types.count(type_) > 1:
            raise Malformed(f"subpacket {type_} appears twice")
    return Area(tuple(found))


def _length(data: bytes, at: int) -> tuple[int, int]:
    first = data[at]
    if first < 192:
        return first, at + 1
    octets = 1 if first < 255 else 4
    rest = data[at + 1 : at + 1 + octets]
    if len(rest) != octets:
        raise Malformed("a subpacket length runs past its area")
    value = int.from_bytes(rest, "big")
    return ((first - 192 << 8) + value + 192 if octets == 1 else value), at + 1 + octets


def _require_length(type_: int, body: bytes) -> None:
    exact = _EXACT_LENGTH.get(type_)
    if exact is not None and len(body) != exact:
        raise Malformed(f"subpacket {type_} has {len(body)} bytes, expected {exact}")
    if type_ == ISSUER_FINGERPRINT and (len(body), body[:1]) not in ((21, b"\x04"), (33, b"\x06")):
        raise Malformed("the issuer fingerprint is neither a version 4 nor a version 6 one")
    if type_ in (REVOCATION_REASON, EMBEDDED_SIGNATURE) and not body:
        raise Malformed(f"subpacket {type_} is empty")
