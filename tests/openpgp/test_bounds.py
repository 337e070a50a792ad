"""What the most expensive files cost: signature checks, bytes hashed, subpacket areas split, memory. Not time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import forge
import pytest
from forge.hostile import KEYRINGS, SIGNATURE_FILES, foreign_subpackets

from airgap.errors import AirgapError, FormatError, OpenPGPError
from airgap.limits import LIMITS, MIB
from airgap.openpgp import decode, loading
from airgap.openpgp.algorithms import RSA, HashAlgorithm, SignatureValue, cost, verify_digest
from airgap.openpgp.budget import HASHED_PER_CHECK, Budget
from airgap.openpgp.decode import Signature, decode_public_key
from airgap.openpgp.grouping import split_certificates
from airgap.openpgp.keyring import load_keyring
from airgap.openpgp.keys import PublicKey
from airgap.openpgp.loading import load_certificate
from airgap.openpgp.message import parse_signature_file
from airgap.openpgp.subpackets import Area, parse_area
from tests.openpgp.judging import peak_memory


@dataclass
class Work:
    checks: int = 0
    hashed: int = 0  # bytes
    areas: int = 0

    def count(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Count what is done from now on."""
        digest = Signature.digest

        def counted_check(
            key: PublicKey, algorithm: int, hash_: HashAlgorithm, digest: bytes, value: SignatureValue
        ) -> None:
            self.checks += 1
            if key.algorithm == RSA:  # all of them are bad ones, and to find that out takes seconds
                raise OpenPGPError("bad-signature", "not looked at")
            verify_digest(key, algorithm, hash_, digest, value)

        def counted_digest(signature: Signature, hash_: HashAlgorithm, material: bytes) -> bytes:
            self.hashed += len(material) + len(signature.hashed_fields)
            return digest(signature, hash_, material)

        def counted_area(data: bytes) -> Area:
            self.areas += 1
            return parse_area(data)

        monkeypatch.setattr(loading, "verify_digest", counted_check)
        monkeypatch.setattr(Signature, "digest", counted_digest)
        monkeypatch.setattr(decode, "parse_area", counted_area)


def measured(monkeypatch: pytest.MonkeyPatch, read: Callable[[], object]) -> tuple[Work, str, int]:
    """The work, the kind of the error (or how many problems a keyring has) and the most bytes held at one time."""
    work, outcome = Work(), "accepted"
    work.count(monkeypatch)

    def call() -> None:
        nonlocal outcome
        try:
            found = read()
        except AirgapError as error:
            outcome = error.kind
        else:
            outcome = " ".join(problem.kind for problem in getattr(found, "problems", ())) or "accepted"

    peak = peak_memory(call)
    return work, outcome, peak


# What it comes to, and how many subpacket areas are split.
FILES = {
    "64 KiB of packets": ("message-malformed", 0),
    "64 KiB of subpackets": ("signature-malformed", 2),
    "64 KiB of signatures in signatures": ("signature-malformed", 4),  # the second level is not gone into
    "a signature with 253 in it": ("accepted", 2 + 2 * 253),
    "64 KiB inflated": ("accepted", 2),
    "60 MiB inflated": ("signature-inflates-past-limit", 0),
}


