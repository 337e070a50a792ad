"""Attacks on the carrier: frames, what stands around them, and what is handed over as a bundle (CON)."""

from __future__ import annotations

import contextlib
import os
import resource
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from airgap.bundle import frames
from airgap.bundle.format import FRAME_MAGIC, FRAME_SIZE
from tests.attacks.catalogue import attack
from tests.attacks.lab import IMAGE, RUST, Lab
from tests.bundle.simulator import frame_list, join
from tests.cli.site import Site, gang, process, sample
from tests.cli.surgery import archive, canonical, flipped, seal, without

HIDDEN = b"\x04\0\0\0hide"
GIB = 2**30


@pytest.fixture(scope="module")
def good(lab: Lab) -> bytes:
    return lab.good().packed()


@attack("CON-01")
def test_cut_short(lab: Lab, good: bytes) -> None:
    """At the edges through everything, elsewhere through verify; tests/bundle/test_damage.py cuts at every byte."""
    for length in (1, 4, 9, 100, len(good) // 2, len(good) - 26, len(good) - 25, len(good) - 1):
        lab.refused(good[:length], 20, "bundle-truncated", "frame-damaged", "seek-table-differs")
    for length in range(2, len(good), 97):
        assert lab.site.verify(bundle="-", stdin=good[:length]).code == 20, length


@attack("CON-02")
def test_a_flipped_bit(lab: Lab, good: bytes) -> None:
    """Through everything at each part of the frame, and at other bits through verify; test_damage.py has every bit."""
    for at in (0, 4, 5, 9, 12, 100, len(good) // 2, len(good) - 26, len(good) - 20, len(good) - 9, len(good) - 1):
        lab.refused(flipped(good, at, at % 8), {10, 20})
    codes = [lab.site.verify(bundle="-", stdin=flipped(good, at, at % 8)).code for at in range(1, len(good), 101)]
    assert set(codes) <= {10, 20, 0}
    assert codes.count(0) <= 1  # flips of bits of zstd that mean nothing: the content is the same


@attack("CON-02")
def test_a_flipped_bit_in_a_blob_in_frames_made_anew(lab: Lab) -> None:
    opened = lab.good()
    path, data = opened.members[-1]
    for at in (0, len(data) // 2, len(data) - 1):
        opened.swap(path, flipped(data, at, 3))
        lab.refused(opened.packed(relist=False), 20, "blob-differs")


SCRAMBLED: dict[str, Callable[[bytes], bytes]] = {
    "two bytes swapped": lambda data: data[:200] + data[201:202] + data[200:201] + data[202:],
    "zeroed": lambda data: data[:512] + bytes(512) + data[1024:],
    "doubled": lambda data: data[:1024] + data[512:],
    "moved": lambda data: data[:512] + data[1024:1536] + data[512:1024] + data[1536:],
}


@attack("CON-03")
@pytest.mark.parametrize("how", SCRAMBLED)
def test_scrambled(lab: Lab, good: bytes, how: str) -> None:
    data = SCRAMBLED[how](good)
    assert data != good
    lab.refused(data, {10, 20})


@attack("CON-04")
@pytest.mark.parametrize("form", ["one frame", "frames of the right size"])
def test_a_bomb(lab: Lab, form: str) -> None:
    if form == "one frame":
        rle = (128 * 1024 << 3 | 2).to_bytes(3, "little") + b"\0"
        last = (128 * 1024 << 3 | 3).to_bytes(3, "little") + b"\0"
        bomb = FRAME_MAGIC + b"\xa4" + GIB.to_bytes(4, "little") + rle * 8191 + last + b"\0\0\0\0"
        assert zstandard.frame_content_size(bomb) == GIB
        lab.refused(bomb, 10, "frame-not-canonical", "not-a-bundle")
    else:
        bomb = join([(frames.compress(bytes(FRAME_SIZE), 3), FRAME_SIZE)] * 256)
        lab.refused(bomb, 10, "not-a-bundle")
    assert len(bomb) < 50_000

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (512 * 2**20, 512 * 2**20))

    assert process(*lab.site.verify_line(bundle="-"), stdin=bomb, preexec=limit).code == 10


@attack("CON-05")
def test_a_bundle_in_a_bundle(lab: Lab, good: bytes) -> None:
    lab.refused(join(frame_list(good)), 10, "not-a-bundle")
    opened = lab.good()
    opened.members.append((f"blobs/sha256/{opened.listed()['members'][0]['sha256']}", opened.members[0][1]))
    lab.refused(opened, 10)


@attack("CON-08")
@pytest.mark.parametrize("nibble", [0, 13, 14, 15])
@pytest.mark.parametrize("place", ["before", "between", "after"])
def test_a_skippable_frame(lab: Lab, good: bytes, tmp_path: Path, nibble: int, place: str) -> None:
    hidden = bytes([0x50 | nibble]) + b"\x2a\x4d\x18" + HIDDEN
    if place == "before":
        path = tmp_path / "b.airgap.tar.zst"  # by name: with 13, which is that of labels, the file is named as no part
        path.write_bytes(hidden + good)
        lab.refused(path, 10, "not-a-bundle")
    elif place == "after":
        lab.refused(good + hidden, 10, "trailing-data")
    else:
        frame = frame_list(lab.good().stream(relist=False))[0]
        # A frame with the magic of the seek table stands where that belongs: it is a wrong seek table, not a stranger.
        lab.refused(join([frame, (hidden, 0)]), {10, 20} if nibble == 14 else 10)


@attack("CON-10")
@pytest.mark.parametrize("tail", [b"\0", b"\n", b"x" * 5000], ids=["zero", "line feed", "more"])
def test_something_behind(lab: Lab, good: bytes, tail: bytes) -> None:
    lab.refused(good + tail, 10, "trailing-data")
    lab.refused(good + good, 10)


@attack("CON-11")
@pytest.mark.parametrize("head", [b"\xef\xbb\xbf", b"#!/bin/sh\nexit 0\n", b"\0", b"PK\x03\x04", b"%PDF-1.4\n"])
def test_something_in_front(lab: Lab, good: bytes, head: bytes) -> None:
    lab.refused(head + good, 10, "not-a-bundle")


@attack("CON-12")
def test_a_dictionary(lab: Lab) -> None:
    stream = lab.good().stream(relist=False)
    pieces: list[bytes | bytearray | memoryview] = [stream[at : at + 64] for at in range(0, 12_000, 64)]
    dictionary = zstandard.train_dictionary(512, pieces)
    frame = zstandard.ZstdCompressor(dict_data=dictionary, write_checksum=True).compress(stream)
    lab.refused(join([(frame, len(stream))]), 10, "frame-not-canonical")


@attack("CON-14")
@pytest.mark.parametrize("name", ["airgap/bundle/v2", "airgap/bundle/v0", "airgap/bundle/V1", "airgap/bundle/v1 ", ""])
def test_another_version(lab: Lab, name: str) -> None:
    opened = lab.good()
    opened.manifest["format"] = name
    lab.refused(opened, 10, "bundle-version-unknown")


@attack("CON-14")
def test_a_feature_that_we_do_not_know(lab: Lab) -> None:
    opened = lab.good()
    opened.manifest["requires"] = ["teleport"]
    lab.refused(opened, 10, "bundle-feature-unknown")


@attack("CON-16")
@pytest.mark.parametrize("change", ["missing", "unlisted", "extra", "listed extra"])
def test_other_members_than_listed(lab: Lab, change: str) -> None:
    opened = lab.good()
    if change in ("missing", "unlisted"):
        opened.members.pop()
    else:
        opened.members.append(("blobs/sha256/" + "0" * 64, b"smuggled"))
    lab.refused(opened.packed(relist=change in ("unlisted", "listed extra")), {10, 20})


@attack("CON-19")
def test_everything_replaced(lab: Lab, tmp_path: Path) -> None:
    """Image, signatures, keyring, MAINTAINERS and every hash agree; nobody pinned these people."""
    forged = Site(tmp_path, gang())
    source = forged.image(RUST, sample("evil"), "anna", "bert", "carl", "dora")
    assert forged.export(source).code == 0
    result = lab.refused(forged.bundle.read_bytes(), 30, "quorum-not-met")
    assert result.json["images"][0]["signers"] == []


@attack("CON-19")
def test_another_image_under_the_signatures_of_this_one(lab: Lab) -> None:
    files = [data for path, data in lab.good().members if path.startswith("signatures/")]
    evil = lab.image(sample("evil"))
    evil.members = without(evil.members, "signatures/")
    folder = f"signatures/stagex/pallet-rust@{evil.manifest['images'][0]['digest'].replace(':', '=')}"
    evil.members[2:2] = [(f"{folder}/signature-{number}", data) for number, data in enumerate(files, 1)]
    assert evil.manifest["images"][0]["digest"] != IMAGE.digest
    lab.refused(evil, 30, "quorum-not-met")


@attack("CON-21")
@pytest.mark.parametrize("data", [b"", b"x", b"\0", b"\x28\xb5\x2f\xfd"], ids=["empty", "x", "zero", "magic"])
def test_next_to_nothing(lab: Lab, data: bytes) -> None:
    lab.refused(data, {10, 20})


@attack("CON-21")
@pytest.mark.parametrize("kind", ["folder", "fifo", "socket", "/dev/zero", "/dev/null", "missing"])
def test_no_file(lab: Lab, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "input"
    if kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as server, contextlib.chdir(tmp_path):
            server.bind("input")
    elif kind != "missing":
        path = Path(kind)
    result = lab.refused(path, {10, 70})
    assert str(path) in result.messages


@attack("CON-16")
def test_bundle_json_in_agreement_with_itself_only(lab: Lab) -> None:
    """Digests of members that are not those of the members: found when they are read."""
    opened = lab.good()
    rows = opened.listed()
    rows["members"][0]["sha256"] = "0" * 64
    lab.refused(seal(archive(canonical(rows), opened.members)), 20, "member-differs")
