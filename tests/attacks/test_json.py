"""Attacks on JSON: bundle.json, image manifests and configurations, and claims have one reading each (JSN)."""

from __future__ import annotations

import json
from collections.abc import Callable

import forge
import pytest
from forge.images import to_json

from airgap.bundle import frames, tar
from airgap.bundle.format import FRAME_SIZE
from airgap.limits import LIMITS
from tests.attacks.catalogue import attack
from tests.attacks.lab import IMAGE, RUST, Lab, by, in_text, reasons, reconfigured
from tests.bundle.simulator import join
from tests.cli.site import crew
from tests.cli.surgery import archive, canonical, seal

Wording = Callable[[bytes], bytes]

NUMBERS = {
    "JSN-03": [b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-0", b"1.0", b"1e3"],
    "JSN-04": [b"true", b"false", b"null", b'"1"'],
    "JSN-06": [b"9" * 5000, str(2**63).encode(), str(2**64).encode(), b"-1", b"1e3", b"01", b"+1", b"0x10"],
}
ODD_NUMBERS = [pytest.param(number, marks=attack(id_)) for id_ in NUMBERS for number in NUMBERS[id_]]


def wrongly_encoded(text: bytes) -> dict[str, bytes]:
    return {
        "no UTF-8": text.replace(b"sha256", b"sha\xff56", 1),
        "overlong": text.replace(b"/", b"\xc0\xaf", 1),
        "surrogate": text.replace(b"sha256", b"\xed\xa0\x80", 1),
        "UTF-16": text.decode().encode("utf-16"),
        "UTF-16 without mark": text.decode().encode("utf-16-le"),
        "UTF-32": text.decode().encode("utf-32"),
        "byte order mark": b"\xef\xbb\xbf" + text,
    }


def nearly_json(text: bytes) -> dict[str, bytes]:
    return {
        "something behind": text + b"{}",
        "a zero behind": text + b"\0",
        "a comment": text.replace(b"{", b"{/* */", 1),
        "a comma": text[:-1] + b",}",
        "single quotes": text.replace(b'"', b"'"),
        "cut": text[:-1],
        "twice": text[:-1] + b',"schemaVersion":2,"schemaVersion":2}',
        "nothing": b"",
    }


def manifest_in(words: bytes, lab: Lab) -> forge.Sample:
    """IMAGE with other words for its manifest."""
    root = forge.Blob(IMAGE.root.media_type, words)
    return forge.Sample(root, ((IMAGE.manifests[0][0], root),), IMAGE.configs, IMAGE.layers)


def refused_as_manifest(lab: Lab, words: bytes) -> None:
    """Somebody had it signed; it is refused all the same."""
    assert words != IMAGE.root.data
    lab.refused(lab.image(manifest_in(words, lab)), 10)


@pytest.mark.parametrize("number", ODD_NUMBERS)
def test_numbers(lab: Lab, number: bytes) -> None:
    lab.refused(lab.worded(in_text(rb'(?<="size":)\d+', number)), 10, "bundle-manifest-invalid")
    refused_as_manifest(lab, in_text(rb'(?<="size":)\d+', number)(IMAGE.root.data))


@attack("JSN-06")
def test_a_number_that_does_not_end_in_a_claim(lab: Lab) -> None:
    claim = forge.claim(RUST, IMAGE.digest, optional={"timestamp": 1}).replace(b":1}", b":" + b"9" * 5000 + b"}")
    files = [by("anna"), forge.inline(crew()["bert"][0].signing_key, claim)]
    assert reasons(lab.refused(lab.signed(*files), 30, "quorum-not-met"))[1] == "claim-malformed"


@attack("JSN-05")
@pytest.mark.parametrize("nest", [b"[", b'{"a":'], ids=["arrays", "objects"])
def test_deep(lab: Lab, nest: bytes) -> None:
    lab.refused(lab.worded(lambda _: nest * 100_000), 10, "bundle-manifest-invalid")
    refused_as_manifest(lab, nest * 100_000)
    files = [by("anna"), forge.inline(crew()["bert"][0].signing_key, b"[" * 60_000, compress=1)]
    assert reasons(lab.refused(lab.signed(*files), 30))[1] == "claim-malformed"


@attack("JSN-07")
@pytest.mark.parametrize("name", wrongly_encoded(b"{}"))
def test_another_encoding(lab: Lab, name: str) -> None:
    lab.refused(lab.worded(lambda text: wrongly_encoded(text)[name]), 10, "bundle-manifest-invalid")
    refused_as_manifest(lab, wrongly_encoded(IMAGE.root.data)[name])
    claim = wrongly_encoded(forge.claim(RUST, IMAGE.digest))[name]
    files = [by("anna"), forge.inline(crew()["bert"][0].signing_key, claim)]
    assert reasons(lab.refused(lab.signed(*files), 30))[1] == "claim-malformed"


@attack("JSN-09")
@pytest.mark.parametrize("name", nearly_json(b"{}"))
def test_nearly_json(lab: Lab, name: str) -> None:
    lab.refused(lab.worded(lambda text: nearly_json(text)[name]), 10)
    refused_as_manifest(lab, nearly_json(IMAGE.root.data)[name])
    lab.refused(lab.image(reconfigured(IMAGE, nearly_json(IMAGE.configs[0].data)[name])), 10, "image-config-invalid")


@attack("JSN-10")
def test_a_bundle_json_of_100_mib(lab: Lab) -> None:
    """The header says so, and nothing of it is waited for."""
    stream = (tar.header("bundle.json", 100 * 2**20) + b"{" * FRAME_SIZE)[:FRAME_SIZE]
    lab.refused(join([(frames.compress(stream, 1), FRAME_SIZE)] * 2), 10)


@attack("JSN-10")
def test_a_manifest_over_the_limit(lab: Lab) -> None:
    size = LIMITS.oci_manifest + 1
    refused_as_manifest(lab, IMAGE.root.data + b" " * (size - len(IMAGE.root.data)))


@attack("JSN-10")
def test_a_million_members(lab: Lab) -> None:
    members = b",".join(b'"%d":0' % number for number in range(LIMITS.json_values + 2))
    lab.refused(lab.worded(lambda _: b"{" + members + b"}"), 10, "bundle-manifest-invalid")


@attack("JSN-10")
def test_a_claim_over_the_limit(lab: Lab) -> None:
    claim = forge.claim(RUST, IMAGE.digest, optional={"creator": "x" * LIMITS.claim})
    files = [by("anna"), forge.inline(crew()["bert"][0].signing_key, claim)]
    lab.refused(lab.signed(*files), {10, 30})


@attack("JSN-12")
def test_other_bytes_of_the_same_meaning(lab: Lab) -> None:
    """Written anew by a tool on the way: the digest is of bytes, not of their meaning."""
    opened = lab.good()
    path = f"blobs/sha256/{IMAGE.digest[7:]}"
    other = to_json(dict(reversed(json.loads(IMAGE.root.data).items())))
    assert len(other) == len(IMAGE.root.data)
    opened.swap(path, other)
    lab.refused(opened.packed(relist=False), 20, "blob-differs")
    rows = opened.listed()
    for row in rows["members"]:
        if row["path"] == path:
            row["sha256"] = IMAGE.digest[7:]
    lab.refused(seal(archive(canonical(rows), opened.members)), {10, 20})


@attack("JSN-12")
def test_what_is_kept_is_what_was_hashed(fresh: Lab) -> None:
    odd = manifest_in(json.dumps(json.loads(IMAGE.root.data), indent=3).encode() + b"\n", fresh)
    path = fresh.site.bundle
    path.write_bytes(fresh.image(odd).packed())
    assert fresh.site.import_().code == 0
    for folder in (fresh.site.store, fresh.site.out):
        assert (folder / "blobs" / "sha256" / odd.digest[7:]).read_bytes() == odd.root.data
