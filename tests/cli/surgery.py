"""Opening a bundle and putting it together again, wrongly: what an attacker who knows the format can do."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zstandard

from airgap.bundle import frames, tar
from airgap.bundle.format import FRAME_SIZE

Member = tuple[str, bytes]


@dataclass(slots=True)
class Opened:
    """A bundle's members after bundle.json, in their order, and bundle.json as a value."""

    manifest: dict[str, Any]
    members: list[Member]

    def at(self, start: str) -> int:
        """The place of the first member whose path begins so."""
        return next(place for place, (path, _) in enumerate(self.members) if path.startswith(start))

    def content(self, path: str) -> bytes:
        return self.members[self.at(path)][1]

    def swap(self, path: str, data: bytes, new_path: str | None = None) -> None:
        place = self.at(path)
        self.members[place] = (new_path or self.members[place][0], data)

    def listed(self) -> dict[str, Any]:
        """bundle.json brought into agreement with the members."""
        rows = [{"path": path, "sha256": hexdigest(data), "size": len(data)} for path, data in self.members]
        return self.manifest | {"members": rows}

    def packed(self, *, relist: bool = True) -> bytes:
        """The bundle. Without ``relist`` bundle.json says what it said before."""
        return seal(self.stream(relist=relist))

    def stream(self, *, relist: bool = False) -> bytes:
        """The archive before compression."""
        return archive(canonical(self.listed() if relist else self.manifest), self.members)


def open_bundle(data: bytes | Path) -> Opened:
    raw = unsealed(data if isinstance(data, bytes) else data.read_bytes())
    with tarfile.open(fileobj=io.BytesIO(raw)) as opened:
        found = [(one.name, _content(opened, one)) for one in opened]
    assert found[0][0] == "bundle.json"
    return Opened(json.loads(found[0][1]), found[1:])


def _content(opened: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = opened.extractfile(member)
    assert file is not None
    return file.read()


def canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def hexdigest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def archive(manifest: bytes, members: Sequence[Member]) -> bytes:
    return b"".join(entry(path, data) for path, data in [("bundle.json", manifest), *members]) + bytes(1024)


def entry(path: str, data: bytes) -> bytes:
    return tar.header(path, len(data)) + data + tar.padding(len(data))


def seal(stream: bytes, level: int = 3) -> bytes:
    """Frames and seek table around an archive."""
    cut = [stream[at : at + FRAME_SIZE] for at in range(0, len(stream), FRAME_SIZE)]
    packed = [frames.compress(one, level) for one in cut]
    return b"".join(packed) + frames.seek_table([(len(one), len(of)) for one, of in zip(packed, cut, strict=True)])


def unsealed(bundle: bytes) -> bytes:
    with zstandard.ZstdDecompressor().stream_reader(bundle, read_across_frames=True) as reader:
        return reader.read()


def flipped(data: bytes, at: int, bit: int = 0) -> bytes:
    return data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]


def regions(opened: Opened) -> dict[str, int]:
    """A place in each region of the archive: of every member its header, content and padding, and the end."""
    found: dict[str, int] = {}
    at = 0
    for path, data in [("bundle.json", canonical(opened.manifest)), *opened.members]:
        name = path if not path.startswith("blobs/") else f"blob {len(found)}"
        head = len(tar.header(path, len(data)))
        found[f"{name}: header"] = at + head - 400
        found[f"{name}: content"] = at + head + len(data) // 2
        if len(data) % 512:
            found[f"{name}: padding"] = at + head + len(data)
        at += len(entry(path, data))
    found["end"] = at + 700
    return found


def without(members: Iterable[Member], start: str) -> list[Member]:
    return [member for member in members if not member[0].startswith(start)]
