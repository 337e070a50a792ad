"""The licences of all dependencies, as their packages declare them (scripts/licences)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from typing import Final, NamedTuple

from packaging.metadata import parse_email
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from airgap.kit.wheel import licence_of

CARRIED: Final = "airgap[registry,recovery,kit]"
"""What users install; everything else serves developers, and is not handed on."""

# What may be handed on beside code under the Apache License 2.0, as the packages spell it.
ALLOWED: Final = frozenset(
    {
        "Apache-2.0",
        "Apache-2.0 OR BSD-2-Clause",
        "Apache-2.0 OR BSD-3-Clause",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "MIT",
        "MIT-0",
        "PSF-2.0",
        "Python Software Foundation License",
    }
)
# Looked at one by one. zfec: GPL 2 or later (so 3, which goes with Apache 2.0) or TGPPL 1.0, as its README says;
# optional, unchanged, in a wheel of its own beside ours.
LOOKED_AT: Final = frozenset({("zfec", "GPL-2+")})


class Row(NamedTuple):
    """One package; ``wrong`` says why it is not what it should be."""

    name: str
    version: str
    licence: str
    carried: bool
    wrong: str | None


def main() -> int:
    carried = dict(_walk(CARRIED))
    rows = [
        Row(name, version, licence, name in carried, wrong or _refusal(name, licence, name in carried))
        for name, (version, licence, wrong) in sorted((dict(_walk("airgap[dev]")) | carried).items())
    ]
    for row in rows:
        used = "carried" if row.carried else "developers"
        print(f"{row.name:<20} {row.version:<16} {used:<10} {row.licence:<40} {row.wrong or ''}".rstrip())
    return any(row.wrong for row in rows)


def _refusal(name: str, licence: str, carried: bool) -> str | None:
    return "NOT ALLOWED" if carried and licence not in ALLOWED and (name, licence) not in LOOKED_AT else None


def _walk(wanted: str) -> Iterator[tuple[str, tuple[str, str, str | None]]]:
    """Version, licence, and what is wrong with it, of each package below a requirement."""
    queue, seen = [Requirement(wanted)], set[str]()
    while queue:
        one = queue.pop()
        if str(one) in seen:
            continue
        seen.add(str(one))
        name = canonicalize_name(one.name)
        try:
            found = distribution(one.name)
        except PackageNotFoundError:
            yield name, ("-", "-", f"NOT INSTALLED: {one}")
            continue
        raw, _ = parse_email(found.read_text("METADATA") or "")
        fits = one.specifier.contains(found.version, prereleases=True)
        yield name, (found.version, licence_of(raw) or "none declared", None if fits else f"NOT {one.specifier}")
        for inner in map(Requirement, found.requires or ()):
            extras = one.extras or {""}
            if inner.marker is None or any(inner.marker.evaluate({"extra": extra}) for extra in extras):
                inner.marker = None
                queue.append(inner)


if __name__ == "__main__":
    sys.exit(main())
