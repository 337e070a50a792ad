"""Descriptors that reach outside of the bundle, or say two things, are refused (OCI-06, OCI-16 to OCI-24)."""

from __future__ import annotations

import base64
import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airgap.digest import digest_of
from airgap.errors import FormatError, IntegrityError
from airgap.limits import LIMITS
from airgap.oci.descriptor import (
    CONFIGS,
    INDEXES,
    LAYERS,
    MANIFESTS,
    OCI_MANIFEST,
    REF_NAME,
    Descriptor,
    Platform,
    parse_descriptor,
    parse_platform,
)
from airgap.strict_json import StrictJSONError

DATA = b"some content"
GOOD: dict[str, Any] = {"mediaType": OCI_MANIFEST, "digest": str(digest_of(DATA)), "size": len(DATA)}


def test_good() -> None:
    platform = {"os": "linux", "architecture": "arm", "variant": "v7", "os.version": "1.2", "os.features": ["x"]}
    found = parse_descriptor(
        GOOD | {"platform": platform, "annotations": {REF_NAME: "a", "x": "y"}, "artifactType": "z/z"}, "here"
    )
    assert found == Descriptor(
        OCI_MANIFEST, digest_of(DATA), len(DATA), Platform("linux", "arm", "v7", "1.2"), "a", False
    )
    assert found.is_manifest
    assert not found.is_index


def test_names_that_are_data_are_free() -> None:
    """Engines keep annotations in maps, which tell cases apart; and what no specification names is nobody's member."""
    annotations = {"URLs": "x", "urls": "y", "Digest": "z", "X-Own": "1", "x-own": "2"}
    found = parse_descriptor(GOOD | {"annotations": annotations, "X-Own": {"OS": 1, "os": 2}}, "here")
    assert found == Descriptor(OCI_MANIFEST, digest_of(DATA), len(DATA))


def test_names_of_other_tools() -> None:
    assert parse_descriptor(GOOD | {"annotations": {"io.containerd.image.name": "b"}}, "x").name == "b"
    assert parse_descriptor(
        GOOD | {"annotations": {"vnd.docker.reference.type": "attestation-manifest"}}, "x"
    ).is_attestation
    assert not parse_descriptor(GOOD | {"annotations": {"vnd.docker.reference.type": "other"}}, "x").is_attestation


