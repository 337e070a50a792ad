"""Imports that the machine stopped, and that go on: what had come whole is proven again, and not read again."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import forge
import pytest
from forge import Layer, Sample

import airgap.store.quarantine
from airgap.bundle.format import FRAME_SIZE
from airgap.bundle.frames import parse_seek_table, seek_table
from airgap.disk.reading import SeekableInput
from airgap.errors import HostError
from tests.cli.contract import check_verdict
from tests.cli.site import AT, RUST, Result, Site, half_done, litter, run, snapshot, waiting

MIB = 1024 * 1024


def large() -> Sample:
    """Three layers of over two frames each that do not compress, and one small one at the end."""
    noise = random.Random(11)
    layers = [Layer({f"bin/{n}": noise.randbytes(10 * MIB + n)}, "none") for n in range(3)]
    return forge.image([*layers, Layer({"bin/last": b"last"}, "none")])


IMAGE = large()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A site with the bundle, its parts, and the tree of a store that was made without interruption."""
    site = Site(tmp_path_factory.mktemp("made"))
    assert site.init().code == 0
    assert site.export(site.image(RUST, IMAGE, "anna", "bert")).code == 0
    (site.folder / "parts").mkdir()
    assert run("split", site.bundle, "--volume-size", "9M", "-o", site.folder / "parts" / "cut").code == 0
    assert site.import_("--store", site.folder / "whole").code == 0
    return site


@pytest.fixture
def site(made: Site, tmp_path: Path) -> Site:
    """The offline side, fresh."""
    shutil.copytree(made.folder / "trust", tmp_path / "trust")
    return Site(tmp_path)


def import_(site: Site, bundle: Path | str, stdin: bytes = b"") -> Result:
    places = ["--trust", site.trust, "--store", site.store]
    return run("import", bundle, *places, "--at", AT, "--format", "json", "-j", "1", stdin=stdin)


def tree(store: Path) -> dict[str, bytes]:
    return {path.removeprefix(str(store)): data for path, data in snapshot(store).items()}


class Stopping:
    """The disk is full when the sink of the blob with this number is opened."""

    def __init__(self, patch: pytest.MonkeyPatch, after: int) -> None:
        sink = airgap.store.quarantine.Quarantine.sink
        self.opened = 0

        def stopping(quarantine: airgap.store.quarantine.Quarantine, digest: object) -> object:
            self.opened += 1
            if self.opened > after:
                raise HostError("disk-full", "no space left for the next blob")
            return sink(quarantine, digest)  # type: ignore[arg-type]  # the digest it was given

        patch.setattr(airgap.store.quarantine.Quarantine, "sink", stopping)


def stopped(site: Site, bundle: Path, after: int) -> Result:
    """Stop before the layer with this number (from 0); those before it have come."""
    with pytest.MonkeyPatch.context() as patch:
        Stopping(patch, after)
        result = import_(site, bundle)
    assert result.code == 70, result
    check_verdict(result.json, 70)
    assert half_done(site.folder) == []
    return result


