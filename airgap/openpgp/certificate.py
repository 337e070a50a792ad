"""Certificates: from packets to a primary key, its subkeys, and the self-signatures that really verify (C1, C4 to C10).

Third-party certifications decide nothing here: they are dropped, counted, and never given to a decoder. Of what is
left, only signatures whose mathematics this module has checked are kept, so that validity.py reasons about facts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from airgap.errors import FormatError, OpenPGPError
from airgap.limits import LIMITS
from airgap.openpgp import armor, packets
from airgap.openpgp.algorithms import HASHES, REVOCATION_HASHES, HashAlgorithm, verify_digest
from airgap.openpgp.decode import Signature, decode_public_key, decode_signature
from airgap.openpgp.keys import PublicKey
from airgap.openpgp.packets import Malformed, Packet
from airgap.openpgp.subpackets import EMBEDDED_SIGNATURE, KNOWN, NOTATION, REVOCATION_REASON

_CERTIFICATIONS: Final = frozenset({0x10, 0x11, 0x12, 0x13})
_DIRECT_KEY: Final = 0x1F
_SUBKEY_BINDING: Final = 0x18
_PRIMARY_BINDING: Final = 0x19
_KEY_REVOCATION: Final = 0x20
_SUBKEY_REVOCATION: Final = 0x28
_CERTIFICATION_REVOCATION: Final = 0x30
_SOFT_REASONS: Final = frozenset({1, 3, 32})  # superseded, retired, user id no longer valid (§5.2.3.31)
_KEY_TAGS: Final = frozenset({packets.PUBLIC_KEY, packets.PUBLIC_SUBKEY})
_SECRET_TAGS: Final = frozenset({packets.SECRET_KEY, packets.SECRET_SUBKEY})


@dataclass(frozen=True, slots=True)
class Component:
    """A primary key, user id or subkey packet with the self-signatures that follow it, still undecoded."""

    packet: Packet
    signatures: tuple[Packet, ...]


@dataclass(frozen=True, slots=True)
class Revocation:
    """A revocation that verified. ``hard`` voids all times; a soft one only what is not older than ``created``."""

    created: int
    hard: bool

    def voids(self, time: int) -> bool:
        return self.hard or self.created <= time


@dataclass(frozen=True, slots=True)
class SelfSignature:
    """A self-signature or binding that verified, with a hash that counts (C9).

    ``back_signature`` is the subkey's own signature over the binding (0x19), None if none verified.
    """

    signature: Signature
    created: int
    direct: bool = False
    back_signature: Signature | None = None
    user_id_revocations: tuple[Revocation, ...] = ()


@dataclass(frozen=True, slots=True)
class Subkey:
    key: PublicKey
    bindings: tuple[SelfSignature, ...]
    revocations: tuple[Revocation, ...]
    weak_bindings: int

    @property
    def is_bound(self) -> bool:
        """The primary vouches for the subkey, and the subkey agrees (C4, C5), at whatever time."""
        return any(binding.back_signature is not None for binding in self.bindings)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate as far as it verifies. Whether it was valid at some time is validity.py's to say.

    ``dropped`` counts third-party certifications and signatures that no rule here can use; ``weak_self_signatures``
    those that would count with a better hash.
    """

    primary: PublicKey
    self_signatures: tuple[SelfSignature, ...]
    revocations: tuple[Revocation, ...]
    subkeys: tuple[Subkey, ...]
    user_ids: tuple[str, ...]
    components: tuple[Component, ...]
    dropped: int
    weak_self_signatures: int

    def subkey(self, key: PublicKey) -> Subkey | None:
        return next((subkey for subkey in self.subkeys if subkey.key.fingerprint == key.fingerprint), None)

    @property
    def keys(self) -> Iterator[PublicKey]:
        yield self.primary
        for subkey in self.subkeys:
            yield subkey.key

    def encoded(self) -> bytes:
        """The certificate without third-party certifications; one spelling whatever the order it came in."""
        first, *others = self.components
        ordered = [first, *sorted(others, key=lambda part: (_RANK[part.packet.tag], part.packet.body))]
        return b"".join(
            packet.encoded
            for part in ordered
            for packet in (part.packet, *sorted(part.signatures, key=lambda packet: packet.body))
        )


_RANK: Final = {packets.USER_ID: 0, packets.USER_ATTRIBUTE: 1, packets.PUBLIC_SUBKEY: 2}


