"""Attacks on archive headers: airgap reads none of them, it compares each with the one that it expects (TAR)."""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from airgap.bundle import tar
from airgap.bundle.format import TAR_BLOCK
from tests.attacks.catalogue import attack
from tests.attacks.lab import Lab, Opened
from tests.cli.surgery import archive, canonical, entry, seal

Change = Callable[[tarfile.TarInfo], object]


def other_header(opened: Opened, nth: int, change: Change) -> bytes:
    """The header of the nth member as Python's tarfile writes it after a change, with a right checksum."""
    path, data = opened.members[nth]
    info = tarfile.TarInfo.frombuf(tar.header(path, len(data))[-TAR_BLOCK:], "ascii", "strict")
    change(info)
    return in_place(opened, nth, info.tobuf(tarfile.USTAR_FORMAT)[:TAR_BLOCK])


def in_place(opened: Opened, nth: int, block: bytes, at: int = 0) -> bytes:
    """A bundle with other bytes at a place of the nth header; everything else is where it was."""
    members = opened.members
    before = sum(len(entry(path, data)) for path, data in [("bundle.json", canonical(opened.manifest)), *members[:nth]])
    path, data = members[nth]
    start = before + len(tar.header(path, len(data))) - TAR_BLOCK + at
    stream = opened.stream()
    assert stream[start : start + len(block)] != block
    return seal(stream[:start] + block + stream[start + len(block) :])


def in_front(opened: Opened, nth: int, *blocks: bytes) -> bytes:
    """A bundle with more blocks before the nth member."""
    stream = archive(canonical(opened.manifest), opened.members[:nth])[:-1024]
    rest = b"".join(entry(path, data) for path, data in opened.members[nth:])
    return seal(stream + b"".join(blocks) + rest + bytes(1024))


def typed(kind: bytes, link: str = "", name: str | None = None) -> Change:
    def change(info: tarfile.TarInfo) -> None:
        info.type, info.linkname = kind, link
        info.name = info.name if name is None else name

    return change


LAYER = -1


@attack("TAR-04")
def test_a_link_and_a_file_below_it(lab: Lab, tmp_path: Path) -> None:
    lab.refused(other_header(lab.good(), 1, typed(tarfile.SYMTYPE, str(tmp_path))), 10, "member-header-differs")
    opened = lab.good()
    opened.members[1:1] = [("a", b""), (f"a/{'../' * 20}x", b"evil")]
    lab.refused(opened, 10, "member-unexpected")
    opened = lab.good()
    opened.members += [("l/" * 250 + "x", b"")]
    lab.refused(opened, 10)
    assert list(tmp_path.iterdir()) == []


@attack("TAR-05")
@pytest.mark.parametrize("link", ["bundle.json", "trust/MAINTAINERS", "/etc/passwd", "../../x"])
def test_a_hard_link(lab: Lab, link: str) -> None:
    for nth in (1, LAYER % len(lab.good().members)):
        lab.refused(other_header(lab.good(), nth, typed(tarfile.LNKTYPE, link)), 10, "member-header-differs")


@attack("TAR-07")
def test_one_name_twice(lab: Lab) -> None:
    for nth in (0, 4, LAYER):
        opened = lab.good()
        path, data = opened.members[nth]
        opened.members.append((path, data + b"other"))
        lab.refused(opened, 10)
        lab.refused(opened.packed(relist=False), {10, 20})


NAMES = {
    "TAR-08": ["INDEX.JSON", "Index.json", "trust/maintainers", "blobs/SHA256/" + "a" * 64, "blobs/sha256/" + "A" * 64],
    "TAR-09": ["inde\u0301x.json", "in\u200bdex.json", "index.json\u202e", "\uff49ndex.json", "ſignatures/x"],
    "TAR-10": ["con", "nul.json", "index.json::$DATA", "index.json.", "index.json ", "INDEX~1.JSO", "blobs\\sha256\\x"],
    "TAR-11": [
        *("a\0b", "a\nb", "a\rb", "a\x1b[2Jb", "a//b", "/etc/passwd", "../x", "a/../b", "./index.json", "a/", ""),
        "trust/digests/" + "n" * 300 + ".txt",
        "-rf",
    ],
}


