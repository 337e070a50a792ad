"""``airgap verify``."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from airgap.cli import options
from airgap.cli.judging import Reading, judge, reading
from airgap.errors import UsageError
from airgap.examiner import Examination, Job
from airgap.files import open_input
from airgap.importer import verify_bundle
from airgap.reference import parse_reference
from airgap.reviewer import review
from airgap.store import Store


@click.command("verify")
@click.argument("bundle", metavar="[BUNDLE]", required=False)
@options.trust_option
@click.option(
    "--store",
    "store_folder",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Instead of a bundle, judge the images of this store anew, by its evidence and today's trust root.",
)
@click.option(
    "--reference",
    "references",
    multiple=True,
    metavar="REF",
    help="With --store: only images of this repository, tag or digest. May be repeated.",
)
@click.option(
    "--allow-older",
    is_flag=True,
    help="Accept images that are older than the newest accepted one of their repository.",
)
@options.at_option
@options.jobs_option
@options.format_option
@options.quiet_options
def command(
    bundle: str | None,
    trust_folder: Path | None,
    store_folder: Path | None,
    references: tuple[str, ...],
    allow_older: bool,
    at: str | None,
    jobs: int | None,
    format_: str,
    quiet: bool,
    no_progress: bool,
) -> None:
    """Judge a bundle by the pinned trust root, writing nothing.

    BUNDLE is a file, or - to read it from a pipe. Exit status 0 means: every byte is what its digest says, and every
    image was signed by enough of the pinned people. With --store, images that were imported earlier are judged in the
    same way, each for itself: which would no longer pass, and why.

    \b
    Example:
      airgap verify rust.airgap.tar.zst --trust /etc/airgap/trust
      airgap verify --store /srv/airgap --trust /etc/airgap/trust --reference docker.io/stagex/pallet-rust
    """
    if (bundle is None) == (store_folder is None) or (references and bundle is not None):
        raise UsageError("usage", "give a BUNDLE, or --store DIR with or without --reference")
    reference_time = options.reference_time(at)
    progress = options.progress_for(quiet, no_progress)
    wanted = [options.parsed("--reference", partial(parse_reference, where="--reference"), text) for text in references]

    def examine(held: Reading) -> Examination:
        job = Job(held.trust, reference_time, options.job_count(jobs), progress, allow_older)
        if store_folder is not None:
            return review(Store(store_folder), job, wanted)
        return verify_bundle(open_input(str(bundle)), job)

    judge(reading(options.trust_at(trust_folder)), examine, reference_time, format_)
