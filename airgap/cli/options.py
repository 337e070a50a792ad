"""Options that several commands share, and the values they become."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from airgap.cli.output import FULL, notes
from airgap.cli.places import PLACE, PLACE_TEXT
from airgap.disk.reading import read_given
from airgap.errors import FormatError, UsageError
from airgap.limits import LIMITS
from airgap.progress import Progress, Silent
from airgap.timestamp import parse_rfc3339
from airgap.trust.claim import DEFAULT_FORMATS, ClaimFormat
from airgap.trust.root import Group

if TYPE_CHECKING:  # `airgap verify` should not wait for what only the connected side uses
    from airgap.registry.access import Access

Value = TypeVar("Value")
Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class Whole(click.IntRange):
    """A whole number in bounds, called so when something else is typed."""

    name = "whole number"


def home() -> Path:
    """Where trust and store live by default: AIRGAP_HOME, else the user's data folder (XDG)."""
    if os.environ.get("AIRGAP_HOME"):
        return Path(os.environ["AIRGAP_HOME"])
    data = Path(os.environ.get("XDG_DATA_HOME", ""))  # one that is not absolute is no such folder, as XDG has it
    return (data if data.is_absolute() else Path.home() / ".local" / "share") / "airgap"


bundle_argument: Decorator = click.argument("bundle", nargs=-1, required=True, type=PLACE_TEXT, metavar="BUNDLE…")


def _format_option(*formats: str) -> Decorator:
    """``--format``, which the command is given, and ``--full``, which cli.output asks for."""
    how = click.option(
        "--format", "format_", type=click.Choice(formats), default=formats[0], help="How the result is printed."
    )
    full = click.option(
        "--full",
        is_flag=True,
        expose_value=False,
        callback=lambda context, _, value: context.meta.update({FULL: value}),
        help="Show digests whole in the text, not their beginning.",
    )
    return lambda command: how(full(command))


format_option: Final = _format_option("text", "json")
judging_format_option: Final = _format_option("text", "json", "junit", "sarif")


at_option: Decorator = click.option(
    "--at", metavar="RFC3339", help="The reference time of every decision. Default: this machine's clock."
)
trust_option: Decorator = click.option(
    "--trust",
    "trust_folder",
    type=PLACE,
    metavar="DIR",
    help="The trust root's folder. Default: trust/ in the data folder (AIRGAP_HOME).",
)
store_option: Decorator = click.option(
    "--store",
    "store_folder",
    type=PLACE,
    metavar="DIR",
    help="The store's folder. Default: store/ in the data folder (AIRGAP_HOME).",
)
jobs_option: Decorator = click.option(
    "-j", "--jobs", type=Whole(1, 64), metavar="N", help="Threads to use. Default: one per core."
)
volume_size_option: Decorator = click.option(
    "--volume-size",
    metavar="SIZE|fat32|cd700|dvd|dvd-dl|bd25",
    help="Cut the bundle into parts FILE.001, FILE.002 … of at most this size (650M, 4GB, or a kind of medium).",
)
_KEYRING_HELP: Final = "OpenPGP certificates, binary or armored. May be repeated."
keyring_option: Decorator = click.option(
    "--keyring",
    "keyrings",
    type=PLACE,
    metavar="FILE",
    multiple=True,
    required=True,
    help=_KEYRING_HELP,
)
keyring_or_url_option: Decorator = click.option(
    "--keyring", "keyrings", type=PLACE_TEXT, metavar="FILE|URL", multiple=True, required=True, help=_KEYRING_HELP
)
_MAINTAINERS_HELP: Final = "StageX's MAINTAINERS file: who is who, by full fingerprint."
maintainers_option: Decorator = click.option(
    "--maintainers", type=PLACE, metavar="FILE", required=True, help=_MAINTAINERS_HELP
)
maintainers_or_url_option: Decorator = click.option(
    "--maintainers", type=PLACE_TEXT, metavar="FILE|URL", required=True, help=_MAINTAINERS_HELP
)
plain_http_option: Decorator = click.option(
    "--plain-http", is_flag=True, help="Speak http, without TLS, to registries on this machine. Others are refused."
)
ca_file_option: Decorator = click.option(
    "--ca-file",
    type=PLACE,
    metavar="FILE",
    help="Certificates (PEM) to trust for TLS, beside the system's.",
)
maintainers_signatures_option: Decorator = click.option(
    "--maintainers-signatures",
    type=PLACE,
    metavar="DIR",
    help="Detached signatures over the exact bytes of MAINTAINERS (gpg --detach-sign). Folders 1, 2, … in it hold "
    "earlier versions: a file MAINTAINERS and the signatures over it, oldest first.",
)
claim_format_option: Decorator = click.option(
    "--claim-format",
    "claim_formats",
    type=click.Choice([str(name) for name in ClaimFormat]),
    multiple=True,
    help="Claims to accept: atomic (default), and stagex-legacy for images signed up to mid-2025. May be repeated.",
)


