"""``airgap inspect``."""

from __future__ import annotations

import click

from airgap.cli import options
from airgap.cli.output import emit
from airgap.files import open_input
from airgap.importer import inspect_bundle
from airgap.progress import Silent
from airgap.report.documents import inspection_document


@click.command("inspect")
@click.argument("bundle", metavar="BUNDLE")
@options.format_option
def command(bundle: str, format_: str) -> None:
    """Show what a bundle claims to hold. Nothing is verified: that is what `airgap verify` is for.

    \b
    Example:
      airgap inspect rust.airgap.tar.zst
    """
    with open_input(bundle) as source:
        manifest, id_ = inspect_bundle(source, Silent())
    emit(inspection_document(manifest, id_), format_)
