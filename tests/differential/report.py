"""The table that scripts/differential prints."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from . import oracles
from .cases import all_cases, cases_by_chance
from .comparison import Verdict, compare, judge
from .reasons import REASONS


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 if nothing is laxer and everything stricter has its reason, 1 if not, 2 without Sequoia."""
    parser = argparse.ArgumentParser(prog="scripts/differential", description=__doc__)
    parser.add_argument("--gpg", action="store_true", help="ask gpg as well (reported only; about 25 ms a case)")
    parser.add_argument(
        "--list", metavar="KIND", help="also name the cases where we refuse with KIND and Sequoia accepts"
    )
    parser.add_argument("--laxer", type=int, default=40, metavar="N", help="name at most N laxer cases (default 40)")
    parser.add_argument("--dump", nargs=2, metavar=("NAME", "DIR"), help="only write the files of one case into DIR")
    parser.add_argument(
        "--chance", nargs=2, type=int, metavar=("N", "SEED"), help="ask about N cases by chance instead (10 ms each)"
    )
    options = parser.parse_args(arguments)
    if options.dump:
        return dump(options.dump[0], Path(options.dump[1]))
    if missing := oracles.missing_programs():
        print(f"missing: {', '.join(missing)} (Debian packages sqv and sq)", file=sys.stderr)
        return 2
    started = time.monotonic()
    reference = int(time.time())
    verdicts = compare(cases_by_chance(reference, *options.chance) if options.chance else all_cases(reference))
    print("\n".join(table(verdicts)))
    if options.gpg:
        print("\n".join(gpg_table(verdicts)))
    for one in verdicts:
        if one.is_stricter and one.refusal and one.refusal[0] == options.list:
            print(f"  stricter: {one.case.name}: {one.refusal[1]}")
    laxer = [one for one in verdicts if one.is_laxer]
    for one in laxer[: options.laxer]:
        print(f"  LAXER: {one.case.name}")
    if len(laxer) > options.laxer:
        print(f"  LAXER: and {len(laxer) - options.laxer} more")
    print(f"{time.monotonic() - started:.0f} s")
    return 1 if laxer or without_reason(verdicts) else 0


def dump(name: str, folder: Path) -> int:
    """Write one case as the oracles see it: certificate, signature and, for detached ones, payload."""
    for case in all_cases(int(time.time())):
        if case.name == name:
            oracles.write(folder, case)
            print(f"{folder}: {judge(case) or 'we accept'}; modern: {case.modern}")
            return 0
    print(f"no case is called {name}", file=sys.stderr)
    return 2


def table(verdicts: Sequence[Verdict]) -> list[str]:
    """What the differential test counts, in lines."""
    judged = [one for one in verdicts if not one.is_unsupported]
    unsupported = [one for one in verdicts if one.is_unsupported]
    stricter: dict[str, int] = Counter(one.refusal[0] for one in verdicts if one.is_stricter and one.refusal)
    lines = [
        f"{len(verdicts):6} cases",
        f"{sum(one.refusal is None and one.sequoia is True for one in judged):6} both accept",
        f"{sum(one.refusal is not None and one.sequoia is False for one in judged):6} both refuse",
        f"{sum(stricter.values()):6} stricter: we refuse, Sequoia accepts",
    ]
    for kind, count in sorted(stricter.items(), key=lambda item: (-item[1], item[0])):
        lines.append(f"  {count:6} {kind}: {REASONS.get(kind, 'NO REASON GIVEN')}")
    lines.append(f"{sum(one.is_laxer for one in verdicts):6} laxer: we accept, Sequoia refuses (must be 0)")
    by_family: dict[str, int] = Counter("/".join(one.case.name.split("/")[:2]) for one in verdicts if one.is_laxer)
    lines += [f"  {count:6} {family}" for family, count in sorted(by_family.items(), key=lambda item: -item[1])[:20]]
    lines.append(f"{len(unsupported):6} unsupported by the oracle")
    why: dict[str, list[Verdict]] = defaultdict(list)
    for one in unsupported:
        why[one.case.unjudged or "RFC 9580, and pysequoia is absent"].append(one)
    for reason, ones in why.items():
        lines.append(f"  {len(ones):6} {reason} (we accept {sum(one.refusal is None for one in ones)})")
    modern = sum(one.case.modern and not one.is_unsupported for one in verdicts)
    lines.append(f"judges: sqv and sq verify; pysequoia for {modern} cases of RFC 9580 ({oracles.pysequoia_python()})")
    return lines


def gpg_table(verdicts: Sequence[Verdict]) -> list[str]:
    """gpg beside us, for information: it is no judge here."""
    cases = [one.case for one in verdicts if not one.case.modern]
    answers = dict(zip((case.name for case in cases), oracles.ask_gpg(cases), strict=True))
    counts = Counter((one.refusal is None, answers[one.case.name]) for one in verdicts if one.case.name in answers)
    lines = [f"gpg (information only), {len(cases)} cases without RFC 9580:"]
    for (ours, theirs), count in sorted(counts.items(), key=str):
        lines.append(f"  {count:6} we {'accept' if ours else 'refuse'}, gpg {'accepts' if theirs else 'refuses'}")
    return lines


def without_reason(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Stricter cases of a kind that REASONS does not know."""
    return [one for one in verdicts if one.is_stricter and one.refusal and one.refusal[0] not in REASONS]


if __name__ == "__main__":
    sys.exit(main())
