"""One repository of a registry, read: manifests as served, blobs resumed and hashed, tags (distribution-spec).

For writing see push.py. Everything raises RegistryProblem; its message names registry, repository and digest.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from airgap.digest import Digest, digest_of, parse_digest
from airgap.errors import AirgapError, FormatError, UsageError
from airgap.limits import LIMITS
from airgap.oci.descriptor import INDEXES, MANIFESTS, OCI_INDEX, OCI_MANIFEST, Descriptor, parse_descriptor
from airgap.oci.manifest import media_type_of
from airgap.reference import Repository
from airgap.registry.auth import Authenticator
from airgap.registry.client import Body, Client, Response
from airgap.registry.location import Location, is_loopback, parse_location
from airgap.registry.problem import Reason, RegistryProblem
from airgap.strict_json import Fields, StrictJSONError, parse

_HUB: Final = "registry-1.docker.io"  # where docker.io's API lives
_ACCEPT: Final = ", ".join(sorted(INDEXES | MANIFESTS))
COSIGN: Final = ("sig", "att", "sbom")  # cosign's tags: sha256-HEX and one of these
_MESSAGE_MAX: Final = 64 * 1024  # bytes of an error answer that are read
_SHOWN: Final = 200  # characters of a registry's own words that are repeated
_FRUITLESS_MAX: Final = 5  # answers in a row that bring no further byte of a blob
_RESUMES_MAX: Final = 1000  # a line that breaks more often than this will not get better
_RANGE: Final = re.compile(r"bytes ([0-9]{1,19})-[0-9]{1,19}/(?:[0-9]{1,19}|\*)")


@dataclass(frozen=True, slots=True)
class Document:
    """A manifest or index, its bytes exactly as served and already hashed: they are what ``descriptor`` says."""

    descriptor: Descriptor
    data: bytes


@dataclass(slots=True)
class RemoteRepository:
    """``name`` on its registry. Safe to use from several threads.

    With the client's ``plain_http`` the registry is asked over http, and must be this machine: else UsageError.
    """

    name: Repository
    client: Client
    authenticator: Authenticator

    def __post_init__(self) -> None:
        if self.client.settings.plain_http and not is_loopback(_host(self.name.domain)):
            raise UsageError(
                "usage",
                f"--plain-http is for registries on this machine, and {self.name.domain} is another one",
                hint="Leave --plain-http out; for a registry with a certificate of your own give --ca-file.",
            )

    def __str__(self) -> str:
        return str(self.name)

    @property
    def registry(self) -> Location:
        domain = _HUB if self.name.domain == "docker.io" else self.name.domain
        scheme = "http" if self.client.settings.plain_http else "https"
        return parse_location(f"{scheme}://{domain}/", "registry")

    def manifest(self, reference: Digest | str) -> Document:
        """The manifest or index of a digest, or of a tag at this moment.

        A digest's bytes must hash to it; a tag's to what the registry itself calls them. NOT_FOUND if there is none.
        """
        what = f"{self}@{reference}" if isinstance(reference, Digest) else f"{self}:{reference}"
        with self.open("GET", f"manifests/{reference}", {"Accept": _ACCEPT}) as response:
            self.require_status(response, what, 200)
            data = response.body(LIMITS.oci_manifest)
            claimed = response.header("Docker-Content-Digest")
            served_type = response.header("Content-Type").partition(";")[0].strip()
        found = digest_of(data)
        expected = reference if isinstance(reference, Digest) else _digest(claimed, what) if claimed else found
        if found != expected:
            raise RegistryProblem(
                Reason.DIFFERS, f"{what}: the registry serves other bytes ({found}) than those of {expected}"
            )
        return Document(Descriptor(_media_type(served_type, data, what), found, len(data)), data)

    def blob(self, digest: Digest, size: int) -> Iterator[bytes]:
        """The bytes of a blob. A broken transfer is resumed where it broke; the whole is hashed and measured.

        DIFFERS is raised after the last piece if they are not the blob's; then nothing of them may be used.
        """
        hasher, got, fruitless = hashlib.sha256(), 0, 0
        for _ in range(_RESUMES_MAX):
            before = got
            try:
                for piece in self._blob_from(digest, got, size):
                    hasher.update(piece)
                    got += len(piece)
                    if got > size:
                        raise self._differs(digest, f"more than the {size} bytes that its manifest says")
                    yield piece
            except RegistryProblem as problem:
                if problem.reason is not Reason.UNREACHABLE:
                    raise
                fruitless = fruitless + 1 if got == before else 0
                if fruitless == _FRUITLESS_MAX:
                    raise RegistryProblem(
                        problem.reason, f"{self}: blob {digest}: {got} of {size} bytes came: {problem}"
                    ) from problem
                self.client.settings.pause(0.2 * 2**fruitless)
                continue
            if got < size:
                raise self._differs(digest, f"{got} bytes, its manifest says {size}")
            if hasher.hexdigest() != digest.hex:
                raise self._differs(digest, f"other bytes (sha256:{hasher.hexdigest()})")
            return
        raise RegistryProblem(Reason.UNREACHABLE, f"{self}: blob {digest}: the transfer broke {_RESUMES_MAX} times")

    def referrers(self, digest: Digest) -> list[Digest]:
        """The artifacts that speak of an image: OCI 1.1's API, else its fallback tag; and the tags that cosign uses.

        What a registry says in its first answer; whether an artifact is about the image is for its reader to see.
        """
        with self.open("GET", f"referrers/{digest}", {"Accept": OCI_INDEX}) as response:
            is_known = response.status == 200 and response.header("Content-Type").startswith(OCI_INDEX)
            index = response.body(LIMITS.oci_manifest) if is_known else None
        if index is None:
            index = self._tagged(f"sha256-{digest.hex}")
        found = dict.fromkeys(_listed(index, f"{self}: referrers of {digest}") if index is not None else [])
        for suffix in COSIGN:
            data = self._tagged(f"sha256-{digest.hex}.{suffix}")
            if data is not None:
                found[digest_of(data)] = None
        return list(found)

    def _tagged(self, tag: str) -> bytes | None:
        try:
            return self.manifest(tag).data
        except RegistryProblem as problem:
            if problem.reason is Reason.NOT_FOUND:
                return None
            raise

    def tags(self) -> list[str]:
        """The names of all tags, as far as the registry lists them in one answer."""
        with self.open("GET", "tags/list") as response:
            self.require_status(response, f"{self}: its tags", 200)
            data = response.body(LIMITS.oci_manifest)
        try:
            fields = Fields(parse(data), "tags")
            return fields.strings("tags", most=LIMITS.oci_index_entries)
        except StrictJSONError as error:
            raise RegistryProblem(Reason.INVALID, f"{self}: {error}") from None

    @contextlib.contextmanager
    def open(
        self,
        method: str,
        path: str | Location,
        headers: Mapping[str, str] | None = None,
        body: Body | None = None,
        *,
        scope: str | None = None,
    ) -> Iterator[Response]:
        """One request to this repository's API, logged in if the registry wants it. Any status may come back but 401.

        ``path`` is below ``/v2/NAME/``, or a Location that the registry gave: credentials go with it only if it is on
        the registry itself.
        """
        location = path if isinstance(path, Location) else self.registry.at(f"/v2/{self.name.path}/{path}")
        scope = scope or f"repository:{self.name.path}:pull"
        is_ours = location.origin == self.registry.origin
        used = self.authenticator.header(self.registry, scope) if is_ours else None
        with self.client.open(method, location, _with(headers, used), body) as response:
            # Who redirected us elsewhere cannot make us log in there.
            if response.status != 401 or response.location.origin != self.registry.origin:
                yield response
                return
            fresh = self.authenticator.answer(response, self.name, scope, used)
        with self.client.open(method, location, _with(headers, fresh), body) as response:
            yield response

    def require_status(self, response: Response, what: str, *expected: int) -> None:
        """Raise the RegistryProblem that an unexpected status stands for, with the registry's own words."""
        if response.status in expected:
            return
        reason = {401: Reason.DENIED, 403: Reason.DENIED, 404: Reason.NOT_FOUND}.get(response.status)
        if reason is None:
            reason = Reason.UNREACHABLE if response.status >= 500 or response.status in (408, 429) else Reason.INVALID
        raise RegistryProblem(reason, f"{what}: {response.location} answers {response.status}{_words(response)}")

    def _blob_from(self, digest: Digest, start: int, size: int) -> Iterator[bytes]:
        """The bytes from ``start`` on; a server that does not know ranges is read again up to there."""
        left = size - start
        headers = {"Range": f"bytes={start}-"} if start else {}
        with self.open("GET", f"blobs/{digest}", headers) as response:
            self.require_status(response, f"{self}: blob {digest}", *((200, 206) if start else (200,)))
            if response.status == 206:
                match = _RANGE.fullmatch(response.header("Content-Range"))
                if match is None or int(match[1]) != start:
                    raise RegistryProblem(
                        Reason.INVALID, f"{self}: blob {digest}: the registry sends another part than was asked for"
                    )
                start = 0
            for piece in response.chunks():
                skipped = min(start, len(piece))
                start -= skipped
                left -= len(piece) - skipped
                if skipped < len(piece):
                    yield piece[skipped:]
            if left > 0 and response.length is None:
                # Without an announced size a broken transfer looks like a short blob.
                raise RegistryProblem(Reason.UNREACHABLE, f"{response.location}: the answer ended early")

    def _differs(self, digest: Digest, found: str) -> RegistryProblem:
        return RegistryProblem(Reason.DIFFERS, f"{self}: blob {digest}: the registry serves {found}")


