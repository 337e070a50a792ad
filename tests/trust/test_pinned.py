"""What is pinned only ever learns: revocations stick, whatever comes in whatever order (TRUST rules 3 and 4)."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import forge
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airgap.errors import OpenPGPError, TrustRootError
from airgap.limits import LIMITS
from airgap.openpgp.keyring import Keyring, load_keyring
from airgap.openpgp.keys import Unusable, parse_fingerprint
from airgap.trust.keys import KeyPolicy
from airgap.trust.maintainers import People, Person
from airgap.trust.pinned import Trust, pinned
from airgap.trust.root import TrustRoot, new_root
from airgap.verify import judge_for_image
from tests.trust.judged import CLAIM, IMAGE, KEYS, NOW, certificate_of, everybody, fingerprint_of, trust


def carried(*files: bytes) -> Keyring:
    return load_keyring(files)


def judge(held: Trust, key: str) -> str | None:
    data = forge.inline(certificate_of(key).signing_key, CLAIM)
    report = judge_for_image(IMAGE, "x/signature-1", data, held, NOW)
    return None if report.error is None else report.error.kind


REVOKED = {key: certificate_of(key).revoked().bytes for key in KEYS}


class TestRevocations:
    def test_kept_alone(self) -> None:
        """Of a refused bundle the revocation stays, and nothing else: neither a new subkey nor a new expiry."""
        extra = forge.secret_key("judged alice/extra", "eddsa")
        cert = certificate_of("alice").with_subkey(extra).revoked()
        after = trust().with_revocations(carried(cert.bytes))
        assert judge(after, "alice") == "certificate-revoked"
        (held,) = [one for one in after.keyring if str(one.primary.fingerprint) == fingerprint_of("alice")]
        assert held.subkeys == ()
        assert len(held.revocations) == 1

    def test_without_any_nothing_changes(self) -> None:
        extra = forge.secret_key("judged alice/extra", "eddsa")
        cert = certificate_of("alice").with_subkey(extra)
        after = trust().with_revocations(carried(cert.bytes))
        assert after.keyring.encoded() == trust().keyring.encoded()

    def test_of_a_subkey_that_is_not_here_yet(self) -> None:
        extra = forge.secret_key("judged alice/extra", "eddsa")
        primary = certificate_of("alice").primary
        gone = certificate_of("alice").with_subkey(
            extra, forge.subkey_binding(primary, extra), forge.subkey_revocation(primary, extra)
        )
        warned = trust().with_revocations(carried(gone.bytes))
        clean = carried(certificate_of("alice").with_subkey(extra).bytes)
        data = forge.inline(extra, CLAIM)

        def kind(held: Trust) -> str | None:
            report = judge_for_image(IMAGE, "x/signature-1", data, held, NOW)
            return None if report.error is None else report.error.kind

        assert kind(trust().with_certificates(clean)) is None
        assert kind(warned.with_certificates(clean)) == "subkey-revoked"

    def test_a_stranger_cannot_revoke(self) -> None:
        forged = forge.key_revocation(certificate_of("alice").primary, signer=certificate_of("mallory").primary)
        after = trust().with_revocations(carried(certificate_of("alice").insert("primary", forged).bytes))
        assert after.keyring.encoded() == trust().keyring.encoded()
        assert judge(after, "alice") is None

    def test_strangers_are_not_pinned(self) -> None:
        after = trust().with_revocations(carried(certificate_of("mallory").revoked().bytes))
        assert after.keyring.encoded() == trust().keyring.encoded()

    def test_of_somebody_without_a_certificate_here(self) -> None:
        nobody = Trust(trust().root, Keyring())
        warned = nobody.with_revocations(carried(REVOKED["bob"]))
        assert len(warned.keyring) == 1
        full = warned.with_certificates(carried(*(certificate_of(key).bytes for key in KEYS)))
        assert judge(full, "bob") == "certificate-revoked"
        assert judge(full, "alice") is None

    def test_too_many_to_be_kept(self, monkeypatch: pytest.MonkeyPatch) -> None:
        revoked = carried(REVOKED["bob"])
        monkeypatch.setattr(type(LIMITS), "self_signatures", 1)
        with pytest.raises(OpenPGPError, match="too many"):
            trust().with_revocations(revoked)


class TestAccepting:
    def test_what_made_a_copy_unreadable_is_left_out(self, monkeypatch: pytest.MonkeyPatch) -> None:
        before = trust()
        revoked = carried(REVOKED["bob"])
        monkeypatch.setattr(type(LIMITS), "self_signatures", 1)
        seen = before.with_certificates(revoked)
        assert parse_fingerprint(fingerprint_of("bob")) not in seen.keyring
        after = before.accepting(seen, [])
        assert after.keyring.encoded() == before.keyring.encoded()

    def test_a_new_subkey_is_kept(self) -> None:
        extra = forge.secret_key("judged alice/extra", "eddsa")
        full = carried(certificate_of("alice").with_subkey(extra).bytes)
        after = trust().accepting(trust().with_certificates(full), [])
        assert after.keyring.encoded() != trust().keyring.encoded()
        assert extra.fingerprint.hex().upper() in {str(key.fingerprint) for one in after.keyring for key in one.keys}


BUNDLES = st.lists(
    st.tuples(st.dictionaries(st.sampled_from(sorted(KEYS)), st.booleans(), max_size=4), st.booleans()), max_size=6
)


@cache
def file_of(key: str, revoked: bool) -> bytes:
    return REVOKED[key] if revoked else certificate_of(key).bytes


@given(BUNDLES)
def test_no_sequence_of_bundles_forgets_a_revocation(bundles: list[tuple[dict[str, bool], bool]]) -> None:
    """Accepted or refused, in any order, with clean copies after it: a revoked key never counts again."""
    held, gone = trust(), set()
    for keys, accepted in bundles:
        keyring = carried(*(file_of(key, revoked) for key, revoked in keys.items()))
        before, held = held, held.with_revocations(keyring)
        if accepted:
            held = held.accepting(before.with_certificates(keyring), [])
        gone |= {key for key, revoked in keys.items() if revoked}
        for key in KEYS:
            assert (judge(held, key) == "certificate-revoked") is (key in gone)


@given(BUNDLES)
def test_nor_that_of_somebody_who_left(bundles: list[tuple[dict[str, bool], bool]]) -> None:
    """Bob counts no more; if he comes back, what was revoked meanwhile is revoked."""
    root = new_root(People(person for person in everybody() if person.nick != "bob"), 2)
    held, gone = replace(trust(), root=root, history=(trust().root,)), False
    for keys, accepted in bundles:
        keyring = carried(*(file_of(key, revoked) for key, revoked in keys.items()))
        before, held = held, held.with_revocations(keyring)
        if accepted:
            held = held.accepting(before.with_certificates(keyring), [])
        gone = gone or keys.get("bob", False)
    back = held.succeeded(replace(trust().root, version=3), carried(certificate_of("bob").bytes), None)
    assert (judge(back, "bob") == "certificate-revoked") is gone


class TestOneSecret:
    """One secret is one vote, under whatever fingerprints."""

    @staticmethod
    def cast(**people: forge.Certificate) -> tuple[TrustRoot, Keyring]:
        listed = People(Person(nick, (parse_fingerprint(cert.fingerprint),)) for nick, cert in people.items())
        return new_root(listed, 2), carried(*(cert.bytes for cert in people.values()))

    @staticmethod
    def twins(where: str) -> tuple[forge.Certificate, forge.Certificate]:
        """The same secret twice, made at two times, as primary keys or as subkeys."""
        if where == "primary":
            return forge.certificate("twin"), forge.certificate("twin", created=forge.CREATED + 1)
        first, second = (forge.secret_key("twin", "eddsa", created=forge.CREATED + at) for at in (0, 5))
        return forge.certificate("twin one").with_subkey(first), forge.certificate("twin two").with_subkey(second)

    @pytest.mark.parametrize("where", ["primary", "subkey"])
    def test_of_two_people(self, where: str) -> None:
        one, two = self.twins(where)
        root, ring = self.cast(anna=one, bert=two)
        with pytest.raises(TrustRootError, match="anna and bert") as caught:
            pinned(root, ring)
        assert caught.value.kind == "key-of-two-people"
        before = pinned(*self.cast(anna=one, carl=forge.certificate("carl")))
        with pytest.raises(TrustRootError) as caught:
            before.succeeded(replace(root, version=2), ring, None)
        assert caught.value.kind == "key-of-two-people"

    @pytest.mark.parametrize("where", ["primary", "subkey"])
    def test_that_comes_with_a_bundle(self, where: str) -> None:
        """No certificate of bert was here when the root was made."""
        one, two = self.twins(where)
        root, ring = self.cast(anna=one, bert=two)
        held = pinned(root, carried(one.bytes)).with_certificates(ring)
        for cert in (one, two):
            report = judge_for_image(IMAGE, "x/signature-1", forge.inline(cert.signing_key, CLAIM), held, NOW)
            assert report.error is not None
            assert report.error.kind == "subkey-shared"
            assert "anna and bert" in report.error.message

    def test_of_one_person(self) -> None:
        """A key that was made anew under a new date is theirs all the same."""
        one, two = self.twins("primary")
        both = tuple(sorted(parse_fingerprint(cert.fingerprint) for cert in (one, two)))
        other = forge.certificate("carl")
        people = People([Person("anna", both), Person("carl", (parse_fingerprint(other.fingerprint),))])
        held = pinned(new_root(people, 2), carried(one.bytes, two.bytes, other.bytes))
        report = judge_for_image(IMAGE, "x/signature-1", forge.inline(two.signing_key, CLAIM), held, NOW)
        assert report.counts

    @pytest.mark.parametrize("where", ["primary", "subkey"])
    def test_a_stranger_who_claims_it_without_having_it(self, where: str) -> None:
        thief = forge.certificate("thief")
        claimed = forge.secret_key("judged alice", "eddsa") if where == "primary" else forge.secret_key("sub", "eddsa")
        victim = certificate_of("alice") if where == "primary" else certificate_of("alice").with_subkey(claimed)
        stolen = thief.with_subkey(claimed, forge.subkey_binding(thief.primary, claimed, back="none"))
        root, ring = self.cast(alice=victim, thief=stolen)
        assert pinned(root, ring).able == ("alice", "thief")

    def test_a_subkey_under_a_new_primary_key(self) -> None:
        """Who moved it does not stand in their own way: the old certificate is here, and counts no more."""
        subkey = forge.secret_key("card", "eddsa")
        old, new = (forge.certificate(name).with_subkey(subkey) for name in ("dora old", "dora new"))
        other = forge.certificate("carl")
        before = pinned(*self.cast(dora=old, carl=other))
        root, ring = self.cast(dora=new, carl=other)
        held = before.succeeded(replace(root, version=2), ring, None)
        report = judge_for_image(IMAGE, "x/signature-1", forge.inline(subkey, CLAIM), held, NOW)
        assert (report.maintainer, report.error) == ("dora", None)


class TestByHand:
    def test_it_never_counts_again(self) -> None:
        for who in ("alice", fingerprint_of("alice"), fingerprint_of("alice").lower()):
            fingerprints = everybody().fingerprints_of(who)
            held = Trust(trust().root, trust().keyring, trust().memory.without(fingerprints, NOW))
            assert judge(held, "alice") == "certificate-revoked"
            assert judge(held, "alice again") == ("certificate-revoked" if who == "alice" else None)
            assert judge(held, "bob") is None
            assert ("alice" in held.able) is (who != "alice")

    def test_the_first_date_stays(self) -> None:
        fingerprints = everybody().fingerprints_of("bob")
        memory = trust().memory.without(fingerprints, 5).without(fingerprints, 9)
        assert set(memory.revoked.values()) == {5}

    @pytest.mark.parametrize("who", ["", "mallory", "A" * 40, "alice ", fingerprint_of("alice")[:16]])
    def test_nobody(self, who: str) -> None:
        with pytest.raises(TrustRootError) as caught:
            everybody().fingerprints_of(who)
        assert caught.value.kind == "person-unknown"


class TestKeyPolicy:
    @pytest.mark.parametrize(
        ("algorithm", "version", "name"),
        [
            ("rsa2048", 4, "rsa"),
            ("eddsa", 4, "ed25519"),
            ("ed25519", 6, "ed25519"),
            ("ed448", 6, "ed448"),
            ("p256", 4, "ecdsa"),
        ],
    )
    def test_only_what_is_allowed(self, algorithm: str, version: int, name: str) -> None:
        cert = forge.certificate(f"policy {algorithm}", algorithm=algorithm, version=version)
        (held,) = carried(cert.bytes)
        KeyPolicy((name,)).require(held.primary)
        others = tuple(one for one in KeyPolicy().algorithms if one != name)
        with pytest.raises(OpenPGPError) as caught:
            KeyPolicy(others).require(held.primary)
        assert caught.value.kind == "algorithm-unsupported"

    def test_rsa_bits(self) -> None:
        (held,) = carried(forge.certificate("policy bits", algorithm="rsa2048").bytes)
        with pytest.raises(OpenPGPError) as caught:
            KeyPolicy(rsa_bits=3072).require(held.primary)
        assert caught.value.kind == "weak-key"

    def test_a_key_that_cannot_sign(self) -> None:
        (held,) = carried(forge.certificate("policy none").bytes)
        with pytest.raises(OpenPGPError) as caught:
            KeyPolicy().require(replace(held.primary, material=Unusable("encryption only")))
        assert caught.value.kind == "algorithm-unsupported"

    def test_a_file_is_judged_by_it(self) -> None:
        root = new_root(everybody(), 2, keys=KeyPolicy(("rsa", "ecdsa")))
        assert judge(Trust(root, trust().keyring), "alice") == "algorithm-unsupported"
