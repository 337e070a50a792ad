"""Each part on a medium of its own: every one lost, damaged, or taken from another bundle; and media that are full.

Sticks are file systems where this machine lets us mount them: FAT32 and ext4 on a loop device, else tmpfs with a size.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import forge
import pytest
from forge import Layer

from tests.cli.contract import check_verdict
from tests.cli.site import AT, BUNDLE, RUST, Result, Site, half_done, litter, run
from tests.cli.test_media import Peak
from tests.needs import lacking

MIB = 1024 * 1024
PARTS = 3
KINDS = ("vfat", "ext4", "tmpfs")


def _parts(site: Site, folder: Path, seed: int) -> list[Path]:
    folder.mkdir()
    noise = random.Random(seed).randbytes(13 * MIB)
    source = site.image(RUST, forge.image([Layer({"bin/noise": noise}, "none")]), "anna", "bert")
    assert site.export(source, "--volume-size", "5M", output=folder / BUNDLE).code == 0
    found = sorted(folder.glob(f"{BUNDLE}.0*"))
    assert len(found) == PARTS + 1
    return found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Two bundles in parts, of one reference: ours and another."""
    site = Site(tmp_path_factory.mktemp("media"))
    assert site.init().code == 0
    _parts(site, site.folder / "other", 2)
    _parts(site, site.folder / "ours", 1)
    return site


@pytest.fixture
def sticks(site: Site, tmp_path: Path) -> list[Path]:
    """A folder for each part."""
    folders = []
    for part in sorted((site.folder / "ours").glob(f"{BUNDLE}.0*")):
        folders.append(tmp_path / f"stick{part.suffix}")
        folders[-1].mkdir()
        shutil.copy(part, folders[-1])
    return folders


def import_(site: Site, store: Path, *media: Path, stdin: bytes = b"") -> Result:
    places = ["--trust", site.trust, "--store", store, "--at", AT, "--format", "json"]
    result = run("import", *(media or ("-",)), *places, stdin=stdin)
    check_verdict(result.json, result.code)
    assert half_done(store) == []
    return result


