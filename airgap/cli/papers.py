"""The files in which a verdict is handed on: --report and --attestation."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import click

from airgap.cli.options import Decorator
from airgap.cli.places import NEW_FILE
from airgap.disk.writing import pending_files
from airgap.judging import Case

report_option: Decorator = click.option(
    "--report",
    "report_file",
    type=NEW_FILE,
    metavar="FILE",
    help="Write a report as one HTML file that needs no network, for refusals, too (needs airgap[report]).",
)
attestation_option: Decorator = click.option(
    "--attestation",
    "attestation_file",
    type=NEW_FILE,
    metavar="FILE",
    help="Write the verdict as an in-toto Statement with a SLSA Verification Summary, for refusals, too.",
)


Make = Callable[[Case], bytes]


@dataclass(frozen=True, slots=True)
class Papers:
    """Files by their path, and how each is made once the verdict is known."""

    makers: dict[Path, Make] = field(default_factory=dict)

    @property
    def folders(self) -> list[Path]:
        """Where they will be."""
        return [path.parent for path in self.makers]

    @contextlib.contextmanager
    def opened(self) -> Iterator[Callable[[Case], None]]:
        """Make sure, before any work, that the files can be written; when called, write all of them or none.

        Raises HostError, and so does what it gives.
        """
        with contextlib.ExitStack() as stack:
            create = stack.enter_context(pending_files())
            files = [(create(path), make) for path, make in self.makers.items()]

            def publish(case: Case) -> None:
                with stack:  # an error in here takes the half-written files away
                    for file, make in files:
                        file.write(make(case))

            yield publish


def papers_for(judged: Path, report_file: Path | None, attestation_file: Path | None) -> Papers:
    """The files that were asked for, about what is ``judged``. Raises HostError(extra-missing)."""
    makers: dict[Path, Make] = {}
    if report_file is not None:
        makers[report_file] = _reporting()
    if attestation_file is not None:
        makers[attestation_file] = _attesting(judged)
    return Papers(makers)


def _reporting() -> Make:
    from airgap.report.html.page import require_templates
    from airgap.report.html.verdict import verdict_page

    require_templates()
    return lambda case: verdict_page(case.examination, case.trust, case.reference_time)


def _attesting(judged: Path) -> Make:
    from airgap.report.attestation import attestation

    source = Path("/dev/stdin") if judged == Path("-") else judged.absolute()

    def make(case: Case) -> bytes:
        return attestation(case.examination, case.trust, case.reference_time, source.as_uri())

    return make
