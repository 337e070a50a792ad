"""Delta bundles: blobs that travel as names only, because the other side holds them (bundles/FORMAT.md §11)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from airgap.digest import Digest, parse_hex_digest
from airgap.limits import LIMITS
from airgap.oci.descriptor import Descriptor
from airgap.strict_json import Fields, StrictJSONError


@dataclass(frozen=True, slots=True, order=True)
class Absent:
    """A blob that a bundle names and does not hold; ``size`` in bytes. Whoever reads it must prove it elsewhere."""

    digest: Digest
    size: int

    @property
    def document(self) -> dict[str, object]:
        return {"sha256": self.digest.hex, "size": self.size}


def parse_absent(values: Iterable[object]) -> tuple[Absent, ...]:
    """The ``absent`` of bundle.json: sorted by digest, each once. Raises StrictJSONError, FormatError."""
    found: list[Absent] = []
    for value in values:
        fields = Fields(value, "absent")
        digest = parse_hex_digest(fields.string("sha256"), "absent")
        found.append(Absent(digest, fields.integer("size", low=0, high=LIMITS.blob)))
        fields.close()
        if len(found) > 1 and found[-2].digest >= digest:
            raise StrictJSONError("absent blobs are not in order, or one is listed twice")
    return tuple(found)


def leave_out(layers: Iterable[Descriptor], held: Collection[Digest]) -> tuple[Absent, ...]:
    """Which of an export's layers the other side need not be sent, as it holds them.

    Documents always travel: the decision reads them.
    """
    return tuple(sorted(Absent(one.digest, one.size) for one in layers if one.digest in held))
