"""Attacks on signatures and certificates. anna signed well in all of them; the other one must not count (SIG)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import forge
import pytest
from forge import CREATED, SIGNED, Certificate, secret_key
from forge.signatures import signature_body

from airgap.limits import LIMITS
from tests.attacks.catalogue import attack
from tests.attacks.lab import IMAGE, Lab, by, put_together, reasons
from tests.cli.site import AT, RUST, Result, Site, crew, gang, run, sample, signature

DAY = 86_400
CLAIM = forge.claim(RUST, IMAGE.digest)
BERT = crew()["bert"][0]
MALLORY = secret_key("mallory")


def ring(*certificates: Certificate | bytes) -> bytes:
    """A keyring with anna's certificate and these."""
    return crew()["anna"][0].bytes + b"".join(one if isinstance(one, bytes) else one.bytes for one in certificates)


def voids(
    lab: Lab, file: bytes, *why: str, keyring: bytes | None = None, codes: int | set[int] = 30, learns: bool = False
) -> Result:
    """Beside anna's signature this one does not count, for one of these reasons."""
    result = lab.refused(lab.signed(by("anna"), file, keyring=keyring), codes, learns=learns)
    if result.code == 30:
        assert result.kinds == ["quorum-not-met"]
        assert result.json["images"][0]["signers"] == ["anna"]
        assert reasons(result)[0] is None
        assert reasons(result)[1] in why, result
    return result


# Certificates that say more than their owner said


@attack("SIG-02")
def test_a_subkey_that_mallory_bound(lab: Lab) -> None:
    """bert's certificate, and behind it a subkey whose binding mallory made; with bert named as its issuer, too."""
    for issuer in (None, BERT.primary):
        binding = forge.subkey_binding(BERT.primary, MALLORY, signer=secret_key("mallory 2"), issuer=issuer)
        grafted = BERT.with_subkey(MALLORY, binding)
        voids(lab, forge.inline(MALLORY, CLAIM), "subkey-not-bound", "no-certificate", keyring=ring(grafted))


@attack("SIG-02")
def test_a_subkey_without_binding(lab: Lab) -> None:
    grafted = BERT.append(MALLORY.public_packet(subkey=True))
    voids(lab, forge.inline(MALLORY, CLAIM), "subkey-not-bound", "no-certificate", keyring=ring(grafted))


@attack("SIG-03")
def test_a_subkey_behind_the_binding_of_another(lab: Lab) -> None:
    """The genuine binding of anna's own subkey, put behind mallory's key in her certificate."""
    anna = crew()["anna"][0]
    grafted = anna.append(MALLORY.public_packet(subkey=True), anna.find("binding"))
    result = lab.refused(lab.signed(by("bert"), forge.inline(MALLORY, CLAIM), keyring=BERT.bytes + grafted.bytes), 30)
    assert result.json["images"][0]["signers"] == ["bert"]


@attack("SIG-05")
@pytest.mark.parametrize("flags", [0x0C, 0x20, 0x00, 0x01], ids=["encrypt", "authenticate", "none", "certify"])
def test_a_subkey_that_must_not_sign(tmp_path: Path, flags: int) -> None:
    bert = forge.certificate("flagged", signing_subkey="eddsa", subkey_flags=flags, back="hashed")
    lab = Lab(tmp_path / "lab", {"anna": crew()["anna"], "bert": (bert,)})
    voids(lab, forge.inline(bert.subkeys[0], CLAIM), "key-not-for-signing")


@attack("SIG-05")
def test_a_primary_that_only_certifies(tmp_path: Path) -> None:
    bert = forge.certificate("certifier", primary_flags=0x01)
    lab = Lab(tmp_path / "lab", {"anna": crew()["anna"], "bert": (bert,)})
    voids(lab, forge.inline(bert.primary, CLAIM), "key-not-for-signing")


# Revocation, expiry


