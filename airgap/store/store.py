"""The store on the offline side: an OCI image layout that only ever holds verified images.

    oci-layout, index.json, blobs/sha256/…     readable by any OCI tool
    signatures/, referrers/                    what images are judged by, and artifacts about them (evidence.py)
    .airgap/quarantine/, .airgap/lock          bytes on their way; the lock of whoever writes

Blobs arrive in quarantine, are hashed while they are written, and are published by rename only when everything of the
bundle was verified; index.json comes last, so a reader sees all of an import or nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from airgap.digest import Digest
from airgap.disk.host import host_errors
from airgap.disk.lock import held
from airgap.disk.paths import is_there, make_folder, require_no_link
from airgap.disk.reading import read_bounded
from airgap.disk.writing import sync_folder, write_whole
from airgap.errors import AirgapError, FormatError, HostError, SourceError
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
from airgap.oci.referrer import Referrer
from airgap.reference import Reference, parse_reference
from airgap.store.blobs import blob_chunks, prove_blob, read_blob
from airgap.store.changes import Changes
from airgap.store.evidence import REFERRERS_FOLDER, SIGNATURES_FOLDER, Evidence, SignatureFile
from airgap.store.quarantine import Quarantine, left_in_quarantine, open_quarantine
from airgap.verify import BlobReceipt, UntrustedImage, VerifiedImage

PRIVATE_FOLDER: Final = ".airgap"
QUARANTINE_FOLDER: Final = "quarantine"
_OWN: Final = {
    BLOBS.partition("/")[0],
    SIGNATURES_FOLDER,
    REFERRERS_FOLDER,
    INDEX_FILE,
    "lost+found",
}  # the last is mkfs's


class Store:
    """An open store. Reading needs no lock; everything that changes it happens in a ``with writing()`` block."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.evidence = Evidence(folder)

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the lock. Raises HostError(store-locked); a lock of a process that died is free at once."""
        private = self.folder / PRIVATE_FOLDER
        self._require_own()
        require_no_link(self.folder, private)
        make_folder(private)
        path = private / "lock"
        with held(path, self.folder, create=True):
            try:
                yield
            finally:
                self._forget_if_empty(path)

    def _require_own(self) -> None:
        """A mistyped --store must not spread over somebody's folder. Raises HostError(output-exists)."""
        if not is_there(self.folder) or is_there(self.folder / LAYOUT_FILE) or is_there(self.folder / PRIVATE_FOLDER):
            return
        with host_errors(str(self.folder)):
            others = sorted({path.name for path in self.folder.iterdir()} - _OWN)
        if others:
            raise HostError(
                "output-exists",
                f"{self.folder} is no store, and not empty: {others[0]!r} is in it",
                hint="Name a store or a new folder with --store.",
                path=str(self.folder),
            )

    def quarantine(self, bundle: Digest) -> AbstractContextManager[Quarantine]:
        """The quarantine of one bundle, for whoever holds the lock: that says that nobody else is at work.

        Raises HostError(not-a-regular-file) if a folder that is to be written to is a link.
        """
        folder = self.folder / PRIVATE_FOLDER / QUARANTINE_FOLDER
        for place in (folder, *(self.folder / name for name in (BLOBS, SIGNATURES_FOLDER, REFERRERS_FOLDER))):
            require_no_link(self.folder, place)
        return open_quarantine(folder, bundle)

    def waiting(self, bundle: Digest) -> tuple[int, int]:
        """How many blobs of a bundle an import that was stopped has left in quarantine, and their bytes."""
        return left_in_quarantine(self.folder / PRIVATE_FOLDER / QUARANTINE_FOLDER, bundle)

    def images(self) -> tuple[Descriptor, ...]:
        """The published images, each with its name. Raises FormatError if the store is no layout of ours."""
        try:
            parse_layout(read_bounded(self.folder / LAYOUT_FILE, LIMITS.trust_file))
            return parse_layout_index(read_bounded(self.folder / INDEX_FILE, LIMITS.bundle_manifest))
        except HostError as error:
            if error.kind != "file-not-found":
                raise
            return ()

    def untrusted(self) -> tuple[UntrustedImage, ...]:
        """The published images as index.json claims them, to be judged again. Raises FormatError."""
        found = []
        for image in self.images():
            name = parse_reference(image.name or "", INDEX_FILE)
            if name.digest not in (None, image.digest):
                raise FormatError(
                    "image-manifest-invalid",
                    f"{self.folder / INDEX_FILE} calls {image.digest} {name}",
                    hint="Find out what changed the store; import the bundle again into a new one.",
                )
            bare = Descriptor(image.media_type, image.digest, image.size)
            found.append(UntrustedImage(Reference(name.repository, name.tag), bare, ()))
        return tuple(found)

    def named(self, wanted: Sequence[Reference]) -> tuple[UntrustedImage, ...]:
        """The published images that are called so by repository, tag or digest; all, if nothing is wanted.

        Raises SourceError(source-not-found) if there is none.
        """
        return self._called(self.untrusted(), wanted)

    def named_by_each(self, wanted: Iterable[Reference]) -> frozenset[UntrustedImage]:
        """The same, where each of these must be the name of some image."""
        images = self.untrusted()
        return frozenset(image for one in wanted for image in self._called(images, (one,)))

    def _called(self, images: Iterable[UntrustedImage], wanted: Sequence[Reference]) -> tuple[UntrustedImage, ...]:
        found = tuple(one for one in images if not wanted or any(map(one.is_called, wanted)))
        if not found:
            names = ", ".join(map(str, wanted)) or "image"
            raise SourceError(
                "source-not-found",
                f"{self.folder} holds no {names}",
                hint="Check --store and the reference; `airgap store list` shows what a store holds.",
            )
        return found

    @property
    def is_published(self) -> bool:
        """Whether there is an index. Without one nobody can tell which blobs belong to images."""
        return all(is_there(self.folder / name) for name in (LAYOUT_FILE, INDEX_FILE))

    def require_published(self) -> None:
        """Raises SourceError(source-not-found) if there is no index."""
        if not self.is_published:
            raise SourceError(
                "source-not-found",
                f"{self.folder} is no store: it has no {LAYOUT_FILE} and {INDEX_FILE}",
                hint="Check the path (by default store/ in AIRGAP_HOME). `airgap import` makes a store.",
                path=str(self.folder),
            )

    def unpublish(self, images: Collection[UntrustedImage]) -> None:
        """Take images out of the index, durably and in one step; their blobs and evidence stay."""
        listed = zip(self.images(), self.untrusted(), strict=True)
        left = [(one.name or "", one) for one, image in listed if image not in images]
        write_whole(self.folder / INDEX_FILE, encode_index(left))

    def publish(
        self,
        images: Iterable[VerifiedImage],
        quarantine: Quarantine,
        evidence: Mapping[str, SignatureFile],
        referrers: Mapping[str, Sequence[Referrer]],
        commit: Callable[[], object] = lambda: None,
    ) -> None:
        """Make verified images visible: blobs and evidence first, then, in one step, the index (step 12).

        ``evidence`` are the signature files by their path in a lookaside tree. ``referrers`` are the artifacts of each
        image by its name; their blobs are in quarantine. ``commit`` is done right before the index: stopped in between,
        what remembers the images is ahead of the store, never behind it.

        If that fails half-way, what was added is taken out again.
        """
        found = tuple(images)
        listed = self._listing([image.image for image in found])
        blobs = sorted({blob.digest for image in found for blob in image.blobs} - quarantine.stored)
        quarantine.sync(blobs)
        artifacts = [(image.image.digest, referrers.get(image.image.name, ())) for image in found]
        index = self._index()
        changes = Changes(self.folder)
        try:
            changes.make_folder(self.folder / BLOBS)
            for digest in blobs:
                changes.move_in(quarantine.path(digest), self.folder / blob_path(digest))
            sync_folder(self.folder / BLOBS)
            self.evidence.keep_signatures(evidence, changes)
            self.evidence.keep_referrers(quarantine.referrers, artifacts, changes)
            changes.will_write(self.folder / LAYOUT_FILE, LIMITS.trust_file)
            write_whole(self.folder / LAYOUT_FILE, LAYOUT_BYTES)
            commit()
            write_whole(self.folder / INDEX_FILE, encode_index((name, image) for (name, _), image in listed.items()))
        except BaseException:
            if self._withdraw(index):
                changes.undo()
            raise

    def require_room_for(self, images: Iterable[UntrustedImage]) -> None:
        """Raises FormatError(limit-exceeded) if the index could not be read any more with these images in it, too."""
        self._listing(images)

    def _listing(self, images: Iterable[UntrustedImage]) -> dict[tuple[str, Digest], Descriptor]:
        listed = {(image.name or "", image.digest): image for image in self.images()}
        listed |= {(image.name, image.digest): image.descriptor for image in images}
        if len(listed) > LIMITS.images:
            raise FormatError(
                "limit-exceeded",
                f"{self.folder} would list {len(listed)} images, over the limit of {LIMITS.images}",
                hint="Take out what is not needed with `airgap store rm`, or import into another store.",
                path=str(self.folder),
                limit=LIMITS.images,
            )
        return listed

    def _index(self) -> bytes | None:
        path = self.folder / INDEX_FILE
        return read_bounded(path, LIMITS.bundle_manifest) if is_there(path) else None

    def _withdraw(self, before: bytes | None) -> bool:
        """Make the index what it was: it may be in place already, and not be durable.

        False if that fails. What it may name has to stay, then.
        """
        path = self.folder / INDEX_FILE
        with contextlib.suppress(AirgapError, OSError):
            if before is None:
                path.unlink(missing_ok=True)
            elif self._index() != before:
                write_whole(path, before)
            return True
        return False

    def chunks(self, descriptor: Descriptor) -> Iterator[bytes]:
        """The bytes of a stored blob, hashed again while they are read (TRUST: check on use).

        Raises IntegrityError before the end if the disk gave back other bytes; nothing read may be used then.
        """
        yield from blob_chunks(self.folder / blob_path(descriptor.digest), descriptor.digest, descriptor.size)

    def prove(self, digest: Digest, size: int) -> BlobReceipt:
        """Hash a stored blob. Raises IntegrityError if it is damaged, HostError(file-not-found) if there is none."""
        return prove_blob(self.folder / blob_path(digest), digest, size)

    def read(self, descriptor: Descriptor, limit: int) -> bytes:
        """A small stored blob, hashed again. Raises FormatError(limit-exceeded), IntegrityError."""
        return read_blob(self.folder / blob_path(descriptor.digest), descriptor.digest, descriptor.size, limit)

    def _forget_if_empty(self, lock: Path) -> None:
        """A refused bundle leaves no trace in a folder that was no store before."""
        with contextlib.suppress(OSError, HostError):
            if not is_there(self.folder / INDEX_FILE):
                lock.unlink()
                lock.parent.rmdir()
                self.folder.rmdir()
