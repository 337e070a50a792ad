"""Parts in memory, and hostile ones that differ from good ones in exactly one thing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from airgap.bundle import frames
from airgap.bundle.format import PART_CLOSING_SIZE, PART_OPENING_SIZE
from airgap.bundle.labels import Closing, Opening
from airgap.bundle.parts import PartWriter, WrittenPart
from airgap.digest import Digest, digest_of
from tests.bundle.simulator import Bundle, entries, frame_list, stream

VOLUME = 4_300_000  # bytes: one full frame of noise a part


@dataclass
class Memory:
    """A part's output in memory."""

    data: bytearray = field(default_factory=bytearray)
    pauses: int = 0

    def write(self, data: bytes, /) -> None:
        self.data += data

    def pause(self) -> None:
        self.pauses += 1


def units(bundle: Bundle, level: int = 3) -> list[bytes]:
    """The frames of a bundle and its seek table."""
    found = frame_list(stream(entries(bundle)), level=level)
    return [*(frame for frame, _ in found), frames.seek_table([(len(frame), size) for frame, size in found])]


def cut(pieces: Iterable[bytes], id_: Digest, volume: int = VOLUME) -> tuple[list[bytes], list[WrittenPart]]:
    """The parts that airgap makes of these units, and what it says of them."""
    outputs: list[Memory] = []

    def open_part(number: int) -> Memory:
        assert number == len(outputs) + 1
        outputs.append(Memory())
        return outputs[-1]

    writer = PartWriter(id_, volume, open_part)
    for piece in pieces:
        writer.write(piece)
    written = writer.finish()
    return [bytes(output.data) for output in outputs], written


@dataclass(frozen=True)
class Piece:
    """A part by its fields; everything follows from them but what a test changes."""

    opening: Opening
    payload: bytes
    closing: Closing

    def encode(self, digest: Callable[[bytes], bytes] = lambda data: hashlib.sha256(data).digest()) -> bytes:
        data = self.opening.encode() + self.payload + self.closing.encode()
        return data + digest(data)

    def but(self, **fields: object) -> Piece:
        """The same with other fields, in both labels where both have them."""
        opening = {name: value for name, value in fields.items() if name in Opening.__slots__}
        closing = {name: value for name, value in fields.items() if name in ("total", "length", "frames")}
        changed = replace(self.opening, **opening)  # type: ignore[arg-type]  # a test's own fields
        return replace(self, opening=changed, closing=replace(self.closing, opening=changed, **closing))  # type: ignore[arg-type]


def pieces(groups: Sequence[Sequence[bytes]], id_: Digest, volume: int = VOLUME) -> list[Piece]:
    """Parts cut where a test wants, the last group with the seek table."""
    found, offset = [], 0
    for number, group in enumerate(groups, 1):
        opening = Opening(id_, number, volume, offset)
        payload = b"".join(group)
        found.append(Piece(opening, payload, Closing(opening, len(groups), len(payload), digest_of(groups[-1][-1]))))
        offset += len(payload)
    return found


def payload_of(part: bytes) -> bytes:
    return part[PART_OPENING_SIZE:-PART_CLOSING_SIZE]
