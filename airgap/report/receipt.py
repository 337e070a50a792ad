"""The receipt of an import: small, canonical, in digests only. What it names, the next bundle may leave out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from airgap.digest import Digest, digest_of, parse_digest
from airgap.errors import AirgapError, FormatError
from airgap.limits import LIMITS
from airgap.store.holdings import walk_image
from airgap.store.store import Store
from airgap.strict_json import Fields, StrictJSONError, canonical, parse_canonical
from airgap.verify import UntrustedImage

_SCHEMA: Final = "airgap/receipt/v1"
QR_MAX: Final = 2953  # bytes: what the largest QR code holds in byte mode at level L (ISO/IEC 18004)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What arrived: the bundle (None if a store was judged), the trust root's id, images, and their layers."""

    bundle: Digest | None
    trust: Digest
    images: frozenset[Digest]
    blobs: frozenset[Digest]

    @property
    def encoded(self) -> bytes:
        """One line of canonical JSON. ``self`` is the digest of all the rest: a receipt may be typed or scanned."""
        body: dict[str, object] = {
            "blobs": sorted(map(str, self.blobs)),
            "bundle": None if self.bundle is None else str(self.bundle),
            "images": sorted(map(str, self.images)),
            "schema": _SCHEMA,
            "trust": str(self.trust),
        }
        return canonical(body | {"self": str(digest_of(canonical(body)))}) + b"\n"


def receipt_for(store: Store, images: Iterable[UntrustedImage], bundle: Digest | None, trust: Digest) -> Receipt:
    """The receipt for images of a store, as their manifests say. One whose manifests cannot be read is left out."""
    named: set[Digest] = set()
    blobs: set[Digest] = set()
    for image in images:
        try:
            walk = walk_image(store, image, configs=False)
            layers = [layer.digest for layer in walk.layers()]
        except AirgapError:
            continue
        named.add(image.digest)
        blobs.update(layers)
    return Receipt(bundle, trust, frozenset(named), frozenset(blobs))


def parse_receipt(data: bytes, where: str) -> Receipt:
    """Read a receipt; nothing in it is proven. Raises FormatError(receipt-invalid).

    A store grows with every bundle, so it may have more blobs than one bundle has members.
    """
    try:
        fields = Fields(parse_canonical(data.removesuffix(b"\n")), where)
        if fields.string("schema") != _SCHEMA:
            raise StrictJSONError(f"{where}: its schema is not {_SCHEMA}")
        bundle = fields.take("bundle")
        if bundle is not None and not isinstance(bundle, str):
            raise StrictJSONError(f"{where}: 'bundle' must be a string or null")
        found = Receipt(
            None if bundle is None else parse_digest(bundle, where),
            parse_digest(fields.string("trust"), where),
            frozenset(parse_digest(text, where) for text in fields.strings("images", most=LIMITS.images)),
            frozenset(parse_digest(text, where) for text in fields.strings("blobs", most=LIMITS.json_values)),
        )
    except (StrictJSONError, FormatError) as error:
        raise FormatError("receipt-invalid", f"{where} is no receipt: {error}", path=where) from None
    if found.encoded != data.removesuffix(b"\n") + b"\n":
        raise FormatError(
            "receipt-invalid", f"{where}: the receipt is not whole, or was changed: its own digest differs", path=where
        )
    return found
