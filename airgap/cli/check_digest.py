"""``airgap check-digest``."""

from __future__ import annotations

from pathlib import Path

import click

from airgap.checker import check
from airgap.cli import options
from airgap.cli.output import emit, leave
from airgap.engines.targets import FORMS, open_target
from airgap.examiner import Job
from airgap.progress import Silent
from airgap.reference import parse_reference
from airgap.report.documents import check_document
from airgap.reviewer import review
from airgap.state import load_trust
from airgap.store import Store


@click.command("check-digest")
@click.argument("target", metavar="TARGET")
@click.argument("references", nargs=-1, metavar="[REFERENCE]...")
@options.trust_option
@options.store_option
@options.plain_http_option
@options.ca_file_option
@options.at_option
@options.format_option
def command(
    target: str,
    references: tuple[str, ...],
    trust_folder: Path | None,
    store_folder: Path | None,
    plain_http: bool,
    ca_file: Path | None,
    at: str | None,
    format_: str,
) -> None:
    """Tell whether the images in TARGET are the ones that were verified. Changes nothing.

    REFERENCE is NAME, NAME:TAG or NAME@DIGEST as in the store; none means all that it holds. Each is judged again:
    signatures by today's trust root, and every byte in the store. Then TARGET is asked. The exit status is 0 if all
    are the same, and 60 if one is missing or another.

    \b
    Example:
      airgap check-digest podman docker.io/stagex/pallet-rust --trust /etc/airgap/trust --store /srv/airgap
    """
    wanted = [options.parsed("REFERENCE", parse_reference, text) for text in references]
    trust, reference_time = load_trust(options.trust_at(trust_folder)), options.reference_time(at)
    with options.access_for(plain_http, ca_file) as access:
        engine = open_target(target, access)
        examination = review(
            Store(options.store_at(store_folder)), Job(trust, reference_time, options.job_count(None), Silent()), wanted
        )
        rows = check(engine, examination)
    emit(check_document(target, rows, examination, trust, reference_time), format_)
    leave(examination.errors)


command.help = f"{command.help}\n\n    TARGET is one of {FORMS}."
