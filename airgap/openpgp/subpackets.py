"""Signature subpacket areas (RFC 9580 §5.2.3.7), v4 and v6 alike.

Every subpacket that a decision could rest on has its form checked here. A fault voids a document signature (rule S7).
A fault in a signature that the owner of a certificate really made voids the certificate: other verifiers may read a
revocation or a shorter life out of it, and what they refuse must not count here.
"""

from __future__ import annotations

from collections.abc import Callable
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
_ISSUERS: Final = frozenset({ISSUER_KEY_ID, ISSUER_FINGERPRINT})
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
    fault: str | None
    _bodies: dict[int, list[bytes]]  # the same by type: a certificate's are asked for with every signature

    def bodies(self, type_: int) -> list[bytes]:
        return self._bodies.get(type_, [])

    def number(self, type_: int) -> int | None:
        """The value of a four-octet time field, None if absent."""
        found = self.bodies(type_)
        return int.from_bytes(found[0], "big") if found else None


def parse_area(data: bytes) -> Area:
    """Split one area and look at every value. Raises Malformed only if it cannot be split.

    Where there are too many, that is its fault whatever the others say; only whose signature it is must still be seen.
    """
    found: list[Subpacket] = []
    bodies: dict[int, list[bytes]] = {}
    at = 0
    while at < len(data):
        length, at = _length(data, at)
        if length == 0 or at + length > len(data):
            raise Malformed("a subpacket runs past its area")
        type_ = data[at] & 0x7F
        if len(found) <= LIMITS.subpackets or type_ in _ISSUERS:
            found.append(Subpacket(type_, bool(data[at] & 0x80), data[at + 1 : at + length]))
            bodies.setdefault(type_, []).append(found[-1].body)
        at += length
    return Area(tuple(found), _fault(found), bodies)


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
    bad = next((subpacket for subpacket in found if not _is_well_formed(subpacket)), None)
    return None if bad is None else f"subpacket {bad.type} has a malformed value of {len(bad.body)} bytes"


def _is_well_formed(subpacket: Subpacket) -> bool:
    form = _FORMS.get(subpacket.type)
    return form is None or form(subpacket.body)


def _of(length: int) -> Callable[[bytes], bool]:
    return lambda body: len(body) == length


def _is_boolean(body: bytes) -> bool:
    return body in (b"\0", b"\1")


def _is_notation(body: bytes) -> bool:
    return len(body) >= 8 and len(body) == 8 + sum(int.from_bytes(body[at : at + 2], "big") for at in (4, 6))


def _is_fingerprint(body: bytes) -> bool:
    return (len(body), body[:1]) in ((21, b"\x04"), (33, b"\x06"))


# The form of each type that has one (§5.2.3.11 to §5.2.3.36), whether or not its value decides anything here: others
# refuse the signature for it.
_FORMS: Final[dict[int, Callable[[bytes], bool]]] = {
    CREATION_TIME: _of(4),
    EXPIRATION_TIME: _of(4),
    4: _is_boolean,  # exportable certification
    5: _of(2),  # trust signature
    6: lambda body: body.endswith(b"\0"),  # regular expression
    7: _is_boolean,  # revocable
    KEY_EXPIRATION_TIME: _of(4),
    12: lambda body: len(body) == 22 and body[0] >= 0x80,  # revocation key, of RFC 4880 (§5.2.3.23)
    ISSUER_KEY_ID: _of(8),
    NOTATION: _is_notation,
    PRIMARY_USER_ID: _is_boolean,
    REVOCATION_REASON: bool,
    31: lambda body: len(body) >= 2,  # signature target
    EMBEDDED_SIGNATURE: bool,
    ISSUER_FINGERPRINT: _is_fingerprint,
    35: _is_fingerprint,  # intended recipient
    37: lambda body: False,  # attested certifications, of a draft: in no signature that counts here
    39: lambda body: len(body) % 2 == 0,  # preferred AEAD ciphersuites
}
