"""Paths on the command line: what may be typed as one, and that nothing a command reads is written over."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from airgap.disk.paths import is_folder, is_there
from airgap.errors import HostError, UsageError


class _Place(click.Path):
    """A path. Whether it can be read or written is for the code that does it to find out, with a typed error."""

    def __init__(self, type_: type[Path] | type[str] = Path) -> None:
        super().__init__(readable=False, path_type=type_)

    def convert(
        self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:  # as click.Path has it: what path_type says
        if not os.fspath(value):
            self.fail("a path is expected, and nothing was given", param, ctx)
        return super().convert(value, param, ctx)


class _NewFile(_Place):
    """A file to write. Raises HostError(not-a-regular-file) where there is a folder."""

    def convert(self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None) -> Path:
        path: Path = super().convert(value, param, ctx)
        if is_there(path) and is_folder(path):
            raise HostError("not-a-regular-file", f"{path}: is a folder", path=str(path))
        return path


class _NewFolder(_Place):
    """A folder to make. Raises HostError(output-exists) for one that has no name, such as the folder one is in."""

    def convert(self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None) -> Path:
        path: Path = super().convert(value, param, ctx)
        if path.name in ("", ".."):
            raise HostError("output-exists", f"{path} is there already", path=str(path))
        return path


PLACE: Final = _Place()
PLACE_TEXT: Final = _Place(str)  # for what may be something else, too: - for a stream, a URL
NEW_FILE: Final = _NewFile()
NEW_FOLDER: Final = _NewFolder()

WHOLE: Final = ("", ".sha256")
PARTS: Final = (".001", ".parts.sha256")
RECOVERY: Final = (".rec.001", ".rec.sha256")
NEW_TREE: Final = ()  # a folder
_NUMBER: Final = re.compile(r"(?:\.rec)?\.[0-9]{3}$")  # of a part or a recovery file


@dataclass(frozen=True, slots=True)
class Output:
    """What an option wants written, and how the names of the files end that are; one number stands for all."""

    option: str
    path: Path | None
    ends: Sequence[str] = ("",)


def require_apart(outputs: Iterable[Output], inputs: Iterable[str | Path | None], folders: Iterable[Path] = ()) -> None:
    """No file is written that is read, nor two under one name, nor any in ``folders``: trust root and store.

    However the paths are spelt. Who names a part reads all that lie beside it. Raises UsageError.
    """
    taken = {_family(path) for one in inputs if one is not None for path in (one, *_numbered(one))}
    for output in outputs:
        if output.path is None:
            continue
        place = Path(os.path.realpath(output.path))
        for folder in folders:
            own = Path(os.path.realpath(folder))
            if place.is_relative_to(own) or own.is_relative_to(place):
                why = f"this is in or around {folder}, which is airgap's own; name another place"
                raise UsageError("usage", f"{output.option} {output.path}: {why}")
        written = {_family(f"{place}{end}") for end in output.ends}
        if written & taken:
            raise UsageError("usage", f"{output.option} {output.path}: this file is used already; name a new one")
        taken |= written


def _family(path: str | Path) -> str:
    """Where a path leads; the same for all parts of a bundle and its recovery files."""
    return _NUMBER.sub(".000", os.path.realpath(path))


def _numbered(path: str | Path) -> list[Path]:
    """The parts and recovery files in a folder. What cannot be listed is for the code that reads it to refuse."""
    with contextlib.suppress(OSError):
        return [Path(path, name) for name in os.listdir(path) if _NUMBER.search(name)]
    return []
