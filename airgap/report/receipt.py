"""The receipt of an import: small, canonical, in digests only; it goes back to the sender of the next bundle."""

from __future__ import annotations

from collections.abc import Iterable

from airgap.digest import Digest, digest_of
from airgap.strict_json import canonical


def receipt(bundle: Digest | None, trust: Digest, held: Iterable[Digest]) -> bytes:
    """One line of canonical JSON: what arrived, the trust root's id, and every image that the store now holds.

    ``self`` is the digest of all the rest, so that a receipt that was typed or scanned can be checked.
    """
    body: dict[str, object] = {
        "bundle": str(bundle),
        "images": sorted({str(digest) for digest in held}),
        "schema": "airgap/receipt/v1",
        "trust": str(trust),
    }
    return canonical(body | {"self": str(digest_of(canonical(body)))}) + b"\n"
