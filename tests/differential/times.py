"""Cases about time and flags: which self-signature or binding speaks for a key when a document is signed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from random import Random

from forge import (
    SecretKey,
    certification,
    certification_revocation,
    direct_key,
    document,
    key_revocation,
    subkey_binding,
    subkey_revocation,
    subpacket,
)
from forge.signatures import Options

from .case import CREATED, DAY, LATER, PAYLOAD, RENEWED, SIGNED, Draft, assemble, draft, key

_PRIMARY = key("alice")
_SUBKEY = key("alice/sign")
_A, _B = "Alice <alice@example.org>", "Bob <bob@example.org>"
_SHORT, _LONG = 200 * DAY, 5000 * DAY  # from CREATED: over before SIGNED, and long after it
_SORTS = ("direct", "a", "a!", "b", "b!")  # the sort of a self-signature; ! has the primary user id subpacket
_AT = SIGNED - CREATED


def drafts(reference: int) -> Iterator[Draft]:
    yield from _document_times(reference)
    yield from _key_times()
    yield from _two_statements()
    yield from _two_bindings()
    yield from _flags()
    yield from _mixes()


def _document_times(reference: int) -> Iterator[Draft]:
    moments = {
        "day-before-key": CREATED - DAY,
        "second-before-key": CREATED - 1,
        "at-key": CREATED,
        "second-after-key": CREATED + 1,
        "now": reference - 60,
        "in-20-minutes": reference + 20 * 60,
        "in-40-minutes": reference + 40 * 60,
        "tomorrow": reference + DAY,
        "1970": 0,
        "2106": 0xFFFFFFFF,
    }
    users = {_A: [certification(_PRIMARY, _A)]}
    late = key("late/sign", created=RENEWED)
    bound = [(_SUBKEY, [subkey_binding(_PRIMARY, _SUBKEY)]), (late, [subkey_binding(_PRIMARY, late)])]
    cert = assemble(_PRIMARY, users=users, subkeys=bound)
    for signer, where in ((_PRIMARY, "primary"), (_SUBKEY, "subkey"), (late, "late-subkey")):
        for name, moment in moments.items():
            yield draft(f"document-time/{where}/{name}", cert, document(signer, PAYLOAD, created=moment))
        for moment in (RENEWED - 1, RENEWED, RENEWED + 1):
            name = f"document-time/{where}/renewed{moment - RENEWED:+}"
            yield draft(name, cert, document(signer, PAYLOAD, created=moment))
        for expires in (0, 1, DAY, reference - SIGNED - 60, reference - SIGNED + DAY, 0xFFFFFFFF):
            name = f"document-expires/{where}/{expires if expires <= DAY else f'now{expires - reference + SIGNED:+}'}"
            yield draft(name, cert, document(signer, PAYLOAD, expires=expires))


def _key_times() -> Iterator[Draft]:
    """Expiry of the primary key, of the subkey and of the signatures that say so, to the second."""
    near = (0, 1, _SHORT, _AT - 1, _AT, _AT + 1, _LONG, 0xFFFFFFFF)
    good = certification(_PRIMARY, _A)
    for expires in near:
        user = {_A: [certification(_PRIMARY, _A, key_expires=expires)]}
        yield draft(f"key-expires/primary/{expires}", assemble(_PRIMARY, users=user), document(_PRIMARY, PAYLOAD))
        direct = [direct_key(_PRIMARY, key_expires=expires)]
        yield draft(f"key-expires/direct/{expires}", assemble(_PRIMARY, direct=direct), document(_PRIMARY, PAYLOAD))
        bound = [(_SUBKEY, [subkey_binding(_PRIMARY, _SUBKEY)])]
        cert = assemble(_PRIMARY, users=user, subkeys=bound)
        yield draft(f"key-expires/primary-of-subkey/{expires}", cert, document(_SUBKEY, PAYLOAD))
        bound = [(_SUBKEY, [subkey_binding(_PRIMARY, _SUBKEY, key_expires=expires)])]
        cert = assemble(_PRIMARY, users={_A: [good]}, subkeys=bound)
        yield draft(f"key-expires/subkey/{expires}", cert, document(_SUBKEY, PAYLOAD))
        late = key("late/sign", created=RENEWED)
        bound = [(late, [subkey_binding(_PRIMARY, late, key_expires=expires)])]
        cert = assemble(_PRIMARY, users={_A: [good]}, subkeys=bound)
        yield draft(f"key-expires/late-subkey/{expires}", cert, document(late, PAYLOAD))
    # Subkeys and bindings that are older than what they belong to.
    moments = (CREATED - DAY, CREATED - 1, CREATED, CREATED + DAY, RENEWED, SIGNED - 1, SIGNED, SIGNED + 1, LATER)
    for made, bound_at in product(moments, moments):
        subkey = key("old/sign", created=made)
        binding = subkey_binding(_PRIMARY, subkey, created=bound_at)
        cert = assemble(_PRIMARY, users={_A: [good]}, subkeys=[(subkey, [binding])])
        name = f"binding-time/{made - CREATED}/{bound_at - CREATED}"
        yield draft(name, cert, document(subkey, PAYLOAD))
    for bound_at, back_at in product(moments, moments):
        binding = subkey_binding(_PRIMARY, _SUBKEY, created=bound_at, back_options={"created": back_at})
        cert = assemble(_PRIMARY, users={_A: [good]}, subkeys=[(_SUBKEY, [binding])])
        yield draft(f"back-time/{bound_at - CREATED}/{back_at - CREATED}", cert, document(_SUBKEY, PAYLOAD))
    for moment in moments:
        cert = assemble(_PRIMARY, users={_A: [certification(_PRIMARY, _A, created=moment)]})
        yield draft(f"self-signature-time/user-id/{moment - CREATED}", cert, document(_PRIMARY, PAYLOAD))
        cert = assemble(_PRIMARY, direct=[direct_key(_PRIMARY, created=moment)])
        yield draft(f"self-signature-time/direct/{moment - CREATED}", cert, document(_PRIMARY, PAYLOAD))


def _statement(sort: str, created: int, expires: int | None, flags: int | None) -> bytes:
    options: Options = {"created": created}
    if sort == "direct":
        return direct_key(_PRIMARY, flags=flags, key_expires=expires, **options)
    if sort.endswith("!"):
        options["hashed"] = [subpacket(25, b"\1")]
    return certification(_PRIMARY, _A if sort[0] == "a" else _B, flags=flags, key_expires=expires, **options)


def _placed(*statements: tuple[str, bytes]) -> tuple[list[bytes], dict[str, list[bytes]]]:
    """Direct-key signatures, and user ids with theirs, in the order of the statements."""
    direct: list[bytes] = []
    users: dict[str, list[bytes]] = {}
    for sort, signature in statements:
        place = direct if sort == "direct" else users.setdefault(_A if sort[0] == "a" else _B, [])
        place.append(signature)
    return direct, users


def _two_statements() -> Iterator[Draft]:
    """Two self-signatures that disagree about expiry or flags, in each order of time and of place."""
    moments = {"older-newer": (CREATED, RENEWED), "same": (CREATED, CREATED), "newer-older": (RENEWED, CREATED)}
    moments |= {"after-signing": (CREATED, LATER), "both-after": (LATER, LATER + DAY)}
    expiries: tuple[tuple[int | None, int | None], ...] = ((None, _SHORT), (_LONG, _SHORT), (0, _SHORT), (_SHORT, None))
    flags: tuple[tuple[int | None, int | None], ...] = ((3, 1), (1, 3), (None, 3), (3, None), (None, 1), (1, None))
    bound = [(_SUBKEY, [subkey_binding(_PRIMARY, _SUBKEY)])]
    for (first, second), (when, times) in product(product(_SORTS, _SORTS), moments.items()):
        for one, two in expiries:
            signatures = (first, _statement(first, times[0], one, 3)), (second, _statement(second, times[1], two, 3))
            direct, users = _placed(*signatures)
            cert = assemble(_PRIMARY, direct=direct, users=users, subkeys=bound)
            name = f"two-expiries/{first},{second}/{when}/{one},{two}"
            yield draft(f"{name}/primary", cert, document(_PRIMARY, PAYLOAD))
            if (one, two) == (None, _SHORT):
                yield draft(f"{name}/subkey", cert, document(_SUBKEY, PAYLOAD))
        for one, two in flags:
            signatures = (
                (first, _statement(first, times[0], None, one)),
                (second, _statement(second, times[1], None, two)),
            )
            direct, users = _placed(*signatures)
            cert = assemble(_PRIMARY, direct=direct, users=users)
            yield draft(f"two-flags/{first},{second}/{when}/{one},{two}", cert, document(_PRIMARY, PAYLOAD))


def _two_bindings() -> Iterator[Draft]:
    moments = {"older-newer": (CREATED, RENEWED), "same": (CREATED, CREATED), "after-signing": (CREATED, LATER)}
    properties: dict[str, tuple[int | None, int | None]] = {
        "plain": (2, None),
        "short": (2, _SHORT),
        "no-flags": (None, None),
        "no-sign": (0x0C, None),
    }
    users = {_A: [certification(_PRIMARY, _A)]}
    for (one, first), (two, second) in product(properties.items(), properties.items()):
        for when, times in moments.items():
            for back in (True, False):
                made = [
                    subkey_binding(
                        _PRIMARY,
                        _SUBKEY,
                        flags=flags,
                        key_expires=expires,
                        created=created,
                        back="hashed" if back or not place else "none",
                    )
                    for place, ((flags, expires), created) in enumerate(zip((first, second), times, strict=True))
                ]
                for order, bindings in (("", made), ("-swapped", made[::-1])):
                    cert = assemble(_PRIMARY, users=users, subkeys=[(_SUBKEY, bindings)])
                    name = f"two-bindings/{one},{two}/{when}/{'back' if back else 'no-back'}{order}"
                    yield draft(name, cert, document(_SUBKEY, PAYLOAD))


def _flags() -> Iterator[Draft]:
    bodies = {"none": None, "empty": b"", "zeros": bytes(9)}
    bodies |= {
        f"{octet:02x}": bytes([octet]) for octet in (0, 1, 2, 3, 4, 8, 0x0C, 0x20, 0x22, 0x2F, 0x10, 0x80, 0xFD, 0xFF)
    }
    bodies |= {
        body.hex(): body for body in (b"\2\0", b"\0\2", b"\2\0\0\0", b"\1\2", b"\3\xff\xff\xff\xff\xff\xff\xff\xff")
    }
    for name, body in bodies.items():
        for critical in (False, True):
            hashed = [] if body is None else [subpacket(27, body, critical=critical)]
            name = name + "-critical" if critical else name
            user = certification(_PRIMARY, _A, flags=None, hashed=hashed)
            yield draft(f"flags/user-id/{name}", assemble(_PRIMARY, users={_A: [user]}), document(_PRIMARY, PAYLOAD))
            direct = direct_key(_PRIMARY, flags=None, hashed=hashed)
            yield draft(f"flags/direct/{name}", assemble(_PRIMARY, direct=[direct]), document(_PRIMARY, PAYLOAD))
            users = {_A: [certification(_PRIMARY, _A)]}
            for back in ("hashed", "none"):
                binding = subkey_binding(
                    _PRIMARY, _SUBKEY, flags=None, hashed=hashed, back="hashed" if back == "hashed" else "none"
                )
                cert = assemble(_PRIMARY, users=users, subkeys=[(_SUBKEY, [binding])])
                yield draft(f"flags/binding-{back}/{name}", cert, document(_SUBKEY, PAYLOAD))
    # The signing flag, or the expiry, in the unhashed area only.
    for type_, body in ((27, b"\3"), (27, b"\1"), (9, b"\0\0\0\1")):
        unhashed = [subpacket(16, _PRIMARY.key_id), subpacket(type_, body)]
        user = certification(_PRIMARY, _A, flags=3 if type_ == 9 else None, unhashed=unhashed)
        yield draft(
            f"flags/unhashed/{type_}/{body.hex()}", assemble(_PRIMARY, users={_A: [user]}), document(_PRIMARY, PAYLOAD)
        )


def _mixes() -> Iterator[Draft]:
    """Certificates with a random history; the same ones in every run."""
    for number in range(500):
        dice = Random(number)  # a repeatable choice, not a secret
        yield _mix(f"mix/{number:03}", dice)


def _mix(name: str, dice: Random) -> Draft:
    moments = (CREATED, CREATED + DAY, RENEWED, RENEWED + DAY, SIGNED - DAY, SIGNED, SIGNED + 1, LATER)
    expiries = (None, None, None, 0, _SHORT, _AT, _AT + 1, _LONG)
    flags = (None, 1, 2, 3, 3, 3)
    statements = []
    for _ in range(dice.randint(1, 5)):
        sort = dice.choice(_SORTS)
        statements.append((sort, _statement(sort, dice.choice(moments[:6]), dice.choice(expiries), dice.choice(flags))))
    direct, users = _placed(*statements)
    for user in users:
        if dice.random() < 0.2:
            reason = dice.choice((32, 32, 0, None))
            users[user].append(certification_revocation(_PRIMARY, user, reason=reason, created=dice.choice(moments)))
    bindings = [_random_binding(dice, moments, expiries) for _ in range(dice.randint(1, 3))]
    if dice.random() < 0.15:
        reason = dice.choice((None, 0, 1, 2, 3, 99))
        bindings.append(subkey_revocation(_PRIMARY, _SUBKEY, reason=reason, created=dice.choice(moments)))
    revocations = []
    if dice.random() < 0.15:
        reason = dice.choice((None, 0, 1, 2, 3, 99))
        revocations.append(key_revocation(_PRIMARY, reason=reason, created=dice.choice(moments)))
    dice.shuffle(bindings)
    cert = assemble(_PRIMARY, revocations=revocations, direct=direct, users=users, subkeys=[(_SUBKEY, bindings)])
    signer: SecretKey = dice.choice((_PRIMARY, _SUBKEY))
    return draft(name, cert, document(signer, PAYLOAD, created=dice.choice((SIGNED, SIGNED, SIGNED, RENEWED, LATER))))


def _random_binding(dice: Random, moments: tuple[int, ...], expiries: tuple[int | None, ...]) -> bytes:
    options: Options = {"created": dice.choice(moments)}
    if dice.random() < 0.1:
        options["expires"] = dice.choice((1, SIGNED - CREATED, _LONG))
    return subkey_binding(
        _PRIMARY,
        _SUBKEY,
        flags=dice.choice((None, 2, 2, 2, 3, 0x0C)),
        key_expires=dice.choice(expiries),
        back=dice.choice(("auto", "hashed", "unhashed")),
        **options,
    )
