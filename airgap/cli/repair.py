"""``airgap repair``."""

from __future__ import annotations

from pathlib import Path

import click

from airgap.cli import options
from airgap.cli.output import emit
from airgap.cli.places import NEW_FILE, PLACE, WHOLE, Output, require_apart
from airgap.media.repairer import repair_bundle
from airgap.report.documents.export import repair_document
from airgap.workers import job_count


@click.command("repair", short_help="Make a damaged bundle whole with its recovery files.")
@click.argument("paths", nargs=-1, required=True, type=PLACE, metavar="PATH…")
@click.option("-o", "--output", type=NEW_FILE, required=True, metavar="FILE", help="The whole bundle to write.")
@options.jobs_option
@options.format_option
@options.quiet_options
def command(
    paths: tuple[Path, ...],
    output: Path,
    jobs: int | None,
    format_: str,
    quiet: bool,
    no_progress: bool,
) -> None:
    """Make a damaged bundle whole again with its recovery files (.rec.001 …), in a new file.

    PATH is a damaged bundle, a part, a recovery file, or a folder; what belongs to a file and lies beside it is found.
    Sectors that cannot be read and parts that are missing count as lost; several copies of the same bundle help each
    other. Media are only read. FILE appears if it is, byte for byte, what was exported; judge it as any bundle.

    \b
    Example:
      airgap repair /media/stick1 /media/stick2 -o rust.airgap.tar.zst
      airgap verify rust.airgap.tar.zst --trust /etc/airgap/trust
    """
    require_apart([Output("--output", output, WHOLE)], paths)
    progress = options.progress_for(quiet, no_progress)
    repaired = repair_bundle(paths, output, jobs=job_count(jobs), progress=progress)
    emit(repair_document(repaired, output), format_)
