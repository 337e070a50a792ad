"""Recovery: up to the budget all is repaired to the same bytes; one block beyond it nothing is, and it is counted.

`damages` is the acceptance test of the guarantee in bundles/FORMAT.md §10; the slow variant does 3,000 of each kind.
"""

from __future__ import annotations

import builtins
import hashlib
import os
import random
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airgap.bundle import recordset
from airgap.bundle.erasure import SYMBOLS_MAX, Code
from airgap.bundle.extents import Extent
from airgap.bundle.format import (
    PART_CLOSING_SIZE,
    PART_OPENING_SIZE,
    RECOVERY_BLOCK_MAX,
    RECOVERY_BLOCK_MIN,
    RECOVERY_HEADER_SIZE,
    RECOVERY_MARKER,
    RECOVERY_ROWS_MAX,
)
from airgap.bundle.partset import PartFile
from airgap.bundle.recovery import (
    Layout,
    Place,
    Record,
    check_of,
    parse_record,
    parse_record_header,
    places,
    plan_recovery,
)
from airgap.bundle.salvage import find_salvage
from airgap.digest import Digest
from airgap.errors import AirgapError, FormatError, HostError, IntegrityError
from airgap.limits import MIB
from airgap.media.repairer import Repaired, add_recovery
from airgap.progress import Silent
from tests.bundle.mending import NAME, Damage, Kit, bad_sectors, kit, mend, run, scattered
from tests.bundle.parts import cut, units
from tests.bundle.simulator import Bundle, examine, large_sample, sample

ID = Digest("5" * 64)


@pytest.fixture(scope="module")
def noise() -> Bundle:
    """About a MiB that cannot be squeezed."""
    return large_sample(2 * MIB)


