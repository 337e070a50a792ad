"""docker archives, transports by name, and fetching ahead."""

from __future__ import annotations

import json
import os
import stat
import tarfile
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import forge
import pytest
from forge.images import REF_NAME

from airgap.digest import Digest, digest_of
from airgap.errors import SourceError, UsageError
from airgap.sources.ahead import SINGLE_MAX, ReadAhead
from airgap.sources.spec import parse_spec
from tests.cli.site import RUST, Site, sample

IMAGE, OTHER = sample(), sample("other")
HEX = "0" * 64


@pytest.mark.parametrize(
    ("text", "reference", "place", "name", "shown"),
    [
        ("docker://stagex/x", "docker.io/stagex/x", "docker.io/stagex/x", None, "docker://docker.io/stagex/x:latest"),
        ("docker://h:5/x:1", "h:5/x", "h:5/x", "1", "docker://h:5/x:1"),
        (f"docker://h:5/x:1@sha256:{HEX}", "h:5/x", "h:5/x", f"sha256:{HEX}", f"docker://h:5/x@sha256:{HEX}"),
        ("a/b=docker://h:5/x", "docker.io/a/b", "h:5/x", None, "docker://h:5/x:latest"),
        ("containers-storage:docker.io/a/b:1", "docker.io/a/b", "docker.io/a/b:1", None, None),
        ("docker-daemon:a/b:1", "docker.io/a/b", "a/b:1", None, None),
        ("docker-daemon:sha256:0", None, "sha256:0", None, None),
        ("docker-archive:f.tar:a/b:1", None, "f.tar", "a/b:1", None),
    ],
)
def test_specs(text: str, reference: str | None, place: str, name: str | None, shown: str | None) -> None:
    spec = parse_spec(text)
    assert (spec.reference and str(spec.reference), spec.place, spec.name) == (reference, place, name)
    assert str(spec) == (shown or text)


@pytest.mark.parametrize("text", ["docker:x", "docker:///x", "docker://UPPER/X", "docker://x@sha256:0", "docker://x:"])
def test_specs_that_are_none(text: str) -> None:
    with pytest.raises(UsageError):
        parse_spec(text)


class TestDockerArchive:
    @pytest.fixture
    def site(self, tmp_path: Path) -> Site:
        site = Site(tmp_path / "site")
        assert site.init().code == 0
        return site

    @pytest.fixture
    def archive(self, site: Site) -> Path:
        """As docker 25 saves two images: a layout with tags as names, and docker's own list beside it."""
        folder = site.folder / "saved"
        forge.write_layout(folder, {"1": IMAGE, "2": OTHER})
        index = json.loads((folder / "index.json").read_bytes())
        for entry in index["manifests"]:
            tag = entry["annotations"][REF_NAME]
            entry["annotations"]["io.containerd.image.name"] = f"docker.io/stagex/x:{tag}"
        (folder / "index.json").write_text(json.dumps(index))
        (folder / "manifest.json").write_text("[]")
        path = site.folder / "saved.tar"
        with tarfile.open(path, "w") as tar:
            tar.add(folder, ".")
        return path

    @pytest.mark.parametrize("name", ["2", "docker.io/stagex/x:2", "stagex/x:2", OTHER.digest])
    def test_the_newer_form(self, site: Site, archive: Path, name: str) -> None:
        site.sign(RUST, OTHER.digest, "anna", "bert")
        exported = site.export(f"{RUST}=docker-archive:{archive}:{name}")
        assert [one["digest"] for one in exported.json["images"]] == [OTHER.digest]
        assert "docker may have made this manifest anew" in exported.json["notes"][0]
        assert site.import_().code == 0

    def test_which_of_two(self, site: Site, archive: Path) -> None:
        assert site.export(f"{RUST}=docker-archive:{archive}").kinds == ["source-ambiguous"]
        assert site.export(f"{RUST}=docker-archive:{archive}:stagex/x:3").kinds == ["source-not-found"]

    def test_the_older_form(self, site: Site) -> None:
        path = site.folder / "old.tar"
        (site.folder / "manifest.json").write_text("[]")
        with tarfile.open(path, "w") as tar:
            tar.add(site.folder / "manifest.json", "manifest.json")
        refused = site.export(f"{RUST}=docker-archive:{path}")
        assert (refused.code, refused.kinds) == (50, ["digest-not-kept"])
        assert "docker://" in refused.json["hint"]

    def test_no_archive(self, site: Site) -> None:
        (site.folder / "x").write_bytes(b"no tar")
        for name in ("x", "missing"):
            assert site.export(f"{RUST}=docker-archive:{site.folder / name}").kinds == ["source-not-found"]


