"""Giving up, before anything hostile is read, what this command will not need."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

import click

from airgap.disk.paths import nearest_folder
from airgap.errors import HostError


def confine_to(paths: Iterable[Path | None]) -> None:
    """From here on this process changes nothing but what is at these paths, or beside them where they are not yet.

    main() says whether: it cannot be undone, and a host that calls it in its own process would be confined, too.
    """
    if click.get_current_context().obj is not True:
        return
    from airgap.confinement import confine

    with contextlib.suppress(HostError):  # of a place that cannot be: what comes next says so
        confine([nearest_folder(path) for path in paths if path is not None])