@pytest.fixture(scope="module")
def made(noise: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Kit:
    return kit(tmp_path_factory.mktemp("made"), noise, 10)


@pytest.fixture(scope="module")
def in_files(noise: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Kit:
    """Recovery in several files."""
    return kit(tmp_path_factory.mktemp("files"), noise, 25, volume=40_000)


def refused(output: Path, *paths: Path) -> AirgapError:
    with pytest.raises(AirgapError) as caught:
        mend(output, *paths)
    assert not output.exists()
    assert list(output.parent.glob("*partial*")) == []
    return caught.value


def check_repaired(kit: Kit, output: Path, repaired: Repaired) -> None:
    assert output.read_bytes() == kit.data
    assert repaired.written == kit.written


class TestLayout:
    @settings(max_examples=400)
    @given(st.integers(1, 2**43), st.integers(1, 100))
    def test_it_is_sound_and_gives_what_was_asked_for(self, size: int, percent: int) -> None:
        layout = plan_recovery(ID, ID, size, percent)
        assert layout.is_sound()
        assert layout.rows * 100 >= layout.shards * percent
        assert layout.shards * layout.columns * layout.block >= size
        assert layout.shards * (layout.columns - 1) * layout.block < size
        assert layout.shards * 8 <= layout.block // 8

    @pytest.mark.parametrize(
        ("percent", "shards", "rows"), [(1, 200, 2), (5, 240, 12), (10, 160, 16), (25, 64, 16), (100, 16, 16)]
    )
    def test_large_bundles(self, percent: int, shards: int, rows: int) -> None:
        layout = plan_recovery(ID, ID, 50 * 1024 * MIB, percent)
        assert (layout.block, layout.shards, layout.rows) == (RECOVERY_BLOCK_MAX, shards, rows)

    @pytest.mark.parametrize("percent", [1, 5, 10, 25, 50, 100])
    def test_the_overhead_that_is_documented(self, percent: int) -> None:
        """FORMAT.md §10: for bundles of a GiB and more, PERCENT and at most a twentieth of it more."""
        for size in (1024 * MIB, 4700 * MIB, 50 * 1024 * MIB):
            layout = plan_recovery(ID, ID, size, percent)
            assert layout.records * layout.record_size <= size * percent * 1.05 / 100

    def test_the_least_bundle(self, tmp_path: Path) -> None:
        made = kit(tmp_path / "kit", sample(), 1)
        assert (made.layout.block, made.layout.columns, made.layout.rows) == (RECOVERY_BLOCK_MIN, 1, 1)
        damage = Damage(random.Random(1), {0})
        check_repaired(made, tmp_path / "out", mend(tmp_path / "out", made.damaged(tmp_path / "bad", damage)))

    def test_files_of_a_volume_each(self, in_files: Kit) -> None:
        sizes = [path.stat().st_size for path in in_files.recovery_paths]
        assert len(sizes) > 3
        assert max(sizes) <= 40_000
        assert sum(sizes) == in_files.layout.records * in_files.layout.record_size == in_files.recovery.size
        listed = (in_files.folder / f"{NAME}.rec.sha256").read_text().splitlines()
        digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in in_files.recovery_paths]
        assert listed == [
            f"{digest}  {path.name}" for digest, path in zip(digests, in_files.recovery_paths, strict=True)
        ]

    def test_too_many_files(self) -> None:
        layout = plan_recovery(ID, ID, 2**40, 5)
        with pytest.raises(FormatError, match="more than 999"):
            places(layout, layout.record_size)

    def test_a_record_has_one_spelling(self) -> None:
        layout = plan_recovery(ID, ID, 10_000, 40)
        record = Record(layout, Place(1, 1, 0, layout.records), 1, bytes(8 * layout.shards), bytes(layout.block))
        good = record.encode()
        assert parse_record(good) == record
        assert len(good) == layout.record_size
        for place in range(len(good)):
            bad = bytearray(good)
            bad[place] ^= 1 << place % 8
            assert parse_record(bytes(bad)) is None, place
        assert parse_record(good[:-1]) is None
        assert parse_record(good + b"\0") is None

    @pytest.mark.parametrize(
        "layout",
        [
            Layout(ID, ID, 0, 4096, 2, 1),
            Layout(ID, ID, 2**43 + 1, 4096, 2, 1),
            Layout(ID, ID, 10_000, 4095, 2, 1),
            Layout(ID, ID, 10_000, 2048, 2, 1),
            Layout(ID, ID, 10_000, 2 * RECOVERY_BLOCK_MAX, 2, 1),
            Layout(ID, ID, 10_000, 4096, 0, 1),
            Layout(ID, ID, 10_000, 4096, 2, 0),
            Layout(ID, ID, 10_000, 4096, 2, RECOVERY_ROWS_MAX + 1),
            Layout(ID, ID, 10_000, 4096, SYMBOLS_MAX, 1),
        ],
    )
    def test_numbers_that_cannot_be_worked_with(self, layout: Layout) -> None:
        assert not layout.is_sound()
        place = Place(1, 1, 0, 1)
        if layout.shards:
            data = Record(layout, place, 0, bytes(8 * layout.shards), bytes(layout.block)).encode()
            assert parse_record_header(data) is None

    @pytest.mark.parametrize(
        "place",
        [
            Place(0, 1, 0, 1),
            Place(2, 1, 0, 1),
            Place(1, 1000, 0, 1),
            Place(1, 1, 1, 1),
            Place(1, 1, 0, 0),
            Place(1, 1, 0, 99),
        ],
    )
    def test_places_that_cannot_be(self, place: Place) -> None:
        layout = plan_recovery(ID, ID, 10_000, 40)
        data = Record(layout, place, 0, bytes(8 * layout.shards), bytes(layout.block)).encode()
        assert parse_record_header(data) is None

    @given(st.integers(1, 40), st.integers(1, 8), st.randoms(use_true_random=False))
    def test_the_code_gives_back_what_was_lost(self, shards: int, rows: int, rng: random.Random) -> None:
        data = {number: rng.randbytes(16) for number in range(shards)}
        code = Code(shards, rows)
        coded = dict(enumerate(code.encode([data[number] for number in range(shards)])))
        lost = rng.sample(range(shards), k=rng.randrange(min(rows, shards) + 1))
        kept = {row: coded[row] for row in rng.sample(range(rows), k=len(lost))}
        left = {number: block for number, block in data.items() if number not in lost}
        assert code.decode(left, kept) == {number: data[number] for number in lost}
        if lost:
            kept.popitem()
            with pytest.raises(ValueError, match="fewer"):
                code.decode(left, kept)


def damages(kits: list[Kit], folder: Path, count: int, seed: int) -> None:
    rng = random.Random(seed)
    outcomes: Counter[str] = Counter()
    output = folder / "out"
    for number in range(count):
        one = rng.choice(kits)
        layout = one.layout
        shape = rng.choice(("scattered", "run", "bad sectors"))
        damage = run(one, rng) if shape == "run" else scattered(one, rng)
        if shape == "bad sectors":
            bad = {range(block * layout.block + 7, block * layout.block + 519) for block in damage.blocks}
            source = one.damaged(folder / "bad", Damage(rng, set(), damage.records))
            with bad_sectors({NAME: bad}):
                repaired = mend(output, source)
        else:
            repaired = mend(output, one.damaged(folder / "bad", damage))
        check_repaired(one, output, repaired)
        assert repaired.repair.blocks == len(damage.blocks), (number, shape)
        output.unlink()
        outcomes[f"{shape}: repaired"] += 1

        excess = [rng.randrange(1, 4) for _ in range(rng.randrange(1, 4))]
        damage = scattered(one, rng, excess)
        error = refused(output, one.damaged(folder / "bad", damage))
        assert (error.kind, error.exit_status) == ("recovery-not-enough", 20)
        assert (error.facts["missing"], error.facts["lost"]) == (damage.missing, len(damage.blocks))
        assert f"recovery lacks {damage.missing} blocks" in error.message
        outcomes["beyond: refused with the count"] += 1
        for path in (folder / "bad").iterdir():
            path.unlink()
    print(f"\nrecovery: {dict(outcomes)}")


def test_damages(made: Kit, in_files: Kit, tmp_path: Path) -> None:
    damages([made, in_files], tmp_path, 60, seed=1)


@pytest.mark.slow
def test_3000_damages(made: Kit, in_files: Kit, tmp_path: Path) -> None:
    damages([made, in_files], tmp_path, 3000, seed=2)


class TestRepair:
    def test_nothing_was_damaged(self, made: Kit, tmp_path: Path) -> None:
        repaired = mend(tmp_path / "out", made.path)
        check_repaired(made, tmp_path / "out", repaired)
        assert (repaired.repair.blocks, repaired.damage, repaired.notes) == (0, [], [])
        assert (tmp_path / "out.sha256").read_text() == f"{made.written.file_digest.hex}  out\n"

    def test_the_medium_is_only_read(self, made: Kit, tmp_path: Path) -> None:
        folder = made.damaged(tmp_path / "bad", run(made, random.Random(1)))
        before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}
        mend(tmp_path / "out", folder)
        assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()} == before

    def test_the_result_is_accepted_as_any_bundle(self, made: Kit, tmp_path: Path) -> None:
        mend(tmp_path / "out", made.damaged(tmp_path / "bad", scattered(made, random.Random(3))))
        assert examine((tmp_path / "out").read_bytes()).accepted

    def test_what_was_repaired_is_reported(self, made: Kit, tmp_path: Path) -> None:
        block = made.layout.block
        folder = made.damaged(tmp_path / "bad", Damage(random.Random(1), {3, 4, 9}))
        repaired = mend(tmp_path / "out", folder)
        assert repaired.repair.runs == [(3 * block, 2 * block), (9 * block, block)]
        assert repaired.repair.bytes == 3 * block
        assert repaired.damage == [(str(folder / NAME), 3 * block)]

    def test_a_bundle_that_was_cut_short(self, made: Kit, tmp_path: Path) -> None:
        folder = made.damaged(tmp_path / "bad", Damage(random.Random(1)))
        (folder / NAME).write_bytes(made.data[: -made.layout.longest_run])
        check_repaired(made, tmp_path / "out", mend(tmp_path / "out", folder / NAME))
        (folder / NAME).write_bytes(made.data[: -made.layout.longest_run - 2 * made.layout.block])
        assert refused(tmp_path / "out2", folder).kind == "recovery-not-enough"

    def test_a_bundle_that_is_gone_is_more_than_recovery_holds(self, made: Kit, tmp_path: Path) -> None:
        folder = made.damaged(tmp_path / "bad", Damage(random.Random(1)))
        (folder / NAME).unlink()
        error = refused(tmp_path / "out", folder)
        lost = -(-len(made.data) // made.layout.block)
        assert error.facts == {"lost": lost, "missing": lost - made.layout.records}

    def test_damage_that_nothing_tells_of_is_refused_all_the_same(self, made: Kit, tmp_path: Path) -> None:
        """All records of a column are gone, and with them its checksums; what is left is the digest of the whole."""
        columns = made.layout.columns
        records = {row * columns for row in range(made.layout.rows)}
        whole = made.damaged(tmp_path / "a", Damage(random.Random(1), set(), records))
        check_repaired(made, tmp_path / "out", mend(tmp_path / "out", whole))
        spoiled = made.damaged(tmp_path / "b", Damage(random.Random(1), {columns}, records))
        error = refused(tmp_path / "out2", spoiled)
        assert (error.kind, error.facts) == ("recovery-not-enough", {"unchecked": len(made.blocks(0))})

    def test_two_copies_help_each_other(self, made: Kit, tmp_path: Path) -> None:
        """Each alone is damaged beyond repair."""
        rng = random.Random(5)
        half = len(made.data) // made.layout.block // 2
        one = made.damaged(tmp_path / "a", Damage(rng, set(range(half))))
        two = made.damaged(tmp_path / "b", Damage(rng, set(range(half, 2 * half))))
        assert refused(tmp_path / "out", one).kind == "recovery-not-enough"
        assert refused(tmp_path / "out", two).kind == "recovery-not-enough"
        repaired = mend(tmp_path / "out", one, two)
        check_repaired(made, tmp_path / "out", repaired)
        assert repaired.repair.blocks == 0

    def test_a_recovery_file_that_is_gone(self, in_files: Kit, tmp_path: Path) -> None:
        folder = in_files.damaged(tmp_path / "bad", Damage(random.Random(1), {1, 5}))
        (folder / in_files.recovery_paths[1].name).unlink()
        repaired = mend(tmp_path / "out", folder)
        check_repaired(in_files, tmp_path / "out", repaired)
        assert f"1 of {len(in_files.recovery_paths)} recovery files were not given" in repaired.notes

    def test_a_recovery_file_that_was_cut_short(self, made: Kit, tmp_path: Path) -> None:
        folder = made.damaged(tmp_path / "bad", Damage(random.Random(1), {1}))
        path = folder / made.recovery_paths[0].name
        path.write_bytes(path.read_bytes()[: made.layout.record_size * (made.layout.records // 2) + 5])
        check_repaired(made, tmp_path / "out", mend(tmp_path / "out", folder))

    def test_other_files_in_the_folder_are_no_matter(self, made: Kit, tmp_path: Path) -> None:
        folder = made.damaged(tmp_path / "bad", Damage(random.Random(1), {1}))
        (folder / "notes.txt").write_text("not ours")
        (folder / "empty.airgap.tar.zst").write_bytes(b"")
        check_repaired(made, tmp_path / "out", mend(tmp_path / "out", folder))

    def test_so_many_files_and_no_more(self, made: Kit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("airgap.bundle.salvage._FILES_MAX", 2)
        assert refused(tmp_path / "out", made.folder).kind == "limit-exceeded"

    def test_no_recovery_file(self, made: Kit, tmp_path: Path) -> None:
        (tmp_path / NAME).write_bytes(made.data)
        assert refused(tmp_path / "out", tmp_path / NAME).kind == "recovery-missing"
        (tmp_path / f"{NAME}.rec.001").write_bytes(b"not one")
        assert refused(tmp_path / "out", tmp_path / NAME).kind == "recovery-missing"

    def test_recovery_of_two_bundles(self, made: Kit, in_files: Kit, tmp_path: Path) -> None:
        error = refused(tmp_path / "out", made.folder, in_files.folder)
        assert (error.kind, error.exit_status) == ("parts-of-several-bundles", 10)

    def test_another_bundle(self, made: Kit, tmp_path: Path) -> None:
        """With the recovery of this one: every block of it is lost."""
        folder = made.damaged(tmp_path / "bad", Damage(random.Random(1)))
        (folder / NAME).write_bytes(bytes(len(made.data)))
        error = refused(tmp_path / "out", folder)
        assert error.kind == "recovery-not-enough"
        assert error.facts["lost"] == -(-len(made.data) // made.layout.block)

    def test_without_the_library(self, made: Kit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        real = builtins.__import__

        def importing(name: str, *rest: object, **options: object) -> object:
            if name == "zfec":
                raise ImportError(name)
            return real(name, *rest, **options)  # type: ignore[arg-type]  # handed on as it came

        monkeypatch.setattr(builtins, "__import__", importing)
        error = refused(tmp_path / "out", made.path)
        assert isinstance(error, HostError)
        assert error.kind == "extra-missing"
        assert "airgap[recovery]" in error.message


class TestParts:
    @pytest.fixture(scope="class")
    @staticmethod
    def bundle() -> Bundle:
        return large_sample(5 * 4 * MIB)

    def _kit(self, bundle: Bundle, folder: Path, percent: int) -> tuple[Kit, list[Path]]:
        whole = kit(folder, bundle, percent)
        whole.path.unlink()
        paths = []
        for number, data in enumerate(cut(units(bundle), bundle.manifest.id)[0], 1):
            paths.append(folder / f"{NAME}.{number:03d}")
            paths[-1].write_bytes(data)
        return whole, paths

    def test_any_one_part_may_be_lost(self, bundle: Bundle, tmp_path: Path) -> None:
        whole, paths = self._kit(bundle, tmp_path / "kit", 50)
        assert max(path.stat().st_size for path in paths) <= whole.layout.longest_run
        for path in paths:
            held = path.read_bytes()
            path.unlink()
            repaired = mend(tmp_path / "out", next(one for one in paths if one != path))
            check_repaired(whole, tmp_path / "out", repaired)
            assert any(name is None for name, _ in repaired.damage)
            path.write_bytes(held)
        for path in paths[:2]:
            path.unlink()
        assert refused(tmp_path / "out2", tmp_path / "kit").kind == "recovery-not-enough"

    def test_labels_may_be_lost(self, bundle: Bundle, tmp_path: Path) -> None:
        """What they say follows from the neighbours; the frames are whole."""
        whole, paths = self._kit(bundle, tmp_path / "kit", 2)
        good = [path.read_bytes() for path in paths]
        blind = [
            bytes(PART_OPENING_SIZE) + data[PART_OPENING_SIZE:-PART_CLOSING_SIZE] + bytes(PART_CLOSING_SIZE)
            for data in good
        ]
        for lost in ([0], [1], [2], [0, 2], [0, 1]):
            for number, path in enumerate(paths):
                path.write_bytes(blind[number] if number in lost else good[number])
            repaired = mend(tmp_path / "out", tmp_path / "kit")
            check_repaired(whole, tmp_path / "out", repaired)
            assert repaired.repair.blocks == 0, lost

    @pytest.mark.parametrize("cutting", [slice(None, -1), slice(None, -PART_CLOSING_SIZE), slice(None, -200_000)])
    def test_a_part_may_be_cut_short(self, bundle: Bundle, tmp_path: Path, cutting: slice) -> None:
        whole, paths = self._kit(bundle, tmp_path / "kit", 5)
        paths[0].write_bytes(paths[0].read_bytes()[cutting])
        check_repaired(whole, tmp_path / "out", mend(tmp_path / "out", tmp_path / "kit"))

    def test_a_foreign_part_is_left_alone(self, bundle: Bundle, noise: Bundle, tmp_path: Path) -> None:
        whole, paths = self._kit(bundle, tmp_path / "kit", 50)
        paths[1].write_bytes(cut(units(noise), noise.manifest.id)[0][0])
        repaired = mend(tmp_path / "out", tmp_path / "kit")
        check_repaired(whole, tmp_path / "out", repaired)
        assert f"ignored {paths[1]}: it is a part of another bundle" in repaired.notes

    def test_parts_are_not_compared_each_with_each(self, bundle: Bundle, noise: Bundle, tmp_path: Path) -> None:
        _, paths = self._kit(bundle, tmp_path / "kit", 50)
        foreign = cut(units(noise), noise.manifest.id)[0][0]
        for number in range(500, 550):
            (tmp_path / "kit" / f"{NAME}.{number}").write_bytes(foreign)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(PartFile, "__eq__", lambda one, other: pytest.fail(f"{one} is compared with {other}"))
            found = find_salvage([tmp_path / "kit"])
        assert len([note for note in found.notes if "another bundle" in note]) == 50
        assert len(found.layers) == 1
        assert len(found.layers[0]) == len(paths)

    def test_a_part_without_labels_and_neighbours_cannot_be_placed(self, bundle: Bundle, tmp_path: Path) -> None:
        _, paths = self._kit(bundle, tmp_path / "kit", 5)
        paths[2].write_bytes(bytes(PART_OPENING_SIZE) + bytes(100_000) + bytes(PART_CLOSING_SIZE))
        paths[0].unlink()
        paths[1].unlink()
        assert refused(tmp_path / "out", tmp_path / "kit").kind == "recovery-not-enough"

    def test_few_files_are_held_open(self, bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("airgap.bundle.extents._OPEN_MAX", 1)
        whole, paths = self._kit(bundle, tmp_path / "kit", 50)
        paths[1].unlink()
        before = len(os.listdir("/proc/self/fd"))
        check_repaired(whole, tmp_path / "out", mend(tmp_path / "out", tmp_path / "kit"))
        assert len(os.listdir("/proc/self/fd")) == before

    def test_parts_of_two_cuts_help_each_other(self, bundle: Bundle, tmp_path: Path) -> None:
        whole, paths = self._kit(bundle, tmp_path / "kit", 1)
        larger = cut(units(bundle), bundle.manifest.id, 9_000_000)[0]
        (tmp_path / "kit" / "other.001").write_bytes(larger[0])
        paths[0].unlink()
        paths[1].unlink()
        repaired = mend(tmp_path / "out", tmp_path / "kit")
        check_repaired(whole, tmp_path / "out", repaired)
        assert repaired.repair.blocks == 0


class TestHostileRecovery:
    def _forged(self, made: Kit, folder: Path, **fields: object) -> Path:
        """Recovery files whose records are consistent, but say something else."""
        folder.mkdir()
        (folder / NAME).write_bytes(made.data)
        data = made.recovery_paths[0].read_bytes()
        forged = []
        for at in range(0, len(data), made.layout.record_size):
            record = parse_record(data[at : at + made.layout.record_size])
            assert record is not None
            layout = Layout(**{name: getattr(record.layout, name) for name in Layout.__slots__} | fields)
            forged.append(Record(layout, record.place, record.index, record.checks, record.block).encode())
        (folder / f"{NAME}.rec.001").write_bytes(b"".join(forged))
        return folder

    def test_a_promise_of_another_file(self, made: Kit, tmp_path: Path) -> None:
        folder = self._forged(made, tmp_path / "bad", file_digest=ID)
        error = refused(tmp_path / "out", folder)
        assert (error.kind, error.exit_status) == ("recovery-damaged", 20)
        error = refused(tmp_path / "out", self._forged(made, tmp_path / "bad2", bundle=ID))
        assert error.kind == "recovery-damaged"

    def test_false_checksums_cannot_make_another_bundle(self, made: Kit, tmp_path: Path) -> None:
        """Records that call good blocks bad get what they ask for; the result is not the bundle, and is refused."""
        folder = tmp_path / "bad"
        folder.mkdir()
        (folder / NAME).write_bytes(made.data)
        data = made.recovery_paths[0].read_bytes()
        record = parse_record(data[: made.layout.record_size])
        assert record is not None
        checks = check_of(bytes(made.layout.block)) + record.checks[8:]
        forged = Record(record.layout, record.place, 0, checks, bytes(made.layout.block)).encode()
        (folder / f"{NAME}.rec.001").write_bytes(forged + data[made.layout.record_size :])
        error = refused(tmp_path / "out", folder)
        assert error.exit_status in (10, 20)

    def test_a_claim_of_eight_tebibytes_is_refused_at_once(self, tmp_path: Path) -> None:
        layout = Layout(ID, ID, 2**43, RECOVERY_BLOCK_MAX, 240, 12)
        place = Place(1, 1, 0, layout.records)
        record = Record(layout, place, 0, bytes(8 * 240), bytes(layout.block))
        (tmp_path / f"{NAME}.rec.001").write_bytes(record.encode())
        error = refused(tmp_path / "out", tmp_path)
        assert error.kind == "recovery-not-enough"
        assert error.facts["lost"] == 2**43 // layout.block

    def test_a_file_full_of_beginnings(self, made: Kit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        tried = 0
        real = parse_record

        def counting(data: bytes) -> Record | None:
            nonlocal tried
            tried += 1
            return real(data)

        monkeypatch.setattr(recordset, "parse_record", counting)
        header = made.recovery_paths[0].read_bytes()[:RECOVERY_HEADER_SIZE]
        (tmp_path / f"{NAME}.rec.001").write_bytes(header * 20_000)
        assert refused(tmp_path / "out", tmp_path).kind == "recovery-missing"
        assert tried <= 1000

    def test_the_first_record_may_be_damaged(self, made: Kit, tmp_path: Path) -> None:
        rows = made.layout.rows
        records = {row * made.layout.columns for row in range(rows - 1)}
        folder = made.damaged(tmp_path / "bad", Damage(random.Random(1), {0}, records))
        check_repaired(made, tmp_path / "out", mend(tmp_path / "out", folder))

    def test_a_bad_sector_at_the_start_of_a_recovery_file(self, made: Kit, tmp_path: Path) -> None:
        folder = made.damaged(tmp_path / "bad", Damage(random.Random(1), {0}))
        with bad_sectors({f"{NAME}.rec.001": {range(0, 2048)}}):
            check_repaired(made, tmp_path / "out", mend(tmp_path / "out", folder))

    def test_markers_in_the_data_are_no_records(self, made: Kit, tmp_path: Path) -> None:
        data = made.recovery_paths[0].read_bytes()
        (tmp_path / f"{NAME}.rec.001").write_bytes(RECOVERY_MARKER * 5 + bytes(3) + data)
        assert refused(tmp_path / "out", tmp_path).kind == "recovery-missing"  # every record is in a wrong place

    def test_a_medium_that_gets_worse_meanwhile(
        self, made: Kit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = made.damaged(tmp_path / "bad", Damage(random.Random(1), {0}))
        real = recordset.collect_records

        def collect(*args: object) -> recordset.RecordSet:
            found = real(*args)  # type: ignore[arg-type]  # handed on as it came
            (folder / f"{NAME}.rec.001").write_bytes(b"")
            return found

        monkeypatch.setattr("airgap.media.repairer.collect_records", collect)
        assert refused(tmp_path / "out", folder).kind == "recovery-damaged"


def test_other_errors_than_of_the_medium_end_the_work(
    made: Kit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = made.damaged(tmp_path / "bad", Damage(random.Random(1)))

    def pread(*_: object) -> bytes:
        raise OSError(13, "Permission denied")

    monkeypatch.setattr(os, "pread", pread)
    assert refused(tmp_path / "out", folder).kind == "permission-denied"


def test_memory_does_not_grow_with_the_file(made: Kit) -> None:
    for percent in (1, 5, 25, 100):
        layout = plan_recovery(ID, ID, 2**40, percent)
        assert layout.window * layout.block * (layout.shards + layout.rows) <= 80 * MIB


def test_reading_back_what_cannot_be_read_is_an_error(made: Kit, tmp_path: Path) -> None:
    with pytest.raises(IntegrityError) as caught:
        add_recovery(made.written, [Extent(made.path, 0, 0, 10)], tmp_path / "x", 5, None, Silent())
    assert caught.value.kind == "bundle-truncated"
    assert list(tmp_path.iterdir()) == []
