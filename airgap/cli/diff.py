"""``airgap diff``."""

from __future__ import annotations

from pathlib import Path

import click

from airgap.cli import options
from airgap.cli.output import emit
from airgap.cli.places import PLACE, PLACE_TEXT
from airgap.differ import diff
from airgap.report.documents.diff import diff_document
from airgap.state import load_trust


@click.command("diff", short_help="Tell what leads from A to B: images, signers, bytes.")
@click.argument("a", type=PLACE_TEXT, metavar="A")
@click.argument("b", type=PLACE_TEXT, metavar="B")
@click.option(
    "--trust",
    "trust_folder",
    type=PLACE,
    metavar="DIR",
    help="Judge the signatures by this trust root, and tell which people were gained and lost.",
)
@options.at_option
@options.format_option
def command(a: str, b: str, trust_folder: Path | None, at: str | None, format_: str) -> None:
    """Tell what leads from A to B: images added, removed and changed, signers gained and lost, bytes to carry.

    A and B are bundles (a file, one part, a folder of parts, - for a pipe) or stores (any folder with oci-layout). No
    blob is verified: that is what `airgap verify` is for. Without --trust signature files are only counted; people can
    be named by judging only. The exit status is 0 if both could be read, whether they differ or not.

    \b
    Example:
      airgap diff /srv/airgap june.airgap.tar.zst --trust /etc/airgap/trust
    """
    trust = None if trust_folder is None else load_trust(trust_folder)
    reference_time = options.reference_time(at)
    emit(diff_document(diff(a, b, trust, reference_time), trust, reference_time), format_)