def _listed(index: bytes, what: str) -> list[Digest]:
    """The artifact manifests of an answer of the referrers API. Raises RegistryProblem(INVALID)."""
    try:
        entries = Fields(parse(index), "referrers").array("manifests", most=LIMITS.oci_index_entries)
        described = [parse_descriptor(entry, f"manifests[{i}]") for i, entry in enumerate(entries)]
    except (StrictJSONError, AirgapError) as error:
        raise RegistryProblem(Reason.INVALID, f"{what}: {error}") from None
    return [one.digest for one in described if one.media_type == OCI_MANIFEST]


def _with(headers: Mapping[str, str] | None, authorization: str | None) -> dict[str, str]:
    return dict(headers or {}) | ({} if authorization is None else {"Authorization": authorization})


def _host(domain: str) -> str:
    host, colon, port = domain.rpartition(":")
    return host if colon and port.isdecimal() else domain


def _digest(text: str, what: str) -> Digest:
    try:
        return parse_digest(text, what)
    except FormatError as error:
        raise RegistryProblem(Reason.INVALID, error.message) from None


def _media_type(served: str, data: bytes, what: str) -> str:
    """As served; a server of plain files does not know it, then the document says it."""
    found = served if served in INDEXES | MANIFESTS else media_type_of(data)
    if found is None:
        raise RegistryProblem(Reason.INVALID, f"{what}: {served[:100]!r} is no image manifest or index of a known kind")
    return found


def _words(response: Response) -> str:
    """The messages of an error answer (distribution-spec, error codes), as far as it has any."""
    with contextlib.suppress(RegistryProblem, StrictJSONError):
        errors = Fields(parse(response.body(_MESSAGE_MAX), floats=True), "answer").array("errors", most=100)
        words = [Fields(one, "error").string("message") for one in errors]
        return f": {'; '.join(words)[:_SHOWN]}" if words else ""
    return ""
