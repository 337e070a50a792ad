"""The store on the offline side: an OCI image layout that only ever holds verified images.

    oci-layout, index.json, blobs/sha256/…     readable by any OCI tool
    signatures/<repository path>@sha256=…/     the evidence, as a lookaside tree
    .airgap/quarantine/, .airgap/lock          bytes on their way; the lock of whoever writes

Blobs arrive in quarantine, are hashed while they are written, and are published by rename only when everything of the
bundle was verified; index.json comes last, so a reader sees all of an import or nothing.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, Final

from airgap.digest import Digest
from airgap.errors import FormatError, HostError, IntegrityError
from airgap.files import (
    BUFFER,
    host_errors,
    make_folder,
    open_regular,
    read_bounded,
    remove_tree,
    sync_folder,
    write_all,
    write_whole,
)
from airgap.limits import LIMITS
from airgap.oci.descriptor import Descriptor
from airgap.oci.layout import (
    BLOBS,
    INDEX_FILE,
    LAYOUT_BYTES,
    LAYOUT_FILE,
    blob_path,
    encode_index,
    parse_layout,
    parse_layout_index,
)
from airgap.verify import VerifiedImage

_PRIVATE: Final = ".airgap"
_SIGNATURES: Final = "signatures"


class QuarantineFile:
    """One blob on its way into the store."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with host_errors(str(path)):
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        self._file: BinaryIO = os.fdopen(descriptor, "wb", 0)

    def write(self, data: memoryview, /) -> None:
        with host_errors(str(self._path)):
            write_all(self._file, data)

    def close(self) -> None:
        """The content was good: make it durable."""
        with self._file, host_errors(str(self._path)):
            os.fsync(self._file.fileno())


class Quarantine:
    """Where the blobs of one bundle wait until all of it is verified."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def sink(self, digest: Digest) -> QuarantineFile:
        return QuarantineFile(self.path(digest))

    def put(self, digest: Digest, data: bytes) -> None:
        """Keep a small blob that was checked in memory."""
        sink = self.sink(digest)
        sink.write(memoryview(data))
        sink.close()

    def path(self, digest: Digest) -> Path:
        return self._folder / digest.hex


class Store:
    """An open store. Reading needs no lock; everything that changes it happens in a ``with writing()`` block."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the lock. Raises HostError(store-locked); a lock of a process that died is free at once."""
        make_folder(self.folder / _PRIVATE)
        path = self.folder / _PRIVATE / "lock"
        with host_errors(str(path)):
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise HostError("store-locked", f"{self.folder}: another airgap is writing to this store") from None
            yield
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def quarantine(self, bundle: Digest) -> Iterator[Quarantine]:
        """A fresh quarantine for one bundle, removed in the end with all that was not published.

        What an import that was killed left behind is removed first: the lock says that nobody else is at work.
        """
        folder = self.folder / _PRIVATE / "quarantine"
        remove_tree(folder)
        make_folder(folder / bundle.hex)
        try:
            yield Quarantine(folder / bundle.hex)
        finally:
            remove_tree(folder)

    def images(self) -> tuple[Descriptor, ...]:
        """The published images, each with its name. Raises FormatError if the store is no layout of ours."""
        try:
            parse_layout(read_bounded(self.folder / LAYOUT_FILE, LIMITS.trust_file))
            return parse_layout_index(read_bounded(self.folder / INDEX_FILE, LIMITS.bundle_manifest))
        except HostError as error:
            if error.kind != "file-not-found":
                raise
            return ()

    def publish(self, images: Iterable[VerifiedImage], quarantine: Quarantine, evidence: Mapping[str, bytes]) -> None:
        """Make verified images visible: blobs and evidence first, then, in one step, the index (step 12)."""
        found = tuple(images)
        listed = {(image.name or "", image.digest): image for image in self.images()}
        make_folder(self.folder / BLOBS)
        blobs = {blob.digest for image in found for blob in image.blobs}
        for digest in sorted(blobs):
            target = self.folder / blob_path(digest)
            with host_errors(str(target)):
                os.replace(quarantine.path(digest), target)
        sync_folder(self.folder / BLOBS)
        self._keep_evidence(evidence)
        for image in found:
            listed[(image.image.name, image.image.digest)] = image.image.descriptor
        write_whole(self.folder / LAYOUT_FILE, LAYOUT_BYTES)
        write_whole(self.folder / INDEX_FILE, encode_index((name, image) for (name, _), image in listed.items()))

    def chunks(self, descriptor: Descriptor) -> Iterator[bytes]:
        """The bytes of a stored blob, hashed again while they are read (TRUST: check on use).

        Raises IntegrityError before the end if the disk gave back other bytes; nothing read may be used then.
        """
        path = self.folder / blob_path(descriptor.digest)
        hasher, size = hashlib.sha256(), 0
        with open_regular(path) as file, host_errors(str(path)):
            while chunk := file.read(BUFFER):
                hasher.update(chunk)
                size += len(chunk)
                yield chunk
        if size != descriptor.size or hasher.hexdigest() != descriptor.digest.hex:
            raise IntegrityError(
                "blob-differs",
                f"{path}: the stored blob is damaged",
                hint="Check the disk, then import the bundle again: it replaces the damaged blob.",
            )

    def _keep_evidence(self, evidence: Mapping[str, bytes]) -> None:
        """Add signature files to the lookaside tree; one that is already there under any number is not repeated."""
        folders: dict[Path, list[bytes]] = {}
        for path, data in evidence.items():
            folder = self.folder / _SIGNATURES / path.rpartition("/")[0]
            if folder not in folders:
                make_folder(folder)
                folders[folder] = _read_signatures(folder)
            if data not in folders[folder]:
                folders[folder].append(data)
                write_whole(folder / f"signature-{len(folders[folder])}", data)


def _read_signatures(folder: Path) -> list[bytes]:
    found: list[bytes] = []
    while (path := folder / f"signature-{len(found) + 1}").exists():
        if len(found) == LIMITS.signatures_per_image:
            raise FormatError("limit-exceeded", f"{folder} holds more than {LIMITS.signatures_per_image} signatures")
        found.append(read_bounded(path, LIMITS.signature_file))
    return found