def split_certificates(data: bytes) -> list[list[Packet]]:
    """The packets of each certificate in a keyring file, binary or armored, several blocks or not.

    Raises FormatError(keyring-invalid) if the file as a whole cannot be read, OpenPGPError for armor.
    """
    if len(data) > LIMITS.keyring:
        raise FormatError("limit-exceeded", f"a keyring of {len(data)} bytes is over the limit of {LIMITS.keyring}")
    blocks = [data]
    if armor.is_armored(data):
        blocks = [content for _, content in armor.dearmor_all(data, frozenset({armor.PUBLIC_KEY}))]
    try:
        found = [packet for block in blocks for packet in packets.walk(block, most=LIMITS.keyring)]
        return list(_split(packets.without_padding(found)))
    except Malformed as error:
        raise FormatError("keyring-invalid", f"the keyring is malformed: {error}") from None


def _split(found: Iterable[Packet]) -> Iterator[list[Packet]]:
    group: list[Packet] = []
    for packet in found:
        if packet.tag in _SECRET_TAGS:
            raise OpenPGPError("certificate-secret", "the keyring holds a secret key")
        if packet.tag == packets.PUBLIC_KEY and group:
            yield group
            group = []
        if not group and packet.tag != packets.PUBLIC_KEY:
            raise Malformed(f"packet type {packet.tag} where a public key belongs")
        if packet.tag != packets.TRUST:  # GnuPG's local notes; they say nothing to anyone else (§5.10)
            group.append(packet)
    if group:
        yield group


def load_certificate(group: Sequence[Packet]) -> Certificate:
    """Decode and verify one certificate's own parts. Raises OpenPGPError if it cannot be read to its last byte."""
    if len(group) > LIMITS.certificate_packets:
        raise OpenPGPError("certificate-malformed", f"a certificate of {len(group)} packets is over the limit")
    try:
        primary = decode_public_key(group[0].body)
        components, dropped = _components(group, primary)
        if (
            sum(len(packet.body) for part in components for packet in (part.packet, *part.signatures))
            > LIMITS.certificate
        ):
            raise Malformed(f"over {LIMITS.certificate} bytes of its own")
        return _Loader(primary, components).load(dropped)
    except Malformed as error:
        raise OpenPGPError("certificate-malformed", f"a certificate is malformed: {error}") from None


def merge(copies: Sequence[Certificate]) -> Certificate:
    """One certificate from several copies of it: every component and self-signature that any of them has."""
    if len(copies) == 1:
        return copies[0]
    parts: dict[Packet, dict[Packet, None]] = {}
    for copy in copies:
        for component in copy.components:
            parts.setdefault(component.packet, {}).update(dict.fromkeys(component.signatures))
    components = tuple(Component(packet, tuple(signatures)) for packet, signatures in parts.items())
    return _Loader(copies[0].primary, components).load(sum(copy.dropped for copy in copies))


def _components(group: Sequence[Packet], primary: PublicKey) -> tuple[tuple[Component, ...], int]:
    """Group the packets, keeping only signatures that name the primary key as their issuer."""
    parts: dict[Packet, dict[Packet, None]] = {group[0]: {}}
    current = parts[group[0]]
    dropped = 0
    for packet in group[1:]:
        if packet.tag == packets.SIGNATURE:
            if _is_own(packet, primary):
                current[packet] = None
            else:
                dropped += 1
        elif packet.tag in _RANK:
            current = parts.setdefault(packet, {})
        elif packet.tag < 40:
            raise Malformed(f"packet type {packet.tag} does not belong in a certificate")
        else:
            dropped += 1
            current = {}
    return tuple(Component(packet, tuple(signatures)) for packet, signatures in parts.items()), dropped


def _is_own(packet: Packet, primary: PublicKey) -> bool:
    try:
        return decode_signature(packet.body).might_be_by(primary.fingerprint)
    except (Malformed, OpenPGPError):
        return False


