"""Keeping the trust folder: each change is logged before it takes effect, and takes effect whole (TRUST rule 10)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from airgap import records
from airgap.bundle.format import KEYRING_PATH
from airgap.bundle.reader import BundleReader, Input
from airgap.digest import Digest
from airgap.errors import AirgapError
from airgap.openpgp.keyring import Keyring, load_keyring
from airgap.openpgp.keys import Fingerprint
from airgap.progress import Silent
from airgap.state import TrustFolder
from airgap.trust.pinned import Trust
from airgap.trust.root import Group
from airgap.trust.rotation import Change, Offer, adopt_by_hand, adopt_signed


def keep_revocations(folder: TrustFolder, carried: Keyring, bundle: Digest | None, reference_time: int) -> None:
    """Revocations of pinned people stick, whatever becomes of the rest of a bundle (TRUST rule 3).

    Raises OpenPGPError, HostError.
    """
    warned = folder.trust.with_revocations(carried)
    if warned.keyring.encoded() != folder.trust.keyring.encoded():
        folder.decide(records.revocations_record(folder.trust, warned, bundle, reference_time), warned)
        folder.commit()


def revoke(folder: TrustFolder, fingerprints: Sequence[Fingerprint], reference_time: int) -> None:
    """Let the signatures of these certificates never count again, on this machine."""
    trust = folder.trust
    after = replace(trust, memory=trust.memory.without(fingerprints, reference_time))
    folder.decide(records.revoked_record(trust, fingerprints, reference_time), after)
    folder.commit()


def update(
    folder: TrustFolder,
    offers: Sequence[Offer],
    carried: Keyring,
    reference_time: int,
    *,
    bundle: Digest | None = None,
    threshold: int | None = None,
) -> list[Change]:
    """Adopt a chain of new MAINTAINERS by the signatures over them (TRUST rule 9); no change if it is in force.

    Raises TrustRootError, RollbackError, FormatError: then the log tells of it and nothing else has changed.
    """
    keep_revocations(folder, carried, bundle, reference_time)
    try:
        changes = adopt_signed(folder.trust, offers, carried, reference_time, threshold=threshold)
    except AirgapError as error:
        folder.record(records.refused_update_record(error, folder.trust, reference_time, bundle))
        raise
    for change in changes:
        _adopt(folder, change, reference_time, bundle, by_hand=False)
    return changes


def update_by_hand(
    folder: TrustFolder,
    offer: Offer,
    carried: Keyring,
    reference_time: int,
    *,
    threshold: int | None = None,
    required: Sequence[Group] = (),
    confirm: Callable[[Trust], None] = lambda _: None,
) -> list[Change]:
    """Adopt a MAINTAINERS because the operator compared it; no change if it is in force.

    ``confirm`` is given what would come into force, and raises if the operator does not want it. Raises FormatError,
    TrustRootError.
    """
    keep_revocations(folder, carried, None, reference_time)
    change = adopt_by_hand(folder.trust, offer, carried, threshold=threshold, required=required)
    if change is None:
        return []
    confirm(change.trust)
    _adopt(folder, change, reference_time, None, by_hand=True)
    return [change]


def read_offers(source: Input) -> tuple[Digest, list[Offer], Keyring]:
    """The MAINTAINERS files of a bundle, oldest first, with their signatures; and its keyring. Nothing is believed.

    Raises FormatError, IntegrityError.
    """
    files: dict[int, dict[int, bytes]] = {}
    keyring = Keyring()
    with BundleReader(source, jobs=1, progress=Silent()) as reader:
        _, id_ = reader.read_manifest()
        while (member := reader.next) is not None and member.path.startswith("trust/"):
            data = reader.read()
            if member.path == KEYRING_PATH:
                keyring = load_keyring([data])
            elif member.offer is not None:
                step, number = member.offer
                files.setdefault(step, {})[number] = data
    newest = files.pop(0)
    return id_, [_offer(files[step]) for step in sorted(files)] + [_offer(newest)], keyring


def _offer(files: dict[int, bytes]) -> Offer:
    maintainers = files.pop(0)
    return Offer(maintainers, tuple((f"signature-{number}", data) for number, data in sorted(files.items())))


def _adopt(folder: TrustFolder, change: Change, reference_time: int, bundle: Digest | None, *, by_hand: bool) -> None:
    record = records.root_record("update", change.trust, reference_time, bundle=bundle, by_hand=by_hand)
    folder.decide(record, change.trust)
    folder.commit()
