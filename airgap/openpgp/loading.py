"""From packets to certificates: which signatures really are the owner's, and over what (C1, C4 to C10).

Only signatures whose mathematics was checked are kept, so that validity.py reasons about facts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from airgap.errors import OpenPGPError
from airgap.limits import LIMITS
from airgap.openpgp import packets
from airgap.openpgp.algorithms import (
    HASHES,
    REVOCATION_HASHES,
    SHA224,
    HashAlgorithm,
    cost,
    is_long_enough,
    verify_digest,
)
from airgap.openpgp.budget import Budget
from airgap.openpgp.canonical import Hashed, OwnSignature, canonical_body, hashed_of
from airgap.openpgp.certificate import Certificate, Component, Revocation, SelfSignature, Subkey
from airgap.openpgp.decode import Signature, decode_public_key, decode_signature
from airgap.openpgp.grouping import as_components, group_components
from airgap.openpgp.keys import PublicKey
from airgap.openpgp.packets import Malformed, Packet
from airgap.openpgp.signature_types import (
    CERTIFICATION_REVOCATION,
    CERTIFICATIONS,
    DIRECT_KEY,
    KEY_REVOCATION,
    PRIMARY_BINDING,
    REVOCATIONS,
    SUBKEY_BINDING,
    SUBKEY_REVOCATION,
)
from airgap.openpgp.subpackets import CREATION_TIME, EMBEDDED_SIGNATURE, REVOCATION_REASON, Area

_OVER: Final = {  # which packets a signature of each type is over (§5.2.1)
    packets.PUBLIC_KEY: frozenset({DIRECT_KEY, KEY_REVOCATION}),
    packets.PUBLIC_SUBKEY: frozenset({SUBKEY_BINDING, SUBKEY_REVOCATION}),
    packets.USER_ID: CERTIFICATIONS | {CERTIFICATION_REVOCATION},
    packets.USER_ATTRIBUTE: CERTIFICATIONS | {CERTIFICATION_REVOCATION},
}
_SOFT_REASONS: Final = frozenset({1, 3})  # superseded, retired (§5.2.3.31)


def load_certificate(group: Sequence[Packet], budget: Budget) -> Certificate:
    """Decode and verify one certificate's own parts. Raises OpenPGPError if it cannot be read to its last byte.

    Raises FormatError(limit-exceeded) if that would cost more than is left of the budget.
    """
    try:
        if len(group) > LIMITS.certificate_packets:
            raise Malformed(f"more than {LIMITS.certificate_packets} packets")
        primary = decode_public_key(group[0].body)
        components, dropped = group_components(group, primary)
        return _Loader(primary, components, budget).load(dropped)
    except Malformed as error:
        raise _malformed(error) from None


def merge(copies: Sequence[Certificate]) -> Certificate:
    """One certificate from several copies of it: every component and self-signature that any of them has.

    Raises OpenPGPError(certificate-malformed) if that is more than the limits of one certificate.
    """
    if len(copies) == 1:
        return copies[0]
    parts: dict[Packet, dict[Packet, None]] = {}
    for copy in copies:
        for component in copy.components:
            parts.setdefault(component.packet, {}).update(dict.fromkeys(component.signatures))
    try:
        return _Loader(copies[0].primary, as_components(parts)).load(sum(copy.dropped for copy in copies))
    except Malformed as error:
        raise _malformed(error) from None


def revocations_of(certificate: Certificate) -> Certificate | None:
    """What of a certificate must never be forgotten: its revocations with the packets they are over; None without any.

    It vouches for nothing; merged with another copy it makes that one remember.
    """
    first, *others = certificate.vouched
    kept = [Component(first.packet, _revoking(first))]
    kept += [Component(part.packet, _revoking(part)) for part in others if _revoking(part)]
    if not any(part.signatures for part in kept):
        return None
    return _Loader(certificate.primary, tuple(kept)).load(0)


def _revoking(component: Component) -> tuple[Packet, ...]:
    return tuple(one for one in component.signatures if decode_signature(one.body).type in REVOCATIONS)


def _malformed(error: Malformed) -> OpenPGPError:
    return OpenPGPError("certificate-malformed", f"a certificate is malformed: {error}")


@dataclass(slots=True)
class _Loader:
    """Checks the mathematics of every own signature of one certificate, within a budget.

    A signature that the owner made but that is malformed voids the certificate: elsewhere it may be read as a
    revocation or as a shorter life, so it must not pass for nothing here.
    """

    primary: PublicKey
    components: tuple[Component, ...]
    budget: Budget = field(default_factory=Budget)
    checks: int = 0
    places: int = 0
    weak: int = 0
    self_signatures: list[SelfSignature] = field(default_factory=list)
    revocations: list[Revocation] = field(default_factory=list)
    subkeys: list[Subkey] = field(default_factory=list)
    user_ids: list[str] = field(default_factory=list)

    def load(self, dropped: int) -> Certificate:
        size = sum(len(packet.body) for part in self.components for packet in (part.packet, *part.signatures))
        if size > LIMITS.certificate:
            raise Malformed(f"{size} bytes of its own, over the limit of {LIMITS.certificate}")
        placed = self._placed()
        for component, found in placed.items():
            signatures = [own.signature for own in found]
            if component.tag == packets.PUBLIC_KEY:
                self._primary(signatures)
            elif component.tag == packets.PUBLIC_SUBKEY:
                self._subkey(component, found)
            elif component.tag == packets.USER_ID and len(component.body) <= LIMITS.user_id:
                self._user_id(component, signatures)
        primary, issuer = self.components[0].packet, self.primary.fingerprint
        vouched = {packet: {own.packet(issuer): None for own in found} for packet, found in placed.items()}
        return Certificate(
            self.primary,
            tuple(self.self_signatures),
            tuple(self.revocations),
            tuple(self.subkeys),
            tuple(self.user_ids),
            self.components,
            as_components({packet: found for packet, found in vouched.items() if found or packet == primary}),
            dropped,
            self.weak,
        )

    def _placed(self) -> dict[Packet, list[OwnSignature]]:
        """Every signature that is the owner's, once, with the packet it is over; where it stands decides nothing."""
        placed: dict[Packet, dict[Hashed, OwnSignature]] = {component.packet: {} for component in self.components}
        for component in self.components:
            for packet in component.signatures:
                signature = decode_signature(packet.body)
                found = self._home(signature, component.packet)
                if found is not None:
                    home, digest = found
                    own, known = self._own(signature, home, digest), placed[home].get(hashed_of(signature))
                    placed[home][hashed_of(signature)] = own if known is None else known.joined(own)
        return {packet: list(own.values()) for packet, own in placed.items()}

    def _own(self, signature: Signature, home: Packet, digest: bytes) -> OwnSignature:
        key = _subkey_of(home) if signature.type == SUBKEY_BINDING and signature.hash_algorithm in HASHES else None
        if key is None:
            return OwnSignature(signature, digest[:2], {}, {})
        hashed, unhashed = (
            list(self._back_signatures(area, key, home)) for area in (signature.hashed, signature.unhashed)
        )
        consents = {hashed_of(one): one for one, _ in (*unhashed, *hashed)}
        there = {hashed_of(one) for one, _ in hashed}
        ordered = sorted(unhashed, key=lambda found: found[1], reverse=True)  # of several forms the least
        embedded = {hashed_of(one): body for one, body in ordered if hashed_of(one) not in there}
        return OwnSignature(signature, digest[:2], consents, embedded)

    def _home(self, signature: Signature, stands_behind: Packet) -> tuple[Packet, bytes] | None:
        """What it verifies over, and the digest: tried where it stands, where its digest points, everywhere."""
        fitting = [one.packet for one in self.components if signature.type in _OVER[one.packet.tag]]
        fitting.sort(key=lambda packet: packet != stands_behind)
        if fitting and not self._seems_over(signature, fitting[0]):
            fitting.sort(key=lambda packet: not self._seems_over(signature, packet))
        for packet in fitting:
            material = self._material(packet)
            digest = None if material is None else self._verified(self.primary, signature, material)
            if digest is not None:
                return packet, digest
        return None

    def _seems_over(self, signature: Signature, packet: Packet) -> bool:
        """Whether the digest over this packet begins as the signature says."""
        self.places += 1
        if self.places > LIMITS.misplaced_signatures:
            raise Malformed(f"more than {LIMITS.misplaced_signatures} places to look for its signatures")
        hash_, material = REVOCATION_HASHES.get(signature.hash_algorithm), self._material(packet)
        if hash_ is None or material is None:
            return False
        return self._digest(signature, hash_, material)[:2] == signature.prefix

    def _digest(self, signature: Signature, hash_: HashAlgorithm, material: bytes) -> bytes:
        self.budget.spend_hashing(len(material) + len(signature.hashed_fields))
        return signature.digest(hash_, material)

    def _material(self, packet: Packet) -> bytes | None:
        """What signatures over this packet are made over (§5.2.4); None for a subkey of another version."""
        primary = self.primary.hash_prefix + self.primary.body
        if packet.tag == packets.PUBLIC_KEY:
            return primary
        if packet.tag == packets.PUBLIC_SUBKEY:
            key = _subkey_of(packet)
            return None if key is None else primary + key.hash_prefix + key.body
        mark = b"\xb4" if packet.tag == packets.USER_ID else b"\xd1"
        return primary + mark + len(packet.body).to_bytes(4, "big") + packet.body

    def _primary(self, signatures: Sequence[Signature]) -> None:
        for signature in signatures:
            if signature.type == KEY_REVOCATION:
                self.revocations.append(_revocation(signature))
            elif self._permits(signature):
                self.self_signatures += self._dated(signature)

    def _user_id(self, packet: Packet, signatures: Sequence[Signature]) -> None:
        revocations = tuple(one for one in signatures if one.type == CERTIFICATION_REVOCATION)
        for revocation in revocations:
            _require_one_time(revocation)
        found: list[SelfSignature] = []
        for signature in signatures:
            if signature.type in CERTIFICATIONS and self._permits(signature):
                found += self._dated(signature, user_id=packet.body, user_id_revocations=revocations)
        self.self_signatures += found
        if found:
            self.user_ids.append(packet.body.decode("utf-8", "replace"))

    def _subkey(self, packet: Packet, found: Sequence[OwnSignature]) -> None:
        key = _subkey_of(packet)
        if key is None:
            return  # a subkey of another version than ours cannot sign for us; it does not spoil the rest (C10)
        weak_before = self.weak
        bindings: list[SelfSignature] = []
        revocations: list[Revocation] = []
        for own in found:
            if own.signature.type == SUBKEY_REVOCATION:
                revocations.append(_revocation(own.signature))
            elif self._permits(own.signature):
                bindings += self._dated(own.signature, back_signatures=tuple(own.consents.values()))
        self.subkeys.append(Subkey(key, tuple(bindings), tuple(revocations), self.weak - weak_before))

    def _back_signatures(self, area: Area, key: PublicKey, home: Packet) -> Iterator[tuple[Signature, bytes]]:
        """The subkey's own consents in an area of its binding, with their one spelling: they prove themselves (C5)."""
        material = self._material(home)
        for body in area.bodies(EMBEDDED_SIGNATURE):
            embedded = decode_signature(body)  # its form was looked at with the binding's
            if embedded.type != PRIMARY_BINDING or embedded.created is None or embedded.created < key.created:
                continue
            hash_ = HASHES.get(embedded.hash_algorithm)
            if embedded.unknown_critical is not None or hash_ is None or not is_long_enough(hash_, key):
                continue
            digest = None if material is None else self._verified(key, embedded, material)
            if digest is not None:
                yield embedded, canonical_body(embedded, key.fingerprint, digest[:2])

    def _permits(self, signature: Signature) -> bool:
        """Whether a verified self-signature has a hash that counts (C9)."""
        hash_ = HASHES.get(signature.hash_algorithm)
        if signature.hash_algorithm == SHA224 or (hash_ is not None and not is_long_enough(hash_, self.primary)):
            raise Malformed("self-signed with too short a hash: it may restrict elsewhere but permits nothing here")
        self.weak += hash_ is None
        return hash_ is not None

    def _dated(
        self,
        signature: Signature,
        *,
        user_id: bytes | None = None,
        user_id_revocations: tuple[Signature, ...] = (),
        back_signatures: tuple[Signature, ...] = (),
    ) -> list[SelfSignature]:
        """A self-signature without a creation time, or older than its key, says nothing about any time (S3, S12)."""
        _require_one_time(signature)
        created = signature.created
        if created is None or created < self.primary.created or signature.unknown_critical is not None:
            return []
        return [SelfSignature(signature, created, user_id, user_id_revocations, back_signatures)]

    def _verified(self, key: PublicKey, signature: Signature, material: bytes) -> bytes | None:
        """The digest that ``key`` signed, None if it did not. Raises Malformed for what it did make, and malformed."""
        self.checks += 1
        if self.checks > LIMITS.self_signatures:
            raise Malformed(f"more than {LIMITS.self_signatures} signatures of its own")
        hash_ = REVOCATION_HASHES.get(signature.hash_algorithm)
        if hash_ is None or signature.version != key.version:
            return None
        if signature.version == 6 and hash_.salt not in (None, len(signature.salt)):
            return None
        digest = self._digest(signature, hash_, material)
        self.budget.spend(cost(key))
        try:
            verify_digest(key, signature.key_algorithm, hash_, digest, signature.value())
        except OpenPGPError:
            return None
        except Malformed:
            if digest[:2] == signature.prefix:
                raise
            return None
        if signature.fault is not None:
            raise Malformed(f"a signature by {key.fingerprint}: {signature.fault}")
        return digest


def _revocation(signature: Signature) -> Revocation:
    reason = signature.hashed.bodies(REVOCATION_REASON)
    soft = bool(reason) and reason[0][0] in _SOFT_REASONS and signature.created is not None
    return Revocation(signature.created or 0, not soft)


def _subkey_of(packet: Packet) -> PublicKey | None:
    try:
        return decode_public_key(packet.body)
    except OpenPGPError:
        return None


def _require_one_time(signature: Signature) -> None:
    if len(signature.hashed.bodies(CREATION_TIME)) > 1:
        raise Malformed("a signature of its own has several creation times")
