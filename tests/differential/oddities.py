"""Every oddity of one signature packet, in every place where a signature packet may stand.

What an oddity does to a document signature is one question; what it does to a signature which takes something away (a
revocation, a newer and shorter expiry) is the other: whoever skips that one accepts too much.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from forge import (
    Certificate,
    SecretKey,
    certification,
    certification_revocation,
    direct_key,
    document,
    key_revocation,
    mpi,
    notation,
    signature_body,
    subkey_binding,
    subkey_revocation,
    subpacket,
)
from forge.signatures import Options

from .algorithms import signature_values
from .case import CREATED, DAY, LATER, PAYLOAD, RENEWED, SIGNED, Draft, assemble, draft, key, reframed

_USER = "Alice <alice@example.org>"
_PRIMARY = key("alice")
_SUBKEY = key("alice/sign")
_STRANGER = key("stranger")
_SHORT = 200 * DAY  # from CREATED: after RENEWED, before SIGNED
_Make = Callable[[SecretKey, int], Options]
_Change = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Oddity:
    """What to ask of the maker of a signature, and what to do to the body afterwards."""

    options: _Make
    change: _Change | None = None
    modern: bool = False

    def asked(self, signer: SecretKey, created: int) -> Options:
        """The options for a signature that would else be made at ``created``."""
        return {"created": created, **self.options(signer, created)}


def drafts() -> Iterator[Draft]:
    for name, oddity in ODDITIES.items():
        for place, build in _PLACES.items():
            if name.startswith("embedded-") and place not in _PLACES_OF_EMBEDDED:
                continue
            if name.startswith("type-") and not name.endswith("-critical") and place not in _HARMLESS_PLACES:
                continue
            cert, signature = build(oddity)
            yield draft(f"oddity/{place}/{name}", cert, signature, modern=oddity.modern)


def _hashed(*packets: bytes) -> Oddity:
    return Oddity(lambda signer, created: {"hashed": packets})


def _unhashed(*packets: bytes) -> Oddity:
    return Oddity(lambda signer, created: {"unhashed": [subpacket(16, signer.key_id), *packets]})


def _time(seconds: int) -> bytes:
    return subpacket(2, seconds.to_bytes(4, "big"))


def _id(one: SecretKey) -> bytes:
    return subpacket(16, one.key_id)


def _fingerprint(one: SecretKey) -> bytes:
    return subpacket(33, b"\x04" + one.fingerprint)


# Bodies of the right length for the types that have one.
SUBPACKET_BODIES: dict[int, bytes] = {
    2: b"\x67\0\0\0",
    3: bytes(4),
    4: b"\1",
    5: b"\1\x78",
    6: b"<>\0",
    7: b"\1",
    9: bytes(4),
    12: b"\x80\x16" + bytes(20),
}
SUBPACKET_BODIES |= {
    16: bytes(8),
    20: b"\x80\0\0\0\0\1\0\1ab",
    25: b"\1",
    26: b"https://example.org",
    27: b"\x03",
    28: b"alice",
}
SUBPACKET_BODIES |= {29: b"\1", 31: b"\0\x08" + bytes(32), 32: b"", 33: b"\x04" + bytes(20), 35: b"\x04" + bytes(20)}
_TYPES = (*range(42), 60, 100, 127)

ODDITIES: dict[str, Oddity] = {
    "none": Oddity(lambda signer, created: {}),
    "md5": Oddity(lambda signer, created: {"hash_algo": 1}),
    "sha1": Oddity(lambda signer, created: {"hash_algo": 2}),
    "ripemd160": Oddity(lambda signer, created: {"hash_algo": 3}),
    "sha224": Oddity(lambda signer, created: {"hash_algo": 11}),
    "sha384": Oddity(lambda signer, created: {"hash_algo": 9}),
    "sha512": Oddity(lambda signer, created: {"hash_algo": 10}),
    "sha3-256": Oddity(lambda signer, created: {"hash_algo": 12}, modern=True),
    "version-3": Oddity(lambda signer, created: {"version": 3}),
    "corrupt": Oddity(lambda signer, created: {"corrupt": True}),
    "left16-wrong": Oddity(lambda signer, created: {"left16": b"\0\0"}),
    "algorithm-1": Oddity(lambda signer, created: {"algorithm": 1}),
    "algorithm-27": Oddity(lambda signer, created: {"algorithm": 27}),
    "expired-at-once": Oddity(lambda signer, created: {"expires": 1}),
    "expired-before-signing": Oddity(lambda signer, created: {"expires": max(SIGNED - DAY - created, 1)}),
    "expires-at-signing": Oddity(lambda signer, created: {"expires": max(SIGNED - created, 1)}),
    "expires-just-after-signing": Oddity(lambda signer, created: {"expires": max(SIGNED - created, 0) + 1}),
    "expires-after-signing": Oddity(lambda signer, created: {"expires": max(LATER - created, 1)}),
    "expires-far": Oddity(lambda signer, created: {"expires": 0xFFFFFFFF}),
    "expires-0": Oddity(lambda signer, created: {"expires": 0}),
    "expires-twice": _hashed(subpacket(3, bytes(4)), subpacket(3, bytes(4))),
    "expires-twice-differing": _hashed(subpacket(3, bytes(4)), subpacket(3, b"\0\0\0\1")),
    "expires-unhashed": _unhashed(subpacket(3, b"\0\0\0\1")),
    "older-than-key": Oddity(lambda signer, created: {"created": CREATED - 1}),
    "as-old-as-key": Oddity(lambda signer, created: {"created": CREATED}),
    "made-1970": Oddity(lambda signer, created: {"created": 0}),
    "made-2106": Oddity(lambda signer, created: {"created": 0xFFFFFFFF}),
    "made-at-signing": Oddity(lambda signer, created: {"created": SIGNED}),
    "made-just-after-signing": Oddity(lambda signer, created: {"created": SIGNED + 1}),
    "made-later": Oddity(lambda signer, created: {"created": LATER}),
    "creation-missing": Oddity(lambda signer, created: {"omit": ["creation"]}),
    "creation-twice": Oddity(lambda signer, created: {"hashed": [_time(created)]}),
    "creation-twice-differing": Oddity(lambda signer, created: {"hashed": [_time(created + DAY)]}),
    "creation-twice-older": Oddity(lambda signer, created: {"hashed": [_time(CREATED + 1)]}),
    "creation-unhashed": Oddity(
        lambda signer, created: {"omit": ["creation"], "unhashed": [_id(signer), _time(created)]}
    ),
    "creation-also-unhashed": Oddity(lambda signer, created: {"unhashed": [_id(signer), _time(created + DAY)]}),
    "creation-critical": Oddity(
        lambda signer, created: {
            "omit": ["creation"],
            "hashed": [subpacket(2, created.to_bytes(4, "big"), critical=True)],
        }
    ),
    "creation-3-octets": _hashed(subpacket(2, bytes(3))),
    "issuer-missing": Oddity(lambda signer, created: {"omit": ["issuer", "issuer-fingerprint"]}),
    "issuer-id-only": Oddity(lambda signer, created: {"omit": ["issuer-fingerprint"]}),
    "issuer-fingerprint-only": Oddity(lambda signer, created: {"omit": ["issuer"]}),
    "issuer-fingerprint-unhashed": Oddity(
        lambda signer, created: {"omit": ["issuer-fingerprint"], "unhashed": [_fingerprint(signer)]}
    ),
    "issuer-id-hashed": Oddity(
        lambda signer, created: {"omit": ["issuer-fingerprint"], "unhashed": [], "hashed": [_id(signer)]}
    ),
    "issuer-wrong": Oddity(lambda signer, created: {"issuer": _STRANGER}),
    "issuer-id-wrong": Oddity(lambda signer, created: {"unhashed": [_id(_STRANGER)]}),
    "issuer-id-wrong-only": Oddity(
        lambda signer, created: {"omit": ["issuer-fingerprint"], "unhashed": [_id(_STRANGER)]}
    ),
    "issuer-fingerprint-wrong": Oddity(
        lambda signer, created: {"omit": ["issuer-fingerprint"], "hashed": [_fingerprint(_STRANGER)]}
    ),
    "issuer-fingerprint-wrong-only": Oddity(
        lambda signer, created: {"omit": ["issuer-fingerprint", "issuer"], "hashed": [_fingerprint(_STRANGER)]}
    ),
    "issuer-id-twice": Oddity(lambda signer, created: {"unhashed": [_id(signer), _id(signer)]}),
    "issuer-ids-differing": Oddity(lambda signer, created: {"unhashed": [_id(_STRANGER), _id(signer)]}),
    "issuer-fingerprints-differing": _hashed(_fingerprint(_STRANGER)),
    "issuer-fingerprints-differing-unhashed": _unhashed(_fingerprint(_STRANGER)),
    "issuer-id-0": Oddity(
        lambda signer, created: {"omit": ["issuer-fingerprint"], "unhashed": [subpacket(16, bytes(8))]}
    ),
    "issuer-id-0-beside": Oddity(lambda signer, created: {"unhashed": [subpacket(16, bytes(8))]}),
    "issuer-id-critical": _hashed(subpacket(16, _PRIMARY.key_id, critical=True)),
    "issuer-fingerprint-critical": Oddity(
        lambda signer, created: {
            "omit": ["issuer-fingerprint"],
            "hashed": [subpacket(33, b"\x04" + signer.fingerprint, critical=True)],
        }
    ),
    "issuer-fingerprint-short": _hashed(subpacket(33, b"\x04" + bytes(19))),
    "issuer-fingerprint-v5": _hashed(subpacket(33, b"\x05" + bytes(32))),
    "issuer-fingerprint-v6": Oddity(
        lambda signer, created: {"hashed": [subpacket(33, b"\x06" + bytes(32))]}, modern=True
    ),
    "issuer-id-7-octets": _hashed(subpacket(16, bytes(7))),
    "notation": _hashed(notation("note@example.org", b"value")),
    "notation-critical": _hashed(notation("note@example.org", b"value", critical=True)),
    "notation-critical-unhashed": _unhashed(notation("note@example.org", b"value", critical=True)),
    "notation-malformed": _hashed(subpacket(20, b"\x80\0\0\0\0\xff\0\xffab")),
    "notation-critical-malformed": _hashed(subpacket(20, b"\x80", critical=True)),
    "length-0": _hashed(b"\0"),
    "length-past-end": _hashed(b"\x09\x1b\x03"),
    "length-past-end-unhashed": _unhashed(b"\x09\x1b\x03"),
    "length-5-octets": _hashed(b"\xff\0\0\0\x05\x1aabcd"),
    "length-5-octets-creation": Oddity(
        lambda signer, created: {
            "omit": ["creation"],
            "hashed": [subpacket(2, created.to_bytes(4, "big"), width=5)],
        }
    ),
    "many-subpackets": _hashed(*[subpacket(100, b"")] * 300),
    "flags-empty": _hashed(subpacket(27, b"")),
    "flags-sign": _hashed(subpacket(27, b"\x02")),
    "flags-certify": _hashed(subpacket(27, b"\x01")),
    "flags-multi-octet": _hashed(subpacket(27, b"\x00\x02")),
    "flags-unhashed": _unhashed(subpacket(27, b"\x03")),
    "flags-unhashed-0": _unhashed(subpacket(27, b"\x00")),
    "key-expiry-0": _hashed(subpacket(9, bytes(4))),
    "key-expiry-1": _hashed(subpacket(9, b"\0\0\0\1")),
    "key-expiry-max": _hashed(subpacket(9, b"\xff\xff\xff\xff")),
    "key-expiry-unhashed": _unhashed(subpacket(9, b"\0\0\0\1")),
    "key-expiry-critical": _hashed(subpacket(9, b"\0\0\0\1", critical=True)),
    "key-expiry-3-octets": _hashed(subpacket(9, bytes(3))),
    "reason-twice": _hashed(subpacket(29, b"\1"), subpacket(29, b"\2")),
    "reason-1": _hashed(subpacket(29, b"\1")),
    "reason-2": _hashed(subpacket(29, b"\2")),
    "reason-empty": _hashed(subpacket(29, b"")),
    "reason-unhashed": _unhashed(subpacket(29, b"\1")),
    "primary-user-id-2-octets": _hashed(subpacket(25, b"\1\1")),
    "not-exportable": _hashed(subpacket(4, b"\0")),
    "exportable-2": _hashed(subpacket(4, b"\2")),
    "not-revocable": _hashed(subpacket(7, b"\0")),
    "trust-3-octets": _hashed(subpacket(5, bytes(3))),
    "garbage-embedded-empty": _hashed(subpacket(32, b"")),
    "garbage-embedded": _hashed(subpacket(32, b"\x04\x00\x16\x08garbage")),
    "garbage-embedded-unhashed": _unhashed(subpacket(32, b"\x04\x00\x16\x08garbage")),
    "revocation-key": _hashed(subpacket(12, b"\x80\x16" + _STRANGER.fingerprint)),
    "hashed-area-cut": Oddity(lambda signer, created: {}, lambda body: body[:4] + b"\xff\xff" + body[6:]),
    "unhashed-garbage": Oddity(lambda signer, created: {"unhashed": [b"\xfe"]}),
    "empty-body": Oddity(lambda signer, created: {}, lambda body: b""),
    "version-5": Oddity(lambda signer, created: {}, lambda body: b"\x05" + body[1:]),
}
ODDITIES |= {f"value-{name}": Oddity(lambda signer, created: {}, change) for name, change in signature_values().items()}
for _type in _TYPES:
    _body = SUBPACKET_BODIES.get(_type, b"\1")
    ODDITIES[f"type-{_type}"] = _hashed(subpacket(_type, _body))
    ODDITIES[f"type-{_type}-critical"] = _hashed(subpacket(_type, _body, critical=True))
    ODDITIES[f"type-{_type}-critical-unhashed"] = _unhashed(subpacket(_type, _body, critical=True))


def _embedded(algorithm: int, value: bytes, head: bytes = b"\x04\x19", salt: bytes = b"") -> bytes:
    """A signature body that nothing ever signed, with an empty hashed and unhashed area."""
    areas = bytes(8) if head[0] == 6 else bytes(4)
    return head + bytes([algorithm, 8]) + areas + b"\x12\x34" + salt + value


_ONE = mpi(2**255 + 19)
_VALUES = {
    "nothing": b"",
    "one": _ONE,
    "two": _ONE * 2,
    "three": _ONE * 3,
    "two-and-a-byte": _ONE * 2 + b"\0",
    "leading-zero": b"\0\x10\0\1" * 2,
    "64-bytes": bytes(64),
    "114-bytes": bytes(114),
}
_EMBEDDED = {
    f"algorithm-{algorithm}-{name}": _embedded(algorithm, value)
    for algorithm in (0, 1, 2, 3, 4, 16, 17, 18, 19, 20, 21, 22, 23, 25, 26, 27, 28, 29, 100)
    for name, value in _VALUES.items()
}
_V3 = b"\x03\x05\x19" + bytes(4) + bytes(8)  # type, time and key id; then algorithms, two octets, value
_EMBEDDED |= {
    "version-3": _V3 + b"\x16\x08\x12\x34" + _ONE * 2,
    "version-3-cut": _V3 + b"\x16\x08\x12\x34" + _ONE,
    "version-3-nothing": b"\x03",
    "version-3-algorithm-16": _V3 + b"\x10\x08\x12\x34" + _ONE * 2,
    "version-3-length-4": b"\x03\x04" + _V3[2:] + b"\x16\x08\x12\x34" + _ONE * 2,
    "version-2": b"\x02" + _V3[1:] + b"\x16\x08\x12\x34" + _ONE * 2,
    "version-6": _embedded(27, bytes(64), b"\x06\x19", b"\x10" + bytes(16)),
    "version-6-no-salt": _embedded(27, bytes(64), b"\x06\x19", b"\0"),
    "version-7": _embedded(22, _ONE * 2, b"\x07\x19"),
}
EMBEDDED_BODIES = tuple(_EMBEDDED.values())
for _name, _body in _EMBEDDED.items():
    ODDITIES[f"embedded-{_name}"] = _hashed(subpacket(32, _body))
    ODDITIES[f"embedded-{_name}-unhashed"] = _unhashed(subpacket(32, _body))


_Made = tuple[Certificate, bytes]


def _changed(oddity: Oddity, framed: bytes) -> bytes:
    return framed if oddity.change is None else reframed(framed, oddity.change)


def _document(oddity: Oddity) -> _Made:
    cert = assemble(_PRIMARY, users={_USER: [certification(_PRIMARY, _USER)]})
    return cert, _changed(oddity, document(_PRIMARY, PAYLOAD, **oddity.asked(_PRIMARY, SIGNED)))


def _by_primary(oddity: Oddity, signature: bytes, *, direct: bool = False, first: bytes | None = None) -> _Made:
    """A document by a primary key on which the odd signature speaks last."""
    odd = _changed(oddity, signature)
    if direct:
        cert = assemble(_PRIMARY, direct=[odd], users={_USER: [first]} if first else None)
    else:
        cert = assemble(_PRIMARY, users={_USER: [first, odd] if first else [odd]})
    return cert, document(_PRIMARY, PAYLOAD)


def _self_signature(oddity: Oddity) -> _Made:
    return _by_primary(oddity, certification(_PRIMARY, _USER, **oddity.asked(_PRIMARY, CREATED)))


def _direct(oddity: Oddity) -> _Made:
    return _by_primary(oddity, direct_key(_PRIMARY, **oddity.asked(_PRIMARY, CREATED)), direct=True)


def _shortening(oddity: Oddity) -> _Made:
    asked = oddity.asked(_PRIMARY, RENEWED)
    newer = certification(_PRIMARY, _USER, key_expires=_SHORT, **asked)
    return _by_primary(oddity, newer, first=certification(_PRIMARY, _USER))


def _extending(oddity: Oddity) -> _Made:
    newer = certification(_PRIMARY, _USER, **oddity.asked(_PRIMARY, RENEWED))
    return _by_primary(oddity, newer, first=certification(_PRIMARY, _USER, key_expires=_SHORT))


def _unflagging(oddity: Oddity) -> _Made:
    newer = certification(_PRIMARY, _USER, flags=1, **oddity.asked(_PRIMARY, RENEWED))
    return _by_primary(oddity, newer, first=certification(_PRIMARY, _USER))


def _direct_shortening(oddity: Oddity) -> _Made:
    newer = direct_key(_PRIMARY, key_expires=_SHORT, **oddity.asked(_PRIMARY, RENEWED))
    return _by_primary(oddity, newer, direct=True, first=certification(_PRIMARY, _USER))


def _with_bindings(*bindings: bytes, revocations: tuple[bytes, ...] = ()) -> _Made:
    users = {_USER: [certification(_PRIMARY, _USER)]}
    cert = assemble(_PRIMARY, users=users, subkeys=[(_SUBKEY, [*revocations, *bindings])])
    return cert, document(_SUBKEY, PAYLOAD)


def _binding(oddity: Oddity) -> _Made:
    return _with_bindings(_changed(oddity, subkey_binding(_PRIMARY, _SUBKEY, **oddity.asked(_PRIMARY, CREATED))))


def _binding_shortening(oddity: Oddity) -> _Made:
    newer = subkey_binding(_PRIMARY, _SUBKEY, key_expires=_SHORT, **oddity.asked(_PRIMARY, RENEWED))
    return _with_bindings(subkey_binding(_PRIMARY, _SUBKEY), _changed(oddity, newer))


def _binding_unflagging(oddity: Oddity) -> _Made:
    newer = subkey_binding(_PRIMARY, _SUBKEY, flags=0x0C, **oddity.asked(_PRIMARY, RENEWED))
    return _with_bindings(subkey_binding(_PRIMARY, _SUBKEY), _changed(oddity, newer))


def _binding_extending(oddity: Oddity) -> _Made:
    newer = subkey_binding(_PRIMARY, _SUBKEY, **oddity.asked(_PRIMARY, RENEWED))
    return _with_bindings(subkey_binding(_PRIMARY, _SUBKEY, key_expires=_SHORT), _changed(oddity, newer))


def _back(oddity: Oddity, *, hashed: bool = True) -> _Made:
    asked: Options = {"created": CREATED, **oddity.asked(_SUBKEY, CREATED)}
    body = signature_body(_SUBKEY, 0x19, _PRIMARY.hash_prefix + _SUBKEY.hash_prefix, **asked)
    embedded = subpacket(32, oddity.change(body) if oddity.change else body)
    if hashed:
        return _with_bindings(subkey_binding(_PRIMARY, _SUBKEY, back="none", hashed=[embedded]))
    return _with_bindings(subkey_binding(_PRIMARY, _SUBKEY, back="none", unhashed=[_id(_PRIMARY), embedded]))


def _back_unhashed(oddity: Oddity) -> _Made:
    return _back(oddity, hashed=False)


def _revoked(reason: int | None, when: int) -> Callable[[Oddity], _Made]:
    def build(oddity: Oddity) -> _Made:
        revocation = key_revocation(_PRIMARY, reason=reason, **oddity.asked(_PRIMARY, when))
        users = {_USER: [certification(_PRIMARY, _USER)]}
        return assemble(_PRIMARY, revocations=[_changed(oddity, revocation)], users=users), document(_PRIMARY, PAYLOAD)

    return build


def _subkey_revoked(reason: int | None, when: int) -> Callable[[Oddity], _Made]:
    def build(oddity: Oddity) -> _Made:
        revocation = subkey_revocation(_PRIMARY, _SUBKEY, reason=reason, **oddity.asked(_PRIMARY, when))
        return _with_bindings(subkey_binding(_PRIMARY, _SUBKEY), revocations=(_changed(oddity, revocation),))

    return build


def _user_revoked(oddity: Oddity) -> _Made:
    """The user id whose self-signature extends the expiry is revoked; the other one has expired."""
    revocation = certification_revocation(_PRIMARY, _USER, **oddity.asked(_PRIMARY, RENEWED + DAY))
    users = {
        "Old <old@example.org>": [certification(_PRIMARY, "Old <old@example.org>", key_expires=_SHORT)],
        _USER: [certification(_PRIMARY, _USER, created=RENEWED), _changed(oddity, revocation)],
    }
    return assemble(_PRIMARY, users=users), document(_PRIMARY, PAYLOAD)


_PLACES: dict[str, Callable[[Oddity], _Made]] = {
    "document": _document,
    "self-signature": _self_signature,
    "direct": _direct,
    "shortening": _shortening,
    "extending": _extending,
    "unflagging": _unflagging,
    "direct-shortening": _direct_shortening,
    "binding": _binding,
    "binding-shortening": _binding_shortening,
    "binding-unflagging": _binding_unflagging,
    "binding-extending": _binding_extending,
    "back": _back,
    "back-unhashed": _back_unhashed,
    "revocation-hard": _revoked(0, LATER),
    "revocation-unexplained": _revoked(None, LATER),
    "revocation-soft": _revoked(1, RENEWED),
    "subkey-revocation-hard": _subkey_revoked(2, LATER),
    "subkey-revocation-soft": _subkey_revoked(3, RENEWED),
    "user-revocation": _user_revoked,
}
# Where subpackets that must change nothing are tried: not in every place, to save time.
_HARMLESS_PLACES = frozenset({"document", "self-signature", "shortening", "binding", "back", "revocation-soft"})
# Where the many forms of an embedded signature are tried: one place of each kind.
_PLACES_OF_EMBEDDED = frozenset({"document", "shortening", "binding"})
