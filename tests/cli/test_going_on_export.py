"""Exports that were stopped, and that go on: the bytes of an export without interruption, and none asked for twice."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import forge
import pytest
from forge import Layer, Sample

import airgap.sources.layout
from airgap.bundle.writer import _FrameWriter
from airgap.digest import Digest
from airgap.disk.host import host_error
from airgap.errors import HostError
from tests.cli.site import RUST, Result, Site, litter

MIB = 1024 * 1024
FORMS = {"file": [], "parts": ["--volume-size", "9M"]}


def large() -> Sample:
    noise = random.Random(12)
    layers = [Layer({f"bin/{n}": noise.randbytes(10 * MIB + n)}, "none") for n in range(3)]
    return forge.image([*layers, Layer({"text": bytes(6 * MIB)}, "none")])


IMAGE = large()
LARGE = {layer.digest for layer in IMAGE.layers[:3]}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The connected side, with what an export writes that nobody stops."""
    site = Site(tmp_path_factory.mktemp("connected"))
    site.image(RUST, IMAGE, "anna", "bert")
    for form, options in FORMS.items():
        (site.folder / form).mkdir()
        assert export(site, site.folder / form, *options).code == 0
    return site


def export(site: Site, folder: Path, *options: object) -> Result:
    source = f"{RUST}=oci:{site.folder}/layouts/docker.io_stagex_pallet-rust"
    return site.export(source, "-j", "1", *options, output=folder / "b.airgap.tar.zst")


