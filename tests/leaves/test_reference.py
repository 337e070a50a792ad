"""References are read and normalised as docker does (distribution/reference; peers/fixtures.json)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airgap.digest import Digest
from airgap.errors import FormatError
from airgap.reference import Reference, Repository, parse_reference, parse_repository

HEX = "0123456789abcdef" * 4

NORMALISED = {
    "busybox": "docker.io/library/busybox",
    "stagex/x": "docker.io/stagex/x",
    "docker.io/stagex/x": "docker.io/stagex/x",
    "index.docker.io/stagex/x": "docker.io/stagex/x",
    "index.docker.io/debian": "docker.io/library/debian",
    "docker.io/busybox": "docker.io/library/busybox",
    "busybox:1": "docker.io/library/busybox:1",
    f"busybox@sha256:{HEX}": f"docker.io/library/busybox@sha256:{HEX}",
    f"a/b:tag@sha256:{HEX}": f"docker.io/a/b:tag@sha256:{HEX}",
    "localhost/x": "localhost/x",
    "localhost:5000/x:y": "localhost:5000/x:y",
    "quay.io/x": "quay.io/x",
    "127.0.0.1:5000/library/debian": "127.0.0.1:5000/library/debian",
    "[::1]:5000/x": "[::1]:5000/x",
    "Upper/x": "Upper/x",
    "a/b/c/d": "docker.io/a/b/c/d",
    "a__b/c--d.e_f": "docker.io/a__b/c--d.e_f",
}

REFUSED = {
    "empty": "",
    "capitals in the path": "docker.io/stagex/X",
    "two slashes": "docker.io//x",
    "slash at the end": "docker.io/x/",
    "slash at the start": "/x",
    "parent": "docker.io/../x",
    "dot": "docker.io/./x",
    "leading dot": "docker.io/.x/y",
    "three underscores": "docker.io/a___b",
    "space": "docker.io/a b",
    "newline": "docker.io/a\n",
    "NUL": "docker.io/a\0",
    "escape": "docker.io/a\x1b[2J",
    "bidi": "docker.io/a\u202eb",
    "full-width": "docker.io/ａ",
    "empty tag": "busybox:",
    "tag with a slash": "docker.io/x:a/b",
    "tag that begins with a dot": "busybox:.a",
    "tag of 129 characters": "busybox:" + "a" * 129,
    "image id": HEX,
    "image id with a tag": f"{HEX}:latest",
    "port that is none": "localhost:x/y",
    "name of 256 characters": "docker.io/" + "a" * 246,
}


@pytest.mark.parametrize(("text", "normal"), NORMALISED.items(), ids=NORMALISED)
def test_normalised(text: str, normal: str) -> None:
    assert str(parse_reference(text)) == normal


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_refused(text: str) -> None:
    with pytest.raises(FormatError) as caught:
        parse_reference(text, "here")
    assert (caught.value.kind, caught.value.exit_status) == ("reference-invalid", 10)
    assert caught.value.message.startswith("here: ")


def test_a_flood_is_cut() -> None:
    with pytest.raises(FormatError) as caught:
        parse_reference("A" * 100_000)
    assert len(caught.value.message) < 400


@pytest.mark.parametrize("digest", ["", "sha256:", f"sha512:{HEX}{HEX}", f"sha256:{HEX}@sha256:{HEX}"])
def test_its_digest_is_a_digest(digest: str) -> None:
    with pytest.raises(FormatError) as caught:
        parse_reference(f"busybox@{digest}")
    assert caught.value.kind == "digest-invalid"


def test_the_longest_name() -> None:
    name = "docker.io/" + "a" * 237 + "/" + "b" * 7
    assert len(name) == 255
    assert str(parse_repository(name)) == name


@pytest.mark.parametrize("text", ["busybox:1", f"busybox@sha256:{HEX}"])
def test_a_repository_has_no_tag_and_no_digest(text: str) -> None:
    with pytest.raises(FormatError, match="no tag and no digest"):
        parse_repository(text)


def test_at() -> None:
    reference = Reference(Repository("docker.io", "a/b"), "tag")
    assert not reference.is_name_only
    assert str(reference.at(Digest(HEX))) == f"docker.io/a/b:tag@sha256:{HEX}"
    assert reference.digest is None


@given(st.text(alphabet="abz019AZ._-/:[]@", max_size=40))
def test_normal_form_is_a_fixed_point(text: str) -> None:
    try:
        reference = parse_reference(text)
    except FormatError:
        return
    assert parse_reference(str(reference)) == reference
    assert reference.repository.domain
    assert ".." not in reference.repository.path.split("/")
    assert str(reference).isascii()


def test_peers_valid(peers: dict[str, Any]) -> None:
    for text in peers["reference_parse"]["valid"]:
        parse_repository(text)


def test_peers_invalid(peers: dict[str, Any]) -> None:
    accepted = []
    for text in peers["reference_parse"]["invalid"]:
        try:
            accepted.append(str(parse_reference(text)))
        except FormatError:
            continue
    assert accepted == []