@dataclass(slots=True)
class _Loader:
    """Checks the mathematics of every own signature of one certificate, within a budget."""

    primary: PublicKey
    components: tuple[Component, ...]
    checks: int = 0
    weak: int = 0
    self_signatures: list[SelfSignature] = field(default_factory=list)
    revocations: list[Revocation] = field(default_factory=list)
    subkeys: list[Subkey] = field(default_factory=list)
    user_ids: list[str] = field(default_factory=list)

    def load(self, dropped: int) -> Certificate:
        self._primary(self.components[0])
        for component in self.components[1:]:
            if component.packet.tag == packets.PUBLIC_SUBKEY:
                self._subkey(component)
            else:
                self._user_id(component)
        return Certificate(
            self.primary,
            tuple(self.self_signatures),
            tuple(self.revocations),
            tuple(self.subkeys),
            tuple(self.user_ids),
            self.components,
            dropped,
            self.weak,
        )

    def _primary(self, component: Component) -> None:
        material = self.primary.hash_prefix + self.primary.body
        for signature in _decoded(component):
            if signature.type == _KEY_REVOCATION:
                self.revocations += self._revocation(signature, material)
            elif signature.type == _DIRECT_KEY and self._holds(signature, material):
                self.self_signatures += self._dated(signature, direct=True)

    def _user_id(self, component: Component) -> None:
        body = component.packet.body
        mark = b"\xb4" if component.packet.tag == packets.USER_ID else b"\xd1"
        material = self.primary.hash_prefix + self.primary.body + mark + len(body).to_bytes(4, "big") + body
        signatures = list(_decoded(component))
        revocations: list[Revocation] = []
        for signature in signatures:
            if signature.type == _CERTIFICATION_REVOCATION:
                revocations += self._revocation(signature, material)
        found: list[SelfSignature] = []
        for signature in signatures:
            if signature.type in _CERTIFICATIONS and self._holds(signature, material):
                found += self._dated(signature, user_id_revocations=tuple(revocations))
        self.self_signatures += found
        if found and component.packet.tag == packets.USER_ID:
            self.user_ids.append(body.decode("utf-8", "replace"))

    def _subkey(self, component: Component) -> None:
        try:
            key = decode_public_key(component.packet.body)
        except OpenPGPError:
            return  # a subkey of another version than ours cannot sign for us; it does not spoil the rest (C10)
        material = self.primary.hash_prefix + self.primary.body + key.hash_prefix + key.body
        weak_before = self.weak
        bindings: list[SelfSignature] = []
        revocations: list[Revocation] = []
        for signature in _decoded(component):
            if signature.type == _SUBKEY_REVOCATION:
                revocations += self._revocation(signature, material)
            elif signature.type == _SUBKEY_BINDING and self._holds(signature, material):
                bindings += self._dated(signature, back_signature=self._back_signature(signature, key, material))
        self.subkeys.append(Subkey(key, tuple(bindings), tuple(revocations), self.weak - weak_before))

    def _back_signature(self, binding: Signature, key: PublicKey, material: bytes) -> Signature | None:
        """The subkey's own consent, embedded in either area: it proves itself (C5, S4)."""
        for area in (binding.hashed, binding.unhashed):
            for body in area.bodies(EMBEDDED_SIGNATURE):
                try:
                    embedded = decode_signature(body)
                except (Malformed, OpenPGPError):
                    continue
                if embedded.type == _PRIMARY_BINDING and self._verifies(key, embedded, material, HASHES):
                    return embedded
        return None

    def _revocation(self, signature: Signature, material: bytes) -> list[Revocation]:
        if not self._verifies(self.primary, signature, material, REVOCATION_HASHES):
            return []
        reason = signature.hashed.bodies(REVOCATION_REASON)
        soft = bool(reason) and reason[0][0] in _SOFT_REASONS and signature.created is not None
        return [Revocation(signature.created or 0, not soft)]

    def _holds(self, signature: Signature, material: bytes) -> bool:
        if signature.hash_algorithm not in HASHES:
            self.weak += self._verifies(self.primary, signature, material, REVOCATION_HASHES)
            return False
        return self._verifies(self.primary, signature, material, HASHES)

    def _dated(
        self,
        signature: Signature,
        *,
        direct: bool = False,
        back_signature: Signature | None = None,
        user_id_revocations: tuple[Revocation, ...] = (),
    ) -> list[SelfSignature]:
        """A self-signature without one creation time, or older than its key, says nothing about any time (S3, S12)."""
        created = signature.created
        if created is None or created < self.primary.created or unknown_critical(signature) is not None:
            return []
        return [SelfSignature(signature, created, direct, back_signature, user_id_revocations)]

    def _verifies(
        self, key: PublicKey, signature: Signature, material: bytes, hashes: dict[int, HashAlgorithm]
    ) -> bool:
        self.checks += 1
        if self.checks > LIMITS.self_signatures:
            raise Malformed(f"more than {LIMITS.self_signatures} signatures of its own")
        hash_ = hashes.get(signature.hash_algorithm)
        if hash_ is None or signature.version != key.version:
            return False
        digest = signature.digest(hash_, material)
        try:
            verify_digest(key, signature.key_algorithm, hash_, digest, signature.value())
        except (OpenPGPError, Malformed):
            return False
        return True


def unknown_critical(signature: Signature) -> int | None:
    """The type of a critical subpacket that is not understood, None if there is none (S6).

    No notation is understood, so any critical one counts as unknown (§5.2.3.24).
    """
    for subpacket in signature.hashed.subpackets:
        if subpacket.critical and (subpacket.type not in KNOWN or subpacket.type == NOTATION):
            return subpacket.type
    return None


def _decoded(component: Component) -> Iterator[Signature]:
    for packet in component.signatures:
        yield decode_signature(packet.body)