class TestEveryPart:
    """From folders in any order, and through a pipe."""

    @pytest.mark.parametrize("number", range(1, PARTS + 2))
    @pytest.mark.parametrize("form", ["folders", "pipe"])
    @pytest.mark.parametrize("fate", ["lost", "flipped", "cut", "empty", "swapped"])
    def test_of_which_one_is_bad(
        self, site: Site, sticks: list[Path], tmp_path: Path, number: int, form: str, fate: str
    ) -> None:
        (part,) = sticks[number - 1].iterdir()
        data = part.read_bytes()
        part.unlink()
        bad = {
            "lost": None,
            "flipped": data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 1]) + data[len(data) // 2 + 1 :],
            "cut": data[: len(data) // 2],
            "empty": b"",
            "swapped": (site.folder / "other" / part.name).read_bytes(),
        }[fate]
        if bad is not None:
            part.write_bytes(bad)
        store = tmp_path / "store"
        if form == "pipe":
            stream = b"".join(path.read_bytes() for stick in sticks for path in stick.iterdir())
            result = import_(site, store, stdin=stream)
        else:
            result = import_(site, store, *reversed(sticks))
        assert result.code in (10, 20), result
        assert not store.exists()
        if form == "folders":
            assert f"part {number}" in result.messages or part.name in result.messages, result.messages
        if form == "folders" and fate == "lost":
            assert result.kinds == ["part-missing"]
            assert result.json["errors"][0]["facts"]["missing"] == [str(number)]

    def test_none_is_bad(self, site: Site, sticks: list[Path], tmp_path: Path) -> None:
        assert import_(site, tmp_path / "store", *reversed(sticks)).code == 0


@pytest.fixture(params=KINDS)
def mounted(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A medium of 8 MiB (FAT32: 34 MiB, it has no smaller ones)."""
    kind = request.param
    place, image = tmp_path / "medium", tmp_path / "medium.img"
    place.mkdir()
    size = 34 if kind == "vfat" else 8
    make = {"vfat": ["mkfs.vfat", "-F", "32"], "ext4": ["mkfs.ext4", "-q", "-O", "^has_journal"]}.get(kind)
    mount = ["mount", "-o", "loop", str(image), str(place)]
    if make is None:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size}m", "none", str(place)]
    else:
        if shutil.which(make[0]) is None:
            lacking(f"needs {make[0]}")
        with open(image, "wb") as file:
            file.truncate(size * MIB)
        subprocess.run([*make, str(image)], check=True, capture_output=True)
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reason = done.stderr.strip().splitlines()[0]
        # Also where skips are forbidden: a kernel without a file system gets it from no package.
        pytest.skip(f"this machine does not mount {kind} ({reason}); tmpfs with a size stands for it")
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True)


class TestMounted:
    def test_a_part_written_read_back_and_imported(self, site: Site, mounted: Path, tmp_path: Path) -> None:
        """`split --only` onto the medium; then it is read back, remounted read-only, and imported from."""
        ours = site.folder / "ours"
        assert run("split", ours, "--volume-size", "5M", "--only", "2", "-o", mounted / BUNDLE).code == 0
        assert (mounted / f"{BUNDLE}.002").read_bytes() == (ours / f"{BUNDLE}.002").read_bytes()
        assert run("verify", "--media", mounted / f"{BUNDLE}.002", "--format", "json").code == 0
        subprocess.run(["mount", "-o", "remount,ro", mounted], check=True)
        rest = tmp_path / "rest"
        rest.mkdir()
        for number in (1, 3, 4):
            shutil.copy(ours / f"{BUNDLE}.00{number}", rest)
        assert import_(site, tmp_path / "store", mounted, rest).code == 0
        assert import_(site, tmp_path / "none", rest).kinds == ["part-missing"]

    def test_an_export_that_does_not_fit(self, site: Site, mounted: Path) -> None:
        """A layer that is not compressed promises nothing; the medium fills up, and what fits is kept to go on."""
        free = os.statvfs(mounted)
        blocker = free.f_bavail * free.f_frsize - 6 * MIB
        (mounted / "blocker").write_bytes(bytes(max(0, blocker)))
        source = f"{RUST}=oci:{site.folder}/layouts/docker.io_stagex_pallet-rust"
        result = site.export(source, output=mounted / BUNDLE)
        assert result.code == 70, result
        assert result.kinds == ["disk-full"]
        assert not (mounted / BUNDLE).exists()
        assert {path.name for path in mounted.iterdir()} <= {"blocker", "lost+found", f"{BUNDLE}.airgap-partial"}

    def test_a_store_that_does_not_fit(self, site: Site, mounted: Path) -> None:
        """Said before the first byte, with both numbers."""
        free = os.statvfs(mounted)
        (mounted / "blocker").write_bytes(bytes(max(0, free.f_bavail * free.f_frsize - 6 * MIB)))
        result = import_(site, mounted / "store", site.folder / "ours")
        assert result.code == 70
        assert result.kinds == ["disk-full"]
        facts = result.json["errors"][0]["facts"]
        assert facts["free"] < facts["needed"]
        assert facts["needed"] >= 13 * MIB
        assert litter(mounted) == []
        assert not (mounted / "store").exists()


@pytest.mark.parametrize("form", ["file", "parts"])
def test_an_import_has_the_bytes_on_the_disk_once(site: Site, tmp_path: Path, form: str) -> None:
    """From quarantine to the store is a rename; parts are not joined."""
    bundle = site.folder / "ours"
    if form == "file":
        assert run("join", bundle, "-o", tmp_path / "joined").code == 0
        bundle = tmp_path / "joined"
    (tmp_path / "watched").mkdir()
    store = tmp_path / "watched" / "store"
    with Peak(tmp_path / "watched") as peak:
        assert import_(site, store, bundle).code == 0
    left = sum(path.stat().st_size for path in store.rglob("*") if path.is_file())
    assert 13 * MIB <= peak.octets <= left + 4096, (peak.octets, left)
