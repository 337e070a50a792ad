"""``airgap check-digest``."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import click

from airgap.checker import Checked, check, check_rebuild
from airgap.cli import options
from airgap.cli.output import emit, leave
from airgap.digest import Digest
from airgap.engines.targets import FORMS, open_target
from airgap.errors import UsageError
from airgap.examiner import Examination, Job
from airgap.oci.manifest import parse_manifest
from airgap.progress import Silent
from airgap.reference import Reference, parse_reference
from airgap.registry.access import Access
from airgap.report.documents.verdict import check_document
from airgap.reviewer import review
from airgap.state import load_trust
from airgap.store.store import Store
from airgap.workers import job_count


@click.command("check-digest", short_help="Tell whether a target holds what was verified.")
@click.argument("target", metavar="TARGET")
@click.argument("references", nargs=-1, metavar="[REFERENCE]...")
@options.trust_option
@options.store_option
@options.plain_http_option
@options.ca_file_option
@options.at_option
@options.format_option
@options.quiet_option
def command(
    target: str,
    references: tuple[str, ...],
    trust_folder: Path | None,
    store_folder: Path | None,
    plain_http: bool,
    ca_file: Path | None,
    at: str | None,
    format_: str,
    quiet: bool,
) -> None:
    """Tell whether the images in TARGET are the ones that were verified. Changes nothing.

    REFERENCE is NAME, NAME:TAG or NAME@DIGEST as in the store; none means all that it holds. Each is judged again:
    signatures by today's trust root, and every byte in the store. Then TARGET is asked. The exit status is 0 if all
    are the same, and 60 if one is missing or another.

    An image that you built yourself is given in TARGET's place: NAME@DIGEST, or NAME=SOURCE as for export. The exit
    status is 0 if it is an image that was verified under this name, and 20 if it is another.

    \b
    Example:
      airgap check-digest podman docker.io/stagex/pallet-rust \\
          --trust /etc/airgap/trust --store /srv/airgap
      airgap check-digest docker.io/stagex/pallet-rust=oci:out \\
          --trust /etc/airgap/trust --store /srv/airgap
    """
    wanted = [options.parsed("REFERENCE", parse_reference, text) for text in references]
    trust, reference_time = load_trust(options.trust_at(trust_folder)), options.reference_time(at)
    store, job = Store(options.store_at(store_folder)), Job(trust, reference_time, job_count(None), Silent())
    with options.access_for(plain_http, ca_file, quiet=quiet) as access:
        built = _built(target, access)
        if built is None:
            engine = open_target(target, access)
            examination = review(store, job, wanted)
            rows = check(engine, examination)
        elif wanted:
            raise UsageError("usage", f"{target[:200]} names the image; REFERENCE is for what an engine holds")
        else:
            examination, rows = _compare(*built, store, job)
    emit(check_document(target, rows, examination, trust, reference_time), format_)
    leave(examination.errors)


def _built(target: str, access: Access) -> tuple[Reference, list[Digest]] | None:
    """The name and digest of an image that was built here, and the images in it if it is an index.

    None if ``target`` is an engine, a layout or a registry.
    """
    if "=" in target and not target.startswith("oci:"):  # the one target that may have = in it
        from airgap.sources.image import manifests_below
        from airgap.sources.spec import Sources, parse_spec

        with Sources(access) as sources:
            reference, found = sources.find(parse_spec(target))
            inner = [one.digest for one, data in manifests_below(found) if parse_manifest(data, one).is_image]
        return Reference(reference.repository, reference.tag, found.root.digest), inner
    if "@" in target and "://" not in target:
        return options.parsed("TARGET", parse_reference, target), []
    return None


def _compare(built: Reference, inner: Collection[Digest], store: Store, job: Job) -> tuple[Examination, list[Checked]]:
    examination = review(store, job, [Reference(built.repository, built.tag, None)])
    return examination, check_rebuild(built, inner, examination)


command.help = f"{command.help}\n\n    TARGET is one of {FORMS}."
