"""A new MAINTAINERS, adopted by the people whom it concerns (TRUST rule 9; TUF specification §5.3).

Its exact bytes must carry good signatures of as many of the old people as the old root asks for, and of as many of the
new people as the new one does. Each step makes the next version; an older file, or another successor of a version that
has one already, is refused whoever signed it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from airgap.digest import digest_of
from airgap.errors import RollbackError, TrustRootError
from airgap.openpgp.keyring import Keyring
from airgap.timestamp import rfc3339
from airgap.trust.evidence import SignatureReport, judge_document
from airgap.trust.maintainers import People, parse_maintainers
from airgap.trust.pinned import Trust
from airgap.trust.quorum import is_quorum, missing_groups, signers
from airgap.trust.rollback import quorum_time
from airgap.trust.root import Group, TrustRoot


@dataclass(frozen=True, slots=True)
class Offer:
    """A MAINTAINERS file as somebody offers it, with signature files over it: their names and bytes."""

    maintainers: bytes
    signatures: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """One step that was authorised: the trust after it, and who signed. By hand, nobody did."""

    trust: Trust
    reports: tuple[SignatureReport, ...]
    old_signers: tuple[str, ...]
    new_signers: tuple[str, ...]


def adopt_signed(
    trust: Trust,
    offers: Sequence[Offer],
    carried: Keyring,
    reference_time: int,
    *,
    threshold: int | None = None,
) -> list[Change]:
    """Follow a chain of offers, oldest first, from the version in force to the last; what is in force is passed over.

    ``threshold`` is the last one's, the old one if None. All or nothing: raises FormatError, TrustRootError
    (rotation-not-authorised) or RollbackError (maintainers-older).
    """
    digests = [digest_of(offer.maintainers) for offer in offers]
    held = max((at for at, digest in enumerate(digests) if digest == trust.root.maintainers), default=-1)
    changes: list[Change] = []
    for at in range(held + 1, len(offers)):
        last = at == len(offers) - 1
        changes.append(_step(trust, offers[at], carried, reference_time, threshold if last else None))
        trust = changes[-1].trust
    return changes


def dated(trust: Trust, offer: Offer, reference_time: int) -> Trust:
    """``trust``, with the time at which the MAINTAINERS in force reached its quorum: no older one comes after it.

    ``offer`` is that file, signed by the people whom it names. Raises TrustRootError(rotation-not-authorised).
    """
    reports = _judge(trust, offer, trust.root.people, reference_time)
    _require_quorum(reports, trust.root, "the people whom it names")
    return replace(trust, memory=replace(trust.memory, maintainers=quorum_time(reports, trust.root.threshold)))


def adopt_by_hand(
    trust: Trust, offer: Offer, carried: Keyring, *, threshold: int | None = None, required: Sequence[Group] = ()
) -> Change | None:
    """Adopt a file because the operator says so; None if that would change nothing.

    Raises FormatError or TrustRootError if it makes no root.
    """
    people = parse_maintainers(offer.maintainers)
    root = trust.root.succeeded_by(people, digest_of(offer.maintainers), threshold=threshold, required=required)
    if replace(root, version=trust.root.version).id == trust.root.id:
        return None
    return Change(trust.succeeded(root, carried, trust.memory.maintainers), (), (), ())


def _step(trust: Trust, offer: Offer, carried: Keyring, reference_time: int, threshold: int | None) -> Change:
    people = parse_maintainers(offer.maintainers)
    digest = digest_of(offer.maintainers)
    old = trust.root
    for earlier in trust.history:
        if earlier.maintainers == digest:
            raise RollbackError(
                "maintainers-older",
                f"this MAINTAINERS was that of version {earlier.version}; version {old.version} has replaced it",
                offered=str(digest),
                version=old.version,
            )
    root = old.succeeded_by(people, digest, threshold=threshold)
    judging = trust.with_people(people, carried)
    by_old = _judge(judging, offer, old.people, reference_time)
    by_new = _judge(judging, offer, people, reference_time)
    if not is_quorum(signers(by_old), old.threshold, old.required):
        _refuse_second_successor(judging, offer, reference_time)
    _require_quorum(by_old, old, f"the people of version {old.version}, which is in force")
    _require_quorum(by_new, root, "the people whom it names itself")
    time = quorum_time(by_old, old.threshold)
    newest = trust.memory.maintainers
    if newest is not None and time <= newest:
        raise RollbackError(
            "maintainers-older",
            f"this MAINTAINERS was signed on {rfc3339(time)}, and the one in force on {rfc3339(newest)}",
            reached=rfc3339(time),
            newest=rfc3339(newest),
        )
    by_all = {report.file: report for report in (*by_old, *by_new) if report.counts}
    reports = tuple(by_all.get(name) or report for (name, _), report in zip(offer.signatures, by_new, strict=True))
    return Change(trust.succeeded(root, carried, time), reports, signers(by_old), signers(by_new))


def _judge(trust: Trust, offer: Offer, people: People, reference_time: int) -> list[SignatureReport]:
    policy = trust.policy(reference_time)
    return [judge_document(name, data, policy, people, offer.maintainers) for name, data in offer.signatures]


def _require_quorum(reports: Sequence[SignatureReport], root: TrustRoot, whose: str) -> None:
    """Raises TrustRootError(rotation-not-authorised)."""
    counted = signers(reports)
    if is_quorum(counted, root.threshold, root.required):
        return
    refused = [f"{report.file}: {report.error.message}" for report in reports if report.error]
    groups = "".join(f", and one of {', '.join(group)} must" for group in missing_groups(counted, root.required))
    raise TrustRootError(
        "rotation-not-authorised",
        f"the new MAINTAINERS is signed by {', '.join(counted) or 'nobody'} of {whose}; {root.threshold} must{groups}"
        + ("; not counted: " + "; ".join(refused[:10]) if refused else ""),
        signers=list(counted),
        threshold=root.threshold,
        refused=[report.error.kind for report in reports if report.error],
    )


def _refuse_second_successor(trust: Trust, offer: Offer, reference_time: int) -> None:
    """Raises RollbackError if the people of an earlier version signed this, beside the successor that it has."""
    for earlier in reversed(trust.history):
        counted = signers(_judge(trust, offer, earlier.people, reference_time))
        if is_quorum(counted, earlier.threshold, earlier.required):
            raise RollbackError(
                "maintainers-older",
                f"this MAINTAINERS is another successor of version {earlier.version}, which version "
                f"{earlier.version + 1} has replaced: its people signed two different files",
                version=trust.root.version,
            )