@attack("SIG-06")
@pytest.mark.parametrize("reason", [None, 0, 2], ids=["none", "no reason", "compromised"])
def test_a_revoked_certificate(fresh: Lab, reason: int | None) -> None:
    """A hard revocation voids what was signed before it, too. It is kept, though the bundle is refused."""
    revoked = BERT.revoked(forge.key_revocation(BERT.primary, reason=reason, created=SIGNED + DAY))
    voids(fresh, by("bert"), "certificate-revoked", keyring=ring(revoked), learns=True)


@attack("SIG-10")
def test_a_revocation_that_is_left_out(fresh: Lab) -> None:
    """Learnt from one bundle, it holds for the next, whatever that one's keyring says."""
    voids(fresh, by("bert"), "certificate-revoked", keyring=ring(BERT.revoked()), learns=True)
    voids(fresh, by("bert"), "certificate-revoked", keyring=ring(BERT))
    voids(fresh, by("bert"), "certificate-revoked", keyring=crew()["anna"][0].bytes)


@attack("SIG-11")
def test_a_key_that_expired_since(tmp_path: Path) -> None:
    """It counts, and is flagged; a root that is strict about expiry refuses it (TRUST rule 4)."""
    late = forge.certificate("late", key_expires=SIGNED + DAY - CREATED)
    lab = Lab(tmp_path / "lab", {"anna": crew()["anna"], "late": (late,)})
    verdict = lab.accepted(lab.good()).json
    assert verdict["images"][0]["signatures"][1]["flags"] == ["certificate-expired-since"]
    strict = Lab(tmp_path / "strict", {"anna": crew()["anna"], "late": (late,)})
    assert strict.site.init("--require-live-keys", folder=strict.site.folder / "live").code == 0
    strict.site.trust.rename(strict.site.folder / "lenient")
    (strict.site.folder / "live").rename(strict.site.trust)
    voids(strict, signature(late, RUST, IMAGE.digest), "certificate-expired-now")


@attack("SIG-15")
@pytest.mark.parametrize("hash_algo", [1, 2, 3], ids=["MD5", "SHA-1", "RIPEMD-160"])
def test_weak_hashes(lab: Lab, hash_algo: int) -> None:
    body = signature_body(BERT.primary, 0x00, CLAIM, created=SIGNED, hash_algo=2 if hash_algo == 3 else hash_algo)
    weak = forge.packet(2, body[:3] + bytes([hash_algo]) + body[4:])
    voids(lab, weak, "weak-hash")


@attack("SIG-15")
def test_a_short_key(tmp_path: Path) -> None:
    weak = forge.certificate("weak", algorithm="rsa1024")
    lab = Lab(tmp_path / "lab", {"anna": crew()["anna"], "weak": (weak,)})
    voids(lab, signature(weak, RUST, IMAGE.digest), "weak-key")


# What is signed


@attack("SIG-17")
@pytest.mark.parametrize("sig_type", [0x02, 0x40, 0x10, 0x13, 0x18, 0x1F, 0x20, 0x50, 0xFF], ids=hex)
def test_another_type(lab: Lab, sig_type: int) -> None:
    voids(lab, by("bert", sig_type=sig_type), "signature-type-not-binary")
    voids(lab, by("bert", sig_type=sig_type, style="detached"), "signature-type-not-binary")


@attack("SIG-18")
def test_a_signature_over_text(lab: Lab) -> None:
    claim = forge.claim(RUST, IMAGE.digest, indent=2)
    for payload in (claim, claim.replace(b"\n", b"\r\n"), claim.replace(b"\n", b" \n")):
        voids(lab, forge.inline(BERT.signing_key, payload, sig_type=0x01), "signature-type-not-binary")
    armored = b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n" + claim
    voids(lab, armored + forge.armor("SIGNATURE", by("bert", style="detached")), "cleartext-framework")


