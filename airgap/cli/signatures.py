"""``airgap signatures verify|audit``."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import click

from airgap.auditor import audit_files
from airgap.cli import options
from airgap.cli.lazy import Group
from airgap.cli.output import emit, leave
from airgap.cli.papers import report_option
from airgap.cli.places import PLACE, Output, require_apart
from airgap.digest import parse_digest
from airgap.disk.reading import read_given
from airgap.disk.writing import pending_files
from airgap.errors import AirgapError, UntrustedError, UsageError
from airgap.inputs import read_keyrings
from airgap.limits import LIMITS
from airgap.reference import parse_reference
from airgap.report.documents.signatures import audit_document, signatures_document
from airgap.report.html.audit import audit_page
from airgap.report.html.page import require_templates
from airgap.trust.evidence import Expectation, Policy, SignatureReport, judge_signature
from airgap.trust.identity import DEFAULT_RULE, parse_rule
from airgap.trust.root import DEFAULT_THRESHOLD
from airgap.workers import job_count


@click.group("signatures", cls=Group)
def command() -> None:
    """Check signature files by themselves, without a bundle.

    \b
    Example:
      airgap signatures audit signatures/ --maintainers MAINTAINERS \\
          --keyring keyring.pgp
    """


@command.command("verify")
@click.argument("files", nargs=-1, required=True, type=PLACE, metavar="SIGNATURE…")
@options.keyring_option
@click.option(
    "--payload",
    type=PLACE,
    metavar="FILE",
    help="What a detached signature is over; a signed message must hold just this.",
)
@click.option("--reference", metavar="REF", help="The claim must be for this image reference.")
@click.option("--digest", metavar="DIGEST", help="The claim must be for this digest (sha256:…).")
@click.option(
    "--identity",
    metavar="RULE",
    help=f"How the claim's reference must match (default {DEFAULT_RULE}): matchExact, matchRepoDigestOrExact, "
    "matchRepository, exactReference=REF, exactRepository=REPO or remapIdentity=PREFIX:SIGNEDPREFIX.",
)
@options.claim_format_option
@options.at_option
@options.judging_format_option
def verify(
    files: tuple[Path, ...],
    keyrings: tuple[Path, ...],
    payload: Path | None,
    reference: str | None,
    digest: str | None,
    identity: str | None,
    claim_formats: tuple[str, ...],
    at: str | None,
    format_: str,
) -> None:
    """Verify signature files against a keyring, without gpg.

    Exit status 0 only if all are good. Without --reference and --digest the OpenPGP signature is judged alone; with
    them, the signed claim must name that image.

    \b
    Example:
      airgap signatures verify --keyring keyring.pgp \\
          --reference docker.io/stagex/pallet-rust --digest sha256:… \\
          signatures/stagex/pallet-rust@sha256=…/signature-*
    """
    keyring = read_keyrings(keyrings)
    policy = Policy(keyring, options.formats(claim_formats), options.reference_time(at))
    expected = _expectation(reference, digest, identity)
    content = read_given(payload, LIMITS.claim) if payload is not None else None
    reports = [_judge(path, policy, expected, content) for path in files]
    emit(signatures_document(reports, explain=format_ != "json"), format_)
    sys.exit(0 if all(report.counts for report in reports) else UntrustedError.exit_status)


@command.command("audit", short_help="Judge a whole signatures repository.")
@click.argument("folder", type=PLACE, metavar="DIR")
@options.keyring_option
@options.maintainers_option
@click.option(
    "--threshold",
    type=options.Whole(min=1),
    default=DEFAULT_THRESHOLD,
    show_default=True,
    metavar="N",
    help="How many maintainers must have signed each image.",
)
@click.option(
    "--digests",
    type=PLACE,
    multiple=True,
    metavar="FILE",
    help="Digest lists: every image they name must be signed. May be repeated.",
)
@options.claim_format_option
@report_option
@options.at_option
@options.jobs_option
@options.judging_format_option
@options.quiet_options
def audit_command(
    folder: Path,
    keyrings: tuple[Path, ...],
    maintainers: Path,
    threshold: int,
    digests: tuple[Path, ...],
    claim_formats: tuple[str, ...],
    report_file: Path | None,
    at: str | None,
    jobs: int | None,
    format_: str,
    quiet: bool,
    no_progress: bool,
) -> None:
    """Judge a whole signatures repository: every image, every file, and who reaches the quorum.

    DIR is the lookaside root. Exit status 0 only if every image reaches its quorum.

    \b
    Example:
      airgap signatures audit signatures/ --keyring keyring.pgp \\
          --maintainers MAINTAINERS --threshold 2
    """
    require_apart([Output("--report", report_file)], [folder, *keyrings, maintainers, *digests])
    reference_time = options.reference_time(at)
    progress = options.progress_for(quiet, no_progress)
    if report_file is not None:
        require_templates()
    with pending_files() as create:
        file = None if report_file is None else create(report_file)
        audited = audit_files(
            folder,
            keyrings,
            maintainers,
            reference_time,
            threshold=threshold,
            digests=digests,
            formats=options.formats(claim_formats),
            jobs=job_count(jobs),
            progress=progress,
        )
        if file is not None:
            file.write(audit_page(audited))
    emit(audit_document(audited.images, explain=format_ != "json"), format_)
    leave([] if audited.is_complete else [UntrustedError("quorum-not-met", "not every image reaches its quorum")])


def _expectation(reference: str | None, digest: str | None, identity: str | None) -> Expectation | None:
    """None if only OpenPGP is asked about. Raises UsageError."""
    rule = DEFAULT_RULE if identity is None else options.parsed("--identity", parse_rule, identity)
    named = rule.own_reference if reference is None else options.parsed("--reference", parse_reference, reference)
    if identity is not None and named is None:
        raise UsageError("usage", f"--identity {rule} compares with --reference: give it, too")
    wanted = None if digest is None else options.parsed("--digest", partial(parse_digest, where="digest"), digest)
    if named is not None and wanted is not None and named.digest not in (None, wanted):
        raise UsageError("usage", f"--reference and --digest name two digests: {named.digest} and {wanted}")
    return None if named is None and wanted is None else Expectation(named, wanted, rule)


def _judge(path: Path, policy: Policy, expected: Expectation | None, content: bytes | None) -> SignatureReport:
    try:
        data = read_given(path, LIMITS.signature_file)
    except AirgapError as error:
        return SignatureReport(str(path), error)
    return judge_signature(str(path), data, policy, expected=expected, payload=content)
