"""`store list|rm|gc`: what is listed stays whole, whatever else lies there and wherever it is stopped."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import forge
import pytest
from forge import Layer

from airgap.digest import Digest
from airgap.disk.folders import Found
from airgap.errors import HostError
from airgap.oci.descriptor import Descriptor
from airgap.reference import parse_reference
from airgap.store.garbage import Needed, find_garbage, is_ours
from airgap.store.store import Store
from airgap.sweeper import sweeping
from tests.cli.site import AT, Result, Site, index, litter, on_terminal, popen, process, run, snapshot
from tests.cli.stocking import TOOL, accepted

ONE, TWO = f"{TOOL}-one", f"{TOOL}-two:2.0"
SHARED = Layer({"lib/shared": b"the same in both"})


def image_of(text: str, platform: str = "linux/amd64") -> forge.Sample:
    return forge.image([SHARED, Layer({"bin/own": text.encode()})], platform=platform)


@pytest.fixture(scope="module")
def seed(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A store of two images that share a layer."""
    site = Site(tmp_path_factory.mktemp("seed"))
    assert site.init().code == 0
    for name, who in ((ONE, ("anna", "bert", "carl")), (TWO, ("carl", "dora"))):
        output = site.folder / f"{name.rpartition('/')[2]}.airgap.tar.zst"
        assert site.export(site.image(name, image_of(name), *who), output=output).code == 0
        accepted(site, output)
    return site


@pytest.fixture
def stocked(seed: Site, tmp_path: Path) -> Site:
    """A copy of it that may be broken."""
    folder = tmp_path / "site"
    shutil.copytree(seed.folder, folder, symlinks=True)
    return Site(folder)


def store(site: Site, *arguments: object) -> Result:
    return run("store", *arguments, "--store", site.store, "--format", "json")


def review(site: Site) -> Result:
    return run("verify", "--store", site.store, "--trust", site.trust, "--at", AT, "--format", "json")


def files(site: Site) -> set[str]:
    return {str(path.relative_to(site.store)) for path in site.store.rglob("*") if not path.is_dir()}


def belonging(*names: str) -> set[str]:
    """Every file of a store that holds exactly these images."""
    found = {"oci-layout", "index.json", ".airgap/lock"}
    for name in names:
        image = image_of(name)
        found |= {f"blobs/sha256/{blob.digest[7:]}" for blob in (image.root, *image.configs, *image.layers)}
        folder = f"signatures/{name.removeprefix('docker.io/').partition(':')[0]}@{image.digest.replace(':', '=')}"
        found |= {f"{folder}/signature-{number}" for number in range(1, 4 if name == ONE else 3)}
    return found


def tampered(site: Site, change: Callable[[list[Any]], None]) -> None:
    path = site.store / "index.json"
    document = json.loads(path.read_bytes())
    change(document["manifests"])
    path.write_text(json.dumps(document))


class TestList:
    def test_what_is_there(self, stocked: Site) -> None:
        before = snapshot(stocked.folder)
        result = store(stocked, "list")
        assert result.code == 0, result
        document = result.json
        assert document["schema"] == "airgap/store/v1"
        assert document["verified"] is False
        one, two = image_of(ONE), image_of(TWO)
        sizes = {
            name: sum(len(blob.data) for blob in (image.root, *image.configs, *image.layers))
            for name, image in ((ONE, one), (TWO, two))
        }
        assert document["images"] == [
            {
                "reference": name,
                "digest": image.digest,
                "platforms": ["linux/amd64"],
                "bytes": sizes[name],
                "signatures": count,
                "referrers": 0,
            }
            for name, image, count in ((ONE, one, 3), (TWO, two, 2))
        ]
        assert document["bytes"] == sum(sizes.values()) - len(one.layers[0].data), "a shared blob is there once"
        assert snapshot(stocked.folder) == before

    def test_as_text(self, stocked: Site) -> None:
        result = run("store", "list", "--store", stocked.store)
        assert result.lines[0].startswith("NOT VERIFIED: 2 images")
        assert image_of(ONE).digest in result.text
        assert "3 kept (not checked)" in result.text

    @pytest.mark.parametrize("damage", ["missing", "other bytes", "grown"])
    def test_an_image_that_cannot_be_read(self, stocked: Site, damage: str) -> None:
        path = stocked.store / "blobs" / "sha256" / image_of(ONE).digest[7:]
        if damage == "missing":
            path.unlink()
        else:
            path.write_bytes(b"{}" if damage == "other bytes" else path.read_bytes() + b" ")
        result = store(stocked, "list")
        assert result.code == (70 if damage == "missing" else 20)
        assert [one["bytes"] is None for one in result.json["images"]] == [True, False]
        assert len(result.kinds) == 1
        assert "cannot be told" in run("store", "list", "--store", stocked.store).text

    @pytest.mark.parametrize("command", [["list"], ["gc"], ["rm", ONE, "--yes"]])
    def test_no_store(self, stocked: Site, command: list[str]) -> None:
        place = stocked.folder / "nothing"
        result = run("store", *command, "--store", place, "--format", "json")
        assert result.code == 50
        assert result.kinds == ["source-not-found"]
        assert not place.exists(), "a mistyped folder was made"