NOTHING = {
    "no file": [],
    "an empty file": [b""],
    "garbage": [b"x" * 100],
    "markers": [forge.marker() * 3],
    "a literal alone": [forge.literal(CLAIM)],
    "by strangers": [signature(gang()[nick][0], RUST, IMAGE.digest) for nick in gang()],
}


@attack("SIG-19")
@pytest.mark.parametrize("name", NOTHING)
def test_no_signature_that_counts(lab: Lab, name: str) -> None:
    result = lab.refused(lab.signed(*NOTHING[name]), 30, "image-unsigned", "quorum-not-met")
    assert result.json["images"][0]["signers"] == []


@attack("SIG-20")
def test_two_signatures_in_one_file(lab: Lab) -> None:
    """No file makes two votes, or half of one."""
    keys = [MALLORY, BERT.signing_key]
    one, other = (forge.detached(key, CLAIM) for key in keys)
    for file in (forge.inline_many(keys, CLAIM), forge.inline_many(keys[::-1], CLAIM), one + other, other + one):
        voids(lab, file, "message-malformed")
    pair = forge.inline_many([crew()["carl"][0].signing_key, BERT.signing_key], CLAIM)
    voids(lab, pair, "message-malformed")


@attack("SIG-21")
@pytest.mark.parametrize("place", [0, 1, 2, 3])
@pytest.mark.parametrize("compress", [None, 1])
def test_another_literal(lab: Lab, place: int, compress: int | None) -> None:
    evil = forge.literal(forge.claim(RUST, sample("evil").digest))
    voids(lab, forge.inline(BERT.signing_key, CLAIM, insert={place: evil}, compress=compress), "message-malformed")


@attack("SIG-21")
def test_another_literal_around(lab: Lab) -> None:
    evil = forge.literal(CLAIM)
    message = forge.inline(BERT.signing_key, b"{}", compress=1, indeterminate=False)
    for file in (evil + message, message + evil):
        voids(lab, file, "message-malformed")
    voids(lab, forge.old_style(BERT.signing_key, CLAIM), "message-malformed")


@attack("SIG-22")
@pytest.mark.parametrize("algorithm", [1, 2, 3])
def test_a_message_that_inflates(lab: Lab, algorithm: int) -> None:
    """Hostile, whoever else signed: the whole bundle is refused (10). BZip2 is not even begun."""
    bomb = forge.compressed(forge.literal(bytes(20_000_000)), algorithm, level=9)
    assert len(bomb) < LIMITS.signature_file
    if algorithm == 3:
        voids(lab, bomb, "compression-malformed")
    else:
        lab.refused(lab.signed(by("anna"), by("bert"), bomb), 10, "signature-inflates-past-limit")


@attack("SIG-23")
@pytest.mark.parametrize("layers", [2, 200])
def test_compressed_again_and_again(lab: Lab, layers: int) -> None:
    voids(lab, forge.inline(BERT.signing_key, CLAIM, compress=1, layers=layers), "compression-nested")


@attack("SIG-24")
@pytest.mark.parametrize("tag", [1, 3, 5, 6, 7, 9, 12, 14, 17, 18, 20, 40, 63])
def test_packets_without_a_place_in_a_signature(lab: Lab, tag: int) -> None:
    strange = forge.packet(tag, bytes(20))
    plain = by("bert", style="plain")  # a compressed packet of indeterminate length would swallow what follows
    for file in (strange + plain, plain + strange, strange):
        voids(lab, file, "message-malformed")


@attack("SIG-24")
@pytest.mark.parametrize("tag", [1, 3, 9, 12, 18, 60])
def test_packets_without_a_place_in_a_keyring(lab: Lab, tag: int) -> None:
    """Mallory's certificate does not count with them, bert's pinned one does; or the keyring is refused."""
    strange = forge.packet(tag, bytes(20))
    keyring = ring(gang()["bert"][0]) + strange
    lab.refused(lab.signed(by("anna"), signature(gang()["bert"][0], RUST, IMAGE.digest), keyring=keyring), {10, 30})


