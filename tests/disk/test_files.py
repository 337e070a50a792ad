"""Files appear whole or not at all; nothing but plain files is read; links are not followed (FSM-15, CON-21)."""

from __future__ import annotations

import errno
import io
import os
import socket
import sys
from pathlib import Path
from typing import BinaryIO

import pytest

from airgap.disk import host, paths, reading, writing
from airgap.errors import AirgapError, FormatError, HostError


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


class TestHostErrors:
    @pytest.mark.parametrize(
        ("number", "kind"),
        [
            (errno.ENOSPC, "disk-full"),
            (errno.EDQUOT, "disk-full"),
            (errno.EFBIG, "disk-full"),
            (errno.EACCES, "permission-denied"),
            (errno.EPERM, "permission-denied"),
            (errno.EROFS, "permission-denied"),
            (errno.ENOENT, "file-not-found"),
            (errno.ENOTDIR, "file-not-found"),
            (errno.ELOOP, "not-a-regular-file"),
            (errno.EISDIR, "not-a-regular-file"),
            (errno.ENXIO, "not-a-regular-file"),
            (errno.EIO, "input-output"),
            (errno.ENODEV, "input-output"),
        ],
    )
    def test_every_system_error_is_typed(self, number: int, kind: str) -> None:
        with pytest.raises(HostError, match="the disk: ") as caught, host.host_errors("the disk"):
            raise OSError(number, os.strerror(number))
        assert (caught.value.kind, caught.value.exit_status, caught.value.facts["path"]) == (kind, 70, "the disk")

    def test_an_error_without_a_number(self) -> None:
        assert host.host_error(OSError("odd"), "x").kind == "input-output"

    def test_other_errors_pass(self) -> None:
        with pytest.raises(KeyError), host.host_errors("x"):
            raise KeyError("y")


class TestPendingFiles:
    def test_several_appear_together_or_not_at_all(self, tmp_path: Path) -> None:
        with writing.pending_files() as create:
            one, two = create(tmp_path / "one"), create(tmp_path / "two")
            one.write(b"a")
            one.pause()
            one.write(b"b")
            two.write_at(b"d", 1)
            two.pause()
            two.write_at(b"c", 0)
            with two.reading() as source:
                assert source.read(10) == b"cd"
            assert not {"one", "two"} & set(content(tmp_path))
        assert content(tmp_path) == {"one": b"ab", "two": b"cd"}

    def test_an_error_leaves_what_was_there(self, tmp_path: Path) -> None:
        (tmp_path / "one").write_bytes(b"old")

        def fail() -> None:
            with writing.pending_files() as create:
                create(tmp_path / "one").write(b"new")
                create(tmp_path / "two").write(b"new")
                raise KeyError("x")

        with pytest.raises(KeyError):
            fail()
        assert content(tmp_path) == {"one": b"old"}

    def test_a_link_or_folder_is_not_replaced(self, tmp_path: Path) -> None:
        (tmp_path / "folder").mkdir()
        with pytest.raises(HostError) as caught, writing.pending_files() as create:
            create(tmp_path / "folder")
        assert caught.value.kind == "not-a-regular-file"
        assert [path.name for path in tmp_path.iterdir()] == ["folder"]

    def test_a_leftover_of_a_killed_run_is_replaced(self, tmp_path: Path) -> None:
        (tmp_path / "one.airgap-partial").write_bytes(b"left over")
        with writing.pending_files() as create:
            create(tmp_path / "one").write(b"new")
        assert content(tmp_path) == {"one": b"new"}


