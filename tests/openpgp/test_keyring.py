"""Keyrings: reading files of certificates, merging copies, attribution of a signature to one certificate, bounds."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial

import forge
import pytest
from forge import CREATED, Part, certificate, certification, direct_key, packet, secret_key, subkey_binding, subpacket

from airgap.errors import AirgapError, FormatError, OpenPGPError
from airgap.limits import LIMITS
from airgap.openpgp.keyring import Keyring, load_keyring
from airgap.openpgp.keys import Fingerprint
from tests.openpgp.judging import DAY, PAYLOAD, peak_memory, refused, signed_by, verify

ALICE = certificate("alice")
BOB = certificate("bob", signing_subkey="eddsa")
CAROL = certificate("carol", algorithm="ed25519", version=6, signing_subkey="p256", encryption_subkey="x25519")
UID = "Alice <alice@example.org>"


def fingerprints(keyring: Keyring) -> set[str]:
    return {str(one.primary.fingerprint) for one in keyring}


def refusal(data: bytes) -> tuple[type[AirgapError], str]:
    with pytest.raises(AirgapError) as caught:
        load_keyring([data])
    return type(caught.value), caught.value.kind


# Files


def test_no_file_and_empty_files() -> None:
    for files in ([], [b""], [b"", forge.padding() + forge.marker()]):
        keyring = load_keyring(files)
        assert (len(keyring), keyring.problems, keyring.encoded()) == (0, (), b"")


def test_one_file_or_several() -> None:
    together = load_keyring([ALICE.bytes + BOB.bytes + CAROL.bytes])
    apart = load_keyring([CAROL.armored(), BOB.bytes, ALICE.armored()])
    assert fingerprints(together) == fingerprints(apart) == {c.fingerprint for c in (ALICE, BOB, CAROL)}
    assert together.encoded() == apart.encoded()
    for cert in (ALICE, BOB, CAROL):
        assert Fingerprint(cert.fingerprint) in together
        assert verify(signed_by(cert), ALICE.bytes + BOB.bytes + CAROL.bytes).payload == PAYLOAD
    assert Fingerprint(BOB.signing_key.fingerprint.hex().upper()) not in together


NO_KEYRING = {
    "text": b"This is invalid",
    "signature-first": signed_by(ALICE) + ALICE.bytes,
    "user-id-first": b"".join(ALICE.packets[1:]),
    "subkey-first": BOB.find("subkey") + BOB.find("binding"),
    "revocation-alone": forge.key_revocation(ALICE.primary),
    "message": forge.inline(ALICE.primary, PAYLOAD),
    "trailing-byte": ALICE.bytes + b"\0",
    "trailing-newline": ALICE.bytes + b"\n",
    "cut": ALICE.bytes[:-1],
    "armor-behind-binary": ALICE.bytes + ALICE.armored(),
    "signature-of-indeterminate-length": ALICE.bytes + packet(2, b"\4", indeterminate=True),
    "signature-of-partial-lengths": ALICE.bytes + packet(2, bytes(600), partial=[9]),
    "marker-that-is-none": forge.marker(b"GPG") + ALICE.bytes,
    "tag-0": ALICE.bytes + packet(0, b""),
    "tag-0-legacy": ALICE.bytes + b"\x80\x00",
}


@pytest.mark.parametrize("data", NO_KEYRING.values(), ids=NO_KEYRING.keys())
def test_file_that_is_no_keyring(data: bytes) -> None:
    assert refusal(data) == (FormatError, "keyring-invalid")


def test_a_certificate_that_cannot_be_read_does_not_spoil_the_others() -> None:
    broken = packet(6, b"\4\0")
    old = packet(6, b"\3" + ALICE.primary.public_body[1:])
    keyring = load_keyring([broken + ALICE.bytes + old + BOB.bytes + broken])
    assert fingerprints(keyring) == {ALICE.fingerprint, BOB.fingerprint}
    assert [problem.kind for problem in keyring.problems] == [
        "certificate-malformed",
        "certificate-version-unsupported",
        "certificate-malformed",
    ]


def test_a_certificate_that_cannot_be_used_is_named_when_its_signature_has_no_certificate() -> None:
    broken = packet(6, ALICE.primary.public_body + b"\0")
    with pytest.raises(OpenPGPError, match="cannot be used: a certificate is malformed") as caught:
        verify(signed_by(ALICE), broken)
    assert caught.value.kind == "no-certificate"
    keyring = load_keyring([broken, BOB.bytes]).restricted_to([Fingerprint(BOB.fingerprint)])
    assert [problem.kind for problem in keyring.problems] == ["certificate-malformed"]


# Copies of one certificate are merged


def test_copies_are_merged() -> None:
    newest = ALICE.without("certification").insert("user-id", certification(ALICE.primary, UID, created=CREATED + DAY))
    other_user = certificate("alice", user_ids=["A"])
    other_subkey = certificate("alice", signing_subkey="eddsa")
    copies = [ALICE, newest, other_user, other_subkey, ALICE]
    (merged,) = load_keyring([copy.bytes for copy in copies])
    assert merged.user_ids == (UID, "A")
    assert (len(merged.self_signatures), len(merged.subkeys)) == (3, 1)
    assert verify(signed_by(newest, at=CREATED + 5), *copies).created == CREATED + 5
    assert verify(signed_by(other_subkey), *copies).payload == PAYLOAD


def test_a_revocation_in_any_copy_counts() -> None:
    revoked = ALICE.revoked()
    for copies in ([ALICE, revoked], [revoked, ALICE], [ALICE, ALICE, revoked]):
        assert refused(signed_by(ALICE), *copies) == "certificate-revoked"
    one, other = load_keyring([ALICE.bytes]), load_keyring([revoked.bytes])
    (merged,) = one.merged_with(other)
    assert len(merged.revocations) == 1


def test_merged_keyrings_keep_their_problems() -> None:
    broken = load_keyring([packet(6, b"\4")])
    merged = load_keyring([ALICE.bytes]).merged_with(broken)
    assert (fingerprints(merged), merged.problems) == ({ALICE.fingerprint}, broken.problems)
    assert len(merged.problems) == 1


def test_merged_copies_count_what_each_has_dropped() -> None:
    foreign = [certification(ALICE.primary, UID, signer=secret_key(f"friend {n}")) for n in range(3)]
    first, second = ALICE.insert("certification", foreign[0]), ALICE.insert("certification", *foreign[1:])
    (merged,) = load_keyring([first.bytes, second.bytes])
    assert merged.dropped == 3


def _copies_over_the_budget() -> list[bytes]:
    junk = [
        certification(ALICE.primary, UID, created=CREATED + 1 + n, corrupt=True) for n in range(LIMITS.self_signatures)
    ]
    half = len(junk) // 2
    return [ALICE.insert("certification", *part).bytes for part in (junk[:half], junk[half:])]


def test_copies_that_are_over_the_budget_together_are_a_problem_and_no_crash() -> None:
    for one in _copies_over_the_budget():
        assert len(load_keyring([one])) == 1
    keyring = load_keyring([*_copies_over_the_budget(), BOB.bytes])
    assert Fingerprint(BOB.fingerprint) in keyring
    assert [problem.kind for problem in keyring.problems] == ["certificate-malformed"]
    first, second = (load_keyring([data]) for data in _copies_over_the_budget())
    assert [problem.kind for problem in first.merged_with(second).problems] == ["certificate-malformed"]


def test_a_revocation_is_not_lost_when_the_copies_are_over_the_budget_together() -> None:
    """Junk in one copy must not hide what another one says."""
    junk, more = _copies_over_the_budget()
    revoked = more + forge.key_revocation(ALICE.primary)
    assert refused(signed_by(ALICE), revoked) == "certificate-revoked"
    for copies in ([revoked, junk], [junk, revoked]):
        assert refused(signed_by(ALICE), *copies) in {"certificate-revoked", "no-certificate"}


# Only what a trust root pins


def test_restricted_to_fingerprints_of_primaries() -> None:
    keyring = load_keyring([ALICE.bytes + BOB.bytes])
    unknown, subkey = Fingerprint("0" * 40), Fingerprint(BOB.signing_key.fingerprint.hex().upper())
    only_bob = keyring.restricted_to([Fingerprint(BOB.fingerprint), unknown])
    assert fingerprints(only_bob) == {BOB.fingerprint}
    assert len(keyring.restricted_to([subkey, unknown])) == 0
    assert len(keyring) == 2


# Attribution


def shared() -> tuple[forge.SecretKey, forge.Certificate, forge.Certificate]:
    key = secret_key("two owners")
    return key, ALICE.with_subkey(key), BOB.with_subkey(key)


def test_subkey_of_two_certificates_counts_for_neither() -> None:
    key, alices, bobs = shared()
    file = forge.detached(key, PAYLOAD)
    assert str(verify(file, alices).certificate) == ALICE.fingerprint
    assert str(verify(file, bobs).certificate) == BOB.fingerprint
    assert refused(file, alices, bobs) == refused(file, bobs, alices) == "subkey-shared"


def test_primary_that_is_a_subkey_elsewhere_counts_for_neither() -> None:
    adopted = BOB.with_subkey(ALICE.primary)
    file = forge.detached(ALICE.primary, PAYLOAD)
    assert str(verify(file, adopted).certificate) == BOB.fingerprint
    assert refused(file, ALICE, adopted) == "subkey-shared"


@pytest.mark.parametrize("back", ["none", "stranger"])
def test_a_subkey_is_not_shared_by_a_certificate_that_it_never_agreed_to(back: str) -> None:
    """Else anybody could silence a maintainer by claiming the maintainer's subkey."""
    key, alices, _ = shared()
    claim = (
        subkey_binding(BOB.primary, key, back="none")
        if back == "none"
        else subkey_binding(BOB.primary, key, back_signer=BOB.primary)
    )
    greedy = BOB.with_subkey(key, claim)
    file = forge.detached(key, PAYLOAD)
    for pair in ([alices, greedy], [greedy, alices]):
        assert str(verify(file, *pair).certificate) == ALICE.fingerprint
    assert refused(file, greedy) == "subkey-back-signature-missing"


