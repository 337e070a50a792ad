"""Signatures in a lookaside tree: ``<repository path>@sha256=<hex>/signature-<N>`` (containers-registries.d(5))."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from airgap.digest import Digest
from airgap.errors import FormatError, SourceError
from airgap.files import host_errors, read_bounded
from airgap.limits import LIMITS
from airgap.reference import Repository

_SIGNATURE: Final = re.compile(r"signature-([1-9][0-9]{0,5})")


class LookasideFolder:
    """The root of a lookaside tree on disk."""

    def __init__(self, root: Path) -> None:
        """Raises SourceError(signatures-not-found) if there is no such folder."""
        if not root.is_dir():
            raise SourceError("signatures-not-found", f"{root}: no such folder of signatures")
        self._root = root

    def signatures(self, repository: Repository, digest: Digest) -> list[bytes]:
        """All signature files of an image, in their order. Raises FormatError(limit-exceeded), HostError."""
        names = [f"{repository.path}@sha256={digest.hex}", f"{repository}@sha256={digest.hex}"]
        return [data for name in names for data in self._read(self._root / name)]

    def _read(self, folder: Path) -> list[bytes]:
        if not folder.is_dir():
            return []
        with host_errors(str(folder)):
            found = [(int(match[1]), path) for path in folder.iterdir() if (match := _SIGNATURE.fullmatch(path.name))]
        return [read_bounded(path, LIMITS.signature_file) for _, path in sorted(found)]


def collect(lookasides: Iterable[LookasideFolder], repository: Repository, digest: Digest) -> list[bytes]:
    """The signatures of an image from several trees, each content once. Raises FormatError(limit-exceeded)."""
    found: dict[bytes, None] = {}
    for lookaside in lookasides:
        found.update(dict.fromkeys(lookaside.signatures(repository, digest)))
    if len(found) > LIMITS.signatures_per_image:
        raise FormatError(
            "limit-exceeded", f"{repository}@{digest} has {len(found)} signatures, over {LIMITS.signatures_per_image}"
        )
    return list(found)
