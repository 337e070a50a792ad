"""``airgap``: the command group, and the one place where errors become exit statuses."""

from __future__ import annotations

import itertools
import os
import signal
import sys
from types import FrameType
from typing import Final, NoReturn

import click

from airgap import __version__
from airgap.cli.lazy import LazyGroup
from airgap.cli.output import fail, prepare_streams
from airgap.disk.host import host_error
from airgap.errors import AirgapError, HostError, Interrupted, UsageError

_MODULES: Final = {
    "export": "airgap.cli.export",
    "inspect": "airgap.cli.inspect",
    "verify": "airgap.cli.verify",
    "import": "airgap.cli.import_",
    "split": "airgap.cli.split",
    "join": "airgap.cli.join",
    "repair": "airgap.cli.repair",
    "trust": "airgap.cli.trust",
    "signatures": "airgap.cli.signatures",
    "log": "airgap.cli.log",
    "store": "airgap.cli.store",
    "diff": "airgap.cli.diff",
    "check-digest": "airgap.cli.check_digest",
    "policy": "airgap.cli.policy",
    "kit": "airgap.cli.kit",
    "completion": "airgap.cli.completion",
}


@click.group(cls=LazyGroup, modules=_MODULES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="airgap")
def cli() -> None:
    """Carry signed container images across an air gap.

    On the connected machine `airgap export` packs images with everything that proves who signed them. On the offline
    machine `airgap trust init` pins, once, whom to believe; `airgap import` then lets in only what a quorum of those
    people signed.

    \b
    Example:
      airgap export docker://docker.io/stagex/pallet-rust@sha256:… \\
          --maintainers MAINTAINERS --keyring keyring.pgp \\
          --signatures signatures/ -o rust.airgap.tar.zst
      airgap import rust.airgap.tar.zst --trust /etc/airgap/trust \\
          --store /srv/airgap --to podman
    """


def main(*, confined: bool = True) -> NoReturn:
    """Run a command; every way out is an exit status of CONTRACT §2.

    ``confined`` lets commands that read what an enemy wrote give up this process's rights, for good (cli.confined).
    """
    signal.signal(signal.SIGTERM, _interrupt)
    prepare_streams()
    format_ = _format_of(sys.argv[1:])
    try:
        cli.main(prog_name="airgap", standalone_mode=False, obj=confined)  # completion goes by the name
        sys.exit(0)
    except AirgapError as error:
        fail(error, format_)
    except click.exceptions.Exit as request:
        sys.exit(request.exit_code)
    except click.ClickException as error:
        fail(UsageError("usage", _usage(error), hint=_help_of(error)), format_)
    except (KeyboardInterrupt, click.Abort):
        fail(Interrupted("interrupted", "interrupted"), format_)
    except OSError as error:
        fail(host_error(error, "standard output or another stream"), format_)
    except MemoryError:
        fail(HostError("input-output", "the machine is out of memory"), format_)
    except Exception as error:  # the last line of defence: what no code foresaw means that nothing is verified
        if os.environ.get("AIRGAP_TRACEBACK"):
            raise
        fail(AirgapError("unforeseen", f"unforeseen {type(error).__name__}: {error}"), format_)


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _format_of(arguments: list[str]) -> str:
    """Also when the command line is wrong, so that a program gets the error in the form it asked for."""
    pairs = list(itertools.pairwise(arguments))
    for format_ in ("json", "junit", "sarif"):
        if f"--format={format_}" in arguments or ("--format", format_) in pairs:
            return format_
    return "text"


def _usage(error: click.ClickException) -> str:
    """click's words; for a group without a command the names of its commands, as its help would be escaped."""
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError" and context is not None:
        names = context.command.list_commands(context)
        return f"{context.command_path} needs a command: {', '.join(names)}"
    return error.format_message()


def _help_of(error: click.ClickException) -> str | None:
    context = getattr(error, "ctx", None)
    return None if context is None else f"See `{context.command_path} --help` for the options and an example."
