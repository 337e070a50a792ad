"""``oci:DIR`` and ``oci-archive:FILE``: an OCI image layout in a folder, or in a plain tar."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path

from airgap.digest import Digest
from airgap.disk.host import host_errors
from airgap.disk.paths import is_there
from airgap.disk.reading import BUFFER, open_regular, read_bounded
from airgap.errors import FormatError, HostError, SourceError
from airgap.limits import LIMITS
from airgap.oci.descriptor import Descriptor
from airgap.oci.layout import INDEX_FILE, LAYOUT_FILE, blob_path, parse_layout, parse_layout_index
from airgap.oci.referrer import Artifact
from airgap.sources.image import FoundImage, choose


class LayoutFolder:
    """An OCI image layout folder."""

    is_remote = False

    def __init__(self, folder: Path) -> None:
        """Raises SourceError(source-not-found, source-invalid)."""
        self._folder = folder
        self._images = _parse(folder, self._read(LAYOUT_FILE), self._read(INDEX_FILE))

    def close(self) -> None:
        """Nothing is kept open."""

    def images(self) -> tuple[Descriptor, ...]:
        """The images that index.json lists, with their names."""
        return self._images

    def find(self, name: str | None, origin: str) -> FoundImage:
        return choose(self, self._images, name, origin)

    def has(self, digest: Digest) -> bool:
        return is_there(self._folder / blob_path(digest))

    def artifacts(self, digest: Digest) -> list[Artifact]:
        """Layouts list images, not what speaks of them."""
        return []

    def chunks(self, digest: Digest) -> Iterator[bytes]:
        path = self._folder / blob_path(digest)
        try:
            file = open_regular(path)
        except HostError as error:
            if not error.is_absence:
                raise
            raise SourceError("source-not-found", f"{self._folder}: blob {digest} cannot be read: {error}") from error
        with host_errors(str(path)), file:
            while chunk := file.read(BUFFER):
                yield chunk

    def _read(self, name: str) -> bytes:
        try:
            return read_bounded(self._folder / name, LIMITS.bundle_manifest)
        except HostError as error:
            if not error.is_absence:
                raise
            raise SourceError(
                "source-not-found", f"no OCI layout: {error.message} (after oci:DIR, a colon begins the image's name)"
            ) from error


class LayoutArchive:
    """An OCI image layout in an uncompressed tar file, read in place."""

    is_remote = False

    def __init__(self, path: Path) -> None:
        """Raises SourceError(source-not-found, source-invalid)."""
        self._path = path
        try:
            with host_errors(str(path)):
                self._tar = tarfile.open(path, "r:")  # noqa: SIM115  # open as long as the export runs
        except (HostError, tarfile.TarError) as error:
            if isinstance(error, HostError) and not error.is_absence:
                raise
            raise SourceError("source-not-found", f"{path} is no OCI archive: {error}") from error
        try:
            with host_errors(str(path)):
                self._members = {member.name.removeprefix("./"): member for member in self._tar if member.isreg()}
            self._images = _parse(path, self._read(LAYOUT_FILE), self._read(INDEX_FILE))
        except tarfile.TarError as error:
            self.close()
            raise SourceError("source-invalid", f"{path}: the archive is damaged: {error}") from error
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._tar.close()

    def images(self) -> tuple[Descriptor, ...]:
        """The images that index.json lists, with their names."""
        return self._images

    def find(self, name: str | None, origin: str) -> FoundImage:
        return choose(self, self._images, name, origin)

    def has(self, digest: Digest) -> bool:
        return blob_path(digest) in self._members

    def artifacts(self, digest: Digest) -> list[Artifact]:
        """Layouts list images, not what speaks of them."""
        return []

    def chunks(self, digest: Digest) -> Iterator[bytes]:
        return self._chunks(blob_path(digest))

    def _chunks(self, name: str) -> Iterator[bytes]:
        member = self._members.get(name)
        file = None if member is None else self._tar.extractfile(member)
        if file is None:
            raise SourceError("source-not-found", f"{self._path} holds no {name}")
        try:
            with file, host_errors(str(self._path)):
                while chunk := file.read(BUFFER):
                    yield chunk
        except tarfile.TarError as error:
            raise SourceError("source-invalid", f"{self._path}: {name} is damaged: {error}") from error

    def _read(self, name: str) -> bytes:
        member = self._members.get(name)
        if member is not None and member.size > LIMITS.bundle_manifest:
            raise SourceError("source-invalid", f"{self._path}: {name} is over the limit")
        return b"".join(self._chunks(name))


def _parse(origin: Path, layout: bytes, index: bytes) -> tuple[Descriptor, ...]:
    try:
        parse_layout(layout)
        return parse_layout_index(index)
    except FormatError as error:
        raise SourceError("source-invalid", f"{origin}: {error.message}") from error
