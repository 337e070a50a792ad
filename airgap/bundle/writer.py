"""Writing a bundle: one pass over the bytes, all cores, the same output for the same input."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from airgap.bundle import frames
from airgap.bundle.carrier import Output as Output  # what a writer takes, for its callers
from airgap.bundle.format import FRAME_SIZE, MANIFEST_PATH, TAR_END
from airgap.bundle.lanes import Lanes
from airgap.bundle.manifest import BundleManifest, Member
from airgap.bundle.tar import header, padding
from airgap.digest import Digest
from airgap.errors import IntegrityError
from airgap.progress import Progress

DEFAULT_LEVEL: Final = 3
Chunk = bytes | bytearray | memoryview
Content = Callable[[Member], Iterable[Chunk]]


@dataclass(frozen=True, slots=True)
class Written:
    """A finished bundle: its id, the SHA-256 of the file, and its size in bytes."""

    id: Digest
    file_digest: Digest
    size: int


def write_bundle(
    output: Output,
    manifest: BundleManifest,
    content: Content,
    *,
    jobs: int,
    level: int = DEFAULT_LEVEL,
    progress: Progress,
) -> Written:
    """Write the whole bundle to ``output``, in one write for each frame and one for the seek table.

    ``content`` yields the bytes of one member, in chunks.

    Every member is hashed and measured on the way; raises IntegrityError if one is not what the manifest says.
    """
    encoded = manifest.encoded
    progress.stage("packing", manifest.stream_size)
    with _FrameWriter(output, jobs, level, progress) as stream:
        first = Member(MANIFEST_PATH, len(encoded), manifest.id)
        _write_member(stream, first, [encoded])
        for member in manifest.members:
            _write_member(stream, member, content(member))
        stream.write(bytes(TAR_END))
        file_digest, size = stream.finish()
    return Written(first.digest, file_digest, size)


def _write_member(stream: _FrameWriter, member: Member, chunks: Iterable[Chunk]) -> None:
    stream.write(header(member.path, member.size))
    digest, size = hashlib.sha256(), 0
    for chunk in chunks:
        digest.update(chunk)
        size += len(chunk)
        if size > member.size:
            break
        stream.write(chunk)
    if size != member.size:
        raise IntegrityError(
            "blob-size-differs", f"{member.path} has {size} bytes or more, expected {member.size}", path=member.path
        )
    if digest.hexdigest() != member.digest.hex:
        raise IntegrityError(
            "blob-differs",
            f"{member.path} holds other bytes (sha256:{digest.hexdigest()}) than its digest says",
            hint="The source is damaged or was changed. Pull or build the image again, then export.",
            path=member.path,
        )
    stream.write(padding(member.size))


class _FrameWriter:
    """Cuts a byte stream into frames, compresses them on all cores, and writes them in order."""

    def __init__(self, output: Output, jobs: int, level: int, progress: Progress) -> None:
        self._output = output
        self._level = level
        self._progress = progress
        self._frame = bytearray()
        self._compressors = ThreadPoolExecutor(jobs, "compress")
        self._sink = Lanes(1, jobs + 2)  # hashes and writes finished frames; its depth bounds memory
        self._sizes: list[tuple[int, int]] = []
        self._digest = hashlib.sha256()
        self._size = 0

    def __enter__(self) -> _FrameWriter:
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        self._compressors.shutdown(cancel_futures=True)
        if error is None:  # after an error nobody waits for a write that may never end
            self._sink.close()

    def write(self, data: Chunk) -> None:
        view = memoryview(data)
        while view:
            room = FRAME_SIZE - len(self._frame)
            self._frame += view[:room]
            view = view[room:]
            if len(self._frame) == FRAME_SIZE:
                self._submit()

    def finish(self) -> tuple[Digest, int]:
        """Write what is left and the seek table. Returns digest and size of the file."""
        if self._frame:
            self._submit()
        self._sink.join()
        self._emit(frames.seek_table(self._sizes))
        return Digest(self._digest.hexdigest()), self._size

    def _submit(self) -> None:
        frame, self._frame = self._frame, bytearray()
        self._progress.advance(len(frame))
        compressed, size = self._compressors.submit(frames.compress, frame, self._level), len(frame)
        self._sink.run(lambda: self._write_frame(compressed, size))

    def _write_frame(self, compressed: Future[bytes], content_size: int) -> None:
        data = compressed.result()
        self._sizes.append((len(data), content_size))
        self._emit(data)

    def _emit(self, data: bytes) -> None:
        self._digest.update(data)
        self._size += len(data)
        self._output.write(data)
