"""Nothing that we accept is refused by Sequoia, and whatever we alone refuse has its reason (QUALITY.md R4)."""

from __future__ import annotations

import time

import pytest

from tests.needs import lacking
from tests.tally import Tally

from . import oracles
from .case import Case
from .cases import all_cases
from .comparison import Verdict, compare
from .report import table, without_reason

pytestmark = [pytest.mark.engines, pytest.mark.differential]

CASES_AT_LEAST = 600


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return all_cases(int(time.time()))


@pytest.fixture(scope="module")
def verdicts(cases: list[Case]) -> list[Verdict]:
    missing = oracles.missing_programs()
    if missing:
        lacking(f"{' and '.join(missing)} not installed (Debian packages sqv and sq)")
    found = compare(cases)
    print("\n".join(table(found)))
    return found


def test_there_are_enough_cases_of_both_kinds(verdicts: list[Verdict]) -> None:
    assert len(verdicts) >= CASES_AT_LEAST
    assert sum(one.refusal is None and one.sequoia is True for one in verdicts) >= CASES_AT_LEAST
    assert sum(one.refusal is not None and one.sequoia is False for one in verdicts) >= CASES_AT_LEAST


def test_nothing_is_accepted_that_sequoia_refuses(tally: Tally, verdicts: list[Verdict]) -> None:
    laxer = [one.case.name for one in verdicts if one.is_laxer]
    assert not laxer, f"{len(laxer)} cases: {', '.join(laxer[:50])}"
    judged = sum(not one.is_unsupported for one in verdicts)
    stricter = sum(one.is_stricter for one in verdicts)
    tally("R4", "cases judged by Sequoia, too", judged, judged, f"{stricter} where airgap is stricter")


def test_whatever_only_we_refuse_has_its_reason(verdicts: list[Verdict]) -> None:
    assert sorted({one.refusal[0] for one in without_reason(verdicts) if one.refusal}) == []


def test_cases_are_the_same_in_every_run(cases: list[Case]) -> None:
    assert all_cases(cases[0].reference) == cases
