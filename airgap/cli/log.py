"""``airgap log show|verify``."""

from __future__ import annotations

from pathlib import Path

import click

from airgap.audit import Head, read_log, require_whole
from airgap.cli import options
from airgap.cli.lazy import Group
from airgap.cli.output import emit
from airgap.errors import HostError
from airgap.report.documents.log import log_check_document, log_document
from airgap.state import LOG_FILE, load_trust


@click.group("log", cls=Group, short_help="Read the audit log: every decision of this machine.")
def command() -> None:
    """Read the audit log: every decision of this machine, in order, hash-chained.

    \b
    Example:
      airgap log show --trust /etc/airgap/trust --last 20
    """


@command.command("show")
@options.trust_option
@click.option("-n", "--last", type=options.Whole(min=1), metavar="N", help="Only the last N entries.")
@options.format_option
def show(trust_folder: Path | None, last: int | None, format_: str) -> None:
    """Show what was decided, when, and why. The chain is checked while it is read.

    \b
    Example:
      airgap log show --trust /etc/airgap/trust --last 20
    """
    folder = options.trust_at(trust_folder)
    try:
        entries = list(read_log(folder / LOG_FILE))
    except HostError as error:
        if error.kind == "file-not-found":
            load_trust(folder)  # tells where there is no trust root at all
        raise
    emit(log_document(entries[-last:] if last is not None else entries), format_)


@command.command("verify", short_help="Check that no entry was changed, removed or put in.")
@options.trust_option
@options.format_option
def verify(trust_folder: Path | None, format_: str) -> None:
    """Check that no entry was changed, removed or put in, and that the trust folder is what the log says.

    Entries cut off the end cannot be told from a log that ended there, unless they changed the trust folder: compare
    the head that is printed with the one that you kept.

    \b
    Example:
      airgap log verify --trust /etc/airgap/trust
    """
    folder = options.trust_at(trust_folder)
    load_trust(folder)
    require_whole(folder / LOG_FILE)
    head = Head()
    for entry in read_log(folder / LOG_FILE):
        entry.parsed()
        head = entry.head
    emit(log_check_document(head), format_)
