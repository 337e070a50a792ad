"""``airgap store list``."""

from __future__ import annotations

from pathlib import Path

import click

from airgap.cli import options
from airgap.cli.output import emit, leave
from airgap.report.documents.store import store_document
from airgap.store.store import Store
from airgap.sweeper import survey, total_size


@click.command("list", short_help="List the images: digest, platforms, size, signatures.")
@options.store_option
@options.format_option
def command(store_folder: Path | None, format_: str) -> None:
    """List the images of the store: digest, platforms, size with everything it needs, and kept signatures.

    Nothing is judged and no layer is read: `airgap verify --store DIR` does that. An image whose manifests are damaged
    is listed with the error, and the exit status is that of the gravest.

    \b
    Example:
      airgap store list --store /srv/airgap
    """
    store = Store(options.store_at(store_folder))
    shelves = survey(store)
    emit(store_document(store, shelves, total_size(shelves)), format_)
    leave([one.error for one in shelves if one.error is not None])
