"""Writing into a repository: blobs, manifests byte for byte, and taking them out again (distribution-spec, push)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from airgap.digest import Digest, digest_of
from airgap.oci.descriptor import Descriptor
from airgap.reference import Repository
from airgap.registry.client import Body, Response, require_no_downgrade
from airgap.registry.location import Location
from airgap.registry.problem import Reason, RegistryProblem
from airgap.registry.repository import RemoteRepository

_ATTEMPTS: Final = 3  # of a whole upload: it cannot be resumed by every registry
_TYPE: Final = {"Content-Type": "application/octet-stream"}


@dataclass(frozen=True, slots=True)
class Pusher:
    """Uploads into one repository. Parents come last: a registry refuses a manifest whose blobs it does not hold."""

    repository: RemoteRepository

    def holds_blob(self, descriptor: Descriptor) -> bool:
        """Whether the registry says that it holds a blob of this digest and size here. It is not read."""
        return self._holds(f"blobs/{descriptor.digest}", descriptor)

    def holds_manifest(self, descriptor: Descriptor) -> bool:
        """Like holds_blob(). To be sure of what a registry serves, read RemoteRepository.manifest()."""
        return self._holds(f"manifests/{descriptor.digest}", descriptor)

    def put_blob(
        self, descriptor: Descriptor, pieces: Callable[[], Iterable[bytes]], *, source: Repository | None = None
    ) -> bool:
        """Upload a blob unless it is there; False if nothing needed to be sent.

        ``pieces`` yields its bytes and is called again for a further attempt; an error that it raises ends the upload
        before the registry can complete it. ``source`` is a repository of this registry that may hold the blob: then
        it is mounted from there.
        """
        if self.holds_blob(descriptor):
            return False
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return self._upload(descriptor, pieces, source)
            except RegistryProblem as problem:
                if problem.reason is not Reason.UNREACHABLE or attempt == _ATTEMPTS:
                    raise
                self.repository.client.settings.pause(0.5 * 2**attempt)
        raise RuntimeError("no attempt was made")

    def put_manifest(self, descriptor: Descriptor, data: bytes, tag: str | None = None) -> None:
        """Store a manifest or index, byte for byte, under its digest or under ``tag``.

        Raises RegistryProblem(DIFFERS) if the registry answers with another digest.
        """
        if digest_of(data) != descriptor.digest:
            raise ValueError("these are not the bytes of the descriptor")
        body = Body(len(data), lambda: [data])
        path, headers = f"manifests/{tag or descriptor.digest}", {"Content-Type": descriptor.media_type}
        with self.repository.open("PUT", path, headers, body, scope=self._scope()) as response:
            self.repository.require_status(response, f"{self.repository}: manifest {descriptor.digest}", 201)
            self._require_digest(response, descriptor)

    def delete_manifest(self, reference: Digest | str) -> bool:
        """Take a manifest out, with all its tags; or one tag alone, which not all registries do.

        False if it was not there, or the registry does not delete.
        """
        with self.repository.open("DELETE", f"manifests/{reference}", scope=self._scope()) as response:
            self.repository.require_status(response, f"{self.repository}: {reference}", 202, 400, 404, 405)
            return response.status == 202

    def _holds(self, path: str, descriptor: Descriptor) -> bool:
        headers = {"Accept": descriptor.media_type}
        with self.repository.open("HEAD", path, headers, scope=self._scope()) as response:
            self.repository.require_status(response, f"{self.repository}: {descriptor.digest}", 200, 404)
            return response.status == 200 and response.length == descriptor.size

    def _upload(self, descriptor: Descriptor, pieces: Callable[[], Iterable[bytes]], source: Repository | None) -> bool:
        what = f"{self.repository}: blob {descriptor.digest}"
        path = "blobs/uploads/" + (f"?mount={descriptor.digest}&from={source.path}" if source is not None else "")
        empty = Body(0, lambda: [])
        with self.repository.open("POST", path, body=empty, scope=self._scope(source)) as response:
            self.repository.require_status(response, what, 202, *((201,) if source is not None else ()))
            if response.status == 201:
                return False
            upload = response.location.resolve(response.header("Location"))
            require_no_downgrade(response.location, upload)
        body = Body(descriptor.size, pieces)
        target = _with_digest(upload, descriptor.digest)
        with self.repository.open("PUT", target, _TYPE, body, scope=self._scope(source)) as response:
            self.repository.require_status(response, what, 201)
            self._require_digest(response, descriptor)
        return True

    def _require_digest(self, response: Response, descriptor: Descriptor) -> None:
        claimed = response.header("Docker-Content-Digest")
        if claimed and claimed != str(descriptor.digest):
            raise RegistryProblem(
                Reason.DIFFERS, f"{self.repository}: {descriptor.digest} was stored as {claimed[:100]}"
            )

    def _scope(self, source: Repository | None = None) -> str:
        own = f"repository:{self.repository.name.path}:pull,push"
        return own if source is None else f"{own} repository:{source.path}:pull"


def _with_digest(upload: Location, digest: Digest) -> Location:
    return upload.at(f"{upload.target}{'&' if '?' in upload.target else '?'}digest={digest}")
