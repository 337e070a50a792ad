"""Signed messages and detached signatures, with a knob for each fault of framing (RFC 9580 §10.3)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypedDict, Unpack

from .keys import SIGNED, SecretKey
from .packets import compressed, literal, one_pass
from .signatures import Options, document, document_material, make_salt


class OnePassFields(TypedDict, total=False):
    """What a one-pass packet may say wrongly; see `packets.one_pass`."""

    issuer: bytes
    algorithm: int
    version: int
    sig_type: int
    hash_algo: int
    salt: bytes
    last: bool
    old: bool


class Pieces(NamedTuple):
    """The three packets of a signed message, to be joined in any order."""

    one_pass: bytes
    literal: bytes
    signature: bytes


def pieces(
    signer: SecretKey,
    payload: bytes,
    *,
    sig_type: int = 0x00,
    ops: OnePassFields | None = None,
    literal_packet: bytes | None = None,
    **options: Unpack[Options],
) -> Pieces:
    """One-pass, literal and signature packets that agree, but for what ``ops`` says otherwise."""
    hash_algo = options.get("hash_algo") or signer.default_hash
    version = options.get("version") or signer.version
    fields: OnePassFields = {
        "issuer": signer.key_id,
        "algorithm": signer.algorithm_id,
        "version": 3,
        "sig_type": sig_type,
        "hash_algo": hash_algo,
    }
    if version == 6:
        salt = options.get("salt")
        if salt is None:
            salt = make_salt(signer, hash_algo, sig_type, document_material(payload, sig_type))
        options["salt"] = salt
        fields.update({"version": 6, "issuer": signer.fingerprint, "salt": salt})
    fields.update(ops or {})
    if literal_packet is None:
        literal_packet = literal(payload, date=options.get("created", SIGNED))
    return Pieces(one_pass(**fields), literal_packet, document(signer, payload, sig_type=sig_type, **options))


def wrap(
    message: bytes,
    *,
    compress: int | None = None,
    indeterminate: bool = True,
    level: int = 0,
    layers: int = 1,
    leading: bytes = b"",
    trailing: bytes = b"",
) -> bytes:
    """Packets inside ``layers`` compressed ones, or plain without ``compress``; then what stands around."""
    for _ in range(layers if compress is not None else 0):
        message = compressed(message, compress or 0, indeterminate=indeterminate, level=level)
    return leading + message + trailing


def inline(
    signer: SecretKey,
    payload: bytes,
    *,
    sig_type: int = 0x00,
    ops: OnePassFields | None = None,
    literal_packet: bytes | None = None,
    insert: Mapping[int, bytes] | None = None,
    compress: int | None = None,
    indeterminate: bool = True,
    level: int = 0,
    layers: int = 1,
    leading: bytes = b"",
    trailing: bytes = b"",
    **options: Unpack[Options],
) -> bytes:
    """A signed message as ``gpg --sign`` writes it; gpg's own ones have ``compress=1``.

    ``insert`` puts octets inside: 0 before the one-pass packet, 1 before the literal, 2 before the
    signature, 3 at the end. ``leading`` and ``trailing`` stand outside of the compressed packet.
    """
    three = pieces(signer, payload, sig_type=sig_type, ops=ops, literal_packet=literal_packet, **options)
    extra = insert or {}
    message = b"".join(extra.get(place, b"") + one for place, one in enumerate(three)) + extra.get(3, b"")
    return wrap(
        message,
        compress=compress,
        indeterminate=indeterminate,
        level=level,
        layers=layers,
        leading=leading,
        trailing=trailing,
    )


def inline_many(signers: Sequence[SecretKey], payload: bytes, **options: Unpack[Options]) -> bytes:
    """One message signed by several: one-pass packets outside in, signatures inside out (§10.3)."""
    each = [
        pieces(signer, payload, ops={"last": place == len(signers) - 1}, **options)
        for place, signer in enumerate(signers)
    ]
    before, after = [one.one_pass for one in each], [one.signature for one in reversed(each)]
    return b"".join([*before, each[0].literal, *after])


def detached(signer: SecretKey, payload: bytes, *, sig_type: int = 0x00, **options: Unpack[Options]) -> bytes:
    """A detached signature: the signature packet alone."""
    return document(signer, payload, sig_type=sig_type, **options)


def old_style(signer: SecretKey, payload: bytes, **options: Unpack[Options]) -> bytes:
    """Signature first, literal behind, no one-pass packet: from before OpenPGP (§10.3)."""
    three = pieces(signer, payload, **options)
    return three.signature + three.literal


def claim(
    reference: str,
    digest: str,
    *,
    legacy: bool = False,
    optional: Mapping[str, object] | None = None,
    indent: int | None = None,
) -> bytes:
    """What is signed about an image, in JSON: containers-signature(5), or what StageX published up to 2025.

    ``digest`` is ``sha256:<hex>`` or only the hexadecimal digits; the right form is written in either case.
    """
    digits = digest.removeprefix("sha256:")
    value: object = {
        "critical": {
            "identity": {"docker-reference": reference},
            "image": {"docker-manifest-digest": digits if legacy else f"sha256:{digits}"},
            "type": "pgp container image signature" if legacy else "atomic container signature",
        },
        "optional": optional if optional is not None or legacy else {},
    }
    separators = (",", ":") if indent is None else None
    return json.dumps([value] if legacy else value, indent=indent, separators=separators).encode()
