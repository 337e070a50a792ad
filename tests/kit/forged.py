"""Wheels with nothing in them, and a pip that knows no index but a folder of such wheels."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from airgap.kit.pip import Pip
from airgap.kit.wheel import Wheel, parse_wheel, write_wheel

METADATA = "Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n{fields}\n"
WHEEL = b"Wheel-Version: 1.0\nGenerator: forged\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def files(name: str, version: str = "1", *requires: str, fields: str = "") -> dict[str, bytes]:
    """What such a wheel holds, by path."""
    extras = "".join(f"Provides-Extra: {one}\n" for one in ("recovery", "registry"))
    needs = "".join(f"Requires-Dist: {one}\n" for one in requires)
    folder = f"{name.replace('-', '_')}-{version}.dist-info"
    metadata = METADATA.format(name=name, version=version, fields=fields + extras + needs)
    return {
        f"{name.replace('-', '_')}/__init__.py": b"",
        f"{folder}/METADATA": metadata.encode(),
        f"{folder}/WHEEL": WHEEL,
    }


def wheel(name: str, version: str = "1", *requires: str, tag: str = "py3-none-any", fields: str = "") -> Wheel:
    """A wheel of this name that needs these."""
    filename = f"{name.replace('-', '_')}-{version}-{tag}.whl"
    return parse_wheel(filename, write_wheel(files(name, version, *requires, fields=fields)))


def pip_with(folder: Path, wheels: Iterable[Wheel]) -> Pip:
    folder.mkdir()
    for one in wheels:
        (folder / one.filename).write_bytes(one.data)
    return Pip({**os.environ, "PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder)})