def test_a_maintainers_primary_is_not_shared_by_a_certificate_that_grafts_it() -> None:
    greedy = BOB.append(ALICE.primary.public_packet(subkey=True))
    for pair in ([ALICE, greedy], [greedy, ALICE]):
        assert str(verify(signed_by(ALICE), *pair).certificate) == ALICE.fingerprint


def test_a_primary_that_is_its_own_subkey_is_not_shared() -> None:
    again = ALICE.with_subkey(ALICE.primary)
    assert str(verify(signed_by(ALICE), again).certificate) == ALICE.fingerprint


def test_an_unbound_subkey_in_two_certificates() -> None:
    key = secret_key("nobody's")
    pair = [cert.append(key.public_packet(subkey=True)) for cert in (ALICE, BOB)]
    assert refused(forge.detached(key, PAYLOAD), *pair) == "subkey-not-bound"


# One spelling


def shuffled(cert: forge.Certificate, seed: int) -> bytes:
    """The same certificate, its components and the signatures below each in another order."""
    source = random.Random(seed)
    groups: list[list[bytes]] = []
    for part in cert.parts:
        if part.label in {"primary", "user-id", "subkey"}:
            groups.append([])
        groups[-1].append(part.packet)
    first, *others = groups
    source.shuffle(others)
    out = b""
    for head, *signatures in [first, *others]:
        source.shuffle(signatures)
        out += head + b"".join(signatures)
    return out


