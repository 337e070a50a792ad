"""Frames are predicted, bounded, independent (attacks CON-01 to CON-12)."""

from __future__ import annotations

import random

import pytest
import zstandard
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from airgap.bundle import frames
from airgap.bundle.format import BLOCK_MAX, FRAME_MAGIC, FRAME_SIZE, SEEK_TABLE_MAGIC
from airgap.errors import FormatError, IntegrityError
from tests.bundle.simulator import Bundle, entries, frame_list, join, read_through, refused, stream

NOISE = random.Random(1).randbytes(FRAME_SIZE)
SIZES = st.sampled_from(
    [1, 255, 256, 257, 65_535, 65_536, 65_791, 65_792, 65_793, BLOCK_MAX, FRAME_SIZE - 1, FRAME_SIZE]
)
QUICK = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


def walk(frame: bytes, size: int) -> int:
    """The extent of a frame by its block headers alone."""
    at, last = len(frames.frame_header(size)), False
    while not last:
        extent, last = frames.block_extent(frame[at : at + 3])
        at += 3 + extent
    return at + 4


@QUICK
@given(SIZES | st.integers(1, 200_000), st.integers(-5, 19), st.booleans())
@example(FRAME_SIZE, 19, True)
def test_the_header_and_the_extent_are_predicted(size: int, level: int, noise: bool) -> None:
    if level > 9 and size > 200_000 and not noise:
        size = 200_000
    data = NOISE[:size] if noise else bytes(size)
    frame = frames.compress(data, level)
    head = frames.frame_header(size)
    assert frame.startswith(head)
    assert frames.content_size_of(head) == size
    assert walk(frame, size) == len(frame)
    assert len(frame) <= frames.compressed_bound(size)
    assert frames.decompress(frame, size) == data
    assert zstandard.ZstdDecompressor().decompress(frame, max_output_size=size + 1) == data


@QUICK
@given(st.integers(1, FRAME_SIZE))
@example(255)
@example(256)
@example(65_791)
@example(65_792)
def test_a_header_has_one_reading(size: int) -> None:
    head = frames.frame_header(size)
    assert len(head) in frames.HEADER_LENGTHS
    assert [frames.content_size_of(head[:length]) for length in frames.HEADER_LENGTHS if length <= len(head)][
        -1
    ] == size
    assert all(frames.content_size_of(head[:length]) is None for length in frames.HEADER_LENGTHS if length < len(head))


@pytest.mark.parametrize(
    "head",
    [
        FRAME_MAGIC + b"\xa4" + (FRAME_SIZE + 1).to_bytes(4, "little"),
        FRAME_MAGIC + b"\xa4" + (2**32 - 1).to_bytes(4, "little"),
        FRAME_MAGIC + b"\xa4" + (255).to_bytes(4, "little"),  # a second spelling of a small size
        FRAME_MAGIC + b"\x20\x05",  # no checksum
        FRAME_MAGIC + b"\x25\x05",  # CON-12: dictionary id follows
        FRAME_MAGIC + b"\x2c\x05",  # the reserved bit
        FRAME_MAGIC + b"\x34\x05",  # the unused bit
        FRAME_MAGIC + b"\x04\x58",  # a window instead of a content size
        FRAME_MAGIC[:3] + b"\xfc\x24\x05",
    ],
    ids=["over", "far over", "long form", "no checksum", "dictionary", "reserved", "unused", "window", "magic"],
)
def test_no_other_header_is_ours(head: bytes) -> None:
    assert frames.content_size_of(head) is None


@pytest.mark.parametrize(
    ("value", "extent", "last"), [(BLOCK_MAX << 3, BLOCK_MAX, False), (5 << 3 | 1, 5, True), (1000 << 3 | 2, 1, False)]
)
def test_block_extent(value: int, extent: int, last: bool) -> None:
    assert frames.block_extent(value.to_bytes(3, "little")) == (extent, last)


