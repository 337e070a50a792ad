"""``airgap export``."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from airgap.bundle.format import SUFFIX
from airgap.bundle.volumes import parse_percent, parse_volume_size
from airgap.bundle.writer import DEFAULT_LEVEL
from airgap.cli import options
from airgap.cli.output import emit, leave, print_text, standard_output, warn
from airgap.cli.places import NEW_FILE, PARTS, PLACE, PLACE_TEXT, RECOVERY, WHOLE, Output, require_apart
from airgap.cli.receipts import held_since
from airgap.errors import UsageError
from airgap.exporter import Evidence, Exporter
from airgap.inputs import load_keyrings, read_signed_maintainers
from airgap.limits import LIMITS
from airgap.media.packer import Packed, pack
from airgap.oci.descriptor import Platform, parse_platform
from airgap.report.documents.export import export_document
from airgap.sources.lookaside import open_lookaside, read_file_or_url
from airgap.sources.spec import (
    REGISTRY,
    Sources,
    parse_digest_list,
    parse_spec,
    read_digest_lists,
    read_image_list,
    specs_from_lists,
)
from airgap.trust.maintainers import parse_maintainers
from airgap.trust.root import DEFAULT_THRESHOLD, new_root
from airgap.workers import job_count


@click.command("export", short_help="Pack images and who signed them into one bundle.")
@click.argument("sources", nargs=-1, metavar="[NAME=]SOURCE…")
@click.option(
    "--images",
    "image_lists",
    type=PLACE,
    multiple=True,
    metavar="FILE",
    help="A file with one [NAME=]SOURCE a line. May be repeated.",
)
@options.maintainers_or_url_option
@options.maintainers_signatures_option
@options.keyring_or_url_option
@click.option(
    "--signatures",
    "lookasides",
    type=PLACE_TEXT,
    multiple=True,
    required=True,
    metavar="DIR|URL",
    help="The root of a lookaside tree (NAME@sha256=HEX/signature-N). May be repeated.",
)
@click.option(
    "--digests",
    type=PLACE,
    multiple=True,
    metavar="FILE",
    help="A digest list (`HEX NAME` lines): cross-checked, and carried along. May be repeated.",
)
@click.option(
    "--from",
    "prefix",
    metavar="[NAME=]PREFIX",
    help="Take every image of the digest lists from this place of a registry: `--from docker.io/stagex`.",
)
@options.plain_http_option
@options.ca_file_option
@click.option(
    "--platform",
    "platforms",
    multiple=True,
    metavar="OS/ARCH[/VARIANT]|all",
    help="Platforms to take. Default: all. May be repeated.",
)
@click.option(
    "--threshold",
    type=options.Whole(min=1),
    default=DEFAULT_THRESHOLD,
    show_default=True,
    metavar="N",
    help="How many maintainers must have signed, for the preflight.",
)
@click.option(
    "--referrers/--no-referrers",
    "with_referrers",
    default=True,
    show_default=True,
    help="Carry what a registry holds about the images (SBOMs, attestations, cosign's artifacts) as evidence.",
)
@options.claim_format_option
@click.option(
    "--skip-preflight",
    is_flag=True,
    help="Write the bundle even if the offline side would refuse it. It will refuse it.",
)
@click.option(
    "-o",
    "--output",
    type=NEW_FILE,
    required=True,
    metavar="FILE",
    help=f"The bundle to write (FILE{SUFFIX}), or - for standard output.",
)
@click.option(
    "--since",
    type=PLACE,
    metavar="RECEIPT|BUNDLE",
    help="Leave out layers that the other side holds: those that its receipt (`airgap import --receipt`) or an earlier "
    "bundle names. The import proves each of them in its store.",
)
@options.volume_size_option
@click.option(
    "--recovery",
    metavar="PERCENT",
    help="Also write recovery files (FILE.rec.001 …), with which `airgap repair` makes up for so much damage.",
)
@click.option(
    "--level", type=options.Whole(1, 19), default=DEFAULT_LEVEL, show_default=True, metavar="N", help="zstd level."
)
@options.jobs_option
@options.at_option
@options.format_option
@options.quiet_options
def command(
    sources: tuple[str, ...],
    image_lists: tuple[Path, ...],
    maintainers: str,
    maintainers_signatures: Path | None,
    keyrings: tuple[str, ...],
    lookasides: tuple[str, ...],
    digests: tuple[Path, ...],
    prefix: str | None,
    plain_http: bool,
    ca_file: Path | None,
    platforms: tuple[str, ...],
    threshold: int,
    with_referrers: bool,
    claim_formats: tuple[str, ...],
    skip_preflight: bool,
    output: Path,
    since: Path | None,
    volume_size: str | None,
    recovery: str | None,
    level: int,
    jobs: int | None,
    at: str | None,
    format_: str,
    quiet: bool,
    no_progress: bool,
) -> None:
    """Pack images and everything that proves who signed them into one bundle.

    SOURCE is docker://HOST/REPOSITORY[:TAG|@DIGEST], oci:DIR[:REF], oci-archive:FILE[:REF], docker-archive:FILE[:REF],
    containers-storage:REF or docker-daemon:REF; NAME is the repository that the signatures speak of, and docker://
    implies it. The very checks that the offline side will make are made first. Writes FILE and FILE.sha256, and prints
    the bundle id. With --volume-size it writes parts FILE.001 … instead, which verify and import read as they are.

    \b
    Example:
      airgap export docker://docker.io/stagex/pallet-rust@sha256:… \\
          --maintainers MAINTAINERS --keyring keyring.pgp \\
          --signatures signatures/ --digests digests/pallet.txt \\
          -o rust.airgap.tar.zst
      airgap export --digests digests/pallet.txt --from docker.io/stagex \\
          --maintainers MAINTAINERS --keyring keyring.pgp \\
          --signatures signatures/ -o pallet.airgap.tar.zst
      airgap export … --since receipt.json -o july.airgap.tar.zst
    """
    lists = read_digest_lists(digests)
    specs = [parse_spec(text) for text in [*sources, *(line for path in image_lists for line in read_image_list(path))]]
    if prefix is not None:
        specs += specs_from_lists(prefix, {name: parse_digest_list(data, name) for name, data in lists.items()})
    if not specs:
        raise UsageError("usage", "name at least one SOURCE, or a file of them with --images, or --from with --digests")
    to_stdout = str(output) == "-"
    if to_stdout and format_ == "json":
        raise UsageError("usage", "with -o - the bundle itself is on stdout; JSON cannot be, too")
    volume = None if volume_size is None else options.parsed("--volume-size", parse_volume_size, volume_size)
    percent = None if recovery is None else options.parsed("--recovery", parse_percent, recovery)
    if to_stdout and (volume or percent):
        raise UsageError("usage", "with -o - the bundle is one stream: neither --volume-size nor --recovery fits it")
    ends = (*(WHOLE if volume is None else PARTS), *(RECOVERY if percent is not None else ()))
    evidence_files = [maintainers, maintainers_signatures, *keyrings, *lookasides, *digests, *image_lists]
    places = [spec.place for spec in specs if spec.transport != REGISTRY]
    read = [*evidence_files, since, ca_file, *places]
    require_apart([Output("--output", None if to_stdout else output, ends)], read)
    held = None if since is None else held_since(since)
    progress = options.progress_for(quiet, no_progress)
    packed = None
    with options.access_for(plain_http, ca_file, quiet=quiet) as access, Sources(access) as opened:
        evidence = Evidence(
            read_signed_maintainers(read_file_or_url(maintainers, LIMITS.trust_file, access), maintainers_signatures),
            load_keyrings((text, read_file_or_url(text, LIMITS.keyring, access)) for text in keyrings),
            [open_lookaside(text, access) for text in lookasides],
            lists,
        )
        people = parse_maintainers(evidence.maintainers, maintainers)
        root = new_root(people, threshold, claim_formats=options.formats(claim_formats))
        time = options.reference_time(at)
        exporter = Exporter(opened, evidence, root, time, _platforms(platforms), with_referrers, held)
        plan = exporter.plan(specs, progress)
        if skip_preflight or not plan.errors:
            write = partial(plan.write, jobs=job_count(jobs), level=level, progress=progress)
            if to_stdout:
                packed = Packed(write(standard_output()))
            else:
                packed = pack(write, plan.manifest, output, volume, percent, plan.least_size, progress)
    if skip_preflight:
        warn(f"preflight skipped: {len(plan.errors)} of {len(plan.manifest.images)} images would be refused")
    document = export_document(
        packed,
        output,
        plan.manifest,
        plan.errors,
        plan.notes,
        skipped_preflight=skip_preflight,
    )
    if to_stdout and packed is not None:
        click.echo(f"{packed.written.id}", err=True)
    elif quiet and format_ == "text" and packed is not None:
        print_text(str(packed.written.id))
    else:
        emit(document, format_)
    if packed is None:
        leave(list(plan.errors))


def _platforms(texts: tuple[str, ...]) -> frozenset[Platform]:
    return (
        frozenset()
        if "all" in texts
        else frozenset(options.parsed("--platform", parse_platform, text) for text in texts)
    )
