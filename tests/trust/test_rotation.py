"""A new MAINTAINERS, adopted by old and new people (TRUST rule 9; attacks TUF-09, TUF-10)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import forge
import pytest
from forge import Certificate, Person

from airgap.digest import digest_of
from airgap.errors import AirgapError, FormatError, RollbackError, TrustRootError
from airgap.openpgp.keyring import Keyring, load_keyring
from airgap.trust.maintainers import parse_maintainers
from airgap.trust.pinned import Trust
from airgap.trust.root import new_root
from airgap.trust.rotation import Offer, adopt_by_hand, adopt_signed, dated

NOW = forge.SIGNED + 86_400


@cache
def key_of(nick: str) -> Certificate:
    return forge.certificate(f"rotation {nick}", user_ids=[f"{nick} <{nick}@example.org>"])


def maintainers(*nicks: str) -> bytes:
    people = [Person(nick, nick, f"{nick}@example.org", (key_of(nick.strip("'")).fingerprint,)) for nick in nicks]
    return forge.maintainers_toml(people).encode()


def keyring(*nicks: str) -> Keyring:
    return load_keyring(key_of(nick).bytes for nick in nicks)


def pinned(*nicks: str, threshold: int = 2, required: Iterable[tuple[str, ...]] = ()) -> Trust:
    data = maintainers(*nicks)
    root = new_root(parse_maintainers(data), threshold, maintainers=digest_of(data), required=required)
    return Trust(root, keyring(*nicks))


def offer(nicks: Iterable[str], signers: Iterable[str], *, time: int = NOW - 1000, over: bytes | None = None) -> Offer:
    data = maintainers(*nicks)
    document = data if over is None else over
    return Offer(
        data,
        tuple((f"{nick}.sig", forge.detached(key_of(nick).signing_key, document, created=time)) for nick in signers),
    )


OLD = ("anna", "bert", "carl")
NEW = ("bert", "carl", "dora")


def adopt(trust: Trust, *offers: Offer, threshold: int | None = None) -> Trust:
    changes = adopt_signed(trust, offers, keyring("anna", "bert", "carl", "dora", "emil"), NOW, threshold=threshold)
    return changes[-1].trust if changes else trust


def by_hand(trust: Trust, offered: Offer, carried: Keyring, **options: Any) -> Trust:
    change = adopt_by_hand(trust, offered, carried, **options)
    assert change is not None
    return change.trust


def refused(trust: Trust, *offers: Offer, kind: str = "rotation-not-authorised", threshold: int | None = None) -> str:
    with pytest.raises((TrustRootError, RollbackError)) as caught:
        adopt(trust, *offers, threshold=threshold)
    assert caught.value.kind == kind
    assert caught.value.exit_status == (41 if isinstance(caught.value, RollbackError) else 40)
    return caught.value.message


class TestAuthorised:
    def test_one_leaves_and_one_joins(self) -> None:
        before = pinned(*OLD)
        (change,) = adopt_signed(before, [offer(NEW, ("bert", "carl"))], keyring("dora"), NOW)
        after = change.trust
        assert (change.old_signers, change.new_signers) == (("bert", "carl"), ("bert", "carl"))
        assert [person.nick for person in after.root.people] == ["bert", "carl", "dora"]
        assert (after.root.version, after.root.threshold) == (2, 2)
        assert after.history == (before.root,)
        assert after.root.maintainers == digest_of(maintainers(*NEW))
        assert set(after.able) == set(NEW)
        assert after.memory.maintainers == NOW - 1000

    def test_all_are_replaced(self) -> None:
        """Two of the old ones and two of the new ones, four signatures."""
        after = adopt(pinned("anna", "bert"), offer(("carl", "dora"), ("anna", "bert", "carl", "dora")))
        assert [person.nick for person in after.root.people] == ["carl", "dora"]

    def test_another_threshold(self) -> None:
        signed = offer(NEW, ("bert", "carl", "dora"))
        assert adopt(pinned(*OLD), signed, threshold=3).root.threshold == 3
        refused(pinned(*OLD), offer(NEW, ("bert", "carl")), threshold=3)
        with pytest.raises(TrustRootError) as caught:
            adopt(pinned(*OLD), signed, threshold=4)
        assert caught.value.kind == "threshold-invalid"

    def test_what_is_in_force_is_no_change(self) -> None:
        assert adopt_signed(pinned(*OLD), [offer(OLD, ())], keyring(*OLD), NOW) == []

    def test_an_inline_message_over_the_same_bytes(self) -> None:
        data = maintainers(*NEW)
        files = tuple((nick, forge.inline(key_of(nick).signing_key, data)) for nick in ("bert", "carl"))
        assert adopt(pinned(*OLD), Offer(data, files)).root.version == 2
        other = tuple((nick, forge.inline(key_of(nick).signing_key, data + b"\n")) for nick in ("bert", "carl"))
        assert "other bytes" in refused(pinned(*OLD), Offer(data, other))


class TestRefused:
    @pytest.mark.parametrize("signers", [(), ("anna", "bert"), ("bert",), ("carl", "dora"), ("bert", "dora")])
    def test_tuf_09_too_few_of_the_old_or_of_the_new(self, signers: tuple[str, ...]) -> None:
        """anna left, dora joins: bert and carl alone are on both sides."""
        message = refused(pinned(*OLD), offer(NEW, signers))
        assert "2 must" in message

    def test_tuf_09_the_new_set_alone(self) -> None:
        message = refused(pinned("anna", "bert"), offer(("carl", "dora"), ("carl", "dora")))
        assert "nobody of the people of version 1" in message

    def test_tuf_09_the_old_set_alone(self) -> None:
        message = refused(pinned("anna", "bert"), offer(("carl", "dora"), ("anna", "bert")))
        assert "of the people whom it names itself" in message

    def test_other_bytes(self) -> None:
        data = maintainers(*NEW)
        for over in (data + b"\n", data.replace(b"\n", b"\r\n"), b""):
            refused(pinned(*OLD), offer(NEW, ("bert", "carl"), over=over))

    def test_one_person_with_many_signatures(self) -> None:
        signed = offer(NEW, ("bert", "bert", "bert"))
        assert "bert of the people of version 1" in refused(pinned(*OLD), signed)

    def test_a_stranger_who_bears_a_name(self) -> None:
        """The new file gives bert another key: that one signs as somebody new, not as the old bert."""
        mallory = forge.certificate("mallory as bert")
        people = [
            Person("bert", "bert", "x@example.org", (mallory.fingerprint,)),
            Person("carl", "carl", "y@example.org", (key_of("carl").fingerprint,)),
        ]
        data = forge.maintainers_toml(people).encode()
        files = (
            ("bert", forge.detached(mallory.signing_key, data)),
            ("carl", forge.detached(key_of("carl").signing_key, data)),
        )
        with pytest.raises(TrustRootError) as caught:
            adopt_signed(pinned(*OLD), [Offer(data, files)], load_keyring([mallory.bytes, key_of("carl").bytes]), NOW)
        assert caught.value.kind == "rotation-not-authorised"

    def test_a_key_revoked_by_hand(self) -> None:
        trust = pinned(*OLD)
        gone = replace(trust, memory=trust.memory.without(trust.root.people.fingerprints_of("carl"), 1))
        assert "trust revoke" in refused(gone, offer(NEW, ("bert", "carl")))
        assert adopt(gone, offer(("anna", "bert", "dora"), ("anna", "bert"))).root.version == 2

    def test_signed_tomorrow(self) -> None:
        refused(pinned(*OLD), offer(NEW, ("bert", "carl"), time=NOW + 86_400))

    def test_a_file_that_is_no_maintainers(self) -> None:
        for data in (b"", b"[people]", b"not toml"):
            with pytest.raises(FormatError):
                adopt(pinned(*OLD), Offer(data))

    def test_a_threshold_that_the_new_people_cannot_meet(self) -> None:
        with pytest.raises(TrustRootError) as caught:
            adopt(pinned(*OLD), offer(("bert",), ("bert", "carl")))
        assert caught.value.kind == "threshold-invalid"


class TestRollback:
    def test_tuf_10_the_one_before(self) -> None:
        """However well it is signed, even now: what was replaced comes back by hand only."""
        after = adopt(pinned(*OLD), offer(NEW, ("bert", "carl"), time=NOW - 900))
        for signers in ((), ("anna", "bert", "carl")):
            message = refused(after, offer(OLD, signers, time=NOW - 100), kind="maintainers-older")
            assert "was that of version 1" in message

    def test_tuf_10_another_successor(self) -> None:
        """The people of version 1 signed two files; the first that arrived stands."""
        after = adopt(pinned("anna", "bert"), offer(("carl", "dora"), ("anna", "bert", "carl", "dora")))
        other = offer(("dora", "emil"), ("anna", "bert", "dora", "emil"))
        assert "another successor of version 1" in refused(after, other, kind="maintainers-older")

    def test_an_older_one_that_never_was_in_force_here(self) -> None:
        after = adopt(pinned(*OLD), offer(NEW, ("bert", "carl"), time=NOW - 500))
        for time in (NOW - 900, NOW - 500):
            older = offer(("bert", "carl", "emil"), ("bert", "carl"), time=time)
            refused(after, older, kind="maintainers-older")
        assert adopt(after, offer(("bert", "carl", "emil"), ("bert", "carl"), time=NOW - 499)).root.version == 3

    def test_an_older_one_than_the_first(self) -> None:
        """When the first was signed is known from the signatures over it; the M-th newest decides."""
        first = dated(pinned(*OLD), offer(OLD, ("anna", "bert"), time=NOW - 500), NOW)
        assert first.memory.maintainers == NOW - 500
        older = offer(NEW, ("bert", "carl"), time=NOW - 900)
        refused(first, older, kind="maintainers-older")
        assert adopt(pinned(*OLD), older).root.version == 2
        assert adopt(first, offer(NEW, ("bert", "carl"), time=NOW - 499)).root.version == 2

    @pytest.mark.parametrize("signers", [(), ("anna",), ("anna", "dora")])
    def test_a_first_one_that_too_few_signed(self, signers: tuple[str, ...]) -> None:
        with pytest.raises(TrustRootError) as caught:
            dated(pinned(*OLD), offer(OLD, signers), NOW)
        assert caught.value.kind == "rotation-not-authorised"


class TestChains:
    first = offer(("bert", "carl", "dora"), ("bert", "carl"), time=NOW - 900)
    second = offer(("carl", "dora", "emil"), ("carl", "dora"), time=NOW - 800)

    def test_all_steps_at_once(self) -> None:
        after = adopt(pinned(*OLD), self.first, self.second)
        assert (after.root.version, len(after.history)) == (3, 2)
        assert [person.nick for person in after.root.people] == ["carl", "dora", "emil"]

    def test_from_where_one_is(self) -> None:
        middle = adopt(pinned(*OLD), self.first)
        assert adopt(middle, self.first, self.second).root.version == 3
        assert adopt_signed(middle, [offer(OLD, ()), self.first], keyring(*OLD), NOW) == []

    def test_a_step_is_missing(self) -> None:
        refused(pinned(*OLD), self.second)

    def test_all_or_nothing(self) -> None:
        broken = replace(self.second, signatures=self.second.signatures[:1])
        refused(pinned(*OLD), self.first, broken)


class TestGroups:
    def test_one_of_a_group_must_sign(self) -> None:
        trust = pinned(*OLD, required=[("anna",)])
        with pytest.raises(TrustRootError) as caught:
            adopt(trust, offer(("anna", "bert", "dora"), ("bert", "carl")))
        assert "one of anna must" in caught.value.message
        after = adopt(trust, offer(("anna", "bert", "dora"), ("anna", "bert")))
        assert after.root.required == (("anna",),)

    def test_who_leaves_leaves_the_group(self) -> None:
        trust = pinned(*OLD, required=[("anna", "bert")])
        assert adopt(trust, offer(NEW, ("bert", "carl"))).root.required == (("bert",),)

    def test_a_group_is_never_emptied_by_accident(self) -> None:
        trust = pinned(*OLD, required=[("anna",)])
        signed = offer(NEW, ("anna", "bert", "carl"))
        with pytest.raises(TrustRootError) as caught:
            adopt(trust, signed)
        assert caught.value.kind == "required-people-unknown"
        assert by_hand(trust, signed, keyring("dora"), required=[("bert", "dora")]).root.required == (("bert", "dora"),)


def certificates(trust: Trust) -> Mapping[str, bytes]:
    return {str(one.primary.fingerprint): one.encoded() for one in trust.keyring}


def test_by_hand_keeps_the_time_of_the_last_signed_one() -> None:
    after = adopt(pinned(*OLD), offer(NEW, ("bert", "carl")))
    last = by_hand(after, offer(("dora", "emil"), ()), keyring("emil"))
    assert last.root.version == 3
    assert last.memory.maintainers == after.memory.maintainers
    assert set(last.able) == {"dora", "emil"}
    assert adopt_by_hand(last, offer(("dora", "emil"), ()), keyring("emil"), threshold=2) is None
    assert by_hand(last, offer(("dora", "emil"), ()), keyring("emil"), threshold=1).root.threshold == 1


def test_who_comes_back_is_still_revoked() -> None:
    """Nothing makes the machine forget a revocation: not leaving, and not joining with a clean copy."""
    trust = pinned(*OLD)
    warned = trust.with_revocations(load_keyring([key_of("anna").revoked().bytes]))
    assert certificates(warned) != certificates(trust)
    gone = by_hand(warned, offer(NEW, ()), keyring("dora"))
    back = by_hand(gone, offer(("anna", "carl", "dora"), ()), keyring("anna"))
    assert key_of("anna").fingerprint in certificates(back)
    assert certificates(back)[key_of("anna").fingerprint] == certificates(warned)[key_of("anna").fingerprint]
    with pytest.raises(AirgapError):
        adopt(back, offer(("anna", "carl", "emil"), ("anna", "carl")))
