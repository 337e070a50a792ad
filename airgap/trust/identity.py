"""Does a signed reference speak of this image? The rules and names of containers-policy.json(5) (TRUST rule 6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from airgap.errors import FormatError
from airgap.reference import Reference, parse_reference, parse_repository

MATCH_EXACT: Final = "matchExact"
MATCH_REPO_DIGEST_OR_EXACT: Final = "matchRepoDigestOrExact"
MATCH_REPOSITORY: Final = "matchRepository"
EXACT_REFERENCE: Final = "exactReference"
EXACT_REPOSITORY: Final = "exactRepository"
REMAP_IDENTITY: Final = "remapIdentity"
PLAIN: Final = (MATCH_EXACT, MATCH_REPO_DIGEST_OR_EXACT, MATCH_REPOSITORY)


@dataclass(frozen=True, slots=True)
class IdentityRule:
    """One rule. ``argument`` is the reference or repository of the exact rules, or the prefix of remapIdentity."""

    type: str
    argument: str = ""
    signed_prefix: str = ""

    def __str__(self) -> str:
        tail = f":{self.signed_prefix}" if self.type == REMAP_IDENTITY else ""
        return f"{self.type}={self.argument}{tail}" if self.argument else self.type

    @property
    def own_reference(self) -> Reference | None:
        """What an exact rule wants, whatever the image is called; None for the rules that compare with the image."""
        return parse_reference(self.argument) if self.type in (EXACT_REFERENCE, EXACT_REPOSITORY) else None

    def accepts(self, image: Reference, claimed: Reference) -> bool:
        """Whether a claim's reference is good for ``image`` under this rule (policy_reference_match.go's tables)."""
        if self.type == MATCH_EXACT:
            return _exact(image, claimed)
        if self.type == MATCH_REPOSITORY:
            return image.repository == claimed.repository
        if self.type == EXACT_REFERENCE:
            return _exact(parse_reference(self.argument), claimed)
        if self.type == EXACT_REPOSITORY:
            return parse_repository(self.argument) == claimed.repository
        if self.type == REMAP_IDENTITY:
            remapped = remap(image, self.argument, self.signed_prefix)
            return remapped is not None and _repo_digest_or_exact(remapped, claimed)
        return _repo_digest_or_exact(image, claimed)


DEFAULT_RULE: Final = IdentityRule(MATCH_REPO_DIGEST_OR_EXACT)


def parse_rule(text: str) -> IdentityRule:
    """Read ``matchExact``, ``exactReference=REF``, ``remapIdentity=PREFIX:SIGNEDPREFIX`` and so on.

    Raises FormatError(reference-invalid).
    """
    type_, equals, argument = text.partition("=")
    if type_ in PLAIN and not equals:
        return IdentityRule(type_)
    if type_ == EXACT_REFERENCE and not parse_reference(argument).is_name_only:
        return IdentityRule(type_, argument)
    if type_ == EXACT_REPOSITORY:
        parse_repository(argument)
        return IdentityRule(type_, argument)
    if type_ == REMAP_IDENTITY:
        # Prefixes may hold ports: HOST:PORT/PATH:HOST:PORT/PATH is cut where both halves are repositories or hosts.
        prefix, signed_prefix = _split_prefixes(argument)
        return IdentityRule(type_, prefix, signed_prefix)
    raise FormatError("reference-invalid", f"{text[:200]!r} is no identity rule of containers-policy.json(5)")


def remap(image: Reference, prefix: str, signed_prefix: str) -> Reference | None:
    """``image`` under the name it was signed with; itself if the prefix is not its own, None if that is no name."""
    name = str(image.repository)
    if name != prefix and not name.startswith(f"{prefix}/"):
        return image
    try:
        renamed = parse_reference(signed_prefix + str(image)[len(prefix) :])
    except FormatError:
        return None
    # A rewritten text that normalises to another name than was meant (busybox → docker.io/library/busybox) is refused.
    return renamed if str(renamed) == signed_prefix + str(image)[len(prefix) :] else None


def _exact(image: Reference, claimed: Reference) -> bool:
    if image.is_name_only or claimed.is_name_only:
        return False
    return image == claimed


def _repo_digest_or_exact(image: Reference, claimed: Reference) -> bool:
    """With a tag the tags must agree; by digest alone the repository must (the digest is checked elsewhere)."""
    if image.tag is not None:
        return _exact(image, claimed)
    return image.digest is not None and not claimed.is_name_only and image.repository == claimed.repository


def _split_prefixes(text: str) -> tuple[str, str]:
    for at in (index for index, char in enumerate(text) if char == ":"):
        left, right = text[:at], text[at + 1 :]
        if _is_prefix(left) and _is_prefix(right):
            return left, right
    raise FormatError("reference-invalid", f"remapIdentity={text[:200]!r} is not PREFIX:SIGNEDPREFIX")


def _is_prefix(text: str) -> bool:
    """A host, or a host with the beginning of a path, and never a bare port."""
    if not text or text.isdigit() or text.split("/")[0].isdigit():
        return False
    try:
        parse_repository(text if "/" in text else f"{text}/x")
    except FormatError:
        return False
    return True