FORMAT_ERRORS: dict[str, tuple[dict[str, Any], str]] = {
    "OCI-06": ({"digest": "sha256:../../../../etc/passwd"}, "digest-invalid"),
    "OCI-08": ({"digest": "md5:" + "0" * 32}, "digest-invalid"),
    "OCI-09": ({"digest": "sha512:" + "0" * 128}, "digest-invalid"),
    "OCI-16 OCI": ({"mediaType": "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"}, "external-layer"),
    "OCI-16 docker": ({"mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"}, "external-layer"),
    "OCI-16 with address": (
        {"mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "urls": ["https://x"]},
        "external-layer",
    ),
    "OCI-17": ({"urls": ["https://example.org/x"]}, "external-layer"),
    "OCI-17 empty": ({"urls": []}, "external-layer"),
    "OCI-17 null": ({"urls": None}, "external-layer"),
    "OCI-23 zstd:chunked": (
        {"annotations": {"io.github.containers.zstd-chunked.manifest-checksum": "sha256:x"}},
        "partial-layer",
    ),
    "OCI-23 position": (
        {"annotations": {"io.github.containers.zstd-chunked.manifest-position": "1:2:3:1"}},
        "partial-layer",
    ),
    "OCI-23 other prefix": ({"annotations": {"io.containers.zstd-chunked.x": "y"}}, "partial-layer"),
    "OCI-23 eStargz": ({"annotations": {"containerd.io/snapshot/stargz/toc.digest": "sha256:x"}}, "partial-layer"),
}


@pytest.mark.parametrize(("members", "kind"), FORMAT_ERRORS.values(), ids=FORMAT_ERRORS)
def test_refused(members: dict[str, Any], kind: str) -> None:
    with pytest.raises(FormatError) as caught:
        parse_descriptor(GOOD | members, "here")
    assert (caught.value.kind, caught.value.exit_status) == (kind, 10)


MALFORMED: dict[str, dict[str, Any]] = {
    "media type without a slash": {"mediaType": "tar"},
    "media type with a parameter": {"mediaType": f"{OCI_MANIFEST};charset=utf-8"},
    "media type with a newline": {"mediaType": f"{OCI_MANIFEST}\n"},
    "media type with a space": {"mediaType": f" {OCI_MANIFEST}"},
    "media type of 300 characters": {"mediaType": "a/" + "b" * 300},
    "media type is null": {"mediaType": None},
    "digest is a number": {"digest": 1},
    "JSN-04 size is true": {"size": True},
    "JSN-06 size below zero": {"size": -1},
    "JSN-06 size 2^63": {"size": 2**63},
    "size is text": {"size": "12"},
    "size over the limit": {"size": LIMITS.blob + 1},
    "data is no base64": {"data": "!!!!"},
    "data is no string": {"data": 1},
    "data is not ASCII": {"data": "é"},
    "annotations are a list": {"annotations": []},
    "annotations are null": {"annotations": None},
    "annotation is a number": {"annotations": {"a": 1}},
    "platform is text": {"platform": "linux/amd64"},
    "platform without architecture": {"platform": {"os": "linux"}},
    "platform with a slash": {"platform": {"os": "linux/x", "architecture": "amd64"}},
    "platform with an escape": {"platform": {"os": "linux", "architecture": "amd64\x1b[2J"}},
    "X-26 Digest": {"Digest": "sha256:" + "0" * 64},
    "X-26 Size": {"Size": 1},
    "X-26 Data": {"Data": "AAAA"},
    "X-26 URLs": {"URLs": ["https://example.org/x"]},
    "X-26 url\u017f": {"url\u017f": ["https://example.org/x"]},
    "X-26 Annotations": {"Annotations": {}},
    "X-26 MEDIATYPE": {"MEDIATYPE": OCI_MANIFEST},
    "X-26 ArtifactType": {"ArtifactType": "z/z"},
    "X-26 Platform": {"Platform": {"os": "linux", "architecture": "amd64"}},
    "X-26 platform of two systems": {"platform": {"os": "linux", "OS": "windows", "architecture": "amd64"}},
    "X-26 platform of another variant": {"platform": {"os": "linux", "architecture": "arm", "Variant": "v7"}},
    "X-26 two unknown members": {"x-own": 1, "X-Own": 2},
    "variant with a space": {"platform": {"os": "linux", "architecture": "arm", "variant": "v 7"}},
    "empty os": {"platform": {"os": "", "architecture": "amd64"}},
    "version is a number": {"platform": {"os": "linux", "architecture": "amd64", "os.version": 1}},
}


@pytest.mark.parametrize("members", MALFORMED.values(), ids=MALFORMED)
def test_malformed(members: dict[str, Any]) -> None:
    with pytest.raises(StrictJSONError):
        parse_descriptor(GOOD | members, "here")


@pytest.mark.parametrize("missing", ["mediaType", "digest", "size"])
def test_what_is_required(missing: str) -> None:
    with pytest.raises(StrictJSONError, match=f"here: '{missing}' is missing"):
        parse_descriptor({key: value for key, value in GOOD.items() if key != missing}, "here")


class TestInlineData:
    """OCI-18: embedded content must be the content."""

    def test_good(self) -> None:
        parse_descriptor(GOOD | {"data": base64.b64encode(DATA).decode()}, "here")

    @pytest.mark.parametrize("data", [b"", DATA[:-1], DATA + b"x", DATA[:-1] + b"X"])
    def test_other_content(self, data: bytes) -> None:
        with pytest.raises(IntegrityError) as caught:
            parse_descriptor(GOOD | {"data": base64.b64encode(data).decode()}, "here")
        assert (caught.value.kind, caught.value.exit_status) == ("inline-data-differs", 20)

    def test_the_same_content_under_another_size(self) -> None:
        with pytest.raises(IntegrityError):
            parse_descriptor(GOOD | {"size": len(DATA) + 1, "data": base64.b64encode(DATA).decode()}, "here")


class TestRequireBytes:
    here = Descriptor(OCI_MANIFEST, digest_of(DATA), len(DATA))

    def test_good(self) -> None:
        self.here.require_bytes(DATA)

    @pytest.mark.parametrize(
        ("data", "kind"),
        [
            (DATA + b" ", "blob-size-differs"),
            (b"", "blob-size-differs"),
            (DATA.upper(), "manifest-digest-differs"),
        ],
    )
    def test_jsn_12_these_very_bytes(self, data: bytes, kind: str) -> None:
        with pytest.raises(IntegrityError) as caught:
            self.here.require_bytes(data)
        assert (caught.value.kind, caught.value.exit_status) == (kind, 20)


class TestPlatform:
    @pytest.mark.parametrize(
        ("text", "platform"),
        [
            ("linux/amd64", Platform("linux", "amd64")),
            ("linux/arm/v7", Platform("linux", "arm", "v7")),
            ("unknown/unknown", Platform("unknown", "unknown")),
        ],
    )
    def test_parse(self, text: str, platform: Platform) -> None:
        assert parse_platform(text) == platform
        assert str(platform) == text

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "linux",
            "linux/",
            "/amd64",
            "linux/arm/v7/x",
            "linux//v7",
            "li nux/amd64",
            "linux/amd64\n",
            "a/" + "b" * 65,
        ],
    )
    def test_refused(self, text: str) -> None:
        with pytest.raises(FormatError) as caught:
            parse_platform(text)
        assert caught.value.kind == "reference-invalid"

    @pytest.mark.parametrize(
        ("text", "unknown"),
        [("unknown/unknown", True), ("unknown/amd64", False), ("linux/unknown", False), ("linux/amd64", False)],
    )
    def test_unknown(self, text: str, unknown: bool) -> None:
        platform = parse_platform(text)
        assert platform.is_unknown is unknown
        assert Descriptor(OCI_MANIFEST, digest_of(b""), 0, platform).is_for_a_platform is not unknown
        assert not Descriptor(OCI_MANIFEST, digest_of(b""), 0).is_for_a_platform

    def test_the_version_is_part_of_the_identity(self) -> None:
        assert Platform("windows", "amd64", "", "10.0.1") != Platform("windows", "amd64", "", "10.0.2")


def test_media_types_are_of_one_kind_only() -> None:
    every = [*INDEXES, *MANIFESTS, *CONFIGS, *LAYERS]
    assert len(every) == len(set(every))
    assert not any("encrypted" in media_type for media_type in every)


@given(
    st.dictionaries(
        st.sampled_from(["mediaType", "digest", "size", "urls", "data", "annotations", "platform"]),
        st.none()
        | st.booleans()
        | st.integers()
        | st.text(max_size=5)
        | st.lists(st.text(max_size=2), max_size=2)
        | st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2),
    )
)
def test_anything_is_a_descriptor_or_a_typed_refusal(value: dict[str, object]) -> None:
    with contextlib.suppress(StrictJSONError, FormatError, IntegrityError):
        parse_descriptor(GOOD | value, "here")
