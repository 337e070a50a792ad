"""docs/reference.md."""

from __future__ import annotations

from collections.abc import Iterator

from reference.commands import Command, commands
from reference.tables import error_rows, families, limit_rows

_HEAD = """\
# Reference

Made from the code by `scripts/make-reference`; `scripts/check` compares. Nothing here is written by hand.

[Commands](#commands) · [exit statuses](#exit-statuses) · [errors](#errors) · [limits](#limits)
"""


def text() -> str:
    return "\n".join([_HEAD, *_commands(), *_statuses(), *_errors(), *_limits()])


def _commands() -> Iterator[str]:
    yield "## Commands\n"
    for one in commands():
        yield f"### {one.path}\n"
        yield f"```\n{one.usage}\n```\n"
        yield from _words(one)
        if one.options:
            yield "| option | |\n|---|---|"
            yield "".join(f"| {_code(typed)} | {_cell(help_)} |\n" for typed, help_ in one.options)
        if one.commands:
            yield (
                "Commands: " + ", ".join(f"[{name}](#{_anchor(f'{one.path} {name}')})" for name in one.commands) + "\n"
            )


def _words(command: Command) -> Iterator[str]:
    for one in command.paragraphs:
        yield f"```\n{one.text}\n```\n" if one.as_it_is else f"{_escaped(one.text)}\n"


def _statuses() -> Iterator[str]:
    yield "## Exit statuses\n"
    yield "| status | errors | meaning |\n|---|---|---|"
    yield "| 0 | | everything asked for was done, and verified |"
    yield "| 1 | AG000 | an error that no code foresaw: nothing is verified |"
    for one in families():
        numbers = "" if one.first is None else f"AG{one.first} …"
        yield f"| {one.status} | {numbers} | {_cell(one.meaning)} |"
    yield "\nOf several failures the gravest gives the status. Treat an unknown status as a failure.\n"


def _errors() -> Iterator[str]:
    yield "## Errors\n"
    yield "Codes and kinds never change. The advice is what fits every case; a message may come with a closer one.\n"
    yield "| code | kind | status | what to do |\n|---|---|---|---|"
    yield "".join(f"| {one.code} | `{one.kind}` | {one.status} | {_cell(one.hint)} |\n" for one in error_rows())


def _limits() -> Iterator[str]:
    yield "## Limits\n"
    yield "What is over a limit is refused (`limit-exceeded`) before it is read.\n"
    yield "| limit | value | unit and reason |\n|---|---|---|"
    yield (
        "".join(f"| `{name}` | {value:,} | {_cell(reason)} |\n" for name, value, reason in limit_rows()).rstrip("\n")
        + "\n"
    )


def _code(typed: str) -> str:
    return f"`{typed.replace('|', chr(92) + '|')}`"


def _cell(words: str) -> str:
    return _escaped(words).replace("|", "\\|")


def _escaped(words: str) -> str:
    """No markup by accident, outside of code spans."""
    parts = words.split("`")
    parts[::2] = [part.replace("*", "\\*").replace("<", "&lt;").replace("_", "\\_") for part in parts[::2]]
    return "`".join(parts)


def _anchor(title: str) -> str:
    return title.lower().replace(" ", "-")