@attack("SIG-28")
def test_one_subkey_in_two_certificates(lab: Lab) -> None:
    """Mallory binds anna's subkey to her own key, and anna's signature names it: found by fingerprint, not by id."""
    anna = crew()["anna"][0]
    thief = forge.certificate("thief").with_subkey(anna.subkeys[0])
    verdict = lab.refused(lab.signed(by("anna"), keyring=ring(thief)), 30)
    assert verdict.json["images"][0]["signers"] in (["anna"], [])
    assert thief.fingerprint not in {one["certificate"] for one in verdict.json["images"][0]["signatures"]}


@attack("SIG-28")
def test_the_issuer_of_another(lab: Lab) -> None:
    """Signed by mallory, who names bert's key as issuer: looked up, and found wrong."""
    voids(lab, by_mallory(issuer=BERT.primary), "bad-signature", "algorithm-unsupported", "signature-malformed")
    voids(lab, by_mallory(unhashed=[forge.subpacket(16, BERT.primary.key_id)]), "issuer-mismatch", "one-pass-mismatch")


def by_mallory(**options: Any) -> bytes:
    return forge.detached(MALLORY, CLAIM, **options)


# People


@attack("SIG-31")
def test_maintainers_with_mallory_in_it(fresh: Lab) -> None:
    """import compares the file and counts by the pinned people; update asks for their signatures (40)."""
    mallory = forge.certificate("mallory")
    people = {**crew(), "mallory": (mallory,)}
    forged = Site(fresh.site.folder / "forged", people)
    files = [by("anna"), signature(mallory, RUST, IMAGE.digest)]
    opened = put_together(IMAGE, files, forged)
    result = fresh.refused(opened, 30, "quorum-not-met")
    assert any("also lists mallory" in note for note in result.json["notes"])
    before = fresh.site.snapshot()
    update = run(
        *("trust", "update", "--trust", fresh.site.trust, "--from", fresh.site.folder / "hostile.airgap.tar.zst"),
        *("--at", AT, "--format", "json", "--yes"),
    )
    assert (update.code, update.kinds) == (40, ["rotation-not-authorised"])
    assert fresh.site.snapshot() == before


@attack("SIG-34")
def test_several_keys_of_one_person(lab: Lab) -> None:
    anna, second = crew()["anna"]
    files = [by("anna"), by("anna", 1), forge.inline(anna.primary, CLAIM), forge.detached(second.signing_key, CLAIM)]
    result = lab.refused(lab.signed(*files), 30, "quorum-not-met")
    assert result.json["images"][0]["signers"] == ["anna"]
    assert reasons(result) == [None] * 4


@attack("SIG-35")
def test_one_signature_in_several_files(lab: Lab) -> None:
    """As it is, armored, framed anew, uncompressed, with other unhashed subpackets, dated anew."""
    plain = by("anna", style="plain")
    detached = by("anna", style="detached")
    files = [
        *(by("anna"), by("anna"), plain, forge.armor("MESSAGE", plain), detached, forge.armor("SIGNATURE", detached)),
        *(
            forge.inline(crew()["anna"][0].signing_key, CLAIM, compress=2),
            by("anna", created=SIGNED + 1),
            forge.marker() + plain,
        ),
    ]
    result = lab.refused(lab.signed(*files), 30, "quorum-not-met")
    assert result.json["images"][0]["signers"] == ["anna"]


@attack("SIG-37")
def test_one_person_under_two_names(tmp_path: Path) -> None:
    """No mathematics tells; one key under two names is refused (40), one address is pointed out at the ceremony."""
    anna = crew()["anna"][0]
    site = Site(tmp_path, {"anna": (anna,), "annika": (anna,), "bert": crew()["bert"]})
    result = site.init()
    assert (result.code, result.kinds) == (40, ["key-of-two-people"])
    assert not site.trust.exists()
    twice = [
        forge.Person(nick, nick.title(), "anna@example.org", (crew()[key][0].fingerprint,))
        for nick, key in (("anna", "anna"), ("annika", "bert"))
    ]
    site.maintainers.write_text(forge.maintainers_toml(twice))
    site.keyring.write_bytes(b"".join(one[0].bytes for one in crew().values()))
    made = site.init()
    assert made.code == 0
    assert "anna@example.org" in made.errors


