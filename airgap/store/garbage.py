"""What in a store belongs to no listed image: decided by names alone, and only of files that airgap itself writes.

Every other file is left where it is, and named.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from airgap.digest import Digest
from airgap.disk.folders import Found
from airgap.oci.layout import BLOBS, INDEX_FILE, LAYOUT_FILE
from airgap.store.evidence import REFERRERS_FOLDER, SIGNATURES_FOLDER
from airgap.store.quarantine import ARTIFACT_SUFFIX, PARTIAL_SUFFIX
from airgap.store.store import PRIVATE_FOLDER, QUARANTINE_FOLDER

_HEX: Final = r"[0-9a-f]{64}"
_PARTIAL: Final = r"\.airgap-partial"
_BLOB: Final = re.compile(rf"{BLOBS}/({_HEX})")
_SIGNATURE: Final = re.compile(rf"{SIGNATURES_FOLDER}/(.+@sha256={_HEX})/signature-[1-9][0-9]*")
_REFERRER: Final = re.compile(rf"{REFERRERS_FOLDER}/({_HEX})")
_REFERRER_LIST: Final = re.compile(rf"{REFERRERS_FOLDER}/({_HEX})\.json")
_QUARANTINE: Final = re.escape(f"{PRIVATE_FOLDER}/{QUARANTINE_FOLDER}")
_ON_ITS_WAY: Final = re.compile(
    rf"{_QUARANTINE}/{_HEX}/{_HEX}(?:{re.escape(ARTIFACT_SUFFIX)})?(?:{re.escape(PARTIAL_SUFFIX)})?"
    rf"|(?:{LAYOUT_FILE}|{re.escape(INDEX_FILE)}|{REFERRERS_FOLDER}/{_HEX}\.json){_PARTIAL}"
    rf"|{_SIGNATURE.pattern}{_PARTIAL}"
)
_KEPT: Final = frozenset({LAYOUT_FILE, INDEX_FILE, f"{PRIVATE_FOLDER}/lock"})
_COMPONENT: Final = r"[a-z0-9._-]{1,255}"
_REPOSITORY_FOLDER: Final = re.compile(rf"{SIGNATURES_FOLDER}(?:(?:/{_COMPONENT}){{1,128}}(?:@sha256={_HEX})?)?")
_QUARANTINE_FOLDER: Final = re.compile(rf"{_QUARANTINE}(?:/{_HEX})?")
_FIXED_FOLDERS: Final = frozenset({"blobs", BLOBS, REFERRERS_FOLDER, PRIVATE_FOLDER})


@dataclass(frozen=True, slots=True)
class Needed:
    """What the listed images need: their digests, blobs, artifact blobs, and folders in the lookaside tree."""

    images: Collection[Digest]
    blobs: Collection[Digest]
    artifact_blobs: Collection[Digest]
    lookasides: Collection[str]


@dataclass(frozen=True, slots=True)
class Garbage:
    """``files`` may be removed, and ``folders`` if they are empty then; ``strange`` is not airgap's."""

    files: tuple[Found, ...]
    folders: tuple[str, ...]
    strange: tuple[str, ...]

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(one.size for one in self.files)


def is_ours(path: str) -> bool:
    """Whether a store has a folder of this name, so that one looks into it."""
    return path in _FIXED_FOLDERS or any(
        pattern.fullmatch(path) is not None for pattern in (_REPOSITORY_FOLDER, _QUARANTINE_FOLDER)
    )


def find_garbage(found: Iterable[Found], needed: Needed | None) -> Garbage:
    """Divide what is in a store. If nobody can tell what is needed (None), only what was on its way is garbage."""
    files: list[Found] = []
    folders: list[str] = []
    strange: list[str] = []
    for one in found:
        if one.is_folder:
            if not is_ours(one.path):
                strange.append(f"{one.path}/")
            elif one.path not in _FIXED_FOLDERS:
                folders.append(one.path)
            continue
        is_needed = _is_needed(one.path, needed) if one.is_file else None
        if is_needed is None:
            strange.append(one.path)
        elif not is_needed:
            files.append(one)
    return Garbage(tuple(sorted(files, key=_order)), tuple(folders), tuple(strange))


def _is_needed(path: str, needed: Needed | None) -> bool | None:
    """None for a file that is not airgap's."""
    if path in _KEPT:
        return True
    if _ON_ITS_WAY.fullmatch(path):
        return False
    lookaside = _SIGNATURE.fullmatch(path)
    if lookaside is not None:
        return needed is None or lookaside.group(1) in needed.lookasides
    for pattern, wanted in (
        (_BLOB, None if needed is None else needed.blobs),
        (_REFERRER, None if needed is None else needed.artifact_blobs),
        (_REFERRER_LIST, None if needed is None else needed.images),
    ):
        match = pattern.fullmatch(path)
        if match is not None:
            return wanted is None or Digest(match.group(1)) in wanted
    return None


def _order(one: Found) -> tuple[int, str]:
    """Blobs first: they are what takes the room."""
    return 0 if _BLOB.fullmatch(one.path) else 1, one.path
