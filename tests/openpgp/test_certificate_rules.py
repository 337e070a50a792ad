"""C1 to C12: may this key of this certificate sign, at the time in the signature? (RFC 9580 §5.2.3, §10.1)

Every document signature here is right; what is wrong, if anything, is in the certificate.
"""

from __future__ import annotations

import hashlib
from typing import Literal

import forge
import pytest
from forge import (
    CREATED,
    SIGNED,
    Part,
    certificate,
    certification,
    certification_revocation,
    direct_key,
    key_revocation,
    make_signature,
    notation,
    packet,
    secret_key,
    signature_body,
    subkey_binding,
    subkey_revocation,
    subpacket,
)
from forge.signatures import COMPROMISED, NO_REASON, RETIRED, SUPERSEDED, USER_ID_INVALID, Options

from airgap.errors import OpenPGPError
from airgap.limits import LIMITS
from airgap.openpgp.keyring import load_keyring
from airgap.openpgp.keys import Fingerprint
from airgap.openpgp.message import parse_signature_file
from airgap.openpgp.validity import EXPIRED_SINCE, REVOKED_SINCE
from airgap.openpgp.verifier import verify_message
from tests.openpgp.judging import DAY, MALFORMED_EMBEDDED, PAYLOAD, REFERENCE, refused, signed_by, verify

LIFE = SIGNED - CREATED  # seconds from the making of the keys to the signature
ALICE = certificate("alice")
PRIMARY = ALICE.primary
WITH_SUBKEY = certificate("alice", signing_subkey="eddsa")
SUBKEY = WITH_SUBKEY.signing_key
MALLORY = secret_key("mallory")
UID = "Alice <alice@example.org>"
SHA1, SHA224, MD5 = 2, 11, 1


def user_id(name: str) -> Part:
    return Part("user-id", packet(13, name.encode(), old=True))


def built(*parts: bytes | Part, primary: forge.SecretKey = PRIMARY) -> forge.Certificate:
    """A certificate of a primary key and exactly these packets."""
    return forge.Certificate(primary, (Part("primary", primary.public_packet()),)).append(*parts)


def bound(*bindings: bytes) -> forge.Certificate:
    return ALICE.with_subkey(SUBKEY, *bindings)


def good(cert: forge.Certificate, *, at: int = SIGNED) -> tuple[str, ...]:
    """The flags of a verdict that must be good, and must name the right keys."""
    verdict = verify(signed_by(cert, at=at), cert)
    assert str(verdict.signing_key) == cert.signing_key.fingerprint.hex().upper()
    assert str(verdict.certificate) == cert.fingerprint
    return verdict.flags


def bad(cert: forge.Certificate, *, at: int = SIGNED) -> str:
    return refused(signed_by(cert, at=at), cert)


# C1: a valid self-signature at t


@pytest.mark.parametrize("sig_type", [0x10, 0x11, 0x12, 0x13])
def test_every_type_of_certification(sig_type: int) -> None:
    assert good(built(user_id("A"), certification(PRIMARY, "A", sig_type=sig_type))) == ()


@pytest.mark.parametrize("version", [4, 6])
def test_a_direct_key_signature_needs_no_user_id(version: int) -> None:
    assert good(certificate("direct", algorithm="ed25519", version=version, user_ids=[], direct=True)) == ()


def test_c1_a_user_attribute_vouches_for_nothing() -> None:
    """Sequoia asks user ids and direct-key signatures only."""
    image = b"\x01\x10\x00\x01\x01" + bytes(12) + b"jpeg"
    attribute = (Part("attribute", packet(17, image)), certification(PRIMARY, image, tag=17, created=CREATED + DAY))
    assert bad(built(*attribute)) == "no-self-signature"
    assert good(ALICE.append(*attribute)) == ()
    assert bad(built(user_id("A"), certification(PRIMARY, "A", flags=0x01), *attribute)) == "key-not-for-signing"


@pytest.mark.parametrize(("size", "counts"), [(LIMITS.user_id, True), (LIMITS.user_id + 1, False)])
def test_c1_a_user_id_that_is_too_long_vouches_for_nothing(size: int, counts: bool) -> None:
    name = "A" * size
    cert = built(user_id(name), certification(PRIMARY, name))
    if counts:
        assert good(cert) == ()
    else:
        assert bad(cert) == "no-self-signature"


def test_user_id_that_is_not_utf_8() -> None:
    cert = certificate("latin", user_ids=["Zo\u00eb".encode("latin-1")])
    assert good(cert) == ()
    assert next(iter(load_keyring([cert.bytes]))).user_ids == ("Zo\ufffd",)


C1_NONE: dict[str, forge.Certificate] = {
    "primary-alone": built(),
    "user-id-alone": built(user_id("A")),
    "by-a-stranger": built(user_id("A"), certification(PRIMARY, "A", signer=MALLORY)),
    "by-a-stranger-in-its-name": built(user_id("A"), certification(PRIMARY, "A", signer=MALLORY, issuer=PRIMARY)),
    "corrupt": built(user_id("A"), certification(PRIMARY, "A", corrupt=True)),
    "over-another-user-id": built(user_id("A"), certification(PRIMARY, "B")),
    "over-an-attribute": built(user_id("A"), certification(PRIMARY, "A", tag=17)),
    "over-another-key": built(user_id("A"), certification(MALLORY, "A", signer=PRIMARY)),
    "direct-by-a-stranger": built(direct_key(PRIMARY, signer=MALLORY, issuer=PRIMARY)),
    "direct-corrupt": built(direct_key(PRIMARY, corrupt=True)),
    "direct-over-another-key": built(direct_key(MALLORY, signer=PRIMARY)),
    "certification-without-user-id": built(certification(PRIMARY, "A")),
    "binding-for-certification": built(user_id("A"), certification(PRIMARY, "A", sig_type=0x18)),
    "version-3": built(user_id("A"), certification(PRIMARY, "A", version=3)),
    "version-6": built(user_id("A"), certification(PRIMARY, "A", version=6)),
    "no-issuer": built(user_id("A"), certification(PRIMARY, "A", omit=["issuer", "issuer-fingerprint"])),
    "no-creation-time": built(user_id("A"), certification(PRIMARY, "A", omit=["creation"])),
    "older-than-its-key": built(user_id("A"), certification(PRIMARY, "A", created=CREATED - 1)),
    "critical-unknown": built(user_id("A"), certification(PRIMARY, "A", hashed=[subpacket(99, b"", critical=True)])),
    "critical-notation": built(
        user_id("A"), certification(PRIMARY, "A", hashed=[notation("a@example.org", b"", critical=True)])
    ),
}


@pytest.mark.parametrize("cert", C1_NONE.values(), ids=C1_NONE.keys())
def test_c1_no_self_signature(cert: forge.Certificate) -> None:
    assert bad(cert) == "no-self-signature"


def test_c1_c7_version_6_signatures_of_a_version_4_key_say_nothing() -> None:
    """Ed25519 has the same fields in both versions, so only the version number tells."""
    cert = certificate("four", algorithm="ed25519", signing_subkey="ed25519")
    primary, subkey = cert.primary, cert.signing_key
    assert bad(certificate("four", algorithm="ed25519", self_options={"version": 6})) == "no-self-signature"
    unbound = certificate("four", algorithm="ed25519", signing_subkey="ed25519", binding_options={"version": 6})
    assert bad(unbound) == "subkey-not-bound"
    silent = certificate("four", algorithm="ed25519", signing_subkey="ed25519", back_options={"version": 6})
    assert unreadable(silent) == "certificate-malformed"
    assert good(cert.revoked(key_revocation(primary, version=6))) == ()
    assert good(cert.append(subkey_revocation(primary, subkey, version=6))) == ()


def test_c1_self_signatures_that_count() -> None:
    """The good twins of what is refused above."""
    for cert in (
        built(user_id("A"), certification(PRIMARY, "A", created=CREATED + 1)),
        built(user_id("A"), certification(PRIMARY, "A", left16=b"\0\0")),
        built(user_id("A"), direct_key(PRIMARY)),
        built(user_id("A"), user_id("B"), certification(PRIMARY, "A")),
    ):
        assert good(cert) == ()


def test_c1_the_latest_self_signature_wins() -> None:
    renewed = CREATED + 100 * DAY
    cert = built(
        user_id("A"),
        certification(PRIMARY, "A", flags=0x03),
        certification(PRIMARY, "A", flags=0x01, created=renewed),
    )
    assert good(cert, at=renewed - 1) == (EXPIRED_SINCE,)
    assert bad(cert, at=renewed) == "key-not-for-signing"
    back = cert.append(certification(PRIMARY, "A", flags=0x03, created=renewed + DAY))
    assert bad(back, at=renewed + DAY - 1) == "key-not-for-signing"
    assert good(back, at=renewed + DAY) == ()


def test_c1_the_order_of_packets_says_nothing() -> None:
    newer, older = (certification(PRIMARY, UID, flags=f, created=CREATED + t) for f, t in ((0x01, DAY), (0x03, 0)))
    assert bad(built(user_id(UID), newer, older)) == bad(built(user_id(UID), older, newer)) == "key-not-for-signing"
    newer, older = (direct_key(PRIMARY, flags=f, created=CREATED + t) for f, t in ((0x01, DAY), (0x03, 0)))
    assert bad(built(newer, older)) == bad(built(older, newer)) == "key-not-for-signing"


