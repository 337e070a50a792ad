"""Rollback without a clock (TRUST rule 8; attacks TUF-01, TUF-03, TUF-20)."""

from __future__ import annotations

from dataclasses import replace

import forge
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airgap.digest import Digest
from airgap.errors import RollbackError
from airgap.reference import parse_reference, parse_repository
from airgap.trust.evidence import SignatureReport
from airgap.trust.pinned import Memory
from airgap.trust.rollback import Dated, Mark, Marks, quorum_time, raised, require_not_older
from airgap.verify import approve, judge_for_image
from tests.trust.judged import CLAIM, IMAGE, NAME, NOW, certificate_of, trust

RUST = parse_reference("docker.io/stagex/rust")
A, B, C = (Digest(letter * 64) for letter in "abc")


def signed(key: str, created: int) -> SignatureReport:
    data = forge.inline(certificate_of(key).signing_key, CLAIM, created=created)
    report = judge_for_image(IMAGE, f"x/{key}-{created}", data, trust(), NOW)
    assert report.counts, report
    return report


class TestWhenQuorumWasReached:
    def test_the_m_th_newest(self) -> None:
        reports = [signed("alice", NOW - 30), signed("bob", NOW - 20), signed("carol", NOW - 10)]
        assert [quorum_time(reports, threshold) for threshold in (1, 2, 3)] == [NOW - 10, NOW - 20, NOW - 30]

    def test_a_person_counts_once_with_the_newest(self) -> None:
        reports = [signed("bob", NOW - 50), *(signed("alice", NOW - age) for age in (40, 5, 10))]
        assert quorum_time(reports, 2) == NOW - 50
        assert quorum_time([*reports, signed("alice again", NOW)], 2) == NOW - 50

    def test_without_a_quorum(self) -> None:
        for reports, threshold in (([], 1), ([signed("alice", NOW)], 2), ([signed("alice", NOW)], 0)):
            with pytest.raises(ValueError, match="without a quorum"):
                quorum_time(reports, threshold)

    @given(st.lists(st.integers(1, 1000), min_size=2, max_size=3, unique=True), st.integers(1, 10**6))
    def test_tuf_20_one_bad_key_cannot_move_it(self, ages: list[int], lie: int) -> None:
        """With a threshold of two, whatever time one person writes, an honest one bounds it from above."""
        times = [NOW - age for age in ages]
        people = ["alice", "bob", "carol"][: len(times)]
        honest = max(times[1:])
        liar = replace(signed("alice", times[0]), file="liar")
        assert liar.good is not None
        object.__setattr__(liar.good, "created", NOW + lie)
        reports = [liar, *(signed(key, time) for key, time in zip(people[1:], times[1:], strict=True))]
        assert quorum_time(reports, 2) <= honest


def dated(digest: Digest, time: int, name: str = "docker.io/stagex/rust") -> Dated:
    return Dated(parse_reference(name), digest, time)


def refused(image: Dated, marks: Marks) -> RollbackError:
    with pytest.raises(RollbackError) as caught:
        require_not_older(image, marks)
    assert (caught.value.kind, caught.value.exit_status) == ("older-than-accepted", 41)
    return caught.value


class TestMarks:
    def test_first_newer_same_and_older(self) -> None:
        marks = raised({}, [dated(A, 100)])
        require_not_older(dated(A, 100), marks)
        require_not_older(dated(A, 7), marks)  # the same digest with fewer signatures
        require_not_older(dated(B, 100), marks)
        require_not_older(dated(B, 101), marks)
        require_not_older(dated(B, 1, "docker.io/stagex/other"), marks)
        error = refused(dated(B, 99), marks)
        assert error.facts["accepted"] == [str(A)]
        assert "1970-01-01T00:01:39Z" in error.message

    def test_what_was_accepted_earlier_is_older_too(self) -> None:
        marks = raised(raised({}, [dated(A, 100)]), [dated(B, 200)])
        refused(dated(A, 100), marks)

    def test_platforms_of_one_release(self) -> None:
        """Two images of one repository in one bundle, signed one after the other: the bundle may come again."""
        marks = raised({}, [dated(A, 90), dated(B, 100)])
        for image in (dated(A, 90), dated(B, 100)):
            require_not_older(image, marks)
        assert raised(marks, [dated(A, 90), dated(B, 100)]) == marks
        refused(dated(C, 95), marks)

    def test_an_override_lowers_nothing(self) -> None:
        marks = raised({}, [dated(B, 200)])
        assert raised(marks, [dated(A, 100)]) == marks
        refused(dated(A, 100), marks)

    @given(st.lists(st.lists(st.tuples(st.sampled_from([A, B, C]), st.integers(0, 50)), min_size=1), max_size=8))
    def test_no_mark_is_ever_lowered(self, imports: list[list[tuple[Digest, int]]]) -> None:
        marks: Marks = {}
        highest = -1
        for images in imports:
            marks = raised(marks, [dated(*image) for image in images])
            highest = max(highest, *(time for _, time in images))
            mark = marks[RUST.repository]
            assert mark.time == highest
            assert {digest for digest, time in images if time == highest} <= mark.digests


class TestApproval:
    def test_older_is_refused_or_overridden(self) -> None:
        reports = [signed("alice", NOW - 30), signed("bob", NOW - 20)]
        marks = {parse_repository(NAME): Mark(NOW - 10, frozenset({A}))}
        held = replace(trust(), memory=Memory(marks))
        with pytest.raises(RollbackError):
            approve(IMAGE, reports, held)
        allowed = approve(IMAGE, reports, held, allow_older=True)
        assert allowed.older is not None
        assert allowed.dated == Dated(IMAGE.reference, IMAGE.digest, NOW - 30)
        current = approve(IMAGE, reports, trust())
        assert (current.older, current.reached) == (None, NOW - 30)