class TestReading:
    def test_a_plain_file(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_bytes(b"abc")
        assert reading.read_bounded(tmp_path / "a", 3) == b"abc"

    def test_one_byte_over_the_limit(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_bytes(b"abcd")
        with pytest.raises(FormatError) as caught:
            reading.read_bounded(tmp_path / "a", 3)
        assert (caught.value.kind, caught.value.exit_status) == ("limit-exceeded", 10)

    def refused(self, path: Path) -> str:
        with pytest.raises(HostError) as caught:
            reading.read_bounded(path, 100)
        return caught.value.kind

    def test_missing(self, tmp_path: Path) -> None:
        assert self.refused(tmp_path / "a") == "file-not-found"

    def test_a_link(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_bytes(b"abc")
        (tmp_path / "b").symlink_to("a")
        assert self.refused(tmp_path / "b") == "not-a-regular-file"

    def test_a_folder(self, tmp_path: Path) -> None:
        assert self.refused(tmp_path) == "not-a-regular-file"

    def test_a_fifo_does_not_block(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "a")
        assert self.refused(tmp_path / "a") == "not-a-regular-file"

    def test_a_device(self) -> None:
        assert self.refused(Path("/dev/zero")) == "not-a-regular-file"

    def test_a_socket(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind("a")
            assert self.refused(Path("a")) == "not-a-regular-file"

    def test_no_descriptor_is_left_open(self, tmp_path: Path) -> None:
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(10):
            self.refused(tmp_path)
        assert len(os.listdir("/proc/self/fd")) == before

    def test_a_given_path_may_be_a_link(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_bytes(b"abc")
        (tmp_path / "b").symlink_to("a")
        assert reading.read_given(tmp_path / "b", 3) == b"abc"

    def test_a_given_path_may_not_lead_nowhere_or_in_a_circle(self, tmp_path: Path) -> None:
        (tmp_path / "a").symlink_to("b")
        with pytest.raises(HostError):
            reading.read_given(tmp_path / "a", 3)
        (tmp_path / "b").symlink_to("a")
        with pytest.raises(HostError) as caught:
            reading.read_given(tmp_path / "a", 3)
        assert caught.value.kind == "not-a-regular-file"


class TestOpenInput:
    def test_a_file_by_a_link(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_bytes(b"abc")
        (tmp_path / "b").symlink_to("a")
        with reading.open_input(str(tmp_path / "b")) as source:
            assert source.read(100) == b"abc"
            assert source.read(100) == b""

    @pytest.mark.parametrize("name", ["missing", ".", "fifo"])
    def test_con_21_anything_else(self, tmp_path: Path, name: str) -> None:
        os.mkfifo(tmp_path / "fifo")
        with pytest.raises(HostError) as caught, reading.open_input(str(tmp_path / name)):
            pass
        assert caught.value.exit_status == 70

    def test_a_dash_is_standard_input(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"abc")))
        with reading.open_input("-") as source:
            assert source.read(2) == b"ab"

    def test_standard_input_that_was_closed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "stdin", None)
        with pytest.raises(HostError, match="closed"), reading.open_input("-"):
            pass

    def test_fsm_06_a_medium_that_goes_away(self) -> None:
        class Unplugged(io.BytesIO):
            def read(self, size: int | None = -1, /) -> bytes:
                raise OSError(errno.EIO, "Input/output error")

        with pytest.raises(HostError, match="/media/stick: Input/output error") as caught:
            reading.ErrorTyping(Unplugged(), "/media/stick").read(1)
        assert caught.value.kind == "input-output"

    def test_a_stream_with_nothing_yet_is_at_its_end(self) -> None:
        class Nothing(io.BytesIO):
            def read(self, size: int | None = -1, /) -> bytes:
                return None  # type: ignore[return-value]  # what a pipe that does not block gives

        assert reading.ErrorTyping(Nothing(), "x").read(1) == b""


class TestReplacing:
    def test_the_old_file_stays_until_the_new_one_is_whole(self, tmp_path: Path) -> None:
        path = tmp_path / "a"
        path.write_bytes(b"old")
        with writing.replacing(path) as file:
            writing.write_all(file, b"new")
            assert path.read_bytes() == b"old"
        assert content(tmp_path) == {"a": b"new"}

    @pytest.mark.parametrize(
        ("error", "expected"),
        [
            (OSError(errno.ENOSPC, "full"), HostError),
            (FormatError("limit-exceeded", "x"), FormatError),
            (KeyboardInterrupt(), KeyboardInterrupt),
        ],
        ids=["system", "ours", "interrupt"],
    )
    def test_an_error_leaves_nothing_behind(
        self, tmp_path: Path, error: BaseException, expected: type[BaseException]
    ) -> None:
        path = tmp_path / "a"
        path.write_bytes(b"old")

        def write_half() -> None:
            with writing.replacing(path) as file:
                writing.write_all(file, b"half")
                raise error

        with pytest.raises(expected):
            write_half()
        assert content(tmp_path) == {"a": b"old"}

    @pytest.mark.parametrize("call", ["fsync", "replace"])
    def test_fsm_07_an_error_at_the_end_leaves_nothing_behind(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
    ) -> None:
        def fail(*_: object) -> None:
            raise OSError(errno.EIO, "Input/output error")

        monkeypatch.setattr(os, call, fail)
        with pytest.raises(HostError) as caught:
            writing.write_whole(tmp_path / "a", b"new")
        assert caught.value.kind == "input-output"
        assert content(tmp_path) == {}

    def test_fsm_15_a_link_under_the_temporary_name_is_not_followed(self, tmp_path: Path) -> None:
        (tmp_path / "victim").write_bytes(b"precious")
        (tmp_path / "a.airgap-partial").symlink_to("victim")
        writing.write_whole(tmp_path / "a", b"new")
        assert content(tmp_path) == {"victim": b"precious", "a": b"new"}
        assert not (tmp_path / "a").is_symlink()

    @pytest.mark.parametrize("occupant", ["link", "dangling link", "folder", "fifo"])
    def test_fsm_15_what_is_no_plain_file_is_not_replaced(self, tmp_path: Path, occupant: str) -> None:
        (tmp_path / "victim").write_bytes(b"precious")
        path = tmp_path / "a"
        if occupant == "folder":
            path.mkdir()
        elif occupant == "fifo":
            os.mkfifo(path)
        else:
            path.symlink_to("victim" if occupant == "link" else "nowhere")
        before = path.lstat()
        with pytest.raises(HostError) as caught:
            writing.write_whole(path, b"new")
        assert caught.value.kind == "not-a-regular-file"
        assert (path.lstat().st_mode, path.lstat().st_ino) == (before.st_mode, before.st_ino)
        assert (tmp_path / "victim").read_bytes() == b"precious"
        assert sorted(one.name for one in tmp_path.iterdir()) == ["a", "victim"]

    def test_what_an_earlier_run_left_is_replaced(self, tmp_path: Path) -> None:
        (tmp_path / "a.airgap-partial").write_bytes(b"a longer half of something else")
        writing.write_whole(tmp_path / "a", b"new")
        assert content(tmp_path) == {"a": b"new"}

    def test_a_folder_in_the_way(self, tmp_path: Path) -> None:
        (tmp_path / "a.airgap-partial").mkdir()
        with pytest.raises(HostError):
            writing.write_whole(tmp_path / "a", b"new")

    def test_no_folder_to_write_to(self, tmp_path: Path) -> None:
        with pytest.raises(HostError) as caught:
            writing.write_whole(tmp_path / "no" / "a", b"new")
        assert caught.value.kind == "file-not-found"


class Short(io.RawIOBase):
    """A file that takes three bytes at a time."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: object, /) -> int:
        piece = bytes(memoryview(data)[:3])  # type: ignore[arg-type]  # as io.RawIOBase types it: any buffer
        self.data += piece
        return len(piece)


def test_fsm_05_short_writes_are_continued() -> None:
    short = Short()
    file: BinaryIO = short  # type: ignore[assignment]  # a raw file is what replacing() hands out
    writing.write_all(file, b"0123456789")
    writing.Whole(file).write(b"abcdefgh")
    assert short.data == b"0123456789abcdefgh"


class TestFolders:
    def test_make_folder(self, tmp_path: Path) -> None:
        paths.make_folder(tmp_path / "a" / "b")
        paths.make_folder(tmp_path / "a" / "b")
        (tmp_path / "c").write_bytes(b"")
        with pytest.raises(HostError):
            paths.make_folder(tmp_path / "c" / "d")

    def test_syncing(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_bytes(b"")
        writing.sync_folder(tmp_path)
        writing.sync_all([tmp_path, tmp_path / "a"])
        writing.sync_all([])

    @pytest.mark.parametrize("name", ["missing", "link"])
    def test_syncing_what_is_not_there(self, tmp_path: Path, name: str) -> None:
        (tmp_path / "a").write_bytes(b"")
        (tmp_path / "link").symlink_to("a")
        with pytest.raises(HostError):
            writing.sync_folder(tmp_path / name)
        with pytest.raises(HostError):
            writing.sync_all([tmp_path / "a", tmp_path / name])

    def test_remove_tree_does_not_follow_links(self, tmp_path: Path) -> None:
        (tmp_path / "outside").mkdir()
        (tmp_path / "outside" / "precious").write_bytes(b"x")
        tree = tmp_path / "tree"
        (tree / "inner").mkdir(parents=True)
        (tree / "inner" / "file").write_bytes(b"y")
        (tree / "link").symlink_to(tmp_path / "outside")
        (tree / "dangling").symlink_to("nowhere")
        paths.remove_tree(tree)
        assert not tree.exists()
        assert (tmp_path / "outside" / "precious").read_bytes() == b"x"

    def test_remove_tree_of_nothing_and_of_a_link(self, tmp_path: Path) -> None:
        (tmp_path / "real").mkdir()
        (tmp_path / "link").symlink_to("real")
        paths.remove_tree(tmp_path / "missing")
        paths.remove_tree(tmp_path / "link")
        assert [path.name for path in tmp_path.iterdir()] == ["real"]

    def test_what_cannot_be_removed_is_an_error(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(_: Path) -> None:
            raise PermissionError(errno.EACCES, "no")

        (tmp_path / "a").mkdir()
        monkeypatch.setattr(Path, "rmdir", fail)
        with pytest.raises(AirgapError) as caught:
            paths.remove_tree(tmp_path / "a")
        assert caught.value.kind == "permission-denied"
