"""All cases, the same ones in every run for the same reference time."""

from __future__ import annotations

from collections import Counter
from itertools import chain

from . import algorithms, chance, framing, oddities, revocations, shapes, subpackets, times
from .case import Case, Draft

_THROWS = {4: 1000, 6: 500}  # of the cases by chance, by the version of their keys, those that every run asks


def all_cases(reference: int) -> list[Case]:
    """Every case, with ``reference`` (seconds since 1970, after 2026-01-01) as the time of the decision."""
    drafts = chain(
        algorithms.drafts(),
        times.drafts(reference),
        revocations.drafts(reference),
        oddities.drafts(),
        framing.drafts(),
        shapes.drafts(),
        subpackets.drafts(),
        *(chance.drafts(count, 0, version) for version, count in _THROWS.items()),
    )
    cases = [_case(one, reference) for one in drafts]
    twice = [name for name, count in Counter(case.name for case in cases).items() if count > 1]
    if twice:
        raise ValueError(f"cases with the same name: {twice[:10]}")
    return cases


def cases_by_chance(reference: int, count: int, seed: int) -> list[Case]:
    """Other throws than those among all_cases(), for longer runs."""
    return [_case(one, reference) for one in chance.drafts(count, seed)]


def _case(one: Draft, reference: int) -> Case:
    return Case(one.name, one.certificate, one.signature, one.payload, reference, one.modern, one.unjudged)