@pytest.mark.parametrize("value", [5 << 3 | 6, (BLOCK_MAX + 1) << 3, (BLOCK_MAX + 1) << 3 | 2, 0xFFFFFF])
def test_an_impossible_block(value: int) -> None:
    with pytest.raises(IntegrityError) as caught:
        frames.block_extent(value.to_bytes(3, "little"))
    assert (caught.value.kind, caught.value.exit_status) == ("frame-damaged", 20)


def test_what_cannot_be_squeezed_is_stored() -> None:
    frame = frames.compress(NOISE, 19)
    assert len(NOISE) < len(frame) < len(NOISE) + 200
    assert frames.compress(NOISE, 19) == frames.compress(NOISE, 1)
    assert len(frames.compress(bytes(FRAME_SIZE), 3)) < 1000


@pytest.mark.parametrize("place", ["front", "middle", "end"])
def test_one_good_sample_is_worth_it(place: str) -> None:
    data = bytearray(NOISE[: 1024 * 1024])
    at = {"front": 0, "middle": len(data) // 2, "end": len(data) - 40_000}[place]
    data[at : at + 40_000] = bytes(40_000)
    assert len(frames.compress(bytes(data), 3)) < len(data) - 30_000


def test_many_sizes_and_levels_in_one_thread() -> None:
    """The cache of compressors changes no byte."""
    once = {(level, size): frames.compress(bytes(size), level) for level in range(1, 8) for size in (10, 5000)}
    assert {key: frames.compress(bytes(key[1]), key[0]) for key in reversed(once)} == once


@pytest.fixture(scope="module")
def archive(bundle: Bundle) -> bytes:
    return stream(entries(bundle))


@pytest.fixture(scope="module")
def parts(large: Bundle) -> list[tuple[bytes, int]]:
    parts = frame_list(stream(entries(large)))
    assert [size for _, size in parts[:-1]] == [FRAME_SIZE] * (len(parts) - 1)
    assert len(parts) == 3
    return parts


class TestDamage:
    def test_con_01_a_frame_that_is_cut(self) -> None:
        frame = frames.compress(NOISE[:1000], 3)
        for length in range(9, len(frame)):
            with pytest.raises(IntegrityError):
                frames.decompress(frame[:length], 1000)

    def test_a_frame_with_less_than_it_announces(self) -> None:
        body = frames.compress(b"a" * 300, 3)
        lying = frames.frame_header(301) + body[len(frames.frame_header(300)) :]
        with pytest.raises(IntegrityError) as caught:
            frames.decompress(lying, 301)
        assert caught.value.kind == "frame-damaged"

    def test_con_04_a_frame_with_more_than_it_announces(self) -> None:
        bomb = frames.compress(bytes(FRAME_SIZE), 3)
        lying = frames.frame_header(300) + bomb[len(frames.frame_header(FRAME_SIZE)) :]
        with pytest.raises(IntegrityError):
            frames.decompress(lying, 300)

    def test_the_length_is_measured_whatever_the_library_says(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Lying:
            def decompress(self, frame: bytes, max_output_size: int) -> bytes:
                return bytes(max_output_size - 1)

        monkeypatch.setattr(frames, "_decompressor", Lying)
        with pytest.raises(IntegrityError) as caught:
            frames.decompress(b"", 300)
        assert caught.value.kind == "frame-damaged"

    def test_a_wrong_checksum(self) -> None:
        frame = frames.compress(b"abc" * 100, 3)
        with pytest.raises(IntegrityError):
            frames.decompress(frame[:-1] + bytes([frame[-1] ^ 1]), 300)


def raw_frame(head: bytes, content: bytes) -> bytes:
    """A frame of raw blocks behind any header, with a right checksum that zstd computes."""
    checksum = frames.compress(content, 1)[-4:]
    pieces = [content[at : at + BLOCK_MAX] for at in range(0, len(content), BLOCK_MAX)]
    blocks = [(len(p) << 3 | (n == len(pieces) - 1)).to_bytes(3, "little") + p for n, p in enumerate(pieces)]
    return head + b"".join(blocks) + checksum


class TestCarrier:
    """Whole bundles whose carrier alone is odd."""

    def with_frame(self, frame: bytes, size: int) -> bytes:
        return join([(frame, size)])

    def test_raw_blocks_are_as_good(self, archive: bytes, bundle: Bundle) -> None:
        frame = raw_frame(frames.frame_header(len(archive)), archive)
        assert zstandard.ZstdDecompressor().decompress(frame) == archive
        assert read_through(self.with_frame(frame, len(archive)))[0] == bundle.manifest.id

    @pytest.mark.parametrize("level", [-7, 1, 3, 9, 19])
    def test_recompressed_is_the_same_bundle(self, archive: bytes, bundle: Bundle, level: int) -> None:
        assert read_through(join(frame_list(archive, level=level)))[0] == bundle.manifest.id

    def test_con_12_a_dictionary(self, archive: bytes) -> None:
        samples: list[bytes | bytearray | memoryview] = [archive[at : at + 64] for at in range(0, 20_000, 64)]
        dictionary = zstandard.train_dictionary(512, samples)
        frame = zstandard.ZstdCompressor(dict_data=dictionary, write_checksum=True).compress(archive)
        assert refused(self.with_frame(frame, len(archive))) == ("frame-not-canonical", 10)

    def test_a_dictionary_id_of_zero(self, archive: bytes) -> None:
        frame = raw_frame(FRAME_MAGIC + b"\x65\0" + (len(archive) - 256).to_bytes(2, "little"), archive)
        assert refused(self.with_frame(frame, len(archive))) == ("frame-not-canonical", 10)

    def test_a_window(self, archive: bytes) -> None:
        """As `zstd` writes from a pipe: no content size, a window descriptor (here 2 MiB)."""
        frame = raw_frame(FRAME_MAGIC + b"\x04\x58", archive)
        assert zstandard.ZstdDecompressor().decompressobj().decompress(frame) == archive
        assert refused(self.with_frame(frame, len(archive))) == ("frame-not-canonical", 10)

    def test_a_window_of_gigabytes(self, archive: bytes) -> None:
        frame = raw_frame(FRAME_MAGIC + b"\x04\xf8", archive)
        assert refused(self.with_frame(frame, len(archive))) == ("frame-not-canonical", 10)

    def test_no_checksum(self, archive: bytes) -> None:
        frame = raw_frame(FRAME_MAGIC + b"\x60" + (len(archive) - 256).to_bytes(2, "little"), archive)[:-4]
        assert refused(self.with_frame(frame, len(archive))) == ("frame-not-canonical", 10)

    def test_a_content_size_in_the_long_form(self, archive: bytes) -> None:
        frame = raw_frame(FRAME_MAGIC + b"\xa4" + len(archive).to_bytes(4, "little"), archive)
        assert refused(self.with_frame(frame, len(archive))) == ("frame-not-canonical", 10)

    def test_con_04_a_gigabyte_of_zeros(self) -> None:
        size = 2**30
        frame = zstandard.ZstdCompressor(write_checksum=True).compressobj(size=size)
        piece = bytes(2**22)
        bomb = b"".join(frame.compress(piece) for _ in range(size // len(piece))) + frame.flush()
        assert len(bomb) < 200_000
        assert refused(bomb) == ("frame-not-canonical", 10)

    def test_con_04_zeros_in_frames_of_ours(self) -> None:
        """Each frame is fine; the first block of the archive is not."""
        zeros = frames.compress(bytes(FRAME_SIZE), 3)
        assert refused(join([(zeros, FRAME_SIZE)] * 256)) == ("not-a-bundle", 10)

    def test_con_05_zstd_in_zstd(self, good: bytes) -> None:
        assert refused(join(frame_list(good))) == ("not-a-bundle", 10)

    @pytest.mark.parametrize("nibble", range(16))
    def test_con_08_a_skippable_frame_in_front(self, good: bytes, nibble: int) -> None:
        hidden = bytes([0x50 | nibble]) + SEEK_TABLE_MAGIC[1:] + (4).to_bytes(4, "little") + b"hide"
        assert refused(hidden + good) == ("not-a-bundle", 10)

    @pytest.mark.parametrize("nibble", range(16))
    def test_con_08_a_skippable_frame_between(self, archive: bytes, nibble: int) -> None:
        first, second = frame_list(archive, [FRAME_SIZE])[0], (b"", 0)
        hidden = bytes([0x50 | nibble]) + SEEK_TABLE_MAGIC[1:] + (4).to_bytes(4, "little") + b"hide"
        kind, status = refused(join([first, (hidden, 0), second]))
        assert (kind, status) in {("frame-not-canonical", 10), ("seek-table-differs", 20)}  # nibble 14 is the table's

    def test_con_08_a_skippable_frame_behind(self, good: bytes) -> None:
        assert refused(good + b"\x50\x2a\x4d\x18\x04\0\0\0hide") == ("trailing-data", 10)

    def test_another_magic_between(self, archive: bytes) -> None:
        assert refused(join([*frame_list(archive), (b"\0\0\0\0", 0)])) == ("frame-damaged", 20)

    @pytest.mark.parametrize("stub", [b"\xef\xbb\xbf", b"#!/bin/sh\n", b"\0", b"PK\x03\x04", b"\x1f\x8b"])
    def test_con_11_something_in_front(self, good: bytes, stub: bytes) -> None:
        assert refused(stub + good) == ("not-a-bundle", 10)

    def test_con_21_nothing(self) -> None:
        assert refused(b"") == ("not-a-bundle", 10)

    @pytest.mark.parametrize("byte", [b"x", b"\0", b"\n"])
    def test_con_21_one_byte(self, byte: bytes) -> None:
        assert refused(byte) == ("not-a-bundle", 10)

    @pytest.mark.parametrize(("count", "hidden"), [(1, b""), (1, b"h" * 900), (50, b"h" * 900)])
    def test_empty_frames_hide_data_and_never_end(self, archive: bytes, count: int, hidden: bytes) -> None:
        """TUF-07: before the manifest is known, only the size of a frame tells whether it belongs there."""
        empty = frames.frame_header(0) + (len(hidden) << 3 | 1).to_bytes(3, "little") + hidden + b"\x99\xe9\xd8\x51"
        assert refused(join([(empty, 0)] * count + frame_list(archive)))[0] == "frame-not-canonical"

    def test_empty_frames_behind(self, archive: bytes) -> None:
        parts = frame_list(archive)
        kind, status = refused(join([*parts, (frames.compress(b"", 3), 0)]))
        assert kind in {"trailing-data", "frame-not-canonical"}
        assert status == 10

    @pytest.mark.parametrize("cuts", [[512], [1], [1000, 2000], [20_000], [1024, 0]])
    def test_frames_cut_elsewhere(self, archive: bytes, cuts: list[int]) -> None:
        assert refused(join(frame_list(archive, cuts))) == ("frame-not-canonical", 10)

    def test_blocks_beyond_any_need(self, archive: bytes) -> None:
        """Empty raw blocks without end: the frame is refused before it is held."""
        head = frames.frame_header(len(archive))
        assert refused(head + (0).to_bytes(3, "little") * 100_000) == ("frame-not-canonical", 10)


class TestSeveralFrames:
    def test_good(self, parts: list[tuple[bytes, int]], large: Bundle) -> None:
        assert read_through(join(parts))[0] == large.manifest.id

    def test_con_03_frames_in_another_order(self, parts: list[tuple[bytes, int]]) -> None:
        assert refused(join([parts[1], parts[0], parts[2]]))[1] in {10, 20}
        assert refused(join([parts[0], parts[2], parts[1]])) == ("frame-not-canonical", 10)

    def test_con_03_a_frame_twice(self, parts: list[tuple[bytes, int]]) -> None:
        assert refused(join([parts[0], parts[1], parts[1], parts[2]]))[1] in {10, 20}
        assert refused(join([parts[0], parts[1], parts[2], parts[2]])) == ("frame-not-canonical", 10)

    @pytest.mark.parametrize("gone", [0, 1, 2])
    def test_con_03_a_frame_less(self, parts: list[tuple[bytes, int]], gone: int) -> None:
        assert refused(join(parts[:gone] + parts[gone + 1 :]))[1] in {10, 20}

    def test_con_03_a_frame_of_another_bundle(self, parts: list[tuple[bytes, int]]) -> None:
        other = (frames.compress(bytes(FRAME_SIZE), 3), FRAME_SIZE)
        assert refused(join([parts[0], other, parts[2]])) == ("blob-differs", 20)

    def test_con_08_a_seek_table_between(self, parts: list[tuple[bytes, int]]) -> None:
        table = frames.seek_table([(len(frame), size) for frame, size in parts[:1]])
        assert refused(join([parts[0], (table, 0), *parts[1:]]))[0] in {"frame-not-canonical", "seek-table-differs"}

    def test_cut_elsewhere(self, large: Bundle) -> None:
        archive = stream(entries(large))
        for cuts in ([FRAME_SIZE // 2], [FRAME_SIZE, 1], [FRAME_SIZE - 1, 1], [FRAME_SIZE, FRAME_SIZE // 2]):
            assert refused(join(frame_list(archive, cuts))) == ("frame-not-canonical", 10)

    def test_an_empty_frame_between(self, parts: list[tuple[bytes, int]]) -> None:
        empty = (frames.compress(b"", 3), 0)
        assert refused(join([parts[0], empty, *parts[1:]])) == ("frame-not-canonical", 10)


class TestSeekTable:
    def altered(self, good: bytes, at: int, flip: int = 1) -> bytes:
        data = bytearray(good)
        data[at] ^= flip
        return bytes(data)

    @pytest.mark.parametrize("at", range(-25, 0))
    def test_every_byte_of_it_is_predicted(self, good: bytes, at: int) -> None:
        kind, status = refused(self.altered(good, at))
        assert status in {10, 20}
        if at >= -21:
            assert (kind, status) == ("seek-table-differs", 20)

    def test_none(self, good: bytes) -> None:
        assert refused(good[:-25]) == ("bundle-truncated", 20)

    def test_with_checksums(self, bundle: Bundle) -> None:
        """The seekable format allows a checksum for each frame; airgap never writes one."""
        (frame, size), *_ = frame_list(stream(entries(bundle)))
        body = len(frame).to_bytes(4, "little") + size.to_bytes(4, "little") + b"sums"
        footer = (1).to_bytes(4, "little") + b"\x80" + frames.seek_table([])[-4:]
        table = SEEK_TABLE_MAGIC + (len(body) + len(footer)).to_bytes(4, "little") + body + footer
        assert refused(frame + table) == ("seek-table-differs", 20)

    def test_twice(self, good: bytes) -> None:
        assert refused(good + good[-25:]) == ("trailing-data", 10)

    def test_con_10_one_byte_more(self, good: bytes) -> None:
        assert refused(good + b"\0") == ("trailing-data", 10)

    def test_two_bundles(self, good: bytes) -> None:
        assert refused(good + good) == ("trailing-data", 10)


@pytest.mark.parametrize("magic", [b"\x28\xb5\x2f\xfc", b"", b"\x5e", b"\x60\x2a\x4d\x18", b"\x4f\x2a\x4d\x18"])
def test_what_begins_no_frame_is_damage(magic: bytes) -> None:
    assert isinstance(frames.unexpected_frame(magic), IntegrityError)


@pytest.mark.parametrize("nibble", range(16))
def test_a_skippable_frame_is_no_accident(nibble: int) -> None:
    assert isinstance(frames.unexpected_frame(bytes([0x50 | nibble]) + SEEK_TABLE_MAGIC[1:]), FormatError)
