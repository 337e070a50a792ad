"""What a store keeps beside its images, so that they can be judged again: who signed them, and artifacts about them.

signatures/<repository path>@sha256=…/signature-N     a lookaside tree
referrers/<hex>                                       the blobs of artifacts
referrers/<image hex>.json                            which image has which artifacts
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from airgap.digest import Digest
from airgap.disk.paths import is_there
from airgap.disk.reading import read_bounded
from airgap.disk.writing import pending_files, sync_all, write_whole
from airgap.errors import FormatError, IntegrityError
from airgap.limits import LIMITS
from airgap.oci.referrer import Referrer, parse_referrers
from airgap.store.blobs import read_blob
from airgap.store.changes import Changes
from airgap.strict_json import StrictJSONError, canonical, parse
from airgap.verify import UntrustedImage

SIGNATURES_FOLDER: Final = "signatures"
REFERRERS_FOLDER: Final = "referrers"


@dataclass(frozen=True, slots=True)
class SignatureFile:
    """One that came with a bundle, and whether it counts for an image of it."""

    data: bytes
    counts: bool


class Evidence:
    """The evidence in the folder of a store."""

    def __init__(self, store: Path) -> None:
        self._signatures = store / SIGNATURES_FOLDER
        self._referrers = store / REFERRERS_FOLDER

    def signatures(self, image: UntrustedImage) -> dict[str, bytes]:
        """The signature files of an image by their path in the store. Raises FormatError, HostError."""
        files = _read_signatures(self._signatures / image.lookaside)
        return {
            f"{SIGNATURES_FOLDER}/{image.lookaside}/signature-{number}": data for number, data in enumerate(files, 1)
        }

    def referrers(self, image: UntrustedImage) -> tuple[Referrer, ...]:
        """The artifacts about an image. Raises FormatError, IntegrityError."""
        path = self._list(image.digest)
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

    def artifact(self, digest: Digest, size: int) -> bytes:
        """A blob of an artifact, hashed again. Raises FormatError(limit-exceeded), IntegrityError, HostError."""
        return read_blob(self._referrers / digest.hex, digest, size, LIMITS.referrer_blob)

    def keep_signatures(self, files: Mapping[str, SignatureFile], changes: Changes) -> None:
        """Add signature files, by their path in the lookaside tree; one that is there under any number is not repeated.

        A full folder gives the places of older files to those that count: what a bundle was accepted by is there whole,
        whatever others brought before. The rest is kept while the folder is not half full: it may count under another
        trust root, and must not take the places of what does.
        """
        folders: dict[Path, list[SignatureFile]] = {}
        for name, file in files.items():
            folders.setdefault((self._signatures / name).parent, []).append(file)
        with pending_files() as create:
            for folder, given in folders.items():
                changes.make_folder(folder)
                for number, data in _places(_read_signatures(folder), given):
                    path = folder / f"signature-{number}"
                    changes.will_write(path, LIMITS.signature_file)
                    pending = create(path)
                    pending.write(data)
                    pending.pause()

    def keep_referrers(
        self, blobs: Mapping[Digest, Path], lists: Iterable[tuple[Digest, Sequence[Referrer]]], changes: Changes
    ) -> None:
        """Take in the ``blobs`` of artifacts, each from a file, and write for each image which artifacts it has."""
        if not blobs:
            return
        changes.make_folder(self._referrers)
        sync_all(list(blobs.values()))
        for digest, path in blobs.items():
            changes.move_in(path, self._referrers / digest.hex)
        for image, referrers in lists:
            if referrers:
                changes.will_write(self._list(image), LIMITS.oci_manifest)
                write_whole(self._list(image), canonical([one.document for one in referrers]))

    def _list(self, image: Digest) -> Path:
        return self._referrers / f"{image.hex}.json"


def _read_signatures(folder: Path) -> list[bytes]:
    found: list[bytes] = []
    while is_there(path := folder / f"signature-{len(found) + 1}"):
        if len(found) == LIMITS.signatures_per_image:
            raise FormatError("limit-exceeded", f"{folder} holds more than {LIMITS.signatures_per_image} signatures")
        found.append(read_bounded(path, LIMITS.signature_file))
    return found


def _places(kept: Sequence[bytes], given: Sequence[SignatureFile]) -> Iterator[tuple[int, bytes]]:
    """What is to be written, and its number: a free one; for what counts also an older file's or a second copy's."""
    good = {file.data: None for file in given if file.counts}
    needed = {data: number for number, data in enumerate(kept, 1) if data in good}
    free = itertools.count(len(kept) + 1)
    older = (number for number, data in enumerate(kept, 1) if needed.get(data) != number)
    there = len(kept)
    for data in good:
        if data not in needed:
            yield (next(free) if there < LIMITS.signatures_per_image else next(older)), data
            there += 1
    for data in dict.fromkeys(file.data for file in given if not file.counts):
        if data not in kept and there < LIMITS.signatures_per_image // 2:
            yield next(free), data
            there += 1
