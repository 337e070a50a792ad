"""The store on the offline side: an OCI image layout that only ever holds verified images.

    oci-layout, index.json, blobs/sha256/…     readable by any OCI tool
    signatures/<repository path>@sha256=…/     the evidence, as a lookaside tree
    referrers/<hex>, referrers/<image hex>.json     artifacts about images, and which image has which
    .airgap/quarantine/, .airgap/lock          bytes on their way; the lock of whoever writes

Blobs arrive in quarantine, are hashed while they are written, and are published by rename only when everything of the
bundle was verified; index.json comes last, so a reader sees all of an import or nothing.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from airgap.blobs import blob_chunks, prove_blob
from airgap.digest import Digest
from airgap.errors import AirgapError, FormatError, HostError, IntegrityError, SourceError
from airgap.files import held, host_errors, is_there, make_folder, read_bounded, require_no_link
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
from airgap.oci.referrer import Referrer, parse_referrers
from airgap.quarantine import Quarantine, left_in_quarantine, open_quarantine
from airgap.reference import Reference, parse_reference
from airgap.strict_json import StrictJSONError, canonical, parse
from airgap.verify import BlobReceipt, UntrustedImage, VerifiedImage
from airgap.writing import pending_files, sync_all, sync_folder, write_whole

PRIVATE_FOLDER: Final = ".airgap"
QUARANTINE_FOLDER: Final = "quarantine"
SIGNATURES_FOLDER: Final = "signatures"
REFERRERS_FOLDER: Final = "referrers"


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

    def signatures(self, image: UntrustedImage) -> dict[str, bytes]:
        """The evidence that is kept of an image: its signature files by their path in the lookaside tree."""
        files = _read_signatures(self.folder / SIGNATURES_FOLDER / image.lookaside)
        return {
            f"{SIGNATURES_FOLDER}/{image.lookaside}/signature-{number}": data for number, data in enumerate(files, 1)
        }

    def referrers(self, image: UntrustedImage) -> tuple[Referrer, ...]:
        """The artifacts that were kept of an image. Raises FormatError, IntegrityError."""
        path = self.folder / REFERRERS_FOLDER / f"{image.digest.hex}.json"
        if not is_there(path):
            return ()
        try:
            listed = parse(read_bounded(path, LIMITS.oci_manifest))
            if not isinstance(listed, list) or len(listed) > LIMITS.referrers_per_image:
                raise StrictJSONError(f"it is no list of up to {LIMITS.referrers_per_image} artifacts")
            return parse_referrers(listed)
        except StrictJSONError as error:
            hint = "Check the disk, then import the bundle again: it replaces the file."
            raise IntegrityError("file-differs", f"{path}: {error}", hint=hint) from None

    def publish(
        self,
        images: Iterable[VerifiedImage],
        quarantine: Quarantine,
        evidence: Mapping[str, bytes],
        referrers: Mapping[str, Sequence[Referrer]],
        commit: Callable[[], object] = lambda: None,
    ) -> None:
        """Make verified images visible: blobs and evidence first, then, in one step, the index (step 12).

        ``referrers`` are the artifacts of each image by its name; their blobs are in quarantine. ``commit`` is done
        right before the index: stopped in between, what remembers the images is ahead of the store, never behind it.

        If that fails half-way, what was added is taken out again.
        """
        found = tuple(images)
        listed = self._listing([image.image for image in found])
        blobs = sorted({blob.digest for image in found for blob in image.blobs} - quarantine.stored)
        quarantine.sync(blobs)
        taken: list[Digest] = []
        added: list[Path] = []
        before: dict[Path, bytes] = {}
        index = self._index()
        try:
            make_folder(self.folder / BLOBS)
            for digest in blobs:
                if self._take_in(quarantine.path(digest), self.folder / blob_path(digest)):
                    taken.append(digest)
            sync_folder(self.folder / BLOBS)
            self._keep_evidence(evidence, added, before)
            self._keep_referrers(found, quarantine, referrers, added, before)
            if not is_there(self.folder / LAYOUT_FILE):
                added.append(self.folder / LAYOUT_FILE)
            write_whole(self.folder / LAYOUT_FILE, LAYOUT_BYTES)
            commit()
            write_whole(self.folder / INDEX_FILE, encode_index((name, image) for (name, _), image in listed.items()))
        except BaseException:
            if self._withdraw(index):
                self._take_out(added, {self.folder / blob_path(digest): quarantine.path(digest) for digest in taken})
            with contextlib.suppress(AirgapError):
                for path, data in before.items():
                    write_whole(path, data)
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

    def _take_out(self, added: Iterable[Path], taken: Mapping[Path, Path]) -> None:
        """Remove what publish() had added, and the folders that are empty without it; blobs go back to quarantine."""
        folders = {self.folder / BLOBS}
        for path, origin in taken.items():
            with contextlib.suppress(OSError):
                os.replace(path, origin)
        for path in added:
            folders.add(path.parent)
            with contextlib.suppress(OSError):
                path.unlink()
        for folder in folders:
            with contextlib.suppress(OSError):  # up to the first that is not empty
                while folder != self.folder:
                    folder.rmdir()
                    folder = folder.parent

    @staticmethod
    def _take_in(source: Path, target: Path) -> bool:
        """Returns whether there was no such file before."""
        with host_errors(str(target)):
            new = not is_there(target)
            os.replace(source, target)
        return new

    def chunks(self, descriptor: Descriptor) -> Iterator[bytes]:
        """The bytes of a stored blob, hashed again while they are read (TRUST: check on use).

        Raises IntegrityError before the end if the disk gave back other bytes; nothing read may be used then.
        """
        yield from blob_chunks(self.folder / blob_path(descriptor.digest), descriptor.digest, descriptor.size)

    def prove(self, digest: Digest, size: int) -> BlobReceipt:
        """Hash a stored blob. Raises IntegrityError if it is damaged, HostError(file-not-found) if there is none."""
        return prove_blob(self.folder / blob_path(digest), digest, size)

    def artifact(self, digest: Digest, size: int) -> bytes:
        """A blob of an artifact, hashed again. Raises FormatError(limit-exceeded), IntegrityError, HostError."""
        _require_within(digest, size, LIMITS.referrer_blob)
        return b"".join(blob_chunks(self.folder / REFERRERS_FOLDER / digest.hex, digest, size))

    def read(self, descriptor: Descriptor, limit: int) -> bytes:
        """A small stored blob, hashed again. Raises FormatError(limit-exceeded), IntegrityError."""
        _require_within(descriptor.digest, descriptor.size, limit)
        return b"".join(self.chunks(descriptor))

    def _keep_evidence(self, evidence: Mapping[str, bytes], added: list[Path], before: dict[Path, bytes]) -> None:
        """Add signature files to the lookaside tree; one that is already there under any number is not repeated.

        A full folder gives the places of older files to new ones: what a bundle was accepted by is always there whole,
        whatever others brought before. ``before`` is told what stood in their places.
        """
        folders: dict[Path, list[bytes]] = {}
        for path, data in evidence.items():
            folders.setdefault(self.folder / SIGNATURES_FOLDER / path.rpartition("/")[0], []).append(data)
        with pending_files() as create:
            for folder, given in folders.items():
                require_no_link(self.folder, folder)
                make_folder(folder)
                kept = _read_signatures(folder)
                older = iter([number for number, data in enumerate(kept) if data not in given])
                for data in dict.fromkeys(given):
                    if data in kept:
                        continue
                    if len(kept) < LIMITS.signatures_per_image:
                        kept.append(data)
                        place = folder / f"signature-{len(kept)}"
                        added.append(place)
                    else:
                        number = next(older)
                        place = folder / f"signature-{number + 1}"
                        before[place], kept[number] = kept[number], data
                    file = create(place)
                    file.write(data)
                    file.pause()

    def _keep_referrers(
        self,
        images: Iterable[VerifiedImage],
        quarantine: Quarantine,
        referrers: Mapping[str, Sequence[Referrer]],
        added: list[Path],
        before: dict[Path, bytes],
    ) -> None:
        """``before`` is told what stood in a list that is replaced."""
        if not referrers:
            return
        folder = self.folder / REFERRERS_FOLDER
        make_folder(folder)
        sync_all(list(quarantine.referrers.values()))
        for digest, path in quarantine.referrers.items():
            if self._take_in(path, folder / digest.hex):
                added.append(folder / digest.hex)
        written: set[Path] = set()
        for image in images:
            listed = [one.document for one in referrers.get(image.image.name, ())]
            path = folder / f"{image.image.digest.hex}.json"
            if listed:
                if path in written:
                    pass  # one image under two names
                elif is_there(path):
                    before[path] = read_bounded(path, LIMITS.oci_manifest)
                else:
                    added.append(path)
                written.add(path)
                write_whole(path, canonical(listed))

    def _forget_if_empty(self, lock: Path) -> None:
        """A refused bundle leaves no trace in a folder that was no store before."""
        with contextlib.suppress(OSError, HostError):
            if not is_there(self.folder / INDEX_FILE):
                lock.unlink()
                lock.parent.rmdir()
                self.folder.rmdir()


def _read_signatures(folder: Path) -> list[bytes]:
    found: list[bytes] = []
    while is_there(path := folder / f"signature-{len(found) + 1}"):
        if len(found) == LIMITS.signatures_per_image:
            raise FormatError("limit-exceeded", f"{folder} holds more than {LIMITS.signatures_per_image} signatures")
        found.append(read_bounded(path, LIMITS.signature_file))
    return found


def _require_within(digest: Digest, size: int, limit: int) -> None:
    if size > limit:
        raise FormatError("limit-exceeded", f"blob {digest} has {size} bytes, over {limit}")