@pytest.mark.parametrize("reverse", [False, True])
def test_c1_two_self_signatures_of_one_second_give_one_verdict_in_any_order(reverse: bool) -> None:
    """A keyring that is written in its canonical order must not verify otherwise than the file it came from."""
    pair = [certification(PRIMARY, UID, flags=flags) for flags in (0x03, 0x01)]
    cert = built(user_id(UID), *(reversed(pair) if reverse else pair))
    assert bad(cert) == "key-not-for-signing"


@pytest.mark.parametrize("reverse", [False, True])
def test_c1_two_bindings_of_one_second_give_one_verdict_in_any_order(reverse: bool) -> None:
    pair = [subkey_binding(PRIMARY, SUBKEY, key_expires=expiry) for expiry in (None, DAY)]
    assert bad(bound(*(reversed(pair) if reverse else pair))) == "subkey-expired-at-signature-time"


def test_c1_self_signature_expired() -> None:
    assert good(certificate("brief", self_options={"expires": LIFE + 1})) == (EXPIRED_SINCE,)
    for lifetime in (1, LIFE - 1, LIFE):
        assert bad(certificate("brief", self_options={"expires": lifetime})) == "self-signature-expired"


def test_c1_an_older_self_signature_speaks_when_the_newest_has_expired() -> None:
    newest = certification(PRIMARY, UID, flags=0x01, created=CREATED + DAY, expires=DAY)
    cert = ALICE.insert("certification", newest)
    assert bad(cert, at=CREATED + DAY) == "key-not-for-signing"
    assert good(cert, at=CREATED + 2 * DAY) == ()


def test_c1_third_party_certifications_are_counted_and_change_nothing() -> None:
    foreign = [certification(PRIMARY, UID, signer=secret_key(f"friend {n}"), flags=0) for n in range(7)]
    cert = ALICE.insert("certification", *foreign, certification(PRIMARY, UID, signer=MALLORY, version=3))
    assert good(cert) == ()
    (loaded,) = load_keyring([cert.bytes])
    assert (loaded.dropped, len(loaded.self_signatures)) == (8, 1)


def test_c1_malformed_third_party_certification_is_dropped() -> None:
    cert = ALICE.insert("certification", packet(2, b""), packet(2, b"\4\x13"), packet(2, b"\4\x10\1\1\0\1\0\0\0\0\0"))
    assert good(cert) == ()
    assert next(iter(load_keyring([cert.bytes]))).dropped == 3


def test_c1_user_ids_are_listed_if_the_key_vouches_for_them() -> None:
    stranger = user_id("Bob <bob@example.org>"), certification(PRIMARY, "Bob <bob@example.org>", signer=MALLORY)
    (loaded,) = load_keyring([certificate("alice", user_ids=["A", "B"]).append(*stranger).bytes])
    assert loaded.user_ids == ("A", "B")


@pytest.mark.parametrize("reason", [None, NO_REASON, RETIRED, USER_ID_INVALID, 33])
def test_c1_user_id_revocation(reason: int | None) -> None:
    """From its date the user id speaks no more; another one, or a direct-key signature, still does."""
    gone = certification_revocation(PRIMARY, UID, reason=reason, created=CREATED + DAY)
    revoked = ALICE.insert("certification", gone)
    assert good(revoked, at=CREATED + DAY - 1) == (EXPIRED_SINCE,)
    assert bad(revoked, at=CREATED + DAY) == "no-self-signature"
    two = certificate("alice", user_ids=[UID, "B"])
    assert good(two.insert("certification", gone)) == ()
    assert good(certificate("alice", direct=True).insert("certification", gone)) == ()
    again = certification(PRIMARY, UID, created=CREATED + DAY + 1)
    assert bad(revoked.append(again), at=CREATED + DAY) == "no-self-signature"
    assert good(revoked.append(again), at=CREATED + DAY + 1) == ()


def test_c1_user_id_revocation_of_the_second_in_which_it_was_certified() -> None:
    assert bad(ALICE.insert("certification", certification_revocation(PRIMARY, UID, created=CREATED))) == (
        "no-self-signature"
    )


USER_ID_REVOCATIONS_THAT_SAY_NOTHING: dict[str, Options] = {
    "expired": {"created": CREATED + DAY, "expires": 1},
    "no-creation-time": {"omit": ["creation"]},
    "critical-unknown": {"created": CREATED + DAY, "hashed": [subpacket(99, b"", critical=True)]},
    "made-later": {"created": SIGNED + 1},
}


@pytest.mark.parametrize("fault", USER_ID_REVOCATIONS_THAT_SAY_NOTHING)
def test_c1_user_id_revocation_that_says_nothing_at_signature_time(fault: str) -> None:
    """The user id is not the key: such a revocation is read like any other signature."""
    gone = certification_revocation(PRIMARY, UID, **USER_ID_REVOCATIONS_THAT_SAY_NOTHING[fault])
    assert verify(signed_by(ALICE), ALICE.insert("certification", gone)).payload == PAYLOAD


@pytest.mark.parametrize(
    "fault", [Options(corrupt=True), Options(hash_algo=MD5), Options(version=6)], ids=["corrupt", "md5", "version-6"]
)
def test_user_id_revocation_that_does_not_verify(fault: Options) -> None:
    assert good(ALICE.insert("certification", certification_revocation(PRIMARY, UID, reason=0, **fault))) == ()


def test_user_id_revocation_by_a_stranger() -> None:
    forged = certification_revocation(PRIMARY, UID, signer=MALLORY, issuer=PRIMARY)
    assert good(ALICE.insert("certification", forged)) == ()


# Which self-signature speaks for the primary key, where several do. Sequoia: the primary user id, then the direct key.

PRIMARY_USER_ID = subpacket(25, b"\1")
SAYS = {"flags": (0x01, None, "key-not-for-signing"), "expiry": (0x03, DAY, "certificate-expired-at-signature-time")}


@pytest.mark.parametrize("what", SAYS)
def test_c1_a_newer_user_id_does_not_overrule_the_primary_one(what: str) -> None:
    """sqv refuses both: the user id marked as the primary one speaks."""
    flags, expiry, kind = SAYS[what]
    cert = built(
        user_id("A"),
        certification(PRIMARY, "A", flags=flags, key_expires=expiry, hashed=[PRIMARY_USER_ID]),
        user_id("B"),
        certification(PRIMARY, "B", created=CREATED + DAY),
    )
    assert bad(cert) == kind


@pytest.mark.parametrize("what", SAYS)
def test_c1_the_latest_user_id_overrules_the_others_and_the_primary_one_overrules_it(what: str) -> None:
    flags, expiry, kind = SAYS[what]
    restricts = certification(PRIMARY, "A", flags=flags, key_expires=expiry)
    permits = certification(PRIMARY, "B", created=CREATED + DAY)
    assert good(built(user_id("A"), restricts, user_id("B"), permits)) == ()
    assert good(built(user_id("B"), permits, user_id("A"), restricts)) == ()
    marked = certification(PRIMARY, "B", hashed=[PRIMARY_USER_ID])
    later = certification(PRIMARY, "A", flags=flags, key_expires=expiry, created=CREATED + DAY)
    assert good(built(user_id("A"), later, user_id("B"), marked)) == ()
    assert bad(built(user_id("A"), later, user_id("B"), certification(PRIMARY, "B"))) == kind


@pytest.mark.parametrize("newer", [0, DAY], ids=["same-second", "newer"])
@pytest.mark.parametrize("what", SAYS)
def test_c1_a_direct_key_signature_does_not_overrule_the_user_id(what: str, newer: int) -> None:
    """sqv refuses all of these for a version 4 key."""
    flags, expiry, kind = SAYS[what]
    direct = direct_key(PRIMARY, created=CREATED + newer, key_expires=None if what == "flags" else 9999 * DAY)
    assert bad(built(direct, user_id("A"), certification(PRIMARY, "A", flags=flags, key_expires=expiry))) == kind


@pytest.mark.parametrize("what", SAYS)
def test_c1_a_revoked_user_id_that_is_the_only_one_still_restricts(what: str) -> None:
    """sqv reads the revoked user id all the same if there is no other, and refuses."""
    flags, expiry, kind = SAYS[what]
    revoked = certification_revocation(PRIMARY, "A", created=CREATED + DAY)
    direct = direct_key(PRIMARY, key_expires=None if what == "flags" else 9999 * DAY)
    cert = built(direct, user_id("A"), certification(PRIMARY, "A", flags=flags, key_expires=expiry), revoked)
    assert bad(cert) == kind


def test_c1_what_one_sort_of_self_signature_leaves_out_the_other_may_say() -> None:
    silent = certification(PRIMARY, "A", flags=None, created=CREATED + DAY)
    assert good(built(direct_key(PRIMARY), user_id("A"), silent)) == ()
    assert bad(built(direct_key(PRIMARY, flags=0x01), user_id("A"), silent)) == "key-not-for-signing"
    expiring = built(direct_key(PRIMARY, key_expires=DAY), user_id("A"), certification(PRIMARY, "A"))
    assert bad(expiring) == "certificate-expired-at-signature-time"


