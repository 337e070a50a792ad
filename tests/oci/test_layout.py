"""OCI image layouts: the files we write, and the ones that export reads (image-layout.md; OCI-26)."""

from __future__ import annotations

import contextlib
import io
import os
import tarfile
from pathlib import Path

import pytest
from forge import Layer, image, image_index, write_layout, write_lookaside
from hypothesis import given
from hypothesis import strategies as st

from airgap.digest import Digest, digest_of
from airgap.errors import AirgapError, IntegrityError, SourceError, UsageError
from airgap.limits import LIMITS
from airgap.oci.descriptor import OCI_INDEX, OCI_MANIFEST, REF_NAME, Descriptor
from airgap.oci.layout import LAYOUT_BYTES, blob_path, encode_index, parse_layout, parse_layout_index
from airgap.reference import parse_reference, parse_repository
from airgap.sources.image import read_blob
from airgap.sources.layout import LayoutArchive, LayoutFolder
from airgap.sources.lookaside import LookasideFolder, collect
from airgap.sources.spec import (
    Sources,
    parse_digest_list,
    parse_spec,
    read_digest_lists,
    read_image_list,
    require_listed,
)
from airgap.strict_json import canonical

HEX = "0123456789abcdef" * 4
SAMPLE = image_index([image([Layer({"f": b"x"})])])


def kind_of(call: object, *arguments: object) -> str:
    assert callable(call)
    with pytest.raises(AirgapError) as caught:
        call(*arguments)
    return caught.value.kind


class TestFiles:
    def test_the_layout_file_we_write_is_one_we_read(self) -> None:
        parse_layout(LAYOUT_BYTES)

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"{}",
            b"[]",
            b'{"imageLayoutVersion":"1.1.0"}',
            b'{"imageLayoutVersion":1}',
            b"\xff",
            b'{"imageLayoutVersion":"1.0.0","ImageLayoutVersion":"1.1.0"}',
        ],
    )
    def test_no_layout_file(self, data: bytes) -> None:
        assert kind_of(parse_layout, data) == "image-manifest-invalid"

    @pytest.mark.parametrize(
        "data",
        [
            b'{"schemaVersion":2,"manifests":[],"Manifests":[]}',
            b"",
            b"{}",
            b'{"schemaVersion":2}',
            b'{"schemaVersion":1,"manifests":[]}',
            b'{"schemaVersion":true,"manifests":[]}',
            b'{"schemaVersion":2,"manifests":{}}',
            b'{"schemaVersion":2,"manifests":[{}]}',
            b'{"schemaVersion":2,"manifests":[],"manifests":[]}',
        ],
    )
    def test_no_index(self, data: bytes) -> None:
        assert kind_of(parse_layout_index, data) == "image-manifest-invalid"

    def test_oci_17_an_index_that_leads_outside(self) -> None:
        entry = {"mediaType": OCI_INDEX, "digest": f"sha256:{HEX}", "size": 1, "urls": ["https://x"]}
        assert kind_of(parse_layout_index, canonical({"schemaVersion": 2, "manifests": [entry]})) == "external-layer"

    @given(st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.integers(0, 2**40), max_size=5))
    def test_index_round_trip_in_any_order(self, names: dict[str, int]) -> None:
        images = [(name, Descriptor(OCI_MANIFEST, digest_of(name.encode()), size)) for name, size in names.items()]
        data = encode_index(images)
        assert data == encode_index(reversed(images))
        assert [(d.name, d.digest, d.size) for d in parse_layout_index(data)] == sorted(
            (name, one.digest, one.size) for name, one in images
        )

    def test_blob_path(self) -> None:
        assert blob_path(Digest(HEX)) == f"blobs/sha256/{HEX}"


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    write_layout(tmp_path / "layout", {"docker.io/stagex/x": SAMPLE})
    return tmp_path / "layout"


def archive(folder: Path, prefix: str = "") -> Path:
    path = folder.with_suffix(".tar")
    with tarfile.open(path, "w") as tar:
        for file in sorted(folder.rglob("*")):
            tar.add(file, f"{prefix}{file.relative_to(folder)}", recursive=False)
    return path


