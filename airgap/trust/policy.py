"""Scopes out of an existing policy.json, as podman, CRI-O and skopeo use it (containers-policy.json(5)).

Only what can be kept is taken: repositories under ``signedBy`` with their ``signedIdentity``, and ``reject``. Who must
have signed is not: key files there are any-of, while a trust root counts people. A requirement that accepts anything is
left out, so that nothing is trusted for its sake.
"""

from __future__ import annotations

from airgap.errors import FormatError
from airgap.strict_json import Fields, StrictJSONError, parse
from airgap.trust.identity import (
    DEFAULT_RULE,
    EXACT_REFERENCE,
    EXACT_REPOSITORY,
    PLAIN,
    REMAP_IDENTITY,
    IdentityRule,
    parse_rule,
)
from airgap.trust.scope import REJECT, Scope, normal_prefix

_ARGUMENTS = {EXACT_REFERENCE: "dockerReference", EXACT_REPOSITORY: "dockerRepository"}


def parse_policy(data: bytes, where: str = "policy.json") -> tuple[tuple[Scope, ...], tuple[str, ...]]:
    """The scopes of the docker transport, and what was left out, in words. Raises FormatError(policy-invalid)."""
    try:
        document = Fields(parse(data), where)
        default = document.array("default", most=100)
        transports = document.nested("transports") if document.has("transports") else None
        document.close()
        docker = transports.nested("docker") if transports is not None and transports.has("docker") else None
        named = dict(docker.items()) if docker is not None else {}
        found: list[Scope] = []
        notes: list[str] = []
        for name, requirements in {"": default, **named}.items():
            rule = _rule(requirements, name or "default", notes)
            if rule is not None:
                found.append(Scope(_prefix(name), rule))
    except (StrictJSONError, FormatError) as error:
        raise FormatError("policy-invalid", f"{where}: {error}") from None
    if not any(scope.rule.type != REJECT for scope in found):
        raise FormatError("policy-invalid", f"{where}: no repository in it is under signedBy")
    return tuple(found), tuple(notes)


def _prefix(name: str) -> str:
    if not name:
        return ""
    if "@" in name or (":" in name.rpartition("/")[2] and "/" in name):
        raise StrictJSONError(f"scope {name[:200]!r} names one tag or digest; a trust root speaks for repositories")
    return normal_prefix(name)


def _rule(requirements: object, name: str, notes: list[str]) -> IdentityRule | None:
    """The one rule of a scope's requirements, all of which must hold; None if the scope is left out."""
    if not isinstance(requirements, list) or not requirements:
        raise StrictJSONError(f"scope {name[:200]!r} has no list of requirements")
    rules = set()
    for value in requirements:
        requirement = Fields(value, f"scope {name[:200]}")
        type_ = requirement.string("type")
        if type_ == REJECT:
            return IdentityRule(REJECT)
        if type_ == "signedBy":
            rules.add(_identity(requirement) if requirement.has("signedIdentity") else DEFAULT_RULE)
        else:
            notes.append(f"scope {name[:200]} was left out: {type_[:60]} is nothing that a quorum of people can meet")
    if len(rules) > 1:
        raise StrictJSONError(f"scope {name[:200]!r} asks for {len(rules)} different identities at once")
    return rules.pop() if rules else None


def _identity(requirement: Fields) -> IdentityRule:
    identity = requirement.nested("signedIdentity")
    type_ = identity.string("type")
    if type_ in PLAIN:
        text = type_
    elif type_ in _ARGUMENTS:
        text = f"{type_}={identity.string(_ARGUMENTS[type_])}"
    elif type_ == REMAP_IDENTITY:
        text = f"{type_}={identity.string('prefix')}:{identity.string('signedPrefix')}"
    else:
        raise StrictJSONError(f"signedIdentity {type_[:60]!r} is unknown")
    identity.close()
    return parse_rule(text)
