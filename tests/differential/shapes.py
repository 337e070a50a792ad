"""Cases about certificates and keyrings as wholes: what they are made of, in which order, and how often."""

from __future__ import annotations

from collections.abc import Iterator

from forge import (
    Certificate,
    Part,
    SecretKey,
    armor,
    certification,
    direct_key,
    document,
    key_revocation,
    marker,
    packet,
    padding,
    secret_key,
    signature_body,
    subkey_binding,
    subkey_revocation,
    subpacket,
)

from .algorithms import certificate_of
from .case import CREATED, DAY, LATER, PAYLOAD, RENEWED, SIGNED, Draft, assemble, body_of, draft, key

_PRIMARY = key("alice")
_SUBKEY = key("alice/sign")
_STRANGER = key("stranger")
_A, _B = "Alice <alice@example.org>", "Bob <bob@example.org>"
_GOOD = certificate_of(_PRIMARY, _SUBKEY)
_ALONE = certificate_of(_PRIMARY)
_SHORT = 200 * DAY


def drafts() -> Iterator[Draft]:
    for name, cert in {**_certificates(), **_keyrings()}.items():
        for who, signer in (("primary", _PRIMARY), ("subkey", _SUBKEY)):
            modern = name in ("padding-before", "packet-21-before")
            broken = name.endswith(("-broken", "-old-version"))
            unjudged = "Sequoia gives up on a keyring with one certificate that it cannot read" if broken else ""
            yield draft(f"shape/{name}/{who}", cert, document(signer, PAYLOAD), modern=modern, unjudged=unjudged)
    yield from _backs()
    yield from _shared()


def _user(body: bytes) -> list[Part]:
    return [Part("user-id", packet(13, body, old=True)), Part("certification", certification(_PRIMARY, body))]


