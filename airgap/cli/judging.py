"""What ``verify`` and ``import`` have in common: the verdict is printed whatever happens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from airgap.bundle.reader import Input
from airgap.cli import options
from airgap.cli.output import emit, leave
from airgap.errors import AirgapError
from airgap.files import open_input
from airgap.importer import Examination, Job
from airgap.progress import Progress
from airgap.report.documents import verdict_document
from airgap.state import Trust, load_trust


def judge(
    bundle: str,
    trust_folder: Path | None,
    at: str | None,
    jobs: int | None,
    format_: str,
    progress: Progress,
    examine: Callable[[Input, Job], Examination],
) -> None:
    """Load the trust root, examine the bundle, print the verdict, and leave with its exit status."""
    reference_time = options.reference_time(at)
    trust: Trust | None = None
    try:
        trust = load_trust(trust_folder if trust_folder is not None else options.home() / "trust")
        job = Job(trust, reference_time, options.job_count(jobs), progress)
        with open_input(bundle) as source:
            examination = examine(source, job)
    except AirgapError as error:
        examination = Examination(errors=[error])
    emit(verdict_document(examination, trust, reference_time), format_)
    leave(examination.errors)
