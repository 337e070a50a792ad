"""``airgap trust show``."""

from __future__ import annotations

from pathlib import Path

import click

from airgap.cli import options
from airgap.cli.output import emit
from airgap.report.documents.trust import trust_document
from airgap.state import load_trust


@click.command("show", short_help="Show the trust root and its id, to compare.")
@options.trust_option
@options.format_option
def command(trust_folder: Path | None, format_: str) -> None:
    """Show the trust root: people, fingerprints in groups of four, threshold, what is revoked, and the id to compare.

    \b
    Example:
      airgap trust show --trust /etc/airgap/trust
    """
    emit(trust_document(load_trust(options.trust_at(trust_folder))), format_)
