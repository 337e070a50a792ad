"""One spelling of a signature that verified: what it hashes stays, and all that anybody could change is made anew.

Neither the unhashed area nor the first two octets of the digest are covered by a signature (RFC 9580 §5.2.3, §5.2.4):
whoever passes a certificate on can make as many copies of it as they like.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from airgap.openpgp.decode import Signature
from airgap.openpgp.keys import Fingerprint
from airgap.openpgp.packets import SIGNATURE, Packet, encode_length
from airgap.openpgp.subpackets import EMBEDDED_SIGNATURE, ISSUER_FINGERPRINT, ISSUER_KEY_ID

Hashed = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class OwnSignature:
    """A signature that is the owner's; copies that differ in what no signature covers are one.

    ``consents`` are the subkey's own that verified with it (C5), ``embedded`` the one spelling of those that no hash
    covers; ``prefix`` begins its digest.
    """

    signature: Signature
    prefix: bytes
    consents: Mapping[Hashed, Signature]
    embedded: Mapping[Hashed, bytes]

    def joined(self, other: OwnSignature) -> OwnSignature:
        """What both copies have. An ECDSA value has two forms, either is as good: the same one is taken each time."""
        first, second = sorted((self, other), key=lambda one: one.signature.encoded_value)
        embedded = {**self.embedded, **other.embedded}
        embedded |= {key: min(self.embedded[key], other.embedded[key]) for key in self.embedded.keys() & other.embedded}
        return OwnSignature(first.signature, self.prefix, {**second.consents, **first.consents}, embedded)

    def packet(self, issuer: Fingerprint) -> Packet:
        """Its one spelling."""
        body = canonical_body(self.signature, issuer, self.prefix, sorted(self.embedded.values()))
        return Packet(SIGNATURE, body)


def hashed_of(signature: Signature) -> Hashed:
    """What a signature says and is over, besides its packet: everything of it that is hashed."""
    return signature.hashed_fields, signature.salt


def canonical_body(signature: Signature, issuer: Fingerprint, prefix: bytes, embedded: Sequence[bytes] = ()) -> bytes:
    """The packet body of a signature by ``issuer``, whose digest begins with ``prefix``.

    Its unhashed area has the issuer, unless the hashed one does, and the bodies of ``embedded`` signatures.
    """
    unhashed = _hint(signature, issuer) + b"".join(_subpacket(EMBEDDED_SIGNATURE, one) for one in embedded)
    octets = 2 if signature.version == 4 else 4
    salt = b"" if signature.version == 4 else bytes([len(signature.salt)]) + signature.salt
    area = len(unhashed).to_bytes(octets, "big") + unhashed
    return signature.hashed_fields + area + prefix + salt + signature.encoded_value


def _hint(signature: Signature, issuer: Fingerprint) -> bytes:
    """Version 4 programs look for the key id, also beside the fingerprint; version 6 has no key ids (§5.2.3.12)."""
    if signature.version == 4:
        return b"" if signature.hashed.bodies(ISSUER_KEY_ID) else _subpacket(ISSUER_KEY_ID, issuer.key_id)
    if signature.hashed.bodies(ISSUER_FINGERPRINT):
        return b""
    return _subpacket(ISSUER_FINGERPRINT, bytes([6]) + bytes.fromhex(issuer.hex))


def _subpacket(type_: int, body: bytes) -> bytes:
    return encode_length(len(body) + 1) + bytes([type_]) + body
