"""One signature file against one keyring at one time: a GoodSignature, or an error that says why not (S1 to S14)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from airgap.errors import OpenPGPError
from airgap.limits import LIMITS
from airgap.openpgp.algorithms import (
    HashAlgorithm,
    SignatureValue,
    is_long_enough,
    require_hash,
    require_key,
    verify_digest,
)
from airgap.openpgp.decode import Signature
from airgap.openpgp.keyring import Candidate, Keyring
from airgap.openpgp.keys import Fingerprint, PublicKey
from airgap.openpgp.message import SignedMessage
from airgap.openpgp.packets import Malformed
from airgap.openpgp.subpackets import NOTATION
from airgap.openpgp.validity import require_valid
from airgap.seal import Seal
from airgap.timestamp import rfc3339

CLOCK_TOLERANCE: Final = 30 * 60  # seconds that a signer's clock may be ahead (S10)
_BINARY_DOCUMENT: Final = 0x00
_GOOD: Final = Seal("GoodSignature")
Owner = Callable[[Fingerprint], str | None]


@dataclass(frozen=True, slots=True)
class GoodSignature:
    """Proof that ``signing_key``, validly bound to ``certificate`` at ``created``, signed exactly ``payload``.

    It says nothing about who that is or what the payload means. ``flags`` tell what changed since.
    """

    payload: bytes
    certificate: Fingerprint
    signing_key: Fingerprint
    created: int
    flags: tuple[str, ...]
    seal: object

    def __post_init__(self) -> None:
        _GOOD.require(self.seal)


def verify_message(
    message: SignedMessage,
    keyring: Keyring,
    reference: int,
    *,
    payloads: Iterable[bytes] = (),
    strict: bool = False,
    owner_of: Owner = lambda _: None,
) -> GoodSignature:
    """Verify a framed signature file. For a detached one, ``payloads`` are the byte strings it may be over.

    ``owner_of`` names a certificate's owner, if it is one of those who are asked about. Of the certificates that vouch
    for the key, theirs count; a key that two of them have is nobody's.
    Raises OpenPGPError, its kind naming the first rule that refuses.
    """
    signature = message.signature
    hash_ = _require_document_signature(signature)
    created = _require_times(signature, reference)
    candidate = _find_key(signature, keyring, owner_of)
    value = _value(signature)
    payload = _verify_payload(signature, hash_, candidate.key, value, _payloads(message, payloads))
    certificate, key = candidate.certificate, candidate.key
    fingerprint = certificate.primary.fingerprint
    flags = require_valid(certificate, key, created, reference, strict=strict, owner=owner_of(fingerprint))
    return GoodSignature(payload, fingerprint, key.fingerprint, created, flags, _GOOD)


def _require_document_signature(signature: Signature) -> HashAlgorithm:
    if signature.type != _BINARY_DOCUMENT:
        raise OpenPGPError(
            "signature-type-not-binary",
            f"signature type 0x{signature.type:02x} is not a signature over binary data (0x00)",
        )
    hash_ = require_hash(signature.hash_algorithm)
    if signature.version == 6 and len(signature.salt) != hash_.salt:
        raise OpenPGPError("signature-malformed", f"a salt of {len(signature.salt)} bytes does not fit {hash_.name}")
    unknown = signature.unknown_critical
    if unknown is not None:
        kind = "critical-notation-unknown" if unknown == NOTATION else "critical-subpacket-unknown"
        raise OpenPGPError(kind, f"subpacket {unknown} is critical and not understood", subpacket=unknown)
    return hash_


def _require_times(signature: Signature, reference: int) -> int:
    created = signature.created
    if created is None:
        raise OpenPGPError("creation-time-missing", "the signature does not say exactly once when it was made")
    if created > reference + CLOCK_TOLERANCE:
        raise OpenPGPError(
            "signature-from-the-future",
            f"the signature is dated {rfc3339(created)}, the reference time is {rfc3339(reference)}",
        )
    if signature.expires is not None and signature.expires <= reference:
        raise OpenPGPError("signature-expired", f"the signature expired on {rfc3339(signature.expires)}")
    return created


def _find_key(signature: Signature, keyring: Keyring, owner_of: Owner) -> Candidate:
    """The key that the issuer subpackets name, bound in at most one certificate (S5, attribution)."""
    issuers = sorted(str(fpr) for fpr in signature.issuer_fingerprints) or sorted(
        key_id.hex().upper() for key_id in signature.issuer_key_ids
    )
    if not issuers:
        raise OpenPGPError("issuer-missing", "the signature does not name the key that made it")
    found = keyring.candidates(signature)
    if not found:
        message = f"made by key {', '.join(issuers)}, which is in no certificate here"
        if keyring.problems:
            message += f" (a certificate that is here cannot be used: {keyring.problems[0].message})"
        raise OpenPGPError("no-certificate", message, issuer=issuers[0])
    named = [candidate for candidate in found if signature.names(candidate.key)]
    if not named:
        raise OpenPGPError(
            "issuer-mismatch", f"the signature names several issuers, not all of them key {found[0].key.fingerprint}"
        )
    if len({candidate.key.fingerprint for candidate in named}) > 1:
        raise OpenPGPError("issuer-mismatch", f"key id {issuers[0]} stands for more than one key here")
    chosen = _attributed(named, keyring, owner_of)
    require_key(chosen.key)
    if not is_long_enough(require_hash(signature.hash_algorithm), chosen.key):
        raise OpenPGPError("weak-hash", f"the hash is shorter than the curve of key {chosen.key.fingerprint} asks")
    if signature.version != chosen.key.version:
        raise OpenPGPError(
            "version-mismatch", f"a version {signature.version} signature by a version {chosen.key.version} key"
        )
    return chosen


def _attributed(named: Sequence[Candidate], keyring: Keyring, owner_of: Owner) -> Candidate:
    bound = [candidate for candidate in named if candidate.is_bound]
    bound = [one for one in bound if owner_of(one.certificate.primary.fingerprint) is not None] or bound
    key = named[0].key
    claiming = sorted({str(candidate.certificate.primary.fingerprint) for candidate in bound})
    if len(claiming) > 1:
        raise OpenPGPError("subkey-shared", f"key {key.fingerprint} belongs to certificates {' and '.join(claiming)}")
    owners = sorted({nick for one in keyring.vouching_for(key) if (nick := owner_of(one)) is not None})
    if len(owners) > 1:
        raise OpenPGPError(
            "subkey-shared", f"the secret of key {key.fingerprint} signs for {' and '.join(owners)}, as other keys"
        )
    return (bound or named)[0]


def _value(signature: Signature) -> SignatureValue:
    try:
        return signature.value()
    except Malformed as error:
        raise OpenPGPError("signature-malformed", f"the signature packet is malformed: {error}") from None


def _payloads(message: SignedMessage, payloads: Iterable[bytes]) -> Iterable[bytes]:
    return payloads if message.payload is None else [message.payload]


def _verify_payload(
    signature: Signature, hash_: HashAlgorithm, key: PublicKey, value: SignatureValue, payloads: Iterable[bytes]
) -> bytes:
    """The payload that the signature is over. The digest's first octets spare most of the arithmetic."""
    tried = checked = 0
    for payload in payloads:
        tried += 1
        digest = signature.digest(hash_, payload)
        if digest[:2] != signature.prefix:
            continue
        checked += 1
        if checked > LIMITS.signature_payloads:
            break
        try:
            verify_digest(key, signature.key_algorithm, hash_, digest, value)
        except OpenPGPError as error:
            if error.kind != "bad-signature":
                raise
        else:
            return payload
    if not tried:
        raise OpenPGPError("payload-missing", "a detached signature, and nothing is known that it could be over")
    over = "these bytes" if tried == 1 else "any known spelling of its claim"
    raise OpenPGPError("bad-signature", f"the signature by key {key.fingerprint} is not over {over}")