RICH = (
    certificate("rich", user_ids=["A", "B", "C"], signing_subkey="eddsa", encryption_subkey="cv25519", direct=True)
    .insert("direct", Part("direct", direct_key(secret_key("rich"), created=CREATED + DAY)))
    .insert("certification", Part("certification", certification(secret_key("rich"), "A", created=CREATED + DAY)))
)


@pytest.mark.parametrize("seed", range(10))
def test_encoded_has_one_spelling_whatever_the_order(seed: int) -> None:
    plain = load_keyring([RICH.bytes]).encoded()
    assert load_keyring([shuffled(RICH, seed)]).encoded() == plain
    assert load_keyring([plain]).encoded() == plain
    assert verify(signed_by(RICH), plain) == verify(signed_by(RICH), RICH)


def test_encoded_keeps_everything_of_its_own_and_nothing_else() -> None:
    foreign = certification(ALICE.primary, UID, signer=BOB.primary)
    noisy = ALICE.insert("certification", foreign, packet(60, b"x"), packet(12, b"trust"), forge.padding())
    assert load_keyring([noisy.bytes]).encoded() == load_keyring([ALICE.bytes]).encoded()
    revoked = ALICE.revoked()
    assert refused(signed_by(ALICE), load_keyring([revoked.bytes]).encoded()) == "certificate-revoked"