@attack("SIG-39")
def test_a_bad_signature_among_enough(lab: Lab) -> None:
    """It is listed, and takes nothing away: else anybody could stop an image by adding garbage."""
    bad = [b"garbage", by("carl", digest=sample("evil").digest), by("dora", sig_type=0x02)]
    verdict = lab.accepted(lab.signed(bad[0], by("anna"), bad[1], by("bert"), bad[2])).json
    assert verdict["images"][0]["signers"] == ["anna", "bert"]
    assert [one["status"] for one in verdict["images"][0]["signatures"]] == ["bad", "good", "bad", "good", "bad"]


# Claims


@attack("SIG-40")
def test_a_claim_for_another_digest(lab: Lab) -> None:
    voids(lab, by("bert", digest=sample("evil").digest), "claim-digest-mismatch")
    voids(lab, by("bert", digest=IMAGE.configs[0].digest), "claim-digest-mismatch")


@attack("SIG-41")
@pytest.mark.parametrize(
    "reference",
    ["docker.io/stagex/pallet-go", "quay.io/stagex/pallet-rust", "docker.io/evil/pallet-rust", "docker.io/stagex"],
)
def test_a_claim_for_another_repository(lab: Lab, reference: str) -> None:
    voids(lab, by("bert", reference=reference), "claim-identity-mismatch")


@attack("SIG-41")
def test_a_claim_for_another_tag(lab: Lab) -> None:
    """An image that is carried under a tag needs claims for that tag."""
    name = f"{RUST}:1.80"
    files = [by("anna", reference=name), by("bert", reference=f"{RUST}:1.79")]
    result = lab.refused(put_together(IMAGE, files, lab.site, reference=name), 30, "quorum-not-met")
    assert reasons(result) == [None, "claim-identity-mismatch"]


@attack("SIG-42")
@pytest.mark.parametrize(
    "reference",
    [
        *("Docker.io/stagex/pallet-rust", "DOCKER.IO/stagex/pallet-rust", "docker.io/Stagex/pallet-rust"),
        *(
            "d\u043ecker.io/stagex/pallet-rust",
            "docker.io/stagex/p\u0430llet-rust",
            "xn--dcker-jye.io/stagex/pallet-rust",
        ),
        *("docker.io./stagex/pallet-rust", "docker.io:443/stagex/pallet-rust", "https://docker.io/stagex/pallet-rust"),
        *("docker.io/stagex/pallet-rust/", " docker.io/stagex/pallet-rust", "docker.io/stagex/pallet-rust\n"),
        *("docker.io/stagex//pallet-rust", "docker.io/stagex/../stagex/pallet-rust", "pallet-rust", ""),
    ],
)
def test_names_that_are_nearly_right(lab: Lab, reference: str) -> None:
    voids(lab, by("bert", reference=reference), "claim-identity-mismatch", "claim-malformed")


@attack("SIG-42")
def test_a_claim_with_a_digest(lab: Lab) -> None:
    """A reference with the right digest is for this image; a claim that contradicts itself is for none.

    containers/image compares the repository alone here: we are stricter.
    """
    lab.accepted(lab.signed(by("anna"), by("bert", reference=f"{RUST}@{IMAGE.digest}")))
    evil = sample("evil").digest
    for reference in (f"{RUST}@{evil}", f"{RUST}:latest@{evil}"):
        voids(lab, by("bert", reference=reference), "claim-identity-mismatch", "claim-malformed")


