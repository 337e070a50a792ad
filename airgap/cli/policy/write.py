"""``airgap policy write``."""

from __future__ import annotations

from pathlib import Path

import click

from airgap.cli import options
from airgap.cli.output import emit, leave, warn
from airgap.cli.places import NEW_FOLDER, NEW_TREE, Output, require_apart
from airgap.engines.targets import is_registry
from airgap.errors import HostError, UsageError
from airgap.examiner import Job
from airgap.policy import plan_policy
from airgap.report.documents.policy import policy_document
from airgap.reviewer import review
from airgap.state import load_trust
from airgap.store.store import Store
from airgap.workers import job_count


@click.command("write", short_help="Write policy.json, registries.d, keys and a lookaside tree.")
@options.trust_option
@options.store_option
@click.option("-o", "--output", "folder", required=True, type=NEW_FOLDER, metavar="DIR", help="A new folder.")
@click.option(
    "--registry",
    "bases",
    multiple=True,
    metavar="HOST[:PORT][/PREFIX]",
    help="Also for the images under the names that `import --to docker://…` gave them there. May be repeated.",
)
@click.option(
    "--accept-unsigned-archives",
    is_flag=True,
    help="Let `podman load` in whatever it is given, which `import --to podman` needs. Archives carry no signatures.",
)
@options.at_option
@options.format_option
def command(
    trust_folder: Path | None,
    store_folder: Path | None,
    folder: Path,
    bases: tuple[str, ...],
    accept_unsigned_archives: bool,
    at: str | None,
    format_: str,
) -> None:
    """Write policy.json, registries.d, keys and a lookaside tree for the images in the store.

    Each image is judged again, then named by its digest with M of the people who signed it: all of them must be found.
    Everything else is refused. containers-policy.json(5) has no "M of N": after an import, write it again. Both files
    name DIR, so leave it where it is; copy policy.json and registries.d/ to /etc/containers, or point at them.

    \b
    Example:
      airgap policy write --trust /etc/airgap/trust --store /srv/airgap \\
          -o /etc/airgap/policy-2
      skopeo --policy /etc/airgap/policy-2/policy.json \\
          --registries.d /etc/airgap/policy-2/registries.d copy …
    """
    for base in bases:
        if not is_registry(base):
            raise UsageError("usage", f"--registry {base[:200]!r} is not HOST[:PORT][/PREFIX]")
    trust_place, store = options.trust_at(trust_folder), Store(options.store_at(store_folder))
    require_apart([Output("--output", folder, NEW_TREE)], (), [trust_place, store.folder])
    trust, reference_time = load_trust(trust_place), options.reference_time(at)
    examination = review(store, Job(trust, reference_time, job_count(None), options.progress_for(True, True)))
    for error in examination.errors:
        if isinstance(error, HostError) and not error.is_absence:
            raise error  # what the disk did not give may be good: no policy that leaves it out
    policy = plan_policy(examination, store, trust, folder.absolute(), bases, accepts_archives=accept_unsigned_archives)
    policy.write()
    if accept_unsigned_archives:
        warn("podman load will take any archive, signed or not")
    emit(policy_document(policy, examination, accept_unsigned_archives), format_)
    leave(examination.errors)