@pytest.mark.parametrize(
    ("id_", "name"), [pytest.param(id_, name, marks=attack(id_)) for id_ in NAMES for name in NAMES[id_]]
)
def test_names(lab: Lab, id_: str, name: str) -> None:
    """In bundle.json, where every name is; and in the header of a member that has another one there."""
    opened = lab.good()
    rows = opened.listed()
    rows["members"].insert(4, {"path": name, "sha256": "0" * 64, "size": 0})
    lab.refused(seal(archive(canonical(rows), opened.members)), 10)
    encoded = name.encode()[:100]
    lab.refused(in_place(lab.good(), 4, encoded + bytes(100 - len(encoded))), 10, "member-header-differs")


@attack("TAR-11")
def test_a_name_that_is_no_utf_8(lab: Lab) -> None:
    lab.refused(in_place(lab.good(), 4, b"index.js\xff\xfe"), 10, "member-header-differs")
    lab.refused(lab.worded(lambda text: text.replace(b"index.json", b"index.js\xff", 1)), 10, "bundle-manifest-invalid")


PAX = {
    "TAR-12": [(b"x", b"14 size=99999\n"), (b"x", b"11 path=../x\n")],
    "TAR-13": [(b"g", b"12 path=evil\n"), (b"g", b"17 linkpath=/etc\n"), (b"g", b"9 size=0\n")],
    "TAR-14": [(b"L", b"a" * 300 + b"\0"), (b"K", b"/etc/passwd\0")],
    "TAR-18": [(b"x", b"22 GNU.sparse.major=1\n"), (b"x", b"26 GNU.sparse.size=9999999\n")],
}


@pytest.mark.parametrize(
    ("kind", "content"), [pytest.param(*one, marks=attack(id_)) for id_ in PAX for one in PAX[id_]]
)
def test_a_header_that_speaks_of_the_next(lab: Lab, kind: bytes, content: bytes) -> None:
    info = tarfile.TarInfo("././@LongLink" if kind in b"LK" else "pax-header")
    info.type, info.size = kind, len(content)
    block = info.tobuf(tarfile.USTAR_FORMAT)
    for nth in (3, LAYER % len(lab.good().members)):
        lab.refused(in_front(lab.good(), nth, block, content + tar.padding(len(content))), 10)
        lab.refused(in_place(lab.good(), nth, kind, 156), 10, "member-header-differs")


@attack("TAR-14")
def test_a_long_name_of_8_gib(lab: Lab) -> None:
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = b"L", 8 * 2**30 - 1
    lab.refused(in_front(lab.good(), 3, info.tobuf(tarfile.USTAR_FORMAT)), 10)


@pytest.mark.parametrize(
    ("at", "field"),
    [
        pytest.param(124, b"\x80" + bytes(10) + b"\x01", marks=attack("TAR-16")),
        pytest.param(124, b"\xff" * 12, marks=attack("TAR-16")),
        pytest.param(124, b"-0000000001\0", marks=attack("TAR-16")),
        pytest.param(136, b"\xff" * 12, marks=attack("TAR-16")),
        pytest.param(156, b"S", marks=attack("TAR-18")),
        pytest.param(148, b"000000\0 ", marks=attack("TAR-22")),
        pytest.param(148, b"        ", marks=attack("TAR-22")),
    ],
)
def test_fields(lab: Lab, at: int, field: bytes) -> None:
    for nth in (0, LAYER % len(lab.good().members)):
        lab.refused(in_place(lab.good(), nth, field, at), 10, "member-header-differs")


@attack("TAR-24")
@pytest.mark.parametrize("relist", [False, True], ids=["unlisted", "listed"])
@pytest.mark.parametrize("pair", [(0, 1), (2, 3), (4, 5), (-1, -2), (0, -1)], ids=str)
def test_another_order(lab: Lab, pair: tuple[int, int], relist: bool) -> None:
    opened = lab.good()
    one, other = pair
    opened.members[one], opened.members[other] = opened.members[other], opened.members[one]
    if pair == (2, 3) and relist:
        names = [opened.members[2][0], opened.members[3][0]]
        assert names == sorted(names, reverse=True)
    lab.refused(opened.packed(relist=relist), {10, 20} if not relist else 10)


@attack("TAR-24")
def test_padding(lab: Lab) -> None:
    opened = lab.good()
    stream = bytearray(opened.stream())
    end = TAR_BLOCK + len(canonical(opened.manifest))
    assert stream[end] == 0
    stream[end] = 1
    lab.refused(seal(bytes(stream)), 10, "padding-differs")
    lab.refused(seal(opened.stream()[:-1] + b"\1"), 10)
    lab.refused(seal(opened.stream() + bytes(512)), 10)