class TestSources:
    @pytest.mark.parametrize("form", ["folder", "archive", "archive with dots"])
    def test_every_blob(self, layout: Path, form: str) -> None:
        with contextlib.closing(
            LayoutFolder(layout) if form == "folder" else LayoutArchive(archive(layout, "./" if "dots" in form else ""))
        ) as source:
            self.read_all(source)

    def read_all(self, source: LayoutFolder | LayoutArchive) -> None:
        (root,) = source.images()
        assert (str(root.digest), root.name) == (SAMPLE.digest, "docker.io/stagex/x")
        for digest, data in SAMPLE.blobs.items():
            found = Digest(digest.removeprefix("sha256:"))
            assert source.has(found)
            assert b"".join(source.chunks(found)) == data
        assert not source.has(Digest(HEX))
        with pytest.raises(SourceError) as caught:
            list(source.chunks(Digest(HEX)))
        assert (caught.value.kind, caught.value.exit_status) == ("source-not-found", 50)
        assert source.find(None, "x").root == root

    def test_no_layout(self, tmp_path: Path) -> None:
        (tmp_path / "x").write_bytes(b"no tar")
        assert kind_of(LayoutFolder, tmp_path) == "source-not-found"
        assert kind_of(LayoutArchive, tmp_path / "x") == "source-not-found"
        assert kind_of(LayoutArchive, tmp_path / "missing") == "source-not-found"

    def test_a_broken_index(self, layout: Path) -> None:
        (layout / "index.json").write_bytes(b"{}")
        assert kind_of(LayoutFolder, layout) == "source-invalid"
        assert kind_of(LayoutArchive, archive(layout)) == "source-invalid"

    def test_an_archive_without_an_index(self, layout: Path) -> None:
        os.remove(layout / "index.json")
        assert kind_of(LayoutArchive, archive(layout)) == "source-not-found"

    def test_a_blob_that_is_a_link(self, layout: Path) -> None:
        path = layout / "blobs" / "sha256" / SAMPLE.digest.removeprefix("sha256:")
        path.rename(layout / "elsewhere")
        path.symlink_to(layout / "elsewhere")
        assert kind_of(lambda: list(LayoutFolder(layout).chunks(Digest(path.name)))) == "source-not-found"

    def test_an_archive_that_is_cut(self, layout: Path) -> None:
        path = archive(layout)
        kinds = set()
        with contextlib.closing(LayoutArchive(path)) as source:
            os.truncate(path, 10_000)
            for digest in SAMPLE.blobs:
                try:
                    list(source.chunks(Digest(digest.removeprefix("sha256:"))))
                except SourceError as error:
                    kinds.add(error.kind)
        assert kinds == {"source-invalid"}

    def test_an_archive_whose_headers_are_damaged(self, layout: Path) -> None:
        path = archive(layout)
        data = bytearray(path.read_bytes())
        data[data.index(b"index.json\0") + 148] ^= 1
        path.write_bytes(data)
        assert kind_of(LayoutArchive, path) in {"source-invalid", "source-not-found"}

    def test_an_archive_with_an_index_too_big(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        info = tarfile.TarInfo("oci-layout")
        info.size = LIMITS.bundle_manifest + 1
        with open(tmp_path / "x.tar", "wb") as file:
            file.write(info.tobuf())
            file.truncate(info.size + 2048)
        assert kind_of(LayoutArchive, tmp_path / "x.tar") == "source-invalid"

    def test_read_blob_believes_nobody(self, layout: Path) -> None:
        source = LayoutFolder(layout)
        (root,) = source.images()
        assert read_blob(source, root, 10**6) == SAMPLE.root.data
        assert kind_of(read_blob, source, root, root.size - 1) == "source-invalid"
        path = layout / blob_path(root.digest)
        for data in (b"", SAMPLE.root.data + b" ", SAMPLE.root.data.replace(b"2", b"3")):
            path.write_bytes(data)
            with pytest.raises(IntegrityError):
                read_blob(source, root, 10**6)

    def test_choose(self, tmp_path: Path) -> None:
        other = image([Layer({"f": b"y"})])
        write_layout(tmp_path, {"a": SAMPLE, "b": other})
        source = LayoutFolder(tmp_path)
        assert str(source.find("b", "x").root.digest) == other.digest
        assert str(source.find(other.digest, "x").root.digest) == other.digest
        assert kind_of(source.find, None, "x") == "source-ambiguous"
        assert kind_of(source.find, "c", "x") == "source-not-found"

    def test_oci_26_one_name_for_two_images(self, tmp_path: Path) -> None:
        write_layout(tmp_path, {"": SAMPLE})
        other = image([Layer({"f": b"y"})])
        entries = [one.root.descriptor(annotations={REF_NAME: "same"}) for one in (SAMPLE, other)]
        (tmp_path / "index.json").write_bytes(canonical({"schemaVersion": 2, "manifests": entries}))
        assert kind_of(LayoutFolder(tmp_path).find, "same", "x") == "source-ambiguous"

    def test_the_same_image_under_two_names_is_one(self, tmp_path: Path) -> None:
        write_layout(tmp_path, {"a": SAMPLE, "b": SAMPLE})
        assert str(LayoutFolder(tmp_path).find(None, "x").root.digest) == SAMPLE.digest


class TestSpec:
    @pytest.mark.parametrize(
        ("text", "reference", "path", "name"),
        [
            ("oci:dir", None, "dir", None),
            ("oci:dir:tag", None, "dir", "tag"),
            ("oci:dir:docker.io/a/b:tag", None, "dir", "docker.io/a/b:tag"),
            ("docker.io/stagex/x=oci:dir", "docker.io/stagex/x", "dir", None),
            ("stagex/x:1=oci-archive:/a/b.tar", "docker.io/stagex/x:1", "/a/b.tar", None),
            ("oci:dir=with=equals", None, "dir=with=equals", None),
        ],
    )
    def test_parse(self, text: str, reference: str | None, path: str, name: str | None) -> None:
        spec = parse_spec(text)
        assert (spec.reference and str(spec.reference), spec.place, spec.name) == (reference, path, name)
        assert str(spec).startswith(spec.transport)

    @pytest.mark.parametrize(
        "text", ["", "dir", "oci:", "docker:x/y", "docker://", "docker://X/y?", "OCI:dir", "=", "http://x", "dir:tag"]
    )
    def test_unknown(self, text: str) -> None:
        with pytest.raises(UsageError):
            parse_spec(text)

    def test_a_name_with_a_digest(self) -> None:
        with pytest.raises(UsageError, match="NAME has no digest"):
            parse_spec(f"x@sha256:{HEX}=oci:dir")

    @pytest.mark.parametrize("name", ["UPPER", "a b", "a@sha256:x"])
    def test_a_name_that_is_none(self, name: str) -> None:
        with pytest.raises(UsageError):
            parse_spec(f"{name}=oci:dir")

    def test_find(self, layout: Path) -> None:
        with Sources() as sources:
            self.find(sources, layout)

    def find(self, sources: Sources, layout: Path) -> None:
        reference, found = sources.find(parse_spec(f"oci:{layout}"))
        assert (str(reference), str(found.root.digest)) == ("docker.io/stagex/x", SAMPLE.digest)
        reference, _ = sources.find(parse_spec(f"quay.io/y:1=oci:{layout}"))
        assert str(reference) == "quay.io/y:1"
        assert sources.holding(found.root.digest) is found.source
        assert kind_of(sources.holding, Digest(HEX)) == "source-not-found"

    @pytest.mark.parametrize("name", ["", "latest", "../../etc", "docker.io/UPPER/x", "a/" * 2000 + "b", "x/\x1b[2J"])
    def test_oci_26_a_name_that_is_no_repository(self, tmp_path: Path, name: str) -> None:
        write_layout(tmp_path, {name: SAMPLE})
        assert kind_of(Sources().find, parse_spec(f"oci:{tmp_path}")) == "source-name-missing"

    def test_image_list(self, tmp_path: Path) -> None:
        (tmp_path / "list").write_text("# comment\n\n oci:a \r\nx=oci:b\n")
        assert read_image_list(tmp_path / "list") == ["oci:a", "x=oci:b"]
        (tmp_path / "list").write_bytes(b"\xff")
        assert kind_of(read_image_list, tmp_path / "list") == "source-invalid"


class TestDigestLists:
    def test_parse(self) -> None:
        found = parse_digest_list(f"{HEX} a\n{HEX}\tb/c\n{HEX} a\n".encode(), "x")
        assert found == {"a": Digest(HEX), "b/c": Digest(HEX)}

    @pytest.mark.parametrize(
        "data",
        [
            b"\xff",
            b"x",
            f"{HEX}".encode(),
            f"{HEX} ".encode(),
            f"{HEX.upper()} a".encode(),
            f"{HEX} A".encode(),
            f"{HEX} a b".encode(),
            f"sha256:{HEX} a".encode(),
            f"{HEX} a\n{'0' * 64} a".encode(),
            f"{HEX} a\n\n{HEX} b".encode(),
            f"{HEX} ../a\x1b".encode(),
        ],
    )
    def test_refused(self, data: bytes) -> None:
        assert kind_of(parse_digest_list, data, "x") == "digest-list-invalid"

    def test_stagex(self, stagex_digests: Path) -> None:
        found = [parse_digest_list(path.read_bytes(), path.name) for path in sorted(stagex_digests.iterdir())]
        assert sum(map(len, found)) > 500

    def test_require_listed(self) -> None:
        reference = parse_reference("docker.io/stagex/x")
        ours, other = Digest(HEX), Digest("0" * 64)
        assert require_listed(reference, [ours], [{"x": ours}])
        assert require_listed(reference, [other, ours], [{"stagex/x": ours}])
        assert require_listed(reference, [ours], [{"x": other}, {"x": ours}])
        assert not require_listed(reference, [ours], [{"y": other}])
        assert not require_listed(reference, [ours], [])
        with pytest.raises(SourceError) as caught:
            require_listed(reference, [ours], [{"x": other}])
        assert (caught.value.kind, caught.value.exit_status) == ("digest-list-mismatch", 50)

    def test_their_names_in_a_bundle(self, tmp_path: Path) -> None:
        for name in ("User.TXT", "core", "x.y.txt"):
            (tmp_path / name).write_bytes(name.encode())
        found = read_digest_lists([tmp_path / "User.TXT", tmp_path / "core", tmp_path / "x.y.txt"])
        assert found == {"user.txt": b"User.TXT", "core.txt": b"core", "x.y.txt": b"x.y.txt"}

    @pytest.mark.parametrize(
        "name", ["con", "nul.txt", "-rf.txt", "a b.txt", ".txt", "\u00e9.txt", "a\n.txt", "a" * 101]
    )
    def test_a_name_that_no_bundle_can_carry(self, tmp_path: Path, name: str) -> None:
        (tmp_path / name).write_bytes(b"")
        with pytest.raises(UsageError):
            read_digest_lists([tmp_path / name])

    def test_two_of_one_name(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_bytes(b"")
        (tmp_path / "A.txt").write_bytes(b"")
        with pytest.raises(UsageError, match="two digest lists"):
            read_digest_lists([tmp_path / "a", tmp_path / "A.txt"])


class TestLookaside:
    def test_both_folders_in_order(self, tmp_path: Path) -> None:
        digest = f"sha256:{HEX}"
        write_lookaside(tmp_path, "stagex/x", digest, [bytes([n]) for n in range(12)])
        folder = write_lookaside(tmp_path, "docker.io/stagex/x", digest, [b"other", b"\x03"])
        (folder / "README").write_bytes(b"ignored")
        (folder / "signature-0").write_bytes(b"ignored")
        lookaside = LookasideFolder(tmp_path)
        found = lookaside.signatures(parse_repository("stagex/x"), Digest(HEX))
        assert found == [*(bytes([n]) for n in range(12)), b"other", b"\x03"]
        assert collect([lookaside, lookaside], parse_repository("stagex/x"), Digest(HEX)) == found[:-1]
        assert lookaside.signatures(parse_repository("stagex/y"), Digest(HEX)) == []

    def test_no_folder(self, tmp_path: Path) -> None:
        assert kind_of(LookasideFolder, tmp_path / "x") == "signatures-not-found"

    def test_too_many(self, tmp_path: Path) -> None:
        signatures = [str(n).encode() for n in range(LIMITS.signatures_per_image + 1)]
        write_lookaside(tmp_path, "stagex/x", f"sha256:{HEX}", signatures)
        repository = parse_repository("stagex/x")
        assert kind_of(collect, [LookasideFolder(tmp_path)], repository, Digest(HEX)) == "limit-exceeded"

    def test_too_big(self, tmp_path: Path) -> None:
        write_lookaside(tmp_path, "stagex/x", f"sha256:{HEX}", [bytes(LIMITS.signature_file + 1)])
        lookaside = LookasideFolder(tmp_path)
        assert kind_of(lookaside.signatures, parse_repository("stagex/x"), Digest(HEX)) == "limit-exceeded"


def test_an_archive_may_hold_links_but_no_blob_is_one(tmp_path: Path) -> None:
    """TAR-04: tarfile would follow a link to another member; only regular members are blobs."""
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w") as tar:
        for name, data in {"oci-layout": LAYOUT_BYTES, "index.json": encode_index([])}.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        link = tarfile.TarInfo(f"blobs/sha256/{HEX}")
        link.type, link.linkname = tarfile.SYMTYPE, "../../index.json"
        tar.addfile(link)
    (tmp_path / "x.tar").write_bytes(output.getvalue())
    with contextlib.closing(LayoutArchive(tmp_path / "x.tar")) as source:
        assert not source.has(Digest(HEX))
        assert kind_of(source.find, None, "x") == "source-not-found"
