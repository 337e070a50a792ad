"""The signed claim: which digest, under which reference (TRUST rule 5).

``atomic`` is containers-signature(5); ``stagex-legacy`` is the array that StageX published up to mid-2025. Both are
read strictly: no unknown or duplicate member in ``critical``, full-match digests, one claim.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from airgap.digest import Digest, parse_digest, parse_hex_digest
from airgap.errors import FormatError, UntrustedError
from airgap.limits import LIMITS
from airgap.reference import Reference, Repository, parse_reference
from airgap.strict_json import Fields, StrictJSONError, parse


class ClaimFormat(StrEnum):
    ATOMIC = "atomic"
    STAGEX_LEGACY = "stagex-legacy"


_TYPES: Final = {
    ClaimFormat.ATOMIC: "atomic container signature",
    ClaimFormat.STAGEX_LEGACY: "pgp container image signature",
}
DEFAULT_FORMATS: Final = (ClaimFormat.ATOMIC,)
_INNERMOST: Final = re.compile(r"\{[^{}]*\}")
_TIMESTAMP_MAX: Final = 2**53


@dataclass(frozen=True, slots=True)
class Claim:
    """What a payload says, whoever signed it. ``reference`` is the text as signed, not yet parsed or compared."""

    format: ClaimFormat
    reference: str
    digest: Digest

    @property
    def identity(self) -> Reference | None:
        """The reference to compare, None if it is not one.

        StageX signs a bare repository name beside the digest. That is a reference by digest in two members, so it is
        compared as NAME@DIGEST; containers-policy.json(5) would match a bare name with nothing.
        """
        try:
            parsed = parse_reference(self.reference, "claim")
        except FormatError:
            return None
        return parsed.at(self.digest) if parsed.is_name_only else parsed


def parse_claim(payload: bytes, formats: Iterable[ClaimFormat]) -> Claim:
    """Read a payload. Raises UntrustedError(claim-malformed or claim-format-not-allowed)."""
    if len(payload) > LIMITS.claim:
        raise _malformed(f"{len(payload)} bytes, over the limit of {LIMITS.claim}")
    try:
        value = parse(payload)
        if isinstance(value, list):
            if len(value) != 1:
                raise StrictJSONError(f"an array of {len(value)} claims, expected exactly one")
            claim = _claim(value[0], legacy=True)
        else:
            claim = _claim(value, legacy=False)
    except (StrictJSONError, FormatError) as error:
        raise _malformed(str(error)) from None
    if claim.format not in tuple(formats):
        raise UntrustedError(
            "claim-format-not-allowed", f"the claim is of format {claim.format}, which is not allowed here"
        )
    return claim


def _claim(value: object, *, legacy: bool) -> Claim:
    format_ = ClaimFormat.STAGEX_LEGACY if legacy else ClaimFormat.ATOMIC
    claim = Fields(value, "claim")
    critical = claim.nested("critical")
    type_ = critical.string("type")
    if type_ != _TYPES[format_]:
        raise StrictJSONError(f"critical.type is {type_[:60]!r}, expected {_TYPES[format_]!r}")
    image, identity = critical.nested("image"), critical.nested("identity")
    digest_text = image.string("docker-manifest-digest")
    parse_it = parse_hex_digest if legacy else parse_digest
    digest = parse_it(digest_text, "docker-manifest-digest")
    reference = identity.string("docker-reference")
    for part in (image, identity, critical):
        part.close()
    _require_optional(claim)
    claim.close()
    return Claim(format_, reference, digest)


def _require_optional(claim: Fields) -> None:
    """``optional`` decides nothing, but its known members have types (containers-signature(5))."""
    value = claim.take("optional") if claim.has("optional") else None
    if value is None:
        return
    optional = Fields(value, "claim.optional")
    if optional.has("creator"):
        optional.string("creator")
    if optional.has("timestamp"):
        optional.integer("timestamp", low=-_TIMESTAMP_MAX, high=_TIMESTAMP_MAX)


def spellings(
    repository: Repository, tag: str | None, digest: Digest, formats: Iterable[ClaimFormat]
) -> Iterator[bytes]:
    """Every byte string that people sign, detached, for this image: a bounded set, tried by hash, likely ones first.

    The claim as podman and skopeo write it, as containers-signature(5) and tutorials print it, and as common JSON
    tools indent it; with and without ``optional`` and a final newline.
    """
    names = [str(repository)]
    if repository.domain == "docker.io":
        names.append(repository.path)
    if tag is not None:
        names = [f"{name}:{tag}" for name in names] + names
    for format_, name in itertools.product(formats, names):
        for value in _values(format_, name, digest):
            for text in _layouts(value):
                yield text.encode()
                yield f"{text}\n".encode()


def _values(format_: ClaimFormat, name: str, digest: Digest) -> Iterator[object]:
    legacy = format_ is ClaimFormat.STAGEX_LEGACY
    parts: dict[str, object] = {
        "identity": {"docker-reference": name},
        "image": {"docker-manifest-digest": digest.hex if legacy else str(digest)},
        "type": _TYPES[format_],
    }
    endings: tuple[dict[str, object], ...] = ({"optional": {}}, {}, {"optional": None})
    for order in (("identity", "image", "type"), ("type", "image", "identity"), ("type", "identity", "image")):
        for ending in endings:
            claim = {"critical": {key: parts[key] for key in order}, **ending}
            yield [claim] if legacy else claim


def _layouts(value: object) -> Iterator[str]:
    yield json.dumps(value, separators=(",", ":"))
    yield json.dumps(value)
    for indent in (2, 3, 4, "\t"):
        yield json.dumps(value, indent=indent)
    # Innermost objects on one line, as documentation likes to print it.
    yield _INNERMOST.sub(lambda match: re.sub(r"\s*\n\s*", "", match.group()), json.dumps(value, indent=2))


def _malformed(why: str) -> UntrustedError:
    return UntrustedError("claim-malformed", f"the signed payload is no claim: {why}")
