"""Media: parts on sticks and discs, recovery, reading back."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import forge
import pytest
from forge import Layer, Sample

from airgap.bundle.volumes import VOLUME_MIN
from airgap.digest import Digest
from airgap.disk.reading import read_bounded
from tests.cli.contract import DIGEST, check_error, check_verdict
from tests.cli.site import BUNDLE, RUST, Result, Site, blobs, litter, process, run, snapshot
from tests.cli.test_host import limited

VOLUME = "5M"
SOURCE = f"{RUST}=oci:{{}}/layouts/docker.io_stagex_pallet-rust"


def export(site: Site, output: Path, *arguments: object) -> Result:
    """The bundle of the site again, into another place."""
    return site.export(SOURCE.format(site.folder), *arguments, output=output)


@pytest.fixture(scope="module")
def medium(bulky: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Parts and recovery of the bulky bundle; read, never written to."""
    folder = tmp_path_factory.mktemp("medium")
    result = export(bulky, folder / BUNDLE, "--volume-size", VOLUME, "--recovery", "45%")
    assert result.code == 0, result
    return folder


@pytest.fixture
def stick(medium: Path, tmp_path: Path) -> Path:
    """A copy of the medium, to be damaged."""
    return Path(shutil.copytree(medium, tmp_path / "stick"))


def parts(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"{BUNDLE}.0*"))