yes_option: Decorator = click.option("--yes", is_flag=True, help="Do not ask: the fingerprints were compared already.")
require_one_of_option: Decorator = click.option(
    "--require-one-of",
    "groups",
    multiple=True,
    metavar="NICK[,NICK…]",
    help="At least one of these people must be among an image's signers. May be repeated, for several groups.",
)


quiet_option: Decorator = click.option("-q", "--quiet", is_flag=True, help="Show nothing but the result and errors.")


def quiet_options(command: Callable[..., Any]) -> Callable[..., Any]:
    return quiet_option(click.option("--no-progress", is_flag=True, help="Show no progress bar.")(command))


def trust_at(folder: Path | None) -> Path:
    """The trust folder: ``--trust``, or the default."""
    return folder if folder is not None else home() / "trust"


def store_at(folder: Path | None) -> Path:
    """The store: ``--store``, or the default."""
    return folder if folder is not None else home() / "store"


def groups(texts: Iterable[str]) -> list[Group]:
    """The values of --require-one-of."""
    return [tuple(nick.strip() for nick in text.split(",")) for text in texts]


def reference_time(at: str | None) -> int:
    """Seconds since 1970: ``--at``, else the clock, which is read here and nowhere else."""
    return parse_rfc3339(at) if at is not None else int(time.time())


def access_for(plain_http: bool, ca_file: Path | None, *, quiet: bool) -> Access:
    """How this command reaches registries and web servers. Raises HostError, UsageError for a file that is no PEM."""
    from airgap.registry.access import Access
    from airgap.registry.client import Settings

    authorities = ""
    if ca_file is not None:
        try:
            authorities = read_given(ca_file, LIMITS.trust_file).decode("ascii")
        except UnicodeDecodeError:
            authorities = ""
        if "-----BEGIN" not in authorities:
            raise UsageError("usage", f"--ca-file {ca_file}: certificates in PEM form are expected")
    settings = Settings(plain_http=plain_http, authorities=authorities)
    return Access(settings if quiet else replace(settings, tell=notes()), os.environ)


def formats(names: Iterable[str]) -> tuple[ClaimFormat, ...]:
    return tuple(ClaimFormat(name) for name in names) or DEFAULT_FORMATS


def parsed(option: str, parse: Callable[[str], Value], text: str) -> Value:
    """The value of an option. Raises UsageError where the text is not one."""
    try:
        return parse(text)
    except FormatError as error:
        raise UsageError("usage", f"{option}: {error.message}", hint=error.hint) from None


def progress_for(quiet: bool, no_progress: bool) -> Progress:
    """A bar if somebody looks at a terminal, else silence."""
    if quiet or no_progress or not sys.stderr.isatty():
        return Silent()
    from airgap.cli.bar import Bar

    return Bar()
