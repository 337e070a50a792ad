"""``airgap trust init|show``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import click

from airgap.cli import options
from airgap.cli.output import emit, warn
from airgap.errors import TrustRootError
from airgap.files import make_folder, read_given
from airgap.limits import LIMITS
from airgap.report.documents import trust_document
from airgap.report.text import render
from airgap.state import Trust, create_trust, load_trust, require_no_trust
from airgap.trust.maintainers import parse_maintainers
from airgap.trust.root import DEFAULT_THRESHOLD, new_root

_WORD: Final = "pin"


@click.group("trust")
def command() -> None:
    """Pin and show whom this machine believes."""


@command.command("init")
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@options.maintainers_option
@options.keyring_option
@click.option(
    "--threshold",
    type=click.IntRange(min=0),
    default=DEFAULT_THRESHOLD,
    show_default=True,
    metavar="N",
    help="How many of these people must have signed an image.",
)
@click.option(
    "--repository",
    "repositories",
    multiple=True,
    metavar="PREFIX",
    help="Trust these people for repositories below PREFIX only. Default: any. May be repeated.",
)
@options.claim_format_option
@click.option("--require-live-keys", is_flag=True, help="Also refuse keys that expired after they signed.")
@click.option("--yes", is_flag=True, help="Do not ask: the fingerprints were compared already.")
@options.format_option
def init(
    folder: Path,
    maintainers: Path,
    keyrings: tuple[Path, ...],
    threshold: int,
    repositories: tuple[str, ...],
    claim_formats: tuple[str, ...],
    require_live_keys: bool,
    yes: bool,
    format_: str,
) -> None:
    """Pin people, their full fingerprints and certificates, and how many of them must agree.

    Compare every fingerprint over another channel (telephone, paper, their web pages) before you confirm: everything
    that this machine will ever accept rests on them.

    \b
    Example:
      airgap trust init /etc/airgap/trust --maintainers MAINTAINERS --keyring keyring.pgp --threshold 2
    """
    require_no_trust(folder)
    people = parse_maintainers(read_given(maintainers, LIMITS.trust_file), str(maintainers))
    root = new_root(
        people,
        threshold,
        prefixes=repositories,
        claim_formats=options.formats(claim_formats),
        strict_expiry=require_live_keys,
    )
    keyring = options.read_keyrings(keyrings)
    for problem in keyring.problems:
        warn(f"a certificate in the keyring cannot be used: {problem.message}")
    trust = Trust(root, keyring.restricted_to(people.fingerprints))
    for person in people:
        if not any(fingerprint in trust.keyring for fingerprint in person.fingerprints):
            warn(f"{person.nick} has no certificate in the keyring: nothing {person.nick} signs can count yet")
    if not yes:
        click.echo(render(trust_document(trust)), err=True)
        _confirm()
    make_folder(folder.absolute().parent)
    create_trust(folder, trust)
    emit(trust_document(trust), format_)


@command.command("show")
@options.trust_option
@options.format_option
def show(trust_folder: Path | None, format_: str) -> None:
    """Show the trust root: people, fingerprints in groups of four, threshold, and the id to compare.

    \b
    Example:
      airgap trust show --trust /etc/airgap/trust
    """
    emit(trust_document(load_trust(trust_folder or options.home() / "trust")), format_)


def _confirm() -> None:
    """Raises TrustRootError(not-confirmed) unless the word is typed; a script must say --yes."""
    if sys.stdin.isatty():
        typed = click.prompt(
            f"\nIf every fingerprint was compared, type '{_WORD}'", default="", show_default=False, err=True
        )
        if typed.strip() == _WORD:
            return
    raise TrustRootError("not-confirmed", "the fingerprints were not confirmed; nothing was written")
