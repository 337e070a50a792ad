"""Certificates as lists of labelled packets: easy to make whole, easy to break (RFC 9580 §10.1)."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from .keys import CREATED, SecretKey, secret_key
from .packets import USER_ID, armor, packet
from .signatures import Options, certification, direct_key, key_revocation, subkey_binding

Bytes = builtins.bytes  # the class below has a property of that name


@dataclass(frozen=True)
class Part:
    """A packet and what it is: primary, revocation, direct, user-id, certification, subkey, binding or extra."""

    label: str
    packet: Bytes


@dataclass(frozen=True)
class Certificate:
    """A certificate that may be taken apart. Every method returns a new one; ``nth`` counts within a label."""

    primary: SecretKey
    parts: tuple[Part, ...]
    subkeys: tuple[SecretKey, ...] = ()

    @property
    def signing_key(self) -> SecretKey:
        """The key that signs documents: the first subkey that is able to, else the primary."""
        return next((key for key in self.subkeys if key.signs), self.primary)

    @property
    def packets(self) -> list[Bytes]:
        """The packets in their order."""
        return [part.packet for part in self.parts]

    @property
    def fingerprint(self) -> str:
        """The primary's, in capital hexadecimal digits."""
        return self.primary.fingerprint.hex().upper()

    def at(self, label: str, nth: int = 0) -> int:
        """The position of a part in ``parts``; a missing one raises IndexError."""
        return [place for place, part in enumerate(self.parts) if part.label == label][nth]

    def find(self, label: str, nth: int = 0) -> Bytes:
        """The packet of a part."""
        return self.parts[self.at(label, nth)].packet

    def insert(self, after: str, *packets: Bytes | Part, nth: int = 0) -> Certificate:
        """Packets put in after a part."""
        place = self.at(after, nth) + 1
        return replace(self, parts=self.parts[:place] + _as_parts(packets) + self.parts[place:])

    def append(self, *packets: Bytes | Part) -> Certificate:
        """Packets put at the end: grafts."""
        return replace(self, parts=self.parts + _as_parts(packets))

    def without(self, label: str, nth: int | None = None) -> Certificate:
        """All parts of that label taken out, or only one."""
        places = [place for place, part in enumerate(self.parts) if part.label == label]
        gone = places if nth is None else [places[nth]]
        return replace(self, parts=tuple(part for place, part in enumerate(self.parts) if place not in gone))

    def swap(self, label: str, new: Bytes, nth: int = 0) -> Certificate:
        """One packet put in the place of another."""
        place = self.at(label, nth)
        return replace(self, parts=(*self.parts[:place], Part(label, new), *self.parts[place + 1 :]))

    def revoked(self, revocation: Bytes | None = None) -> Certificate:
        """With a key revocation where it belongs; without argument a hard one."""
        return self.insert("primary", Part("revocation", revocation or key_revocation(self.primary)))

    def with_subkey(self, subkey: SecretKey, *bindings: Bytes) -> Certificate:
        """With a subkey at the end, bound by a usual binding or by the given packets."""
        packets = bindings or (subkey_binding(self.primary, subkey),)
        parts = (Part("subkey", subkey.public_packet(subkey=True)), *(Part("binding", one) for one in packets))
        return replace(self, parts=self.parts + parts, subkeys=(*self.subkeys, subkey))

    @property
    def secret_bytes(self) -> Bytes:
        """The transferable secret key (§10.2), unprotected: for gpg --import, and to be refused as a certificate."""
        keys = {self.find("primary"): self.primary.public_packet(secret=True)}
        for key in self.subkeys:
            keys[key.public_packet(subkey=True)] = key.public_packet(subkey=True, secret=True)
        return b"".join(keys.get(one, one) for one in self.packets)

    def armored(self, kind: str = "PUBLIC KEY BLOCK") -> Bytes:
        """In ASCII armor."""
        return armor(kind, self.bytes)

    @property
    def bytes(self) -> Bytes:
        """The binary certificate."""
        return b"".join(self.packets)


def _as_parts(packets: Sequence[Bytes | Part]) -> tuple[Part, ...]:
    return tuple(one if isinstance(one, Part) else Part("extra", one) for one in packets)


def certificate(
    seed: str,
    *,
    algorithm: str = "eddsa",
    created: int = CREATED,
    version: int = 4,
    user_ids: Sequence[str | bytes] = ("Alice <alice@example.org>",),
    key_expires: int | None = None,
    primary_flags: int | None = 0x03,
    direct: bool | None = None,
    self_options: Options | None = None,
    signing_subkey: str | None = None,
    subkey_flags: int | None = 0x02,
    subkey_created: int | None = None,
    subkey_expires: int | None = None,
    back: Literal["auto", "hashed", "unhashed", "none"] = "auto",
    back_signer: SecretKey | None = None,
    back_options: Options | None = None,
    binding_options: Options | None = None,
    encryption_subkey: str | None = None,
) -> Certificate:
    """A certificate, good unless a knob says otherwise.

    Expiry counts in seconds from the creation of the key. ``direct`` adds a direct-key signature, by
    default for version 6 only. ``signing_subkey`` and ``encryption_subkey`` name an algorithm; their
    seeds are the certificate's with "/sign" and "/encrypt" behind. The options go to the signatures.
    """
    primary = secret_key(seed, algorithm, created=created, version=version)
    options: Options = self_options or {}
    parts = [Part("primary", primary.public_packet())]
    if direct if direct is not None else version == 6:
        signature = direct_key(primary, flags=primary_flags, key_expires=key_expires, **options)
        parts.append(Part("direct", signature))
    for user_id in user_ids:
        body = user_id.encode() if isinstance(user_id, str) else user_id
        signature = certification(primary, body, flags=primary_flags, key_expires=key_expires, **options)
        parts += [Part("user-id", packet(USER_ID, body, old=True)), Part("certification", signature)]
    result = Certificate(primary, tuple(parts))
    made = created if subkey_created is None else subkey_created
    binding: Options = binding_options or {}
    if signing_subkey:
        subkey = secret_key(f"{seed}/sign", signing_subkey, created=made, version=version)
        signature = subkey_binding(
            primary,
            subkey,
            flags=subkey_flags,
            key_expires=subkey_expires,
            back=back,
            back_signer=back_signer,
            back_options=back_options,
            **binding,
        )
        result = result.with_subkey(subkey, signature)
    if encryption_subkey:
        subkey = secret_key(f"{seed}/encrypt", encryption_subkey, created=made, version=version)
        result = result.with_subkey(subkey, subkey_binding(primary, subkey, flags=0x0C))
    return result
