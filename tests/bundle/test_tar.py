"""The one tar encoder, with Python's tarfile as oracle (attacks TAR-12 to TAR-18)."""

from __future__ import annotations

import io
import tarfile

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airgap.bundle.format import TAR_BLOCK, TAR_MODE
from airgap.bundle.tar import header, header_size, padding

OCTAL_MAX = 8**11 - 1
COMPONENT = st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789._@=-", min_size=1, max_size=120)
PATHS = st.lists(COMPONENT, min_size=1, max_size=8).map("/".join).filter(lambda path: len(path) <= 512)
SIZES = st.integers(0, 2**43) | st.integers(OCTAL_MAX - 2, OCTAL_MAX + 2)


def read(blocks: bytes) -> tarfile.TarInfo:
    """What tarfile makes of header blocks."""
    with tarfile.open(fileobj=io.BytesIO(blocks + bytes(TAR_BLOCK * 2)), mode="r:") as archive:
        member = archive.next()
    assert member is not None
    return member


@given(PATHS, SIZES)
@example("a" * 100, 0)
@example("a" * 101, 0)
@example("a/" + "b" * 99, 0)
@example("a/" + "b" * 100, 0)
@example("a" * 155 + "/" + "b" * 100, 0)
@example("a" * 156 + "/" + "b" * 100, 0)
@example("a/" * 255 + "a", 0)
@example("x", OCTAL_MAX)
@example("x", OCTAL_MAX + 1)
@example("x", 2**43)
def test_tarfile_reads_what_was_written(path: str, size: int) -> None:
    blocks = header(path, size)
    member = read(blocks)
    assert (member.name, member.size, member.type) == (path, size, tarfile.REGTYPE)
    assert (member.mode, member.mtime, member.uid, member.gid) == (TAR_MODE, 0, 0, 0)
    assert (member.uname, member.gname, member.linkname) == ("", "", "")
    assert len(blocks) % TAR_BLOCK == 0


@given(
    st.text(alphabet="abc/", min_size=1, max_size=100).filter(lambda path: path[-1] != "/"), st.integers(0, 2**33 - 1)
)
def test_short_names_are_written_as_tarfile_writes_them(path: str, size: int) -> None:
    info = tarfile.TarInfo(path)
    info.size = size
    theirs = bytearray(info.tobuf(tarfile.USTAR_FORMAT))
    ours = bytearray(header(path, size))
    # Device numbers: tarfile writes them as octal zeros, we leave them empty; the checksum follows.
    for block in (theirs, ours):
        block[329:345] = bytes(16)
        block[148:156] = bytes(8)
    assert ours == theirs


@given(PATHS, SIZES, PATHS, SIZES)
def test_no_two_members_share_a_header(path: str, size: int, other_path: str, other_size: int) -> None:
    assert (header(path, size) == header(other_path, other_size)) == ((path, size) == (other_path, other_size))


@pytest.mark.parametrize(
    ("path", "size", "blocks"),
    [
        ("a" * 100, OCTAL_MAX, 1),
        ("a" * 101, 0, 3),
        ("a" * 155 + "/" + "b" * 100, 0, 1),
        ("a" * 156 + "/" + "b" * 100, 0, 3),
        ("/" + "b" * 100, 0, 3),
        ("a/" + "b" * 98 + "/", 0, 1),
        ("x" * 150 + "/", 0, 3),
        ("a", OCTAL_MAX + 1, 3),
        ("a" * 101, OCTAL_MAX + 1, 3),
        ("/".join(["a" * 200, "b" * 310]), 0, 4),
    ],
)
def test_pax_only_where_it_is_needed(path: str, size: int, blocks: int) -> None:
    assert len(header(path, size)) == blocks * TAR_BLOCK


def test_pax_records_are_sorted_and_count_themselves() -> None:
    blocks = header("p" * 101, OCTAL_MAX + 1)
    assert blocks[TAR_BLOCK:].startswith(b"111 path=" + b"p" * 101 + b"\n19 size=8589934592\n\0")
    assert blocks[: len("pax-header")] == b"pax-header"
    assert header_size(blocks[2 * TAR_BLOCK :]) == 0


@pytest.mark.parametrize("length", [*range(101, 112), 990, 991, 992, 993])
def test_pax_lengths_where_a_digit_is_added(length: int) -> None:
    assert read(header("p" * length, 1)).name == "p" * length


def test_the_path_is_ascii() -> None:
    with pytest.raises(UnicodeEncodeError):
        header("é", 0)


@given(st.integers(0, 10**6))
def test_padding_fills_the_block(size: int) -> None:
    assert (size + len(padding(size))) % TAR_BLOCK == 0
    assert len(padding(size)) < TAR_BLOCK
    assert not any(padding(size))


@given(st.integers(0, OCTAL_MAX))
def test_header_size_round_trip(size: int) -> None:
    assert header_size(header("x", size)) == size


@pytest.mark.parametrize(
    "field",
    [
        b"\x80" + bytes(11),  # TAR-16: base-256
        b"\xff" * 12,  # TAR-16: negative
        b"00000000000 ",
        b"0000000000 \0",
        b"-0000000001\0",
        b"00000000008\0",
        b"0x000000010\0",
        b"           \0",
        bytes(12),
    ],
)
def test_tar_16_a_size_is_eleven_octal_digits(field: bytes) -> None:
    block = header("x", 1)
    assert header_size(block[:124] + field + block[136:]) is None


@pytest.mark.parametrize("length", [0, 124, 130, 135])
def test_a_block_that_is_cut_has_no_size(length: int) -> None:
    assert header_size(header("x", 1)[:length]) is None
