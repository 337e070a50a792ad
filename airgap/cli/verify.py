"""``airgap verify``."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from airgap.cli import options
from airgap.cli.confined import confine_to
from airgap.cli.output import emit, leave
from airgap.cli.papers import attestation_option, papers_for, report_option
from airgap.cli.places import PLACE, PLACE_TEXT, Output, require_apart
from airgap.cli.receipts import receipt_option, write_receipt
from airgap.cli.verdict import give_verdict
from airgap.errors import UsageError
from airgap.examiner import Examination, Job
from airgap.judging import Case, Reading, conclude, judge_bundle, reading
from airgap.progress import Progress
from airgap.reference import parse_reference
from airgap.store.store import Store
from airgap.workers import job_count


@click.command("verify")
@click.argument("bundle", nargs=-1, type=PLACE_TEXT, metavar="[BUNDLE…]")
@options.trust_option
@click.option(
    "--store",
    "store_folder",
    type=PLACE,
    metavar="DIR",
    help="What a delta bundle builds on. Without a BUNDLE: judge the images of this store anew, by its evidence and "
    "today's trust root.",
)
@click.option(
    "--reference",
    "references",
    multiple=True,
    metavar="REF",
    help="With --store: only images of this repository, tag or digest. May be repeated.",
)
@receipt_option
@click.option("--part", is_flag=True, help="Judge each FILE as one part of a split bundle, alone: integrity and label.")
@click.option(
    "--media",
    is_flag=True,
    help="Read files, or folders of them, back from their medium around the page cache, and judge their integrity.",
)
@click.option(
    "--allow-older",
    is_flag=True,
    help="With a BUNDLE: accept images that are older than the newest accepted one of their repository.",
)
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
    references: tuple[str, ...],
    receipt_file: Path | None,
    part: bool,
    media: bool,
    allow_older: bool,
    report_file: Path | None,
    attestation_file: Path | None,
    at: str | None,
    jobs: int | None,
    format_: str,
    quiet: bool,
    no_progress: bool,
) -> None:
    """Judge a bundle by the pinned trust root, writing nothing.

    BUNDLE is a file, one part of a split bundle (the others are looked for beside it), folders that hold the parts in
    any order, or - to read from a pipe. Exit status 0 means: every byte is what its digest says, and every image was
    signed by enough of the pinned people.

    A delta bundle builds on blobs that were imported earlier: --store DIR says where, and each is hashed there.

    With --store alone, images that were imported earlier are judged in the same way, each for itself: which would no
    longer pass, and why; --receipt writes what passed, for the sender of the next bundle. With --part or --media
    nobody's signature is looked at, and no trust root is needed: files are compared with their labels, their hashes
    and the .sha256 files beside them.

    \b
    Example:
      airgap verify rust.airgap.tar.zst --trust /etc/airgap/trust
      airgap verify /media/stick1 /media/stick2 --trust /etc/airgap/trust
      airgap verify july.airgap.tar.zst --store /srv/airgap \\
          --trust /etc/airgap/trust
      airgap verify --store /srv/airgap --trust /etc/airgap/trust \\
          --reference docker.io/stagex/pallet-rust
      airgap verify --part /media/dvd/rust.airgap.tar.zst.002
      airgap verify --media /media/stick1
    """
    judges_store = not bundle and store_folder is not None
    if not bundle and not judges_store:
        raise UsageError("usage", "give a BUNDLE, or --store DIR to judge what it holds")
    if (references or receipt_file is not None) and not judges_store:
        raise UsageError("usage", "--reference and --receipt are for judging a store: --store DIR without a BUNDLE")
    if allow_older and judges_store:
        raise UsageError("usage", "--allow-older is for judging a BUNDLE: an image in a store may be an older one")
    progress = options.progress_for(quiet, no_progress)
    if part or media:
        if trust_folder is not None or store_folder is not None:
            raise UsageError("usage", "--part and --media judge integrity alone; they take no trust root or store")
        if report_file is not None or attestation_file is not None:
            raise UsageError("usage", "--part and --media judge no signature, so there is no verdict to write down")
        _judge_files(bundle, media, part, job_count(jobs), format_, progress)
    written = [
        Output("--receipt", receipt_file),
        Output("--report", report_file),
        Output("--attestation", attestation_file),
    ]
    trust, spread = options.trust_at(trust_folder), job_count(jobs)
    require_apart(written, bundle, [trust] if store_folder is None else [trust, store_folder])
    reference_time = options.reference_time(at)
    wanted = [options.parsed("--reference", partial(parse_reference, where="--reference"), text) for text in references]
    store = None if store_folder is None else Store(store_folder)

    def judge() -> Case:
        if bundle or store is None:
            return judge_bundle(
                bundle, trust, reference_time, store=store, jobs=spread, progress=progress, allow_older=allow_older
            )
        return conclude(reading(trust), partial(judge_stored, store), reference_time)

    def judge_stored(store: Store, held: Reading) -> Examination:
        from airgap.reviewer import review

        examination = review(store, Job(held.trust, reference_time, spread, progress), wanted)
        if receipt_file is not None:
            passed = [one.image for one in examination.verified]
            examination.notes.append(write_receipt(receipt_file, store, passed, None, held.trust.root.id))
        return examination

    papers = papers_for(
        Path(bundle[0]) if bundle or store_folder is None else store_folder, report_file, attestation_file
    )
    confine_to([*papers.folders, None if receipt_file is None else receipt_file.parent])
    give_verdict(judge, format_, papers)


def _judge_files(paths: tuple[str, ...], media: bool, part: bool, jobs: int, format_: str, progress: Progress) -> None:
    """Print what was found, and leave with the exit status of it."""
    # Imported here, as a bundle's verdict should not wait for what reads media.
    from airgap.media.judge import judge_files
    from airgap.report.documents.media import media_document

    found = judge_files(
        [Path(path) for path in paths], around_cache=media, parts_only=part, jobs=jobs, progress=progress
    )
    emit(media_document(found, around_cache=media), format_)
    leave([one.error for one in found if one.error is not None])
