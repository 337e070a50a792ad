"""One signature file judged whole: OpenPGP, claim, image, maintainer. Pure; never raises for hostile bytes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from airgap.digest import Digest, digest_of
from airgap.errors import AirgapError, OpenPGPError, UntrustedError
from airgap.openpgp.keyring import Keyring
from airgap.openpgp.keys import Fingerprint
from airgap.openpgp.message import parse_signature_file
from airgap.openpgp.verifier import GoodSignature, verify_message
from airgap.reference import Reference
from airgap.timestamp import day
from airgap.trust.claim import Claim, ClaimFormat, parse_claim, spellings
from airgap.trust.identity import DEFAULT_RULE, IdentityRule
from airgap.trust.keys import ANY_KEY, KeyPolicy
from airgap.trust.maintainers import People

SIGNATURE_FILE: Final = re.compile(r"signature-([1-9][0-9]{0,5})")  # in a lookaside tree (containers-registries.d(5))


@dataclass(frozen=True, slots=True)
class Policy:
    """What judging needs besides the file: certificates, formats, time in seconds, and what keys must be like.

    With ``strict_expiry`` they must be live at the reference time, too; ``revoked`` were revoked by hand, and when.
    """

    keyring: Keyring
    formats: tuple[ClaimFormat, ...]
    reference_time: int
    strict_expiry: bool = False
    keys: KeyPolicy = ANY_KEY
    revoked: Mapping[Fingerprint, int] = field(default_factory=dict)

    def require_key(self, good: GoodSignature) -> None:
        """Raises OpenPGPError for a good signature by a key that this machine does not let count."""
        for fingerprint in (good.certificate, good.signing_key):
            self.keys.require(self.keyring.key(good.certificate, fingerprint))
        if good.certificate in self.revoked:
            raise OpenPGPError(
                "certificate-revoked",
                f"certificate {good.certificate} was revoked on this machine on {day(self.revoked[good.certificate])} "
                "(`airgap trust revoke`)",
            )


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the claim must say: this reference, this digest; either may be left open."""

    reference: Reference | None = None
    digest: Digest | None = None
    rule: IdentityRule = DEFAULT_RULE

    def require(self, claim: Claim) -> None:
        """Raises UntrustedError(claim-digest-mismatch or claim-identity-mismatch)."""
        for digest in (self.digest, self.reference.digest if self.reference is not None else None):
            if digest is not None and claim.digest != digest:
                raise UntrustedError(
                    "claim-digest-mismatch",
                    f"it is signed for {claim.digest}, not for {digest}",
                    signed=str(claim.digest),
                    expected=str(digest),
                )
        if self.reference is None:
            return
        image = self.reference.at(claim.digest) if self.reference.is_name_only else self.reference
        identity = claim.identity
        # A reference with another digest than the claim's own contradicts it. containers/image does not look.
        contradicts = identity is not None and identity.digest not in (None, claim.digest)
        if identity is None or contradicts or not self.rule.accepts(image, identity):
            raise UntrustedError(
                "claim-identity-mismatch",
                f"it is signed for {claim.reference[:200]}, not for {self.reference} ({self.rule})",
                signed=claim.reference[:200],
                expected=str(self.reference),
            )


@dataclass(frozen=True, slots=True)
class SignatureReport:
    """The outcome for one file. ``error`` is None exactly if the signature counts for what was asked.

    ``created`` is what the file says, also when it is bad; ``good`` is the OpenPGP proof, also when the claim is bad.
    ``digest`` is that of the whole file, None if it could not be read.
    """

    file: str
    error: AirgapError | None
    maintainer: str | None = None
    good: GoodSignature | None = None
    created: int | None = None
    claim: Claim | None = None
    digest: Digest | None = None

    @property
    def counts(self) -> bool:
        return self.error is None and self.good is not None


def judge_signature(
    file: str,
    data: bytes,
    policy: Policy,
    *,
    people: People | None = None,
    expected: Expectation | None = None,
    payload: bytes | None = None,
) -> SignatureReport:
    """Judge one signature file. With ``people`` the signer must be one of them; with ``expected`` the claim must agree.

    A detached signature is tried over ``payload``, else over the known spellings of the expected claim; a signed
    message must hold ``payload``.
    """
    digest = digest_of(data)
    report = SignatureReport(file, None, digest=digest)
    try:
        message = parse_signature_file(data)
        report = SignatureReport(file, None, created=message.signature.created, digest=digest)
        # What a detached signature may be over; a signed message brings its own payload.
        payloads: Iterable[bytes] = [payload] if payload is not None else _spellings(expected, policy)
        good = verify_message(
            message,
            policy.keyring,
            policy.reference_time,
            payloads=payloads,
            strict=policy.strict_expiry,
            owner_of=people.nick_of if people is not None else lambda _: None,
        )
        nick = people.nick_of(good.certificate) if people is not None else None
        report = SignatureReport(file, None, nick, good, good.created, None, digest)
        if payload is not None and good.payload != payload:
            raise OpenPGPError("bad-signature", "the signed message holds other bytes")
        policy.require_key(good)
        claim, claim_error = _claim(good.payload, policy.formats)
        report = SignatureReport(file, None, nick, good, good.created, claim, digest)
        if people is not None and nick is None:
            raise UntrustedError(
                "not-a-maintainer",
                f"signed by certificate {good.certificate}, which belongs to no maintainer",
                certificate=str(good.certificate),
            )
        if expected is not None:
            if claim is None:
                raise claim_error or UntrustedError("claim-malformed", "the signed payload is no claim")
            expected.require(claim)
    except AirgapError as error:
        # Many are kept: a traceback would keep the frames, and in them all that was decoded.
        return replace(report, error=error.with_traceback(None))
    return report


def judge_document(file: str, data: bytes, policy: Policy, people: People, document: bytes) -> SignatureReport:
    """Judge one signature file over exactly these bytes, which are no claim: a MAINTAINERS file (TRUST rule 9)."""
    return judge_signature(file, data, policy, people=people, payload=document)


def _claim(payload: bytes, formats: Sequence[ClaimFormat]) -> tuple[Claim | None, AirgapError | None]:
    try:
        return parse_claim(payload, formats), None
    except AirgapError as error:
        return None, error


def _spellings(expected: Expectation | None, policy: Policy) -> Iterator[bytes]:
    if expected is None or expected.reference is None:
        return iter(())
    reference, digest = expected.reference, expected.digest or expected.reference.digest
    return iter(()) if digest is None else spellings(reference.repository, reference.tag, digest, policy.formats)
