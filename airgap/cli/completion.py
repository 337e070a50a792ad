"""``airgap completion``."""

from __future__ import annotations

import click
from click.shell_completion import ShellComplete, get_completion_class

from airgap.cli.output import print_text


@click.command("completion", short_help="Print what makes a shell complete commands and options.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print what makes a shell complete commands and options of airgap with the tab key.

    \b
    Example:
      eval "$(airgap completion bash)"  # in ~/.bashrc
      eval "$(airgap completion zsh)"   # in ~/.zshrc, after compinit
      airgap completion fish > ~/.config/fish/completions/airgap.fish
    """
    root = context.find_root()
    made = get_completion_class(shell)
    if made is None:  # click knows all three
        raise RuntimeError(shell)
    completer = made(root.command, {}, "airgap", "_AIRGAP_COMPLETE")
    print_text(ShellComplete.source(completer))  # of this class: BashComplete's starts bash to ask for its version
