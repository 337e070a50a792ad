"""``airgap verify``."""

from __future__ import annotations

from pathlib import Path

import click

from airgap.cli import options
from airgap.cli.judging import judge
from airgap.importer import verify_bundle


@click.command("verify")
@click.argument("bundle", metavar="BUNDLE")
@options.trust_option
@options.at_option
@options.jobs_option
@options.format_option
@options.quiet_options
def command(
    bundle: str,
    trust_folder: Path | None,
    at: str | None,
    jobs: int | None,
    format_: str,
    quiet: bool,
    no_progress: bool,
) -> None:
    """Judge a bundle by the pinned trust root, writing nothing.

    BUNDLE is a file, or - to read it from a pipe. Exit status 0 means: every byte is what its digest says, and every
    image was signed by enough of the pinned people.

    \b
    Example:
      airgap verify rust.airgap.tar.zst --trust /etc/airgap/trust
    """
    judge(bundle, trust_folder, at, jobs, format_, options.progress_for(quiet, no_progress), verify_bundle)
