"""Paths on the command line: what may be typed as one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

import click

from airgap.disk.paths import is_folder, is_there
from airgap.errors import HostError


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