class TestRemove:
    def test_one_of_two(self, stocked: Site) -> None:
        result = store(stocked, "rm", ONE, "--yes")
        assert result.code == 0, result
        assert result.json["images"] == [{"reference": ONE, "digest": image_of(ONE).digest}]
        assert files(stocked) == belonging(TWO)
        gone = belonging(ONE) - belonging(TWO)
        assert {one["path"] for one in result.json["files"]} == gone
        assert result.json["bytes"] == sum(one["size"] for one in result.json["files"])
        assert review(stocked).code == 0
        assert not list(stocked.store.glob("signatures/stagex/tool-one*"))

    def test_all(self, stocked: Site) -> None:
        assert store(stocked, "rm", ONE, "stagex/tool-two", "--yes").code == 0
        assert files(stocked) == belonging()
        assert index(stocked.store) == {}
        assert store(stocked, "list").json["images"] == []
        assert accepted(stocked, stocked.folder / "tool-one.airgap.tar.zst")
        assert files(stocked) == belonging(ONE)

    @pytest.mark.parametrize("name", [TWO, "stagex/tool-two", f"{TWO}@{image_of(TWO).digest}"])
    def test_by_any_name(self, stocked: Site, name: str) -> None:
        assert store(stocked, "rm", name, "--yes").code == 0
        assert files(stocked) == belonging(ONE)

    @pytest.mark.parametrize(
        "name", [f"{TOOL}-two:2.1", f"{ONE}@{image_of(TWO).digest}", "stagex/tool", f"quay.io/{ONE[10:]}"]
    )
    def test_nothing_if_one_name_is_wrong(self, stocked: Site, name: str) -> None:
        before = snapshot(stocked.store)
        result = store(stocked, "rm", ONE, name, "--yes")
        assert result.code == 50
        assert result.kinds == ["source-not-found"]
        assert snapshot(stocked.store) == before

    def test_the_index_is_not_read_for_each_name(self, stocked: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        reads: list[Store] = []
        images = Store.images

        def counting(held: Store) -> tuple[Descriptor, ...]:
            reads.append(held)
            return images(held)

        monkeypatch.setattr(Store, "images", counting)
        assert store(stocked, "rm", ONE, "--dry-run").code == 0
        once = len(reads)
        reads.clear()
        assert store(stocked, "rm", ONE, TWO, f"{ONE}@{image_of(ONE).digest}", "--dry-run").code == 0
        assert len(reads) == once

    def test_what_another_name_still_needs(self, stocked: Site) -> None:
        """One digest under two names of one repository: its evidence is theirs in common."""
        other = {"annotations": {forge.images.REF_NAME: f"{TOOL}-one:again@{image_of(ONE).digest}"}}
        tampered(stocked, lambda rows: rows.append({**rows[0], **other}))
        assert store(stocked, "rm", f"{TOOL}-one:again", "--yes").code == 0
        assert files(stocked) == belonging(ONE, TWO)
        assert review(stocked).code == 0

    def test_an_image_that_is_damaged(self, stocked: Site) -> None:
        (stocked.store / "blobs" / "sha256" / image_of(ONE).digest[7:]).write_bytes(b"{}")
        before = snapshot(stocked.store)
        for command in (["rm", TWO, "--yes"], ["gc"], ["gc", "--dry-run"]):
            refused = store(stocked, *command)
            assert refused.code == 20
            assert refused.kinds == ["manifest-digest-differs"] or refused.kinds == ["blob-differs"]
            assert ONE in refused.messages
            assert refused.json["files"] == []
            assert refused.json["removed"] is False
            assert snapshot(stocked.store) == before
        assert store(stocked, "rm", ONE, "--yes").code == 0
        assert files(stocked) == belonging(TWO)

    def test_dry_run(self, stocked: Site) -> None:
        before = snapshot(stocked.store)
        result = store(stocked, "rm", ONE, "--dry-run")
        assert result.code == 0
        assert result.json["removed"] is False
        assert snapshot(stocked.store) == before
        paths = [one["path"] for one in result.json["files"]]
        assert set(paths) == belonging(ONE) - belonging(TWO)
        text = run("store", "rm", ONE, "--store", stocked.store, "--dry-run").text
        assert text.startswith("WOULD BE REMOVED: 1 image and 6 files, which frees ")
        assert paths[0] in text

    def test_a_script_must_say_yes(self, stocked: Site) -> None:
        before = snapshot(stocked.store)
        result = store(stocked, "rm", ONE)
        assert result.code == 2
        assert snapshot(stocked.store) == before

    def test_a_person_types_it(self, stocked: Site) -> None:
        before = snapshot(stocked.store)
        line = ["store", "rm", ONE, "--store", stocked.store]
        code, _, errors = on_terminal(*line, typed=b"yes\n")
        assert code == 2, errors
        assert image_of(ONE).digest.encode() in errors
        assert snapshot(stocked.store) == before
        code, stdout, _ = on_terminal(*line, typed=b"remove\n")
        assert code == 0
        assert stdout.startswith(b"REMOVED: 1 image and ")
        assert files(stocked) == belonging(TWO)

    def test_artifacts(self, site: Site) -> None:
        """Those of one image go with it, what both have stays."""
        folder = site.store / "referrers"
        for name in (ONE, TWO):
            output = site.folder / f"{name[-3:]}.airgap.tar.zst"
            assert site.export(site.image(name, image_of(name), "anna", "bert"), output=output).code == 0
            accepted(site, output)
        folder.mkdir()
        config, shared, own = (json.dumps({"artifact": text}).encode() for text in ("config", "shared", "own"))
        lists = {}
        for name, layers in ((ONE, (shared, own)), (TWO, (shared,))):
            manifest = json.dumps(
                {
                    "schemaVersion": 2,
                    "artifactType": "application/spdx+json",
                    "config": descriptor(config),
                    "layers": [descriptor(layer) for layer in layers],
                }
            ).encode()
            for data in (config, *layers, manifest):
                (folder / descriptor(data)["digest"][7:]).write_bytes(data)
            row = {"artifactType": "application/spdx+json", "digest": descriptor(manifest)["digest"]}
            lists[name] = json.dumps([{**row, "size": len(manifest)}])
            (folder / f"{image_of(name).digest[7:]}.json").write_text(lists[name])
        before = files(site)
        assert store(site, "list").json["images"][0]["referrers"] == 1
        assert store(site, "gc").json["files"] == []
        assert files(site) == before
        assert store(site, "rm", ONE, "--yes").code == 0
        left = {path for path in files(site) if path.startswith("referrers/")}
        assert f"referrers/{descriptor(own)['digest'][7:]}" not in left
        assert {f"referrers/{descriptor(data)['digest'][7:]}" for data in (config, shared)} < left
        assert len(left) == 4
        (folder / f"{image_of(TWO).digest[7:]}.json").write_text("[{}]")
        refused = store(site, "gc")
        assert refused.code == 20
        assert refused.kinds == ["file-differs"]


def descriptor(data: bytes) -> dict[str, Any]:
    return {"mediaType": "application/json", "digest": forge.images.sha256(data), "size": len(data)}


class TestCollect:
    def test_what_belongs_to_nothing(self, stocked: Site) -> None:
        """What a killed import can leave: blobs, evidence, artifacts and their list, quarantine, half-written files."""
        blob, other = "a" * 64, "b" * 64
        left = {
            f"blobs/sha256/{blob}": 10,
            f"signatures/stagex/core/gone@sha256={other}/signature-1": 3,
            f"signatures/stagex/core/gone@sha256={other}/signature-12": 4,
            f"signatures/stagex/tool-one@sha256={other}/signature-1": 5,
            f"referrers/{blob}": 6,
            f"referrers/{other}.json": 7,
            f"referrers/{other}.json.airgap-partial": 8,
            f".airgap/quarantine/{blob}/{other}": 1000,
            f".airgap/quarantine/{blob}/{other}.referrers": 9,
            "index.json.airgap-partial": 11,
            "oci-layout.airgap-partial": 12,
        }
        before = snapshot(stocked.store)
        for path, size in left.items():
            place = stocked.store / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(bytes(size))
        dirty = snapshot(stocked.store)
        dry = store(stocked, "gc", "--dry-run")
        assert dry.code == 0, dry
        assert snapshot(stocked.store) == dirty
        result = store(stocked, "gc")
        assert result.code == 0
        assert {one["path"]: one["size"] for one in result.json["files"]} == left
        assert result.json["files"] == dry.json["files"]
        assert result.json["bytes"] == dry.json["bytes"] == sum(left.values())
        assert result.json["strange"] == []
        assert snapshot(stocked.store).items() - before.items() == {(f"{stocked.store}/referrers", b"folder")}
        assert "REMOVED: 0 images and 0 files; freed 0 B (0 bytes)" in run("store", "gc", "--store", stocked.store).text

    def test_what_is_not_ours(self, stocked: Site) -> None:
        """Links, devices, folders, and names that airgap does not write: left as they are, and named."""
        elsewhere = stocked.folder / "elsewhere"
        (elsewhere / "sha256").mkdir(parents=True)
        precious = elsewhere / ("c" * 64)
        precious.write_text("precious")
        (elsewhere / "signature-1").write_text("precious")
        blob_folder = stocked.store / "blobs" / "sha256"
        quarantine = stocked.store / ".airgap" / "quarantine"
        quarantine.mkdir()
        (stocked.store / "referrers").symlink_to(elsewhere)
        (stocked.store / "signatures" / "stagex" / f"link@sha256={'d' * 64}").symlink_to(elsewhere)
        (stocked.store / "signatures" / "up").symlink_to("..")
        (blob_folder / ("e" * 64)).symlink_to(precious)
        (blob_folder / ("f" * 64)).mkdir()
        (blob_folder / ("0" * 64) / "deep").mkdir(parents=True)
        (blob_folder / ("A" * 64)).write_text("upper case")
        (blob_folder / ("1" * 63)).write_text("short")
        (blob_folder / os.fsdecode(b"\xff\x1b[2J")).write_text("hostile")
        (quarantine / "link").symlink_to(elsewhere)
        (quarantine / ("3" * 64)).symlink_to(elsewhere)
        (quarantine / "note").write_text("mine")
        (stocked.store / "README").write_text("mine")
        (stocked.store / "mine" / "below").mkdir(parents=True)
        (stocked.store / "mine" / "below" / ("4" * 64)).write_text("mine")
        (stocked.store / "signatures" / "stagex" / "key.pgp").write_text("mine")
        before = snapshot(stocked.folder)
        result = store(stocked, "gc")
        assert result.code == 0, result
        assert result.json["files"] == []
        assert snapshot(stocked.folder) == before
        strange = set(result.json["strange"])
        assert len(strange) == 15, strange
        assert {"referrers", "README", "mine/", "signatures/up", ".airgap/quarantine/note"} < strange
        text = run("store", "gc", "--store", stocked.store)
        assert "note: left README: it is not airgap's" in text.text
        assert b"\x1b" not in text.stdout
        assert store(stocked, "rm", ONE, TWO, "--yes").code == 0
        assert {path: data for path, data in snapshot(elsewhere).items() if before[path] != data} == {}
        assert strange == set(store(stocked, "gc").json["strange"])

    @pytest.mark.parametrize("place", ["blobs", "blobs/sha256", "signatures", ".airgap/quarantine"])
    def test_a_link_in_place_of_a_folder(self, stocked: Site, place: str) -> None:
        """Whatever lies behind it is not in the store."""
        elsewhere = stocked.folder / "elsewhere"
        garbage = elsewhere / {"blobs": "sha256/", "blobs/sha256": ""}.get(place, "") / ("a" * 64)
        if (stocked.store / place).exists():
            shutil.move(stocked.store / place, elsewhere)
        garbage.parent.mkdir(parents=True, exist_ok=True)
        garbage.write_text("not in the store")
        (stocked.store / place).symlink_to(elsewhere)
        before = snapshot(elsewhere)
        result = store(stocked, "rm", ONE, TWO, "--yes")
        assert result.code == 0
        assert place in result.json["strange"]
        assert snapshot(elsewhere) == before

    @pytest.mark.parametrize("place", ["blobs", "blobs/sha256"])
    def test_a_folder_that_becomes_a_link_meanwhile(self, stocked: Site, place: str) -> None:
        elsewhere = stocked.folder / "elsewhere"
        with sweeping(Store(stocked.store), [parse_reference(ONE)]) as sweep:
            shutil.copytree(stocked.store / place, elsewhere)
            before = snapshot(elsewhere)
            (stocked.store / place).rename(stocked.folder / "moved")
            (stocked.store / place).symlink_to(elsewhere)
            with pytest.raises(HostError):
                sweep.carry_out()
        assert snapshot(elsewhere) == before

    @pytest.mark.parametrize("missing", [["index.json"], ["oci-layout"], ["index.json", "oci-layout"]])
    def test_no_index(self, stocked: Site, missing: list[str]) -> None:
        """A lost index must not cost the blobs; what was on its way goes."""
        quarantined = stocked.store / ".airgap" / "quarantine" / ("a" * 64) / ("b" * 64)
        quarantined.parent.mkdir(parents=True)
        quarantined.write_bytes(bytes(1000))
        for name in missing:
            (stocked.store / name).unlink()
        assert store(stocked, "rm", ONE, "--yes").code == 50
        result = store(stocked, "gc")
        assert result.code == 0, result
        assert result.json["listed"] is False
        assert result.json["bytes"] == 1000
        assert files(stocked) - {".airgap/lock"} == belonging(ONE, TWO) - set(missing) - {".airgap/lock"}

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            (lambda rows: rows[0].pop("annotations"), 10),
            (lambda rows: rows[0].update(digest="sha512:00"), 10),
            (lambda rows: rows[0].update(mediaType="application/x-other"), 10),
            (lambda rows: rows[0].update(mediaType="application/vnd.oci.image.index.v1+json"), 10),
            (lambda rows: rows[0].update(size=1), 20),
            (lambda rows: rows[0].update(size=2**40), 10),
            (lambda rows: rows[0].update(digest=f"sha256:{'0' * 64}"), 10),
            (lambda rows: rows[0].update(digest=f"sha256:{'0' * 64}", annotations={forge.images.REF_NAME: ONE}), 70),
            (lambda rows: rows[0]["annotations"].update({forge.images.REF_NAME: "../../etc"}), 10),
            (lambda rows: rows.append("image"), 10),
            (lambda rows: rows.append({**rows[0], "urls": ["http://example.org"]}), 10),
        ],
    )
    def test_a_hostile_index(self, stocked: Site, change: Callable[[list[Any]], None], code: int) -> None:
        """An entry that cannot be understood may need any blob: nothing is removed."""
        tampered(stocked, change)
        (stocked.store / "blobs" / "sha256" / ("a" * 64)).write_text("garbage")
        before = snapshot(stocked.store)
        for command in (["gc"], ["rm", TWO, "--yes"]):
            result = store(stocked, *command)
            assert result.code == code, result
            assert snapshot(stocked.store) == before

    @pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"schemaVersion":1,"manifests":[]}', b"\xff"])
    def test_an_index_that_is_none(self, stocked: Site, data: bytes) -> None:
        (stocked.store / "index.json").write_bytes(data)
        before = snapshot(stocked.store)
        for command in (["gc"], ["rm", TWO, "--yes"], ["list"]):
            assert store(stocked, *command).code == 10
            assert snapshot(stocked.store) == before

    def test_a_pipe(self, stocked: Site) -> None:
        place = stocked.store / "blobs" / "sha256" / ("2" * 64)
        os.mkfifo(place)
        assert store(stocked, "gc").json["strange"] == [f"blobs/sha256/{place.name}"]
        assert place.is_fifo()

    def test_a_link_in_place_of_the_index(self, stocked: Site) -> None:
        (stocked.store / "index.json").rename(stocked.folder / "moved")
        (stocked.store / "index.json").symlink_to(stocked.folder / "moved")
        before = snapshot(stocked.folder)
        for command in (["gc"], ["rm", TWO, "--yes"], ["list"]):
            assert store(stocked, *command).code == 70
            assert snapshot(stocked.folder) == before

    def test_while_another_is_at_work(self, stocked: Site) -> None:
        hold = HOLD.format(str(stocked.store))
        with popen("--version", before=hold) as other:
            try:
                assert other.stdout is not None
                assert other.stdout.readline() == b"held\n"
                for command in (["gc"], ["gc", "--dry-run"], ["rm", ONE, "--yes"]):
                    result = store(stocked, *command)
                    assert result.code == 70
                    assert result.kinds == ["store-locked"]
                assert store(stocked, "list").code == 0, "reading needs no lock"
            finally:
                other.kill()
        assert store(stocked, "gc").json["files"] == []


