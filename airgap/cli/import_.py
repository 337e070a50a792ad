"""``airgap import``."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from airgap.bundle.partset import open_bundle
from airgap.cli import options
from airgap.cli.confined import confine_to
from airgap.cli.papers import attestation_option, papers_for, report_option
from airgap.cli.places import NEW_TREE, Output, require_apart
from airgap.cli.receipts import receipt_option, write_receipt
from airgap.cli.verdict import give_verdict
from airgap.engines.layout import LayoutEngine
from airgap.engines.targets import FORMS, open_targets
from airgap.examiner import Examination, Job
from airgap.importer import import_bundle
from airgap.judging import conclude
from airgap.state import TrustFolder, open_trust
from airgap.store.store import Store
from airgap.trust.pinned import Trust
from airgap.workers import job_count


@click.command("import", short_help="Judge a bundle and, if all is accepted, let its images in.")
@options.bundle_argument
@options.trust_option
@options.store_option
@click.option(
    "--to",
    "targets",
    multiple=True,
    metavar="TARGET",
    help=f"Where to load the images besides the store: {FORMS}. May be repeated.",
)
@click.option(
    "--allow-retag",
    is_flag=True,
    help="Let a name that stands for another image in a target move to the new one. This is logged.",
)
@options.plain_http_option
@options.ca_file_option
@click.option(
    "--allow-older",
    is_flag=True,
    help="Accept images that are older than the newest accepted one of their repository. This is logged.",
)
@receipt_option
@report_option
@attestation_option
@options.at_option
@options.jobs_option
@options.judging_format_option
@options.quiet_options
def command(
    bundle: tuple[str, ...],
    trust_folder: Path | None,
    store_folder: Path | None,
    targets: tuple[str, ...],
    allow_retag: bool,
    plain_http: bool,
    ca_file: Path | None,
    allow_older: bool,
    receipt_file: Path | None,
    report_file: Path | None,
    attestation_file: Path | None,
    at: str | None,
    jobs: int | None,
    format_: str,
    quiet: bool,
    no_progress: bool,
) -> None:
    """Judge a bundle by the pinned trust root and, if all of it is accepted, let its images in.

    BUNDLE is a file, one part of a split bundle, folders that hold the parts, or - to read from a pipe. Images are kept
    in the store, which is an OCI image layout that any tool can read. If anything is refused, nothing is kept or
    loaded; the audit log tells of it either way. What a delta bundle leaves out is hashed in the store first.

    \b
    Example:
      airgap import rust.airgap.tar.zst --trust /etc/airgap/trust \\
          --store /srv/airgap --to podman
      airgap import rust.airgap.tar.zst --to containerd:k8s.io \\
          --to docker://registry.site:5000/stagex
    """
    written = [
        Output("--receipt", receipt_file),
        Output("--report", report_file),
        Output("--attestation", attestation_file),
    ]
    weakened = tuple(name for name, given in (("allow-retag", allow_retag), ("plain-http", plain_http)) if given)
    store = Store(options.store_at(store_folder))
    reference_time = options.reference_time(at)
    progress = options.progress_for(quiet, no_progress)
    papers = papers_for(Path(bundle[0]), report_file, attestation_file)

    def tell(examination: Examination, trust: Trust) -> None:
        if receipt_file is not None:
            note = write_receipt(receipt_file, store, store.untrusted(), examination.id, trust.root.id)
            examination.notes.append(note)
        if store_folder is None:
            examination.notes.append(f"the images are kept in {store.folder}; --store names another folder")

    with options.access_for(plain_http, ca_file, quiet=quiet) as access:
        engines = open_targets(targets, access, allow_retag=allow_retag)
        layouts = [engine.folder for engine in engines if isinstance(engine, LayoutEngine)]
        written += [Output("--to", folder, NEW_TREE) for folder in layouts]
        trust_place = options.trust_at(trust_folder)
        require_apart(written, [*bundle, ca_file], [trust_place, store.folder])

        def examine(folder: TrustFolder) -> Examination:
            job = Job(folder.trust, reference_time, job_count(jobs), progress, allow_older, weakened)
            return import_bundle(open_bundle(bundle), job, folder, store, engines)

        holding = open_trust(trust_place)
        if len(layouts) == len(engines):  # the others need a program or a network
            receipts = None if receipt_file is None else receipt_file.parent
            confine_to([trust_place, store.folder, *layouts, *papers.folders, receipts])
        give_verdict(partial(conclude, holding, examine, reference_time, tell), format_, papers)
