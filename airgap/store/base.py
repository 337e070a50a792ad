"""Proving that the store holds what a delta bundle leaves out (bundles/FORMAT.md §7, step 8).

A blob of the store counts exactly as one that was streamed: when all of it was hashed, now, and not before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from airgap.bundle.delta import Absent
from airgap.digest import Digest
from airgap.errors import HostError, IntegrityError
from airgap.oci.graph import GraphWalk
from airgap.progress import Progress
from airgap.store.store import Store
from airgap.verify import BlobReceipt, UntrustedImage

_NAMED_MAX = 20  # images and blobs that one message names; the facts have all of them
_FULL = "ask for a full bundle (exported without --since)"


@dataclass(slots=True)
class Base:
    """What the store holds of what a delta leaves out: a receipt for each blob, or why there is none."""

    receipts: dict[Digest, BlobReceipt] = field(default_factory=dict)
    missing: list[Absent] = field(default_factory=list)
    damaged: list[Absent] = field(default_factory=list)

    @property
    def lacks(self) -> list[Absent]:
        return sorted([*self.missing, *self.damaged])


def prove_base(store: Store, absent: Sequence[Absent], jobs: int, progress: Progress) -> Base:
    """Hash every one of these blobs in the store. Raises HostError where the disk cannot be read."""
    base = Base()
    if not absent:
        return base
    progress.stage("checking what the store holds", sum(one.size for one in absent))
    with ThreadPoolExecutor(jobs) as pool:
        for one, found in zip(absent, pool.map(lambda one: _prove(store, one), absent), strict=True):
            progress.advance(one.size)
            if isinstance(found, BlobReceipt):
                base.receipts[one.digest] = found
            elif found is None:
                base.missing.append(one)
            else:
                base.damaged.append(one)
    return base


def _prove(store: Store, absent: Absent) -> BlobReceipt | IntegrityError | None:
    """None if there is no such blob."""
    try:
        return store.prove(absent.digest, absent.size)
    except IntegrityError as error:
        return error
    except HostError as error:
        if error.kind == "file-not-found":
            return None
        if error.kind == "not-a-regular-file":
            return IntegrityError("blob-differs", error.message)
        raise


def not_given(absent: Sequence[Absent]) -> IntegrityError:
    """The refusal of a delta where no store was named."""
    return IntegrityError(
        "delta-base-not-given",
        f"this is a delta bundle: {_amount(absent)} travel as names only, to be proven in the store",
        bytes=sum(one.size for one in absent),
        missing=[str(one.digest) for one in absent],
    )


def base_missing(base: Base, images: Iterable[UntrustedImage], walk: GraphWalk, store: Store) -> IntegrityError:
    """The refusal of a delta whose base is not all there. ``walk`` has the manifests: it tells what is for whom."""
    lacking = {one.digest for one in base.lacks}
    needing = [image.name for image in images if any(blob.digest in lacking for blob in walk.closure(image.descriptor))]
    shown = ", ".join(str(one.digest) for one in base.lacks[:_NAMED_MAX])
    for_whom = ", ".join(needing[:_NAMED_MAX]) + (", …" if len(needing) > _NAMED_MAX else "")
    found = " and ".join(
        f"{_amount(some)} {what}"
        for some, what in ((base.missing, "missing in the store"), (base.damaged, "damaged in the store"))
        if some
    )
    hint = None
    if not base.missing:
        hint = f"Check the disk, then import again the bundle that brought them, which mends the store; or {_FULL}."
    return IntegrityError(
        "delta-base-missing",
        f"{store.folder}: the delta builds on blobs that are not there: {found}; needed by {for_whom}: {shown}"
        f"{', …' if len(lacking) > _NAMED_MAX else ''}",
        hint=hint,
        bytes=sum(one.size for one in base.lacks),
        images=needing,
        missing=[str(one.digest) for one in base.missing],
        damaged=[str(one.digest) for one in base.damaged],
    )


def _amount(absent: Sequence[Absent]) -> str:
    noun = "blob" if len(absent) == 1 else "blobs"
    return f"{len(absent)} {noun} ({sum(one.size for one in absent)} bytes)"
