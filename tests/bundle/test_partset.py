"""The parts of one bundle among the files of several folders; and what else lies there."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from airgap.bundle.format import FRAME_SIZE, PART_CLOSING_SIZE, PART_OPENING_SIZE
from airgap.bundle.partset import find_parts, open_bundle, read_labels
from airgap.errors import AirgapError, FormatError, HostError, IntegrityError, UsageError
from tests.bundle.parts import cut, units
from tests.bundle.simulator import Bundle, encode, examine, large_sample, sample

NAME = "rust.airgap.tar.zst"


@pytest.fixture(scope="module")
def large() -> Bundle:
    return large_sample(5 * FRAME_SIZE)


@pytest.fixture(scope="module")
def split(large: Bundle) -> list[bytes]:
    return cut(units(large), large.manifest.id)[0]


@pytest.fixture(scope="module")
def other() -> list[bytes]:
    """The parts of another bundle."""
    bundle = large_sample(4 * FRAME_SIZE + 5)
    return cut(units(bundle), bundle.manifest.id)[0]


@pytest.fixture(scope="module")
def stale(large: Bundle) -> list[bytes]:
    """The parts of the same bundle from an earlier run, with larger volumes."""
    return cut(units(large), large.manifest.id, 9_000_000)[0]


def put(folder: Path, *parts: bytes, name: str = NAME, first: int = 1) -> list[Path]:
    folder.mkdir(exist_ok=True)
    paths = [folder / f"{name}.{number:03d}" for number in range(first, first + len(parts))]
    for path, data in zip(paths, parts, strict=True):
        path.write_bytes(data)
    return paths


def verdict(*paths: Path) -> tuple[bool, str, list[str]]:
    with open_bundle([str(path) for path in paths]) as opened:
        examination = examine(opened.source)
        return examination.accepted, str(examination.id), list(opened.notes)


def error(*paths: Path) -> AirgapError:
    with pytest.raises(AirgapError) as caught:
        find_parts(list(paths))
    return caught.value


class TestWhereTheyLie:
    def test_beside_one_that_is_named(self, tmp_path: Path, split: list[bytes], large: Bundle) -> None:
        for path in put(tmp_path, *split):
            assert verdict(path) == (True, str(large.manifest.id), [])

    def test_in_a_folder(self, tmp_path: Path, split: list[bytes], large: Bundle) -> None:
        put(tmp_path, *split)
        assert verdict(tmp_path) == (True, str(large.manifest.id), [])

    def test_in_any_order_and_in_any_folders(self, tmp_path: Path, split: list[bytes], large: Bundle) -> None:
        folders = [tmp_path / name for name in "abc"]
        rng = random.Random(1)
        for number, data in enumerate(split):
            put(folders[number], data, name="".join(rng.choices("xyz", k=8)), first=rng.randrange(1, 900))
        rng.shuffle(folders)
        assert verdict(*folders) == (True, str(large.manifest.id), [])
        named = [next(folder.iterdir()) for folder in folders]
        assert verdict(*named) == (True, str(large.manifest.id), [])
        assert verdict(named[0], folders[1], named[2])[0]

    def test_under_names_of_another_order(self, tmp_path: Path, split: list[bytes], large: Bundle) -> None:
        """Labels count, not names."""
        put(tmp_path, *reversed(split))
        assert verdict(tmp_path) == (True, str(large.manifest.id), [])

    def test_a_link_that_is_named_is_followed(self, tmp_path: Path, split: list[bytes]) -> None:
        first, *_ = put(tmp_path / "real", *split)
        link = tmp_path / "link"
        link.symlink_to(first)
        assert verdict(link)[0]

    def test_links_and_folders_beside_are_not_looked_at(self, tmp_path: Path, split: list[bytes]) -> None:
        put(tmp_path / "real", split[2], first=3)
        paths = put(tmp_path / "here", *split[:2])
        (tmp_path / "here" / f"{NAME}.003").symlink_to(tmp_path / "real" / f"{NAME}.003")
        (tmp_path / "here" / f"{NAME}.004").mkdir()
        found = error(paths[0])
        assert (found.kind, found.facts["missing"]) == ("part-missing", ["3"])

    def test_other_files_are_not_looked_at(self, tmp_path: Path, split: list[bytes]) -> None:
        put(tmp_path, *split)
        (tmp_path / f"{NAME}.parts.sha256").write_text("nothing")
        (tmp_path / f"{NAME}.rec.001").write_bytes(b"nothing")
        (tmp_path / "notes.txt").write_text("nothing")
        assert find_parts([tmp_path]).notes == []

    def test_a_whole_bundle_is_as_before(self, tmp_path: Path) -> None:
        path = tmp_path / NAME
        path.write_bytes(encode(sample()))
        assert verdict(path) == (True, str(sample().manifest.id), [])


class TestWhatIsMissing:
    @pytest.mark.parametrize(
        ("kept", "missing"), [([0, 1], ["3"]), ([0, 2], ["2"]), ([1, 2], ["1"]), ([1], ["1", "3"])]
    )
    def test_it_is_named(self, tmp_path: Path, split: list[bytes], kept: list[int], missing: list[str]) -> None:
        for number in kept:
            put(tmp_path, split[number], first=number + 1)
        found = error(tmp_path)
        assert (found.kind, found.exit_status) == ("part-missing", 20)
        assert found.facts["missing"] == missing
        assert f"{', '.join(missing)} of 3 missing" in found.message
        assert "--only" in found.hint

    def test_a_file_whose_labels_are_gone_is_mentioned(self, tmp_path: Path, split: list[bytes]) -> None:
        put(tmp_path, split[0], bytes(len(split[1])), split[2])
        found = error(tmp_path)
        assert found.facts["missing"] == ["2"]
        assert f"{NAME}.002: its labels cannot be read" in found.message

    def test_no_part_at_all(self, tmp_path: Path) -> None:
        found = error(tmp_path)
        assert isinstance(found, HostError)
        assert found.kind == "file-not-found"
        put(tmp_path, b"short", b"")
        assert error(tmp_path).kind == "file-not-found"

    def test_a_folder_that_is_not_there(self, tmp_path: Path) -> None:
        assert error(tmp_path / "none").kind == "file-not-found"


class TestWhatIsDamaged:
    @pytest.mark.parametrize(
        "change",
        [
            lambda data: data[:-1],
            lambda data: data + b"x",
            lambda data: data[:PART_OPENING_SIZE],
            lambda data: data[:1000],
            lambda data: b"\0" + data[1:],
            lambda data: data[:-PART_CLOSING_SIZE] + bytes(PART_CLOSING_SIZE),
        ],
    )
    def test_a_named_part_with_a_damaged_label(self, tmp_path: Path, split: list[bytes], change: object) -> None:
        assert callable(change)
        paths = put(tmp_path, split[0], change(split[1]), split[2])
        found = error(paths[1])
        assert (found.kind, found.exit_status) == ("part-damaged", 20)
        assert str(paths[1]) in found.message

    def test_a_part_whose_first_bytes_are_gone_is_still_told_to_be_one(
        self, tmp_path: Path, split: list[bytes]
    ) -> None:
        """Else it would be called no bundle at all, which sends an operator to the sender instead of to a copy."""
        paths = put(tmp_path, split[0], bytes(512) + split[1][512:], split[2])
        with pytest.raises(IntegrityError) as caught, open_bundle([str(paths[1])]):
            pass
        assert caught.value.kind == "part-damaged"

    def test_a_named_file_that_is_no_part(self, tmp_path: Path, split: list[bytes]) -> None:
        paths = put(tmp_path, *split)
        stranger = tmp_path / "stranger"
        stranger.write_bytes(b"stranger")
        found = error(paths[0], stranger)
        assert isinstance(found, FormatError)
        assert found.kind == "not-a-bundle"


class TestWhatIsThereTwice:
    def test_a_copy_is_passed_over(self, tmp_path: Path, split: list[bytes], large: Bundle) -> None:
        put(tmp_path / "a", *split)
        put(tmp_path / "b", split[1], first=2)
        accepted, id_, notes = verdict(tmp_path / "a", tmp_path / "b")
        assert accepted
        assert id_ == str(large.manifest.id)
        assert len(notes) == 1
        assert "part 2 is there twice" in notes[0]

    def test_two_that_differ_are_refused(self, tmp_path: Path, split: list[bytes]) -> None:
        put(tmp_path / "a", *split)
        bad = bytearray(split[1])
        bad[-1] ^= 1  # the digest in its label
        (path,) = put(tmp_path / "b", bytes(bad), first=2)
        found = error(tmp_path / "a", tmp_path / "b")
        assert (found.kind, found.exit_status) == ("part-doubled", 20)
        assert str(path) in found.message

    def test_a_copy_that_is_damaged_inside_is_no_matter(self, tmp_path: Path, split: list[bytes]) -> None:
        """Its labels are those of the other; the one that is read first is read alone."""
        put(tmp_path / "a", *split)
        bad = bytearray(split[1])
        bad[10_000] ^= 1
        put(tmp_path / "b", bytes(bad), first=2)
        assert verdict(tmp_path / "a", tmp_path / "b")[0]
        assert not verdict(tmp_path / "b", tmp_path / "a")[0]


class TestStrangers:
    def test_a_foreign_part_beside_is_left_alone_and_named(
        self, tmp_path: Path, split: list[bytes], other: list[bytes], large: Bundle
    ) -> None:
        paths = put(tmp_path, *split)
        (stranger,) = put(tmp_path, other[1], first=4)
        accepted, id_, notes = verdict(paths[0])
        assert (accepted, id_) == (True, str(large.manifest.id))
        assert len(notes) == 1
        assert str(stranger) in notes[0]
        assert "another bundle" in notes[0]

    def test_a_foreign_part_in_the_place_of_a_missing_one_is_not_taken(
        self, tmp_path: Path, split: list[bytes], other: list[bytes]
    ) -> None:
        paths = put(tmp_path, split[0], other[1], split[2])
        found = error(paths[0])
        assert found.facts["missing"] == ["2"]
        assert "part 2 of another bundle" in found.message

    def test_a_foreign_part_that_is_named_is_refused(
        self, tmp_path: Path, split: list[bytes], other: list[bytes]
    ) -> None:
        paths = put(tmp_path / "a", *split)
        (stranger,) = put(tmp_path / "b", other[1], first=2)
        found = error(paths[0], stranger)
        assert isinstance(found, IntegrityError)
        assert (found.kind, found.facts["path"]) == ("part-foreign", str(stranger))

    def test_a_stale_part_is_left_alone_and_named(
        self, tmp_path: Path, split: list[bytes], stale: list[bytes], large: Bundle
    ) -> None:
        """The same name, the same bundle: only the set tells them apart."""
        assert len(stale) == 2
        paths = put(tmp_path, *split)
        put(tmp_path, stale[1], first=4)
        accepted, id_, notes = verdict(paths[0])
        assert (accepted, id_) == (True, str(large.manifest.id))
        assert "stale part: number 2 of 2 of another run" in notes[0]

    def test_a_stale_part_in_the_place_of_a_missing_one_is_not_taken(
        self, tmp_path: Path, split: list[bytes], stale: list[bytes]
    ) -> None:
        paths = put(tmp_path, split[0], stale[1], split[2])
        found = error(paths[0])
        assert found.facts["missing"] == ["2"]
        assert "stale part" in found.message

    def test_a_run_at_another_level_is_told_apart(self, tmp_path: Path, split: list[bytes], large: Bundle) -> None:
        again = cut(units(large, level=1), large.manifest.id)[0]
        assert again[2] != split[2]
        paths = put(tmp_path, *split[:2], again[2])
        assert error(paths[0]).facts["missing"] == ["3"]

    def test_a_folder_of_several_sets_is_refused(
        self, tmp_path: Path, split: list[bytes], other: list[bytes], stale: list[bytes]
    ) -> None:
        put(tmp_path, *split)
        put(tmp_path, *other, name="other")
        found = error(tmp_path)
        assert isinstance(found, FormatError)
        assert found.kind == "parts-of-several-bundles"
        assert "2 sets" in found.message
        put(tmp_path, stale[1], first=4)
        assert "3 sets" in error(tmp_path).message


class TestBounds:
    def test_standard_input_stands_alone(self, tmp_path: Path, split: list[bytes]) -> None:
        paths = put(tmp_path, *split)
        with pytest.raises(UsageError), open_bundle([str(paths[0]), "-"]):
            pass

    def test_so_many_files_and_no_more(
        self, tmp_path: Path, split: list[bytes], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        put(tmp_path, *split)
        monkeypatch.setattr("airgap.bundle.partset._FILES_MAX", 3)
        assert len(find_parts([tmp_path]).files) == 3
        monkeypatch.setattr("airgap.bundle.partset._FILES_MAX", 2)
        assert error(tmp_path).kind == "limit-exceeded"

    def test_a_bad_sector_in_a_label_counts_as_a_missing_label(
        self, tmp_path: Path, split: list[bytes], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (path,) = put(tmp_path, split[0])
        real = os.pread

        def pread(descriptor: int, size: int, position: int) -> bytes:
            if position == 0:
                raise OSError(5, "Input/output error")
            return real(descriptor, size, position)

        monkeypatch.setattr(os, "pread", pread)
        part = read_labels(path)
        assert part.opening is None
        assert part.closing is not None
        assert not part.is_whole

    def test_a_part_that_goes_away_is_an_error(self, tmp_path: Path, split: list[bytes]) -> None:
        paths = put(tmp_path, *split)
        with open_bundle([str(tmp_path)]) as opened:
            paths[2].unlink()
            examination = examine(opened.source)
        assert not examination.accepted
        assert examination.errors[0].kind == "file-not-found"
