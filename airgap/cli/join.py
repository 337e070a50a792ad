"""``airgap join``."""

from __future__ import annotations

from pathlib import Path

import click

from airgap.cli import options
from airgap.cli.output import emit
from airgap.cli.places import NEW_FILE, WHOLE, Output, require_apart
from airgap.media.recutter import join_bundle
from airgap.report.documents.export import joined_document
from airgap.workers import job_count


@click.command("join")
@options.bundle_argument
@click.option("-o", "--output", type=NEW_FILE, required=True, metavar="FILE", help="The one file to write.")
@options.jobs_option
@options.format_option
@options.quiet_options
def command(
    bundle: tuple[str, ...],
    output: Path,
    jobs: int | None,
    format_: str,
    quiet: bool,
    no_progress: bool,
) -> None:
    """Write the one file that parts were cut from. Never needed: verify and import read parts as they are.

    BUNDLE is one part, folders that hold the parts, or - for parts that come through a pipe in their order.

    \b
    Example:
      airgap join /media/stick1 /media/stick2 -o rust.airgap.tar.zst
    """
    require_apart([Output("--output", output, WHOLE)], bundle)
    progress = options.progress_for(quiet, no_progress)
    written, notes = join_bundle(bundle, output, jobs=job_count(jobs), progress=progress)
    emit(joined_document(written, output, notes), format_)
