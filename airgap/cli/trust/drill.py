"""``airgap trust drill``."""

from __future__ import annotations

from pathlib import Path

import click

from airgap.cli import options
from airgap.cli.output import emit
from airgap.report.documents.trust import drill_document
from airgap.reviewer import drill
from airgap.state import load_trust
from airgap.store.store import Store


@click.command("drill")
@options.trust_option
@options.store_option
@click.option("--revoke", "who", required=True, metavar="PERSON|FINGERPRINT", help="Whose key is thought compromised.")
@options.at_option
@options.format_option
def command(trust_folder: Path | None, store_folder: Path | None, who: str, at: str | None, format_: str) -> None:
    """Tell what would become of the stored images if a key were revoked. Changes nothing.

    For each image: who signed it, who would be left, whether it would fall below its quorum or stand exactly at it.

    \b
    Example:
      airgap trust drill --trust /etc/airgap/trust --store /srv/airgap \\
          --revoke dannygrove
    """
    trust = load_trust(options.trust_at(trust_folder))
    fingerprints = trust.root.people.fingerprints_of(who)
    rows = drill(Store(options.store_at(store_folder)), trust, fingerprints, options.reference_time(at))
    emit(drill_document(trust, fingerprints, rows), format_)
