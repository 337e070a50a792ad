"""``containers-storage:REF`` and ``docker-daemon:REF``: copied by skopeo, bytes and digests kept, or not at all.

skopeo's ``dir:`` form is read back: it keeps a manifest as it is, of OCI or docker's kind (containers-transports(5)).
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from airgap.digest import Digest, digest_of
from airgap.disk.host import host_errors
from airgap.disk.paths import private_folder, remove_tree
from airgap.disk.reading import BUFFER, open_regular, read_bounded
from airgap.errors import HostError, IntegrityError, SourceError
from airgap.limits import LIMITS
from airgap.oci.descriptor import Descriptor
from airgap.oci.manifest import media_type_of
from airgap.oci.referrer import Artifact
from airgap.process import Finished, run
from airgap.sources.image import FoundImage

TRANSPORTS: Final = ("containers-storage", "docker-daemon")
_COPY_SECONDS: Final = 4 * 3600  # a large image from a slow disk
_ASK_SECONDS: Final = 300
# What skopeo says when it would have to write other bytes than the digest stands for.
_NOT_KEPT: Final = re.compile(r"preserve digests|invalidates? (?:the )?digest|digests? .*preserv", re.IGNORECASE)
_NOT_FOUND: Final = re.compile(
    r"does not resolve to an image|identifier is not an image|no such image|reference does not|not found", re.IGNORECASE
)


class SkopeoCopy:
    """One image in a private folder, which is removed in the end."""

    is_remote = False

    def __init__(self, transport: str, reference: str) -> None:
        """Raises SourceError: digest-not-kept, source-not-found, source-invalid; HostError where skopeo is missing."""
        self._origin = f"{transport}:{reference}"
        self._transport = transport
        reported = _require_done(run(["skopeo", "inspect", "--raw", self._origin], timeout=_ASK_SECONDS), self._origin)
        self._folder = private_folder()
        try:
            copy = ["skopeo", "copy", "--quiet", "--all", "--preserve-digests", self._origin, f"dir:{self._folder}"]
            _require_done(run(copy, timeout=_COPY_SECONDS), self._origin)
            self._root = self._read_root(digest_of(reported))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        with contextlib.suppress(HostError):
            remove_tree(self._folder)

    def find(self, name: str | None, origin: str) -> FoundImage:
        note = f"{origin}: docker makes manifests anew; if this one is refused as unsigned, use docker:// or oci:"
        return FoundImage(self, self._root, origin, note if self._transport == "docker-daemon" else "")

    def has(self, digest: Digest) -> bool:
        return self._path(digest) is not None

    def artifacts(self, digest: Digest) -> list[Artifact]:
        """None: skopeo does not copy them."""
        return []

    def chunks(self, digest: Digest) -> Iterator[bytes]:
        path = self._path(digest)
        if path is None:
            raise SourceError("source-not-found", f"{self._origin}: skopeo copied no blob {digest}")
        with host_errors(str(path)), open_regular(path) as file:
            while chunk := file.read(BUFFER):
                yield chunk

    def _path(self, digest: Digest) -> Path | None:
        if digest == self._root.digest:
            return self._folder / "manifest.json"
        for name in (digest.hex, f"{digest.hex}.manifest.json"):
            if (self._folder / name).is_file():
                return self._folder / name
        return None

    def _read_root(self, reported: Digest) -> Descriptor:
        data = read_bounded(self._folder / "manifest.json", LIMITS.oci_manifest)
        if digest_of(data) != reported:
            raise IntegrityError(
                "manifest-digest-differs",
                f"{self._origin}: skopeo copied manifest {digest_of(data)}, the transport reports {reported}",
                hint="Something changed the image meanwhile, or it is damaged. Export from docker:// or oci: instead.",
            )
        media_type = media_type_of(data)
        if media_type is None:
            raise SourceError("source-invalid", f"{self._origin}: its manifest is of no supported kind")
        return Descriptor(media_type, reported, len(data))


def _require_done(done: Finished, origin: str) -> bytes:
    if done.status == 0:
        return done.stdout
    if _NOT_KEPT.search(done.complaint):
        raise SourceError("digest-not-kept", f"{origin}: it no longer holds the bytes of its digest: {done.complaint}")
    kind = "source-not-found" if _NOT_FOUND.search(done.complaint) else "source-invalid"
    raise SourceError(kind, f"{origin}: skopeo says {done.complaint}")
