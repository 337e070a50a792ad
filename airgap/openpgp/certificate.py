"""Certificates as values: a primary key, its subkeys, and the self-signatures that really verified.

Whether one was valid at some time is validity.py's to say; how packets become one is loading.py's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from airgap.openpgp import packets
from airgap.openpgp.decode import Signature
from airgap.openpgp.keys import PublicKey
from airgap.openpgp.packets import Packet

# The order of what follows the primary key when a certificate is written.
RANK: Final = {packets.USER_ID: 0, packets.USER_ATTRIBUTE: 1, packets.PUBLIC_SUBKEY: 2}


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

    ``user_id`` is what it is over, None for a direct-key signature or a binding; ``user_id_revocations`` verified over
    the same user id. ``back_signatures`` are the subkey's own over a binding (0x19), as far as they verified.
    """

    signature: Signature
    created: int
    user_id: bytes | None = None
    user_id_revocations: tuple[Signature, ...] = ()
    back_signatures: tuple[Signature, ...] = ()


@dataclass(frozen=True, slots=True)
class Subkey:
    key: PublicKey
    bindings: tuple[SelfSignature, ...]
    revocations: tuple[Revocation, ...]
    weak_bindings: int

    @property
    def is_bound(self) -> bool:
        """The primary vouches for the subkey, and the subkey agrees (C4, C5), at whatever time."""
        return any(binding.back_signatures for binding in self.bindings)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate as far as it verifies. Whether it was valid at some time is validity.py's to say.

    ``components`` are what it was read from; ``vouched`` has of their signatures those that really are the owner's.
    ``dropped`` counts third-party certifications and signatures that no rule here can use; ``weak_self_signatures``
    those that would count with a better hash.
    """

    primary: PublicKey
    self_signatures: tuple[SelfSignature, ...]
    revocations: tuple[Revocation, ...]
    subkeys: tuple[Subkey, ...]
    user_ids: tuple[str, ...]
    components: tuple[Component, ...]
    vouched: tuple[Component, ...]
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
        """The certificate with the owner's own signatures alone; one spelling whatever it came with."""
        first, *others = self.vouched
        ordered = [first, *sorted(others, key=lambda part: (RANK[part.packet.tag], part.packet.body))]
        return b"".join(
            packet.encoded
            for part in ordered
            for packet in (part.packet, *sorted(part.signatures, key=lambda packet: packet.body))
        )
