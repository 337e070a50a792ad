"""``docker-archive:FILE[:REF]``: what ``docker save`` writes, where it kept the manifest.

Since version 25 docker writes an OCI image layout and its own manifest.json into one tar; that layout is read. The
older form has layers and a configuration but no manifest: the digest that people signed cannot be had from it.
"""

from __future__ import annotations

import contextlib
import tarfile
from collections.abc import Iterator
from pathlib import Path

from airgap.digest import Digest
from airgap.errors import FormatError, SourceError
from airgap.oci.referrer import Artifact
from airgap.reference import parse_reference
from airgap.sources.image import FoundImage, choose
from airgap.sources.layout import LayoutArchive


class DockerArchive:
    """A docker archive that is an OCI archive, too."""

    is_remote = False

    def __init__(self, path: Path) -> None:
        """Raises SourceError(digest-not-kept) for the older form."""
        try:
            self._layout = LayoutArchive(path)
        except SourceError as error:
            if _is_classic(path):
                raise SourceError(
                    "digest-not-kept", f"{path}: this archive holds no manifest, so not the digest that was signed"
                ) from error
            raise

    def close(self) -> None:
        self._layout.close()

    def find(self, name: str | None, origin: str) -> FoundImage:
        """docker gives images their tag as name, beside the full reference."""
        images = self._layout.images()
        if name is not None and not any(name in (image.name, str(image.digest)) for image in images):
            with contextlib.suppress(FormatError):
                name = parse_reference(name).tag or name
        found = choose(self, images, name, origin)
        note = f"{origin}: docker may have made this manifest anew; if it is refused as unsigned, use docker://"
        return FoundImage(found.source, found.root, origin, note)

    def has(self, digest: Digest) -> bool:
        return self._layout.has(digest)

    def artifacts(self, digest: Digest) -> list[Artifact]:
        """None: docker keeps none."""
        return []

    def chunks(self, digest: Digest) -> Iterator[bytes]:
        return self._layout.chunks(digest)


def _is_classic(path: Path) -> bool:
    """Whether it has the member that all docker archives have."""
    with contextlib.suppress(OSError, tarfile.TarError), tarfile.open(path, "r:") as tar:
        return "manifest.json" in tar.getnames()
    return False