# C2: primary and subkey live at t


def test_c2_primary_expired_at_signature_time() -> None:
    assert good(certificate("mortal", key_expires=LIFE + 1)) == (EXPIRED_SINCE,)
    assert good(certificate("mortal", key_expires=LIFE + DAY + 1)) == ()
    assert good(certificate("immortal", key_expires=0)) == ()
    for lifetime in (1, LIFE - 1, LIFE):
        assert bad(certificate("mortal", key_expires=lifetime)) == "certificate-expired-at-signature-time"


@pytest.mark.parametrize("version", [4, 6])
def test_c2_expiry_in_a_direct_key_signature(version: int) -> None:
    cert = certificate("mortal", algorithm="ed25519", version=version, direct=True, user_ids=[], key_expires=LIFE)
    assert bad(cert) == "certificate-expired-at-signature-time"


def test_c2_subkey_expired_at_signature_time() -> None:
    assert good(certificate("mortal", signing_subkey="eddsa", subkey_expires=LIFE + 1)) == (EXPIRED_SINCE,)
    for lifetime in (1, LIFE):
        cert = certificate("mortal", signing_subkey="eddsa", subkey_expires=lifetime)
        assert bad(cert) == "subkey-expired-at-signature-time"


def test_c2_expiry_counts_from_the_making_of_the_subkey() -> None:
    born = CREATED + 100 * DAY
    cert = certificate("mortal", signing_subkey="eddsa", subkey_created=born, subkey_expires=10 * DAY)
    assert good(cert, at=born + 10 * DAY - 1) == (EXPIRED_SINCE,)
    assert bad(cert, at=born + 10 * DAY) == "subkey-expired-at-signature-time"


def test_c2_a_subkey_does_not_outlive_its_primary() -> None:
    cert = certificate("mortal", signing_subkey="eddsa", key_expires=LIFE, subkey_expires=9999 * DAY)
    assert bad(cert) == "certificate-expired-at-signature-time"


def test_c2_an_expiry_moved_later_counts_from_then_on_and_moved_earlier_too() -> None:
    moved = CREATED + 100 * DAY
    longer = certificate("alice", key_expires=DAY).insert("certification", certification(PRIMARY, UID, created=moved))
    assert good(longer) == ()
    assert bad(longer, at=moved - 1) == "certificate-expired-at-signature-time"
    shorter = ALICE.insert("certification", certification(PRIMARY, UID, created=moved, key_expires=DAY))
    assert bad(shorter) == "certificate-expired-at-signature-time"
    assert good(shorter, at=moved - 1) == (EXPIRED_SINCE,)


def test_c2_unhashed_expiry_is_nobodys_word() -> None:
    hints = [subpacket(16, PRIMARY.key_id), subpacket(9, DAY.to_bytes(4, "big"))]
    assert good(built(user_id("A"), certification(PRIMARY, "A", unhashed=hints))) == ()


def test_c2_the_names_in_the_message_are_days() -> None:
    with pytest.raises(OpenPGPError, match="expired on 2024-01-02, and the signature was made on 2025-06-01") as caught:
        verify(signed_by(ALICE), certificate("alice", key_expires=DAY))
    assert caught.value.facts["expired"] == "2024-01-02"


def test_the_owner_is_named_in_messages() -> None:
    message, keyring = (
        parse_signature_file(signed_by(ALICE)),
        load_keyring([certificate("alice", key_expires=DAY).bytes]),
    )
    asked: list[str] = []

    def owner_of(fingerprint: Fingerprint) -> str | None:
        asked.append(str(fingerprint))
        return "alice"

    with pytest.raises(OpenPGPError, match=f"alice's certificate {ALICE.fingerprint}") as caught:
        verify_message(message, keyring, REFERENCE, payloads=[PAYLOAD], owner_of=owner_of)
    assert (caught.value.kind, set(asked)) == ("certificate-expired-at-signature-time", {ALICE.fingerprint})


def test_one_secret_for_two_owners() -> None:
    """Two packets of one key, made at two times: a signature of either is nobody's. For one owner it is as good."""
    one, two = certificate("twin"), certificate("twin", created=CREATED + 1)
    keyring = load_keyring([one.bytes, two.bytes])
    message = parse_signature_file(forge.detached(one.signing_key, PAYLOAD))
    owners = {one.fingerprint: "alice", two.fingerprint: "bob"}
    with pytest.raises(OpenPGPError, match="signs for alice and bob") as caught:
        verify_message(message, keyring, REFERENCE, payloads=[PAYLOAD], owner_of=lambda fpr: owners[str(fpr)])
    assert caught.value.kind == "subkey-shared"
    verify_message(message, keyring, REFERENCE, payloads=[PAYLOAD], owner_of=lambda _: "alice")


# C3: binding not expired


def test_c3_binding_expired() -> None:
    assert good(bound(subkey_binding(PRIMARY, SUBKEY, expires=LIFE + 1))) == (EXPIRED_SINCE,)
    for lifetime in (1, LIFE):
        assert bad(bound(subkey_binding(PRIMARY, SUBKEY, expires=lifetime))) == "self-signature-expired"


def test_c3_an_older_binding_speaks_when_the_newest_has_expired() -> None:
    newest = subkey_binding(PRIMARY, SUBKEY, flags=0x0C, created=CREATED + DAY, expires=DAY)
    assert good(bound(subkey_binding(PRIMARY, SUBKEY), newest)) == ()


# C4: subkey bound by the primary

C4_NONE: dict[str, bytes] = {
    "nothing": packet(60, b""),
    "by-a-stranger": subkey_binding(PRIMARY, SUBKEY, signer=MALLORY),
    "by-a-stranger-in-its-name": subkey_binding(PRIMARY, SUBKEY, signer=MALLORY, issuer=PRIMARY),
    "by-the-subkey": subkey_binding(PRIMARY, SUBKEY, signer=SUBKEY, issuer=PRIMARY),
    "corrupt": subkey_binding(PRIMARY, SUBKEY, corrupt=True),
    "of-another-subkey": subkey_binding(PRIMARY, MALLORY),
    "to-another-primary": subkey_binding(MALLORY, SUBKEY, signer=PRIMARY),
    "certification": subkey_binding(PRIMARY, SUBKEY, sig_type=0x13),
    "back-signature-alone": subkey_binding(PRIMARY, SUBKEY, sig_type=0x19),
    "version-6": subkey_binding(PRIMARY, SUBKEY, version=6),
    "no-creation-time": subkey_binding(PRIMARY, SUBKEY, omit=["creation"]),
    "older-than-the-primary": subkey_binding(PRIMARY, SUBKEY, created=CREATED - 1),
    "critical-unknown": subkey_binding(PRIMARY, SUBKEY, hashed=[subpacket(99, b"", critical=True)]),
}


@pytest.mark.parametrize("binding", C4_NONE.values(), ids=C4_NONE.keys())
def test_c4_subkey_not_bound(binding: bytes) -> None:
    assert good(bound(subkey_binding(PRIMARY, SUBKEY))) == ()
    assert bad(bound(binding)) == "subkey-not-bound"


def test_c4_grafted_subkey_at_the_end_of_a_good_certificate() -> None:
    grafted = WITH_SUBKEY.append(MALLORY.public_packet(subkey=True))
    assert refused(forge.detached(MALLORY, PAYLOAD), grafted) == "subkey-not-bound"
    assert good(grafted) == ()


def test_c4_grafted_with_the_binding_of_a_certificate_of_its_own() -> None:
    own = certificate("mallory").with_subkey(MALLORY)
    grafted = ALICE.append(MALLORY.public_packet(subkey=True), own.find("binding"))
    assert refused(forge.detached(MALLORY, PAYLOAD), grafted) == "subkey-not-bound"


def test_c5_binding_and_back_signature_older_than_the_subkey() -> None:
    """The subkey cannot have agreed before it was made; sqv and gpg refuse."""
    younger = secret_key("younger", created=CREATED + DAY)
    cert = ALICE.with_subkey(younger, subkey_binding(PRIMARY, younger, created=CREATED))
    assert bad(cert) == "subkey-back-signature-missing"
    agreed = subkey_binding(PRIMARY, younger, created=CREATED, back_options={"created": CREATED + DAY})
    assert good(ALICE.with_subkey(younger, agreed)) == ()


# C5: back-signature by the subkey

