"""The audit log, as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from airgap.report.text.rows import most, short, spaced


def _log(document: Mapping[str, Any]) -> Iterator[str]:
    for one in document["entries"]:
        yield f"{one['number']:>5}  {one.get('time', '-'):<20}  {one['event']:<12} {_log_outcome(one)}"
        for error in one.get("errors", []):
            yield f"       {error['code']} {error['kind']}: {error['message']}"
        for image in most(one.get("images", [])):
            yield f"       {image['reference']}  {short(image['digest'])}  {', '.join(image['signers']) or 'nobody'}"
        for loaded in most(one.get("loaded", [])):
            yield f"       {loaded['reference']}  {short(loaded['digest'])}  into {loaded['target']}"
        for fingerprint in one.get("certificates", []):
            yield f"       {spaced(fingerprint)}"


def _log_outcome(entry: Mapping[str, Any]) -> str:
    words = []
    if "accepted" in entry:
        words.append("accepted" if entry["accepted"] else "REFUSED")
    if entry.get("byHand"):
        words.append("by hand")
    if entry.get("bundle"):
        words.append(f"bundle {short(entry['bundle'])}")
    if entry.get("overrides"):
        words.append(f"with --{', --'.join(entry['overrides'])}")
    if "undoes" in entry:
        words.append(f"entry {entry['undoes']} did not take effect")
    return ", ".join(words)


def _log_check(document: Mapping[str, Any]) -> Iterator[str]:
    yield f"WHOLE: {document['entries']} entries, none changed, removed or put in"
    yield f"head  {document['head']}"


VIEWS: Final = {
    "airgap/log/v1": _log,
    "airgap/log-check/v1": _log_check,
}
