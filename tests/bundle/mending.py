"""Bundles with recovery files on disk, and random damage of a size that is known exactly."""

from __future__ import annotations

import errno
import os
import random
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from airgap.bundle.extents import Extent
from airgap.bundle.recovery import Layout
from airgap.bundle.writer import Written
from airgap.digest import digest_of
from airgap.media.repairer import Repaired, WrittenRecovery, add_recovery, repair_bundle
from airgap.progress import Silent
from tests.bundle.simulator import Bundle, encode

NAME = "rust.airgap.tar.zst"


@dataclass(frozen=True)
class Kit:
    """A bundle in a folder, whole, with its recovery files."""

    folder: Path
    data: bytes
    written: Written
    recovery: WrittenRecovery

    @property
    def path(self) -> Path:
        return self.folder / NAME

    @property
    def layout(self) -> Layout:
        return self.recovery.layout

    @property
    def recovery_paths(self) -> list[Path]:
        return [path for path, _, _ in self.recovery.files]

    def blocks(self, column: int) -> list[int]:
        """The blocks of a column that hold bytes of the bundle, by their number in the bundle."""
        every = range(column, self.layout.shards * self.layout.columns, self.layout.columns)
        return [number for number in every if number * self.layout.block < len(self.data)]

    def damaged(self, folder: Path, damage: Damage) -> Path:
        """A copy of everything in another folder, with this damage done to it."""
        folder.mkdir(exist_ok=True)
        data = bytearray(self.data)
        for number in damage.blocks:
            start = number * self.layout.block
            damage.spoil(data, start, min(self.layout.block, len(data) - start))
        (folder / NAME).write_bytes(data)
        whole = [bytearray(path.read_bytes()) for path in self.recovery_paths]
        for index in damage.records:
            number, inside = divmod(index, self.recovery_per_file)
            damage.spoil(whole[number], inside * self.layout.record_size, self.layout.record_size)
        for path, record in zip(self.recovery_paths, whole, strict=True):
            (folder / path.name).write_bytes(record)
        return folder

    @property
    def recovery_per_file(self) -> int:
        return self.recovery.files[0][2] // self.layout.record_size


@dataclass
class Damage:
    """Blocks of the bundle and records that are spoiled, so that ``missing`` of them are over the budget."""

    rng: random.Random
    blocks: set[int] = field(default_factory=set)
    records: set[int] = field(default_factory=set)
    missing: int = 0

    def spoil(self, data: bytearray, start: int, size: int) -> None:
        """A few bytes of it, or all, become others."""
        length = self.rng.choice((1, min(size, 512), size))
        at = start + self.rng.randrange(size - length + 1)
        for place in (at, at + length // 2, at + length - 1):
            data[place] ^= self.rng.randrange(1, 256)
            if length == 1:
                return


def kit(folder: Path, bundle: Bundle, percent: int, volume: int | None = None) -> Kit:
    folder.mkdir(exist_ok=True)
    data = encode(bundle)
    path = folder / NAME
    path.write_bytes(data)
    written = Written(bundle.manifest.id, digest_of(data), len(data))
    recovery = add_recovery(written, [Extent(path, 0, 0, len(data))], path, percent, volume, Silent())
    return Kit(folder, data, written, recovery)


def scattered(kit: Kit, rng: random.Random, excess: Iterable[int] = ()) -> Damage:
    """Damage anywhere: in every column as much as can be repaired, or less; ``excess`` more in some columns."""
    damage = Damage(rng)
    layout = kit.layout
    over = dict(zip(rng.sample(range(layout.columns), k=layout.columns), excess, strict=False))
    for column in range(layout.columns):
        budget = layout.rows if rng.random() < 0.5 or column in over else rng.randrange(layout.rows + 1)
        # With all its records gone a column cannot tell damage; that has a test of its own.
        records = rng.randrange(min(budget, layout.rows - 1) + 1)
        wanted = budget - records + over.get(column, 0)
        blocks = kit.blocks(column)
        assert wanted <= len(blocks)
        damage.blocks |= set(rng.sample(blocks, k=wanted))
        damage.records |= {row * layout.columns + column for row in rng.sample(range(layout.rows), k=records)}
        damage.missing += over.get(column, 0)
    return damage


def run(kit: Kit, rng: random.Random) -> Damage:
    """One run of bytes anywhere, as long as is promised, or shorter."""
    layout = kit.layout
    length = rng.choice((layout.longest_run, rng.randrange(1, layout.longest_run + 1)))
    start = rng.randrange(len(kit.data) - min(length, len(kit.data)) + 1)
    end = min(start + length, len(kit.data))
    return Damage(rng, set(range(start // layout.block, (end - 1) // layout.block + 1)))


@contextmanager
def bad_sectors(where: dict[str, set[range]]) -> Iterator[None]:
    """Reading these places of files with these names gives EIO."""
    with pytest.MonkeyPatch.context() as patch:
        real = os.pread

        def pread(descriptor: int, size: int, position: int) -> bytes:
            name = Path(os.readlink(f"/proc/self/fd/{descriptor}")).name
            for bad in where.get(name, ()):
                if position < bad.stop and bad.start < position + size:
                    raise OSError(errno.EIO, os.strerror(errno.EIO))
            return real(descriptor, size, position)

        patch.setattr(os, "pread", pread)
        yield


def mend(output: Path, *paths: Path) -> Repaired:
    return repair_bundle(paths, output, jobs=1, progress=Silent())
