"""A native policy, as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from airgap.report.text.rows import errors_of, most, short


def _policy(document: Mapping[str, Any]) -> Iterator[str]:
    yield f"WRITTEN: {document['folder']}"
    count, total = len(document["images"]), len(document["images"]) + len(document["refused"])
    yield f"It lets in {count} of {total} images, each by its digest and the signatures of all people named, no others."
    for one in most(document["images"]):
        yield f"✓ {one['reference']}  {short(one['digest'])}  {', '.join(one['people'])}"
    for one in most(document["refused"]):
        yield f"✗ {one['reference']}  {short(one['digest'])}  is refused:"
        yield f"    {one['why']}"
    for name in document["overrides"]:
        yield f"override: {name}"
    if count:
        yield "Copy or link policy.json and registries.d to /etc/containers, and leave this folder where it is."
    yield from errors_of(document)


VIEWS: Final = {
    "airgap/policy/v1": _policy,
}
