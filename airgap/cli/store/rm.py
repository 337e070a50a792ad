"""``airgap store rm``."""

from __future__ import annotations

from pathlib import Path

import click

from airgap.cli import options
from airgap.cli.asking import is_typed
from airgap.cli.output import emit, leave
from airgap.cli.store.gc import dry_run_option
from airgap.errors import UsageError
from airgap.reference import parse_reference
from airgap.report.documents.store import sweep_document
from airgap.report.escape import printable
from airgap.store.store import Store
from airgap.sweeper import Sweep, sweeping


@click.command("rm", short_help="Remove images, and what no other image needs.")
@click.argument("references", nargs=-1, required=True, metavar="REFERENCE…")
@options.store_option
@dry_run_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@options.format_option
def command(references: tuple[str, ...], store_folder: Path | None, dry_run: bool, yes: bool, format_: str) -> None:
    """Remove images from the store, and what no other image needs: blobs, signatures, artifacts.

    REFERENCE is NAME for all images of a repository, NAME:TAG or NAME@DIGEST, as in `airgap verify --reference`.
    Engines and registries keep what was loaded into them, and the trust root goes on remembering the newest accepted
    image. On a terminal you are asked; a script must say --yes.

    \b
    Example:
      airgap store rm docker.io/stagex/pallet-rust:1.80.0 --store /srv/airgap
    """
    unwanted = [options.parsed("REFERENCE", parse_reference, text) for text in references]
    with sweeping(Store(options.store_at(store_folder)), unwanted) as sweep:
        if not sweep.errors and not dry_run:
            if not yes:
                _confirm(sweep)
            sweep.carry_out()
    emit(sweep_document(sweep, dry_run=dry_run), format_)
    leave(sweep.errors)


def _confirm(sweep: Sweep) -> None:
    """Raises UsageError unless somebody types the word on a terminal."""
    for image in sweep.images:
        click.echo(printable(image.name), err=True)
    if not is_typed("To remove these images and their evidence from the store", "remove"):
        raise UsageError(
            "usage",
            "the removal was not confirmed; nothing was removed",
            hint="Type the word that is asked for, or use --yes.",
        )