C5_NONE: dict[str, bytes] = {
    "absent": subkey_binding(PRIMARY, SUBKEY, back="none"),
    "by-a-stranger": subkey_binding(PRIMARY, SUBKEY, back_signer=MALLORY),
    "by-the-primary": subkey_binding(PRIMARY, SUBKEY, back_signer=PRIMARY),
    "by-a-stranger-in-its-name": subkey_binding(PRIMARY, SUBKEY, back_signer=MALLORY, back_options={"issuer": SUBKEY}),
    "corrupt": subkey_binding(PRIMARY, SUBKEY, back_options={"corrupt": True}),
    "critical-unknown": subkey_binding(PRIMARY, SUBKEY, back_options={"hashed": [subpacket(99, b"", critical=True)]}),
    "critical-notation": subkey_binding(
        PRIMARY, SUBKEY, back_options={"hashed": [notation("a@example.org", b"", critical=True)]}
    ),
    "older-than-its-subkey": subkey_binding(PRIMARY, SUBKEY, back_options={"created": CREATED - 1}),
    "no-creation-time": subkey_binding(PRIMARY, SUBKEY, back_options={"omit": ["creation"]}),
    "over-another-primary": subkey_binding(
        PRIMARY,
        SUBKEY,
        back="none",
        hashed=[subpacket(32, signature_body(SUBKEY, 0x19, MALLORY.hash_prefix + SUBKEY.hash_prefix))],
    ),
    "of-binding-type": subkey_binding(
        PRIMARY,
        SUBKEY,
        back="none",
        hashed=[subpacket(32, signature_body(SUBKEY, 0x18, PRIMARY.hash_prefix + SUBKEY.hash_prefix))],
    ),
}


@pytest.mark.parametrize("binding", C5_NONE.values(), ids=C5_NONE.keys())
def test_c5_back_signature_missing(binding: bytes) -> None:
    assert bad(bound(binding)) == "subkey-back-signature-missing"


def test_c5_back_signature_made_after_the_document() -> None:
    """The subkey had not agreed yet; sqv refuses."""
    binding = subkey_binding(PRIMARY, SUBKEY, back_options={"created": SIGNED + 1})
    assert bad(bound(binding)) == "self-signature-expired"
    assert good(bound(binding), at=SIGNED + 1) == ()


@pytest.mark.parametrize("where", ["hashed", "unhashed"])
def test_c5_back_signature_in_either_area(where: str) -> None:
    binding = (
        subkey_binding(PRIMARY, SUBKEY, back="hashed")
        if where == "hashed"
        else subkey_binding(PRIMARY, SUBKEY, back="unhashed")
    )
    assert good(bound(binding)) == ()


BACK = signature_body(SUBKEY, 0x19, PRIMARY.hash_prefix + SUBKEY.hash_prefix)
DECOYS = {
    "another-type": signature_body(SUBKEY, 0x18, PRIMARY.hash_prefix + SUBKEY.hash_prefix),
    "corrupt": signature_body(SUBKEY, 0x19, PRIMARY.hash_prefix + SUBKEY.hash_prefix, corrupt=True),
    "weak": signature_body(SUBKEY, 0x19, PRIMARY.hash_prefix + SUBKEY.hash_prefix, hash_algo=2),
    "critical": signature_body(
        SUBKEY, 0x19, PRIMARY.hash_prefix + SUBKEY.hash_prefix, hashed=[subpacket(99, b"", critical=True)]
    ),
}


@pytest.mark.parametrize("decoy", DECOYS.values(), ids=DECOYS.keys())
def test_c5_a_right_back_signature_behind_one_that_is_none(decoy: bytes) -> None:
    both = [subpacket(32, decoy), subpacket(32, BACK)]
    assert good(bound(subkey_binding(PRIMARY, SUBKEY, back="none", hashed=both))) == ()


def test_c5_back_signature_expired() -> None:
    assert good(bound(subkey_binding(PRIMARY, SUBKEY, back_options={"expires": LIFE + 1}))) == (EXPIRED_SINCE,)
    for lifetime in (1, LIFE):
        cert = bound(subkey_binding(PRIMARY, SUBKEY, back_options={"expires": lifetime}))
        assert bad(cert) == "self-signature-expired"


def test_c5_one_consent_that_is_live_is_enough() -> None:
    expired = signature_body(SUBKEY, 0x19, PRIMARY.hash_prefix + SUBKEY.hash_prefix, expires=1)
    both = [subpacket(32, expired), subpacket(32, BACK)]
    for order in (both, both[::-1]):
        assert good(bound(subkey_binding(PRIMARY, SUBKEY, back="none", hashed=order))) == ()


def test_c5_the_effective_binding_needs_one_of_its_own() -> None:
    later = subkey_binding(PRIMARY, SUBKEY, created=CREATED + DAY, back="none")
    assert bad(bound(subkey_binding(PRIMARY, SUBKEY), later)) == "subkey-back-signature-missing"


# C6: signing flag in the effective binding


@pytest.mark.parametrize("flags", [0x02, 0x03, 0x22, 0xFF])
def test_flags_with_which_a_key_signs(flags: int) -> None:
    assert good(bound(subkey_binding(PRIMARY, SUBKEY, flags=flags))) == ()
    assert good(certificate("flags", primary_flags=flags)) == ()


@pytest.mark.parametrize("flags", [0x00, 0x01, 0x0C, 0x20, 0xFD])
def test_c6_flags_with_which_a_key_does_not_sign(flags: int) -> None:
    assert bad(bound(subkey_binding(PRIMARY, SUBKEY, flags=flags, back="hashed"))) == "key-not-for-signing"
    assert bad(certificate("flags", primary_flags=flags)) == "key-not-for-signing"


@pytest.mark.parametrize("hashed", [[], [subpacket(27, b"")], [subpacket(27, b"\0\2")]])
def test_c6_no_flags_in_the_first_octet(hashed: list[bytes]) -> None:
    assert (
        bad(bound(subkey_binding(PRIMARY, SUBKEY, flags=None, back="hashed", hashed=hashed))) == "key-not-for-signing"
    )
    assert bad(built(user_id("A"), certification(PRIMARY, "A", flags=None, hashed=hashed))) == "key-not-for-signing"


def test_c6_more_octets_of_flags_than_are_known() -> None:
    assert good(built(user_id("A"), certification(PRIMARY, "A", flags=None, hashed=[subpacket(27, b"\3\4\0")]))) == ()


def test_c6_unhashed_flags_are_nobodys_word() -> None:
    hints = [subpacket(16, PRIMARY.key_id), subpacket(27, b"\3")]
    assert bad(built(user_id("A"), certification(PRIMARY, "A", flags=None, unhashed=hints))) == "key-not-for-signing"
    cert = bound(subkey_binding(PRIMARY, SUBKEY, flags=None, back="hashed", unhashed=hints))
    assert bad(cert) == "key-not-for-signing"


def test_c6_a_binding_made_later_may_take_the_flag_away() -> None:
    later = subkey_binding(PRIMARY, SUBKEY, flags=0x20, back="hashed", created=CREATED + DAY)
    cert = bound(subkey_binding(PRIMARY, SUBKEY), later)
    assert bad(cert) == "key-not-for-signing"
    assert good(cert, at=CREATED + DAY - 1) == (EXPIRED_SINCE,)


def test_c6_a_subkey_that_signs_does_not_make_the_primary_sign() -> None:
    cert = certificate("roles", primary_flags=0x01, signing_subkey="eddsa")
    assert good(cert) == ()
    assert refused(forge.detached(cert.primary, PAYLOAD), cert) == "key-not-for-signing"


# C7 and C8: revocations. A hard one voids all times, a soft one from its date.

HARD = [None, NO_REASON, COMPROMISED, 4, 31, USER_ID_INVALID, 33, 99, 255]
SOFT = [SUPERSEDED, RETIRED]


@pytest.mark.parametrize("created", [CREATED, SIGNED, SIGNED + DAY, REFERENCE + 9 * DAY])
@pytest.mark.parametrize("reason", HARD)
def test_c7_hard_revocation_voids_all_times(reason: int | None, created: int) -> None:
    assert bad(ALICE.revoked(key_revocation(PRIMARY, reason=reason, created=created))) == "certificate-revoked"
    gone = subkey_revocation(PRIMARY, SUBKEY, reason=reason, created=created)
    assert bad(WITH_SUBKEY.append(gone)) == "subkey-revoked"


@pytest.mark.parametrize("version", [4, 6])
def test_c7_revocation_of_the_primary_voids_its_subkeys(version: int) -> None:
    cert = certificate("both", algorithm="ed25519", version=version, signing_subkey="ed25519")
    assert good(cert) == ()
    assert bad(cert.revoked()) == "certificate-revoked"
    assert bad(cert.append(subkey_revocation(cert.primary, cert.signing_key))) == "subkey-revoked"


BELIEVED: dict[str, Options] = {
    "sha-1": {"hash_algo": SHA1},
    "sha-224": {"hash_algo": SHA224},
    "no-creation-time": {"omit": ["creation"]},
    "creation-time-twice": {"hashed": [subpacket(2, CREATED.to_bytes(4, "big"))]},
    "older-than-its-key": {"created": CREATED - DAY},
    "expired": {"expires": 1},
    "critical-unknown": {"hashed": [subpacket(99, b"", critical=True)]},
    "critical-notation": {"hashed": [notation("a@example.org", b"", critical=True)]},
    "wrong-first-octets": {"left16": b"\0\0"},
    "issuer-by-key-id-only": {"omit": ["issuer-fingerprint"]},
    "issuer-by-fingerprint-only": {"unhashed": []},
}


