"""Where the blobs of a bundle wait until all of it is verified, and where an import that was stopped goes on.

    .airgap/quarantine/<bundle id>/<blob>               all of its bytes came, and were right
    .airgap/quarantine/<bundle id>/<blob>.referrers     the same, of an artifact
    .airgap/quarantine/<bundle id>/….partial            still being written

What the machine stopped (a full disk, a signal, a power cut) keeps the whole blobs for the next import of the very same
bundle, which hashes them again before it believes one. What a decision refused keeps nothing. Publishing is a rename.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

from airgap.digest import Digest
from airgap.disk.host import host_errors
from airgap.disk.paths import file_size, is_ours_alone, make_folder, remove_tree, require_room
from airgap.disk.writing import sync_all, write_all
from airgap.errors import HostError, IntegrityError
from airgap.store.blobs import prove_blob
from airgap.verify import BlobReceipt

ARTIFACT_SUFFIX: Final = ".referrers"
PARTIAL_SUFFIX: Final = ".partial"
# What stops an import without anything being decided about the bundle.
_STOPPED: Final = (HostError, OSError, MemoryError, KeyboardInterrupt, SystemExit)


class QuarantineFile:
    """One blob on its way. It gets its name by close(), which is called when its bytes were right."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._partial = path.with_name(f"{path.name}{PARTIAL_SUFFIX}")
        with host_errors(str(path)):
            descriptor = os.open(
                self._partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644
            )
        self._file: BinaryIO = os.fdopen(descriptor, "wb", 0)

    def write(self, data: memoryview, /) -> None:
        with host_errors(str(self._path)):
            write_all(self._file, data)

    def close(self) -> None:
        self.abandon()
        with host_errors(str(self._path)):
            os.replace(self._partial, self._path)

    def abandon(self) -> None:
        """No file stays open."""
        with host_errors(str(self._path)):
            self._file.close()


class Quarantine:
    """The blobs of one bundle.

    ``stored`` are those that never come here, because the store was proven to hold them; ``kept`` those that an earlier
    import left here and that were proven since.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._is_ready = False
        self._files: list[QuarantineFile] = []
        self._read_anyway: list[Path] = []
        self.referrers: dict[Digest, Path] = {}
        self.stored: set[Digest] = set()
        self.kept: dict[Digest, BlobReceipt] = {}

    def sink(self, digest: Digest) -> QuarantineFile:
        return self._sink(self.path(digest))

    def put(self, digest: Digest, data: bytes) -> None:
        """Keep a small blob that was checked in memory."""
        self._put(self.path(digest), data)

    def path(self, digest: Digest) -> Path:
        return self._folder / digest.hex

    def put_referrer(self, digest: Digest, data: bytes) -> None:
        """Keep a blob of an artifact, which may also be a blob of an image."""
        self.referrers[digest] = path = self._folder / f"{digest.hex}{ARTIFACT_SUFFIX}"
        self._put(path, data)

    def keeps(self, digest: Digest, size: int) -> BlobReceipt | None:
        """The proof of a blob that an earlier import left here, if it still is what it was: it is hashed now."""
        path = self.path(digest)
        try:
            with host_errors(str(path)):
                if not is_ours_alone(path):  # who has another name for it could change it later
                    return None
            found = self.kept[digest] = prove_blob(path, digest, size)
            return found
        except IntegrityError:
            return None  # it is streamed again, and replaced
        except HostError as error:
            if error.kind != "file-not-found":
                raise
            return None

    def require_room(self, wanted: Iterable[tuple[Digest, int]]) -> None:
        """Raises HostError(disk-full) unless these blobs fit; ``wanted`` gives their sizes in bytes.

        What an earlier import left here is on the disk already; what waits of other bundles makes room.
        """
        self._prepare()
        there = {path.name: file_size(path) for path in _files(self._folder)}
        require_room(self._folder, sum(size for digest, size in wanted if there.get(digest.hex) != size))

    def sync(self, digests: Iterable[Digest]) -> None:
        """Make the content of blobs durable, all in one go: waiting for each alone is what takes the time."""
        sync_all([self.path(digest) for digest in digests])

    def abandon(self, *, is_stopped: bool) -> None:
        """No file stays open. Small blobs do not stay, either: they are read again to be decided by."""
        for file in self._files:
            file.abandon()
        for path in self._read_anyway if is_stopped else ():
            with contextlib.suppress(OSError):
                path.unlink()

    def _prepare(self) -> None:
        """Before the first byte, and not before people were asked: a bundle that nobody signed drops nothing."""
        if not self._is_ready:
            _remove_all_but(self._folder.parent, self._folder)
            make_folder(self._folder)
            self._is_ready = True

    def _put(self, path: Path, data: bytes) -> None:
        sink = self._sink(path)
        self._read_anyway.append(path)
        sink.write(memoryview(data))
        sink.close()

    def _sink(self, path: Path) -> QuarantineFile:
        self._prepare()
        self._files.append(QuarantineFile(path))
        return self._files[-1]


@contextlib.contextmanager
def open_quarantine(folder: Path, bundle: Digest) -> Iterator[Quarantine]:
    """The quarantine of one bundle; the caller holds the lock. What waits of others is removed with the first byte.

    In the end it is gone with all that was not published, unless the machine stopped the import: then whole blobs stay.
    """
    own = folder / bundle.hex
    for path in (folder, own):
        with host_errors(str(path)):
            is_link = path.is_symlink()
        if is_link:  # nobody but airgap has business here: the link goes, and what it leads to stays
            remove_tree(path)
    quarantine = Quarantine(own)
    is_stopped = False
    try:
        yield quarantine
    except _STOPPED:
        is_stopped = True
        raise
    finally:
        quarantine.abandon(is_stopped=is_stopped)
        _remove_pieces(own)
        if not is_stopped or not _files(own):
            remove_tree(own)
            with contextlib.suppress(OSError):  # another bundle waits there
                folder.rmdir()


def left_in_quarantine(folder: Path, bundle: Digest) -> tuple[int, int]:
    """How many blobs of a bundle wait here, and their bytes."""
    sizes = [file_size(path) for path in _files(folder / bundle.hex)]
    return len(sizes), sum(sizes)


def _remove_all_but(folder: Path, own: Path) -> None:
    """Remove all that no import of this bundle could go on with."""
    with host_errors(str(folder)):
        for path in folder.iterdir() if folder.exists() else ():
            if path != own:
                remove_tree(path) if path.is_dir() or path.is_symlink() else path.unlink()
    _remove_pieces(own)


def _remove_pieces(own: Path) -> None:
    for path in _files(own):
        if path.suffix == PARTIAL_SUFFIX:
            with host_errors(str(path)):
                path.unlink()


def _files(folder: Path) -> list[Path]:
    with host_errors(str(folder)):
        return list(folder.iterdir()) if folder.is_dir() and not folder.is_symlink() else []