def _certificates() -> dict[str, Certificate | bytes]:
    bound = [(_SUBKEY, [subkey_binding(_PRIMARY, _SUBKEY)])]
    direct = direct_key(_PRIMARY)
    jpeg = packet(17, b"\x05\x01abcd")
    attribute = certification(_PRIMARY, body_of_new(jpeg), tag=17)
    found: dict[str, Certificate | bytes] = {
        "good": _GOOD,
        "no-user-id": assemble(_PRIMARY, subkeys=bound),
        "no-user-id-direct": assemble(_PRIMARY, direct=[direct], subkeys=bound),
        "no-user-id-direct-short": assemble(_PRIMARY, direct=[direct_key(_PRIMARY, key_expires=_SHORT)], subkeys=bound),
        "user-id-unsigned": assemble(_PRIMARY, users={_A: []}, subkeys=bound),
        "user-id-unsigned-first": assemble(_PRIMARY, users={_B: [], _A: [certification(_PRIMARY, _A)]}, subkeys=bound),
        "user-id-by-stranger": assemble(
            _PRIMARY, users={_A: [certification(_PRIMARY, _A, signer=_STRANGER)]}, subkeys=bound
        ),
        "user-id-by-both": assemble(
            _PRIMARY,
            users={_A: [certification(_PRIMARY, _A, signer=_STRANGER), certification(_PRIMARY, _A)]},
            subkeys=bound,
        ),
        "user-id-by-subkey": assemble(
            _PRIMARY, users={_A: [certification(_PRIMARY, _A, signer=_SUBKEY)]}, subkeys=bound
        ),
        "user-id-of-other": assemble(_PRIMARY, users={_A: [certification(_PRIMARY, _B)]}, subkeys=bound),
        "direct-by-stranger": assemble(_PRIMARY, direct=[direct_key(_PRIMARY, signer=_STRANGER)], subkeys=bound),
        "attribute-only": assemble(_PRIMARY).append(Part("user-attribute", jpeg), attribute).with_subkey(*_bound()),
        "attribute-before": assemble(_PRIMARY).append(jpeg, attribute, *_user(_A.encode())).with_subkey(*_bound()),
        "attribute-after": _ALONE.append(jpeg, attribute).with_subkey(*_bound()),
        "attribute-short-newer": _ALONE.append(
            jpeg, certification(_PRIMARY, body_of_new(jpeg), tag=17, created=RENEWED, key_expires=_SHORT)
        ).with_subkey(*_bound()),
        "attribute-extends": assemble(_PRIMARY, users={_A: [certification(_PRIMARY, _A, key_expires=_SHORT)]})
        .append(jpeg, certification(_PRIMARY, body_of_new(jpeg), tag=17, created=RENEWED))
        .with_subkey(*_bound()),
        "attribute-flags": assemble(_PRIMARY, users={_A: [certification(_PRIMARY, _A, flags=1)]})
        .append(jpeg, certification(_PRIMARY, body_of_new(jpeg), tag=17, created=RENEWED))
        .with_subkey(*_bound()),
        "armored": _GOOD.armored(),
        "armored-as-message": _GOOD.armored("MESSAGE"),
        "armored-secret-label": _GOOD.armored("PRIVATE KEY BLOCK"),
        "armored-text-before": b"hello\n" + _GOOD.armored(),
        "armored-text-after": _GOOD.armored() + b"hello\n",
        "armored-bad-crc": armor("PUBLIC KEY BLOCK", _GOOD.bytes, crc="bad"),
        "empty": b"",
        "cut": _GOOD.bytes[:-1],
        "trailing-zero": _GOOD.bytes + b"\0",
        "trailing-garbage": _GOOD.bytes + b"garbage",
        "signature-first": document(_PRIMARY, PAYLOAD) + _GOOD.bytes,
        "user-id-first": packet(13, b"x") + _GOOD.bytes,
        "subkey-as-primary": packet(6, _SUBKEY.public_body) + _GOOD.bytes,
        "primary-as-subkey": packet(14, _PRIMARY.public_body) + b"".join(_GOOD.packets[1:]),
        "secret": _GOOD.secret_bytes,
        "secret-subkey": _secret_subkey(),
        "new-format": _framed(old=False),
        "long-lengths": _framed(old=False, width=5),
        "old-long-lengths": _framed(old=True, width=4),
        "reversed-subkey-user": Certificate(
            _PRIMARY, (_GOOD.parts[0], *_GOOD.parts[3:], *_GOOD.parts[1:3]), (_SUBKEY,)
        ),
        "subkey-twice": _GOOD.with_subkey(*_bound()),
        "subkey-twice-short": _GOOD.with_subkey(
            _SUBKEY, subkey_binding(_PRIMARY, _SUBKEY, created=RENEWED, key_expires=_SHORT)
        ),
        "subkey-twice-revoked": _GOOD.with_subkey(_SUBKEY, subkey_revocation(_PRIMARY, _SUBKEY, reason=2)),
        "subkey-unbound-copy": _GOOD.append(_SUBKEY.public_packet(subkey=True)),
        "user-twice-short": _GOOD.insert(
            "certification",
            packet(13, _A.encode()),
            certification(_PRIMARY, _A, created=RENEWED, key_expires=_SHORT),
        ),
        "user-twice-same": _GOOD.append(*_user(_A.encode())),
        "user-empty": assemble(_PRIMARY).append(*_user(b"")).with_subkey(*_bound()),
        "user-not-utf8": assemble(_PRIMARY).append(*_user(b"\xff\xfe")).with_subkey(*_bound()),
        "user-long": assemble(_PRIMARY).append(*_user(b"x" * 3000)).with_subkey(*_bound()),
        "user-32767": assemble(_PRIMARY).append(*_user(b"x" * 32767)).with_subkey(*_bound()),
        "user-32768": assemble(_PRIMARY).append(*_user(b"x" * 32768)).with_subkey(*_bound()),
        "user-very-long": assemble(_PRIMARY).append(*_user(b"x" * 100_000)).with_subkey(*_bound()),
        "user-nul": assemble(_PRIMARY).append(*_user(b"Alice\0<a@example.org>")).with_subkey(*_bound()),
        "primary-is-subkey": _ALONE.with_subkey(_PRIMARY, subkey_binding(_PRIMARY, _PRIMARY)).with_subkey(*_bound()),
        "primary-is-subkey-short": _ALONE.with_subkey(_PRIMARY, subkey_binding(_PRIMARY, _PRIMARY, key_expires=_SHORT)),
        "primary-is-subkey-flags": _certify_only(),
        "primary-is-subkey-revoked": _ALONE.with_subkey(
            _PRIMARY, subkey_binding(_PRIMARY, _PRIMARY), subkey_revocation(_PRIMARY, _PRIMARY, reason=2)
        ),
        "many-third-party": _ALONE.append(
            *[certification(_PRIMARY, _A, signer=_STRANGER, created=CREATED + n) for n in range(300)]
        ).with_subkey(*_bound()),
        "many-own": _ALONE.append(*[certification(_PRIMARY, _A, created=CREATED + n) for n in range(300)]).with_subkey(
            *_bound()
        ),
        "many-own-600": _ALONE.append(
            *[certification(_PRIMARY, _A, created=CREATED + n) for n in range(600)]
        ).with_subkey(*_bound()),
    }
    for name, kind in {"cv25519": "cv25519", "x25519": "x25519", "unknown": "unknown", "k256": "k256"}.items():
        other = secret_key("alice/other", kind)
        for where, flags in (("encrypts", 0x0C), ("signs", 2)):
            binding = subkey_binding(_PRIMARY, other, flags=flags, back="none")
            found[f"beside-{name}-{where}"] = Certificate(
                _PRIMARY, _ALONE.with_subkey(other, binding).with_subkey(*_bound()).parts, (_SUBKEY,)
            )
    for version in (2, 3, 5, 6, 7):
        body = bytes([version]) + _STRANGER.public_body[1:]
        found[f"beside-version-{version}"] = _ALONE.append(
            packet(14, body), subkey_binding(_PRIMARY, _STRANGER)
        ).with_subkey(*_bound())
        found[f"version-{version}-behind"] = _GOOD.append(packet(14, body))
        # What follows a subkey that is skipped must not attach itself to another component.
        found[f"version-{version}-then-revocation"] = _GOOD.append(
            packet(14, body), subkey_revocation(_PRIMARY, _SUBKEY, reason=2)
        )
        found[f"version-{version}-then-key-revocation"] = _GOOD.append(
            packet(14, body), key_revocation(_PRIMARY, reason=2)
        )
    found["beside-cut-key"] = _ALONE.append(packet(14, _STRANGER.public_body[:-3])).with_subkey(*_bound())
    found["beside-empty-key"] = _ALONE.append(packet(14, b"")).with_subkey(*_bound())
    for tag in (0, 1, 2, 3, 4, 8, 9, 10, 11, 12, 16, 18, 19, 20, 21, 22, 38, 39, 40, 59, 60, 63):
        for place in ("primary", "user-id", "certification", "subkey"):
            found[f"packet-{tag}-after-{place}"] = _GOOD.insert(place, packet(tag, b"PGP" if tag == 10 else b"\1\2"))
        found[f"packet-{tag}-before"] = packet(tag, b"PGP" if tag == 10 else b"\1\2") + _GOOD.bytes
        found[f"packet-{tag}-behind"] = _GOOD.append(packet(tag, b"PGP" if tag == 10 else b"\1\2"))
    found["padding-before"] = padding() + _GOOD.bytes
    found["marker-between"] = _GOOD.insert("user-id", marker())
    return found