@pytest.mark.parametrize("options", BELIEVED.values(), ids=BELIEVED.keys())
@pytest.mark.parametrize("reason", [NO_REASON, SUPERSEDED])
def test_c7_a_revocation_is_believed_with_faults_that_void_other_signatures(options: Options, reason: int) -> None:
    """To doubt it would be to trust the key."""
    cert = ALICE.revoked(key_revocation(PRIMARY, reason=reason, **options))
    assert bad(cert) == "certificate-revoked"
    cert = WITH_SUBKEY.append(subkey_revocation(PRIMARY, SUBKEY, reason=reason, **options))
    assert bad(cert) == "subkey-revoked"


@pytest.mark.parametrize("options", BELIEVED.values(), ids=BELIEVED.keys())
@pytest.mark.parametrize("reason", [NO_REASON, SUPERSEDED])
def test_c7_a_version_6_revocation_is_believed_likewise(options: Options, reason: int) -> None:
    """Also with SHA-224 and the salt of 16 octets that RFC 9580 §9.5 gives it."""
    cert = certificate("six", algorithm="ed25519", version=6, signing_subkey="ed25519")
    revoked = cert.revoked(key_revocation(cert.primary, reason=reason, **options))
    assert bad(revoked) == "certificate-revoked"
    gone = subkey_revocation(cert.primary, cert.signing_key, reason=reason, **options)
    assert bad(cert.append(gone)) == "subkey-revoked"


# sqv reads these and refuses; what is malformed here is only what our own subpacket and integer checks call so.
ODD: dict[str, bytes] = {
    "two-reasons": key_revocation(PRIMARY, reason=SUPERSEDED, created=SIGNED + 1, hashed=[subpacket(29, b"\0")]),
    "short-key-id-beside-the-right-one": key_revocation(PRIMARY, hashed=[subpacket(16, b"1234")]),
    "300-subpackets": key_revocation(PRIMARY, hashed=[subpacket(100, b"")] * 300),
    "byte-behind-the-value": packet(2, signature_body(PRIMARY, 0x20, PRIMARY.hash_prefix, created=SIGNED) + b"\0"),
}


@pytest.mark.parametrize("revocation", ODD.values(), ids=ODD.keys())
def test_c7_a_revocation_that_is_not_quite_in_form(revocation: bytes) -> None:
    """S7: malformed is bad, never skipped. Whichever error it is, the key must not count."""
    assert refused(signed_by(ALICE), ALICE.revoked(revocation)) in {"certificate-revoked", "no-certificate"}


@pytest.mark.parametrize("named", [["issuer-fingerprint"], ["issuer"]])
def test_c7_revocation_that_names_another_key_is_no_anonymous_one(
    named: list[Literal["issuer-fingerprint", "issuer"]],
) -> None:
    """Whether it names it in one way or in the other; only one that names nobody is tried without a hint."""
    strangers = key_revocation(PRIMARY, signer=MALLORY, omit=named)
    (loaded,) = load_keyring([ALICE.revoked(strangers).bytes])
    assert (loaded.dropped, loaded.revocations) == (1, ())
    (loaded,) = load_keyring([ALICE.revoked(key_revocation(PRIMARY, omit=["issuer", "issuer-fingerprint"])).bytes])
    assert (loaded.dropped, len(loaded.revocations)) == (0, 1)


MISPLACED = {
    "at-the-end": WITH_SUBKEY.append(key_revocation(PRIMARY)),
    "below-the-user-id": WITH_SUBKEY.insert("certification", key_revocation(PRIMARY)),
    "behind-an-unknown-packet": WITH_SUBKEY.append(packet(60, b""), key_revocation(PRIMARY)),
    "behind-an-unknown-packet-in-front": WITH_SUBKEY.insert("primary", packet(60, b""), key_revocation(PRIMARY)),
    "at-the-end-with-wrong-first-octets": WITH_SUBKEY.append(key_revocation(PRIMARY, left16=b"\0\0")),
    "at-the-end-without-issuer": WITH_SUBKEY.append(key_revocation(PRIMARY, omit=["issuer", "issuer-fingerprint"])),
}


@pytest.mark.parametrize("cert", MISPLACED.values(), ids=MISPLACED.keys())
def test_c7_key_revocation_in_another_place(cert: forge.Certificate) -> None:
    """``cat key.pgp revocation.pgp`` puts it behind the last subkey; sqv and gpg find it there."""
    assert bad(cert) == "certificate-revoked"


def _two_subkeys() -> forge.Certificate:
    return WITH_SUBKEY.with_subkey(secret_key("second"))


MISPLACED_SUBKEY = {
    "behind-another-subkey": _two_subkeys().append(subkey_revocation(PRIMARY, SUBKEY)),
    "below-the-user-id": WITH_SUBKEY.insert("certification", subkey_revocation(PRIMARY, SUBKEY)),
    "below-the-primary": WITH_SUBKEY.insert("primary", subkey_revocation(PRIMARY, SUBKEY)),
}


@pytest.mark.parametrize("cert", MISPLACED_SUBKEY.values(), ids=MISPLACED_SUBKEY.keys())
def test_c7_subkey_revocation_in_another_place(cert: forge.Certificate) -> None:
    assert bad(cert) == "subkey-revoked"


def first_octets(signature_packet: bytes, material: bytes) -> bytes:
    """The first two octets of the digest that this signature would have over other material."""
    body = signature_packet[2 if signature_packet[0] & 3 == 0 else 3 :]
    hashed = body[: 6 + int.from_bytes(body[4:6], "big")]
    return hashlib.sha256(material + hashed + b"\4\xff" + len(hashed).to_bytes(4, "big")).digest()[:2]


def test_c7_revocation_whose_first_octets_point_at_another_subkey() -> None:
    """They are not signed; where the revocation stands it verifies, and there sqv and gpg believe it."""
    other = PRIMARY.hash_prefix + secret_key("second").hash_prefix
    astray = first_octets(subkey_revocation(PRIMARY, SUBKEY), other)
    revocation = subkey_revocation(PRIMARY, SUBKEY, left16=astray)
    assert bad(WITH_SUBKEY.append(revocation).with_subkey(secret_key("second"))) == "subkey-revoked"
    assert bad(_two_subkeys().append(revocation)) == "subkey-revoked"


MISPLACED_RESTRICTIONS: dict[str, forge.Certificate] = {
    "binding-behind-another-subkey": _two_subkeys().append(
        subkey_binding(PRIMARY, SUBKEY, flags=0x0C, back="hashed", created=CREATED + DAY)
    ),
    "binding-with-wrong-first-octets": _two_subkeys().append(
        subkey_binding(PRIMARY, SUBKEY, flags=0x0C, back="hashed", created=CREATED + DAY, left16=b"\0\0")
    ),
    "binding-whose-first-octets-point-at-another-subkey": bound(
        subkey_binding(PRIMARY, SUBKEY),
        subkey_binding(
            PRIMARY,
            SUBKEY,
            flags=0x0C,
            created=CREATED + DAY,
            left16=first_octets(
                subkey_binding(PRIMARY, SUBKEY, flags=0x0C, created=CREATED + DAY),
                PRIMARY.hash_prefix + secret_key("second").hash_prefix,
            ),
        ),
    ).with_subkey(secret_key("second")),
    "certification-behind-another-user-id": ALICE.append(
        user_id("B"), certification(PRIMARY, "B"), certification(PRIMARY, UID, flags=0x01, created=CREATED + DAY)
    ),
    "certification-with-wrong-first-octets": ALICE.append(
        user_id("B"),
        certification(PRIMARY, "B"),
        certification(PRIMARY, UID, flags=0x01, created=CREATED + DAY, left16=b"\0\0"),
    ),
    "direct-key-signature-behind-a-user-id": certificate("alice", direct=True).append(
        direct_key(PRIMARY, flags=0x01, created=CREATED + DAY)
    ),
}


@pytest.mark.parametrize("cert", MISPLACED_RESTRICTIONS.values(), ids=MISPLACED_RESTRICTIONS.keys())
def test_c1_c6_newer_self_signature_that_takes_the_flag_away_in_another_place(cert: forge.Certificate) -> None:
    """Wherever they stand and whatever their first octets say; sqv refuses all but the last one."""
    assert bad(cert) in {"key-not-for-signing", "subkey-back-signature-missing"}


NOT_A_REVOCATION: dict[str, bytes] = {
    "by-a-stranger": key_revocation(PRIMARY, signer=MALLORY),
    "by-a-stranger-in-its-name": key_revocation(PRIMARY, signer=MALLORY, issuer=PRIMARY),
    "by-its-subkey": key_revocation(PRIMARY, signer=SUBKEY, issuer=PRIMARY),
    "corrupt": key_revocation(PRIMARY, corrupt=True),
    "of-another-key": key_revocation(MALLORY, signer=PRIMARY),
    "of-a-user-id": certification_revocation(PRIMARY, "somebody else"),
    "md5": key_revocation(PRIMARY, hash_algo=MD5),
    "version-6": key_revocation(PRIMARY, version=6),
}


@pytest.mark.parametrize("revocation", NOT_A_REVOCATION.values(), ids=NOT_A_REVOCATION.keys())
def test_c7_only_own_and_valid_revocations_count(revocation: bytes) -> None:
    assert good(WITH_SUBKEY.revoked(revocation)) == ()


