"""Which repositories a trust root speaks for, and the identity rule of each (TRUST rule 6; containers-policy.json(5)).

The most specific scope decides: a repository before the paths above it, those before the registry, that before
``*.example.com``, and "" last. A scope whose rule is ``reject`` takes a part out of a wider one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from airgap.errors import FormatError
from airgap.reference import Repository, parse_repository
from airgap.trust.identity import DEFAULT_RULE, IdentityRule, parse_rule

REJECT: Final = "reject"
_WILDCARD: Final = "*."


@dataclass(frozen=True, slots=True)
class Scope:
    """Repositories and how claims must name them. ``prefix`` is a registry, a path below it, ``*.DOMAIN`` or ""."""

    prefix: str
    rule: IdentityRule = DEFAULT_RULE

    def covers(self, repository: Repository) -> bool:
        if self.prefix.startswith(_WILDCARD):
            return repository.domain.partition(":")[0].endswith(self.prefix[1:])
        name = str(repository)
        return not self.prefix or name == self.prefix or name.startswith(f"{self.prefix}/")

    @property
    def precedence(self) -> tuple[bool, int]:
        """The greater, the more specific."""
        return not self.prefix.startswith(_WILDCARD) and bool(self.prefix), len(self.prefix)


EVERYTHING: Final = Scope("")


def scope_of(repository: Repository, scopes: Iterable[Scope]) -> Scope | None:
    """The most specific scope that covers the repository; None if none does, or if that one rejects."""
    covering = [scope for scope in scopes if scope.covers(repository)]
    best = max(covering, key=lambda scope: scope.precedence, default=None)
    return None if best is None or best.rule.type == REJECT else best


def parse_scope(prefix: str, rule: str) -> Scope:
    """A scope in its normal form with the text of its rule. Raises FormatError(reference-invalid)."""
    return Scope(prefix, IdentityRule(REJECT) if rule == REJECT else parse_rule(rule))


def named_scope(text: str) -> Scope:
    """``PREFIX[=RULE]`` as an operator writes it. Raises FormatError(reference-invalid)."""
    prefix, equals, rule = text.partition("=")
    return parse_scope(normal_prefix(prefix), rule if equals else str(DEFAULT_RULE))


def normal_prefix(text: str) -> str:
    """``docker.io``, ``docker.io/stagex``; ``stagex`` alone is docker.io/stagex, as docker reads names with a path.

    Raises FormatError(reference-invalid).
    """
    text = text.rstrip("/")
    if text.startswith(_WILDCARD):
        domain = text.removeprefix(_WILDCARD)
        if parse_repository(f"{domain}/x").domain != domain:
            raise FormatError("reference-invalid", f"{text[:200]!r} is no wildcard of a domain, such as *.example.com")
        return text
    host, slash, _ = text.partition("/")
    if not slash and ("." in host or ":" in host or host == "localhost"):
        return parse_repository(f"{host}/x").domain
    full = parse_repository(f"{text}/x" if slash else f"docker.io/{text}/x")
    return str(full).removesuffix("/x")
