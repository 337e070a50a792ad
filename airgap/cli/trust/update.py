"""``airgap trust update``."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import click

from airgap.bundle.partset import open_bundle
from airgap.cli import options
from airgap.cli.output import emit, warn
from airgap.cli.places import PLACE, PLACE_TEXT
from airgap.cli.trust.confirm import confirm
from airgap.disk.reading import read_given
from airgap.errors import UsageError
from airgap.inputs import read_keyrings, read_signed_maintainers
from airgap.keeper import read_offers, update, update_by_hand
from airgap.limits import LIMITS
from airgap.openpgp.keyring import Keyring
from airgap.report.documents.trust import trust_document, update_document
from airgap.report.text import render
from airgap.state import TrustFolder, open_trust
from airgap.timestamp import day
from airgap.trust.pinned import Trust
from airgap.trust.rotation import Change


@click.command("update", short_help="Adopt a new MAINTAINERS: who joined or left, new keys.")
@options.trust_option
@click.option(
    "--from",
    "bundle",
    type=PLACE_TEXT,
    metavar="BUNDLE",
    help="Take MAINTAINERS, its signatures and certificates from here.",
)
@click.option("--maintainers", type=PLACE, metavar="FILE", help="The new MAINTAINERS, if not from a bundle.")
@options.maintainers_signatures_option
@click.option(
    "--by-hand",
    is_flag=True,
    help="Adopt it without signatures, because the fingerprints were compared over another channel. This is logged.",
)
@click.option(
    "--keyring",
    "keyrings",
    type=PLACE,
    metavar="FILE",
    multiple=True,
    help="Certificates of the people who join. May be repeated.",
)
@click.option(
    "--threshold", type=options.Whole(min=1), metavar="N", help="How many must sign from now on. Default: as before."
)
@options.require_one_of_option
@options.yes_option
@options.at_option
@options.format_option
def command(
    trust_folder: Path | None,
    bundle: str | None,
    maintainers: Path | None,
    maintainers_signatures: Path | None,
    by_hand: bool,
    keyrings: tuple[Path, ...],
    threshold: int | None,
    groups: tuple[str, ...],
    yes: bool,
    at: str | None,
    format_: str,
) -> None:
    """Adopt a new MAINTAINERS: people who joined or left, new keys, another threshold.

    Its exact bytes must be signed by as many of the old people as the trust root asks for, and by as many of the new
    ones (`gpg --detach-sign MAINTAINERS`, each of them). What was revoked stays revoked. With --by-hand the operator
    answers for it instead; on a terminal the fingerprints are shown and a word must be typed.

    \b
    Example:
      airgap trust update --trust /etc/airgap/trust --from rust.airgap.tar.zst
      airgap trust update --trust /etc/airgap/trust --maintainers MAINTAINERS \\
          --maintainers-signatures signatures/
    """
    if sum((bundle is not None, maintainers_signatures is not None, by_hand)) != 1 or (bundle is None) == (
        maintainers is None
    ):
        raise UsageError(
            "usage", "give --from BUNDLE, or --maintainers FILE with --maintainers-signatures DIR or with --by-hand"
        )
    if groups and not by_hand:
        raise UsageError("usage", "--require-one-of is the operator's choice: it goes with --by-hand")
    reference_time = options.reference_time(at)
    carried = read_keyrings(keyrings) if keyrings else Keyring()
    with open_trust(options.trust_at(trust_folder)) as folder:
        before = folder.trust
        if bundle is not None:
            with open_bundle([bundle]) as opened:
                id_, offers, found = read_offers(opened.source)
            changes = update(
                folder, offers, found.merged_with(carried), reference_time, bundle=id_, threshold=threshold
            )
        elif maintainers is not None:
            offers = read_signed_maintainers(read_given(maintainers, LIMITS.trust_file), maintainers_signatures)
            if by_hand:
                changes = update_by_hand(
                    folder,
                    offers[-1],
                    carried,
                    reference_time,
                    threshold=threshold,
                    required=options.groups(groups),
                    confirm=partial(_ask, yes=yes),
                )
            else:
                changes = update(folder, offers, carried, reference_time, threshold=threshold)
        _warn(before, folder, changes)
        document = update_document(before, folder.trust, changes, by_hand=by_hand)
    emit(document, format_)  # when nothing can fail any more: there is to be one document


def _ask(trust: Trust, *, yes: bool) -> None:
    if not yes and sys.stdin is not None and sys.stdin.isatty():
        click.echo(render(trust_document(trust)), err=True)
        confirm("If every fingerprint was compared", "adopt")


def _warn(before: Trust, folder: TrustFolder, changes: list[Change]) -> None:
    trust = folder.trust
    signed = changes[0].trust.memory.maintainers if changes else None
    if signed is not None and before.memory.maintainers is None:
        warn(
            "when the MAINTAINERS before was signed is not known here, as it was compared by hand: be sure that the "
            f"new one, signed on {day(signed)}, is not older"
        )
    if changes and trust.root.threshold < before.root.threshold:
        warn(f"the threshold was lowered from {before.root.threshold} to {trust.root.threshold}")
    for person in trust.root.people:
        if not any(fingerprint in trust.keyring for fingerprint in person.fingerprints):
            warn(f"{person.nick} has no certificate here: nothing {person.nick} signs can count yet")