@pytest.mark.parametrize("name", SIGNATURE_FILES)
def test_signature_file(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    outcome, areas = FILES[name]
    data = SIGNATURE_FILES[name]()
    assert len(data) <= LIMITS.signature_file
    work, found, peak = measured(monkeypatch, lambda: parse_signature_file(data))
    assert (found, work.areas, work.checks, work.hashed) == (outcome, areas, 0, 0)
    assert peak < MIB


# What it comes to, checks at most, MiB hashed at most, MiB of memory at most.
CERTIFICATES = {
    "a certificate with 500 self-signatures": ("accepted", LIMITS.self_signatures, 1, 2),
    "1 MiB with misplaced signatures": ("accepted", LIMITS.self_signatures, 1_500, 8),
    "misplaced bindings of subkeys": ("accepted", LIMITS.self_signatures, 1, 2),
    "a certificate of 19 000 user ids": ("accepted", 1, 1, 12),
    "a signature of 16 MiB": ("certificate-malformed", 0, 0, 40),
    "16 MiB of tiny certificates": ("limit-exceeded", 0, 0, 20),
    "5 MiB by RSA-16384": ("limit-exceeded", LIMITS.keyring_checks // 60, 5, 8),
}


SLOW = {"1 MiB with misplaced signatures", "16 MiB of tiny certificates", "5 MiB by RSA-16384"}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in CERTIFICATES]
)
def test_keyring(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    outcome, checks, hashed, memory = CERTIFICATES[name]
    data = KEYRINGS[name]()
    assert len(data) <= LIMITS.keyring
    work, found, peak = measured(monkeypatch, lambda: load_keyring([data]))
    assert found == outcome
    assert work.checks <= checks
    assert work.hashed <= hashed * MIB
    assert peak < memory * MIB


@pytest.mark.slow
def test_subpackets_of_others_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """In proportion: 16 MiB of them take minutes to trace."""
    data = foreign_subpackets(MIB)
    work, found, peak = measured(monkeypatch, lambda: load_keyring([data]))
    assert found == "accepted"
    assert (work.areas, work.checks) == (2 * (len(data) // 63_000) + 4, 1)
    assert peak < 2 * MIB


def test_every_hostile_keyring_has_its_bounds() -> None:
    assert [*CERTIFICATES, "16 MiB of subpackets"] == list(KEYRINGS)
    assert list(FILES) == list(SIGNATURE_FILES)


RSA_COSTS = [(2048, 17, 1), (4096, 17, 1), (8192, 17, 4), (16_384, 17, 16), (16_384, 64, 60), (4096, 64, 3)]
REFUSED_UNSEEN = [(16_385, 64, 1), (16_384, 65, 1), (65_535, 17, 1), (16, 65_535, 1)]


@pytest.mark.parametrize(("bits", "exponent_bits", "expected"), RSA_COSTS + REFUSED_UNSEEN)
def test_cost_of_a_check(bits: int, exponent_bits: int, expected: int) -> None:
    """A key that is refused before any arithmetic costs nothing much, or one of them would spoil a whole keyring."""
    numbers = forge.mpi(1 << bits - 1 | 1) + forge.mpi(1 << exponent_bits - 1 | 1)
    assert cost(decode_public_key(b"\4" + bytes(4) + b"\1" + numbers)) == expected


def test_cost_of_checks_without_rsa() -> None:
    assert cost(decode_public_key(forge.secret_key("ed25519").public_body)) == 1


@pytest.mark.parametrize(("left", "enough"), [(4, True), (3, False), (0, False)])
def test_budget_of_several_certificates(left: int, enough: bool) -> None:
    """One check each, and 130 KiB that are hashed twice: to see whether it belongs there, and to check it."""
    alice, bob = forge.certificate("alice"), forge.certificate("bob", user_ids=[bytes(130 * 1024)])
    assert HASHED_PER_CHECK == 128 * 1024
    budget = Budget(left)

    def read() -> None:
        for group in split_certificates(alice.bytes + bob.bytes):
            load_certificate(group, budget)

    if enough:
        read()
        assert budget.left == 0
    else:
        with pytest.raises(FormatError) as caught:
            read()
        assert caught.value.kind == "limit-exceeded"


@pytest.mark.parametrize(("size", "readable"), [(MIB, True), (MIB + 1, False)])
def test_version_6_signature_of_somebody_else(size: int, readable: bool) -> None:
    head = b"\6\x13\x1b\x08"
    alice = forge.certificate("alice").append(forge.packet(2, head + bytes(size - len(head))))
    keyring = load_keyring([alice.bytes])
    assert (len(keyring), [one.kind for one in keyring.problems]) == (
        (1, []) if readable else (0, ["certificate-malformed"])
    )


def test_whose_a_signature_is_can_be_seen_behind_any_number_of_subpackets() -> None:
    """Or a revocation that somebody made long enough would be taken for a stranger's; it voids the certificate."""
    alice = forge.certificate("alice")
    hint = forge.subpacket(16, alice.primary.key_id)
    many = [forge.subpacket(100, b"")] * LIMITS.subpackets
    for area in ({"hashed": [*many, hint], "unhashed": []}, {"unhashed": [*many, many[0], hint]}):
        revocation = forge.key_revocation(alice.primary, omit=["issuer-fingerprint"], **area)  # type: ignore[arg-type]
        strange = forge.key_revocation(alice.primary, omit=["issuer-fingerprint"], unhashed=[*many, many[0]])
        for one in (revocation, strange):
            assert [problem.kind for problem in load_keyring([alice.revoked(one).bytes]).problems] == [
                "certificate-malformed"
            ]