class Counting:
    """Counts what is read of the bundle, and skipped."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.read = self.skipped = 0
        read, skip = SeekableInput.read, SeekableInput.skip

        def reading(source: SeekableInput, size: int) -> bytes:
            data = read(source, size)
            self.read += len(data)
            return data

        def skipping(source: SeekableInput, size: int) -> None:
            self.skipped += size
            skip(source, size)

        patch.setattr(SeekableInput, "read", reading)
        patch.setattr(SeekableInput, "skip", skipping)


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> Counting:
    return Counting(monkeypatch)


@pytest.mark.parametrize("after", [0, 1, 2, 3])
@pytest.mark.parametrize("form", ["file", "parts", "stream"])
def test_going_on(made: Site, site: Site, form: str, after: int) -> None:
    first = stopped(site, made.bundle, after)
    assert waiting(site.store).keys() == {layer.digest for layer in IMAGE.layers[:after]}
    assert any("wait in quarantine" in note for note in first.json["notes"]) is (after > 0)
    assert not (site.store / "index.json").exists()
    if form == "stream":
        again = import_(site, "-", made.bundle.read_bytes())
    else:
        again = import_(site, made.bundle if form == "file" else made.folder / "parts")
    assert again.code == 0, again
    check_verdict(again.json, 0)
    assert any(note.startswith(f"went on: {after} blobs") for note in again.json["notes"]) is (after > 0)
    assert tree(site.store) == tree(made.folder / "whole")
    assert litter(site.folder) == []


def test_a_file_is_not_read_where_its_blobs_are_in_hand(made: Site, site: Site, counting: Counting) -> None:
    stopped(site, made.bundle, 3)
    counting.read = 0
    assert import_(site, made.bundle).code == 0
    assert counting.skipped >= 4 * FRAME_SIZE  # each frame that lies in a layer with all of it; they do not compress
    assert counting.read + counting.skipped == pytest.approx(made.bundle.stat().st_size, abs=1)


@pytest.mark.parametrize("damage", ["flipped", "shorter", "empty", "link", "hard link", "folder"])
def test_a_waiting_blob_is_believed_only_by_its_hash(made: Site, site: Site, damage: str) -> None:
    stopped(site, made.bundle, 2)
    hex_ = IMAGE.layers[0].digest.removeprefix("sha256:")
    (path,) = (site.store / ".airgap" / "quarantine").glob(f"*/{hex_}")
    data = path.read_bytes()
    if damage == "hard link":
        path.rename(site.folder / "elsewhere")
        path.hardlink_to(site.folder / "elsewhere")
    else:
        path.unlink()
    if damage == "link":
        path.symlink_to(made.folder / "whole" / "blobs" / "sha256" / hex_)
    elif damage == "folder":
        path.mkdir()
    elif damage != "hard link":
        path.write_bytes({"flipped": bytes([data[0] ^ 1]) + data[1:], "shorter": data[:-1], "empty": b""}[damage])
    again = import_(site, made.bundle)
    if damage == "folder":  # nobody but airgap writes there; it is not removed in the middle of an import
        assert again.code == 70, again
        return
    assert again.code == 0, again
    assert any(note.startswith("went on: 1 blobs") for note in again.json["notes"])
    assert tree(site.store) == tree(made.folder / "whole")
    assert all(blob.stat().st_nlink == 1 for blob in (site.store / "blobs" / "sha256").iterdir())


def test_another_bundle_drops_what_waits(made: Site, site: Site, tmp_path: Path) -> None:
    stopped(site, made.bundle, 2)
    other = Site(made.folder / "other", made.people)
    shutil.copytree(made.folder / "trust", other.trust, dirs_exist_ok=True)
    assert (
        other.export(other.image("docker.io/stagex/other", forge.image([Layer({"a": b"b"})]), "anna", "bert")).code == 0
    )
    assert import_(site, other.bundle).code == 0
    assert waiting(site.store) == {}
    assert litter(site.folder) == []


def test_a_bundle_that_is_refused_drops_nothing_of_others(made: Site, site: Site) -> None:
    """Else whoever hands in a file could cost the operator what had come."""
    stopped(site, made.bundle, 2)
    stranger = Site(site.folder / "stranger", made.people)
    small = forge.image([Layer({"a": b"c"})])
    source = stranger.image("docker.io/stagex/other", small, "anna")
    assert stranger.export(source, "--skip-preflight").code == 0
    assert import_(site, stranger.bundle).code == 30
    assert len(waiting(site.store)) == 2
    assert import_(site, made.bundle).code == 0
    assert tree(site.store) == tree(made.folder / "whole")


@pytest.mark.parametrize("place", ["quarantine", "own"])
@pytest.mark.parametrize("who", [("anna",), ("anna", "bert")])
def test_a_link_in_the_place_of_quarantine_is_not_followed(
    made: Site, site: Site, place: str, who: tuple[str, ...]
) -> None:
    other = Site(site.folder / "other", made.people)
    source = other.image("docker.io/stagex/other", forge.image([Layer({"a": b"d"})]), *who)
    assert other.export(source, "--skip-preflight").code == 0
    precious = site.folder / "elsewhere" / run_id(other) / "precious.partial"
    precious.parent.mkdir(parents=True)
    precious.write_text("precious")
    link = site.store / ".airgap" / "quarantine"
    link.parent.mkdir(parents=True)
    if place == "own":
        link.mkdir()
        (link / run_id(other)).symlink_to(precious.parent)
    else:
        link.symlink_to(precious.parent.parent)
    expected = 70 if place == "quarantine" else 30 if len(who) == 1 else 0
    assert import_(site, other.bundle).code == expected
    assert precious.read_text() == "precious"


def test_a_refusal_keeps_nothing(made: Site, site: Site) -> None:
    """Damage in a later layer is a decision: what had waited is dropped, too."""
    stopped(site, made.bundle, 1)
    data = bytearray(made.bundle.read_bytes())
    data[len(data) * 5 // 6] ^= 1
    bad = site.folder / "bad"
    bad.write_bytes(data)
    result = import_(site, bad)
    assert result.code == 20, result
    assert waiting(site.store) == {}
    assert litter(site.folder) == []
    assert not site.store.exists()


@pytest.mark.parametrize("form", ["file", "parts"])
@pytest.mark.parametrize("lie", ["sizes", "magic", "entries"])
def test_a_seek_table_that_lies(made: Site, site: Site, form: str, lie: str) -> None:
    """It may cost an import that goes on its savings, or the import; it never lets anything else in."""
    stopped(site, made.bundle, 2)
    data = made.bundle.read_bytes()
    table_size = next(size for size in range(17, 400, 8) if parse_seek_table(data[-size:]))
    sizes = parse_seek_table(data[-table_size:])
    if lie == "sizes":
        sizes[4], sizes[5] = (sizes[4][0] + 7, sizes[4][1]), (sizes[5][0] - 7, sizes[5][1])  # skipped, and read
    elif lie == "entries":
        sizes = sizes[:-1]
    table = seek_table(sizes)
    if lie == "magic":
        table = b"\x5f" + table[1:]
    bad = site.folder / "bad"
    bad.write_bytes(data[:-table_size] + table)
    if form == "parts":  # the label at the end of the last part names the true one
        last = sorted((made.folder / "parts").glob("cut.0*"))[-1]
        parts = site.folder / "parts"
        shutil.copytree(made.folder / "parts", parts)
        cut = bytearray(last.read_bytes())
        cut[-152 - table_size : -152] = (table + bytes(8))[:table_size]
        (parts / last.name).write_bytes(cut)
        bad = parts
    result = import_(site, bad)
    assert result.code in (10, 20), result
    assert not (site.store / "index.json").exists()


@pytest.mark.parametrize("form", ["file", "parts"])
def test_every_frame_boundary(made: Site, site: Site, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each subset of the layers in hand gives the same store: what is skipped begins and ends anywhere in frames."""
    for subset in range(8):
        shutil.rmtree(site.store, ignore_errors=True)
        own = site.store / ".airgap" / "quarantine" / run_id(made)
        own.mkdir(parents=True)
        for number, layer in enumerate(IMAGE.layers[:3]):
            if subset >> number & 1:
                (own / layer.digest[7:]).write_bytes(IMAGE.blobs[layer.digest])
        assert import_(site, made.bundle if form == "file" else made.folder / "parts").code == 0
        assert tree(site.store) == tree(made.folder / "whole")