def written(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@contextlib.contextmanager
def failing(after: int, error: HostError | None = None) -> Iterator[None]:
    """The disk is full after so many frames."""
    emit, left = _FrameWriter._emit, iter(range(after))

    def stopping(writer: _FrameWriter, data: bytes) -> None:
        if next(left, None) is None:
            raise error or HostError("disk-full", "no space left for the next frame")
        emit(writer, data)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_FrameWriter, "_emit", stopping)
        yield


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The blobs that the source is asked for, over 1 MiB."""
    found: list[str] = []
    chunks = airgap.sources.layout.LayoutFolder.chunks

    def asking(source: airgap.sources.layout.LayoutFolder, digest: Digest) -> Iterator[bytes]:
        if str(digest) in LARGE:
            found.append(str(digest))
        return chunks(source, digest)

    monkeypatch.setattr(airgap.sources.layout.LayoutFolder, "chunks", asking)
    return found


def stopped(site: Site, folder: Path, form: str, after: int) -> list[Path]:
    """What is left of an export that was stopped after so many frames."""
    with failing(after):
        result = export(site, folder, *FORMS[form])
    assert result.code == 70, result
    assert result.kinds == ["disk-full"]
    left = sorted(folder.iterdir())
    assert all(path.name.endswith(".airgap-partial") for path in left)
    assert bool(left) is (after > 0)
    assert ("goes on" in result.json["hint"]) is bool(left)
    return left


@pytest.mark.parametrize("after", range(0, 11))
@pytest.mark.parametrize("form", FORMS)
def test_the_bytes_of_an_export_that_nobody_stopped(
    site: Site, tmp_path: Path, form: str, after: int, asked: list[str]
) -> None:
    stopped(site, tmp_path, form, after)
    asked.clear()
    result = export(site, tmp_path, *FORMS[form])
    assert result.code == 0, result
    assert written(tmp_path) == written(site.folder / form)
    whole = [layer.digest for layer in IMAGE.layers[:3]][: max(0, (after * 4 - 1) // 10)]
    assert not set(whole) & set(asked), "what was written whole is not asked for again"
    assert any(note.startswith("went on") for note in result.json["notes"]) is (after > 0)


def test_stopped_again_and_again(site: Site, tmp_path: Path) -> None:
    for after in (3, 5, 8):
        stopped(site, tmp_path, "file", after)
    assert export(site, tmp_path).code == 0
    assert written(tmp_path) == written(site.folder / "file")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("damage", ["torn", "torn header", "zeros", "flipped early", "flipped late", "longer", "empty"])
def test_whatever_is_left(site: Site, tmp_path: Path, form: str, damage: str) -> None:
    """After a power cut anything may stand there: it costs what cannot be used, and never a byte of the bundle."""
    left = stopped(site, tmp_path, form, 6)
    path = left[-1]
    data = bytearray(path.read_bytes())
    if damage == "torn":
        del data[-1000:]
    elif damage == "torn header":
        del data[50:]
    elif damage == "zeros":
        data[len(data) // 2 :] = bytes(len(data) - len(data) // 2)
    elif damage == "flipped early":
        data[100] ^= 1
    elif damage == "flipped late":
        data[-9] ^= 1
    elif damage == "longer":
        data += b"x" * 50 * MIB
    else:
        data.clear()
    path.write_bytes(data)
    assert export(site, tmp_path, *FORMS[form]).code == 0
    assert written(tmp_path) == written(site.folder / form)


def test_another_level_writes_what_that_level_writes(site: Site, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    stopped(site, tmp_path / "a", "file", 9)
    for folder in ("a", "b"):
        assert export(site, tmp_path / folder, "--level", "19").code == 0
    assert written(tmp_path / "a") == written(tmp_path / "b")


def test_another_plan_takes_nothing(site: Site, tmp_path: Path, asked: list[str]) -> None:
    stopped(site, tmp_path, "file", 9)
    asked.clear()
    digests = tmp_path.parent / "pallet.txt"
    digests.write_text(forge.digests_list({"pallet-rust": IMAGE.digest}))
    result = export(site, tmp_path, "--digests", digests)
    assert result.code == 0
    assert result.json["notes"] == []
    assert set(asked) == LARGE
    offline = Site(tmp_path.parent / "offline", site.people)
    assert offline.init().code == 0
    assert offline.verify(bundle=tmp_path / "b.airgap.tar.zst").code == 0


@pytest.mark.parametrize(("first", "then"), [("file", "parts"), ("parts", "file")])
def test_another_form_removes_what_it_cannot_use(site: Site, tmp_path: Path, first: str, then: str) -> None:
    stopped(site, tmp_path, first, 6)
    assert export(site, tmp_path, *FORMS[then]).code == 0
    assert written(tmp_path) == written(site.folder / then)


def test_smaller_parts_than_before(site: Site, tmp_path: Path) -> None:
    with failing(7):
        assert export(site, tmp_path, "--volume-size", "5M").code == 70
    assert export(site, tmp_path, *FORMS["parts"]).code == 0
    assert written(tmp_path) == written(site.folder / "parts")


def test_a_decision_leaves_nothing(site: Site, tmp_path: Path) -> None:
    """Damage in the source is no interruption; neither is a file that the file system cannot hold."""
    efbig = host_error(OSError(errno.EFBIG, "File too large"), "FILE")
    efbig.__cause__ = OSError(errno.EFBIG, "File too large")
    with failing(4, efbig):
        assert export(site, tmp_path).code == 70
    assert list(tmp_path.iterdir()) == []
    other = Site(tmp_path / "other", site.people)
    source = other.image(RUST, IMAGE, "anna", "bert")
    blob = other.folder / "layouts" / "docker.io_stagex_pallet-rust" / "blobs" / "sha256" / IMAGE.layers[1].digest[7:]
    data = bytearray(blob.read_bytes())
    data[5] ^= 1
    blob.write_bytes(data)
    result = other.export(source)
    assert result.code == 20, result
    assert litter(other.folder) == []
    assert not other.bundle.exists()


def test_two_at_once(site: Site, tmp_path: Path) -> None:
    with open(tmp_path / "b.airgap.tar.zst.airgap-lock", "wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        result = export(site, tmp_path)
        assert result.code == 70
        assert result.kinds == ["store-locked"]
    assert export(site, tmp_path).code == 0


@pytest.mark.parametrize("link", [Path.symlink_to, Path.hardlink_to])
def test_a_link_under_the_temporary_name_is_not_written_to(
    site: Site, tmp_path: Path, link: Callable[[Path, Path], None]
) -> None:
    """Whoever can put it there would have that overwritten, and the bundle change under its other name."""
    precious = tmp_path / "precious"
    precious.write_text("precious")
    folder = tmp_path / "out"
    folder.mkdir()
    link(folder / "b.airgap.tar.zst.airgap-partial", precious)
    assert export(site, folder).code == 0
    assert precious.read_text() == "precious"
    assert precious.stat().st_nlink == 1
    assert written(folder) == written(site.folder / "file")


def test_where_nothing_can_be_locked(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on some network file systems."""

    def unable(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", unable)
    assert export(site, tmp_path).code == 0
    assert written(tmp_path) == written(site.folder / "file")
