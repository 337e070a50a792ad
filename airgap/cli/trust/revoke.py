"""``airgap trust revoke``."""

from __future__ import annotations

from pathlib import Path

import click

from airgap.cli import options
from airgap.cli.output import emit, warn
from airgap.cli.trust.confirm import confirm
from airgap.keeper import revoke
from airgap.report.documents.trust import trust_document
from airgap.state import open_trust


@click.command("revoke", short_help="Let nothing that a person or a certificate signed count.")
@click.argument("who", metavar="PERSON|FINGERPRINT")
@options.trust_option
@options.yes_option
@options.at_option
@options.format_option
def command(who: str, trust_folder: Path | None, yes: bool, at: str | None, format_: str) -> None:
    """Let nothing that a person or one certificate signed count on this machine, whenever it was signed.

    For a key that is known to be compromised before its revocation certificate has arrived. It cannot be taken back:
    the person needs a new key, adopted with `airgap trust update`. `airgap trust drill` tells beforehand what it costs.

    \b
    Example:
      airgap trust revoke --trust /etc/airgap/trust dannygrove
    """
    with open_trust(options.trust_at(trust_folder)) as folder:
        fingerprints = folder.trust.root.people.fingerprints_of(who)
        if not yes:
            for fingerprint in fingerprints:
                click.echo(f"{folder.trust.root.people.nick_of(fingerprint)}  {fingerprint.spaced}", err=True)
            confirm("To revoke this for good, whenever it signed", "revoke")
        revoke(folder, fingerprints, options.reference_time(at))
        root = folder.trust.root
        able = folder.trust.able
        if len(able) < root.threshold:
            warn(f"{len(able)} people can still sign, and {root.threshold} must: nothing can be accepted any more")
        document = trust_document(folder.trust)
    emit(document, format_)  # when nothing can fail any more: there is to be one document
