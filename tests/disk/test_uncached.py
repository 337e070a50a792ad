"""Reading around the page cache, and saying so where it cannot be done."""

from __future__ import annotations

import errno
import os
import random
from pathlib import Path

import pytest

from airgap.disk.uncached import HowRead, open_uncached
from airgap.errors import HostError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(random.Random(1).randbytes(3_000_001))
    return path


def read(path: Path, size: int = 100_000) -> tuple[bytes, HowRead]:
    with open_uncached(path) as (source, how):
        pieces = []
        while piece := source.read(size):
            assert len(piece) <= size
            pieces.append(piece)
        return b"".join(pieces), how


def no_direct(monkeypatch: pytest.MonkeyPatch, at_read: bool = False) -> None:
    """A file system that knows no O_DIRECT: it says so when a file is opened, or when it is read."""
    opening, reading = os.open, os.preadv

    def open_(name: Path, flags: int, *rest: int, **options: int) -> int:
        if flags & os.O_DIRECT:
            if not at_read:
                raise OSError(errno.EINVAL, "Invalid argument")
            flags &= ~os.O_DIRECT
        return opening(name, flags, *rest, **options)

    def preadv(descriptor: int, buffers: list[bytearray], offset: int, flags: int = 0) -> int:
        if not flags:
            raise OSError(errno.EINVAL, "Invalid argument")
        return reading(descriptor, buffers, offset, flags)

    monkeypatch.setattr(os, "open", open_)
    if at_read:
        monkeypatch.setattr(os, "preadv", preadv)


@pytest.mark.parametrize("size", [1_000, 100_000, 5_000_000])
def test_the_bytes_are_those_of_the_file(path: Path, size: int) -> None:
    data, how = read(path, size)
    assert data == path.read_bytes()
    assert how in HowRead


def test_a_file_of_a_disk_is_read_directly(path: Path) -> None:
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_DIRECT))
    except OSError:  # the file system of the temporary folder knows no O_DIRECT
        assert read(path)[1] is not HowRead.DIRECT
    else:
        assert read(path)[1] is HowRead.DIRECT


@pytest.mark.parametrize("at_read", [False, True])
def test_without_o_direct_the_cache_is_dropped(path: Path, monkeypatch: pytest.MonkeyPatch, at_read: bool) -> None:
    no_direct(monkeypatch, at_read)
    data, how = read(path)
    assert data == path.read_bytes()
    assert how in (HowRead.DROPPED, HowRead.CACHED)


def test_pages_that_stay_in_memory_are_admitted(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_direct(monkeypatch)
    monkeypatch.setattr(os, "posix_fadvise", lambda *_: None)
    path.read_bytes()
    assert read(path)[1] is HowRead.CACHED


def test_a_kernel_that_cannot_tell_is_not_believed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_direct(monkeypatch)

    def preadv(*_: object) -> int:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(os, "preadv", preadv)
    assert read(path)[1] is HowRead.CACHED


def test_a_file_whose_pages_are_gone_was_dropped(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_direct(monkeypatch)

    def preadv(*_: object) -> int:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "preadv", preadv)
    assert read(path)[1] is HowRead.DROPPED


def test_a_bad_sector_is_an_error(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def preadv(*_: object) -> int:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "preadv", preadv)
    with pytest.raises(HostError) as caught:
        read(path)
    assert caught.value.kind == "input-output"
    assert str(path) in caught.value.message


def test_a_bad_sector_further_on_is_an_error(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.preadv

    def preadv(descriptor: int, buffers: list[bytearray], offset: int, flags: int = 0) -> int:
        if offset:
            raise OSError(errno.EIO, "Input/output error")
        return real(descriptor, buffers, offset, flags)

    monkeypatch.setattr("airgap.disk.uncached._open_direct", lambda path: os.open(path, os.O_RDONLY))
    monkeypatch.setattr(os, "preadv", preadv)
    with pytest.raises(HostError) as caught:
        read(path)
    assert caught.value.kind == "input-output"


def test_nothing_is_asked_for_behind_a_short_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The place would not be aligned, and some file systems refuse that even at the end."""
    real, places = os.preadv, []

    def preadv(descriptor: int, buffers: list[bytearray], offset: int, flags: int = 0) -> int:
        places.append(offset)
        return real(descriptor, buffers, offset, flags)

    monkeypatch.setattr("airgap.disk.uncached._open_direct", lambda path: os.open(path, os.O_RDONLY))
    monkeypatch.setattr(os, "preadv", preadv)
    assert read(path)[0] == path.read_bytes()
    assert all(place % 4096 == 0 for place in places)


@pytest.mark.parametrize("size", [0, 1, 4096, 1024 * 1024, 2 * 1024 * 1024])
def test_files_of_any_size(tmp_path: Path, size: int) -> None:
    (tmp_path / "file").write_bytes(bytes(size))
    assert read(tmp_path / "file")[0] == bytes(size)


def test_a_failed_write_back_is_an_error(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What fsync says of data on its way is the very thing that reading back asks for."""

    def fsync(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(HostError):
        read(path)


def test_a_medium_that_is_read_only_needs_no_write_back(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fsync(_: int) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "fsync", fsync)
    assert read(path)[0] == path.read_bytes()


def test_what_is_no_file(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(HostError):
            read(path)
