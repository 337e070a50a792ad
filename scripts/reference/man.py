"""Manual pages, man(7): one for each command, airgap(1) for the program."""

from __future__ import annotations

from collections.abc import Iterator

from airgap import __version__
from reference.commands import Command, commands
from reference.tables import families


def pages() -> dict[str, str]:
    """Pages by file name: airgap-trust-init.1."""
    return {f"{_name(one.path)}.1": page(one) for one in commands()}


def page(command: Command) -> str:
    return "\n".join(_parts(command)) + "\n"


def _parts(command: Command) -> Iterator[str]:
    name = _name(command.path)
    yield f'.TH "{name.upper()}" "1" "" "airgap {__version__}" "airgap"'
    yield ".SH NAME"
    yield f"{_text(name)} \\- {_text(command.summary.rstrip('.'))}"
    yield ".SH SYNOPSIS"
    yield f".B {_text(command.path)}\n{_text(command.usage.removeprefix(command.path).strip())}"
    yield ".SH DESCRIPTION"
    for one in command.paragraphs:
        if one.as_it_is:
            yield f".PP\n.nf\n{_lines(one.text)}\n.fi"
        else:
            yield f".PP\n{_text(one.text)}"
    if command.commands:
        yield ".SH COMMANDS"
        yield from (f".TP\n.BR {_text(f'{name}-{inner}')} (1)" for inner in command.commands)
    if command.options:
        yield ".SH OPTIONS"
        yield from (f".TP\n.B {_text(typed)}\n{_text(help_)}" for typed, help_ in command.options)
    yield ".SH EXIT STATUS"
    yield ".TP\n.B 0\nEverything asked for was done, and verified."
    yield ".TP\n.B 1\nAn error that no code foresaw: nothing is verified."
    yield from (f".TP\n.B {one.status}\n{_text(one.meaning)}" for one in families())
    yield ".SH SEE ALSO"
    parent = command.path.rpartition(" ")[0]
    yield f".BR {_text(_name(parent))} (1)" if parent else ".BR podman (1),\n.BR skopeo (1),\n.BR sha256sum (1)"


def _name(path: str) -> str:
    return path.replace(" ", "-")


def _lines(text: str) -> str:
    return "\n".join(_text(line) for line in text.splitlines())


def _text(words: str) -> str:
    """Nothing in it is a request or an escape of roff."""
    escaped = words.replace("\\", "\\e").replace("-", "\\-").replace("`", "\\(ga").replace("'", "\\(aq")
    return f"\\&{escaped}" if escaped.startswith(".") else escaped