def run_id(site: Site) -> str:
    identity: str = run("inspect", site.bundle, "--format", "json").json["bundle"]["id"]
    return identity.removeprefix("sha256:")


@pytest.mark.parametrize("damage", ["skipped part", "read part"])
def test_damage_in_parts(made: Site, site: Site, damage: str) -> None:
    """Damage where nothing is read is no matter: the bytes are in hand. Elsewhere it is found as ever."""
    stopped(site, made.bundle, 2)
    parts = site.folder / "parts"
    shutil.copytree(made.folder / "parts", parts)
    path = sorted(parts.glob("cut.0*"))[1 if damage == "skipped part" else -1]
    data = bytearray(path.read_bytes())
    data[len(data) * 3 // 4] ^= 1
    path.write_bytes(data)
    result = import_(site, parts)
    assert result.code == (0 if damage == "skipped part" else 20), result


def test_space_is_asked_for_first(made: Site, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the first byte, with both numbers; what waits is on the disk already."""
    needed = sum(len(data) for data in IMAGE.blobs.values())
    free = os.statvfs(site.folder)

    class Small:
        f_frsize = free.f_frsize
        f_bavail = 0

    monkeypatch.setattr(os, "statvfs", lambda _: Small)
    result = import_(site, made.bundle)
    assert result.code == 70
    assert result.kinds == ["disk-full"]
    facts = result.json["errors"][0]["facts"]
    assert facts == {"free": 0, "needed": needed}
    assert f"{needed}" in result.messages
    assert litter(site.folder) == []
    monkeypatch.undo()
    stopped(site, made.bundle, 3)
    monkeypatch.setattr(os, "statvfs", lambda _: Small)
    left = import_(site, made.bundle).json["errors"][0]["facts"]["needed"]
    assert left == needed - sum(len(IMAGE.blobs[layer.digest]) for layer in IMAGE.layers[:3])
    assert len(waiting(site.store)) == 3


def test_a_target_asks_for_its_room_first(made: Site, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A layout on another file system, where only that one is full."""
    target = site.folder / "target"
    target.mkdir()
    free = os.statvfs

    class Small:
        f_frsize = 1
        f_bavail = 1000

    monkeypatch.setattr(os, "statvfs", lambda path: Small if Path(path) == target else free(path))
    places = ["--trust", site.trust, "--store", site.store, "--to", f"oci:{target}/deep/out"]
    result = run("import", made.bundle, *places, "--at", AT, "--format", "json")
    assert result.kinds == ["disk-full"]
    assert result.json["errors"][0]["facts"] == {"free": 1000, "needed": sum(map(len, IMAGE.blobs.values()))}
    assert not (target / "deep").exists()
    assert litter(site.folder) == []
