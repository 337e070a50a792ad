"""Was this key of this certificate allowed to sign at that time? (rules C1 to C12)

Pure: a certificate whose self-signatures have verified, and times in seconds since 1970. ``signed`` is the time in the
document signature; it may be a lie, but only a lie of the key's owner.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from airgap.errors import OpenPGPError
from airgap.openpgp.algorithms import require_key
from airgap.openpgp.certificate import Certificate, SelfSignature, Subkey
from airgap.openpgp.decode import Signature
from airgap.openpgp.keys import PublicKey
from airgap.openpgp.subpackets import KEY_EXPIRATION_TIME, KEY_FLAGS, PRIMARY_USER_ID
from airgap.timestamp import day

_MAY_SIGN: Final = 0x02  # §5.2.3.29, first octet

EXPIRED_SINCE: Final = "certificate-expired-since"
REVOKED_SINCE: Final = "certificate-retired-since"


@dataclass(frozen=True, slots=True)
class _Subject:
    """Whose validity is asked for; ``name`` is the certificate as an operator knows it."""

    certificate: Certificate
    key: PublicKey
    name: str


def require_valid(
    certificate: Certificate,
    key: PublicKey,
    signed: int,
    reference: int,
    *,
    strict: bool,
    owner: str | None,
) -> tuple[str, ...]:
    """Raise OpenPGPError unless ``key`` could sign at ``signed``; return flags that an operator should see.

    ``reference`` is the time of the decision. With ``strict`` the key must be live then, too (C12). ``owner`` is for
    messages only.
    """
    fingerprint = certificate.primary.fingerprint
    name = f"certificate {fingerprint}" if owner is None else f"{owner}'s certificate {fingerprint}"
    subject = _Subject(certificate, key, name)
    require_key(certificate.primary)
    if any(revocation.hard for revocation in certificate.revocations):
        raise OpenPGPError("certificate-revoked", f"{name} is revoked, for a reason that voids all its signatures")
    _require_at(subject, signed)
    try:
        _require_at(subject, max(reference, signed))
    except OpenPGPError as error:
        if strict:
            raise OpenPGPError(
                "certificate-expired-now", f"{error.message}; the trust root asks for keys that are live now"
            ) from None
        return (REVOKED_SINCE if error.kind.endswith("revoked") else EXPIRED_SINCE,)
    return ()


def _require_at(subject: _Subject, time: int) -> None:
    """All that is asked of primary and subkey at one time."""
    certificate, key = subject.certificate, subject.key
    if time < certificate.primary.created or time < key.created:
        raise OpenPGPError(
            "signature-older-than-key", f"the signature is dated {day(time)}, before its key {key.fingerprint} was made"
        )
    if any(revocation.voids(time) for revocation in certificate.revocations):
        raise OpenPGPError("certificate-revoked", f"{subject.name} was revoked before {day(time)}")
    readings = _readings(subject, time)
    expires = min(filter(None, (_key_expiry(certificate.primary, reading) for reading in readings)), default=None)
    if expires is not None and expires <= time:
        raise OpenPGPError(
            "certificate-expired-at-signature-time",
            f"the copy of {subject.name} in this keyring expired on {day(expires)}, "
            f"and the signature was made on {day(time)}",
            certificate=str(certificate.primary.fingerprint),
            expired=day(expires),
        )
    subkey = certificate.subkey(key)
    if subkey is not None:
        _require_subkey(subject, subkey, time)
    elif not all(_may_sign(reading) for reading in readings):
        raise OpenPGPError("key-not-for-signing", f"primary key {key.fingerprint} may certify but not sign")


def _require_subkey(subject: _Subject, subkey: Subkey, time: int) -> None:
    key = subkey.key
    if any(revocation.voids(time) for revocation in subkey.revocations):
        raise OpenPGPError("subkey-revoked", f"subkey {key.fingerprint} of {subject.name} is revoked")
    if not subkey.bindings:
        if subkey.weak_bindings:
            raise OpenPGPError("weak-hash-in-certificate", f"subkey {key.fingerprint} is bound with a weak hash only")
        raise OpenPGPError("subkey-not-bound", f"{subject.name} does not vouch for subkey {key.fingerprint}")
    effective = _effective(subkey.bindings, time)
    if not effective:
        raise _none_effective(subkey.bindings, f"subkey {key.fingerprint}", time)
    for binding in effective:
        _require_binding(binding, key, time)


def _require_binding(binding: SelfSignature, key: PublicKey, time: int) -> None:
    _require_back_signature(binding, key, time)
    if not _may_sign([binding]):
        raise OpenPGPError("key-not-for-signing", f"subkey {key.fingerprint} does not carry the signing flag")
    expires = _key_expiry(key, [binding])
    if expires is not None and expires <= time:
        raise OpenPGPError(
            "subkey-expired-at-signature-time",
            f"subkey {key.fingerprint} expired on {day(expires)}, and the signature was made on {day(time)}",
            expired=day(expires),
        )


def _require_back_signature(binding: SelfSignature, key: PublicKey, time: int) -> None:
    if not binding.back_signatures:
        raise OpenPGPError(
            "subkey-back-signature-missing",
            f"subkey {key.fingerprint} never agreed to be bound, or only with a hash that does not count",
        )
    if not any(_is_live(back, time) for back in binding.back_signatures):
        raise OpenPGPError(
            "self-signature-expired", f"the consent of subkey {key.fingerprint} was not valid on {day(time)}"
        )


def _readings(subject: _Subject, time: int) -> list[list[SelfSignature]]:
    """Each order in which the self-signatures of ``time`` may be read (C1): what all of them allow is allowed.

    RFC 9580 reads the direct-key signature first, Sequoia 1 and GnuPG the one over the primary user id; the second
    speaks where the first is silent. Of several made in one second, each must permit.
    """
    held = subject.certificate.self_signatures
    if not held:
        if subject.certificate.weak_self_signatures:
            raise OpenPGPError("weak-hash-in-certificate", f"{subject.name} is self-signed with a weak hash only")
        raise OpenPGPError("no-self-signature", f"{subject.name} has no self-signature that counts")
    direct = _effective([one for one in held if one.user_id is None], time)
    over_users, revoked = _over_primary_user_id(held, time)
    if direct and over_users:
        # A user id that is revoked permits nothing any more, but what it restricts may still be read elsewhere.
        return [list(order) for one in direct for other in over_users for order in ((one, other), (other, one))]
    if over_users and revoked:
        raise OpenPGPError("no-self-signature", f"every user id of {subject.name} was revoked before {day(time)}")
    if direct or over_users:
        return [[one] for one in (*direct, *over_users)]
    raise _none_effective(held, subject.name, time)


def _over_primary_user_id(held: Sequence[SelfSignature], time: int) -> tuple[list[SelfSignature], bool]:
    """The self-signatures over the primary user id at ``time``: those flagged so first, then the latest (§5.2.3.27).

    Revoked user ids come last; the second value says that there were no others.
    """
    by_user_id: dict[bytes, list[SelfSignature]] = {}
    for one in held:
        if one.user_id is not None:
            by_user_id.setdefault(one.user_id, []).append(one)
    all_of_them = [one for same in by_user_id.values() for one in _effective(same, time)]
    standing = [one for one in all_of_them if not _is_user_id_revoked(one, time)]
    speaking = standing or all_of_them
    best = max(map(_precedence, speaking), default=None)
    chosen = {one.user_id for one in speaking if _precedence(one) == best}
    return [one for one in speaking if one.user_id in chosen], not standing


def _precedence(one: SelfSignature) -> tuple[bool, int]:
    return one.signature.hashed.bodies(PRIMARY_USER_ID) == [b"\1"], one.created


def _is_user_id_revoked(one: SelfSignature, time: int) -> bool:
    """Revoked by ``time`` and not certified again since. The revocation of a user id voids nothing that came later."""
    return any(
        revocation.created is not None
        and one.created <= revocation.created
        and revocation.unknown_critical is None
        and _is_live(revocation, time)
        for revocation in one.user_id_revocations
    )


def _is_live(signature: Signature, time: int) -> bool:
    """Made by ``time``, and not expired then (C3)."""
    made = signature.created is not None and signature.created <= time
    return made and (signature.expires is None or signature.expires > time)


def _effective(signatures: Sequence[SelfSignature], time: int) -> list[SelfSignature]:
    """The latest signatures that were live at ``time`` (C1): several, if they were made in one second."""
    live = [one for one in signatures if _is_live(one.signature, time)]
    latest = max((one.created for one in live), default=0)
    return [one for one in live if one.created == latest]


def _none_effective(signatures: Sequence[SelfSignature], what: str, time: int) -> OpenPGPError:
    """Why no signature speaks for that time: all had expired, or the copy holds only newer ones (C11).

    rpm-sequoia lets the oldest held one decide in the second case; sqv refuses, and so do we (docs/adr/0003).
    """
    if all(one.created > time for one in signatures):
        return OpenPGPError(
            "self-signature-newer-than-signature",
            f"{what} is vouched for since {day(min(one.created for one in signatures))} only, "
            f"and the signature was made on {day(time)}",
        )
    return OpenPGPError("self-signature-expired", f"what vouched for {what} had expired on {day(time)}")


def _key_expiry(key: PublicKey, signatures: Sequence[SelfSignature]) -> int | None:
    """The second from which the key no longer lives, by the first signature that says so; None for never."""
    for one in signatures:
        after = one.signature.hashed.number(KEY_EXPIRATION_TIME)
        if after:
            return key.created + after
    return None


def _may_sign(signatures: Sequence[SelfSignature]) -> bool:
    """The first signature that has key flags decides; without any the key may do nothing (C6)."""
    for one in signatures:
        flags = one.signature.hashed.bodies(KEY_FLAGS)
        if flags:
            return bool(flags[0]) and bool(flags[0][0] & _MAY_SIGN)
    return False
