"""``airgap kit``."""

from __future__ import annotations

import os
from pathlib import Path

import click

from airgap.cli import options
from airgap.cli.output import emit
from airgap.cli.places import NEW_FILE, NEW_FOLDER
from airgap.digest import digest_of
from airgap.disk.paths import is_occupied
from airgap.errors import HostError, UsageError
from airgap.kit.pip import Pip, require_pip
from airgap.kit.target import PYTHONS, parse_targets
from airgap.report.documents.kit import kit_document


@click.command("kit", short_help="Make what installs airgap on a machine without a network.")
@click.option("-o", "--output", "folder", type=NEW_FOLDER, metavar="DIR", help="A new folder.")
@click.option(
    "--archive",
    type=NEW_FILE,
    metavar="FILE",
    help="The same as one tar file, beside or instead of DIR.",
)
@click.option(
    "--python",
    "pythons",
    type=click.Choice(PYTHONS),
    multiple=True,
    help="A Python of the offline machines. May be repeated. Default: all of these.",
)
@click.option(
    "--platform",
    "platforms",
    metavar="TAG",
    multiple=True,
    help="Their platform as wheels name it: manylinux2014_x86_64 (glibc of 2014 or newer), musllinux_1_2_aarch64 … "
    "May be repeated. Default: this machine's kind.",
)
@click.option(
    "--extra",
    "extras",
    type=click.Choice(["registry", "report"]),
    multiple=True,
    help="Also what registries as targets, or --report, need. May be repeated.",
)
@click.option(
    "--no-recovery",
    is_flag=True,
    help="Leave out what `airgap repair` needs: zfec, which has no wheels for some platforms.",
)
@options.format_option
@options.quiet_options
def command(
    folder: Path | None,
    archive: Path | None,
    pythons: tuple[str, ...],
    platforms: tuple[str, ...],
    extras: tuple[str, ...],
    no_recovery: bool,
    format_: str,
    quiet: bool,
    no_progress: bool,
) -> None:
    """Make what installs this airgap on a machine without a network.

    Run it on a connected machine of any kind. The packages come from the index that pip is configured for; airgap
    itself is the one that runs. The same packages always make the same bytes. The result has its own installer
    (install.sh), checksums, a bill of materials and a README.txt that tells how to check it by hand. The id that is
    printed covers every file: tell it to the other side by another way.

    \b
    Example:
      airgap kit -o airgap-kit
      airgap kit --archive airgap-kit.tar --python 3.12 \\
          --platform manylinux2014_aarch64 --no-recovery
    On the offline machine:
      sh airgap-kit/install.sh /opt/airgap sha256:…
    """
    if folder is None and archive is None:
        raise UsageError("usage", "say where the kit is to be: --output DIR, or --archive FILE")
    targets = parse_targets(pythons, platforms)
    require_pip()
    from airgap.kit.maker import make_kit  # only a kit needs packaging

    if folder is not None and is_occupied(folder):  # better now than after a minute
        raise HostError("output-exists", f"{folder} is there and not empty", path=str(folder))
    wanted = {*extras} if no_recovery else {*extras, "recovery"}  # nobody can fetch it where a bundle must be mended
    kit = make_kit(targets, sorted(wanted), Pip(os.environ), options.progress_for(quiet, no_progress))
    if folder is not None:
        kit.write_folder(folder)
    written = None if archive is None else (archive, digest_of(kit.write_archive(archive)))
    emit(kit_document(kit, folder, written), format_)
