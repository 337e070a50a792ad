"""The last step fails after it was done: a new file is in its place, and making that durable is what fails."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pytest

from airgap.disk import reading, writing
from airgap.disk.folders import remove_files
from airgap.errors import HostError
from airgap.state import load_trust
from tests.cli.site import RUST, Site, index, litter, process, run, sample, snapshot
from tests.faults.scenarios import OTHER, in_force, published, require_sound, state_of


@pytest.fixture
def place(site: Site) -> Site:
    """A trust root and a bundle."""
    assert site.export(site.image(RUST, sample("rust"), "anna", "bert")).code == 0
    return site


@pytest.fixture
def in_use(place: Site) -> Site:
    """The same, and a store and a target that hold another image."""
    other = place.folder / "other.airgap.tar.zst"
    assert place.export(place.image(OTHER, sample("other"), "carl", "dora"), output=other).code == 0
    assert place.import_(bundle=other).code == 0
    return place


@contextmanager
def failing_after(is_last: Callable[[Path], bool]) -> Iterator[list[Path]]:
    """Making a folder's names durable fails, once, when ``is_last`` says so of the folder."""
    failed: list[Path] = []
    real = writing.sync_folder

    def sync_folder(path: Path) -> None:
        if not failed and is_last(path):
            failed.append(path)
            raise HostError("input-output", f"{path}: Input/output error", path=str(path))
        real(path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writing, "sync_folder", sync_folder)
        yield failed


@contextmanager
def full_at(file: Path, writer: str) -> Iterator[None]:
    """There is no room for this file, whenever ``writer`` (a name in the package) is to write it."""
    real = writing.write_whole

    def write_whole(path: Path, data: bytes) -> None:
        if path == file:
            raise HostError("disk-full", f"{path}: No space left on device", path=str(path))
        real(path, data)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer, write_whole)
        yield


@pytest.mark.parametrize("name", ["store", "out"])
@pytest.mark.parametrize("was_used", [False, True])
def test_index(request: pytest.FixtureRequest, name: str, was_used: bool) -> None:
    """No index is left that names blobs which were taken out again."""
    place: Site = request.getfixturevalue("in_use" if was_used else "place")
    folder = place.folder / name
    before, listed = published(folder), index(folder) if was_used else {}

    def is_last(path: Path) -> bool:
        return path == folder and (path / "index.json").exists() and index(folder) != listed

    with failing_after(is_last) as failed:
        result = place.import_()
    assert failed
    assert result.code == 70, result
    assert published(folder) == before
    assert place.import_().code == 0
    assert RUST in "".join(index(folder))


def test_trust(place: Site) -> None:
    """What came into force is not undone in the log; the store is not ahead of what is remembered of it."""
    before = state_of(place.folder)
    old = (place.trust / "state.json").read_bytes()
    with failing_after(lambda path: path == place.trust and (path / "state.json").read_bytes() != old) as failed:
        result = place.import_()
    assert failed
    assert result.code == 70, result
    assert load_trust(place.trust).memory.marks, "it is in its place, durable or not"
    told = [(entry["event"], entry.get("accepted")) for entry in in_force(place.folder)]
    assert told == [("init", True), ("import", True), ("import", False)]
    assert not (place.store / "index.json").exists()
    require_sound(place.folder, before, state_of(place.folder))
    assert place.import_().code == 0


def test_index_after_trust(place: Site) -> None:
    """The last step of all fails: the image is remembered, as the log says, and the next import takes it in."""
    with full_at(place.store / "index.json", "airgap.store.store.write_whole"):
        result = place.import_()
    assert result.code == 70, result
    assert published(place.store) == {}
    assert load_trust(place.trust).memory.marks
    assert place.import_().code == 0


def test_trust_that_cannot_be_written(place: Site) -> None:
    """Nothing is published that the trust folder does not remember."""
    before = place.snapshot()
    assert not place.store.exists()
    with full_at(place.trust / "state.json", "airgap.state.write_whole"):
        result = place.import_()
    assert result.code == 70, result
    assert {path: data for path, data in place.snapshot().items() if not path.startswith(str(place.store))} == before
    assert published(place.store) == {}
    assert place.import_().code == 0


def test_evidence_is_whole_or_absent(place: Site) -> None:
    """Killed while it writes a signature file: half of one is not kept as the evidence of an image."""
    kill = """
import os, signal
from airgap.disk import writing
real = writing.write_all
def write_all(file, data):
    if "signature-" in os.readlink(f"/proc/self/fd/{file.fileno()}"):
        file.write(bytes(data)[:9])
        os.kill(os.getpid(), signal.SIGKILL)
    real(file, data)
writing.write_all = write_all
"""
    killed = process(*place.import_line(), before=kill)
    assert killed.code == -9, killed
    assert place.import_().code == 0
    kept = sorted((place.store / "signatures").rglob("signature-*"))
    assert [path.name for path in kept] == ["signature-1", "signature-2"]
    assert run("verify", "--store", place.store, "--trust", place.trust).code == 0


