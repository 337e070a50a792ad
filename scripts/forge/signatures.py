"""Signatures of every kind a certificate or a document may carry, right and wrong (RFC 9580 §5.2).

Each helper takes the `Options` below as keywords and hands them to `signature_body`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from typing import Literal, TypedDict, Unpack

from .hashes import HASHES
from .keys import SIGNED, SecretKey
from .packets import SIGNATURE, USER_ATTRIBUTE, packet, subpacket

CERTIFY, SIGN, ENCRYPT, AUTHENTICATE = 0x01, 0x02, 0x0C, 0x20
"""Key flags (§5.2.3.29)."""
NO_REASON, SUPERSEDED, COMPROMISED, RETIRED, USER_ID_INVALID = 0, 1, 2, 3, 32
"""Reasons for revocation (§5.2.3.31); 1 and 3 are the soft ones."""


class Options(TypedDict, total=False):
    """What may be changed about any signature. Times are Unix seconds; ``expires`` counts from creation."""

    created: int
    hash_algo: int
    version: int
    """3, 4 or 6; the signer's own version by default."""
    hashed: Sequence[bytes]
    """Subpackets after the usual ones."""
    unhashed: Sequence[bytes] | None
    """Instead of what gpg writes: the issuer key id for version 4, nothing for version 6."""
    hashed_area: bytes | None
    """Instead of the whole hashed area, for malformed ones."""
    omit: Collection[Literal["creation", "issuer-fingerprint", "issuer"]]
    expires: int | None
    issuer: SecretKey | None
    """Whom the issuer subpackets name, when not the signer."""
    salt: bytes | None
    algorithm: int | None
    """The public-key algorithm the header claims."""
    left16: bytes | None
    value: bytes | None
    """Instead of what the signer computes."""
    corrupt: bool
    """Flip the last bit of the signature proper."""


def signature_body(
    signer: SecretKey,
    sig_type: int,
    material: bytes,
    *,
    created: int | None = None,
    hash_algo: int | None = None,
    version: int | None = None,
    hashed: Sequence[bytes] = (),
    unhashed: Sequence[bytes] | None = None,
    hashed_area: bytes | None = None,
    omit: Collection[str] = (),
    expires: int | None = None,
    issuer: SecretKey | None = None,
    salt: bytes | None = None,
    algorithm: int | None = None,
    left16: bytes | None = None,
    value: bytes | None = None,
    corrupt: bool = False,
) -> bytes:
    """The body of a signature packet by ``signer`` over ``material``, as §5.2.4 hashes it."""
    created = signer.created if created is None else created
    hash_algo = hash_algo or signer.default_hash
    version = version or signer.version
    issuer = issuer or signer
    algorithm = signer.algorithm_id if algorithm is None else algorithm
    if version == 3:
        salt = b""
        head, after_head = b"\x03\x05", issuer.key_id + bytes([algorithm, hash_algo])
        signed = bytes([sig_type]) + created.to_bytes(4, "big")
        head, trailer = head + signed + after_head, signed
    else:
        salt = b"" if version != 6 else salt if salt is not None else make_salt(signer, hash_algo, sig_type, material)
        if hashed_area is None:
            usual = {
                "issuer-fingerprint": subpacket(33, bytes([issuer.version]) + issuer.fingerprint),
                "creation": subpacket(2, created.to_bytes(4, "big")),
            }
            hashed_area = b"".join(usual[name] for name in usual if name not in omit)
            hashed_area += b"" if expires is None else subpacket(3, expires.to_bytes(4, "big"))
            hashed_area += b"".join(hashed)
        if unhashed is None:
            unhashed = [] if version == 6 or "issuer" in omit else [subpacket(16, issuer.key_id)]
        width = 4 if version == 6 else 2
        signed = (
            bytes([version, sig_type, algorithm, hash_algo]) + len(hashed_area).to_bytes(width, "big") + hashed_area
        )
        tail = b"".join(unhashed)
        head = signed + len(tail).to_bytes(width, "big") + tail
        trailer = signed + bytes([version, 0xFF]) + len(signed).to_bytes(4, "big")
    digest = HASHES[hash_algo].new(salt + material + trailer).digest()
    value = signer.sign(hash_algo, digest) if value is None else value
    if corrupt:
        value = value[:-1] + bytes([value[-1] ^ 1])
    return head + (left16 or digest[:2]) + (bytes([len(salt)]) + salt if version == 6 else b"") + value


def make_signature(signer: SecretKey, sig_type: int, material: bytes, **options: Unpack[Options]) -> bytes:
    """A signature packet in the legacy framing that gpg uses."""
    return packet(SIGNATURE, signature_body(signer, sig_type, material, **options), old=True)


def make_salt(signer: SecretKey, hash_algo: int, sig_type: int, material: bytes) -> bytes:
    """A salt of the right size (§5.2.3) which is random to everybody but us."""
    source = signer.fingerprint + bytes([sig_type]) + hashlib.sha256(material).digest()
    return hashlib.shake_256(b"airgap forge salt\0" + source).digest(HASHES[hash_algo].salt_size)


def notation(name: str, value: bytes, *, critical: bool = False, readable: bool = True) -> bytes:
    """A notation data subpacket (§5.2.3.24)."""
    flags = b"\x80\0\0\0" if readable else bytes(4)
    lengths = len(name.encode()).to_bytes(2, "big") + len(value).to_bytes(2, "big")
    return subpacket(20, flags + lengths + name.encode() + value, critical=critical)


