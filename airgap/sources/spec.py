"""What an operator writes: ``[NAME=]TRANSPORT:…``, image lists and digest lists."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from airgap.bundle.manifest import is_digest_list_name
from airgap.digest import Digest, parse_hex_digest
from airgap.disk.reading import read_given
from airgap.errors import AirgapError, FormatError, SourceError, UsageError
from airgap.limits import LIMITS
from airgap.reference import Reference, parse_reference, parse_repository
from airgap.registry.access import Access
from airgap.sources.ahead import ReadAhead
from airgap.sources.docker_archive import DockerArchive
from airgap.sources.image import FoundImage, ImageSource
from airgap.sources.layout import LayoutArchive, LayoutFolder
from airgap.sources.registry import RegistrySource
from airgap.sources.skopeo import TRANSPORTS as SKOPEO_TRANSPORTS
from airgap.sources.skopeo import SkopeoCopy
from airgap.sources.spool import Spool

_SPEC: Final = re.compile(r"(?:(?P<name>[^=]+)=)?(?P<transport>[a-z-]+):(?P<rest>.+)", re.DOTALL)
REGISTRY: Final = "docker"
LOOK_UPS: Final = 8  # registries are asked for so many images at once
_FILES: Final = ("oci", "oci-archive", "docker-archive")
_DIGEST_LINE: Final = re.compile(r"([0-9a-f]{64})[ \t]+([a-z0-9][a-z0-9._/-]{0,254})")


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """One SOURCE argument, parsed: which image, and the repository that its signatures speak of.

    ``place`` is the file, the folder or the repository; ``name`` the image in it.
    """

    reference: Reference | None
    transport: str
    place: str
    name: str | None

    def __str__(self) -> str:
        if self.transport == REGISTRY:
            name = self.name or "latest"
            return f"{REGISTRY}://{self.place}{'@' if ':' in name else ':'}{name}"
        return f"{self.transport}:{self.place}" + ("" if self.name is None else f":{self.name}")


def parse_spec(text: str) -> SourceSpec:
    """Read ``[NAME=]SOURCE``. Raises UsageError for an unknown transport or a bad NAME."""
    match = _SPEC.fullmatch(text)
    if match is None or match["transport"] not in (REGISTRY, *_FILES, *SKOPEO_TRANSPORTS):
        known = ", ".join([f"{REGISTRY}://", *(f"{name}:" for name in (*_FILES, *SKOPEO_TRANSPORTS))])
        raise UsageError(
            "usage",
            f"{text[:200]!r}: a source begins with one of {known} (after NAME=, if given)",
            hint="An image in a registry is docker://HOST/REPOSITORY, one in an OCI layout oci:DIR:REF.",
        )
    try:
        reference = parse_reference(match["name"], "NAME") if match["name"] else None
        if reference is not None and reference.digest is not None:
            raise UsageError("usage", f"{match['name'][:200]!r}: NAME has no digest; the image's own is used")
        if match["transport"] == REGISTRY:
            return _registry_spec(match["rest"], reference)
    except FormatError as error:
        raise UsageError("usage", error.message, hint=error.hint) from None
    if match["transport"] in SKOPEO_TRANSPORTS:
        return SourceSpec(reference or _implied(match["rest"]), match["transport"], match["rest"], None)
    place, colon, name = match["rest"].partition(":")
    return SourceSpec(reference, match["transport"], place, name if colon else None)


def _registry_spec(rest: str, reference: Reference | None) -> SourceSpec:
    """``//HOST/REPO[:TAG|@DIGEST]``. Raises FormatError, UsageError."""
    if not rest.startswith("//"):
        raise UsageError("usage", f"docker:{rest[:200]}: write docker://HOST/REPOSITORY[:TAG|@DIGEST]")
    found = parse_reference(rest[2:], "docker://")
    name = str(found.digest) if found.digest is not None else found.tag
    return SourceSpec(reference or Reference(found.repository), REGISTRY, str(found.repository), name)


def _implied(name: str) -> Reference | None:
    """The repository of an image's name in a store of containers; None for an image id."""
    if name.startswith("sha256:"):
        return None
    try:
        return Reference(parse_reference(name).repository)
    except FormatError:
        return None


def specs_from_lists(place: str, lists: Mapping[str, Mapping[str, Digest]]) -> list[SourceSpec]:
    """``--from [NAME=]PREFIX``: every line of these digest lists as an image of a registry. Raises UsageError.

    PREFIX is where they are, NAME the prefix of the repositories that their signatures speak of.
    """
    if not lists:
        raise UsageError("usage", "--from says where the images of --digests are; give at least one digest list")
    name, equals, prefix = place.rpartition("=")
    lines = dict.fromkeys((line, digest) for found in lists.values() for line, digest in found.items())
    return [
        parse_spec((f"{name}/{line}=" if equals else "") + f"{REGISTRY}://{prefix}/{line}@{digest}")
        for line, digest in lines
    ]