def _certify_only() -> Certificate:
    """The primary key may only certify, but is its own signing subkey."""
    only = assemble(_PRIMARY, users={_A: [certification(_PRIMARY, _A, flags=1)]})
    return only.with_subkey(_PRIMARY, subkey_binding(_PRIMARY, _PRIMARY))


def _secret_subkey() -> bytes:
    return b"".join(_GOOD.packets[:3]) + packet(7, _SUBKEY.secret_body) + _GOOD.packets[4]


def body_of_new(framed: bytes) -> bytes:
    """The body of a short packet in the current framing."""
    return framed[2:]


def _bound() -> tuple[SecretKey, bytes]:
    return _SUBKEY, subkey_binding(_PRIMARY, _SUBKEY)


def _framed(*, old: bool, width: int | None = None) -> bytes:
    tags = (6, 13, 2, 14, 2)
    return b"".join(
        packet(tag, body_of(one), old=old, width=width) for tag, one in zip(tags, _GOOD.packets, strict=True)
    )


def _keyrings() -> dict[str, bytes]:
    """Several copies of one certificate, and certificates beside each other."""
    other = certificate_of(_STRANGER).bytes
    users = {_A: [certification(_PRIMARY, _A, created=RENEWED, key_expires=_SHORT)]}
    short = assemble(_PRIMARY, users=users).bytes
    revoked = _ALONE.revoked(key_revocation(_PRIMARY, reason=2)).bytes
    retired = _ALONE.revoked(key_revocation(_PRIMARY, reason=3, created=RENEWED)).bytes
    retired_later = _ALONE.revoked(key_revocation(_PRIMARY, reason=3, created=LATER)).bytes
    bare = _PRIMARY.public_packet()
    broken = bare + packet(13, b"x") + packet(1, b"?")
    unbound = (
        assemble(_PRIMARY, users={_A: [certification(_PRIMARY, _A)]}).append(_SUBKEY.public_packet(subkey=True)).bytes
    )
    sub_revoked = _ALONE.with_subkey(_SUBKEY, subkey_revocation(_PRIMARY, _SUBKEY, reason=2)).bytes
    copies = {
        "other": other,
        "short": short,
        "revoked": revoked,
        "retired": retired,
        "retired-later": retired_later,
        "bare": bare,
        "broken": broken,
        "unbound": unbound,
        "subkey-revoked": sub_revoked,
        "same": _GOOD.bytes,
        "garbage": b"garbage",
        "old-version": packet(6, b"\3" + _STRANGER.public_body[1:]),
        "secret-other": certificate_of(_STRANGER).secret_bytes,
    }
    found = {f"then-{name}": _GOOD.bytes + data for name, data in copies.items()}
    found |= {f"after-{name}": data + _GOOD.bytes for name, data in copies.items()}
    found |= {
        f"armored-then-{name}": _GOOD.armored() + armor("PUBLIC KEY BLOCK", data) for name, data in copies.items()
    }
    found |= {
        f"armored-after-{name}": armor("PUBLIC KEY BLOCK", data) + _GOOD.armored() for name, data in copies.items()
    }
    found |= {f"only-{name}": data for name, data in copies.items()}
    return found


