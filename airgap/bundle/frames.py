"""zstd frames of a bundle: cut at fixed sizes, independent, with content size and checksum (RFC 8878).

The header of every frame follows from its content size, so it is predicted. Frames are found by walking block headers,
never by the seek table, and none is decoded before its whole extent is known: memory is bounded by FRAME_SIZE.
"""

from __future__ import annotations

import threading
from typing import Final

import zstandard

from airgap.bundle.format import (
    BLOCK_MAX,
    FRAME_MAGIC,
    FRAME_SIZE,
    SEEK_TABLE_ENTRY,
    SEEK_TABLE_FOOTER_MAGIC,
    SEEK_TABLE_MAGIC,
)
from airgap.errors import FormatError, IntegrityError

_WINDOW_LOG: Final = FRAME_SIZE.bit_length() - 1
_PROBE_SIZE: Final = 32 * 1024  # bytes per sample, three samples a frame
_PROBE_LEVEL: Final = 1
_PROBE_GAIN: Final = 0.97  # a sample that keeps more than this of its size is not worth squeezing
_STORE_LEVEL: Final = -5  # finds nothing in compressed data, and finds it fast
HEADER_LENGTHS: Final = (6, 7, 9)  # bytes: magic, descriptor, and a content size of one, two or four octets
_local = threading.local()


def frame_header(content_size: int) -> bytes:
    """The header of a frame in single-segment form with checksum, no dictionary (RFC 8878 §3.1.1.1)."""
    if content_size < 256:
        return FRAME_MAGIC + b"\x24" + content_size.to_bytes(1, "little")
    if content_size < 65536 + 256:
        return FRAME_MAGIC + b"\x64" + (content_size - 256).to_bytes(2, "little")
    return FRAME_MAGIC + b"\xa4" + content_size.to_bytes(4, "little")


def content_size_of(header: bytes) -> int | None:
    """The content size in a whole frame header of HEADER_LENGTHS bytes; None if no frame of ours begins so."""
    octets = len(header) - 5
    size = int.from_bytes(header[5:], "little") + (256 if octets == 2 else 0)
    return size if 0 < size <= FRAME_SIZE and frame_header(size) == header else None


def compressed_bound(content_size: int) -> int:
    """More bytes than zstd ever needs for this content: the ceiling for what is read before decoding."""
    return content_size + content_size // 256 + 1024


def block_extent(header: bytes) -> tuple[int, bool]:
    """Bytes that follow a three-byte block header, and whether the block is the last (RFC 8878 §3.1.1.2).

    Raises IntegrityError for a reserved type or an impossible size.
    """
    value = int.from_bytes(header, "little")
    last, type_, size = bool(value & 1), value >> 1 & 3, value >> 3
    if type_ == 3 or size > BLOCK_MAX:
        raise IntegrityError("frame-damaged", "a compressed block has an impossible header")
    return (1 if type_ == 1 else size), last


def compress(data: bytes | bytearray | memoryview, level: int) -> bytes:
    """One frame. Data that a probe shows to be incompressible is stored by a fast level."""
    return _compressor(level if _is_worth_it(data) else _STORE_LEVEL, len(data)).compress(data)


def decompress(frame: bytes | bytearray, content_size: int) -> bytes:
    """The content of one frame whose header was predicted. Raises IntegrityError if anything in it is damaged."""
    try:
        content = _decompressor().decompress(frame, max_output_size=content_size)
    except zstandard.ZstdError as error:
        raise IntegrityError("frame-damaged", f"a compressed frame is damaged: {error}") from None
    if len(content) != content_size:
        raise IntegrityError("frame-damaged", "a compressed frame holds fewer bytes than it announces")
    return content


def seek_table(sizes: list[tuple[int, int]]) -> bytes:
    """The closing skippable frame of the zstd seekable format: (compressed, decompressed) size of every frame."""
    entries = b"".join(c.to_bytes(4, "little") + d.to_bytes(4, "little") for c, d in sizes)
    footer = len(sizes).to_bytes(4, "little") + b"\0" + SEEK_TABLE_FOOTER_MAGIC
    return SEEK_TABLE_MAGIC + (len(sizes) * SEEK_TABLE_ENTRY + len(footer)).to_bytes(4, "little") + entries + footer


def parse_seek_table(data: bytes) -> list[tuple[int, int]]:
    """The sizes that a seek table says; none if it is not as seek_table() writes it."""
    end = len(data) - len(SEEK_TABLE_FOOTER_MAGIC) - 5
    sizes = [
        (int.from_bytes(data[at : at + 4], "little"), int.from_bytes(data[at + 4 : at + 8], "little"))
        for at in range(8, end, SEEK_TABLE_ENTRY)
    ]
    return sizes if seek_table(sizes) == data else []


def unexpected_frame(magic: bytes) -> FormatError | IntegrityError:
    """The error for four bytes that begin no frame of ours: hidden data, or damage."""
    if magic[1:] == SEEK_TABLE_MAGIC[1:] and magic[0] & 0xF0 == 0x50:
        return FormatError("frame-not-canonical", "a skippable frame stands where a frame of the archive belongs")
    return IntegrityError("frame-damaged", "bytes that begin no frame stand where a frame belongs")


def _is_worth_it(data: bytes | bytearray | memoryview) -> bool:
    if len(data) < 4 * _PROBE_SIZE:
        return True
    view = memoryview(data)
    middle = len(view) // 2
    samples = [view[:_PROBE_SIZE], view[middle : middle + _PROBE_SIZE], view[-_PROBE_SIZE:]]
    probe = zstandard.ZstdCompressor(level=_PROBE_LEVEL)
    return sum(len(probe.compress(sample)) for sample in samples) < _PROBE_GAIN * 3 * _PROBE_SIZE


def _compressor(level: int, size: int) -> zstandard.ZstdCompressor:
    """A compressor of this thread (contexts are not shared) for frames of this size."""
    cache: dict[tuple[int, int], zstandard.ZstdCompressor] = _local.__dict__.setdefault("compressors", {})
    key = (level, size if size < FRAME_SIZE else FRAME_SIZE)
    if key not in cache:
        if len(cache) > 4:
            cache.clear()
        parameters = zstandard.ZstdCompressionParameters.from_level(
            level, source_size=key[1], window_log=_WINDOW_LOG, write_content_size=True, write_checksum=True
        )
        cache[key] = zstandard.ZstdCompressor(compression_params=parameters)
    return cache[key]


def _decompressor() -> zstandard.ZstdDecompressor:
    found: zstandard.ZstdDecompressor | None = getattr(_local, "decompressor", None)
    if found is None:
        found = _local.decompressor = zstandard.ZstdDecompressor(max_window_size=2 * FRAME_SIZE)
    return found
