"""``airgap import``."""

from __future__ import annotations

from pathlib import Path

import click

from airgap.bundle.reader import Input
from airgap.cli import options
from airgap.cli.judging import judge
from airgap.engines.targets import open_target
from airgap.importer import Examination, Job, import_bundle
from airgap.store import Store


@click.command("import")
@click.argument("bundle", metavar="BUNDLE")
@options.trust_option
@options.store_option
@click.option(
    "--to",
    "targets",
    multiple=True,
    metavar="TARGET",
    help="Where to load the images besides the store: oci:DIR. May be repeated.",
)
@options.at_option
@options.jobs_option
@options.format_option
@options.quiet_options
def command(
    bundle: str,
    trust_folder: Path | None,
    store_folder: Path | None,
    targets: tuple[str, ...],
    at: str | None,
    jobs: int | None,
    format_: str,
    quiet: bool,
    no_progress: bool,
) -> None:
    """Judge a bundle by the pinned trust root and, if all of it is accepted, let its images in.

    BUNDLE is a file, or - to read it from a pipe. Images are kept in the store, which is an OCI image layout that any
    tool can read. If anything is refused, nothing is kept or loaded.

    \b
    Example:
      airgap import rust.airgap.tar.zst --trust /etc/airgap/trust --store /srv/airgap --to oci:/srv/images
    """
    engines = [open_target(target) for target in targets]

    def examine(source: Input, job: Job) -> Examination:
        return import_bundle(source, job, Store(store_folder or options.home() / "store"), engines)

    judge(bundle, trust_folder, at, jobs, format_, options.progress_for(quiet, no_progress), examine)
