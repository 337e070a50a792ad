"""``airgap trust init``."""

from __future__ import annotations

from pathlib import Path

import click

from airgap.cli import options
from airgap.cli.output import emit, print_text, warn
from airgap.cli.places import NEW_FOLDER, PLACE
from airgap.cli.trust.confirm import confirm
from airgap.digest import digest_of
from airgap.disk.paths import make_folder
from airgap.disk.reading import read_given
from airgap.inputs import read_keyrings, read_signed_maintainers
from airgap.limits import LIMITS
from airgap.records import root_record
from airgap.report.documents.trust import trust_document
from airgap.report.escape import printable
from airgap.report.text import render
from airgap.state import create_trust, require_no_trust
from airgap.trust.keys import ALGORITHMS, RSA_BITS_MAX, RSA_BITS_MIN, KeyPolicy
from airgap.trust.maintainers import parse_maintainers, shared_addresses
from airgap.trust.pinned import pinned
from airgap.trust.policy import parse_policy
from airgap.trust.root import DEFAULT_THRESHOLD, new_root
from airgap.trust.rotation import dated
from airgap.trust.scope import Scope, named_scope


@click.command("init", short_help="Pin people, fingerprints and how many of them must agree.")
@click.argument("folder", type=NEW_FOLDER, metavar="DIR")
@options.maintainers_option
@options.keyring_option
@click.option(
    "--threshold",
    type=options.Whole(min=0),
    default=DEFAULT_THRESHOLD,
    show_default=True,
    metavar="N",
    help="How many of these people must have signed an image.",
)
@options.require_one_of_option
@click.option(
    "--repository",
    "repositories",
    multiple=True,
    metavar="PREFIX[=RULE]",
    help="Trust these people for repositories below PREFIX only. RULE says how a claim must name them, as in "
    "`signatures verify --identity`, or is reject. Default: any. May be repeated; the longest match decides.",
)
@click.option(
    "--policy",
    type=PLACE,
    metavar="FILE",
    help="Take repositories and rules out of an existing policy.json (containers-policy.json(5)).",
)
@options.claim_format_option
@click.option("--require-live-keys", is_flag=True, help="Also refuse keys that expired after they signed.")
@click.option(
    "--allow-algorithm",
    "algorithms",
    type=click.Choice(ALGORITHMS),
    multiple=True,
    help="Let keys of this algorithm count. Default: all of these. May be repeated.",
)
@click.option(
    "--minimum-rsa-bits",
    type=options.Whole(RSA_BITS_MIN, RSA_BITS_MAX),
    default=RSA_BITS_MIN,
    show_default=True,
    metavar="N",
    help="The least length of RSA keys that count.",
)
@options.maintainers_signatures_option
@options.at_option
@options.yes_option
@options.format_option
def command(
    folder: Path,
    maintainers: Path,
    keyrings: tuple[Path, ...],
    threshold: int,
    groups: tuple[str, ...],
    repositories: tuple[str, ...],
    policy: Path | None,
    claim_formats: tuple[str, ...],
    require_live_keys: bool,
    algorithms: tuple[str, ...],
    minimum_rsa_bits: int,
    maintainers_signatures: Path | None,
    at: str | None,
    yes: bool,
    format_: str,
) -> None:
    """Pin people, their full fingerprints and certificates, and how many of them must agree.

    Compare every fingerprint over another channel (telephone, paper, their web pages) before you confirm: everything
    that this machine will ever accept rests on them.

    \b
    Example:
      airgap trust init /etc/airgap/trust --maintainers MAINTAINERS \\
          --keyring keyring.pgp --threshold 2
    """
    require_no_trust(folder)
    data = read_given(maintainers, LIMITS.trust_file)
    people = parse_maintainers(data, str(maintainers))
    root = new_root(
        people,
        threshold,
        scopes=[*(options.parsed("--repository", named_scope, text) for text in repositories), *_policy(policy)],
        claim_formats=options.formats(claim_formats),
        strict_expiry=require_live_keys,
        keys=KeyPolicy(algorithms or ALGORITHMS, minimum_rsa_bits),
        required=options.groups(groups),
        maintainers=digest_of(data),
    )
    keyring = read_keyrings(keyrings)
    for problem in keyring.problems:
        warn(f"a certificate in the keyring cannot be used: {problem.message}")
    for address, nicks in shared_addresses(data, str(maintainers)).items():
        warn(f"{' and '.join(nicks)} share the address {address}: are they one person with two votes?")
    trust, reference_time = pinned(root, keyring), options.reference_time(at)
    if maintainers_signatures is not None:
        trust = dated(trust, read_signed_maintainers(data, maintainers_signatures)[-1], reference_time)
    for person in people:
        if not any(fingerprint in trust.keyring for fingerprint in person.fingerprints):
            warn(f"{person.nick} has no certificate in the keyring: nothing {person.nick} signs can count yet")
    if not yes:
        click.echo(render(trust_document(trust)), err=True)
        confirm("If every fingerprint was compared", "pin")
    make_folder(folder.absolute().parent)
    record = root_record("init", trust, reference_time, bundle=None, by_hand=True)
    create_trust(folder, trust, record)
    if format_ == "json":
        emit(trust_document(trust), format_)
    else:
        done = f"PINNED in {printable(str(folder))}: write the id of the trust root on paper, to compare it later."
        print_text(f"{done}\n{render(trust_document(trust))}" if yes else done)  # else it was shown just now


def _policy(path: Path | None) -> tuple[Scope, ...]:
    if path is None:
        return ()
    scopes, notes = parse_policy(read_given(path, LIMITS.trust_file), str(path))
    for note in notes:
        warn(note)
    return scopes
