"""``airgap split``."""

from __future__ import annotations

from pathlib import Path

import click

from airgap.bundle.volumes import parse_volume_size
from airgap.cli import options
from airgap.cli.output import emit
from airgap.cli.places import NEW_FILE, PARTS, Output, require_apart
from airgap.errors import UsageError
from airgap.media.recutter import split_bundle
from airgap.report.documents.export import parts_document
from airgap.workers import job_count


@click.command("split", short_help="Cut a bundle into parts that fit a medium.")
@options.bundle_argument
@options.volume_size_option
@click.option("-o", "--output", type=NEW_FILE, required=True, metavar="FILE", help="The parts are FILE.001 …")
@click.option(
    "--only", type=options.Whole(1, 999), metavar="N", help="Make this part alone, as it would be made with all."
)
@options.jobs_option
@options.format_option
@options.quiet_options
def command(
    bundle: tuple[str, ...],
    volume_size: str | None,
    output: Path,
    only: int | None,
    jobs: int | None,
    format_: str,
    quiet: bool,
    no_progress: bool,
) -> None:
    """Cut a bundle into parts that fit a medium; its id stays the same.

    BUNDLE is a file, or parts of another size. Every byte is checked on the way, though not who signed it. The same
    bundle and size always make the same parts, so one that was lost can be made again alone.

    \b
    Example:
      airgap split rust.airgap.tar.zst --volume-size dvd \\
          -o /tmp/rust.airgap.tar.zst
      airgap split rust.airgap.tar.zst --volume-size dvd \\
          -o /tmp/rust.airgap.tar.zst --only 3
    """
    if volume_size is None:
        raise UsageError("usage", "say how large a part may be: --volume-size SIZE")
    if "-" in bundle:
        raise UsageError("usage", "split reads the bundle twice; give it as a file")
    volume = options.parsed("--volume-size", parse_volume_size, volume_size)
    require_apart([Output("--output", output, PARTS)], bundle)
    progress = options.progress_for(quiet, no_progress)
    id_, written, notes = split_bundle(bundle, output, volume, only, jobs=job_count(jobs), progress=progress)
    emit(parts_document(id_, output, written, notes), format_)
