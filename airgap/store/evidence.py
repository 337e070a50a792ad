"""What a store keeps beside its images, so that they can be judged again: who signed them, and artifacts about them.

signatures/<repository path>@sha256=…/signature-N     a lookaside tree
referrers/<hex>                                       the blobs of artifacts
referrers/<image hex>.json                            which image has which artifacts
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
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

    def keep_signatures(self, files: Mapping[str, bytes], changes: Changes) -> None:
        """Add signature files, by their path in the lookaside tree; one that is there under any number is not repeated.

        A full folder gives the places of older files to new ones: what a bundle was accepted by is always there whole,
        whatever others brought before.
        """
        folders: dict[Path, list[bytes]] = {}
        for name, data in files.items():
            folders.setdefault((self._signatures / name).parent, []).append(data)
        with pending_files() as create:
            for folder, given in folders.items():
                changes.make_folder(folder)
                for number, data in _places(_read_signatures(folder), given):
                    path = folder / f"signature-{number}"
                    changes.will_write(path, LIMITS.signature_file)
                    file = create(path)
                    file.write(data)
                    file.pause()

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


def _places(kept: Sequence[bytes], given: Sequence[bytes]) -> Iterable[tuple[int, bytes]]:
    """Each file that is not kept yet, and its number: a free one, or that of a file not given, or there twice."""
    wanted = set(given)
    needed = {data: number for number, data in enumerate(kept, 1) if data in wanted}
    free = range(len(kept) + 1, LIMITS.signatures_per_image + 1)
    older = (number for number, data in enumerate(kept, 1) if needed.get(data) != number)
    new = [data for data in dict.fromkeys(given) if data not in needed]
    return zip(itertools.chain(free, older), new, strict=False)
