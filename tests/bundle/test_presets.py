"""Every kind of medium: a bundle just too large for one is cut for it, and read back.

Such bundles are not on any disk here: their layer repeats one frame of noise, and a part is a list of the frames in it.
What is cut, labelled, hashed and read is real.
"""

from __future__ import annotations

import hashlib
import random
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from airgap.bundle import frames
from airgap.bundle.format import FRAME_SIZE, MANIFEST_PATH, PART_CLOSING_SIZE, PART_OPENING_SIZE, TAR_END
from airgap.bundle.manifest import Member, sort_members
from airgap.bundle.parts import PartWriter, WrittenPart
from airgap.bundle.tar import header, padding
from airgap.bundle.volumes import PRESETS
from airgap.digest import Digest
from airgap.disk.host import FAT32_FILE_MAX
from airgap.disk.writing import pending_files
from airgap.errors import HostError
from airgap.media.recutter import read_through
from airgap.oci.layout import blob_path
from airgap.progress import Silent
from tests.bundle.simulator import Bundle, entry, sample


class Pieces:
    """A part that holds references to its frames, and gives them back as a stream."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._at = 0
        self._inside = 0

    @property
    def size(self) -> int:
        return sum(map(len, self._pieces))

    def write(self, data: bytes, /) -> None:
        self._pieces.append(data)

    def pause(self) -> None:
        pass

    def read(self, size: int, /) -> bytes:
        if self._at == len(self._pieces):
            return b""
        piece = self._pieces[self._at]
        data = piece[self._inside : self._inside + size]
        self._inside += len(data)
        if self._inside == len(piece):
            self._at, self._inside = self._at + 1, 0
        return data


class InOrder:
    """Several parts one after the other."""

    def __init__(self, parts: list[Pieces]) -> None:
        self._parts = list(parts)

    def read(self, size: int, /) -> bytes:
        while self._parts:
            if data := self._parts[0].read(size):
                return data
            del self._parts[0]
        return b""


def large_bundle(size: int) -> tuple[Bundle, Iterator[bytes]]:
    """A bundle whose one large blob has ``size`` bytes, a multiple of FRAME_SIZE; and its units, made one by one."""
    noise = random.Random(1).randbytes(FRAME_SIZE)
    digest = hashlib.sha256()
    for _ in range(size // FRAME_SIZE):
        digest.update(noise)
    name = Digest(digest.hexdigest())
    bundle = sample()
    members = [member for member in bundle.manifest.members if member.blob != _layer(bundle)]
    members = [*members, Member(blob_path(name), size, name)]
    changed = bundle.with_members(
        sort_members([one for one in members if one.blob is None]) + tuple(one for one in members if one.blob)
    )
    return changed, _units(changed, noise, size)


def _layer(bundle: Bundle) -> Digest | None:
    return bundle.manifest.members[-1].blob


def _units(bundle: Bundle, noise: bytes, size: int) -> Iterator[bytes]:
    *small, large = bundle.manifest.members
    head = bytes(entry(MANIFEST_PATH, bundle.manifest.encoded))
    head += b"".join(bytes(entry(member.path, bundle.content[member.path])) for member in small)
    head += header(large.path, large.size)
    phase = FRAME_SIZE - len(head)
    first = head + noise[:phase]
    middle = noise[phase:] + noise[:phase]
    last = noise[phase:] + padding(size) + bytes(TAR_END)
    whole = frames.compress(middle, 1)
    sizes = []
    for content, frame, times in (
        (first, frames.compress(first, 1), 1),
        (middle, whole, size // FRAME_SIZE - 1),
        (last, frames.compress(last, 1), 1),
    ):
        for _ in range(times):
            sizes.append((len(frame), len(content)))
            yield frame
    yield frames.seek_table(sizes)


def cut(name: str, size: int) -> tuple[Bundle, list[Pieces], list[WrittenPart]]:
    bundle, units = large_bundle(size)
    outputs: list[Pieces] = []

    def open_part(_: int) -> Pieces:
        outputs.append(Pieces())
        return outputs[-1]

    writer = PartWriter(bundle.manifest.id, PRESETS[name], open_part)
    for unit in units:
        writer.write(unit)
    return bundle, outputs, writer.finish()


@pytest.mark.parametrize(
    "name", ["cd700", *(pytest.param(name, marks=pytest.mark.slow) for name in ("fat32", "dvd", "dvd-dl", "bd25"))]
)
def test_preset_is_cut_and_read_back(name: str) -> None:
    volume = PRESETS[name]
    size = -(-volume // FRAME_SIZE) * FRAME_SIZE
    bundle, outputs, written = cut(name, size)
    assert [part.size for part in written] == [output.size for output in outputs]
    assert len(written) == 2
    frame = frames.compressed_bound(FRAME_SIZE)
    assert volume - frame <= written[0].size <= volume
    assert read_through(InOrder(outputs), None, jobs=2, progress=Silent()) == bundle.manifest.id
    print(
        f"\n{name}: {written[0].size} of {volume} bytes in the first part, {written[1].size} in the second; read back"
    )


def test_presets_leave_room_on_the_disc() -> None:
    """Sectors of the smaller disc of each kind (80 minutes of 75 sectors a second for the CD)."""
    sectors = {"cd700": 360_000, "dvd": 2_295_104, "dvd-dl": 4_171_712, "bd25": 11_826_176}
    for name, count in sectors.items():
        assert 4 * 1024 * 1024 <= count * 2048 - PRESETS[name] < 8 * 1024 * 1024


class TestFat32:
    def test_a_part_of_exactly_the_largest_file(self) -> None:
        """4 294 967 295 bytes: one less begins no other part, one more does."""
        room = FAT32_FILE_MAX - PART_OPENING_SIZE - PART_CLOSING_SIZE
        table = frames.seek_table([(1, 1)])
        for last, sizes in ((0, [FAT32_FILE_MAX]), (1, None)):
            outputs: list[Pieces] = []

            def open_part(_: int, made: list[Pieces] = outputs) -> Pieces:
                made.append(Pieces())
                return made[-1]

            writer = PartWriter(Digest("5" * 64), FAT32_FILE_MAX, open_part)
            chunk = bytes(64 * 1024 * 1024)
            left = room - len(table) + last
            while left:
                unit = chunk[: min(left, len(chunk))]
                writer.write(unit)
                left -= len(unit)
            writer.write(table)
            written = writer.finish()
            assert [part.size for part in written] == (sizes or [FAT32_FILE_MAX - len(table) + 1, len(table) + 228])

    def test_the_file_system_takes_that_file_and_not_one_byte_more(self, tmp_path: Path) -> None:
        """The limit of this process stands for the file system's; the file is sparse."""
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (FAT32_FILE_MAX, hard))
        try:
            with pending_files() as create:
                file = create(tmp_path / "largest")
                file.write_at(b"x", FAT32_FILE_MAX - 1)
            assert (tmp_path / "largest").stat().st_size == FAT32_FILE_MAX
            with pytest.raises(HostError) as caught, pending_files() as create:
                create(tmp_path / "larger").write_at(b"xx", FAT32_FILE_MAX - 1)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert caught.value.kind == "disk-full"
        assert str(FAT32_FILE_MAX) in caught.value.message
        assert "--volume-size fat32" in caught.value.hint
        assert [path.name for path in tmp_path.iterdir()] == ["largest"]
