"""What differs between two collections of images: pure; the caller has read both, and judged signatures if it could."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from airgap.digest import Digest
from airgap.verify import UntrustedImage


@dataclass(frozen=True, slots=True)
class Standing:
    """How an image stands before a trust root: who is counted, and the kind of the refusal if it would be refused."""

    signers: tuple[str, ...]
    refusal: str | None
    at_threshold: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """An image of one side, the contents of its signature files, and how it stands, if that was judged."""

    image: UntrustedImage
    signatures: frozenset[Digest]
    standing: Standing | None

    @property
    def key(self) -> str:
        return self.image.name

    @property
    def signers(self) -> frozenset[str]:
        return frozenset() if self.standing is None else frozenset(self.standing.signers)


@dataclass(frozen=True, slots=True)
class Side:
    """A bundle or a store. ``blobs`` gives sizes in bytes, as its documents claim them; ``id`` is a bundle's.

    ``absent`` are those of them that a delta bundle only names.
    """

    path: str
    kind: str
    id: Digest | None
    images: tuple[Shown, ...]
    blobs: Mapping[Digest, int]
    absent: frozenset[Digest] = frozenset()


@dataclass(frozen=True, slots=True)
class Pair:
    """An image that both sides hold, as each shows it."""

    before: Shown
    after: Shown

    @property
    def gained(self) -> list[str]:
        """People who are counted in B only."""
        return sorted(self.after.signers - self.before.signers)

    @property
    def lost(self) -> list[str]:
        """People who are counted in A only."""
        return sorted(self.before.signers - self.after.signers)

    @property
    def differs(self) -> bool:
        return self.before.signatures != self.after.signatures or self.before.standing != self.after.standing


@dataclass(frozen=True, slots=True)
class Changed:
    """A reference that stands for other digests: those that only A has, and those that only B has."""

    reference: str
    before: tuple[Shown, ...]
    after: tuple[Shown, ...]

    @property
    def gained(self) -> list[str]:
        """People who are counted for an image of B, and for none of A."""
        return sorted(_people(self.after) - _people(self.before))

    @property
    def lost(self) -> list[str]:
        """People who are counted for an image of A, and for none of B."""
        return sorted(_people(self.before) - _people(self.after))


@dataclass(frozen=True, slots=True)
class Difference:
    """What leads from ``a`` to ``b``; ``carry`` are the blobs of ``b`` that ``a`` does not hold, in bytes by digest.

    ``lacking`` are those that neither holds: ``b`` is a delta against something else than ``a``.
    """

    a: Side
    b: Side
    added: tuple[Shown, ...]
    removed: tuple[Shown, ...]
    changed: tuple[Changed, ...]
    common: tuple[Pair, ...]
    carry: Mapping[Digest, int]
    lacking: Mapping[Digest, int]

    @property
    def differs(self) -> bool:
        """Whether images or their signatures differ."""
        return bool(self.added or self.removed or self.changed) or any(pair.differs for pair in self.common)


def compare(a: Side, b: Side) -> Difference:
    """Match images by reference and digest; a reference with another digest on either side is a change."""
    before, after = ({one.key: one for one in side.images} for side in (a, b))
    only_a, only_b = (
        _by_reference(one for key, one in mine.items() if key not in theirs)
        for mine, theirs in ((before, after), (after, before))
    )
    changed = [
        Changed(reference, tuple(found), tuple(only_b[reference]))
        for reference, found in sorted(only_a.items())
        if reference in only_b
    ]
    new = {digest: size for digest, size in b.blobs.items() if digest not in a.blobs}
    return Difference(
        a,
        b,
        tuple(one for reference, found in sorted(only_b.items()) if reference not in only_a for one in found),
        tuple(one for reference, found in sorted(only_a.items()) if reference not in only_b for one in found),
        tuple(changed),
        tuple(Pair(before[key], after[key]) for key in sorted(before.keys() & after.keys())),
        {digest: size for digest, size in new.items() if digest not in b.absent},
        {digest: size for digest, size in new.items() if digest in b.absent},
    )


def _by_reference(images: Iterable[Shown]) -> dict[str, list[Shown]]:
    found: dict[str, list[Shown]] = {}
    for one in sorted(images, key=lambda one: one.key):
        found.setdefault(str(one.image.reference), []).append(one)
    return found


def _people(images: Sequence[Shown]) -> frozenset[str]:
    return frozenset(person for one in images for person in one.signers)