HOLD = """
import pathlib, time
from airgap.store.store import Store
with Store(pathlib.Path({!r})).writing():
    print("held", flush=True)
    time.sleep(60)
"""
CALLS = ("open", "fdopen", "replace", "unlink", "rmdir", "fsync", "mkdir")
KILL = """
import os, signal
left = {after}
def killing(name):
    original = getattr(os, name)
    def counted(*args, **kwargs):
        global left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        return original(*args, **kwargs)
    setattr(os, name, counted)
for name in {calls}:
    killing(name)
"""


class TestStoppedAnywhere:
    """At every file call: no listed image is ever damaged, and gc then leaves just what the listed ones need."""

    @pytest.fixture
    def copies(self, seed: Site, tmp_path: Path) -> Iterator[Site]:
        """Copies of a store with something in quarantine, each to be used once."""

        def fresh() -> Iterator[Site]:
            for number in range(500):
                site = Site(tmp_path / str(number))
                shutil.copytree(seed.store, site.store)
                quarantined = site.store / ".airgap" / "quarantine" / ("a" * 64) / ("b" * 64)
                quarantined.parent.mkdir(parents=True)
                quarantined.write_bytes(b"on its way")
                yield site
                shutil.rmtree(site.folder)
            raise AssertionError("it never came to an end")

        return fresh()

    def check(self, seed: Site, site: Site) -> int:
        """How many images are listed: all of each is there, and nothing more once gc was run."""
        listed = [name for name in (ONE, TWO) if any(key.startswith(name) for key in index(site.store))]
        assert TWO in listed
        for path in belonging(*listed) - {".airgap/lock", "index.json"}:
            assert (site.store / path).read_bytes() == (seed.store / path).read_bytes(), path
        swept = store(site, "gc")
        assert swept.code == 0, swept
        assert files(site) == belonging(*listed)
        assert litter(site.store) == []
        assert not list(site.store.glob("signatures/**/*one*")) or ONE in listed
        return len(listed)

    def test_by_sigkill(self, seed: Site, copies: Iterator[Site]) -> None:
        ends = set()
        for after, site in enumerate(copies):
            before = KILL.format(after=after, calls=CALLS[2:])  # nothing on the disk differs between the others
            ended = process("store", "rm", ONE, "--yes", "--store", site.store, "--format", "json", before=before)
            ends.add((self.check(seed, site), ended.code))
            if ended.code == 0:
                break
        assert ends == {(2, -signal.SIGKILL), (1, -signal.SIGKILL), (1, 0)}

    def test_by_a_disk_that_fails_from_then_on(self, seed: Site, copies: Iterator[Site]) -> None:
        ends = set()
        for after, site in enumerate(copies):
            with pytest.MonkeyPatch.context() as patch:
                fail_after(patch, after)
                ended = store(site, "rm", ONE, "--yes")
            assert ended.code == 0 or ended.kinds == ["input-output"], ended
            ends.add((self.check(seed, site), ended.code))
            if ended.code == 0:
                break
        assert ends == {(2, 70), (1, 70), (1, 0)}


