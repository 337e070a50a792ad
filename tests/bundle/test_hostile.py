"""Bundles that are well made but for one thing (attacks CON-03, CON-16, CON-19, TAR-04 to TAR-24, OCI-11, OCI-12)."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from dataclasses import replace

import forge
import pytest
from forge import Layer, image, image_index
from hypothesis import given, settings
from hypothesis import strategies as st

from airgap.bundle.format import KEYRING_PATH, MAINTAINERS_PATH, TAR_BLOCK, TAR_END
from airgap.bundle.tar import header
from airgap.errors import FormatError, IntegrityError
from airgap.oci.layout import INDEX_FILE, LAYOUT_FILE
from tests.bundle.simulator import (
    Bundle,
    Entry,
    bundle_of,
    carrier,
    encode,
    entries,
    entry,
    examine,
    refusal,
    refused,
    sample,
    signed,
    stream,
)


def archive_with(bundle: Bundle, change: Callable[[list[Entry]], object]) -> bytes:
    """The bundle with its entries changed."""
    members = entries(bundle)
    change(members)
    return carrier(stream(members))


def same_length(bundle: Bundle, change: Callable[[bytearray, int], object], nth: int = 3) -> bytes:
    """The bundle with bytes of its archive changed in place; the number is where the nth header begins."""
    members = entries(bundle)
    at = sum(len(bytes(member)) for member in members[:nth])
    data = bytearray(stream(members))
    change(data, at)
    return carrier(bytes(data))


def other_header(bundle: Bundle, info: Callable[[tarfile.TarInfo], object], nth: int = 3) -> bytes:
    """The nth header as tarfile writes it for some other kind of member, checksum right."""
    member = tarfile.TarInfo.frombuf(entries(bundle)[nth].header[:TAR_BLOCK], "ascii", "strict")
    info(member)
    block = member.tobuf(tarfile.USTAR_FORMAT)
    return same_length(bundle, lambda data, at: data.__setitem__(slice(at, at + TAR_BLOCK), block), nth)


def set_fields(info: tarfile.TarInfo, **values: object) -> None:
    for name, value in values.items():
        setattr(info, name, value)


def test_the_good_bundle_is_accepted(bundle: Bundle) -> None:
    examination = examine(encode(bundle))
    assert examination.accepted
    assert examination.errors == []
    assert [one.signers for one in examination.approved] == [("alice", "bob")]


HEADERS: dict[str, Callable[[tarfile.TarInfo], object]] = {
    "TAR-04 symlink": lambda m: set_fields(m, type=tarfile.SYMTYPE, linkname="/tmp"),
    "TAR-05 hard link": lambda m: set_fields(m, type=tarfile.LNKTYPE, linkname="bundle.json"),
    "device": lambda m: set_fields(m, type=tarfile.CHRTYPE),
    "fifo": lambda m: set_fields(m, type=tarfile.FIFOTYPE),
    "folder": lambda m: set_fields(m, type=tarfile.DIRTYPE),
    "contiguous": lambda m: set_fields(m, type=tarfile.CONTTYPE),
    "old regular type": lambda m: set_fields(m, type=tarfile.AREGTYPE),
    "TAR-12 pax": lambda m: set_fields(m, type=tarfile.XHDTYPE),
    "TAR-13 pax global": lambda m: set_fields(m, type=tarfile.XGLTYPE),
    "TAR-14 GNU long name": lambda m: set_fields(m, type=tarfile.GNUTYPE_LONGNAME),
    "TAR-14 GNU long link": lambda m: set_fields(m, type=tarfile.GNUTYPE_LONGLINK),
    "TAR-18 GNU sparse": lambda m: set_fields(m, type=tarfile.GNUTYPE_SPARSE),
    "mode": lambda m: set_fields(m, mode=0o4755),
    "owner": lambda m: set_fields(m, uid=1000),
    "owner's name": lambda m: set_fields(m, uname="root"),
    "time": lambda m: set_fields(m, mtime=1),
    "path": lambda m: set_fields(m, name="../../etc/passwd"),
    "path of another member": lambda m: set_fields(m, name="index.json"),
    "size": lambda m: set_fields(m, size=0),
}


@pytest.mark.parametrize("change", HEADERS.values(), ids=HEADERS)
@pytest.mark.parametrize("nth", [1, 3, -1])
def test_another_header(bundle: Bundle, change: Callable[[tarfile.TarInfo], object], nth: int) -> None:
    nth %= len(bundle.paths) + 1
    assert refused(other_header(bundle, change, nth)) == ("member-header-differs", 10)


@pytest.mark.parametrize("change", HEADERS.values(), ids=HEADERS)
def test_another_first_header(bundle: Bundle, change: Callable[[tarfile.TarInfo], object]) -> None:
    kind, status = refused(other_header(bundle, change, 0))
    assert kind in {"not-a-bundle", "bundle-manifest-invalid"}  # the latter for an empty bundle.json, as it then is
    assert status == 10


@pytest.mark.parametrize(
    ("at", "field"),
    [
        (124, b"\x80" + bytes(10) + b"\x01"),  # TAR-16: base-256
        (124, b"\xff" * 12),  # TAR-16: negative
        (148, b"000000\0 "),  # TAR-22: checksum
        (257, b"ustar  \0"),  # GNU magic
        (329, b"0000000\0"),  # device number
        (500, b"hidden"),  # behind the prefix
    ],
)
@pytest.mark.parametrize("nth", [1, 2, -1])
def test_another_field(bundle: Bundle, at: int, field: bytes, nth: int) -> None:
    def change(data: bytearray, start: int) -> None:
        data[start + at : start + at + len(field)] = field

    assert refused(same_length(bundle, change, nth % 11)) == ("member-header-differs", 10)


def test_tar_12_a_pax_header_in_front(bundle: Bundle) -> None:
    pax = header("p" * 300, 0)[: 2 * TAR_BLOCK]
    found = refused(archive_with(bundle, lambda members: members.insert(3, Entry(pax, b"", b""))))
    assert found == ("frame-not-canonical", 10)


def test_con_16_a_member_less(bundle: Bundle) -> None:
    for place in range(1, len(bundle.paths) + 1):
        assert refused(archive_with(bundle, lambda members, p=place: members.pop(p)))[1] == 10  # type: ignore[misc]


def test_con_16_a_member_more(bundle: Bundle) -> None:
    hidden = entry("trust/digests/hidden.txt", b"x")
    for place in range(1, len(bundle.paths) + 2):
        assert refused(archive_with(bundle, lambda members, p=place: members.insert(p, hidden)))[1] == 10  # type: ignore[misc]


def test_tar_24_members_in_another_order(bundle: Bundle) -> None:
    for place in range(1, len(bundle.paths)):

        def swap(members: list[Entry], at: int = place) -> None:
            members[at], members[at + 1] = members[at + 1], members[at]

        assert refused(archive_with(bundle, swap)) == ("member-header-differs", 10)


def test_tar_24_padding_that_is_not_zero(bundle: Bundle) -> None:
    for place in range(len(bundle.paths) + 1):
        members = entries(bundle)
        if members[place].padding:
            hostile = replace(members[place], padding=members[place].padding[:-1] + b"\1")
            found = refused(archive_with(bundle, lambda m, p=place, h=hostile: m.__setitem__(p, h)))  # type: ignore[misc]
            assert found == ("padding-differs", 10)


@pytest.mark.parametrize("at", [0, TAR_BLOCK, TAR_END - 1])
def test_the_end_of_the_archive_is_zero(bundle: Bundle, at: int) -> None:
    end = bytearray(TAR_END)
    end[at] = 1
    assert refused(carrier(stream(entries(bundle), bytes(end)))) == ("padding-differs", 10)


@pytest.mark.parametrize("end", [b"", bytes(TAR_BLOCK), bytes(TAR_END + TAR_BLOCK), bytes(10_240)])
def test_the_archive_ends_where_it_should(bundle: Bundle, end: bytes) -> None:
    assert refused(carrier(stream(entries(bundle), end))) == ("frame-not-canonical", 10)


def test_two_archives(bundle: Bundle) -> None:
    assert refused(carrier(stream(entries(bundle)) * 2)) == ("frame-not-canonical", 10)


def test_a_tar_by_somebody_else(bundle: Bundle) -> None:
    """The same members, as tarfile packs them: records of twenty blocks."""
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w") as archive:
        for path in ["bundle.json", *bundle.paths]:
            data = bundle.manifest.encoded if path == "bundle.json" else bundle.content[path]
            info = tarfile.TarInfo(path)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    assert refused(carrier(output.getvalue())) == ("frame-not-canonical", 10)


def test_bundle_json_over_the_limit() -> None:
    first = header("bundle.json", 64 * 1024 * 1024 + 1)
    assert refused(carrier(first + bytes(TAR_BLOCK))) == ("limit-exceeded", 10)


@pytest.mark.parametrize("nth", range(10))
def test_con_03_a_member_of_other_bytes(bundle: Bundle, nth: int) -> None:
    path = bundle.paths[nth]
    data = bytearray(bundle.content[path])
    data[len(data) // 2] ^= 1
    kind = "blob-differs" if path.startswith("blobs/") else "member-differs"
    assert refused(encode(bundle.with_content(path, bytes(data)))) == (kind, 20)


def test_con_19_replaced_consistently(bundle: Bundle) -> None:
    """Everything in the bundle agrees with itself: only the signatures do not speak of it."""
    evil = image_index([image([Layer({"bin/sample": b"evil\n"})])])
    signatures = [bundle.content[path] for path in bundle.paths if path.startswith("signatures/")]
    reference = str(bundle.manifest.images[0].reference)
    hostile = bundle_of({reference: evil}, signatures={reference: signatures})
    assert refused(encode(hostile)) == ("quorum-not-met", 30)
    reports = examine(encode(hostile)).reports_of(hostile.manifest.images[0])
    assert [report.error.kind for report in reports if report.error] == ["claim-digest-mismatch"] * 2


class TestImages:
    def test_oci_11_a_blob_less(self, bundle: Bundle) -> None:
        for path in bundle.paths[-4:]:
            assert refused(encode(bundle.without(path))) == ("member-missing", 10)

    def test_oci_12_a_blob_more(self, bundle: Bundle) -> None:
        data = b"smuggled"
        path = f"blobs/sha256/{forge.images.sha256(data).removeprefix('sha256:')}"
        assert refused(encode(bundle.with_member(path, data))) == ("member-unexpected", 10)

    def test_blobs_in_another_order(self, bundle: Bundle) -> None:
        members = list(bundle.manifest.members)
        for one in (-4, -3, -2):
            other = [*members]
            other[one], other[one + 1] = other[one + 1], other[one]
            assert refused(encode(bundle.with_members(other))) == ("member-missing", 10)

    def test_a_size_that_the_image_does_not_give(self, bundle: Bundle) -> None:
        """bundle.json and the archive agree, the descriptor in the image does not."""
        layer = Layer({"bin/sample": b"x"})
        blob = layer.blob()
        manifest = {
            "schemaVersion": 2,
            "mediaType": forge.images.OCI_TYPES.manifest,
            "config": image([layer]).configs[0].descriptor(),
            "layers": [blob.descriptor(size=len(blob.data) + 1)],
        }
        root = forge.Blob(forge.images.OCI_TYPES.manifest, forge.images.to_json(manifest))
        good = image([layer])
        odd = replace(good, root=root, manifests=(("linux/amd64", root),))
        hostile = bundle_of({"docker.io/stagex/x": odd}).with_member(
            f"blobs/sha256/{blob.digest.removeprefix('sha256:')}", blob.data
        )
        assert refused(encode(hostile)) == ("bundle-manifest-invalid", 10)

    @pytest.mark.parametrize(
        ("path", "data"),
        [
            (LAYOUT_FILE, b'{"imageLayoutVersion":"1.0.1"}'),
            (LAYOUT_FILE, b'{"imageLayoutVersion":"1.0.0"}\n'),
            (INDEX_FILE, b"{}"),
        ],
    )
    def test_a_layout_that_does_not_follow(self, bundle: Bundle, path: str, data: bytes) -> None:
        assert refused(encode(bundle.with_member(path, data))) == ("member-unexpected", 10)

    def test_an_index_of_another_name(self, bundle: Bundle) -> None:
        data = bundle.content[INDEX_FILE].replace(b"stagex/pallet", b"stagex/rustic")
        assert refused(encode(bundle.with_member(INDEX_FILE, data))) == ("member-unexpected", 10)

    def test_two_images_share_a_layer(self) -> None:
        layer = Layer({"bin/sample": b"shared"})
        images = {f"docker.io/stagex/{name}": image_index([image([layer], config={"N": name})]) for name in "ab"}
        bundle = bundle_of(images)
        assert len(set(bundle.paths)) == len(bundle.paths)
        examination = examine(encode(bundle))
        assert examination.accepted
        assert len(examination.verified) == 2

    def test_all_or_nothing(self) -> None:
        """One image of two without a quorum: neither is verified, and nothing big is read."""
        images = {f"docker.io/stagex/{name}": image([Layer({"f": name.encode()})]) for name in "ab"}
        one = [signed("docker.io/stagex/b", images["docker.io/stagex/b"].digest, "alice")]
        examination = examine(encode(bundle_of(images, signatures={"docker.io/stagex/b": one})))
        assert not examination.accepted
        assert examination.verified == []
        assert [error.kind for error in examination.errors] == ["quorum-not-met"]

    def test_two_names_of_one_image(self) -> None:
        """The signatures in the shared folder are judged for each name."""
        one = image([Layer({"f": b"x"})])
        names = ["docker.io/stagex/x", "quay.io/stagex/x"]
        folder = {name: [signed(names[0], one.digest, nick) for nick in ("alice", "bob")] for name in names}
        examination = examine(encode(bundle_of(dict.fromkeys(names, one), signatures=folder)))
        assert [error.kind for error in examination.errors] == ["quorum-not-met"]
        assert [approved.image.reference.repository.domain for approved in examination.approved] == ["docker.io"]


class TestTrust:
    def test_an_unsigned_image(self) -> None:
        one = image([Layer({"f": b"x"})])
        assert refused(encode(bundle_of({"docker.io/stagex/x": one}, signers=()))) == ("image-unsigned", 30)

    def test_one_person_twice(self) -> None:
        one = image([Layer({"f": b"x"})])
        hostile = bundle_of({"docker.io/stagex/x": one}, signers=("alice", "alice"))
        assert refused(encode(hostile)) == ("quorum-not-met", 30)

    def test_maintainers_of_the_bundle_are_not_believed(self, bundle: Bundle) -> None:
        mallory = forge.certificate("mallory")
        people = [forge.Person("mallory", "M", "m@x", (mallory.fingerprint,))]
        one = image([Layer({"f": b"x"})])
        claim = forge.claim("docker.io/stagex/x", one.digest)
        hostile = bundle_of(
            {"docker.io/stagex/x": one},
            signatures={"docker.io/stagex/x": [forge.inline(mallory.primary, claim)] * 2},
            small={MAINTAINERS_PATH: forge.maintainers_toml(people).encode(), KEYRING_PATH: mallory.bytes},
        )
        examination = examine(encode(hostile))
        assert [error.kind for error in examination.errors] == ["quorum-not-met"]
        notes = "\n".join(examination.notes)
        assert "also lists mallory" in notes
        assert "no longer lists alice" in notes
        assert f"ignored certificate {mallory.fingerprint}" in notes

    @pytest.mark.parametrize("data", [b"x = " + b"9" * 5000, b"\xff", b"[people]", b"x = [" * 5000])
    def test_maintainers_that_cannot_be_read(self, bundle: Bundle, data: bytes) -> None:
        assert refused(encode(bundle.with_member(MAINTAINERS_PATH, data))) == ("maintainers-invalid", 10)

    @pytest.mark.parametrize("data", [b"x", bytes(100), b"\x99\xff\xff"])
    def test_a_keyring_that_cannot_be_read(self, bundle: Bundle, data: bytes) -> None:
        assert refused(encode(bundle.with_member(KEYRING_PATH, data)))[1] in {10, 30}

    def test_without_a_keyring_the_pinned_copies_do(self, bundle: Bundle) -> None:
        assert examine(encode(bundle.with_member(KEYRING_PATH, b""))).accepted

    def test_a_digest_list_is_carried(self) -> None:
        bundle = bundle_of(
            {"docker.io/stagex/x": image([Layer({"f": b"x"})])}, small={"trust/digests/pallet.txt": b"whatever\n"}
        )
        assert examine(encode(bundle)).accepted


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_no_byte_of_the_archive_is_out_of_cover(data: st.DataObject) -> None:
    """An attacker who makes the carrier anew: any byte of the archive changed is refused as malformed or damaged."""
    archive = bytearray(stream(entries(sample())))
    at = data.draw(st.integers(0, len(archive) - 1))
    archive[at] ^= data.draw(st.integers(1, 255))
    error = refusal(carrier(bytes(archive)))
    assert isinstance(error, (FormatError, IntegrityError))
    assert error.kind != "unforeseen"


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_no_part_of_the_archive_can_be_moved(data: st.DataObject) -> None:
    """CON-03: a piece taken out, doubled, zeroed or moved."""
    archive = stream(entries(sample()))
    start = data.draw(st.integers(0, len(archive) - 1))
    end = data.draw(st.integers(start + 1, min(len(archive), start + 5000)))
    before, piece, after = archive[:start], archive[start:end], archive[end:]
    hostile = data.draw(
        st.sampled_from([before + after, before + piece + piece + after, before + bytes(len(piece)) + after])
        | st.integers(0, len(before) + len(after)).map(lambda at: (before + after)[:at] + piece + (before + after)[at:])
    )
    if hostile != archive:
        error = refusal(carrier(hostile))
        assert isinstance(error, (FormatError, IntegrityError))