def document_material(payload: bytes, sig_type: int = 0x00) -> bytes:
    """What a document signature hashes: the octets, or for 0x01 the text with CRLF line ends (§5.2.1.2)."""
    if sig_type != 0x01:
        return payload
    return payload.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def document(signer: SecretKey, payload: bytes, *, sig_type: int = 0x00, **options: Unpack[Options]) -> bytes:
    """A signature over a document; 0x00 binary, 0x01 text, or any other type over the same octets."""
    options.setdefault("created", SIGNED)
    return make_signature(signer, sig_type, document_material(payload, sig_type), **options)


def _user_id_material(primary: SecretKey, user_id: bytes | str, tag: int) -> bytes:
    body = user_id.encode() if isinstance(user_id, str) else user_id
    prefix = b"\xd1" if tag == USER_ATTRIBUTE else b"\xb4"
    return primary.hash_prefix + prefix + len(body).to_bytes(4, "big") + body


def _extended(options: Options, created: int, *subpackets: bytes) -> Options:
    """The options with a default creation time and ``subpackets`` before the caller's own."""
    result = options.copy()
    result.setdefault("created", created)
    result["hashed"] = [*subpackets, *options.get("hashed", ())]
    return result


def _self_subpackets(flags: int | None, key_expires: int | None) -> list[bytes]:
    """Key flags and key expiry, seconds after the key's creation; None leaves either out (§5.2.3.13)."""
    out = [] if flags is None else [subpacket(27, bytes([flags]))]
    return out if key_expires is None else [*out, subpacket(9, key_expires.to_bytes(4, "big"))]


def certification(
    primary: SecretKey,
    user_id: bytes | str,
    *,
    signer: SecretKey | None = None,
    flags: int | None = CERTIFY | SIGN,
    key_expires: int | None = None,
    sig_type: int = 0x13,
    tag: int = 13,
    **options: Unpack[Options],
) -> bytes:
    """A certification of a user id (or with ``tag`` 17 a user attribute), by the primary or by ``signer``."""
    extra = _self_subpackets(flags, key_expires)
    material = _user_id_material(primary, user_id, tag)
    return make_signature(signer or primary, sig_type, material, **_extended(options, primary.created, *extra))


def direct_key(
    primary: SecretKey,
    *,
    signer: SecretKey | None = None,
    flags: int | None = CERTIFY | SIGN,
    key_expires: int | None = None,
    **options: Unpack[Options],
) -> bytes:
    """A direct-key signature (0x1F): where version 6 keeps the properties of the key (§10.1.1)."""
    extra = _self_subpackets(flags, key_expires)
    return make_signature(signer or primary, 0x1F, primary.hash_prefix, **_extended(options, primary.created, *extra))


def subkey_binding(
    primary: SecretKey,
    subkey: SecretKey,
    *,
    signer: SecretKey | None = None,
    flags: int | None = SIGN,
    key_expires: int | None = None,
    back: Literal["auto", "hashed", "unhashed", "none"] = "auto",
    back_signer: SecretKey | None = None,
    back_options: Options | None = None,
    sig_type: int = 0x18,
    **options: Unpack[Options],
) -> bytes:
    """A subkey binding (0x18) with the back-signature (0x19) inside (§5.2.3.34).

    ``back`` says where that goes; "auto" is hashed for a signing flag and none otherwise.
    """
    material = primary.hash_prefix + subkey.hash_prefix
    extra = _self_subpackets(flags, key_expires)
    options = _extended(options, subkey.created, *extra)
    if back == "auto":
        back = "hashed" if flags is not None and flags & SIGN else "none"
    if back != "none":
        inner: Options = {"created": options["created"], **(back_options or {})}
        embedded = subpacket(32, signature_body(back_signer or subkey, 0x19, material, **inner))
        if back == "hashed":
            options["hashed"] = [*options["hashed"], embedded]
        else:
            usual = [] if primary.version == 6 else [subpacket(16, (signer or primary).key_id)]
            options["unhashed"] = [*(options.get("unhashed") or usual), embedded]
    return make_signature(signer or primary, sig_type, material, **options)


def _revocation(
    signer: SecretKey, sig_type: int, material: bytes, reason: int | None, text: str, options: Options
) -> bytes:
    """Any revocation; without ``reason`` the subpacket is left out, which makes it a hard one (§5.2.3.31)."""
    extra = [] if reason is None else [subpacket(29, bytes([reason]) + text.encode())]
    return make_signature(signer, sig_type, material, **_extended(options, SIGNED, *extra))


def key_revocation(
    primary: SecretKey,
    *,
    signer: SecretKey | None = None,
    reason: int | None = NO_REASON,
    text: str = "",
    **options: Unpack[Options],
) -> bytes:
    """A key revocation (0x20); made at SIGNED unless ``created`` is given."""
    return _revocation(signer or primary, 0x20, primary.hash_prefix, reason, text, options)


def subkey_revocation(
    primary: SecretKey,
    subkey: SecretKey,
    *,
    signer: SecretKey | None = None,
    reason: int | None = NO_REASON,
    text: str = "",
    **options: Unpack[Options],
) -> bytes:
    """A subkey revocation (0x28)."""
    material = primary.hash_prefix + subkey.hash_prefix
    return _revocation(signer or primary, 0x28, material, reason, text, options)


def certification_revocation(
    primary: SecretKey,
    user_id: bytes | str,
    *,
    signer: SecretKey | None = None,
    reason: int | None = USER_ID_INVALID,
    text: str = "",
    tag: int = 13,
    **options: Unpack[Options],
) -> bytes:
    """The revocation of a certification (0x30)."""
    return _revocation(signer or primary, 0x30, _user_id_material(primary, user_id, tag), reason, text, options)
