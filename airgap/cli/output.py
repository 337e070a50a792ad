"""How a command ends: one document on stdout, and the exit status."""

from __future__ import annotations

import sys
from typing import NoReturn

import click

from airgap.errors import AirgapError, gravest
from airgap.report.documents import Document, error_document
from airgap.report.escape import printable, to_json
from airgap.report.text import render


def emit(document: Document, format_: str) -> None:
    """Print a result: one JSON document, or its text view."""
    click.echo(to_json(document) if format_ == "json" else render(document))


def fail(error: AirgapError, format_: str) -> NoReturn:
    """End with an error: as a document on stdout for programs, as text on stderr for people."""
    document = error_document(error)
    if format_ == "json":
        click.echo(to_json(document))
    else:
        click.echo(render(document), err=True)
    sys.exit(error.exit_status)


def warn(text: str, quiet: bool = False) -> None:
    if not quiet:
        click.echo(f"warning: {printable(text)}", err=True)


def leave(errors: list[AirgapError]) -> NoReturn:
    sys.exit(gravest(errors))
