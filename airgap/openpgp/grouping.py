"""From a keyring's bytes to the packets of each certificate: what belongs together (C1, C10).

Third-party certifications decide nothing here: they are dropped, counted, and never given to a decoder.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from airgap.errors import FormatError, OpenPGPError
from airgap.limits import LIMITS
from airgap.openpgp import armor, packets
from airgap.openpgp.certificate import RANK, Component
from airgap.openpgp.decode import decode_signature
from airgap.openpgp.keys import PublicKey
from airgap.openpgp.packets import Malformed, Packet
from airgap.openpgp.signature_types import REVOCATIONS

_SECRET_TAGS: Final = frozenset({packets.SECRET_KEY, packets.SECRET_SUBKEY})
_CRITICAL_TAGS: Final = range(40)  # unknown packets below this are critical (§4.3)


def split_certificates(data: bytes) -> Iterator[list[Packet]]:
    """The packets of each certificate in a keyring file, binary or armored, several blocks or not.

    Of a certificate with too many packets only the first ones, enough for load_certificate() to refuse it.
    Raises FormatError(keyring-invalid) if the file as a whole cannot be read, OpenPGPError for armor.
    """
    if len(data) > LIMITS.keyring:
        raise FormatError("limit-exceeded", f"a keyring of {len(data)} bytes is over the limit of {LIMITS.keyring}")
    blocks = [data]
    if armor.is_armored(data):
        blocks = [content for _, content in armor.dearmor_all(data, frozenset({armor.PUBLIC_KEY}))]
    try:
        yield from _split(packet for block in blocks for packet in packets.each(block))
    except Malformed as error:
        raise FormatError("keyring-invalid", f"the keyring is malformed: {error}") from None


def _split(found: Iterable[Packet]) -> Iterator[list[Packet]]:
    group: list[Packet] = []
    for packet in found:
        if packet.tag in _SECRET_TAGS:
            raise OpenPGPError("certificate-secret", "the keyring holds a secret key")
        if packets.is_padding(packet):
            continue
        if packet.tag == packets.PUBLIC_KEY and group:
            yield group
            group = []
        if not group and packet.tag != packets.PUBLIC_KEY:
            raise Malformed(f"packet type {packet.tag} where a public key belongs")
        # GnuPG's local notes about trust say nothing to us (§5.10).
        if packet.tag != packets.TRUST and len(group) <= LIMITS.certificate_packets:
            group.append(packet)
    if group:
        yield group


def group_components(group: Sequence[Packet], primary: PublicKey) -> tuple[tuple[Component, ...], int]:
    """Group the packets, keeping only signatures that could be the primary key's own; and count the others."""
    first = group[0]
    parts: dict[Packet, dict[Packet, None]] = {first: {}}
    current = parts[first]
    dropped = 0
    for packet in group[1:]:
        if packet.tag == packets.SIGNATURE:
            if _is_own(packet, primary):
                current[packet] = None
            else:
                dropped += 1
        elif packet.tag in RANK:
            current = parts.setdefault(packet, {})
        elif packet.tag in _CRITICAL_TAGS:
            raise Malformed(f"packet type {packet.tag} does not belong in a certificate")
        else:
            dropped += 1
            current = parts[first]  # what follows it stands in the wrong place; the loader finds the right one
    return as_components(parts), dropped


def as_components(parts: Mapping[Packet, Mapping[Packet, object]]) -> tuple[Component, ...]:
    return tuple(Component(packet, tuple(signatures)) for packet, signatures in parts.items())


def _is_own(packet: Packet, primary: PublicKey) -> bool:
    """Whether a signature names the primary key as its issuer, or is a revocation that names nobody."""
    if packet.body[:1] == b"\6" and len(packet.body) > LIMITS.certificate:
        # Only version 6 has areas that long: split, they would take fifty times their size of memory. One of its own
        # is over the limit anyway.
        raise Malformed(f"a version 6 signature of {len(packet.body)} bytes, over the limit of {LIMITS.certificate}")
    try:
        signature = decode_signature(packet.body)
    except (Malformed, OpenPGPError):
        return False
    anonymous = not signature.issuer_fingerprints and not signature.issuer_key_ids
    return signature.might_be_by(primary.fingerprint) or (anonymous and signature.type in REVOCATIONS)
