"""Cases thrown together by chance: many people's keys, user ids, bindings and revocations, each with odd subpackets.

The families beside this one ask about one oddity at a time; here several meet. The same seed gives the same cases.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from forge import (
    Certificate,
    SecretKey,
    certification,
    certification_revocation,
    direct_key,
    document,
    key_revocation,
    subkey_binding,
    subkey_revocation,
    subpacket,
)
from forge.signatures import Options

from .case import CREATED, DAY, LATER, PAYLOAD, RENEWED, SIGNED, Draft, assemble, draft, key
from .oddities import EMBEDDED_BODIES, SUBPACKET_BODIES

_USUAL = {4: "eddsa", 6: "ed25519"}  # algorithms of most keys, by version
_USERS = ("Alice <alice@example.org>", "Bob <bob@example.org>", "")
_MOMENTS = (CREATED - 1, CREATED, CREATED + 1, RENEWED, RENEWED + 1, SIGNED - 1, SIGNED, SIGNED + 1, LATER, 0)
_SPANS = (0, 1, 200 * DAY, SIGNED - CREATED, SIGNED - CREATED + 1, 5000 * DAY, 0xFFFFFFFF)


def drafts(count: int, seed: int, version: int = 4) -> Iterator[Draft]:
    """``count`` cases that depend on nothing but their number, ``seed`` and the version of all keys."""
    family = "chance" if version == 4 else f"chance-{version}"
    for number in range(count):
        yield _Throw(Random(f"{seed}/{number}"), version).draft(f"{family}/{seed}/{number}")


class _Throw:
    """One case, with a die of its own."""

    def __init__(self, die: Random, version: int) -> None:
        usual = _USUAL[version]
        self._primary, self._stranger = (key(name, usual, version=version) for name in ("alice", "stranger"))
        self._subkeys = (
            key("alice/sign", usual, version=version),
            key("alice/sign/p256", "p256", version=version),
            key("alice/sign/late", usual, created=RENEWED, version=version),
        )
        self._die = die
        self._oddness = die.choice((0.0, 0.02, 0.1))

    def draft(self, name: str) -> Draft:
        die = self._die
        users = {
            user: [self._certification(user) for _ in range(self._few())]
            + [certification_revocation(self._primary, user, **self._options(SIGNED)) for _ in range(self._rarely())]
            for user in _USERS[: die.choice((1, 1, 1, 2, 3, 0))]
        }
        cert = assemble(
            self._primary,
            revocations=[
                key_revocation(self._primary, reason=self._reason(), **self._options(SIGNED))
                for _ in range(self._rarely())
            ],
            direct=[
                direct_key(self._primary, flags=self._flags(), key_expires=self._span(), **self._options(CREATED))
                for _ in range(die.choice((0, 0, 0, 1, 2)))
            ],
            users=users,
            subkeys=[(subkey, self._bindings(subkey)) for subkey in self._subkeys[: die.choice((0, 1, 1, 2, 3))]],
        )
        signer = die.choice((cert.primary, *cert.subkeys))
        return draft(name, self._shuffled(cert), document(signer, PAYLOAD, **self._options(SIGNED, signer)))

    def _certification(self, user: str) -> bytes:
        kind = self._die.choice((0x10, 0x13, 0x13, 0x13))
        flags, span = self._flags(), self._span()
        options = self._options(CREATED)
        return certification(self._primary, user, sig_type=kind, flags=flags, key_expires=span, **options)

    def _bindings(self, subkey: SecretKey) -> list[bytes]:
        back = [self._die.choice(("hashed", "hashed", "unhashed", "none")) if self._odd() else "hashed"]
        found = [
            subkey_binding(
                self._primary,
                subkey,
                flags=self._die.choice((0, 2, 2, 2, 2, 3, 0x0C)),
                key_expires=self._span(),
                back=back[0],  # type: ignore[arg-type]  # one of its literals
                back_options=self._options(subkey.created, subkey),
                **self._options(subkey.created),
            )
            for _ in range(self._few())
        ]
        revocation = [
            subkey_revocation(self._primary, subkey, reason=self._reason(), **self._options(SIGNED))
            for _ in range(self._rarely())
        ]
        return self._die.sample(found + revocation, len(found) + len(revocation))

    def _options(self, usual: int, signer: SecretKey | None = None) -> Options:
        signer = signer or self._primary
        options: Options = {"created": self._die.choice(_MOMENTS) if self._odd() or self._odd() else usual}
        if self._odd():
            options["expires"] = self._die.choice(_SPANS)
        if self._odd():
            options["hash_algo"] = self._die.choice((2, 9, 10, 11))
        if self._odd():
            options["hashed"] = [self._subpacket() for _ in range(self._few())]
        if self._odd():
            hint = [] if self._odd() else [subpacket(16, signer.key_id)]
            options["unhashed"] = [*hint, *(self._subpacket() for _ in range(self._few()))]
        if self._odd():
            options["omit"] = [self._die.choice(("creation", "issuer-fingerprint", "issuer"))]
        if self._odd() and self._odd():
            options["issuer"] = self._stranger
        return options

    def _subpacket(self) -> bytes:
        kind = self._die.choice((*SUBPACKET_BODIES, 32, 32, 32, 100, 127))
        body = SUBPACKET_BODIES.get(kind, b"\1")
        if kind == 32:
            body = self._die.choice(EMBEDDED_BODIES)
        if self._odd():
            body = body[: self._die.randrange(len(body) + 1)] + self._die.randbytes(self._die.randrange(3))
        return subpacket(kind, body, critical=self._odd())

    def _shuffled(self, cert: Certificate) -> Certificate:
        parts = list(cert.parts)
        while self._odd():
            one, other = self._die.randrange(1, len(parts) + 1), self._die.randrange(1, len(parts) + 1)
            parts.insert(one, parts.pop(min(other, len(parts) - 1)) if len(parts) > 2 else parts[-1])
        return Certificate(cert.primary, tuple(parts), cert.subkeys)

    def _odd(self) -> bool:
        return self._die.random() < self._oddness

    def _few(self) -> int:
        return self._die.choice((1, 1, 1, 2, 3))

    def _rarely(self) -> int:
        return int(self._die.random() < 0.06)

    def _flags(self) -> int | None:
        return self._die.choice((None, 0, 1, 2, 3, 3, 3, 3, 3, 3))

    def _span(self) -> int | None:
        return self._die.choice((None, None, None, None, *_SPANS))

    def _reason(self) -> int | None:
        return self._die.choice((None, 0, 1, 2, 3, 32))