def test_encoded_is_sorted_by_fingerprint_and_framed_shortly() -> None:
    certs = sorted((ALICE, BOB, CAROL), key=lambda cert: cert.fingerprint)
    whole = load_keyring([cert.bytes for cert in (CAROL, ALICE, BOB)])
    assert whole.encoded() == b"".join(load_keyring([cert.bytes]).encoded() for cert in certs)
    wide = packet(6, ALICE.primary.public_body, width=5) + b"".join(ALICE.packets[1:])
    assert load_keyring([wide]).encoded() == load_keyring([ALICE.bytes]).encoded()


@pytest.mark.parametrize("size", [0, 191, 192, 8_383, 8_384, 70_000])
def test_encoded_framing_reads_back_at_every_width_of_length(size: int) -> None:
    cert = ALICE.append(packet(13, bytes(size)), certification(ALICE.primary, bytes(size)))
    encoded = load_keyring([cert.bytes]).encoded()
    assert load_keyring([encoded]).encoded() == encoded
    added = len(encoded) - len(load_keyring([ALICE.bytes]).encoded()) - len(certification(ALICE.primary, bytes(size)))
    assert added == size + 1 + (1 if size < 192 else 2 if size < 8_384 else 5)


class TestCopiesThatAnybodyCanMake:
    """No signature covers its unhashed area, nor the first octets of its digest; and an ECDSA value has two forms."""

    @staticmethod
    def variants(make: Callable[..., bytes], count: int = 20) -> list[bytes]:
        issuer = subpacket(16, RICH.primary.key_id)
        return [make(unhashed=[issuer, subpacket(100, bytes([n]))]) for n in range(count)]

    @pytest.mark.parametrize(
        "make",
        [
            partial(forge.key_revocation, RICH.primary),
            partial(forge.direct_key, RICH.primary, created=CREATED + 5),
            partial(certification, RICH.primary, "Alice <alice@example.org>", created=CREATED + 5),
            partial(subkey_binding, RICH.primary, RICH.subkeys[0], created=CREATED + 5, back="hashed"),
        ],
    )
    def test_are_one(self, make: Callable[..., bytes]) -> None:
        plain = RICH.append(make())
        once, flooded = load_keyring([plain.bytes]), load_keyring([plain.append(*self.variants(make)).bytes])
        assert not flooded.problems
        assert flooded.encoded() == once.encoded()
        assert once.merged_with(flooded).encoded() == once.encoded() == flooded.merged_with(once).encoded()
        assert once.remembering(flooded).encoded() == once.encoded()
        assert load_keyring([RICH.append(make(left16=b"??")).bytes]).encoded() == once.encoded()

    def test_a_back_signature_in_the_unhashed_area_is_kept(self) -> None:
        """Whoever takes it out makes a binding that binds nothing, and does not make the other one that."""
        key = forge.secret_key("copies subkey", "eddsa")
        whole = subkey_binding(RICH.primary, key, back="unhashed")
        bare = subkey_binding(RICH.primary, key, back="none")
        cert = RICH.append(Part("subkey", key.public_packet(subkey=True)), whole, bare)
        for one in (load_keyring([cert.bytes]), load_keyring([load_keyring([cert.bytes]).encoded()])):
            verify(forge.detached(key, PAYLOAD), one.encoded())

    def test_what_nobody_signed_is_not_kept(self) -> None:
        """A user id, or a subkey, that somebody put into the certificate."""
        stranger = forge.secret_key("copies stranger", "eddsa").public_packet(subkey=True)
        noisy = RICH.append(packet(13, b"junk" * 50_000), packet(17, b"\x02\x01x"), Part("subkey", stranger))
        assert load_keyring([noisy.bytes]).encoded() == load_keyring([RICH.bytes]).encoded()


