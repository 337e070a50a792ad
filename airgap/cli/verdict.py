"""What ``verify`` and ``import`` have in common: the verdict is printed whatever happens."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from airgap.cli.output import emit, leave
from airgap.cli.papers import Papers
from airgap.errors import AirgapError
from airgap.judging import Case
from airgap.report.documents.verdict import verdict_document


def give_verdict(judge: Callable[[], Case], format_: str, papers: Papers) -> NoReturn:
    """Judge, print the verdict, and leave with its exit status.

    ``papers`` are written whatever the verdict is. Raises HostError, before anything is done, where they cannot be; if
    they fail in the end, that is one more error of the verdict, and what was imported stays.
    """
    with papers.opened() as publish:
        case = judge()
        errors = case.examination.errors
        try:
            publish(case)
        except AirgapError as error:
            errors.append(error)
    emit(verdict_document(case.examination, case.trust, case.reference_time), format_)
    leave(errors)
