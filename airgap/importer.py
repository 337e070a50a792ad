"""The offline side: one procedure for ``verify`` and ``import``; the step numbers are those of bundles/FORMAT.md §7.

This module orders the work; the decisions are in verify.py, the bytes in bundle/, the files in store/ and state.py.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager

from airgap import records
from airgap.bundle.manifest import BundleManifest
from airgap.bundle.partset import OpenedBundle
from airgap.bundle.reader import BundleReader, Input
from airgap.digest import Digest
from airgap.engines.engine import Engine
from airgap.engines.loading import load_all
from airgap.errors import AirgapError, Interrupted
from airgap.examiner import Examination, Examiner, Job, Refused
from airgap.keeper import keep_revocations
from airgap.openpgp.keyring import Keyring
from airgap.progress import Progress
from airgap.state import TrustFolder
from airgap.store.store import Store

Opening = AbstractContextManager[OpenedBundle]


def examine_bundle(opening: Opening, job: Job, store: Store | None = None) -> Examination:
    """Steps 1 to 10: judge a bundle, writing nothing. Every error is in the examination.

    ``store`` is what a delta bundle builds on.
    """
    examination = Examination(overrides=_overrides(job))
    with (
        _collecting(examination),
        opening as opened,
        BundleReader(opened.source, jobs=job.jobs, progress=job.progress) as reader,
    ):
        examination.notes += opened.notes
        Examiner(reader, job, examination, store=store).run(None)
    return examination


def import_bundle(
    opening: Opening, job: Job, folder: TrustFolder, store: Store, engines: Sequence[Engine] = ()
) -> Examination:
    """Steps 1 to 15: judge a bundle; if all of it is accepted, publish it to the store and load it into each engine.

    Every error is in the examination. A refusal leaves store, engines and trust as they were, save that the log tells
    of it, and that revocations of pinned people are kept.
    """
    examination = Examination(overrides=_overrides(job))
    with _telling_of_interruption(examination, job, folder):
        with _collecting(examination), store.writing():
            with opening as opened, BundleReader(opened.source, jobs=job.jobs, progress=job.progress) as reader:
                examination.notes += opened.notes
                _take_in(reader, examination, job, folder, store, engines)
            examination.loaded += load_all(engines, examination.verified, store, job.progress)
        _tell(examination, job, folder)
    _note_what_waits(examination, store)
    return examination


def _note_what_waits(examination: Examination, store: Store) -> None:
    count, size = (0, 0) if examination.id is None else store.waiting(examination.id)
    if count:
        examination.notes.append(
            f"{count} whole blobs ({size} bytes) of this bundle wait in quarantine: importing it again goes on from "
            "there, `airgap store gc` removes them"
        )


def _overrides(job: Job) -> list[str]:
    return [*(["allow-older"] if job.allow_older else []), *job.weakened]


def _take_in(
    reader: BundleReader,
    examination: Examination,
    job: Job,
    folder: TrustFolder,
    store: Store,
    engines: Sequence[Engine],
) -> None:
    """Steps 2 to 12, and what the trust folder then knows."""

    def remember(carried: Keyring) -> None:
        keep_revocations(folder, carried, examination.id, job.reference_time)

    examiner = Examiner(reader, job, examination, engines, remember, store)
    examiner.open()
    with store.quarantine(_id(examination)) as quarantine, contextlib.closing(reader):
        examiner.run(quarantine)
        accepted = folder.trust.accepting(examiner.trust, [one.dated for one in examination.approved])
        folder.decide(records.import_record(examination, folder.trust, job.reference_time), accepted)
        store.publish(examination.verified, quarantine, examiner.evidence, examination.referrers, folder.commit)
        examination.is_stored = True
        if quarantine.kept:
            size = sum(one.size for one in quarantine.kept.values())
            examination.notes.append(f"went on: {len(quarantine.kept)} blobs ({size} bytes) had come before")


def _tell(examination: Examination, job: Job, folder: TrustFolder) -> None:
    """What the log does not say yet: a refusal, or what became of loading."""
    if not examination.errors and not examination.loaded:
        return
    make = records.load_record if examination.is_stored else records.import_record
    with _collecting(examination):
        folder.record(make(examination, folder.trust, job.reference_time))


@contextlib.contextmanager
def _telling_of_interruption(examination: Examination, job: Job, folder: TrustFolder) -> Iterator[None]:
    """Whoever stops an import, the log tells of it if it can."""
    try:
        yield
    except BaseException as error:
        by = "Ctrl-C or a signal" if isinstance(error, KeyboardInterrupt) else type(error).__name__
        examination.errors.append(Interrupted("interrupted", f"stopped by {by}"))
        with contextlib.suppress(AirgapError):
            _tell(examination, job, folder)
        raise


@contextlib.contextmanager
def _collecting(examination: Examination) -> Iterator[None]:
    try:
        yield
    except Refused:
        pass
    except AirgapError as error:
        examination.errors.append(error)


def _id(examination: Examination) -> Digest:
    if examination.id is None:
        raise RuntimeError("the bundle was not opened")
    return examination.id


def inspect_bundle(source: Input, progress: Progress) -> tuple[BundleManifest, Digest]:
    """What a bundle claims to hold: bundle.json alone is read, and nothing is verified."""
    with BundleReader(source, jobs=1, progress=progress) as reader:
        return reader.read_manifest()
