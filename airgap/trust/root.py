"""The pinned trust root as a value: people, threshold, scopes, claim formats, key policy (TRUST.md).

Its canonical JSON is the root; the SHA-256 of that is the id that people compare by voice. Certificates are kept beside
it, not in it: a certificate may gain signatures and revocations without the root changing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from airgap.digest import Digest, digest_of, parse_digest
from airgap.errors import AirgapError, FormatError, TrustRootError
from airgap.openpgp.keys import Fingerprint
from airgap.reference import Repository
from airgap.strict_json import Fields, StrictJSONError, canonical, parse_canonical
from airgap.trust.claim import DEFAULT_FORMATS, ClaimFormat
from airgap.trust.keys import ALGORITHMS, ANY_KEY, RSA_BITS_MAX, RSA_BITS_MIN, KeyPolicy
from airgap.trust.maintainers import People, Person
from airgap.trust.scope import EVERYTHING, Scope, parse_scope, scope_of

SCHEMA: Final = "airgap/trust-root/v1"
DEFAULT_THRESHOLD: Final = 2
_PEOPLE_MAX: Final = 10_000
_VERSION_MAX: Final = 2**31


Group = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TrustRoot:
    """Everything a decision rests on. Made by new_root() or parse_root(), which check it.

    Of each group in ``required`` at least one must be among an image's signers. ``maintainers`` is the digest of the
    MAINTAINERS file that names these people.
    """

    people: People
    threshold: int
    scopes: tuple[Scope, ...] = (EVERYTHING,)
    claim_formats: tuple[ClaimFormat, ...] = DEFAULT_FORMATS
    strict_expiry: bool = False
    keys: KeyPolicy = ANY_KEY
    required: tuple[Group, ...] = ()
    maintainers: Digest | None = None
    version: int = 1

    def encoded(self) -> bytes:
        return canonical(
            {
                "algorithms": sorted(set(self.keys.algorithms)),
                "claimFormats": sorted(self.claim_formats),
                "maintainers": None if self.maintainers is None else str(self.maintainers),
                "minimumRSABits": self.keys.rsa_bits,
                "people": [
                    {"fingerprints": [str(fpr) for fpr in person.fingerprints], "name": person.nick}
                    for person in self.people
                ],
                "repositories": [
                    {"identity": str(scope.rule), "scope": scope.prefix}
                    for scope in sorted(self.scopes, key=lambda scope: scope.prefix)
                ],
                "required": [list(group) for group in _sorted_groups(self.required)],
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
        """The scope that decides for this repository; None means refuse (TRUST rule 6)."""
        return scope_of(repository, self.scopes)

    def succeeded_by(
        self, people: People, maintainers: Digest, *, threshold: int | None = None, required: Iterable[Group] = ()
    ) -> TrustRoot:
        """The next version of this root, with other people. All else stays, ``required`` without those who left.

        Raises TrustRootError(threshold-invalid, required-people-unknown): nobody may be left out by accident.
        """
        nicks = {person.nick for person in people}
        groups = tuple(required) or tuple(tuple(nick for nick in group if nick in nicks) for group in self.required)
        return _checked(
            replace(
                self,
                people=people,
                maintainers=maintainers,
                threshold=self.threshold if threshold is None else threshold,
                required=_sorted_groups(groups),
                version=self.version + 1,
            )
        )


def new_root(
    people: People,
    threshold: int,
    *,
    scopes: Iterable[Scope] = (),
    claim_formats: Iterable[ClaimFormat] = DEFAULT_FORMATS,
    strict_expiry: bool = False,
    keys: KeyPolicy = ANY_KEY,
    required: Iterable[Group] = (),
    maintainers: Digest | None = None,
) -> TrustRoot:
    """A first root. Raises TrustRootError(threshold-invalid, required-people-unknown)."""
    return _checked(
        TrustRoot(
            people,
            threshold,
            tuple(sorted(set(scopes), key=lambda scope: scope.prefix)) or (EVERYTHING,),
            tuple(sorted(set(claim_formats))),
            strict_expiry,
            KeyPolicy(tuple(sorted(set(keys.algorithms))), keys.rsa_bits),
            _sorted_groups(required),
            maintainers,
        )
    )


def parse_root(data: bytes) -> TrustRoot:
    """Read a stored root. Raises TrustRootError(trust-root-invalid): a damaged root is never a first use."""
    try:
        root = _checked(_parse(Fields(parse_canonical(data), "root")))
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
    algorithms = tuple(fields.strings("algorithms", most=len(ALGORITHMS)))
    strict, maintainers = fields.take("strictExpiry"), fields.take("maintainers")
    if not isinstance(strict, bool) or not formats or not scopes or not algorithms:
        raise StrictJSONError("a policy member is missing or empty")
    nicks = {person.nick for person in people}
    if len(set(formats)) != len(formats) or len(nicks) != len(people) or not set(algorithms) <= set(ALGORITHMS):
        raise StrictJSONError("a claim format or a person is listed twice, or an algorithm is unknown")
    root = TrustRoot(
        People(people),
        fields.integer("threshold", low=1, high=_PEOPLE_MAX),
        tuple(scopes),
        formats,
        strict,
        KeyPolicy(algorithms, fields.integer("minimumRSABits", low=RSA_BITS_MIN, high=RSA_BITS_MAX)),
        tuple(_group(value) for value in fields.array("required", most=_PEOPLE_MAX)),
        None if maintainers is None else parse_digest(str(maintainers), "maintainers"),
        fields.integer("version", low=1, high=_VERSION_MAX),
    )
    fields.close()
    return root


def _group(value: object) -> Group:
    return tuple(Fields({"group": value}, "required").strings("group", most=_PEOPLE_MAX))


def _sorted_groups(groups: Iterable[Iterable[str]]) -> tuple[Group, ...]:
    return tuple(sorted({tuple(sorted(set(group))) for group in groups}))


def _person(fields: Fields) -> Person:
    person = Person(
        fields.string("name"), tuple(Fingerprint(text) for text in fields.strings("fingerprints", most=_PEOPLE_MAX))
    )
    fields.close()
    return person


def _scope(fields: Fields) -> Scope:
    scope = parse_scope(fields.string("scope"), fields.string("identity"))
    fields.close()
    return scope


def _checked(root: TrustRoot) -> TrustRoot:
    """Raises FormatError for an ambiguous scope, TrustRootError where too few people could ever agree."""
    able = sum(1 for person in root.people if person.fingerprints)
    if not 1 <= root.threshold <= able:
        raise TrustRootError(
            "threshold-invalid",
            f"a threshold of {root.threshold} does not fit {able} people who have a key",
            threshold=root.threshold,
            people=able,
        )
    prefixes = Counter(scope.prefix for scope in root.scopes)
    for prefix, count in prefixes.items():
        if count > 1:
            raise FormatError("reference-invalid", f"scope {prefix!r} has {count} identity rules")
    nicks = {person.nick for person in root.people if person.fingerprints}
    for group in root.required:
        if not group or not set(group) <= nicks:
            strangers = ", ".join(sorted(set(group) - nicks)) or "nobody"
            raise TrustRootError(
                "required-people-unknown",
                f"a group of required signers names {strangers}, who is no maintainer with a key",
                group=list(group),
            )
    return root
