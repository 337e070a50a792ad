"""Signature subpacket areas (RFC 9580 §5.2.3.7), v4 and v6 alike.

Every subpacket that a decision could rest on has its form checked here. A fault voids a document signature (rule S7).
A fault in a signature that the owner of a certificate really made voids the certificate: other verifiers may read a
revocation or a shorter life out of it, and what they refuse must not count here.
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
PRIMARY_USER_ID: Final = 25
KEY_FLAGS: Final = 27
REVOCATION_REASON: Final = 29
EMBEDDED_SIGNATURE: Final = 32
ISSUER_FINGERPRINT: Final = 33

# Types this verifier knows: a critical subpacket of any other type voids its signature (§5.2.3.7). 34 and 35 are known
# so that a self-signature that shortens a key's life and carries them still counts; they decide nothing.
KNOWN: Final = frozenset({2, 3, 4, 5, 6, 7, 9, 11, 12, 16, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 32, 33, 34, 35})
_ATTESTED: Final = 37
_EXACT_LENGTH: Final = {
    CREATION_TIME: 4,
    EXPIRATION_TIME: 4,
    5: 2,  # trust signature
    KEY_EXPIRATION_TIME: 4,
    ISSUER_KEY_ID: 8,
}
_BOOLEAN: Final = frozenset({4, 7, PRIMARY_USER_ID})  # exportable, revocable, primary user id
# A second one of these would let two readers see two values; one reader's "last" is another's "first".
_AT_MOST_ONCE: Final = frozenset({EXPIRATION_TIME, KEY_EXPIRATION_TIME, KEY_FLAGS, REVOCATION_REASON})


@dataclass(frozen=True, slots=True)
class Subpacket:
    type: int
    critical: bool
    body: bytes


@dataclass(frozen=True, slots=True)
class Area:
    """The hashed or the unhashed subpackets of one signature, in order. ``fault`` says what is wrong with one."""

    subpackets: tuple[Subpacket, ...]
    fault: str | None = None

    def bodies(self, type_: int) -> list[bytes]:
        return [subpacket.body for subpacket in self.subpackets if subpacket.type == type_]

    def number(self, type_: int) -> int | None:
        """The value of a four-octet time field, None if absent."""
        found = self.bodies(type_)
        return int.from_bytes(found[0], "big") if found else None


def parse_area(data: bytes) -> Area:
    """Split one area and look at every value. Raises Malformed only if it cannot be split."""
    found: list[Subpacket] = []
    at = 0
    while at < len(data):
        length, at = _length(data, at)
        if length == 0 or at + length > len(data):
            raise Malformed("a subpacket runs past its area")
        found.append(Subpacket(data[at] & 0x7F, bool(data[at] & 0x80), data[at + 1 : at + length]))
        at += length
    return Area(tuple(found), _fault(found))


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


def _fault(found: list[Subpacket]) -> str | None:
    if len(found) > LIMITS.subpackets:
        return f"more than {LIMITS.subpackets} subpackets"
    types = [subpacket.type for subpacket in found]
    twice = [type_ for type_ in _AT_MOST_ONCE if types.count(type_) > 1]
    if twice:
        return f"subpacket {min(twice)} appears twice"
    bad = next((subpacket for subpacket in found if not _is_well_formed(subpacket.type, subpacket.body)), None)
    return None if bad is None else f"subpacket {bad.type} has a malformed value of {len(bad.body)} bytes"


def _is_well_formed(type_: int, body: bytes) -> bool:
    if type_ in _EXACT_LENGTH:
        return len(body) == _EXACT_LENGTH[type_]
    if type_ in _BOOLEAN:
        return body in (b"\0", b"\1")
    if type_ == NOTATION:
        return len(body) >= 8 and len(body) == 8 + sum(int.from_bytes(body[at : at + 2], "big") for at in (4, 6))
    if type_ == ISSUER_FINGERPRINT:
        return (len(body), body[:1]) in ((21, b"\x04"), (33, b"\x06"))
    if type_ == _ATTESTED:
        return bool(body) and len(body) % 4 == 0
    return bool(body) or type_ not in (REVOCATION_REASON, EMBEDDED_SIGNATURE)
