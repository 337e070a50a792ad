"""``airgap inspect``."""

from __future__ import annotations

import click

from airgap.bundle.partset import open_bundle
from airgap.cli import options
from airgap.cli.output import emit
from airgap.importer import inspect_bundle
from airgap.progress import Silent
from airgap.report.documents.verdict import inspection_document


@click.command("inspect")
@options.bundle_argument
@options.format_option
def command(bundle: tuple[str, ...], format_: str) -> None:
    """Show what a bundle claims to hold. Nothing is verified: that is what `airgap verify` is for.

    \b
    Example:
      airgap inspect rust.airgap.tar.zst
    """
    with open_bundle(bundle) as opened:
        manifest, id_ = inspect_bundle(opened.source, Silent())
    emit(inspection_document(manifest, id_), format_)