class TestSkopeo:
    """A program that plays skopeo: what it must not get away with."""

    @pytest.fixture
    def site(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
        folder = tmp_path / "temporary"
        folder.mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(folder))
        yield Site(tmp_path / "site")
        assert list(folder.iterdir()) == []

    def play(self, site: Site, monkeypatch: pytest.MonkeyPatch, copy: str) -> list[str]:
        program = site.folder / "bin" / "skopeo"
        program.parent.mkdir()
        (site.folder / "raw").write_bytes(IMAGE.root.data)
        program.write_text(f'#!/bin/sh\nif [ "$1" = inspect ]; then cat {site.folder}/raw; exit; fi\n{copy}\n')
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
        refused = site.export("docker-daemon:stagex/x:1")
        assert not site.bundle.exists()
        kinds: list[str] = refused.kinds
        return kinds

    @pytest.mark.parametrize(
        ("copy", "kind"),
        [
            ('echo "Instructed to preserve digests" >&2; exit 1', "digest-not-kept"),
            ('echo "no such image" >&2; exit 1', "source-not-found"),
            ('echo "disk on fire" >&2; exit 1', "source-invalid"),
            ("true", "file-not-found"),
            ('for d; do :; done; echo "{}" > "${d#dir:}/manifest.json"', "manifest-digest-differs"),
            ("yes", "program-output-too-large"),
        ],
    )
    def test_refused(self, site: Site, monkeypatch: pytest.MonkeyPatch, copy: str, kind: str) -> None:
        assert self.play(site, monkeypatch, copy) == [kind]


class TestReadAhead:
    def blobs(self, count: int, size: int = 1000) -> dict[Digest, bytes]:
        return {digest_of(data): data for data in (bytes([n]) * size for n in range(count))}

    def test_in_order_and_each_once(self) -> None:
        blobs = self.blobs(50)
        asked: list[Digest] = []

        def fetch(digest: Digest) -> Iterator[bytes]:
            asked.append(digest)
            yield blobs[digest][:500]
            yield blobs[digest][500:]

        ahead = ReadAhead([(digest, 1000) for digest in blobs], fetch)
        assert [b"".join(ahead.take(digest)) for digest in blobs] == list(blobs.values())
        assert sorted(asked) == sorted(blobs)
        ahead.close()

    def test_in_any_order(self) -> None:
        blobs = self.blobs(50)
        ahead = ReadAhead([(digest, 1000) for digest in blobs], lambda digest: iter([blobs[digest]]))
        for digest in reversed(blobs):
            assert b"".join(ahead.take(digest)) == blobs[digest]
        ahead.close()

    def test_within_its_budget(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """With nobody taking, it stops; every blob comes all the same."""
        monkeypatch.setattr("airgap.sources.ahead.BUDGET", 2500)
        blobs = self.blobs(20)
        asked: list[Digest] = []

        def fetch(digest: Digest) -> Iterator[bytes]:
            asked.append(digest)
            yield blobs[digest]

        ahead = ReadAhead([(digest, 1000) for digest in blobs], fetch)
        for taken, digest in enumerate(blobs, 1):
            assert b"".join(ahead.take(digest)) == blobs[digest]
            assert len(asked) <= taken + 3
        ahead.close()

    def test_large_ones_are_not_fetched_ahead(self) -> None:
        threads: list[str] = []

        def fetch(digest: Digest) -> Iterator[bytes]:
            threads.append(threading.current_thread().name)
            yield b"x"

        large = Digest("1" * 64)
        ahead = ReadAhead([(large, SINGLE_MAX + 1)], fetch)
        assert list(ahead.take(large)) == [b"x"]
        assert threads == [threading.current_thread().name]
        ahead.close()

    def test_errors_come_with_their_blob(self) -> None:
        blobs = self.blobs(4)
        bad = list(blobs)[2]

        def fetch(digest: Digest) -> Iterator[bytes]:
            yield blobs[digest][:1]
            if digest == bad:
                raise SourceError("source-not-found", "gone")
            yield blobs[digest][1:]

        ahead = ReadAhead([(digest, 1000) for digest in blobs], fetch)
        for digest in blobs:
            if digest == bad:
                with pytest.raises(SourceError, match="gone"):
                    list(ahead.take(digest))
            else:
                assert b"".join(ahead.take(digest)) == blobs[digest]
        ahead.close()
