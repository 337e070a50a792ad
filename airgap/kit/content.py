"""The files of a kit that are not wheels, made from the wheels."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from airgap.digest import digest_of
from airgap.disk.reading import read_bounded
from airgap.errors import UsageError
from airgap.kit.closure import Resolved
from airgap.kit.target import Target
from airgap.kit.wheel import Wheel
from airgap.strict_json import canonical

_TEXT_MAX: Final = 65536  # bytes of a text of ours


@dataclass(frozen=True, slots=True)
class Package:
    """One version of one package: its wheels by file name, and the targets that want it."""

    name: str
    version: str
    wheels: tuple[Wheel, ...]
    targets: frozenset[Target]

    @property
    def purl(self) -> str:
        """Package URL (ECMA-427), type pypi."""
        return f"pkg:pypi/{self.name}@{self.version}"


def packages(resolved: Iterable[Resolved]) -> tuple[Package, ...]:
    """All packages of a kit, by name and version."""
    found: dict[tuple[str, str], tuple[dict[str, Wheel], set[Target]]] = {}
    for one in resolved:
        for wheel in one.wheels:
            wheels, targets = found.setdefault((wheel.name, str(wheel.version)), ({}, set()))
            wheels[wheel.filename] = wheel
            targets.add(one.target)
    return tuple(
        Package(*key, tuple(wheel for _, wheel in sorted(wheels.items())), frozenset(targets))
        for key, (wheels, targets) in sorted(found.items())
    )


def texts(version: str, targets: Sequence[Target]) -> dict[str, bytes]:
    """install.sh and README.txt."""
    words = {
        "@VERSION@": version,
        "@PYTHONS@": " ".join(dict.fromkeys(target.python for target in targets)),
        "@MACHINES@": " ".join(dict.fromkeys(target.machine for target in targets)),
        "@PLATFORMS@": ", ".join(dict.fromkeys(target.platform for target in targets)),
    }
    files = {}
    for name in ("install.sh", "README.txt"):
        text = read_bounded(Path(__file__).with_name(name), _TEXT_MAX).decode()
        for word, meaning in words.items():
            text = text.replace(word, meaning)
        files[name] = text.encode()
    return files


def requirements(all_: Sequence[Package], targets: Sequence[Target], own: Wheel, extras: Iterable[str]) -> bytes:
    """Every package with its version, the hashes of its wheels, and a marker where not every target wants it.

    Raises UsageError where two targets that no marker tells apart want different versions.
    """
    rows = []
    _require_one_version(all_)
    for one in all_:
        name = f"{one.name}[{','.join(extras)}]" if one.name == own.name else one.name
        hashes = sorted({f"--hash=sha256:{wheel.digest.hex}" for wheel in one.wheels})
        rows.append(" \\\n    ".join([f"{name}=={one.version}{_marker(one.targets, targets)}", *hashes]) + "\n")
    return "".join(rows).encode()


def _require_one_version(all_: Iterable[Package]) -> None:
    """Markers tell Pythons and machines apart, not C libraries."""
    chosen: dict[tuple[str, str, str], Package] = {}
    for package in all_:
        for target in package.targets:
            first = chosen.setdefault((package.name, target.python, target.machine), package)
            if first is not package:
                raise UsageError(
                    "usage",
                    f"{target} needs {package.name} {package.version}, another --platform {first.version}",
                    hint="Make a kit for each of these platforms.",
                )


def _marker(wanting: frozenset[Target], targets: Sequence[Target]) -> str:
    if wanting == set(targets):
        return ""
    one_machine = len({target.machine for target in targets}) == 1
    rows = [
        f'python_version == "{python}"' + ("" if one_machine else f' and platform_machine == "{machine}"')
        for python, machine in sorted({(target.python, target.machine) for target in wanting})
    ]
    return f" ; {' or '.join(rows)}"


def bill_of_materials(all_: Iterable[Package], resolved: Iterable[Resolved], own: Wheel) -> bytes:
    """CycloneDX 1.6 (ECMA-424) as JSON: packages, in each its wheels with their SHA-256, and who needs whom."""
    components = {one.purl: _component(one) for one in all_}
    needs: dict[str, set[str]] = {purl: set() for purl in components}
    for one in resolved:
        purls = {wheel.name: f"pkg:pypi/{wheel.name}@{wheel.version}" for wheel in one.wheels}
        for name, needed in one.needs.items():
            needs[purls[name]] |= {purls[inner] for inner in needed}
    document: dict[str, object] = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": components.pop(f"pkg:pypi/{own.name}@{own.version}")},
        "components": list(components.values()),
        "dependencies": [{"ref": purl, "dependsOn": sorted(on)} for purl, on in sorted(needs.items())],
    }
    document["serialNumber"] = uuid.uuid5(uuid.NAMESPACE_OID, digest_of(canonical(document)).hex).urn
    return canonical(document) + b"\n"


def _component(package: Package) -> dict[str, object]:
    licence = package.wheels[0].licence
    return {
        "type": "library",
        "bom-ref": package.purl,
        "purl": package.purl,
        "name": package.name,
        "version": package.version,
        "licenses": [] if licence is None else [_licence(package.wheels[0])],
        "components": [
            {
                "type": "file",
                "bom-ref": f"wheels/{wheel.filename}",
                "name": wheel.filename,
                "hashes": [{"alg": "SHA-256", "content": wheel.digest.hex}],
            }
            for wheel in package.wheels
        ],
    }


def _licence(wheel: Wheel) -> dict[str, object]:
    """An expression only where the package says that it is one: old fields hold anything."""
    if wheel.licence_is_expression:
        return {"expression": wheel.licence}
    return {"license": {"name": wheel.licence}}


def sums(files: Mapping[str, bytes]) -> bytes:
    """The list of all files, as sha256sum(1) writes and checks it."""
    return "".join(f"{digest_of(data).hex}  {path}\n" for path, data in sorted(files.items())).encode()
