"""The commands of the program as data: what click knows of them."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass

import click

from airgap.cli.main import cli

_AS_IT_IS = "\b\n"  # click's mark before a paragraph whose lines stay


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Words, or lines to be shown as they are."""

    text: str
    as_it_is: bool


@dataclass(frozen=True, slots=True)
class Command:
    """``path`` is ``airgap trust init``; ``options`` are pairs of what is typed and what it does."""

    path: str
    summary: str
    usage: str
    paragraphs: tuple[Paragraph, ...]
    options: tuple[tuple[str, str], ...]
    commands: tuple[str, ...]

    @property
    def examples(self) -> tuple[str, ...]:
        """The lines below the word Example, each whole."""
        found = [one.text for one in self.paragraphs if one.as_it_is and one.text.startswith("Example")]
        lines = "\n".join(found).replace("\\\n", " ").splitlines()
        return tuple(line.strip() for line in lines if line.startswith("  "))


def commands() -> Iterator[Command]:
    """All, groups before what is in them, in the order of `airgap --help`."""
    yield from _walk(cli, click.Context(cli, info_name="airgap", **cli.context_settings))


def _walk(command: click.Command, context: click.Context) -> Iterator[Command]:
    names = command.list_commands(context) if isinstance(command, click.Group) else []
    paragraphs = tuple(_paragraphs(inspect.cleandoc(command.help or "")))
    records = [one.get_help_record(context) for one in command.get_params(context) if isinstance(one, click.Option)]
    yield Command(
        path=context.command_path,
        summary=" ".join(paragraphs[0].text.split()),
        usage=" ".join([context.command_path, *command.collect_usage_pieces(context)]),
        paragraphs=paragraphs,
        options=tuple((typed, " ".join(help_.split())) for typed, help_ in filter(None, records)),
        commands=tuple(names),
    )
    for name in names:
        if isinstance(command, click.Group) and (inner := command.get_command(context, name)) is not None:
            yield from _walk(inner, click.Context(inner, info_name=name, parent=context))


def _paragraphs(text: str) -> Iterator[Paragraph]:
    for part in text.split("\n\n"):
        as_it_is = part.startswith(_AS_IT_IS)
        yield Paragraph(part.removeprefix(_AS_IT_IS) if as_it_is else " ".join(part.split()), as_it_is)