NOT_A_SUBKEY_REVOCATION: dict[str, bytes] = {
    "by-a-stranger": subkey_revocation(PRIMARY, SUBKEY, signer=MALLORY, issuer=PRIMARY),
    "by-the-subkey": subkey_revocation(PRIMARY, SUBKEY, signer=SUBKEY, issuer=PRIMARY),
    "corrupt": subkey_revocation(PRIMARY, SUBKEY, corrupt=True),
    "of-another-subkey": subkey_revocation(PRIMARY, MALLORY),
    "key-revocation-type": make_signature(PRIMARY, 0x20, PRIMARY.hash_prefix + SUBKEY.hash_prefix, created=SIGNED),
}


@pytest.mark.parametrize("revocation", NOT_A_SUBKEY_REVOCATION.values(), ids=NOT_A_SUBKEY_REVOCATION.keys())
def test_c7_only_own_and_valid_subkey_revocations_count(revocation: bytes) -> None:
    assert good(WITH_SUBKEY.append(revocation)) == ()


def test_c7_a_reason_in_the_unhashed_area_softens_nothing() -> None:
    lie = [subpacket(16, PRIMARY.key_id), subpacket(29, bytes([SUPERSEDED]))]
    cert = ALICE.revoked(key_revocation(PRIMARY, reason=None, created=SIGNED + 1, unhashed=lie))
    assert bad(cert) == "certificate-revoked"


@pytest.mark.parametrize("reason", SOFT)
def test_c8_soft_revocation_counts_from_its_date(reason: int) -> None:
    for created in (CREATED, SIGNED - 1, SIGNED):
        assert bad(ALICE.revoked(key_revocation(PRIMARY, reason=reason, created=created))) == "certificate-revoked"
        gone = subkey_revocation(PRIMARY, SUBKEY, reason=reason, created=created)
        assert bad(WITH_SUBKEY.append(gone)) == "subkey-revoked"
    later = ALICE.revoked(key_revocation(PRIMARY, reason=reason, created=SIGNED + 1))
    assert good(later) == (REVOKED_SINCE,)
    assert good(WITH_SUBKEY.append(subkey_revocation(PRIMARY, SUBKEY, reason=reason, created=SIGNED + 1))) == (
        REVOKED_SINCE,
    )
    not_yet = ALICE.revoked(key_revocation(PRIMARY, reason=reason, created=REFERENCE + 1))
    assert good(not_yet) == ()


def test_c8_soft_revocation_of_the_primary_voids_its_subkeys_from_its_date() -> None:
    cert = WITH_SUBKEY.revoked(key_revocation(PRIMARY, reason=RETIRED, created=SIGNED))
    assert bad(cert) == "certificate-revoked"
    assert good(cert, at=SIGNED - 1) == (REVOKED_SINCE,)


def test_c8_a_soft_revocation_beside_a_hard_one() -> None:
    soft, hard = (key_revocation(PRIMARY, reason=reason, created=SIGNED + 1) for reason in (RETIRED, COMPROMISED))
    for pair in ([soft, hard], [hard, soft]):
        assert bad(ALICE.insert("primary", *pair)) == "certificate-revoked"


def test_c8_the_earliest_of_two_soft_revocations_counts() -> None:
    early, late = (key_revocation(PRIMARY, reason=RETIRED, created=created) for created in (SIGNED, SIGNED + DAY))
    for pair in ([early, late], [late, early]):
        assert bad(ALICE.insert("primary", *pair)) == "certificate-revoked"


# C9: no weak hash in self-signatures and bindings


def test_c9_self_signature_with_a_weak_hash() -> None:
    assert bad(certificate("weak", self_options={"hash_algo": SHA1})) == "weak-hash-in-certificate"
    direct = certificate("weak", user_ids=[], direct=True, self_options={"hash_algo": SHA1})
    assert bad(direct) == "weak-hash-in-certificate"


def test_c9_sha_224_voids_the_certificate() -> None:
    """It counts elsewhere, so it could restrict there what it must not permit here."""
    weak = certification(PRIMARY, UID, flags=0x01, hash_algo=SHA224, created=CREATED + DAY)
    assert unreadable(ALICE.insert("certification", weak)) == "certificate-malformed"
    assert unreadable(bound(subkey_binding(PRIMARY, SUBKEY, hash_algo=SHA224))) == "certificate-malformed"
    six = certificate("six", algorithm="ed25519", version=6)
    weak = direct_key(six.primary, flags=0x01, hash_algo=SHA224, created=CREATED + DAY)
    assert unreadable(six.insert("direct", weak)) == "certificate-malformed"


def test_c9_md5_is_not_even_looked_at() -> None:
    assert bad(certificate("weak", self_options={"hash_algo": MD5})) == "no-self-signature"
    assert bad(bound(subkey_binding(PRIMARY, SUBKEY, hash_algo=MD5))) == "subkey-not-bound"


def test_c9_binding_with_a_weak_hash() -> None:
    weak = subkey_binding(PRIMARY, SUBKEY, hash_algo=SHA1)
    assert bad(bound(weak)) == "weak-hash-in-certificate"
    assert good(bound(weak, subkey_binding(PRIMARY, SUBKEY))) == ()


@pytest.mark.parametrize("hash_algo", [SHA1, SHA224, MD5])
def test_c9_back_signature_with_a_weak_hash(hash_algo: int) -> None:
    cert = bound(subkey_binding(PRIMARY, SUBKEY, back_options={"hash_algo": hash_algo}))
    assert bad(cert) in {"weak-hash-in-certificate", "subkey-back-signature-missing"}


def test_c9_hash_shorter_than_the_curve() -> None:
    """RFC 9580 §5.2.3.2; a revocation is believed all the same."""
    primary, subkey = secret_key("long", "p384"), secret_key("long/sign", "p384")
    cert = certificate("long", algorithm="p384", signing_subkey="p384")
    assert good(cert) == ()
    short = certificate("long", algorithm="p384", signing_subkey="p384", back_options={"hash_algo": 8})
    assert bad(short) == "subkey-back-signature-missing"
    assert unreadable(certificate("long", algorithm="p384", self_options={"hash_algo": 8})) == "certificate-malformed"
    binding = subkey_binding(primary, subkey, hash_algo=8, created=CREATED + DAY)
    assert unreadable(cert.append(binding)) == "certificate-malformed"
    assert bad(cert.revoked(key_revocation(primary, hash_algo=8))) == "certificate-revoked"
    assert bad(cert.append(subkey_revocation(primary, subkey, hash_algo=8))) == "subkey-revoked"


def test_c9_a_weak_signature_that_does_not_verify_is_no_reason() -> None:
    assert bad(certificate("weak", self_options={"hash_algo": SHA1, "corrupt": True})) == "no-self-signature"
    assert bad(bound(subkey_binding(PRIMARY, SUBKEY, hash_algo=SHA1, corrupt=True))) == "subkey-not-bound"


def test_c9_a_newer_weak_self_signature_decides_nothing() -> None:
    weak = certification(PRIMARY, UID, hash_algo=SHA1, created=CREATED + DAY, flags=0x01)
    assert good(ALICE.insert("certification", weak)) == ()
    older = certification(PRIMARY, UID, hash_algo=SHA1, created=CREATED)
    newer = built(user_id(UID), older, certification(PRIMARY, UID, created=SIGNED + 1))
    assert bad(newer) == "self-signature-newer-than-signature"


def test_c9_the_salt_of_a_version_6_self_signature_has_its_size() -> None:
    """RFC 9580 §5.2.3: a signature whose salt does not fit its hash is malformed, in a certificate too."""
    cert = certificate("salt", algorithm="ed25519", version=6, self_options={"salt": bytes(17)})
    assert bad(cert) == "no-self-signature"


# C10: exact parse; unknown subkeys are skipped; secret keys refused


def unreadable(cert: forge.Certificate | bytes) -> str:
    data = cert if isinstance(cert, bytes) else cert.bytes
    keyring = load_keyring([data])
    assert len(keyring) == 0
    (problem,) = keyring.problems
    assert refused(signed_by(ALICE), data) == "no-certificate"
    return problem.kind


@pytest.mark.parametrize("encryption", ["cv25519", "x25519", "unknown", "k256", "bp256"])
def test_c10_subkey_of_an_algorithm_that_does_not_count_is_skipped(encryption: str) -> None:
    cert = certificate("modern", signing_subkey="eddsa", encryption_subkey=encryption)
    assert good(cert) == ()
    assert len(next(iter(load_keyring([cert.bytes]))).subkeys) == 2


@pytest.mark.parametrize("version", [2, 3, 5, 255])
def test_c10_subkey_of_a_version_that_does_not_count_is_skipped(version: int) -> None:
    stranger = packet(14, bytes([version]) + SUBKEY.public_body[1:])
    cert = ALICE.append(stranger, subkey_binding(PRIMARY, SUBKEY))
    assert good(cert) == ()
    assert next(iter(load_keyring([cert.bytes]))).subkeys == ()


