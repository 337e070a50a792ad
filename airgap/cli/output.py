"""How a command ends: one document on stdout, and the exit status. Nothing else in the package writes to stdout."""

from __future__ import annotations

import contextlib
import itertools
import os
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, BinaryIO, Final, NoReturn

import click

from airgap.disk.host import host_error
from airgap.errors import AirgapError, HostError, gravest
from airgap.report.escape import json_pieces, printable

if TYPE_CHECKING:  # `airgap --version` should not wait for zstd, OpenPGP and the views of every document
    from airgap.bundle.writer import Output
    from airgap.report.documents.error import Document


BAR: Final = "airgap.cli.bar"  # where a command's context holds what wipes the bar that is drawn
FULL: Final = "airgap.cli.full"  # and whether digests are shown whole


def prepare_streams() -> None:
    """A terminal that cannot show a character gets its escape: a verdict must not fail for want of a tick.

    A stream that whoever started us had closed leads to /dev/null, so that no file of ours gets its number.
    """
    with contextlib.suppress(OSError):
        while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:  # 0, 1 and 2 stay open
            os.set_inheritable(descriptor, True)
        os.close(descriptor)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # as long as the program runs
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def print_text(text: str) -> None:
    """Print a text and a line end to stdout."""
    _print((text, "\n"))


def _print(pieces: Iterable[str]) -> None:
    """Raises HostError if nobody can have read it: the status must not say that all is well."""
    if sys.stdout is None:
        raise HostError("input-output", "standard output is closed: nobody can read the result", path="-")
    _wipe_bar(click.get_current_context(silent=True))
    try:
        for piece in pieces:
            click.echo(piece, nl=False)
        sys.stdout.flush()
    except OSError as error:
        _abandon_stdout()
        raise host_error(error, "standard output") from error


def emit(document: Document, format_: str) -> None:
    """Print a result: as text, as one JSON document, or as a report that CI services read."""
    if format_ == "text":
        print_text(_view(document))
    elif format_ == "junit":
        from airgap.report.findings import junit

        print_text(junit(document))
    else:
        if format_ == "sarif":
            from airgap.report.findings import sarif

            document = sarif(document)
        _print(itertools.chain(json_pieces(document), "\n"))


def _view(document: Document) -> str:
    from airgap.report.text import render

    context = click.get_current_context(silent=True)
    return render(document, full=context is not None and context.meta.get(FULL, False))


def fail(error: AirgapError, format_: str) -> NoReturn:
    """End with an error: as a document on stdout for programs, as text on stderr for people."""
    from airgap.report.documents.error import error_document

    document = error_document(error)
    with contextlib.suppress(HostError, OSError):
        if format_ == "text":
            click.echo(_view(document), err=True)
        else:
            emit(document, format_)
    sys.exit(error.exit_status)


def warn(text: str) -> None:
    """Also with --quiet: what weakens a check is never silent."""
    _wipe_bar(click.get_current_context(silent=True))
    click.echo(f"warning: {printable(text)}", err=True)


def notes() -> Callable[[str], None]:
    """How a person who waits is told what for, from any thread. Not for --quiet."""
    context = click.get_current_context()

    def note(text: str) -> None:
        _wipe_bar(context)
        click.echo(f"note: {printable(text)}", err=True)

    return note


def _wipe_bar(context: click.Context | None) -> None:
    """What is printed while a bar is drawn would stand behind it, on its line."""
    if context is not None and BAR in context.meta:
        context.meta[BAR]()


def leave(errors: list[AirgapError]) -> NoReturn:
    sys.exit(gravest(errors))


def standard_output() -> Output:
    """Standard output as a stream of bytes whose errors are typed. Raises HostError if it is closed."""
    if sys.stdout is None:
        raise HostError("input-output", "standard output is closed", path="-")
    sys.stdout.flush()
    return _Bytes(sys.stdout.buffer)


class _Bytes:
    """What was written is out: nothing waits to fail at the end of the program."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, data: bytes, /) -> None:
        try:
            self._stream.write(data)
            self._stream.flush()
        except OSError as error:
            _abandon_stdout()
            raise host_error(error, "standard output") from error


def _abandon_stdout() -> None:
    """Keep Python from trying again, and failing again, when it ends."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
