"""What an operator writes: ``[NAME=]TRANSPORT:…``, image lists and digest lists."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from airgap.bundle.manifest import is_digest_list_name
from airgap.digest import Digest, parse_hex_digest
from airgap.errors import AirgapError, FormatError, SourceError, UsageError
from airgap.files import read_given
from airgap.limits import LIMITS
from airgap.reference import Reference, parse_reference
from airgap.sources.image import FoundImage, ImageSource, choose
from airgap.sources.layout import LayoutArchive, LayoutFolder

_SPEC: Final = re.compile(r"(?:(?P<name>[^=]+)=)?(?P<transport>[a-z-]+):(?P<rest>.+)", re.DOTALL)
_TRANSPORTS: Final[dict[str, Callable[[Path], ImageSource]]] = {"oci": LayoutFolder, "oci-archive": LayoutArchive}
_DIGEST_LINE: Final = re.compile(r"([0-9a-f]{64})[ \t]+([a-z0-9][a-z0-9._/-]{0,254})")


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """One SOURCE argument, parsed: which image, and the repository that its signatures speak of."""

    reference: Reference | None
    transport: str
    path: Path
    name: str | None

    def __str__(self) -> str:
        return f"{self.transport}:{self.path}" + ("" if self.name is None else f":{self.name}")


def parse_spec(text: str) -> SourceSpec:
    """Read ``[NAME=]SOURCE``. Raises UsageError for an unknown transport or a bad NAME."""
    match = _SPEC.fullmatch(text)
    if match is None or match["transport"] not in _TRANSPORTS:
        known = ", ".join(f"{name}:" for name in sorted(_TRANSPORTS))
        raise UsageError("usage", f"{text[:200]!r}: a source begins with one of {known} (after NAME=, if given)")
    try:
        reference = parse_reference(match["name"], "NAME") if match["name"] else None
    except FormatError as error:
        raise UsageError("usage", error.message, hint=error.hint) from None
    if reference is not None and reference.digest is not None:
        raise UsageError("usage", f"{match['name'][:200]!r}: NAME has no digest; the image's own is used")
    path, colon, name = match["rest"].partition(":")
    return SourceSpec(reference, match["transport"], Path(path), name if colon else None)


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

    def __init__(self) -> None:
        self._opened: dict[tuple[str, Path], ImageSource] = {}

    def __enter__(self) -> Sources:
        return self

    def __exit__(self, *_: object) -> None:
        for source in self._opened.values():
            source.close()

    def find(self, spec: SourceSpec) -> tuple[Reference, FoundImage]:
        """The image and the reference it is exported under. Raises SourceError."""
        key = (spec.transport, spec.path)
        if key not in self._opened:
            self._opened[key] = _TRANSPORTS[spec.transport](spec.path)
        found = choose(self._opened[key], spec.name, str(spec))
        return spec.reference or _own_name(found), found

    def holding(self, digest: Digest) -> ImageSource:
        """A source that has this blob. Raises SourceError(source-not-found)."""
        for source in self._opened.values():
            if source.has(digest):
                return source
        raise SourceError("source-not-found", f"blob {digest} is in none of the sources", digest=str(digest))


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