def test_remembering_takes_revocations_and_nothing_else() -> None:
    subkey = forge.secret_key("forgotten")
    whole = ALICE.with_subkey(subkey)
    gone = whole.append(forge.subkey_revocation(ALICE.primary, subkey), forge.packet(13, b"new"))
    held = load_keyring([whole.bytes])
    kept = held.remembering(load_keyring([gone.bytes, BOB.bytes]))
    assert fingerprints(kept) == {ALICE.fingerprint}
    ((certificate,), (before,)) = kept, held
    assert certificate.user_ids == before.user_ids
    assert [len(one.revocations) for one in certificate.subkeys] == [1]
    assert (
        kept.key(certificate.primary.fingerprint, certificate.subkeys[0].key.fingerprint) == certificate.subkeys[0].key
    )
    hard = held.remembering(load_keyring([ALICE.revoked().bytes]))
    assert [len(one.revocations) for one in hard] == [1]
    flawed = load_keyring([whole.bytes + packet(6, b"\4")])
    assert flawed.problems == flawed.remembering(load_keyring([gone.bytes])).problems != ()


# Bounds

TINY = b"\4" + CREATED.to_bytes(4, "big") + b"\x63"


def test_number_of_certificates() -> None:
    most = LIMITS.certificates
    data = b"".join(packet(6, TINY + number.to_bytes(4, "big")) for number in range(most + 1))
    one = len(packet(6, TINY + bytes(4)))
    assert len(load_keyring([data[: most * one]])) == most
    assert refusal(data) == (FormatError, "limit-exceeded")
    with pytest.raises(FormatError):
        load_keyring([data[: most * one], data[most * one :]])


def test_unreadable_certificates_count_too() -> None:
    data = packet(6, b"\4") * LIMITS.certificates
    assert len(load_keyring([data]).problems) == LIMITS.certificates
    assert refusal(data + packet(6, b"\4")) == (FormatError, "limit-exceeded")


def test_size_of_a_keyring_file() -> None:
    fill = packet(21, bytes(LIMITS.keyring - len(ALICE.bytes) - 6), width=5)
    assert fingerprints(load_keyring([ALICE.bytes + fill])) == {ALICE.fingerprint}
    with pytest.raises(FormatError) as caught:
        load_keyring([ALICE.bytes + fill + b"\0"])
    assert caught.value.kind == "limit-exceeded"


EMPTY_PACKETS = {"padding": forge.padding(0), "unknown": packet(60, b""), "trust": packet(12, b"")}


@pytest.mark.parametrize("nothing", EMPTY_PACKETS.values(), ids=EMPTY_PACKETS.keys())
def test_a_flood_of_empty_packets_costs_little_memory(nothing: bytes) -> None:
    """A whole keyring of them (16 MiB) must leave room in 256 MiB: at most 12 bytes for each byte read."""
    size = 128 * 1024
    flood = ALICE.bytes + nothing * (size // len(nothing))
    assert peak_memory(lambda: load_keyring([flood])) < 12 * size


def test_a_subkey_is_found_among_many() -> None:
    others = [secret_key(f"subkey {number}", "unknown").public_packet(subkey=True) for number in range(2_000)]
    cert = BOB.append(*others)
    assert verify(signed_by(BOB), cert).payload == PAYLOAD