def _backs() -> Iterator[Draft]:
    """Back-signatures: by whom, over what, where, how many."""
    material = _PRIMARY.hash_prefix + _SUBKEY.hash_prefix
    good = subpacket(32, signature_body(_SUBKEY, 0x19, material, created=CREATED))
    made = {
        "good": good,
        "stranger": subpacket(32, signature_body(_STRANGER, 0x19, material)),
        "stranger-in-disguise": subpacket(32, signature_body(_STRANGER, 0x19, material, issuer=_SUBKEY)),
        "primary": subpacket(32, signature_body(_PRIMARY, 0x19, material)),
        "other-primary": subpacket(32, signature_body(_SUBKEY, 0x19, _STRANGER.hash_prefix + _SUBKEY.hash_prefix)),
        "type-18": subpacket(32, signature_body(_SUBKEY, 0x18, material)),
        "type-1f": subpacket(32, signature_body(_SUBKEY, 0x1F, material)),
        "corrupt": subpacket(32, signature_body(_SUBKEY, 0x19, material, corrupt=True)),
        "critical": subpacket(32, signature_body(_SUBKEY, 0x19, material), critical=True),
        "expired": subpacket(32, signature_body(_SUBKEY, 0x19, material, created=CREATED, expires=DAY)),
        "expires-later": subpacket(
            32, signature_body(_SUBKEY, 0x19, material, created=CREATED, expires=SIGNED - CREATED + DAY)
        ),
        "sha1": subpacket(32, signature_body(_SUBKEY, 0x19, material, hash_algo=2)),
        "none": b"",
    }
    users = {_A: [certification(_PRIMARY, _A)]}
    for first, one in made.items():
        for second, two in made.items():
            for area in ("hashed", "unhashed", "split"):
                hashed = {"hashed": [one, two], "unhashed": [], "split": [one]}[area]
                unhashed = {"hashed": [], "unhashed": [one, two], "split": [two]}[area]
                binding = subkey_binding(
                    _PRIMARY,
                    _SUBKEY,
                    back="none",
                    hashed=hashed,
                    unhashed=[subpacket(16, _PRIMARY.key_id), *unhashed],
                )
                cert = assemble(_PRIMARY, users=users, subkeys=[(_SUBKEY, [binding])])
                yield draft(f"back/{first},{second}/{area}", cert, document(_SUBKEY, PAYLOAD))


def _shared() -> Iterator[Draft]:
    """One subkey in two certificates."""
    thief = key("thief")
    back = {"hashed": "hashed", "none": "none"}
    for mine in back:
        for theirs in back:
            one = certificate_of(_PRIMARY).with_subkey(
                _SUBKEY, subkey_binding(_PRIMARY, _SUBKEY, back="hashed" if mine == "hashed" else "none")
            )
            two = certificate_of(thief).with_subkey(
                _SUBKEY, subkey_binding(thief, _SUBKEY, back="hashed" if theirs == "hashed" else "none")
            )
            for order, data in (("mine-first", one.bytes + two.bytes), ("theirs-first", two.bytes + one.bytes)):
                yield draft(f"shared/{mine},{theirs}/{order}", data, document(_SUBKEY, PAYLOAD))
    grafted = certificate_of(thief).append(_SUBKEY.public_packet(subkey=True), subkey_binding(_PRIMARY, _SUBKEY))
    yield draft("shared/grafted", grafted.bytes, document(_SUBKEY, PAYLOAD))
    yield draft("shared/grafted-beside", grafted.bytes + _GOOD.bytes, document(_SUBKEY, PAYLOAD))
    yield draft("shared/primary-as-subkey", _stolen_primary(thief, agree=True), document(_PRIMARY, PAYLOAD))
    yield draft("shared/primary-as-subkey-unwilling", _stolen_primary(thief, agree=False), document(_PRIMARY, PAYLOAD))


def _stolen_primary(other: SecretKey, *, agree: bool) -> bytes:
    """Another certificate has the primary key of ours as its subkey, with its consent or not."""
    binding = subkey_binding(other, _PRIMARY, back="hashed" if agree else "none")
    return _ALONE.bytes + certificate_of(other).with_subkey(_PRIMARY, binding).bytes
