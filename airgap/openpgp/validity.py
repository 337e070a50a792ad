"""Was this key of this certificate allowed to sign at that time? (rules C1 to C12)

Pure: a certificate whose self-signatures have verified, and times in seconds since 1970. ``signed`` is the time in the
document signature; it may be a lie, but only a lie of the key's owner.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from airgap.errors import OpenPGPError
from airgap.openpgp.algorithms import require_hash, require_key
from airgap.openpgp.certificate import Certificate, SelfSignature, Subkey
from airgap.openpgp.decode import Signature
from airgap.openpgp.keys import PublicKey
from airgap.openpgp.subpackets import KEY_EXPIRATION_TIME, KEY_FLAGS
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
    strict: bool = False,
    owner: str | None = None,
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
    speaking = _primary_signatures(subject, time)
    expires = _key_expiry(certificate.primary, speaking)
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
    elif not _may_sign(speaking):
        raise OpenPGPError("key-not-for-signing", f"primary key {key.fingerprint} may certify but not sign")


def _require_subkey(subject: _Subject, subkey: Subkey, time: int) -> None:
    key = subkey.key
    if any(revocation.voids(time) for revocation in subkey.revocations):
        raise OpenPGPError("subkey-revoked", f"subkey {key.fingerprint} of {subject.name} is revoked")
    if not subkey.bindings:
        if subkey.weak_bindings:
            raise OpenPGPError("weak-hash-in-certificate", f"subkey {key.fingerprint} is bound with a weak hash only")
        raise OpenPGPError("subkey-not-bound", f"{subject.name} does not vouch for subkey {key.fingerprint}")
    binding = _effective(subkey.bindings, time)
    if binding is None:
        raise _none_effective(subkey.bindings, f"subkey {key.fingerprint}", time)
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
    back: Signature | None = binding.back_signature
    if back is None:
        raise OpenPGPError("subkey-back-signature-missing", f"subkey {key.fingerprint} never agreed to be bound")
    require_hash(back.hash_algorithm, "weak-hash-in-certificate")
    if back.created is None or (back.expires is not None and back.expires <= time):
        raise OpenPGPError(
            "self-signature-expired", f"the consent of subkey {key.fingerprint} had expired on {day(time)}"
        )


def _primary_signatures(subject: _Subject, time: int) -> list[SelfSignature]:
    """What speaks for the primary key at ``time``: the latest self-signature, direct or over a user id (C1).

    After it comes the latest of the other sort, which speaks where the first is silent.
    """
    candidates = _unrevoked(subject.certificate.self_signatures, time)
    if not candidates:
        if subject.certificate.weak_self_signatures:
            raise OpenPGPError("weak-hash-in-certificate", f"{subject.name} is self-signed with a weak hash only")
        raise OpenPGPError("no-self-signature", f"{subject.name} has no self-signature that counts")
    effective = _effective(candidates, time)
    if effective is None:
        raise _none_effective(candidates, subject.name, time)
    other = _effective([one for one in candidates if one.direct != effective.direct], time)
    return [effective] if other is None else [effective, other]


def _effective(signatures: Sequence[SelfSignature], time: int) -> SelfSignature | None:
    """The latest signature made by ``time`` and not expired then (C1, C3)."""
    live = [
        one
        for one in signatures
        if one.created <= time and (one.signature.expires is None or one.signature.expires > time)
    ]
    # Two of one second: the bytes decide, so that the order of packets in a keyring never does.
    return max(live, key=lambda one: (one.created, one.signature.hashed_fields), default=None)


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


def _unrevoked(signatures: Iterable[SelfSignature], time: int) -> list[SelfSignature]:
    return [one for one in signatures if not any(revoked.voids(time) for revoked in one.user_id_revocations)]


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