def fail_after(patch: pytest.MonkeyPatch, count: int) -> None:
    """Let every file call fail, but for the first ``count``."""
    left = iter(range(count))

    def failing(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            if next(left, None) is None:
                raise OSError(errno.EIO, "Input/output error")
            return original(*args, **options)

        return call

    for name in CALLS:
        patch.setattr(os, name, failing(getattr(os, name)))


class TestGarbage:
    """The plan alone."""

    def test_paths_that_look_like_ours(self) -> None:
        blob = "a" * 64
        paths = [
            f"blobs/sha256/{blob}.txt",
            f"blobs/sha256/{blob}\n",
            f"blobs/{blob}",
            f"blobs/sha512/{blob}",
            blob,
            f"referrers/{blob}.json.txt",
            f"referrers/x/{blob}",
            f"signatures/a@sha256={blob}/signature-0",
            f"signatures/a@sha256={blob}/signature-1.asc",
            f"signatures/a@sha256={'a' * 63}/signature-1",
            "signatures/a/signature-1",
            f"signatures@sha256={blob}/signature-1",
            f".airgap/{blob}",
            f".airgap/quarantine/{blob}",
            f".airgap/quarantine/{blob}/{blob}/{blob}",
            ".airgap/lock2",
            "index.json2",
            "oci-layout.airgap-partial2",
        ]
        plan = find_garbage([Found(path, is_file=True, size=1) for path in paths], Needed((), (), (), ()))
        assert plan.files == ()
        assert list(plan.strange) == paths

    @pytest.mark.parametrize(
        "path",
        [
            "blobs/sha512",
            "blobs/sha256/x",
            f"signatures{'/a' * 129}",
            "signatures/A",
            f"signatures/a@sha256={'a' * 64}/b",
            f"signatures/@sha256={'a' * 63}",
            ".airgap/quarantine/x",
            ".airgap/state",
            "trust",
            "../blobs",
        ],
    )
    def test_folders_that_are_not_looked_into(self, path: str) -> None:
        assert not is_ours(path)

    def test_a_signature_on_its_way_is_not_kept(self) -> None:
        """Whatever image it is of: an import that was killed left it."""
        path = f"signatures/x/y@sha256={'a' * 64}/signature-2.airgap-partial"
        for needed in (None, Needed((), (), (), {f"x/y@sha256={'a' * 64}"})):
            assert [one.path for one in find_garbage([Found(path, is_file=True)], needed).files] == [path]

    def test_what_is_needed_is_kept(self) -> None:
        wanted, other = "a" * 64, "b" * 64
        needed = Needed({Digest(wanted)}, {Digest(wanted)}, {Digest(wanted)}, {f"x/y@sha256={wanted}"})
        kinds = ["blobs/sha256/{}", "referrers/{}", "referrers/{}.json", "signatures/x/y@sha256={}/signature-1"]
        found = [Found(kind.format(one), is_file=True, size=1) for kind in kinds for one in (wanted, other)]
        plan = find_garbage(found, needed)
        assert {one.path for one in plan.files} == {kind.format(other) for kind in kinds}
        assert plan.files[0].path.startswith("blobs/")
        assert find_garbage(found, None).files == ()
