"""Groups whose commands are imported when they are used: `airgap --version` should not pay for OpenPGP."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import click

from airgap.errors import KINDS, UsageError


class Group(click.Group):
    """A group that knows what was meant: the nearest command, and whose --help an error should point to."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, names = args[0], self.list_commands(ctx)
        if not (name in names or name.startswith("-") or ctx.resilient_parsing):
            import difflib  # here: `airgap --version` should not wait for it

            near = " or ".join(f"'{one}'" for one in difflib.get_close_matches(name, names))
            ctx.fail(f"No such command '{name}'." + (f" Did you mean {near}?" if near else ""))
        return super().resolve_command(ctx, args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        command = super().get_command(ctx, cmd_name)
        return None if command is None else _heeding_quiet(command)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except UsageError as error:
            if error.hint == KINDS["usage"].hint and ctx.invoked_subcommand is not None:
                error.hint = f"See `{ctx.command_path} {ctx.invoked_subcommand} --help` for the options and an example."
            raise


class LazyGroup(Group):
    """A group whose commands are modules with a ``command`` in them, by name."""

    def __init__(self, *args: Any, modules: Mapping[str, str], **options: Any) -> None:
        super().__init__(*args, **options)
        self._modules = modules

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._modules:
            return None
        command: click.Command = importlib.import_module(self._modules[cmd_name]).command
        return _heeding_quiet(command)


def _heeding_quiet(command: click.Command) -> click.Command:
    """Every command may be asked to be quiet (CONTRACT §1); one that shows no progress has nothing to leave out."""
    taken = {name for parameter in command.params for name in parameter.opts}
    for names in (["-q", "--quiet"], ["--no-progress"]):
        if not isinstance(command, click.Group) and taken.isdisjoint(names):
            command.params.append(click.Option(names, is_flag=True, expose_value=False, hidden=True))
    return command
