"""Every type of subpacket with a value of every interesting length: what is malformed to Sequoia must be so to us."""

from __future__ import annotations

from collections.abc import Iterator

from forge import certification, document, subpacket

from .case import PAYLOAD, Draft, assemble, draft, key

_PRIMARY = key("alice")
_USER = "Alice <alice@example.org>"
_TYPES = (*range(42), 60, 100, 127)
_LENGTHS = (*range(6), 7, 8, 9, 10, 16, 19, 20, 21, 22, 23, 24, 32, 33, 34, 36, 64)
_FILLS = (0x00, 0x01, 0x80)


def drafts() -> Iterator[Draft]:
    good = assemble(_PRIMARY, users={_USER: [certification(_PRIMARY, _USER)]})
    plain = document(_PRIMARY, PAYLOAD)
    for type_ in _TYPES:
        for value in _values(type_):
            odd = [subpacket(type_, value)]
            name = f"subpacket/{type_}-{value[:1].hex()}-{len(value)}"
            hint = subpacket(16, _PRIMARY.key_id)
            yield draft(f"{name}/hashed", good, document(_PRIMARY, PAYLOAD, hashed=odd))
            yield draft(f"{name}/unhashed", good, document(_PRIMARY, PAYLOAD, unhashed=[hint, *odd]))
            if len(value) < 3:
                cert = assemble(_PRIMARY, users={_USER: [certification(_PRIMARY, _USER, hashed=odd)]})
                yield draft(f"{name}/certification", cert, plain)


def _values(type_: int) -> Iterator[bytes]:
    """The same octet over and over; then what begins with the version of a fingerprint."""
    yield b""
    for length in _LENGTHS[1:]:
        for fill in _FILLS:
            yield bytes([fill]) * length
    if type_ in (33, 35):
        for version in (3, 4, 5):
            for length in (19, 20, 21, 32):
                yield bytes([version]) + bytes(length)