@pytest.mark.parametrize("version", [2, 3, 5, 255])
def test_c10_primary_of_a_version_that_does_not_count(version: int) -> None:
    body = bytes([version]) + PRIMARY.public_body[1:]
    assert unreadable(packet(6, body) + b"".join(ALICE.packets[1:])) == "certificate-version-unsupported"


P256 = secret_key("exact", "p256").public_body
V6 = secret_key("exact", "ed25519", version=6).public_body
MALFORMED_KEYS = {
    "empty": b"\4",
    "time-cut": PRIMARY.public_body[:4],
    "algorithm-missing": PRIMARY.public_body[:5],
    "material-cut": PRIMARY.public_body[:-1],
    "trailing-byte": PRIMARY.public_body + b"\0",
    "ecdsa-cut": P256[:-1],
    "ecdsa-trailing-byte": P256 + b"\0",
    "rsa-one-integer": PRIMARY.public_body[:5] + b"\1" + forge.mpi(12345),
    "rsa-not-minimal": PRIMARY.public_body[:5] + b"\1" + b"\x00\x10\x00\x01" + forge.mpi(65537),
    "native-31": b"\4" + bytes(4) + b"\x1b" + bytes(31),
    "native-33": b"\4" + bytes(4) + b"\x1b" + bytes(33),
    "version-6-count-missing": V6[:8],
    "version-6-count-too-small": V6[:6] + (31).to_bytes(4, "big") + V6[10:],
    "version-6-count-too-large": V6[:6] + (33).to_bytes(4, "big") + V6[10:],
    "version-6-trailing-byte": V6[:6] + (33).to_bytes(4, "big") + V6[10:] + b"\0",
}


@pytest.mark.parametrize("body", MALFORMED_KEYS.values(), ids=MALFORMED_KEYS.keys())
def test_c10_malformed_key(body: bytes) -> None:
    assert unreadable(packet(6, body) + b"".join(ALICE.packets[1:])) == "certificate-malformed"
    assert unreadable(ALICE.append(packet(14, body))) == "certificate-malformed"


@pytest.mark.parametrize("tag", [6, 14])
@pytest.mark.parametrize("size", [65_529, 65_530, 70_000])
def test_c10_key_longer_than_a_version_4_fingerprint_can_cover(size: int, tag: int) -> None:
    """Its length is hashed in two octets (RFC 9580 §5.5.4): 65 535 is the most there can be."""
    body = b"\4" + CREATED.to_bytes(4, "big") + b"\x63" + bytes(size)
    data = packet(tag, body) if tag == 6 else ALICE.append(packet(14, body)).bytes
    keyring = load_keyring([data])
    assert [problem.kind for problem in keyring.problems] == (["certificate-malformed"] if size > 65_529 else [])


DO_NOT_BELONG = {
    "literal": forge.literal(b"x"),
    "one-pass": forge.one_pass(issuer=PRIMARY.key_id, algorithm=22),
    "compressed": forge.compressed(b"", 1, indeterminate=False),
    "encrypted": packet(18, b"\1"),
    "reserved-15": packet(15, b"x"),
    "unknown-critical-39": packet(39, b"x"),
}


@pytest.mark.parametrize("extra", DO_NOT_BELONG.values(), ids=DO_NOT_BELONG.keys())
def test_c10_packet_that_does_not_belong(extra: bytes) -> None:
    assert unreadable(ALICE.append(extra)) == "certificate-malformed"
    assert unreadable(ALICE.insert("primary", extra)) == "certificate-malformed"


@pytest.mark.parametrize(
    "extra", [packet(40, b"x"), packet(63, b""), forge.marker(), forge.padding(), packet(12, b"x")]
)
def test_c10_packets_that_say_nothing(extra: bytes) -> None:
    assert good(WITH_SUBKEY.append(extra)) == ()
    noisy = WITH_SUBKEY.insert("certification", extra)
    assert good(noisy) == ()
    assert next(iter(load_keyring([noisy.bytes]))).dropped == (1 if extra[0] & 0x3F >= 40 else 0)


def test_c10_what_is_dropped_is_counted_once_each() -> None:
    foreign = [certification(PRIMARY, UID, signer=secret_key(f"friend {n}")) for n in range(2)]
    cert = ALICE.append(foreign[0], packet(40, b"x"), packet(63, b""), foreign[1], packet(41, b"y"))
    assert next(iter(load_keyring([cert.bytes]))).dropped == 5


@pytest.mark.parametrize("cert", [ALICE, WITH_SUBKEY])
def test_c10_secret_key_block(cert: forge.Certificate) -> None:
    for data in (cert.secret_bytes, ALICE.bytes + cert.secret_bytes):
        assert refused(signed_by(ALICE), data) == "certificate-secret"


def test_c10_secret_subkey_alone() -> None:
    data = ALICE.append(SUBKEY.public_packet(subkey=True, secret=True))
    assert refused(signed_by(ALICE), data) == "certificate-secret"


# C11: a copy with only the newest self-signatures


def test_c11_minimised_copy_holds_only_a_newer_self_signature() -> None:
    newer = built(user_id("A"), certification(PRIMARY, "A", created=SIGNED + 1))
    assert bad(newer) == "self-signature-newer-than-signature"
    assert good(newer, at=SIGNED + 1) == ()
    assert good(newer.append(certification(PRIMARY, "A"))) == ()


def test_c11_minimised_copy_holds_only_a_newer_binding() -> None:
    newer = subkey_binding(PRIMARY, SUBKEY, created=SIGNED + 1)
    assert bad(bound(newer)) == "self-signature-newer-than-signature"
    assert good(bound(newer), at=SIGNED + 1) == ()
    assert good(bound(newer, subkey_binding(PRIMARY, SUBKEY))) == ()


def test_c11_newer_beside_expired_is_expired() -> None:
    pair = (subkey_binding(PRIMARY, SUBKEY, expires=1), subkey_binding(PRIMARY, SUBKEY, created=SIGNED + 1))
    assert bad(bound(*pair)) == "self-signature-expired"


# C12: live at the reference time too, where the trust root asks for it

EXPIRED_NOW: dict[str, tuple[forge.Certificate, str]] = {
    "primary-expired": (certificate("now", key_expires=LIFE + 1), EXPIRED_SINCE),
    "primary-expired-at-the-reference-time": (certificate("now", key_expires=LIFE + DAY), EXPIRED_SINCE),
    "subkey-expired": (certificate("now", signing_subkey="eddsa", subkey_expires=LIFE + 1), EXPIRED_SINCE),
    "binding-expired": (
        certificate("now", signing_subkey="eddsa", binding_options={"expires": LIFE + 1}),
        EXPIRED_SINCE,
    ),
    "flag-taken-away": (
        ALICE.insert("certification", certification(PRIMARY, UID, flags=1, created=SIGNED + 1)),
        EXPIRED_SINCE,
    ),
    "retired": (ALICE.revoked(key_revocation(PRIMARY, reason=RETIRED, created=SIGNED + 1)), REVOKED_SINCE),
    "retired-at-the-reference-time": (
        ALICE.revoked(key_revocation(PRIMARY, reason=RETIRED, created=REFERENCE)),
        REVOKED_SINCE,
    ),
    "subkey-retired": (
        WITH_SUBKEY.append(subkey_revocation(PRIMARY, SUBKEY, reason=RETIRED, created=SIGNED + 1)),
        REVOKED_SINCE,
    ),
}


@pytest.mark.parametrize(("cert", "flag"), EXPIRED_NOW.values(), ids=EXPIRED_NOW.keys())
def test_c12_strict_asks_for_a_key_that_is_live_now(cert: forge.Certificate, flag: str) -> None:
    assert good(cert) == (flag,)
    assert refused(signed_by(cert), cert, strict=True) == "certificate-expired-now"


@pytest.mark.parametrize(
    "cert",
    [
        ALICE,
        WITH_SUBKEY,
        certificate("now", key_expires=LIFE + DAY + 1),
        ALICE.revoked(key_revocation(PRIMARY, reason=RETIRED, created=REFERENCE + 1)),
    ],
)
def test_c12_strict_accepts_what_is_live(cert: forge.Certificate) -> None:
    assert verify(signed_by(cert), cert, strict=True).flags == ()


def test_c12_strict_is_not_laxer() -> None:
    for cert, kind in [
        (certificate("now", key_expires=LIFE), "certificate-expired-at-signature-time"),
        (ALICE.revoked(), "certificate-revoked"),
    ]:
        assert refused(signed_by(cert), cert, strict=True) == kind


def test_c12_a_signature_from_within_the_tolerance_is_judged_at_its_own_time() -> None:
    cert = certificate("ahead", created=REFERENCE + 60)
    file = forge.detached(cert.primary, PAYLOAD, created=REFERENCE + 90)
    assert verify(file, cert, strict=True).flags == ()


# Bounds


def test_budget_of_self_signature_checks() -> None:
    most = LIMITS.self_signatures
    many = [certification(PRIMARY, UID, created=CREATED + 1 + n, corrupt=True) for n in range(most)]
    assert good(ALICE.insert("certification", *many[1:])) == ()
    assert unreadable(ALICE.insert("certification", *many)) == "certificate-malformed"


