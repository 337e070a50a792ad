"""Files judged alone, as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from airgap.report.text.rows import error_rows, most, size

_HOW_READ: Final = {
    "direct": "read directly from the medium (O_DIRECT)",
    "cache-dropped": "read after dropping it from the page cache",
    "cached": "NOT CERTAINLY READ FROM THE MEDIUM: this file system allows neither O_DIRECT nor dropping its cache; "
    "eject the medium, insert it again and repeat",
}


def _media(document: Mapping[str, Any]) -> Iterator[str]:
    files = document["files"]
    good = sum(one["status"] == "good" for one in files)
    yield f"{'INTACT' if good == len(files) else 'DAMAGED'}: {good} of {len(files)} files are what they say they are"
    for one in most(files):
        yield ""
        yield f"{'✓' if one['status'] == 'good' else '✗'} {one['file']}  {size(one['size'])}"
        of = f" {one['number']} of {one['total'] or '?'}" if one["number"] else ""
        yield f"  {one['kind'] or 'unknown'}{of}, bundle {one['bundle'] or '-'}"
        yield f"  .sha256 file beside it: {'compared' if one['checksum_file'] else 'not compared'}"
        if document["around_cache"]:
            yield f"  {_HOW_READ[one['read']]}"
        if one["error"]:
            yield from (f"  {line}" for line in error_rows(one["error"]))
    yield ""
    yield "Integrity only: nobody's signature was looked at."


VIEWS: Final = {
    "airgap/media/v1": _media,
}
