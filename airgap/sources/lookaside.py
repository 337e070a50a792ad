"""Signatures in a lookaside tree: ``<repository path>@sha256=<hex>/signature-<N>`` (containers-registries.d(5))."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from airgap.digest import Digest
from airgap.disk.host import host_errors
from airgap.disk.paths import is_folder, is_there
from airgap.disk.reading import read_bounded, read_given
from airgap.errors import FormatError, SourceError
from airgap.limits import LIMITS
from airgap.reference import Repository
from airgap.registry.access import Access, is_url, parse_url
from airgap.registry.location import Location
from airgap.sources.problem import source_errors
from airgap.trust.evidence import SIGNATURE_FILE


class Lookaside(Protocol):
    """The root of a lookaside tree."""

    def signatures(self, repository: Repository, digest: Digest) -> list[bytes]:
        """All signature files of an image, in their order. Raises FormatError(limit-exceeded) and others."""


class LookasideFolder:
    """The root of a lookaside tree on disk."""

    def __init__(self, root: Path) -> None:
        """Raises SourceError(signatures-not-found) if there is no such folder."""
        if not (is_there(root) and is_folder(root)):
            raise SourceError("signatures-not-found", f"{root}: no such folder of signatures")
        self._root = root

    def signatures(self, repository: Repository, digest: Digest) -> list[bytes]:
        return [data for name in _folders(repository, digest) for data in self._read(self._root / name)]

    def _read(self, folder: Path) -> list[bytes]:
        if not (is_there(folder) and is_folder(folder)):
            return []
        with host_errors(str(folder)):
            found = [
                (int(match[1]), path) for path in folder.iterdir() if (match := SIGNATURE_FILE.fullmatch(path.name))
            ]
        return [read_bounded(path, LIMITS.signature_file) for _, path in sorted(found)]


class LookasideServer:
    """The root of a lookaside tree on a web server: files are counted from 1 up to the first that is not there."""

    def __init__(self, access: Access, root: Location) -> None:
        self._access = access
        self._root = root

    def signatures(self, repository: Repository, digest: Digest) -> list[bytes]:
        return [data for name in _folders(repository, digest) for data in self._read(name)]

    def _read(self, folder: str) -> list[bytes]:
        found: list[bytes] = []
        with source_errors():
            while (data := self._get(f"{folder}/signature-{len(found) + 1}")) is not None:
                found.append(data)
                if len(found) > LIMITS.signatures_per_image:
                    raise _too_many(f"{self._root}: {folder}")
        return found

    def _get(self, path: str) -> bytes | None:
        return self._access.get(self._root.at(f"{self._root.target.rstrip('/')}/{path}"), LIMITS.signature_file)


def open_lookaside(text: str, access: Access) -> Lookaside:
    """A folder, or an http(s) address. Raises SourceError(signatures-not-found), UsageError."""
    return LookasideServer(access, parse_url(text)) if is_url(text) else LookasideFolder(Path(text))


def read_file_or_url(text: str, limit: int, access: Access) -> bytes:
    """A file of evidence, from disk or from a web server. Raises HostError, SourceError, UsageError."""
    if not is_url(text):
        return read_given(Path(text), limit)
    with source_errors():
        data = access.get(parse_url(text), limit)
    if data is None:
        raise SourceError("source-not-found", f"{text[:200]}: the server has no such file")
    return data


def _folders(repository: Repository, digest: Digest) -> list[str]:
    """Lookaside trees name a repository without its registry; some keep it."""
    return [f"{repository.path}@sha256={digest.hex}", f"{repository}@sha256={digest.hex}"]


def collect(lookasides: Iterable[Lookaside], repository: Repository, digest: Digest) -> list[bytes]:
    """The signatures of an image from several trees, each content once. Raises FormatError(limit-exceeded)."""
    found: dict[bytes, None] = {}
    for lookaside in lookasides:
        found.update(dict.fromkeys(lookaside.signatures(repository, digest)))
    if len(found) > LIMITS.signatures_per_image:
        raise _too_many(f"{repository}@{digest}")
    return list(found)


def _too_many(what: str) -> FormatError:
    return FormatError("limit-exceeded", f"{what} has more than {LIMITS.signatures_per_image} signatures")
