"""What the offline machine already holds: the root, its certificates, and what it must never forget (TRUST.md)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from airgap.errors import OpenPGPError, TrustRootError
from airgap.openpgp.keyring import Keyring
from airgap.openpgp.keys import Fingerprint
from airgap.reference import Repository
from airgap.trust.evidence import Policy
from airgap.trust.maintainers import People
from airgap.trust.rollback import Dated, Mark, raised
from airgap.trust.root import TrustRoot


@dataclass(frozen=True, slots=True)
class Memory:
    """What only ever grows: marks never sink, and what was revoked by hand stays so. Times in seconds since 1970.

    ``maintainers`` is when the adopted MAINTAINERS reached quorum; None if it was compared by hand.
    """

    marks: Mapping[Repository, Mark] = field(default_factory=dict)
    revoked: Mapping[Fingerprint, int] = field(default_factory=dict)
    maintainers: int | None = None

    def after(self, accepted: Iterable[Dated]) -> Memory:
        return replace(self, marks=raised(self.marks, accepted))

    def without(self, fingerprints: Iterable[Fingerprint], time: int) -> Memory:
        """With these revoked for good; ``time`` is for people to read."""
        return replace(self, revoked={**dict.fromkeys(fingerprints, time), **self.revoked})


@dataclass(frozen=True, slots=True)
class Trust:
    """A trust root, certificates, and its memory.

    ``keyring`` has those of people who were in an earlier version, too: they count no more, and what was revoked stays
    so if they come back. ``history`` are the earlier versions of the root, oldest first.
    """

    root: TrustRoot
    keyring: Keyring
    memory: Memory = Memory()
    history: tuple[TrustRoot, ...] = ()

    @property
    def able(self) -> tuple[str, ...]:
        """The people of whom a certificate is here that was not revoked by hand."""
        return tuple(
            person.nick
            for person in self.root.people
            if any(fpr in self.keyring and fpr not in self.memory.revoked for fpr in person.fingerprints)
        )

    def policy(self, reference_time: int) -> Policy:
        """What one signature file is judged by."""
        return Policy(
            self.keyring,
            self.root.claim_formats,
            reference_time,
            self.root.strict_expiry,
            self.root.keys,
            self.memory.revoked,
        )

    def with_certificates(self, carried: Keyring) -> Trust:
        """With what a bundle's keyring adds to the pinned certificates: their own signatures (rule 3)."""
        return replace(self, keyring=self.keyring.merged_with(carried.restricted_to(self.root.people.fingerprints)))

    def with_people(self, people: People, carried: Keyring) -> Trust:
        """With the certificates of other people, too, as far as a keyring holds them (rule 9)."""
        both = {*self.root.people.fingerprints, *people.fingerprints}
        return replace(self, keyring=self.keyring.merged_with(carried.restricted_to(sorted(both))))

    def with_revocations(self, carried: Keyring) -> Trust:
        """With the revocations of the pinned people that a bundle's keyring holds, and nothing else of it (rule 3).

        Raises OpenPGPError if that would make a pinned certificate unreadable: no revocation may be lost.
        """
        pinned = {*self.root.people.fingerprints, *(one.primary.fingerprint for one in self.keyring)}
        keyring = self.keyring.remembering(carried.restricted_to(sorted(pinned)))
        for certificate in self.keyring:
            if certificate.primary.fingerprint not in keyring:
                raise OpenPGPError(
                    "certificate-malformed",
                    f"the revocations of certificate {certificate.primary.fingerprint} in this bundle are too many",
                )
        return replace(self, keyring=Keyring(keyring))

    def accepting(self, seen: Trust, accepted: Iterable[Dated]) -> Trust:
        """After a bundle was accepted: ``seen`` has the certificates that it was judged by.

        Ours may have learned revocations since, also of people who count no more.
        """
        keyring = self._losing_none(self.keyring.merged_with(seen.keyring))
        return replace(self, keyring=keyring, memory=self.memory.after(accepted))

    def succeeded(self, root: TrustRoot, carried: Keyring, time: int | None) -> Trust:
        """Under the next version of the root, whose MAINTAINERS reached quorum at ``time``.

        Raises TrustRootError(key-of-two-people).
        """
        keyring = self._losing_none(self.with_people(root.people, carried).keyring)
        _require_own_keys(root.people, keyring)
        return Trust(root, keyring, replace(self.memory, maintainers=time), (*self.history, self.root))

    def _losing_none(self, keyring: Keyring) -> Keyring:
        """``keyring`` with the held copy of each certificate that what a bundle added has made unreadable."""
        return Keyring([*keyring, *(one for one in self.keyring if one.primary.fingerprint not in keyring)])


def pinned(root: TrustRoot, carried: Keyring) -> Trust:
    """What is held from now on: a first root, and what a keyring has of its people. Raises TrustRootError."""
    trust = Trust(root, carried.restricted_to(root.people.fingerprints))
    _require_own_keys(root.people, trust.keyring)
    return trust


def _require_own_keys(people: People, keyring: Keyring) -> None:
    """Raises TrustRootError(key-of-two-people): one secret is one vote, under whatever fingerprints (TRUST rule 1)."""
    for certificate in keyring.restricted_to(people.fingerprints):
        for key in certificate.keys:
            owners = sorted({nick for one in keyring.vouching_for(key) if (nick := people.nick_of(one)) is not None})
            if len(owners) > 1:
                raise TrustRootError(
                    "key-of-two-people",
                    f"the secret of key {key.fingerprint} signs for both {owners[0]} and {owners[1]}",
                    fingerprint=str(key.fingerprint),
                    people=owners,
                )
