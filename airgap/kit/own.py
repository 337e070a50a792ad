"""airgap's own wheel: what goes into a kit is the airgap that makes it, not one that an index calls by this name.

Where pip installed it from a wheel, the installed files are packed again, each compared with the hash that RECORD has
of it; what installing made (bytecode, the start script) is left out. An editable installation is built from its
checkout.
"""

from __future__ import annotations

import json
from importlib.metadata import Distribution, PackageNotFoundError, PackagePath, distribution
from pathlib import Path, PurePosixPath
from typing import Final

import airgap
from airgap.disk.reading import read_bounded
from airgap.errors import IntegrityError, SourceError
from airgap.kit.closure import read_wheels
from airgap.kit.pip import Pip, working_folder
from airgap.kit.wheel import Wheel, in_normal_form, parse_wheel, record_hash, write_wheel
from airgap.limits import LIMITS

_PACKAGE: Final = Path(airgap.__file__).resolve().parent
_BY_INSTALLER: Final = {"INSTALLER", "RECORD", "REQUESTED", "direct_url.json"}


def own_wheel(pip: Pip) -> Wheel:
    """Raises SourceError(installation-incomplete, packages-not-found), IntegrityError(installation-differs)."""
    try:
        found = distribution("airgap")
    except PackageNotFoundError:
        raise _incomplete("pip knows of no installation of it") from None
    if _is_editable(found):
        return _built(pip)
    if Path(str(found.locate_file("airgap"))).resolve() != _PACKAGE:
        raise _incomplete(f"pip installed another one than runs, which is in {_PACKAGE}")
    return repacked(found)


def repacked(found: Distribution) -> Wheel:
    """The wheel from which this was installed, in normal form."""
    files = {}
    for entry in found.files or ():
        path = _path_in_wheel(entry, found.version)
        if path is None:
            continue
        data = read_bounded(Path(str(found.locate_file(entry))), LIMITS.wheel)
        if entry.hash is None or (entry.hash.mode, entry.hash.value) != ("sha256", record_hash(data)):
            raise IntegrityError("installation-differs", f"{entry} is not the file that pip installed", path=str(entry))
        files[path] = data
    if not any(path.endswith(".dist-info/METADATA") for path in files) or "airgap/__init__.py" not in files:
        raise _incomplete("its RECORD does not list its files")
    return parse_wheel(f"airgap-{found.version}-py3-none-any.whl", write_wheel(files))


def _path_in_wheel(entry: PackagePath, version: str) -> str | None:
    """None for what installing made. Paths lead from site-packages; share/ is reached through ``..`` (PEP 627)."""
    path = PurePosixPath(*(part for part in entry.parts if part != ".."))
    if "__pycache__" in path.parts or path.name in _BY_INSTALLER or path.parts[0] in ("bin", "Scripts"):
        return None
    return f"airgap-{version}.data/data/{path}" if entry.parts[0] == ".." else str(path)


def _is_editable(found: Distribution) -> bool:
    text = found.read_text("direct_url.json")
    return text is not None and bool(json.loads(text).get("dir_info", {}).get("editable"))


def _built(pip: Pip) -> Wheel:
    checkout = _PACKAGE.parent
    if not (checkout / "pyproject.toml").is_file():
        raise _incomplete(f"it is installed from {checkout}, which is no checkout")
    with working_folder() as folder:
        pip.build(str(checkout), folder)
        [wheel] = read_wheels(folder)
    return in_normal_form(wheel)


def _incomplete(why: str) -> SourceError:
    return SourceError("installation-incomplete", f"this airgap cannot tell its own files: {why}")
