"""bundle.json: canonical, in order, complete, of known version, within limits (CON-14, CON-16, TAR-07 to TAR-11)."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airgap.bundle.format import FORMAT, KEYRING_PATH, MAINTAINERS_PATH
from airgap.bundle.manifest import Member, parse_bundle_manifest, rank, sort_members
from airgap.bundle.tar import header, padding
from airgap.digest import Digest, digest_of
from airgap.errors import FormatError
from airgap.limits import LIMITS, MIB
from airgap.oci.layout import INDEX_FILE, LAYOUT_FILE, parse_layout_index
from airgap.strict_json import canonical
from tests.bundle.simulator import Bundle, bundle_of, edited, encode, entries, refused, sample, stream

HEX = "0123456789abcdef" * 4
DIGEST = f"sha256:{HEX}"
ABSENT = {"sha256": HEX, "size": 1}
Change = Callable[[dict[str, Any]], object]


def reason(data: bytes) -> tuple[str, int]:
    with pytest.raises(FormatError) as caught:
        parse_bundle_manifest(data)
    return caught.value.kind, caught.value.exit_status


def lines(document: dict[str, Any], path: str) -> dict[str, Any]:
    """The entry of a member."""
    found: dict[str, Any] = next(line for line in document["members"] if line["path"] == path)
    return found


def swapped(document: dict[str, Any], one: int, other: int) -> None:
    members = document["members"]
    members[one], members[other] = members[other], members[one]


def test_round_trip(bundle: Bundle) -> None:
    parsed = parse_bundle_manifest(bundle.manifest.encoded)
    assert parsed == bundle.manifest
    assert parsed.id == bundle.manifest.id == digest_of(bundle.manifest.encoded)


def test_stream_size_is_that_of_the_stream(bundle: Bundle, large: Bundle) -> None:
    for one in (bundle, large):
        assert one.manifest.stream_size == len(stream(entries(one)))


def test_the_index_lists_the_images(bundle: Bundle) -> None:
    (found,) = parse_layout_index(bundle.manifest.index())
    image = bundle.manifest.images[0]
    assert (found.digest, found.size, found.media_type) == (image.digest, image.descriptor.size, bundle.root.media_type)
    assert found.name == image.name == f"docker.io/stagex/pallet@{image.digest}"


class TestNotCanonical:
    def test_spaces(self, bundle: Bundle) -> None:
        data = json.dumps(json.loads(bundle.manifest.encoded), sort_keys=True).encode()
        assert reason(data) == ("bundle-manifest-invalid", 10)

    def test_order_of_members(self, bundle: Bundle) -> None:
        value = json.loads(bundle.manifest.encoded)
        data = json.dumps(dict(reversed(value.items())), separators=(",", ":")).encode()
        assert reason(data) == ("bundle-manifest-invalid", 10)

    def test_escapes(self, bundle: Bundle) -> None:
        data = bundle.manifest.encoded.replace(b"linux", b"\\u006cinux")
        assert reason(data) == ("bundle-manifest-invalid", 10)

    @pytest.mark.parametrize("tail", [b"\n", b" ", b"\0", b"{}"])
    def test_trailing(self, bundle: Bundle, tail: bytes) -> None:
        assert reason(bundle.manifest.encoded + tail) == ("bundle-manifest-invalid", 10)

    def test_duplicate_member(self, bundle: Bundle) -> None:
        data = bundle.manifest.encoded.replace(b'"requires":[]', b'"requires":[],"requires":[]')
        assert reason(data) == ("bundle-manifest-invalid", 10)

    @pytest.mark.parametrize("data", [b"", b"[]", b"null", b'"x"', b"{}", b"\xff", b"[" * 100_000])
    def test_no_object(self, data: bytes) -> None:
        assert reason(data) == ("bundle-manifest-invalid", 10)


def leave_out(document: dict[str, Any], *absent: object) -> None:
    document.update(absent=list(absent), requires=["delta"])


def share(document: dict[str, Any], tags: int) -> None:
    """One digest under so many tags, with as many signatures as it may have: each file would be judged for each tag."""
    (image,), members = document["images"], document["members"]
    folder = members[2]["path"].rpartition("/")[0]
    numbers = range(1, LIMITS.signatures_per_image + 1)
    members[2:4] = [{**members[2], "path": f"{folder}/signature-{number}"} for number in numbers]
    names = [f"{image['reference']}:{number:06d}" for number in range(tags)]
    document["images"] = [{**image, "reference": name} for name in names]


CHANGES: dict[str, tuple[Change, str]] = {
    "CON-14 version 2": (lambda d: d.update(format="airgap/bundle/v2"), "bundle-version-unknown"),
    "CON-14 version 0": (lambda d: d.update(format="airgap/bundle/v0"), "bundle-version-unknown"),
    "CON-14 other": (lambda d: d.update(format=f"{FORMAT} "), "bundle-version-unknown"),
    "format of another type": (lambda d: d.update(format=1), "bundle-manifest-invalid"),
    "no format": (lambda d: d.pop("format"), "bundle-manifest-invalid"),
    "feature": (lambda d: d.update(requires=["recovery"]), "bundle-feature-unknown"),
    "absent blob that is no object": (lambda d: leave_out(d, DIGEST), "bundle-manifest-invalid"),
    "absent blob without the feature": (lambda d: d.update(absent=[ABSENT]), "bundle-manifest-invalid"),
    "feature without an absent blob": (lambda d: d.update(requires=["delta"]), "bundle-manifest-invalid"),
    "absent blob twice": (lambda d: leave_out(d, ABSENT, ABSENT), "bundle-manifest-invalid"),
    "absent blobs out of order": (
        lambda d: leave_out(d, {**ABSENT, "sha256": "f" * 64}, ABSENT),
        "bundle-manifest-invalid",
    ),
    "absent blob that is held": (
        lambda d: leave_out(d, {"sha256": d["members"][-1]["sha256"], "size": d["members"][-1]["size"]}),
        "bundle-manifest-invalid",
    ),
    "absent blob with a name": (lambda d: leave_out(d, {**ABSENT, "path": "x"}), "bundle-manifest-invalid"),
    "absent blob without a size": (lambda d: leave_out(d, {"sha256": HEX}), "bundle-manifest-invalid"),
    "absent blob over the limit": (
        lambda d: leave_out(d, {**ABSENT, "size": LIMITS.blob + 1}),
        "bundle-manifest-invalid",
    ),
    "absent blob of another algorithm": (
        lambda d: leave_out(d, {**ABSENT, "sha256": HEX + HEX}),
        "digest-invalid",
    ),
    "feature that is no string": (lambda d: d.update(requires=[1]), "bundle-manifest-invalid"),
    "absent is no array": (lambda d: d.update(absent={}), "bundle-manifest-invalid"),
    "unknown member": (lambda d: d.update(comment="x"), "bundle-manifest-invalid"),
    "created by": (lambda d: d.update(created="2026-01-01"), "bundle-manifest-invalid"),
    "unknown member of an image": (lambda d: d["images"][0].update(x=1), "bundle-manifest-invalid"),
    "unknown member of a member": (lambda d: d["members"][0].update(mode=1), "bundle-manifest-invalid"),
    "image without a digest": (lambda d: d["images"][0].pop("digest"), "bundle-manifest-invalid"),
    "member without a size": (lambda d: d["members"][0].pop("size"), "bundle-manifest-invalid"),
    "member that is no object": (lambda d: d["members"].append("x"), "bundle-manifest-invalid"),
    "image that is no object": (lambda d: d["images"].append(None), "bundle-manifest-invalid"),
    "no images": (lambda d: d.update(images=[]), "bundle-manifest-invalid"),
    "image twice": (lambda d: d["images"].append(d["images"][0]), "bundle-manifest-invalid"),
    "JSN-04 size is true": (lambda d: d["members"][0].update(size=True), "bundle-manifest-invalid"),
    "JSN-06 size below zero": (lambda d: d["members"][0].update(size=-1), "bundle-manifest-invalid"),
    "JSN-06 size 2^63": (lambda d: d["members"][-1].update(size=2**63), "bundle-manifest-invalid"),
    "size over the limit": (lambda d: d["members"][-1].update(size=LIMITS.blob + 1), "bundle-manifest-invalid"),
    "image over the limit": (
        lambda d: d["images"][0].update(size=LIMITS.oci_manifest + 1),
        "bundle-manifest-invalid",
    ),
    "reference that is short": (lambda d: d["images"][0].update(reference="stagex/pallet"), "bundle-manifest-invalid"),
    "reference with a digest": (
        lambda d: d["images"][0].update(reference=f"docker.io/stagex/pallet@{DIGEST}"),
        "bundle-manifest-invalid",
    ),
    "reference in capitals": (
        lambda d: d["images"][0].update(reference="docker.io/stagex/Pallet"),
        "reference-invalid",
    ),
    "OCI-06 digest of an image": (lambda d: d["images"][0].update(digest="sha256:../x"), "digest-invalid"),
    "OCI-08 digest of an image": (lambda d: d["images"][0].update(digest=f"sha512:{HEX}{HEX}"), "digest-invalid"),
    "digest of a member": (lambda d: d["members"][0].update(sha256=DIGEST), "digest-invalid"),
    "platform that is no string": (lambda d: d["images"][0].update(platforms=[1]), "bundle-manifest-invalid"),
    "blob named after other content": (lambda d: d["members"][-1].update(sha256=HEX), "bundle-manifest-invalid"),
    "TAR-07 blob twice": (lambda d: d["members"].append(d["members"][-1]), "bundle-manifest-invalid"),
    "TAR-07 MAINTAINERS twice": (lambda d: d["members"].insert(1, d["members"][0]), "bundle-manifest-invalid"),
    "TAR-07 signature twice": (lambda d: d["members"].insert(3, d["members"][2]), "bundle-manifest-invalid"),
    "TAR-24 keyring first": (lambda d: swapped(d, 0, 1), "bundle-manifest-invalid"),
    "TAR-24 signatures the other way": (lambda d: swapped(d, 2, 3), "bundle-manifest-invalid"),
    "TAR-24 index before layout": (lambda d: swapped(d, 4, 5), "bundle-manifest-invalid"),
    "TAR-24 blob before index": (lambda d: swapped(d, 5, 6), "bundle-manifest-invalid"),
    "bundle.json lists itself": (
        lambda d: d["members"].insert(0, {"path": "bundle.json", "sha256": HEX, "size": 1}),
        "member-unexpected",
    ),
    "OCI-34 manifest.json": (
        lambda d: d["members"].insert(6, {"path": "manifest.json", "sha256": HEX, "size": 1}),
        "member-unexpected",
    ),
    "long path": (lambda d: d["members"][0].update(path="a" * (LIMITS.member_path + 1)), "bundle-manifest-invalid"),
    "signature of nobody's image": (
        lambda d: d["members"][3].update(path=f"signatures/stagex/other@sha256={HEX}/signature-1"),
        "bundle-manifest-invalid",
    ),
    "too many signatures": (
        lambda d: d["members"].__setitem__(
            slice(2, 4),
            [
                {"path": d["members"][2]["path"][:-1] + str(n), "sha256": HEX, "size": 1}
                for n in range(1, LIMITS.signatures_per_image + 2)
            ],
        ),
        "bundle-manifest-invalid",
    ),
    "signatures of a folder that too many images share": (
        lambda d: share(d, LIMITS.signatures_judged // LIMITS.signatures_per_image + 1),
        "limit-exceeded",
    ),
    "MAINTAINERS over the limit": (
        lambda d: lines(d, MAINTAINERS_PATH).update(size=LIMITS.trust_file + 1),
        "limit-exceeded",
    ),
    "keyring over the limit": (lambda d: lines(d, KEYRING_PATH).update(size=LIMITS.keyring + 1), "limit-exceeded"),
    "signature over the limit": (
        lambda d: d["members"][2].update(size=LIMITS.signature_file + 1),
        "limit-exceeded",
    ),
    "digest list over the limit": (
        lambda d: d["members"].insert(2, {"path": "trust/digests/a.txt", "sha256": HEX, "size": LIMITS.trust_file + 1}),
        "limit-exceeded",
    ),
    # These two are read into memory whole, before the quorum: a few megabytes of zstd would ask for terabytes.
    "index.json over any need": (lambda d: lines(d, INDEX_FILE).update(size=2**40), "limit-exceeded"),
    "oci-layout over any need": (lambda d: lines(d, LAYOUT_FILE).update(size=2**40), "limit-exceeded"),
}


@pytest.mark.parametrize(("change", "kind"), CHANGES.values(), ids=CHANGES)
def test_refused(bundle: Bundle, change: Change, kind: str) -> None:
    data = edited(bundle, change)
    assert data != bundle.manifest.encoded
    assert reason(data) == (kind, 10)


@pytest.mark.parametrize("change", [None, lambda d: lines(d, KEYRING_PATH).update(size=16 * MIB)])
def test_accepted(bundle: Bundle, change: Change | None) -> None:
    parse_bundle_manifest(edited(bundle, change))


@pytest.mark.parametrize("path", [MAINTAINERS_PATH, KEYRING_PATH, LAYOUT_FILE, INDEX_FILE])
def test_con_16_a_member_that_must_be_there(bundle: Bundle, path: str) -> None:
    assert reason(bundle.without(path).manifest.encoded) == ("member-missing", 10)


def test_images_are_in_order() -> None:
    other = bundle_of(
        {
            "docker.io/stagex/a": sample_image("a"),
            "docker.io/stagex/b": sample_image("b"),
        }
    )
    images = other.manifest.images
    assert reason(replace(other.manifest, images=images[::-1]).encoded) == ("bundle-manifest-invalid", 10)


def sample_image(text: str) -> Any:
    from forge import Layer, image

    return image([Layer({"bin/sample": text.encode()})])


def test_con_14_many_members(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    line = {"path": "trust/MAINTAINERS", "sha256": HEX, "size": 0}
    data = edited(bundle, members=[line] * (LIMITS.bundle_members + 1))
    assert reason(data) == ("bundle-manifest-invalid", 10)


def test_many_images(bundle: Bundle) -> None:
    image = json.loads(bundle.manifest.encoded)["images"][0]
    assert reason(edited(bundle, images=[image] * (LIMITS.images + 1))) == ("bundle-manifest-invalid", 10)


PATHS = {
    "TAR-08 index.json in capitals": "INDEX.JSON",
    "TAR-08 MAINTAINERS in lower case": "trust/maintainers",
    "TAR-08 digest list in capitals": "trust/digests/A.TXT",
    "TAR-08 blob in capitals": f"blobs/sha256/{HEX.upper()}",
    "TAR-08 folder in capitals": f"Blobs/sha256/{HEX}",
    "TAR-09 decomposed": "trust/digests/e\u0301.txt",
    "TAR-09 composed": "trust/digests/\u00e9.txt",
    "TAR-09 compatibility": "trust/digests/\uff41.txt",
    "TAR-09 zero width": "trust/digests/a\u200b.txt",
    "TAR-09 bidi": "trust/digests/\u202etxt.a.txt",
    "TAR-09 zero width in a fixed name": "index\u200b.json",
    "TAR-10 con": "trust/digests/con.txt",
    "TAR-10 nul": "trust/digests/nul.txt",
    "TAR-10 nul with two suffixes": "trust/digests/nul.json.txt",
    "TAR-10 com1": "trust/digests/com1.txt",
    "TAR-10 lpt9": "trust/digests/lpt9.x.txt",
    "TAR-10 bare con": "con",
    "TAR-10 stream": "trust/digests/a::$DATA",
    "TAR-10 trailing dot": "trust/digests/a.txt.",
    "TAR-10 trailing space": "trust/digests/a.txt ",
    "TAR-10 short name": "INDEX~1.JSO",
    "TAR-10 drive": "c:index.json",
    "TAR-10 backslash": "trust\\MAINTAINERS",
    "TAR-11 NUL": "trust/digests/a\0.txt",
    "TAR-11 newline": "trust/digests/a\n.txt",
    "TAR-11 newline at the end": "trust/digests/a.txt\n",
    "TAR-11 CR": "trust/digests/a\r.txt",
    "TAR-11 ESC": "trust/digests/\x1b[2J.txt",
    "TAR-11 slash run": "trust//MAINTAINERS",
    "TAR-11 slash at the end": "index.json/",
    "TAR-11 empty": "",
    "TAR-11 empty component": "trust/digests//a.txt",
    "TAR-11 long name": f"trust/digests/{'a' * 101}.txt",
    "absolute": "/index.json",
    "dot": "./index.json",
    "parent": "../index.json",
    "parent inside": "trust/../index.json",
    "hidden list": "trust/digests/.txt",
    "list that begins with a dash": "trust/digests/-rf.txt",
    "list in a folder": "trust/digests/a/b.txt",
    "other suffix": "trust/digests/a.sh",
    "signature 0": f"signatures/stagex/x@sha256={HEX}/signature-0",
    "signature 01": f"signatures/stagex/x@sha256={HEX}/signature-01",
    "signature of 7 digits": f"signatures/stagex/x@sha256={HEX}/signature-1000000",
    "signature with a suffix": f"signatures/stagex/x@sha256={HEX}/signature-1.asc",
    "signature with a colon": f"signatures/stagex/x@sha256:{HEX}/signature-1",
    "signature of sha512": f"signatures/stagex/x@sha512={HEX}{HEX}/signature-1",
    "signature of no repository": f"signatures/@sha256={HEX}/signature-1",
    "signature in Arabic digits": f"signatures/stagex/x@sha256={HEX}/signature-١",
    "blob of 63 digits": f"blobs/sha256/{HEX[1:]}",
    "blob of sha512": f"blobs/sha512/{HEX}{HEX}",
    "blob with a suffix": f"blobs/sha256/{HEX}.gz",
    "foreign": "etc/passwd",
    "OCI-34": "manifest.json",
    "repositories": "repositories",
}


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_a_path_that_no_bundle_has(bundle: Bundle, path: str) -> None:
    with pytest.raises(FormatError) as caught:
        rank(path)
    assert (caught.value.kind, caught.value.exit_status) == ("member-unexpected", 10)

    data = edited(bundle, lambda d: d["members"].insert(2, {"path": path, "sha256": HEX, "size": 1}))
    assert reason(data) == ("member-unexpected", 10)


@pytest.mark.parametrize(
    "folder", ["signatures/../x", "signatures/./x", "signatures//x", "signatures/x/", "signatures/.."]
)
def test_a_signature_folder_is_that_of_an_image(bundle: Bundle, folder: str) -> None:
    """The grammar lets these pass; they belong to no image, whose reference has no such component."""
    path = f"{folder}@sha256={HEX}/signature-1"
    found = reason(edited(bundle, lambda d: d["members"].insert(2, {"path": path, "sha256": HEX, "size": 1})))
    assert found in {("bundle-manifest-invalid", 10), ("member-unexpected", 10)}


@pytest.mark.parametrize(
    "name", ["a.txt", "0.txt", "digests-2026.03_x.txt", "console.txt", "com10.txt", "a" * 100 + ".txt"]
)
def test_a_digest_list(name: str) -> None:
    assert rank(f"trust/digests/{name}")[0] == 3


NAMES = [
    MAINTAINERS_PATH,
    KEYRING_PATH,
    "trust/digests/a.txt",
    "trust/digests/b.txt",
    f"signatures/a/b@sha256={HEX}/signature-1",
    f"signatures/a/b@sha256={HEX}/signature-2",
    f"signatures/a/b@sha256={HEX}/signature-10",
    f"signatures/b@sha256={HEX}/signature-1",
    LAYOUT_FILE,
    INDEX_FILE,
    f"blobs/sha256/{HEX}",
]


def test_the_order_of_members() -> None:
    ranks = [rank(path) for path in NAMES]
    assert ranks == sorted(ranks)
    assert len(set(ranks)) == len(ranks)


@given(st.permutations(NAMES), st.permutations([HEX, "a" * 64, "0" * 64]))
def test_sorting_keeps_the_order_of_blobs(names: list[str], blobs: list[str]) -> None:
    members = [Member(path, 0, Digest(HEX)) for path in names if not path.startswith("blobs/")]
    members += [Member(f"blobs/sha256/{blob}", 0, Digest(blob)) for blob in blobs]
    found = sort_members(members)
    assert [member.path for member in found] == [*NAMES[:-1], *(f"blobs/sha256/{blob}" for blob in blobs)]


@given(st.sampled_from(NAMES), st.integers(0, 2**34))
def test_the_size_of_a_member_in_the_stream(path: str, size: int) -> None:
    assert Member(path, size, Digest(HEX)).stream_size == len(header(path, size)) + size + len(padding(size))


def test_what_a_member_is() -> None:
    blob = Member(f"blobs/sha256/{HEX}", 0, Digest("a" * 64))
    signature = Member(f"signatures/a/b@sha256={HEX}/signature-1", 0, Digest("a" * 64))
    assert (blob.blob, blob.signature_folder) == (Digest(HEX), None)
    assert (signature.blob, signature.signature_folder) == (None, f"signatures/a/b@sha256={HEX}")


@given(st.data())
def test_only_the_good_manifest_is_read(data: st.DataObject) -> None:
    """Any byte of bundle.json replaced: refused, or another manifest with another id, never the same one."""
    good = sample().manifest
    at = data.draw(st.integers(0, len(good.encoded) - 1))
    hostile = bytearray(good.encoded)
    hostile[at] ^= data.draw(st.integers(1, 255))
    try:
        found = parse_bundle_manifest(bytes(hostile))
    except FormatError:
        return
    assert found != good
    assert found.encoded == bytes(hostile)
    assert found.id != good.id


def test_platforms_are_compared_with_the_image(bundle: Bundle) -> None:
    for platforms in ([], ["linux/arm64"], ["linux/amd64", "linux/amd64"], ["linux/amd64\x1b[2J"]):
        document = edited(bundle, lambda d, p=platforms: d["images"][0].update(platforms=p))  # type: ignore[misc]
        assert refused(encode(bundle, document)) == ("bundle-manifest-invalid", 10)


def test_a_manifest_of_another_bundle(bundle: Bundle) -> None:
    other = bundle_of({"docker.io/stagex/other": sample_image("other")})
    assert refused(encode(bundle, other.manifest.encoded)) == ("frame-not-canonical", 10)


def test_the_encoding_is_canonical(bundle: Bundle) -> None:
    assert canonical(json.loads(bundle.manifest.encoded)) == bundle.manifest.encoded
    assert all(
        one.path < other.path or rank(one.path) <= rank(other.path)
        for one, other in itertools.pairwise(bundle.manifest.members)
    )


HISTORY, OFFERED = "trust/MAINTAINERS.history", "trust/MAINTAINERS.signatures"


def with_offers(bundle: Bundle, *paths: str) -> bytes:
    """bundle.json with these members more, in their order."""
    members = [*bundle.manifest.members, *(Member(path, 5, Digest(HEX)) for path in paths)]
    return replace(bundle.manifest, members=sort_members(members)).encoded


class TestOffers:
    """Earlier versions of MAINTAINERS and the signatures over each (TRUST rule 9)."""

    def test_accepted(self, bundle: Bundle) -> None:
        steps = [f"{HISTORY}/{step}/{name}" for step in (1, 2, 10) for name in ("MAINTAINERS", "signature-1")]
        signatures = [f"{OFFERED}/signature-{number}" for number in (1, 2, 10)]
        parsed = parse_bundle_manifest(with_offers(bundle, *signatures, *steps))
        found = [member.offer for member in parsed.members if member.offer is not None]
        assert found == [(0, 0), (1, 0), (1, 1), (2, 0), (2, 1), (10, 0), (10, 1), (0, 1), (0, 2), (0, 10)]
        paths = [member.path for member in parsed.members]
        assert paths.index("trust/keyring.pgp") < paths.index(steps[0]) < paths.index(signatures[0])

    @pytest.mark.parametrize(
        "paths",
        [
            [f"{HISTORY}/1/signature-1"],
            [f"{HISTORY}/{step}/MAINTAINERS" for step in range(1, LIMITS.maintainers_history + 2)],
            [f"{OFFERED}/signature-{number}" for number in range(1, LIMITS.signatures_per_image + 2)],
        ],
        ids=["no file", "too many versions", "too many signatures"],
    )
    def test_refused(self, bundle: Bundle, paths: list[str]) -> None:
        assert reason(with_offers(bundle, *paths)) == ("bundle-manifest-invalid", 10)

    @pytest.mark.parametrize(
        "path",
        [
            f"{HISTORY}/0/MAINTAINERS",
            f"{HISTORY}/01/MAINTAINERS",
            f"{HISTORY}/100/MAINTAINERS",
            f"{HISTORY}/1/maintainers",
            f"{HISTORY}/1/../MAINTAINERS",
            f"{HISTORY}/MAINTAINERS",
            f"{HISTORY}/1/signature-0",
            f"{OFFERED}/signature-01",
            f"{OFFERED}/MAINTAINERS",
            f"{OFFERED}/anna.sig",
        ],
    )
    def test_no_place(self, path: str) -> None:
        with pytest.raises(FormatError) as caught:
            rank(path)
        assert caught.value.kind == "member-unexpected"

    def test_sizes(self, bundle: Bundle) -> None:
        for path, limit in ((f"{OFFERED}/signature-1", 64 * 1024), (f"{HISTORY}/1/MAINTAINERS", 4 * MIB)):
            members = [*bundle.manifest.members, Member(path, limit + 1, Digest(HEX))]
            data = replace(bundle.manifest, members=sort_members(members)).encoded
            assert reason(data) == ("limit-exceeded", 10)
