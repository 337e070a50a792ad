"""The packet walk: where each OpenPGP packet begins and ends (RFC 9580 §4), before any decoder sees a byte.

Nothing is repaired and nothing is skipped: a header that is not exact, a length that runs past the end, or a byte that
belongs to no packet makes the whole input malformed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

SIGNATURE: Final = 2
ONE_PASS_SIGNATURE: Final = 4
SECRET_KEY: Final = 5
PUBLIC_KEY: Final = 6
SECRET_SUBKEY: Final = 7
COMPRESSED: Final = 8
MARKER: Final = 10
LITERAL: Final = 11
TRUST: Final = 12
USER_ID: Final = 13
PUBLIC_SUBKEY: Final = 14
USER_ATTRIBUTE: Final = 17
PADDING: Final = 21

_DATA_TAGS: Final = frozenset({COMPRESSED, LITERAL, 9, 18, 20})  # may have partial lengths (§4.2.1.4)
_FIRST_PARTIAL_MIN: Final = 512  # bytes (§4.2.1.4)


class Malformed(ValueError):
    """The bytes do not follow the packet syntax; callers turn this into their typed error."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet: its type ID and its body with the framing removed."""

    tag: int
    body: bytes

    @property
    def encoded(self) -> bytes:
        """The packet in its shortest current framing; equal for all framings of the same content."""
        return bytes([0xC0 | self.tag]) + encode_length(len(self.body)) + self.body


def walk(data: bytes, *, most: int) -> list[Packet]:
    """All packets of ``data``, at most ``most``. Raises Malformed."""
    found: list[Packet] = []
    for packet in each(data):
        if len(found) == most:
            raise Malformed(f"more than {most} packets")
        found.append(packet)
    return found


def each(data: bytes) -> Iterator[Packet]:
    """The packets of ``data``, one by one: for input whose packets may be too many to hold. Raises Malformed."""
    at = 0
    while at < len(data):
        packet, at = _packet(data, at)
        yield packet


def is_padding(packet: Packet) -> bool:
    """Whether a packet carries no meaning: Marker (§5.8) and Padding (§5.14). Raises Malformed for a false Marker."""
    if packet.tag == MARKER and packet.body != b"PGP":
        raise Malformed("a Marker packet does not hold 'PGP'")
    return packet.tag in (MARKER, PADDING)


def _packet(data: bytes, at: int) -> tuple[Packet, int]:
    first = data[at]
    if not first & 0x80:
        raise Malformed(f"byte {at} begins no packet")
    if first & 0x40:
        return _new_format(data, at, first & 0x3F)
    return _old_format(data, at, first >> 2 & 0x0F, first & 0x03)


def _old_format(data: bytes, at: int, tag: int, length_type: int) -> tuple[Packet, int]:
    if tag == 0:
        raise Malformed("packet type 0 is reserved")
    start = at + 1
    if length_type == 3:  # indeterminate: to the end of the input; real StageX signatures are compressed packets so
        if tag != COMPRESSED:
            raise Malformed("only a compressed packet may have an indeterminate length")
        return Packet(tag, data[start:]), len(data)
    octets = 1 << length_type
    body_start = start + octets
    return _body(data, tag, body_start, int.from_bytes(_exactly(data, start, octets), "big"))


def _new_format(data: bytes, at: int, tag: int) -> tuple[Packet, int]:
    if tag == 0:
        raise Malformed("packet type 0 is reserved")
    length, start, partial = _new_length_at(data, at + 1)
    if not partial:
        return _body(data, tag, start, length)
    if tag not in _DATA_TAGS:
        raise Malformed(f"packet type {tag} may not have a partial length")
    if length < _FIRST_PARTIAL_MIN:
        raise Malformed(f"the first partial length is {length}, under {_FIRST_PARTIAL_MIN}")
    chunks: list[bytes] = []
    while True:
        chunks.append(_exactly(data, start, length))
        start += length
        if not partial:
            return Packet(tag, b"".join(chunks)), start
        length, start, partial = _new_length_at(data, start)


def _new_length_at(data: bytes, at: int) -> tuple[int, int, bool]:
    """Length, where the body starts, and whether more lengths follow (§4.2.1)."""
    first = _exactly(data, at, 1)[0]
    if first < 192:
        return first, at + 1, False
    if first < 224:
        second = _exactly(data, at + 1, 1)[0]
        return (first - 192 << 8) + second + 192, at + 2, False
    if first == 255:
        return int.from_bytes(_exactly(data, at + 1, 4), "big"), at + 5, False
    return 1 << (first & 0x1F), at + 1, True


def encode_length(length: int) -> bytes:
    """The shortest current form, which packets and subpackets share (§4.2.1, §5.2.3.7)."""
    if length < 192:
        return bytes([length])
    if length < 8384:
        return bytes([(length - 192 >> 8) + 192, length - 192 & 0xFF])
    return b"\xff" + length.to_bytes(4, "big")


def _body(data: bytes, tag: int, start: int, length: int) -> tuple[Packet, int]:
    return Packet(tag, _exactly(data, start, length)), start + length


def _exactly(data: bytes, at: int, length: int) -> bytes:
    piece = data[at : at + length]
    if len(piece) != length:
        raise Malformed("the input ends inside a packet")
    return piece
