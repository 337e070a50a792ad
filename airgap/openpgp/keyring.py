"""A set of certificates, each once, found by what a signature says about its issuer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from airgap.errors import AirgapError, FormatError, OpenPGPError
from airgap.limits import LIMITS
from airgap.openpgp.budget import Budget
from airgap.openpgp.certificate import Certificate
from airgap.openpgp.decode import Signature
from airgap.openpgp.grouping import split_certificates
from airgap.openpgp.keys import Fingerprint, PublicKey
from airgap.openpgp.loading import load_certificate, merge, revocations_of


@dataclass(frozen=True, slots=True)
class Candidate:
    """A key that a signature's hints point at, and the certificate it was found in."""

    certificate: Certificate
    key: PublicKey

    @property
    def is_bound(self) -> bool:
        """Whether the certificate really claims this key; a bare key packet that somebody put there claims nothing."""
        subkey = self.certificate.subkey(self.key)
        return bool(self.certificate.self_signatures) if subkey is None else subkey.is_bound


class Keyring:
    """Certificates by primary fingerprint. Copies of one certificate are merged when the keyring is made."""

    def __init__(self, certificates: Iterable[Certificate] = (), problems: Iterable[AirgapError] = ()) -> None:
        copies: dict[Fingerprint, list[Certificate]] = {}
        for certificate in certificates:
            copies.setdefault(certificate.primary.fingerprint, []).append(certificate)
        found = list(problems)
        self._certificates: dict[Fingerprint, Certificate] = {}
        for fingerprint, same in copies.items():
            try:
                self._certificates[fingerprint] = merge(same)
            except OpenPGPError as error:
                found.append(error)  # together they are too much; no copy may hide what another one says
        self.problems = tuple(found)
        self._by_key_id: dict[bytes, list[Candidate]] = {}
        for certificate in self._certificates.values():
            for key in certificate.keys:
                self._by_key_id.setdefault(key.fingerprint.key_id, []).append(Candidate(certificate, key))

    def __iter__(self) -> Iterator[Certificate]:
        return iter(self._certificates.values())

    def __len__(self) -> int:
        return len(self._certificates)

    def __contains__(self, fingerprint: Fingerprint) -> bool:
        return fingerprint in self._certificates

    def key(self, certificate: Fingerprint, key: Fingerprint) -> PublicKey:
        """A key of a certificate that is here. Raises KeyError."""
        return {one.fingerprint: one for one in self._certificates[certificate].keys}[key]

    def restricted_to(self, fingerprints: Iterable[Fingerprint]) -> Keyring:
        """Only the certificates with these primary fingerprints: what a trust root pins (TRUST rule 2)."""
        return Keyring((self._certificates[fpr] for fpr in fingerprints if fpr in self._certificates), self.problems)

    def merged_with(self, other: Keyring) -> Keyring:
        return Keyring([*self, *other], [*self.problems, *other.problems])

    def remembering(self, other: Keyring) -> Keyring:
        """These certificates, with the revocations that ``other`` holds and nothing else of it (TRUST rule 3)."""
        return Keyring([*self, *filter(None, map(revocations_of, other))], self.problems)

    def candidates(self, signature: Signature) -> list[Candidate]:
        """Every key that a hint in the signature points at, without believing the hint."""
        key_ids = signature.issuer_key_ids | {fpr.key_id for fpr in signature.issuer_fingerprints}
        found = [candidate for key_id in sorted(key_ids) for candidate in self._by_key_id.get(key_id, ())]
        return [candidate for candidate in found if signature.might_be_by(candidate.key.fingerprint)]

    def vouching_for(self, key: PublicKey) -> frozenset[Fingerprint]:
        """The certificates that vouch for a key of the same secret, whatever its packet says there."""
        return frozenset(self._by_secret.get(key.secret, ()))

    @cached_property
    def _by_secret(self) -> dict[object, list[Fingerprint]]:
        found: dict[object, list[Fingerprint]] = {}
        for certificate in self:
            for key in certificate.keys:
                if key.secret is not None and Candidate(certificate, key).is_bound:
                    found.setdefault(key.secret, []).append(certificate.primary.fingerprint)
        return found

    def encoded(self) -> bytes:
        """All certificates in one canonical binary keyring, without third-party certifications."""
        return b"".join(self._certificates[fpr].encoded() for fpr in sorted(self._certificates))


def load_keyring(files: Iterable[bytes]) -> Keyring:
    """Read keyring files. A certificate that cannot be read is a problem to show; a file that cannot, an error.

    Raises FormatError or OpenPGPError for files that are no keyrings, hold a secret key or cost too much to read.
    """
    certificates: list[Certificate] = []
    problems: list[AirgapError] = []
    budget = Budget()
    for data in files:
        for group in split_certificates(data):
            if len(certificates) + len(problems) == LIMITS.certificates:
                raise FormatError("limit-exceeded", f"a keyring holds more than {LIMITS.certificates} certificates")
            try:
                certificates.append(load_certificate(group, budget))
            except OpenPGPError as error:
                problems.append(error)
    return Keyring(certificates, problems)