SEVERAL: Mapping[str, Callable[[bytes], bytes]] = {
    "an array": lambda claim: b"[" + claim + b"]",
    "two": lambda claim: b"[" + claim + b"," + claim.replace(b"pallet-rust", b"evil") + b"]",
    "one behind the other": lambda claim: claim + claim,
    "critical twice": lambda claim: claim.replace(b'{"critical"', b'{"critical":{},"critical"', 1),
    "digest twice": lambda claim: claim.replace(
        b'"docker-manifest', b'"docker-manifest-digest":"","docker-manifest', 1
    ),
    "more in critical": lambda claim: claim.replace(b'"type"', b'"x":1,"type"', 1),
    "another type": lambda claim: claim.replace(b"atomic", b"cosign"),
    "no object": lambda _: b"null",
}


@attack("SIG-45")
@pytest.mark.parametrize("name", SEVERAL)
def test_several_claims(lab: Lab, name: str) -> None:
    payload = SEVERAL[name](CLAIM)
    assert payload != CLAIM
    voids(lab, forge.inline(BERT.signing_key, payload), "claim-malformed", "claim-format-not-allowed")


@attack("SIG-45")
def test_older_claims(lab: Lab, tmp_path: Path) -> None:
    """Where the root does not allow them they do not count; where it does, an array of one only."""
    voids(lab, by("bert", legacy=True), "claim-format-not-allowed")
    lenient = Lab(tmp_path / "lab", {"anna": crew()["anna"], "bert": crew()["bert"]})
    site = lenient.site
    site.trust.rename(site.folder / "first")
    assert site.init("--claim-format", "stagex-legacy", "--claim-format", "atomic").code == 0
    lenient.accepted(lenient.signed(by("anna"), by("bert", legacy=True)))
    one = forge.claim(RUST, IMAGE.digest, legacy=True)
    two = one[:-1] + b"," + forge.claim(RUST, sample("evil").digest, legacy=True)[1:]
    voids(lenient, forge.inline(BERT.signing_key, two), "claim-malformed")


@attack("SIG-47")
def test_an_old_version(fresh: Lab) -> None:
    """Rightly signed, a year before what this machine has: the signatures are as good as ever, the image is not."""
    site = fresh.site
    site.bundle.write_bytes(fresh.signed(by("anna"), by("bert")).packed())
    line = ["import", site.bundle, "--trust", site.trust, "--store", site.store, "--at", AT]
    assert run(*line).code == 0
    old = sample("vulnerable")
    files = [by(nick, digest=old.digest, created=SIGNED - 300 * DAY) for nick in ("anna", "bert")]
    fresh.refused(put_together(old, files, site), 41, "older-than-accepted")


@attack("SIG-48")
def test_signatures_by_people_who_left(fresh: Lab, tmp_path: Path) -> None:
    """Who counts is decided by the version of the root that is in force, not by a clock or by the bundle's list."""
    site = fresh.site
    left = Site(tmp_path / "left", {nick: crew()[nick] for nick in ("anna", "bert", "carl")})
    update = run(
        *("trust", "update", "--trust", site.trust, "--maintainers", left.maintainers, "--by-hand", "--yes"),
        *("--at", AT, "--format", "json"),
    )
    assert update.code == 0, update
    result = fresh.refused(fresh.signed(by("anna"), by("dora")), 30, "quorum-not-met")
    assert reasons(result) == [None, "not-a-maintainer"]


@attack("SIG-49")
def test_a_user_id_with_the_name_of_another(lab: Lab) -> None:
    liar = forge.certificate("liar", user_ids=["Bert <bert@example.org>"])
    result = voids(lab, signature(liar, RUST, IMAGE.digest), "not-a-maintainer", "no-certificate", keyring=ring(liar))
    assert "bert" not in result.json["images"][0]["signers"]
    assert result.json["images"][0]["signatures"][1]["maintainer"] is None


