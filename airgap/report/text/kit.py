"""A kit as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from airgap.report.text.rows import count_of, size


def _kit(document: Mapping[str, Any]) -> Iterator[str]:
    for place in filter(None, (document["folder"], document["archive"] and document["archive"]["file"])):
        yield f"WRITTEN: {place}"
    yield f"id      {document['id']}"
    wheels = [one for package in document["packages"] for one in package["wheels"]]
    yield (
        f"holds   airgap {document['version']}: {len(document['packages'])} packages, {count_of(wheels, 'wheel')}, "
        + (size(document["bytes"]))
    )
    yield f"for     Python {', '.join(document['pythons'])} on {', '.join(document['platforms'])}"
    if document["archive"]:
        yield f"archive {document['archive']['digest']}"
    yield "Tell the id to the other side by another way than the kit. There: sh install.sh FOLDER ID"


VIEWS: Final = {"airgap/kit/v1": _kit}