class TestExport:
    def test_parts(self, bulky: Site, medium: Path, tmp_path: Path) -> None:
        result = export(bulky, tmp_path / BUNDLE, "--volume-size", VOLUME)
        assert result.code == 0, result
        assert [path.read_bytes() for path in parts(tmp_path)] == [path.read_bytes() for path in parts(medium)]
        document = result.json
        assert document["bundle"]["id"] == bulky.verify().json["bundle"]["id"]
        assert document["bundle"]["size"] == bulky.bundle.stat().st_size
        assert document["bundle"]["sha256"] == hashlib.sha256(bulky.bundle.read_bytes()).hexdigest()
        assert document["parts"] == [
            {
                "file": str(path),
                "number": number,
                "size": path.stat().st_size,
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            }
            for number, path in enumerate(parts(tmp_path), 1)
        ]
        assert len(document["parts"]) == 4
        assert document["recovery"] is None
        assert not (tmp_path / BUNDLE).exists()
        assert litter(tmp_path) == []

    def test_names_that_others_know_how_to_check(self, medium: Path) -> None:
        for name in (f"{BUNDLE}.parts.sha256", f"{BUNDLE}.rec.sha256"):
            subprocess.run(["sha256sum", "-c", "--strict", name], cwd=medium, check=True, capture_output=True)

    def test_text(self, bulky: Site, tmp_path: Path) -> None:
        arguments = ["--volume-size", VOLUME, "--recovery", "5"]
        result = bulky.export(SOURCE.format(bulky.folder), *arguments, output=tmp_path / BUNDLE, text=True)
        assert result.code == 0, result
        assert f"  part   1  {tmp_path / BUNDLE}.001" in result.text
        assert f"  recovery  {tmp_path / BUNDLE}.rec.001" in result.text
        assert "does NOT make up for the loss of a whole part; that takes --recovery " in result.text

    def test_recovery_says_what_it_covers(self, bulky: Site, medium: Path, tmp_path: Path) -> None:
        result = export(bulky, tmp_path / BUNDLE, "--volume-size", VOLUME, "--recovery", "45%")
        recovery = result.json["recovery"]
        assert recovery["covers_one_part"] is True
        assert recovery["percent_for_one_part"] <= 45
        assert recovery["longest_run"] >= max(path.stat().st_size for path in parts(medium)) - 300
        files = sorted(tmp_path.glob("*.rec.0*"))
        assert [one["file"] for one in recovery["files"]] == [str(path) for path in files]
        assert [path.read_bytes() for path in files] == [path.read_bytes() for path in sorted(medium.glob("*.rec.0*"))]
        assert all(path.stat().st_size <= 5 * 1024**2 for path in files)
        least = recovery["percent_for_one_part"]
        again = export(bulky, tmp_path / BUNDLE, "--volume-size", VOLUME, "--recovery", str(least)).json["recovery"]
        assert again["covers_one_part"] is True
        fewer = export(bulky, tmp_path / BUNDLE, "--volume-size", VOLUME, "--recovery", str(least - 1)).json["recovery"]
        assert fewer["covers_one_part"] is False
        assert fewer["percent_for_one_part"] == least

    def test_recovery_of_a_whole_bundle_leaves_it_as_it_is(self, bulky: Site, tmp_path: Path) -> None:
        result = export(bulky, tmp_path / BUNDLE, "--recovery", "5%")
        assert result.code == 0, result
        assert (tmp_path / BUNDLE).read_bytes() == bulky.bundle.read_bytes()
        assert result.json["parts"] == []
        assert result.json["recovery"]["covers_one_part"] is False
        assert run("verify", "--media", tmp_path).code == 0

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["--volume-size", "4M"], str(VOLUME_MIN)),
            (["--volume-size", "dvd9"], "fat32, cd700, dvd, dvd-dl, bd25"),
            (["--recovery", "0"], "from 1 to 100"),
            (["--recovery", "101%"], "from 1 to 100"),
        ],
    )
    def test_sizes_that_cannot_be(self, bulky: Site, tmp_path: Path, arguments: list[str], said: str) -> None:
        result = export(bulky, tmp_path / BUNDLE, *arguments)
        assert (result.code, result.kinds) == (2, ["usage"])
        assert said in result.messages + str(result.json["hint"])
        assert list(tmp_path.iterdir()) == []

    def test_a_stream_has_no_parts(self, bulky: Site) -> None:
        for arguments in (["--volume-size", VOLUME], ["--recovery", "5"]):
            line = [SOURCE.format(bulky.folder), *bulky.evidence(), "-o", "-", *arguments]
            result = run("export", *line)
            assert result.code == 2
            assert result.stdout == b""

    def test_a_part_of_an_earlier_run_is_pointed_out(self, bulky: Site, tmp_path: Path) -> None:
        assert export(bulky, tmp_path / BUNDLE, "--volume-size", VOLUME).code == 0
        old = (tmp_path / f"{BUNDLE}.004").read_bytes()
        result = export(bulky, tmp_path / BUNDLE, "--volume-size", "9M")
        assert len(result.json["parts"]) == 2
        assert [note for note in result.json["notes"] if f"{BUNDLE}.004" in note and "earlier run" in note]
        assert (tmp_path / f"{BUNDLE}.004").read_bytes() == old
        verified = bulky.verify(bundle=tmp_path / f"{BUNDLE}.001")
        assert verified.code == 0
        assert [note for note in verified.json["notes"] if "stale" in note]
        assert bulky.verify(bundle=tmp_path).kinds == ["parts-of-several-bundles"]

    def test_without_the_library_nothing_is_written(self, bulky: Site, tmp_path: Path) -> None:
        line = [SOURCE.format(bulky.folder), *bulky.evidence(), "-o", tmp_path / BUNDLE, "--recovery", "5"]
        result = process("export", *line, "--format", "json", before="import sys; sys.modules['zfec'] = None")
        assert (result.code, result.kinds) == (70, ["extra-missing"])
        assert list(tmp_path.iterdir()) == []

    def test_a_medium_that_holds_no_large_files(self, bulky: Site, tmp_path: Path) -> None:
        """EFBIG, as FAT32 gives it."""
        line = [SOURCE.format(bulky.folder), *bulky.evidence(), "-o", tmp_path / BUNDLE, "--format", "json"]
        for arguments in ([], ["--volume-size", VOLUME], ["--recovery", "5"]):
            result = process("export", *line, *arguments, preexec=limited(2 * 1024**2))
            assert (result.code, result.kinds) == (70, ["disk-full"])
            assert "4294967295" in result.messages
            assert "--volume-size fat32" in result.json["hint"]
            assert litter(tmp_path) == []
            assert parts(tmp_path) == []

    def test_there_is_not_even_room_for_the_layers(
        self, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        source = site.image(RUST, _gzipped(), "anna", "bert")
        real = os.statvfs

        def statvfs(path: object) -> os.statvfs_result:
            found = list(real(str(path)))
            found[4] = 5  # f_bavail
            return os.statvfs_result(found)

        monkeypatch.setattr(os, "statvfs", statvfs)
        result = site.export(source)
        assert (result.code, result.kinds) == (70, ["disk-full"])
        assert result.json["facts"]["needed"] > result.json["facts"]["free"] > 0
        assert str(result.json["facts"]["free"]) in result.messages
        assert not site.bundle.exists()


def _gzipped() -> Sample:
    return forge.image([Layer({"bin/noise": random.Random(3).randbytes(200_000)})])


class TestReading:
    def test_the_verdict_is_that_of_the_whole_bundle(self, bulky: Site, medium: Path) -> None:
        whole = bulky.verify()
        assert whole.code == 0
        for bundle in (medium, *parts(medium)):
            assert bulky.verify(bundle=bundle) == whole
        stream = b"".join(path.read_bytes() for path in parts(medium))
        assert bulky.verify(bundle="-", stdin=stream) == whole

    def test_several_folders(self, bulky: Site, medium: Path, tmp_path: Path) -> None:
        sticks = []
        for number, path in enumerate(reversed(parts(medium))):
            sticks.append(tmp_path / f"stick{number}")
            sticks[-1].mkdir()
            shutil.copy(path, sticks[-1])
        line = ["verify", *sticks, *bulky.verify_line()[2:]]
        assert run(*line) == bulky.verify()
        line = ["verify", *(next(stick.iterdir()) for stick in sticks), *bulky.verify_line()[2:]]
        assert run(*line) == bulky.verify()

    def test_import_leaves_the_medium_as_it_is(self, site: Site, bulky: Site, medium: Path) -> None:
        before = snapshot(medium)
        line = ["import", medium, "--trust", bulky.trust, "--store", site.store, *bulky.import_line()[-4:]]
        result = run(*line)
        assert result.code == 0, result
        check_verdict(result.json, 0)
        assert result.json["images"][0]["digest"] in blobs(site.store)
        assert snapshot(medium) == before
        assert litter(site.folder) == []

    def test_inspect(self, bulky: Site, medium: Path) -> None:
        assert run("inspect", medium, "--format", "json") == run("inspect", bulky.bundle, "--format", "json")

    def test_a_missing_part_is_named(self, bulky: Site, stick: Path) -> None:
        parts(stick)[2].unlink()
        before = bulky.snapshot()
        for result in (bulky.verify(bundle=stick), bulky.import_(bundle=stick)):
            assert (result.code, result.kinds) == (20, ["part-missing"])
            check_verdict(result.json, 20)
            assert result.json["errors"][0]["facts"]["missing"] == ["3"]
        assert bulky.snapshot() == before

    def test_a_damaged_part_is_named(self, bulky: Site, stick: Path) -> None:
        path = parts(stick)[1]
        data = bytearray(path.read_bytes())
        data[1_000_000] ^= 1
        path.write_bytes(data)
        before = bulky.snapshot()
        for result in (bulky.verify(bundle=stick), bulky.import_(bundle=stick), bulky.verify("-j", "1", bundle=stick)):
            assert (result.code, result.kinds) == (20, ["frame-damaged"])
            assert "part 2 of 4" in result.messages
        assert bulky.snapshot() == before
        assert litter(bulky.folder) == []

    def test_standard_input_and_files(self, medium: Path, bulky: Site) -> None:
        assert bulky.verify(medium, bundle="-").kinds == ["usage"]


class TestRecut:
    def test_join_and_split(self, bulky: Site, medium: Path, tmp_path: Path) -> None:
        joined = run("join", medium, "-o", tmp_path / "whole", "--format", "json")
        assert joined.code == 0, joined
        assert (tmp_path / "whole").read_bytes() == bulky.bundle.read_bytes()
        document = joined.json
        assert document["schema"] == "airgap/join/v1"
        assert document["bundle"]["id"] == bulky.verify().json["bundle"]["id"]
        subprocess.run(["sha256sum", "-c", "whole.sha256"], cwd=tmp_path, check=True, capture_output=True)

        split = run("split", bulky.bundle, "--volume-size", VOLUME, "-o", tmp_path / BUNDLE, "--format", "json")
        assert split.code == 0, split
        assert split.json["schema"] == "airgap/parts/v1"
        assert split.json["bundle"]["id"] == document["bundle"]["id"]
        assert [path.read_bytes() for path in parts(tmp_path)] == [path.read_bytes() for path in parts(medium)]
        listing = f"{BUNDLE}.parts.sha256"
        assert (tmp_path / listing).read_bytes() == (medium / listing).read_bytes()
        assert litter(tmp_path) == []

    def test_from_one_size_to_another(self, bulky: Site, medium: Path, tmp_path: Path) -> None:
        split = run("split", medium, "--volume-size", "9M", "-o", tmp_path / BUNDLE, "--format", "json")
        assert len(split.json["parts"]) == 2
        assert bulky.verify(bundle=tmp_path) == bulky.verify()
        stream = b"".join(path.read_bytes() for path in parts(tmp_path))
        assert run("join", "-", "-o", tmp_path / "whole", stdin=stream).code == 0
        assert (tmp_path / "whole").read_bytes() == bulky.bundle.read_bytes()

    @pytest.mark.parametrize("only", [1, 2, 3, 4])
    def test_one_part_alone(self, bulky: Site, medium: Path, tmp_path: Path, only: int) -> None:
        line = ["split", bulky.bundle, "--volume-size", VOLUME, "-o", tmp_path / BUNDLE, "--only", only]
        result = run(*line, "--format", "json")
        assert result.code == 0, result
        (made,) = parts(tmp_path)
        assert made.name == f"{BUNDLE}.{only:03d}"
        assert made.read_bytes() == (medium / made.name).read_bytes()
        assert [one["number"] for one in result.json["parts"]] == [only]
        listing = f"{BUNDLE}.parts.sha256"
        assert (tmp_path / listing).read_bytes() == (medium / listing).read_bytes()

    def test_a_part_that_is_none(self, bulky: Site, tmp_path: Path) -> None:
        result = run("split", bulky.bundle, "--volume-size", VOLUME, "-o", tmp_path / BUNDLE, "--only", 5)
        assert result.code == 2
        assert "there are 4" in result.errors
        assert list(tmp_path.iterdir()) == []

    def test_damage_is_not_carried_on(self, bulky: Site, stick: Path, tmp_path: Path) -> None:
        bad = tmp_path / "bad"
        data = bytearray(bulky.bundle.read_bytes())
        data[5_000_000] ^= 1
        bad.write_bytes(data)
        path = parts(stick)[0]
        path.write_bytes(path.read_bytes()[:-1])
        for line in (
            ["split", bad, "--volume-size", VOLUME, "-o", tmp_path / "out"],
            ["join", path, "-o", tmp_path / "out"],
        ):
            result = run(*line, "--format", "json")
            assert result.code == 20
            check_error(result.json)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["bad", "stick"]

    def test_a_bundle_that_changes_while_it_is_read(
        self, bulky: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The labels would name another bundle than the parts hold."""
        monkeypatch.setattr("airgap.media.recutter.bundle_id", lambda _: Digest("5" * 64))
        line = ["split", bulky.bundle, "--volume-size", VOLUME, "-o", tmp_path / BUNDLE]
        result = run(*line, "--format", "json")
        assert (result.code, result.kinds) == (20, ["member-differs"])
        assert list(tmp_path.iterdir()) == []

    def test_usage(self, bulky: Site, tmp_path: Path) -> None:
        assert run("split", bulky.bundle, "-o", tmp_path / "x").code == 2
        assert run("split", "-", "--volume-size", VOLUME, "-o", tmp_path / "x").code == 2
        assert run("join", bulky.bundle).code == 2

    def test_text(self, medium: Path, tmp_path: Path) -> None:
        assert run("join", medium, "-o", tmp_path / "whole").lines[0].startswith("JOINED: ")
        lines = run("split", tmp_path / "whole", "--volume-size", VOLUME, "-o", tmp_path / BUNDLE).lines
        assert lines[0].startswith("CUT: 4 part(s) of bundle sha256:")


class TestJudgingAlone:
    def test_every_file_of_the_medium(self, medium: Path, bulky: Site) -> None:
        identity = bulky.verify().json["bundle"]["id"]
        for option in ("--part", "--media"):
            files = parts(medium) if option == "--part" else [medium]
            result = run("verify", option, *files, "--format", "json")
            assert result.code == 0, result
            document = result.json
            assert document["schema"] == "airgap/media/v1"
            assert document["around_cache"] is (option == "--media")
            for one in document["files"]:
                path = Path(one["file"])
                assert one["status"] == "good"
                assert one["kind"] == ("recovery" if ".rec." in path.name else "part")
                assert one["bundle"] == identity
                assert DIGEST.fullmatch(one["bundle"])
                assert one["size"] == path.stat().st_size
                assert one["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
                assert one["checksum_file"] is True
                assert one["error"] is None
                assert one["read"] in (["cached"] if option == "--part" else ["direct", "cache-dropped", "cached"])
        assert {(one["number"], one["total"]) for one in document["files"] if one["kind"] == "part"} == {
            (number, 4) for number in range(1, 5)
        }

    def test_a_whole_bundle(self, bulky: Site) -> None:
        result = run("verify", "--media", bulky.bundle, "--format", "json")
        assert result.code == 0, result
        (one,) = result.json["files"]
        assert (one["kind"], one["bundle"]) == ("bundle", bulky.verify().json["bundle"]["id"])

    def test_a_part_alone_needs_nothing_beside_it(self, medium: Path, tmp_path: Path) -> None:
        path = tmp_path / "disc"
        shutil.copy(parts(medium)[1], path)
        (one,) = run("verify", "--part", path, "--format", "json").json["files"]
        assert (one["status"], one["number"], one["total"], one["checksum_file"]) == ("good", 2, 4, False)

    @pytest.mark.parametrize("option", ["--part", "--media"])
    @pytest.mark.parametrize("place", [0, 10, 30, 100, 3_000_000, -1, -40, -100, "cut", "short", "more"])
    def test_a_damaged_part(self, stick: Path, option: str, place: int | str) -> None:
        path = parts(stick)[1]
        data = bytearray(path.read_bytes())
        if place == "cut":
            data = data[:-1]
        elif place == "short":
            data = data[:40]
        elif place == "more":
            data += b"x"
        elif isinstance(place, int):
            data[place] ^= 4
        path.write_bytes(data)
        result = run("verify", option, path, "--format", "json")
        assert result.code == 20, result
        (one,) = result.json["files"]
        assert one["status"] == "bad"
        check_error(one["error"])

    @pytest.mark.parametrize("option", ["--part", "--media"])
    def test_a_good_part_of_another_run_is_not_the_one_in_the_list(self, bulky: Site, stick: Path, option: str) -> None:
        """Its label is whole; only the list tells."""
        path = parts(stick)[0]
        assert run("split", bulky.bundle, "--volume-size", "9M", "-o", stick / "x").code == 0
        path.write_bytes((stick / "x.001").read_bytes())
        result = run("verify", option, path, "--format", "json")
        assert result.code == 20
        assert result.json["files"][0]["error"]["kind"] == "file-differs"

    def test_the_list_of_all_parts_is_not_read_for_each(self, stick: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """It may have megabytes: it is read to find the parts, and to compare them."""
        read: list[str] = []

        def reading(path: Path, limit: int) -> bytes:
            read.append(path.name)
            return read_bounded(path, limit)

        monkeypatch.setattr("airgap.media.judge.read_bounded", reading)
        assert run("verify", "--media", stick).code == 0
        assert len(parts(stick)) > 2
        assert read.count(f"{BUNDLE}.parts.sha256") == 2

    def test_a_list_that_does_not_name_it_is_no_matter(self, stick: Path) -> None:
        (stick / f"{BUNDLE}.parts.sha256").write_text(f"{'0' * 64}  other\nno line of that kind\n")
        (one,) = run("verify", "--part", parts(stick)[0], "--format", "json").json["files"]
        assert (one["status"], one["checksum_file"]) == ("good", False)

    def test_damaged_recovery(self, stick: Path) -> None:
        path = sorted(stick.glob("*.rec.0*"))[0]
        good = path.read_bytes()
        for data in (
            good[:-1],
            good + b"x",
            b"x" + good[1:],
            b"",
            good[:500] + b"x" + good[501:],
            good[:100],
            good[:-100_000],
        ):
            path.write_bytes(data)
            result = run("verify", "--media", path, "--format", "json")
            assert result.code == 20
            assert result.json["files"][0]["error"]["kind"] == "recovery-damaged"

    def test_a_damaged_bundle(self, bulky: Site, tmp_path: Path) -> None:
        data = bytearray(bulky.bundle.read_bytes())
        data[6_000_000] ^= 1
        (tmp_path / "bad").write_bytes(data)
        assert run("verify", "--media", tmp_path / "bad").code == 20

    def test_all_files_are_judged_and_the_gravest_decides(self, stick: Path) -> None:
        first, second, *_ = parts(stick)
        first.write_bytes(first.read_bytes()[:-1])
        (stick / "whole").write_bytes(b"nothing")
        (stick / "whole.sha256").write_text(f"{'0' * 64}  whole\n")
        second.write_bytes(b"nothing")
        result = run("verify", "--media", stick, stick / "none", "--format", "json")
        assert result.code == 70
        result = run("verify", "--media", stick, "--format", "json")
        assert [one["status"] for one in result.json["files"]].count("bad") == 3
        kinds = {one["error"]["kind"] for one in result.json["files"] if one["error"]}
        assert kinds == {"part-damaged", "not-a-bundle"}
        assert result.code == 10

    def test_what_is_no_part(self, bulky: Site, medium: Path, tmp_path: Path) -> None:
        for path in (bulky.bundle, bulky.maintainers, sorted(medium.glob("*.rec.0*"))[0]):
            assert run("verify", "--part", path).code == 10
        (tmp_path / "notes").write_text("no bundle")
        assert run("verify", "--media", tmp_path).code == 70

    def test_no_trust_root_is_taken(self, bulky: Site, medium: Path) -> None:
        for option in ("--part", "--media"):
            assert run("verify", option, parts(medium)[0], "--trust", bulky.trust).code == 2

    def test_text(self, stick: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        result = run("verify", "--media", stick)
        assert result.lines[0].startswith("INTACT: ")
        assert "read " in result.text
        assert "nobody's signature was looked at" in result.text
        monkeypatch.setattr("airgap.disk.uncached._open_direct", lambda _: None)
        monkeypatch.setattr("airgap.disk.uncached._is_cached", lambda _: True)
        assert "NOT CERTAINLY READ FROM THE MEDIUM" in run("verify", "--media", stick).text
        monkeypatch.setattr("airgap.disk.uncached._is_cached", lambda _: False)
        assert "after dropping it from the page cache" in run("verify", "--media", stick).text
        path = parts(stick)[0]
        path.write_bytes(path.read_bytes()[:-1])
        result = run("verify", "--media", stick)
        assert result.lines[0].startswith("DAMAGED: ")
        assert "part-damaged" in result.text
        assert "not compared" in result.text


class TestRepair:
    def test_a_lost_part_and_a_bad_sector(self, bulky: Site, stick: Path, tmp_path: Path) -> None:
        parts(stick)[1].unlink()
        before = snapshot(stick)
        result = run("repair", stick, "-o", tmp_path / "whole", "--format", "json")
        assert result.code == 0, result
        document = result.json
        assert document["schema"] == "airgap/repair/v1"
        assert document["bundle"]["id"] == bulky.verify().json["bundle"]["id"]
        assert document["repaired"]["blocks"] > 0
        assert {one["file"] for one in document["repaired"]["files"]} >= {None}
        assert (tmp_path / "whole").read_bytes() == bulky.bundle.read_bytes()
        assert snapshot(stick) == before
        assert bulky.verify(bundle=tmp_path / "whole") == bulky.verify()
        assert litter(tmp_path) == []

    def test_more_than_can_be_repaired(self, stick: Path, tmp_path: Path) -> None:
        for path in parts(stick)[:2]:
            path.unlink()
        result = run("repair", stick, "-o", tmp_path / "whole", "--format", "json")
        assert (result.code, result.kinds) == (20, ["recovery-not-enough"])
        assert result.json["facts"]["missing"] > 0
        assert not (tmp_path / "whole").exists()
        assert litter(tmp_path) == []

    def test_text(self, stick: Path, tmp_path: Path) -> None:
        whole = run("repair", stick, "-o", tmp_path / "whole")
        assert whole.lines[0].startswith("NOTHING WAS DAMAGED")
        parts(stick)[3].unlink()
        result = run("repair", stick, "-o", tmp_path / "whole")
        assert result.lines[0].startswith("REPAIRED: ")
        assert "of what is missing" in result.text
        assert "now run `airgap verify`" in result.text

    def test_a_verdict_on_damage_points_to_it(self, bulky: Site, stick: Path) -> None:
        parts(stick)[0].unlink()
        path = parts(stick)[0]
        assert "airgap repair" in run("verify", "--part", path).text or run("verify", "--part", path).code == 0
        data = bytearray(path.read_bytes())
        data[1_000] ^= 1
        path.write_bytes(data)
        assert "airgap repair" in run("verify", "--part", path).text


class Peak:
    """The most bytes that a folder ever held while something ran, looked at all the time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._done = threading.Event()
        self.octets = 0
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Peak:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
        self._look()

    def _watch(self) -> None:
        while not self._done.wait(0.002):
            self._look()

    def _look(self) -> None:
        self.octets = max(self.octets, sum(_sizes(self._folder)))


def _sizes(folder: Path) -> Iterator[int]:
    """Of what is there at this moment: files and folders may go while this looks, which ``os.walk`` passes over."""
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                yield os.lstat(os.path.join(place, name)).st_size


def test_peak_extra_disk_use(bulky: Site, medium: Path, stick: Path, tmp_path: Path) -> None:
    """Nothing is joined or copied on the way: what is written is what stays (a listing of hashes aside)."""
    parts(stick)[1].unlink()
    size = bulky.bundle.stat().st_size
    verify_line = bulky.verify_line(bundle=medium)
    rows = []
    for name, line in {
        "verify parts": verify_line,
        "export parts": ["export", SOURCE.format(bulky.folder), *bulky.evidence(), "--volume-size", VOLUME, "-o"],
        "split": ["split", bulky.bundle, "--volume-size", VOLUME, "-o"],
        "join": ["join", medium, "-o"],
        "repair": ["repair", stick, "-o"],
    }.items():
        folder = tmp_path / name.replace(" ", "-")
        folder.mkdir()
        output = [folder / BUNDLE] if line[-1] == "-o" else []
        with Peak(folder) as peak:
            result = run(*line, *output, cwd=folder)
        assert result.code == 0, (name, result)
        left = sum(_sizes(folder))
        rows.append(f"{name}: peak {peak.octets}, left {left}")
        assert peak.octets <= left
        assert left <= (size + 4 * 300 + 1000 if output else 0)
    print(f"\nextra disk use in bytes, for a bundle of {size}: " + "; ".join(rows))