def test_target_that_cannot_be_read_back(place: Site) -> None:
    """It is the machine that failed, not the target that lies; and what was put in is taken out again."""
    blob = "blobs/sha256"
    with pytest.MonkeyPatch.context() as patch:
        real = reading.read_bounded

        def read_bounded(path: Path, limit: int) -> bytes:
            if path.parent == place.out / blob:
                raise HostError("input-output", f"{path}: Input/output error", path=str(path))
            return real(path, limit)

        patch.setattr("airgap.engines.layout.read_bounded", read_bounded)
        result = place.import_()
    assert result.code == 70, result
    assert result.kinds == ["input-output"]
    assert not place.out.exists()


@pytest.mark.parametrize("left", [[], ["oci-layout"], ["oci-layout.airgap-partial"], ["index.json.airgap-partial"]])
def test_target_of_a_load_that_was_killed(place: Site, left: list[str]) -> None:
    """Blobs and no index: the next import goes on there."""
    (place.out / "blobs" / "sha256").mkdir(parents=True)
    (place.out / "blobs" / "sha256" / f"{'a' * 64}.airgap-partial").write_bytes(b"half")
    for name in left:
        (place.out / name).write_bytes(json.dumps({"imageLayoutVersion": "1.0.0"}).encode())
    assert place.import_().code == 0
    assert index(place.out)
    assert [path for path in litter(place.out) if "blobs" not in path] == []


@pytest.mark.parametrize("name", ["manifest.json", "blobs.txt", ".git/config", "index.json"])
def test_target_of_somebody_else(place: Site, name: str) -> None:
    """A folder with anything else in it, or with an index that is none, is still not written to."""
    path = place.out / name
    path.parent.mkdir(parents=True)
    path.write_text("precious")
    before = snapshot(place.out)
    result = place.import_()
    assert result.code == 60, result
    assert result.kinds == ["target-occupied"]
    assert snapshot(place.out) == before


@pytest.mark.parametrize("name", ["oci-layout", "index.json"])
def test_target_that_cannot_be_read(in_use: Site, name: str) -> None:
    """An error of the disk is not "choose an empty folder"."""
    with pytest.MonkeyPatch.context() as patch:
        real = reading.read_bounded

        def read_bounded(path: Path, limit: int) -> bytes:
            if path == in_use.out / name:
                raise HostError("input-output", f"{path}: Input/output error", path=str(path))
            return real(path, limit)

        patch.setattr("airgap.engines.layout.read_bounded", read_bounded)
        result = in_use.import_()
    assert result.code == 70, result


def test_source_that_cannot_be_read(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is it "check the path"."""
    source = site.image(RUST, sample("rust"), "anna", "bert")
    for target in ("airgap.sources.layout.read_bounded", "airgap.sources.layout.open_regular"):
        with monkeypatch.context() as patch:

            def failing(path: Path, *_: object) -> bytes:
                raise HostError("input-output", f"{path}: Input/output error", path=str(path))

            patch.setattr(target, failing)
            result = site.export(source)
        assert result.code == 70, result
    assert run("export", source.replace("layouts", "absent"), *site.evidence(), "-o", site.bundle).code == 50


def test_policy_of_a_store_that_cannot_be_read(in_use: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """An image that the disk did not give is not left out of the policy for it."""
    places = ["--trust", in_use.trust, "--store", in_use.store, "-o", in_use.folder / "policy", "--format", "json"]
    real = reading.open_regular
    with monkeypatch.context() as patch:

        def open_regular(path: Path, buffer: int = reading.BUFFER) -> BinaryIO:
            if path.parent.name == "sha256":
                raise HostError("input-output", f"{path}: Input/output error", path=str(path))
            return real(path, buffer)

        patch.setattr("airgap.store.blobs.open_regular", open_regular)
        result = run("policy", "write", *places)
    assert result.code == 70, result
    assert not (in_use.folder / "policy").exists()
    assert run("policy", "write", *places).code == 0


def test_a_folder_whose_closing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is closed twice: the number may be another file's by then."""
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "file").write_text("")
    real = os.close
    closed: list[int] = []

    def close(descriptor: int) -> None:
        closed.append(descriptor)
        real(descriptor)
        if len(closed) == 1:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr("airgap.disk.folders.os.close", close)
        with pytest.raises(HostError, match="Input/output error"):
            remove_files(tmp_path, ["a/b/file"])
    assert len(closed) == len(set(closed)) == 2
