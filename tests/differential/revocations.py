"""Cases about revocations: of keys, subkeys and user ids, for each reason, at each time, and by the wrong people."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from forge import (
    Certificate,
    Part,
    certification,
    certification_revocation,
    direct_key,
    document,
    key_revocation,
    packet,
    subkey_binding,
    subkey_revocation,
    subpacket,
)

from .case import CREATED, DAY, LATER, PAYLOAD, RENEWED, SIGNED, Draft, assemble, draft, key

_PRIMARY = key("alice")
_SUBKEY = key("alice/sign")
_STRANGER = key("stranger")
_A, _B = "Alice <alice@example.org>", "Bob <bob@example.org>"
_REASONS = (None, 0, 1, 2, 3, 32, 99)
_MOMENTS = {
    "before-key": CREATED - 1,
    "at-key": CREATED,
    "renewed": RENEWED,
    "second-before": SIGNED - 1,
    "at-signing": SIGNED,
    "second-after": SIGNED + 1,
    "later": LATER,
}


def drafts(reference: int) -> Iterator[Draft]:
    moments = _MOMENTS | {"future": reference + DAY}
    for reason, (when, moment) in product(_REASONS, moments.items()):
        name = f"{reason}/{when}"
        for recertified in (None, RENEWED + DAY, LATER + DAY):
            yield from _one(
                f"{name}/{'-' if recertified is None else recertified - CREATED}", reason, moment, recertified
            )
        if reason in (None, 2, 3) and when in ("renewed", "at-signing", "later"):
            yield from _by_strangers(name, reason, moment)
    yield from _misplaced()


def _one(name: str, reason: int | None, moment: int, recertified: int | None) -> Iterator[Draft]:
    """The revocation alone, or followed by a new self-signature or binding."""
    again = [] if recertified is None else [certification(_PRIMARY, _A, created=recertified)]
    bound = [subkey_binding(_PRIMARY, _SUBKEY)]
    revocation = key_revocation(_PRIMARY, reason=reason, created=moment)
    cert = assemble(
        _PRIMARY,
        revocations=[revocation],
        users={_A: [certification(_PRIMARY, _A), *again]},
        subkeys=[(_SUBKEY, bound)],
    )
    yield draft(f"revoked-key/{name}/primary", cert, document(_PRIMARY, PAYLOAD))
    yield draft(f"revoked-key/{name}/subkey", cert, document(_SUBKEY, PAYLOAD))
    again = [] if recertified is None else [subkey_binding(_PRIMARY, _SUBKEY, created=recertified)]
    revocation = subkey_revocation(_PRIMARY, _SUBKEY, reason=reason, created=moment)
    users = {_A: [certification(_PRIMARY, _A)]}
    cert = assemble(_PRIMARY, users=users, subkeys=[(_SUBKEY, [revocation, *bound, *again])])
    yield draft(f"revoked-subkey/{name}/subkey", cert, document(_SUBKEY, PAYLOAD))
    if recertified is None:
        yield draft(f"revoked-subkey/{name}/primary", cert, document(_PRIMARY, PAYLOAD))
    again = [] if recertified is None else [certification(_PRIMARY, _A, created=recertified)]
    revocation = certification_revocation(_PRIMARY, _A, reason=reason, created=moment)
    revoked = [revocation, certification(_PRIMARY, _A), *again]
    yield draft(f"revoked-user-id/{name}/only", assemble(_PRIMARY, users={_A: revoked}), document(_PRIMARY, PAYLOAD))
    short = certification(_PRIMARY, _B, key_expires=200 * DAY)
    cert = assemble(_PRIMARY, users={_A: revoked, _B: [short]})
    yield draft(f"revoked-user-id/{name}/beside-short", cert, document(_PRIMARY, PAYLOAD))
    cert = assemble(
        _PRIMARY,
        users={
            _A: [revocation, certification(_PRIMARY, _A, key_expires=200 * DAY), *again],
            _B: [certification(_PRIMARY, _B)],
        },
    )
    yield draft(f"revoked-user-id/{name}/short-beside", cert, document(_PRIMARY, PAYLOAD))
    direct = [direct_key(_PRIMARY, key_expires=200 * DAY)]
    cert = assemble(_PRIMARY, direct=direct, users={_A: revoked})
    yield draft(f"revoked-user-id/{name}/beside-direct", cert, document(_PRIMARY, PAYLOAD))


def _by_strangers(name: str, reason: int | None, moment: int) -> Iterator[Draft]:
    """Revocations that the primary key did not make: they must not hurt."""
    users = {_A: [certification(_PRIMARY, _A)]}
    for who, signer, issuer in (
        ("stranger", _STRANGER, _STRANGER),
        ("stranger-in-disguise", _STRANGER, _PRIMARY),
        ("subkey", _SUBKEY, _SUBKEY),
        ("subkey-in-disguise", _SUBKEY, _PRIMARY),
    ):
        revocation = key_revocation(_PRIMARY, signer=signer, issuer=issuer, reason=reason, created=moment)
        bindings = [subkey_binding(_PRIMARY, _SUBKEY)]
        cert = assemble(_PRIMARY, revocations=[revocation], users=users, subkeys=[(_SUBKEY, bindings)])
        yield draft(f"revoked-by-{who}/key/{name}", cert, document(_SUBKEY, PAYLOAD))
        revocation = subkey_revocation(_PRIMARY, _SUBKEY, signer=signer, issuer=issuer, reason=reason, created=moment)
        cert = assemble(_PRIMARY, users=users, subkeys=[(_SUBKEY, [revocation, *bindings])])
        yield draft(f"revoked-by-{who}/subkey/{name}", cert, document(_SUBKEY, PAYLOAD))


def _misplaced() -> Iterator[Draft]:
    """Good signatures of every kind, behind every other component of the certificate."""
    other = key("alice/other")
    base = assemble(
        _PRIMARY,
        users={_A: [certification(_PRIMARY, _A)], _B: [certification(_PRIMARY, _B)]},
        subkeys=[
            (_SUBKEY, [subkey_binding(_PRIMARY, _SUBKEY)]),
            (other, [subkey_binding(_PRIMARY, other)]),
        ],
    )
    primary_flag = [subpacket(25, b"\1")]
    wandering = {
        "key-revocation-hard": key_revocation(_PRIMARY, reason=2),
        "key-revocation-soft": key_revocation(_PRIMARY, reason=1, created=RENEWED),
        "subkey-revocation-hard": subkey_revocation(_PRIMARY, _SUBKEY, reason=2),
        "subkey-revocation-soft": subkey_revocation(_PRIMARY, _SUBKEY, reason=3, created=RENEWED),
        "user-revocation": certification_revocation(_PRIMARY, _A, created=RENEWED),
        "direct-short": direct_key(_PRIMARY, created=RENEWED, key_expires=200 * DAY),
        "direct-certify-only": direct_key(_PRIMARY, created=RENEWED, flags=1),
        "user-short": certification(_PRIMARY, _A, created=RENEWED, key_expires=200 * DAY),
        "user-short-primary": certification(_PRIMARY, _A, created=RENEWED, key_expires=200 * DAY, hashed=primary_flag),
        "user-certify-only": certification(_PRIMARY, _A, created=RENEWED, flags=1, hashed=primary_flag),
        "binding-short": subkey_binding(_PRIMARY, _SUBKEY, created=RENEWED, key_expires=200 * DAY),
        "binding-encrypts": subkey_binding(_PRIMARY, _SUBKEY, created=RENEWED, flags=0x0C),
    }
    places = (("primary", 0), ("user-id", 0), ("certification", 1), ("subkey", 0), ("subkey", 1), ("binding", 1))
    for (name, signature), (label, nth) in product(wandering.items(), places):
        cert = base.insert(label, Part("extra", signature), nth=nth)
        for who, signer in (("primary", _PRIMARY), ("subkey", _SUBKEY)):
            yield draft(f"misplaced/{name}/{label}-{nth}/{who}", cert, document(signer, PAYLOAD))
        behind_unknown = Certificate(_PRIMARY, (*base.parts, Part("extra", packet(60, b"?")), Part("extra", signature)))
        if nth:
            yield draft(f"misplaced/{name}/unknown-{label}", behind_unknown, document(_SUBKEY, PAYLOAD))
    # The only good signature of a component, misplaced.
    for label, nth in (("certification", 0), ("certification", 1), ("binding", 0)):
        moved = base.find(label, nth)
        cert = base.without(label, nth).append(moved)
        for who, signer in (("primary", _PRIMARY), ("subkey", _SUBKEY)):
            yield draft(f"misplaced/moved-{label}-{nth}/{who}", cert, document(signer, PAYLOAD))
