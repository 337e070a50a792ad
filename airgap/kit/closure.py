"""What a target needs: airgap, its dependencies, theirs, by the markers that hold *there*.

pip compares markers with the Python that it runs on, whatever `--python-version` says; so what is only needed on
another version would be missing from the kit, and found missing where nobody can fetch it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

from airgap.disk.paths import regular_files
from airgap.disk.reading import read_bounded
from airgap.errors import SourceError
from airgap.kit.pip import Pip, working_folder
from airgap.kit.target import Target
from airgap.kit.wheel import Wheel, parse_wheel
from airgap.limits import LIMITS

_ROUNDS_MAX: Final = 8  # each finds what the one before did not ask for; in practice two do


@dataclass(frozen=True, slots=True)
class Resolved:
    """The wheels that a target needs, airgap's own included, by name; and which of them each needs itself."""

    target: Target
    wheels: tuple[Wheel, ...]
    needs: Mapping[NormalizedName, frozenset[NormalizedName]]


def resolve(target: Target, own: Wheel, extras: Iterable[str], pip: Pip, made: Path) -> Resolved:
    """Choose and fetch wheels. pip is never asked for airgap: on an index the name may be another's.

    ``made`` is a folder of wheels that were made here. Raises SourceError(packages-not-found, package-invalid).
    """
    wanted = Requirement(f"{own.name}[{','.join(extras)}]")
    needs, lacking = closure(wanted, {own.name: own}, target)
    asked = list(lacking)
    for _ in range(_ROUNDS_MAX):
        with working_folder() as folder:
            pip.download([str(one) for one in asked], target, made, folder)
            found = {one.name: one for one in [own, *read_wheels(folder)]}
        needs, lacking = closure(wanted, found, target)
        if not lacking:
            return Resolved(target, tuple(found[name] for name in sorted(needs)), needs)
        asked += lacking
    missing = ", ".join(map(str, lacking))
    raise SourceError("packages-not-found", f"{target}: no set of wheels satisfies {missing}", wanted=missing)


def read_wheels(folder: Path) -> list[Wheel]:
    """The wheels of a folder that pip filled."""
    return [parse_wheel(path.name, read_bounded(path, LIMITS.wheel)) for path in regular_files(folder)]


def closure(
    wanted: Requirement, wheels: Mapping[NormalizedName, Wheel], target: Target
) -> tuple[dict[NormalizedName, frozenset[NormalizedName]], list[Requirement]]:
    """What is needed and there, with what it needs; and the requirements, without markers, that nothing satisfies."""
    needs: dict[NormalizedName, frozenset[NormalizedName]] = {}
    lacking: dict[str, Requirement] = {}
    queue = [wanted]
    seen: set[str] = set()
    while queue:
        one = queue.pop()
        if str(one) in seen:
            continue
        seen.add(str(one))
        wheel = wheels.get(canonicalize_name(one.name))
        if wheel is None or not one.specifier.contains(wheel.version, prereleases=True):
            lacking[str(one)] = one
            continue
        inner = [_bare(need) for need in wheel.requires if _holds(need, one.extras, target)]
        needs[wheel.name] = needs.get(wheel.name, frozenset()) | {canonicalize_name(need.name) for need in inner}
        queue += inner
    return needs, sorted(lacking.values(), key=str)


def _holds(requirement: Requirement, extras: set[str], target: Target) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({**target.environment, "extra": one}) for one in extras or {""})


def _bare(requirement: Requirement) -> Requirement:
    """Without its marker: that it holds on the target is decided; pip would compare it with this machine."""
    bare = Requirement(str(requirement))
    bare.marker = None
    return bare
