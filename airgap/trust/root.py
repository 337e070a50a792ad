"""The pinned trust root as a value: people, threshold, scopes, claim formats, expiry policy (TRUST.md).

Its canonical JSON is the root; the SHA-256 of that is the id that people compare by voice. Certificates are kept beside
it, not in it: a certificate may gain signatures and revocations without the root changing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from airgap.digest import Digest, digest_of
from airgap.errors import AirgapError, TrustRootError
from airgap.openpgp.keys import Fingerprint
from airgap.reference import Repository, parse_repository
from airgap.strict_json import Fields, StrictJSONError, canonical, parse_canonical
from airgap.trust.claim import DEFAULT_FORMATS, ClaimFormat
from airgap.trust.identity import DEFAULT_RULE, IdentityRule, parse_rule
from airgap.trust.maintainers import People, Person

SCHEMA: Final = "airgap/trust-root/v1"
DEFAULT_THRESHOLD: Final = 2
_PEOPLE_MAX: Final = 10_000
_VERSION_MAX: Final = 2**31


@dataclass(frozen=True, slots=True)
class Scope:
    """Repositories that the root speaks for. ``prefix`` is a registry, a path below it, or "" for all."""

    prefix: str
    rule: IdentityRule = DEFAULT_RULE

    def covers(self, repository: Repository) -> bool:
        name = str(repository)
        return not self.prefix or name == self.prefix or name.startswith(f"{self.prefix}/")


@dataclass(frozen=True, slots=True)
class TrustRoot:
    """Everything a decision rests on. Made by new_root() or parse_root(), which check it."""

    people: People
    threshold: int
    scopes: tuple[Scope, ...] = (Scope(""),)
    claim_formats: tuple[ClaimFormat, ...] = DEFAULT_FORMATS
    strict_expiry: bool = False
    version: int = 1

    def encoded(self) -> bytes:
        return canonical(
            {
                "claimFormats": sorted(self.claim_formats),
                "people": [
                    {"fingerprints": [str(fpr) for fpr in person.fingerprints], "name": person.nick}
                    for person in self.people
                ],
                "repositories": [
                    {"identity": str(scope.rule), "scope": scope.prefix}
                    for scope in sorted(self.scopes, key=lambda scope: scope.prefix)
                ],
                "schema": SCHEMA,
                "strictExpiry": self.strict_expiry,
                "threshold": self.threshold,
                "version": self.version,
            }
        )

    @property
    def id(self) -> Digest:
        return digest_of(self.encoded())

    def scope_of(self, repository: Repository) -> Scope | None:
        """The scope with the longest prefix that covers the repository; None means refuse (TRUST rule 6)."""
        covering = [scope for scope in self.scopes if scope.covers(repository)]
        return max(covering, key=lambda scope: len(scope.prefix), default=None)


def new_root(
    people: People,
    threshold: int,
    *,
    prefixes: Iterable[str] = (),
    claim_formats: Iterable[ClaimFormat] = DEFAULT_FORMATS,
    strict_expiry: bool = False,
) -> TrustRoot:
    """A first root. Raises TrustRootError(threshold-invalid), FormatError for a prefix that is no repository."""
    scopes = tuple(Scope(prefix) for prefix in sorted({_prefix(text) for text in prefixes})) or (Scope(""),)
    root = TrustRoot(people, threshold, scopes, tuple(sorted(set(claim_formats))), strict_expiry)
    _require_threshold(root)
    return root


def parse_root(data: bytes) -> TrustRoot:
    """Read a stored root. Raises TrustRootError(trust-root-invalid): a damaged root is never a first use."""
    try:
        root = _parse(Fields(parse_canonical(data), "root"))
        _require_threshold(root)
    except StrictJSONError as error:
        raise TrustRootError("trust-root-invalid", f"the trust root is damaged: {error}") from None
    except (AirgapError, ValueError) as error:
        raise TrustRootError("trust-root-invalid", f"the trust root is damaged: {error}") from None
    if root.encoded() != data:
        raise TrustRootError("trust-root-invalid", "the trust root is not in its canonical form")
    return root


def _parse(fields: Fields) -> TrustRoot:
    if fields.string("schema") != SCHEMA:
        raise StrictJSONError(f"its schema is not {SCHEMA}")
    people = [_person(Fields(value, "person")) for value in fields.array("people", most=_PEOPLE_MAX)]
    scopes = [_scope(Fields(value, "repository")) for value in fields.array("repositories", most=_PEOPLE_MAX)]
    formats = tuple(ClaimFormat(name) for name in fields.strings("claimFormats", most=len(ClaimFormat)))
    strict = fields.take("strictExpiry")
    if not isinstance(strict, bool) or not formats or not scopes:
        raise StrictJSONError("a policy member is missing or empty")
    nicks = {person.nick for person in people}
    if len(set(formats)) != len(formats) or len(nicks) != len(people):
        raise StrictJSONError("a claim format or a person is listed twice")
    root = TrustRoot(
        People(people),
        fields.integer("threshold", low=1, high=_PEOPLE_MAX),
        tuple(scopes),
        formats,
        strict,
        fields.integer("version", low=1, high=_VERSION_MAX),
    )
    fields.close()
    return root


def _person(fields: Fields) -> Person:
    person = Person(
        fields.string("name"), tuple(Fingerprint(text) for text in fields.strings("fingerprints", most=_PEOPLE_MAX))
    )
    fields.close()
    return person


def _scope(fields: Fields) -> Scope:
    scope = Scope(fields.string("scope"), parse_rule(fields.string("identity")))
    fields.close()
    return scope


def _prefix(text: str) -> str:
    """``docker.io``, ``docker.io/stagex``; ``stagex`` alone is docker.io/stagex, as docker reads names with a path."""
    text = text.rstrip("/")
    host, slash, _ = text.partition("/")
    if not slash and ("." in host or ":" in host or host == "localhost"):
        return parse_repository(f"{host}/x").domain
    full = parse_repository(f"{text}/x" if slash else f"docker.io/{text}/x")
    return str(full).removesuffix("/x")


def _require_threshold(root: TrustRoot) -> None:
    able = sum(1 for person in root.people if person.fingerprints)
    if not 1 <= root.threshold <= able:
        raise TrustRootError(
            "threshold-invalid",
            f"a threshold of {root.threshold} does not fit {able} people who have a key",
            threshold=root.threshold,
            people=able,
        )