CRITICAL: dict[str, tuple[dict[str, Any], set[str]]] = {
    "unknown": ({"hashed": [forge.subpacket(100, b"x", critical=True)]}, {"critical-subpacket-unknown"}),
    "notation": (
        {"hashed": [forge.notation("x@example.org", b"y", critical=True)]},
        {"critical-notation-unknown", "critical-subpacket-unknown"},
    ),
    "no issuer": ({"omit": ["issuer", "issuer-fingerprint"]}, {"issuer-missing", "one-pass-mismatch"}),
    "another issuer": ({"unhashed": [forge.subpacket(16, bytes(8))]}, {"issuer-mismatch", "one-pass-mismatch"}),
    "no time": ({"omit": ["creation"]}, {"creation-time-missing"}),
    "time twice": ({"hashed": [forge.subpacket(2, bytes(4))]}, {"creation-time-missing"}),
    "expired": ({"expires": 60}, {"signature-expired"}),
    "of the future": ({"created": SIGNED + 400 * DAY}, {"signature-from-the-future"}),
    "older than the key": (
        {"created": CREATED - 1},
        {"signature-older-than-key", "self-signature-newer-than-signature"},
    ),
    "corrupt": ({"corrupt": True}, {"bad-signature", "signature-malformed"}),
}


@attack("SIG-50")
@pytest.mark.parametrize("name", CRITICAL)
def test_subpackets(lab: Lab, name: str) -> None:
    options, why = CRITICAL[name]
    voids(lab, by("bert", style="detached", **options), *why)
    voids(lab, by("bert", **options), *why, "one-pass-mismatch")


@attack("SIG-50")
def test_what_is_not_signed_decides_nothing(lab: Lab) -> None:
    """An expiry in the unhashed area is anybody's; the signature counts as it was made."""
    extra = [forge.subpacket(16, BERT.primary.key_id), forge.subpacket(3, (1).to_bytes(4, "big"))]
    lab.accepted(lab.signed(by("anna"), by("bert", style="detached", unhashed=extra)))


@attack("SIG-51")
def test_a_designated_revoker(lab: Lab) -> None:
    """Nobody revokes for another: a revocation by a third party has no effect on a pinned certificate."""
    by_mallory = forge.key_revocation(BERT.primary, signer=MALLORY)
    named = forge.certification(
        BERT.primary, "Bert <bert@example.org>", created=CREATED + DAY,
        hashed=[forge.subpacket(12, b"\x80\x16" + MALLORY.fingerprint)],
    )  # fmt: skip
    for certificate in (BERT.revoked(by_mallory), BERT.insert("user-id", named).revoked(by_mallory)):
        lab.accepted(lab.signed(by("anna"), by("bert"), keyring=ring(certificate)))


@attack("SIG-52")
@pytest.mark.parametrize("version", [2, 3, 5, 7])
def test_old_and_new_versions(lab: Lab, version: int) -> None:
    body = signature_body(BERT.primary, 0x00, CLAIM, created=SIGNED, version=3)
    voids(lab, forge.packet(2, bytes([version]) + body[1:]), "signature-version-unsupported", "signature-malformed")


@attack("SIG-52")
@pytest.mark.parametrize("algorithm", [16, 17, 20, 23, 99])
def test_unknown_algorithms(lab: Lab, algorithm: int) -> None:
    """DSA, Elgamal, and what nobody knows: unsupported is never good."""
    file = by("bert", style="detached", algorithm=algorithm)
    voids(lab, file, "algorithm-unsupported", "signature-malformed", "message-malformed", "bad-signature")


@attack("SIG-52")
@pytest.mark.parametrize("algorithm", ["k256", "bp256"])
def test_unknown_curves(tmp_path: Path, algorithm: str) -> None:
    odd = forge.certificate(f"odd {algorithm}", algorithm=algorithm)
    lab = Lab(tmp_path / "lab", {"anna": crew()["anna"], "odd": (odd,)})
    why = {"algorithm-unsupported", "weak-key", "no-self-signature", "no-certificate", "certificate-malformed"}
    file = forge.detached(odd.primary, CLAIM, value=forge.mpi(1) * 2)
    voids(lab, file, *why)