@pytest.mark.parametrize(("subkeys", "readable"), [(9, True), (11, False)])
def test_budget_of_places_where_a_signature_may_belong(subkeys: int, readable: bool) -> None:
    """Each that fits nowhere is tried over every packet that it could be over."""
    lost = LIMITS.self_signatures // 10
    assert 9 * lost < LIMITS.self_signatures < 11 * lost
    keys = [secret_key(f"subkey {n}", "ed25519").public_packet(subkey=True) for n in range(subkeys)]
    bindings = [subkey_binding(PRIMARY, MALLORY, back="none", created=CREATED + n) for n in range(lost)]
    cert = ALICE.append(*keys, *bindings)
    if readable:
        assert good(cert) == ()
    else:
        assert unreadable(cert) == "certificate-malformed"


@pytest.mark.parametrize(("lost", "readable"), [(40, True), (60, False)])
def test_budget_of_places_that_cannot_be_tried(lost: int, readable: bool) -> None:
    """Behind subkeys of another version there is nothing to check, and still each look costs."""
    places = LIMITS.misplaced_signatures // 50
    strangers = [packet(14, b"\3" + number.to_bytes(20, "big")) for number in range(places)]
    bindings = [subkey_binding(PRIMARY, SUBKEY, back="none", created=CREATED + number) for number in range(lost)]
    cert = ALICE.append(*strangers, *bindings)
    if readable:
        assert good(cert) == ()
    else:
        assert unreadable(cert) == "certificate-malformed"


# A signature that the owner made and that is malformed voids the certificate; elsewhere it may mean something.

MALFORMED_OWN: dict[str, bytes] = {
    "creation-time-twice": certification(PRIMARY, UID, hashed=[subpacket(2, CREATED.to_bytes(4, "big"))]),
    "key-expiry-twice": certification(PRIMARY, UID, key_expires=9, hashed=[subpacket(9, bytes(4))]),
    "key-flags-twice": certification(PRIMARY, UID, hashed=[subpacket(27, b"\3")]),
    "primary-user-id-of-2": certification(PRIMARY, UID, hashed=[subpacket(25, b"\2")]),
    "exportable-of-2": certification(PRIMARY, UID, hashed=[subpacket(4, b"\2")]),
    "notation-of-other-lengths": certification(PRIMARY, UID, hashed=[subpacket(20, bytes(5) + b"\1\0\2ab")]),
    "notation-of-5-bytes": certification(PRIMARY, UID, hashed=[subpacket(20, bytes(5))]),
    "regular-expression-without-its-end": certification(PRIMARY, UID, hashed=[subpacket(6, b"a")]),
    "257-subpackets": certification(PRIMARY, UID, hashed=[subpacket(100, b"")] * 257),
    "direct-creation-time-twice": direct_key(PRIMARY, hashed=[subpacket(2, CREATED.to_bytes(4, "big"))]),
    "user-id-revocation-time-twice": certification_revocation(PRIMARY, UID, hashed=[subpacket(2, bytes(4))]),
    "user-id-revocation-two-reasons": certification_revocation(PRIMARY, UID, hashed=[subpacket(29, b"\1")]),
    "byte-behind-the-value": packet(2, certification(PRIMARY, UID)[2:] + b"\0"),
}


@pytest.mark.parametrize("signature", MALFORMED_OWN.values(), ids=MALFORMED_OWN.keys())
def test_s7_malformed_signature_of_its_own(signature: bytes) -> None:
    assert unreadable(ALICE.insert("certification", signature)) == "certificate-malformed"


@pytest.mark.parametrize("signature", MALFORMED_OWN.values(), ids=MALFORMED_OWN.keys())
def test_s7_malformed_signature_by_a_stranger_is_dropped(signature: bytes) -> None:
    """The same bytes below another certificate: no stranger can void it."""
    assert good(certificate("bob").insert("certification", signature)) == ()


MALFORMED_BINDINGS: dict[str, bytes] = {
    "creation-time-twice": subkey_binding(PRIMARY, SUBKEY, hashed=[subpacket(2, bytes(4))]),
    "embedded-cut": subkey_binding(PRIMARY, SUBKEY, hashed=[subpacket(32, b"\4\x19")]),
    "embedded-cut-unhashed": subkey_binding(
        PRIMARY, SUBKEY, unhashed=[subpacket(16, PRIMARY.key_id), subpacket(32, b"\4\x19")]
    ),
    "embedded-value-cut": subkey_binding(
        PRIMARY, SUBKEY, back="none", hashed=[subpacket(32, signature_body(SUBKEY, 0x19, b"")[:-1])]
    ),
    "back-signature-of-version-3": subkey_binding(PRIMARY, SUBKEY, back_options={"version": 3}),
    "back-signature-of-version-6": subkey_binding(PRIMARY, SUBKEY, back_options={"version": 6}),
    "back-signature-with-two-expiry-times": subkey_binding(
        PRIMARY, SUBKEY, back_options={"hashed": [subpacket(3, bytes(4)), subpacket(3, bytes(4))]}
    ),
}


@pytest.mark.parametrize("binding", MALFORMED_BINDINGS.values(), ids=MALFORMED_BINDINGS.keys())
def test_s7_malformed_binding_of_its_own(binding: bytes) -> None:
    assert unreadable(bound(binding)) == "certificate-malformed"


@pytest.mark.parametrize("embedded", MALFORMED_EMBEDDED.values(), ids=MALFORMED_EMBEDDED.keys())
def test_s7_malformed_embedded_signature_beside_a_right_one(embedded: bytes) -> None:
    binding = subkey_binding(PRIMARY, SUBKEY, hashed=[subpacket(32, embedded)])
    assert refused(signed_by(WITH_SUBKEY), bound(binding)) in {"no-certificate", "subkey-not-bound"}


def test_s7_value_that_cannot_be_decoded_in_a_signature_that_is_not_its_own() -> None:
    """Whoever made it, the first octets of the digest say that it was not over this user id."""
    lost = packet(2, certification(PRIMARY, UID, left16=b"\0\0")[2:] + b"\0")
    assert good(ALICE.insert("certification", lost)) == ()
    assert bad(built(user_id(UID), lost)) == "no-self-signature"


def test_s7_malformed_signature_over_a_user_attribute_of_its_own() -> None:
    """It vouches for nothing (C1), but it is the owner's, and elsewhere it may say something."""
    image = b"\x01\x10\x00\x01\x01" + bytes(12) + b"jpeg"
    attribute = Part("attribute", packet(17, image))
    twice = [subpacket(9, bytes(4))] * 2
    certifications = [certification(PRIMARY, image, tag=tag, hashed=twice) for tag in (17, 13)]
    assert unreadable(ALICE.append(attribute, certifications[0])) == "certificate-malformed"
    assert good(ALICE.append(attribute, certifications[1])) == ()  # over a user id that is not here


def test_repeated_packets_are_one() -> None:
    again = [ALICE.find("certification")] * 1000
    assert good(ALICE.insert("certification", *again)) == ()


@pytest.mark.parametrize(("extra", "readable"), [(0, True), (1, False)])
def test_number_of_packets(extra: int, readable: bool) -> None:
    foreign = packet(2, b"\4\x13")
    fill = LIMITS.certificate_packets - len(ALICE.packets) + extra
    cert = ALICE.append(*[foreign] * fill)
    if readable:
        assert good(cert) == ()
    else:
        assert unreadable(cert) == "certificate-malformed"


@pytest.mark.parametrize(("extra", "readable"), [(0, True), (1, False)])
def test_bytes_of_its_own(extra: int, readable: bool) -> None:
    own = len(PRIMARY.public_body) + len(UID) + len(ALICE.find("certification")) - 2
    cert = ALICE.append(packet(13, bytes(LIMITS.certificate - own + extra)))
    if readable:
        assert good(cert) == ()
    else:
        assert unreadable(cert) == "certificate-malformed"


def test_bytes_of_third_parties_do_not_count() -> None:
    foreign = certification(PRIMARY, UID, signer=MALLORY)[3:]
    foreign = packet(2, foreign + bytes(LIMITS.certificate))
    assert good(ALICE.insert("certification", foreign)) == ()


def test_c9_weak_signatures_of_the_primary_say_nothing_about_a_subkey() -> None:
    """And the other way round: each reason is told where it belongs."""
    weak = ALICE.insert("certification", certification(PRIMARY, UID, hash_algo=2))
    assert (
        refused(forge.detached(SUBKEY, PAYLOAD), weak.append(SUBKEY.public_packet(subkey=True))) == "subkey-not-bound"
    )
    bound_weakly = weak.with_subkey(SUBKEY, subkey_binding(PRIMARY, SUBKEY, hash_algo=2))
    assert refused(forge.detached(SUBKEY, PAYLOAD), bound_weakly) == "weak-hash-in-certificate"


def test_many_misplaced_signatures_are_found_by_the_first_octets_of_their_digests() -> None:
    """Tried one by one, they would cost more checks than a certificate may."""
    names = [f"user-{number}" for number in range(40)]
    cert = built(*map(user_id, names))
    misplaced = [certification(PRIMARY, name) for name in reversed(names)]
    assert good(cert.append(*misplaced)) == ()