def read_image_list(path: Path) -> list[str]:
    """An ``--images`` file: one ``[NAME=]SOURCE`` a line; empty lines and lines that start with # are passed over."""
    try:
        text = read_given(path, LIMITS.trust_file).decode("utf-8")
    except UnicodeDecodeError:
        raise SourceError("source-invalid", f"{path}: not UTF-8 text") from None
    lines = [line.strip() for line in text.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def parse_digest_list(data: bytes, where: str) -> dict[str, Digest]:
    """StageX's digests/*.txt: ``HEX NAME`` a line. Raises FormatError(digest-list-invalid)."""
    try:
        lines = data.decode("utf-8", "strict").splitlines()
    except UnicodeDecodeError:
        raise FormatError("digest-list-invalid", f"{where}: not UTF-8 text") from None
    found: dict[str, Digest] = {}
    for number, line in enumerate(lines, 1):
        match = _DIGEST_LINE.fullmatch(line.strip())
        if match is None:
            raise FormatError("digest-list-invalid", f"{where}: line {number} is not `HEX NAME`: {line[:120]!r}")
        digest = parse_hex_digest(match[1], where)
        if found.setdefault(match[2], digest) != digest:
            raise FormatError("digest-list-invalid", f"{where}: line {number} gives {match[2]} a second digest")
    return found


class Sources:
    """Opens each place once, however many images are taken from it."""

    def __init__(self, access: Access | None = None) -> None:
        """``access`` is how registries are reached; the caller closes it."""
        self._access = Access() if access is None else access
        self._opened: dict[tuple[str, str], ImageSource] = {}
        self._spool: Spool | None = None
        self._catalog: dict[Digest, ImageSource] = {}
        self._ahead: ReadAhead | None = None

    def __enter__(self) -> Sources:
        return self

    def __exit__(self, *_: object) -> None:
        if self._ahead is not None:
            self._ahead.close()
        for source in self._opened.values():
            source.close()
        if self._spool is not None:
            self._spool.close()

    def look_up(self, specs: Iterable[SourceSpec]) -> None:
        """Ask registries for all of these at once. What fails here fails again, in its turn, in find()."""

        def fetch(spec: SourceSpec) -> None:
            with contextlib.suppress(AirgapError):
                source = self._open(spec)
                if isinstance(source, RegistrySource):
                    source.fetch_documents(source.find(spec.name, str(spec)).root)

        remote = [spec for spec in specs if spec.transport == REGISTRY]
        for spec in remote:
            self._open(spec)
        with ThreadPoolExecutor(LOOK_UPS) as pool:
            for _ in pool.map(fetch, remote):
                pass

    def find(self, spec: SourceSpec) -> tuple[Reference, FoundImage]:
        """The image and the reference it is exported under. Raises SourceError."""
        found = self._open(spec).find(spec.name, str(spec))
        return spec.reference or _own_name(found), found

    def holding(self, digest: Digest) -> ImageSource:
        """A source that has this blob. Raises SourceError(source-not-found)."""
        if digest in self._catalog:
            return self._catalog[digest]
        for source in self._opened.values():
            if source.has(digest):
                return source
        raise SourceError("source-not-found", f"blob {digest} is in none of the sources", digest=str(digest))

    def announce(self, blobs: Iterable[tuple[Digest, int]]) -> None:
        """What chunks() will be asked for, in this order, with sizes: from now on, remote blobs are fetched ahead."""
        remote = [one for one in blobs if self.holding(one[0]).is_remote and not self._is_kept(one[0])]
        self._ahead = ReadAhead(remote, lambda digest: self.holding(digest).chunks(digest)) if remote else None

    def chunks(self, digest: Digest) -> Iterator[bytes]:
        """The bytes of a blob, from wherever it is. Raises SourceError, IntegrityError."""
        if self._ahead is not None and not self._is_kept(digest) and self.holding(digest).is_remote:
            return self._ahead.take(digest)
        return self.holding(digest).chunks(digest)

    def _is_kept(self, digest: Digest) -> bool:
        return self._spool is not None and digest in self._spool

    def _open(self, spec: SourceSpec) -> ImageSource:
        key = (spec.transport, spec.place)
        if key not in self._opened:
            self._opened[key] = self._make(spec)
        return self._opened[key]

    def _make(self, spec: SourceSpec) -> ImageSource:
        if spec.transport == REGISTRY:
            self._spool = self._spool or Spool()
            return RegistrySource(self._access.repository(parse_repository(spec.place)), self._spool, self._catalog)
        if spec.transport == "oci":
            return LayoutFolder(Path(spec.place))
        if spec.transport == "oci-archive":
            return LayoutArchive(Path(spec.place))
        if spec.transport == "docker-archive":
            return DockerArchive(Path(spec.place))
        return SkopeoCopy(spec.transport, spec.place)


def _own_name(found: FoundImage) -> Reference:
    """The repository that the image is called by in its own layout, if that is a full name."""
    name = found.root.name or ""
    try:
        if "/" in name:
            return Reference(parse_reference(name).repository)
    except AirgapError:
        pass
    raise SourceError("source-name-missing", f"{found.origin}: its layout does not say which repository it is")


def read_digest_lists(paths: Iterable[Path]) -> dict[str, bytes]:
    """Digest lists by the file names under which a bundle carries them.

    Raises UsageError for two of one name, or a name that a bundle cannot carry.
    """
    found: dict[str, bytes] = {}
    for path in paths:
        name = path.name.lower() if path.name.lower().endswith(".txt") else f"{path.name.lower()}.txt"
        if not is_digest_list_name(name):
            raise UsageError(
                "usage", f"{path}: a digest list's file name has letters, digits and . _ - only; rename it"
            )
        if name in found:
            raise UsageError("usage", f"{path}: there are two digest lists of this file name; rename one")
        found[name] = read_given(path, LIMITS.trust_file)
    return found


def require_listed(reference: Reference, digests: Iterable[Digest], lists: Iterable[dict[str, Digest]]) -> bool:
    """Whether a digest list names this image; raises SourceError(digest-list-mismatch) if it names another digest."""
    name = reference.repository.path.rpartition("/")[2]
    held = tuple(digests)
    listed = [found[key] for found in lists for key in (name, reference.repository.path) if key in found]
    if listed and not set(listed) & set(held):
        raise SourceError(
            "digest-list-mismatch",
            f"{reference}: the digest list names {listed[0]}, the image is {held[0]}",
            listed=str(listed[0]),
            found=str(held[0]),
        )
    return bool(listed)
