"""Docker image references, parsed and normalised once (distribution/reference: grammar and ``ParseNormalizedNamed``).

``stagex/x`` and ``docker.io/stagex/x`` are the same repository; ``busybox`` is ``docker.io/library/busybox``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from airgap.digest import Digest, parse_digest
from airgap.errors import FormatError

_COMPONENT: Final = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH: Final = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_LABEL: Final = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN: Final = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?")
_TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_IDENTIFIER: Final = re.compile(r"[a-f0-9]{64}")
_NAME_MAX: Final = 255  # characters of domain and path together (distribution/reference NameTotalLengthMax)


@dataclass(frozen=True, slots=True, order=True)
class Repository:
    """A normalised repository name: ``domain`` is never empty, ``path`` is the lower-case rest."""

    domain: str
    path: str

    def __str__(self) -> str:
        return f"{self.domain}/{self.path}"


@dataclass(frozen=True, slots=True)
class Reference:
    """A repository with an optional tag and an optional digest, as somebody wrote it."""

    repository: Repository
    tag: str | None = None
    digest: Digest | None = None

    def __str__(self) -> str:
        tag = "" if self.tag is None else f":{self.tag}"
        digest = "" if self.digest is None else f"@{self.digest}"
        return f"{self.repository}{tag}{digest}"

    @property
    def is_name_only(self) -> bool:
        return self.tag is None and self.digest is None

    def at(self, digest: Digest) -> Reference:
        return replace(self, digest=digest)


def parse_reference(text: str, where: str = "reference") -> Reference:
    """Parse and normalise ``[DOMAIN/]PATH[:TAG][@sha256:HEX]``. Raises FormatError(reference-invalid)."""
    rest, at, digest_text = text.partition("@")
    digest = parse_digest(digest_text, where) if at else None
    head, slash, last = rest.rpartition("/")
    last, colon, tag = last.partition(":")
    name = f"{head}{slash}{last}"
    if colon and not _TAG.fullmatch(tag):
        raise _invalid(text, where, "its tag is malformed")
    if _IDENTIFIER.fullmatch(name):
        raise _invalid(text, where, "64 hex digits are an image id, not a name")
    repository = _normalise(name)
    if not _DOMAIN.fullmatch(repository.domain) or not _PATH.fullmatch(repository.path):
        raise _invalid(text, where, "it does not follow the reference grammar")
    if len(str(repository)) > _NAME_MAX:
        raise _invalid(text, where, f"its name is longer than {_NAME_MAX} characters")
    return Reference(repository, tag if colon else None, digest)


def parse_repository(text: str, where: str = "repository") -> Repository:
    """Parse a name without tag and digest. Raises FormatError(reference-invalid)."""
    reference = parse_reference(text, where)
    if not reference.is_name_only:
        raise _invalid(text, where, "a repository has no tag and no digest")
    return reference.repository


def _normalise(name: str) -> Repository:
    """Split off the domain as docker does: it has a dot, a colon or an upper-case letter, or is ``localhost``."""
    domain, slash, path = name.partition("/")
    if not slash or not ("." in domain or ":" in domain or domain == "localhost" or domain != domain.lower()):
        domain, path = "docker.io", name
    if domain == "index.docker.io":
        domain = "docker.io"
    if domain == "docker.io" and "/" not in path:
        path = f"library/{path}"
    return Repository(domain, path)


def _invalid(text: str, where: str, why: str) -> FormatError:
    return FormatError("reference-invalid", f"{where}: {text[:200]!r}: {why}", where=where, found=text[:200])
