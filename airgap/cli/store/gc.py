"""``airgap store gc``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

from airgap.cli import options
from airgap.cli.output import emit, leave
from airgap.report.documents.store import sweep_document
from airgap.store.store import Store
from airgap.sweeper import sweeping

dry_run_option: Final[Callable[[Callable[..., Any]], Callable[..., Any]]] = click.option(
    "--dry-run", is_flag=True, help="Only tell what would be removed."
)


@click.command("gc", short_help="Remove what belongs to no image.")
@options.store_option
@dry_run_option
@options.format_option
def command(store_folder: Path | None, dry_run: bool, format_: str) -> None:
    """Remove from the store what belongs to no image in it: blobs, signatures, artifacts, what a killed import left.

    Files that airgap did not write are left, and named. If the manifests of an image cannot be read, nothing is
    removed.

    \b
    Example:
      airgap store gc --store /srv/airgap --dry-run
    """
    with sweeping(Store(options.store_at(store_folder))) as sweep:
        if not sweep.errors and not dry_run:
            sweep.carry_out()
    emit(sweep_document(sweep, dry_run=dry_run), format_)
    leave(sweep.errors)
