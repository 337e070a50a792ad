"""Reading a bundle by prediction: the manifest says what must come, and every other byte is compared, not parsed.

The same code reads files and pipes. Frames are decoded on all cores and blobs hashed beside that; what is in flight is
bounded, so memory does not grow with the bundle.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

from airgap.bundle import frames
from airgap.bundle.carrier import Carrier, Output, in_place
from airgap.bundle.carrier import Input as Input  # what a reader takes, for its callers
from airgap.bundle.format import FRAME_SIZE, MANIFEST_PATH, TAR_BLOCK, TAR_END
from airgap.bundle.lanes import Lanes
from airgap.bundle.manifest import BundleManifest, Member, parse_bundle_manifest
from airgap.bundle.tar import header, header_size, padding
from airgap.digest import Digest, digest_of
from airgap.errors import FormatError, IntegrityError
from airgap.limits import LIMITS
from airgap.progress import Progress
from airgap.verify import BlobReceipt, require_blob


class Sink(Protocol):
    """Where the bytes of one blob go while they are hashed. close() is called once all of them were good."""

    def write(self, data: memoryview, /) -> object: ...
    def close(self) -> None: ...


class BundleReader:
    """One pass over a bundle. Use as a context manager; take members strictly in order.

    ``copy`` gets the undecoded frames and the seek table as they are read, each in one piece.
    """

    def __init__(self, source: Input, *, jobs: int, progress: Progress, copy: Output | None = None) -> None:
        self._progress = progress
        self._carrier = Carrier(source, copy)
        self._stream = _FrameReader(self._carrier, jobs)
        self._lanes = Lanes(jobs)
        self._is_wanted = False
        self._members: Iterator[Member] = iter(())
        self._next: Member | None = None
        self._receipts: list[BlobReceipt] = []

    def __enter__(self) -> BundleReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Wait for what was begun: then no sink is written to any more."""
        self._stream.close()
        self._lanes.close()

    def read_manifest(self) -> tuple[BundleManifest, Digest]:
        """Step 2: bundle.json, bounded, canonical; and the bundle id."""
        first = self._stream.take(TAR_BLOCK)
        size = header_size(first)
        if size is None or first != header(MANIFEST_PATH, size):
            raise FormatError("not-a-bundle", f"the first member is not {MANIFEST_PATH} as airgap writes it")
        if size > LIMITS.bundle_manifest:
            raise FormatError(
                "limit-exceeded", f"{MANIFEST_PATH} has {size} bytes, over the limit of {LIMITS.bundle_manifest}"
            )
        data = self._stream.take(size)
        self._pad(MANIFEST_PATH, size)
        manifest = parse_bundle_manifest(data)
        id_ = digest_of(data)
        self._carrier.expect(manifest.stream_size, id_)
        self._progress.stage("reading", manifest.stream_size)
        self._members = iter(manifest.members)
        self._advance()
        return manifest, id_

    def read_ahead(self) -> None:
        """The rest is wanted: stream() reads faster than it is used. Before, no byte more is read than is needed."""
        self._is_wanted = True

    @property
    def next(self) -> Member | None:
        """The member that comes next, None after the last."""
        return self._next

    def read(self) -> bytes:
        """The whole content of the next member, which its caller has bounded. Raises IntegrityError if it differs."""
        member = self._begin()
        data = self._stream.take(member.size)
        found = digest_of(data)
        if member.blob is not None:
            self._receipts.append(require_blob(member.digest, member.size, found.hex, member.path))
        elif found != member.digest:
            raise IntegrityError(
                "member-differs", f"{member.path} holds other bytes than {MANIFEST_PATH} says", path=member.path
            )
        self._end(member)
        return data

    def stream(self, sink: Sink | None) -> None:
        """Hash the next member beside other work, handing its bytes to ``sink``. A difference is raised later.

        finish() returns the receipts and raises what is still to be raised.
        """
        member = self._begin()
        if self._is_wanted:
            self._stream.read_ahead()

        def done(hexdigest: str) -> None:
            receipt = require_blob(member.digest, member.size, hexdigest, member.path)
            if sink is not None:
                sink.close()
            self._receipts.append(receipt)

        lane = self._lanes.open(hashlib.sha256(), sink.write if sink is not None else None, done)
        left = member.size
        while left:
            piece = self._stream.piece(left)
            left -= len(piece)
            lane.put(piece)
            self._progress.advance(len(piece))
        lane.finish()
        self._end(member)

    def unproven(self) -> Iterator[memoryview]:
        """The content of the next member in pieces that nobody has hashed: whoever takes them must."""
        member = self._begin()
        left = member.size
        while left:
            piece = self._stream.piece(left)
            left -= len(piece)
            yield piece
        self._end(member)

    def pass_over(self, receipt: BlobReceipt) -> None:
        """Leave out the next member, whose content is proven elsewhere: its frames are not read where one can seek."""
        member = self._begin()
        if (member.blob, member.size) != (receipt.digest, receipt.size):
            raise RuntimeError("this is the receipt of another blob")
        self._stream.pass_over(member.size)
        self._receipts.append(receipt)
        self._progress.advance(member.size)
        self._end(member)

    def finish(self) -> list[BlobReceipt]:
        """Step 10: the end of the stream is exact, and every hash is in. Returns a receipt for each blob."""
        if self._next is not None:
            raise RuntimeError("finish() before the last member")
        if self._stream.take(TAR_END) != bytes(TAR_END):
            raise FormatError("padding-differs", "the end of the archive is not zero")
        self._stream.finish()
        self._lanes.join()
        return self._receipts

    def _begin(self) -> Member:
        member = self._next
        if member is None:
            raise RuntimeError("no member is left")
        expected = header(member.path, member.size)
        if self._stream.take(len(expected)) != expected:
            raise FormatError(
                "member-header-differs",
                f"the header of {member.path[:200]} is not the predicted one",
                path=member.path[:200],
            )
        return member

    def _end(self, member: Member) -> None:
        self._pad(member.path, member.size)
        self._advance()

    def _pad(self, path: str, size: int) -> None:
        zeros = padding(size)
        if self._stream.take(len(zeros)) != zeros:
            raise FormatError("padding-differs", f"the padding after {path[:200]} is not zero", path=path[:200])

    def _advance(self) -> None:
        self._next = next(self._members, None)


class _FrameReader:
    """The decoded stream, frames decoded ahead on other threads."""

    def __init__(self, carrier: Carrier, jobs: int) -> None:
        self._carrier = carrier
        self._pool = ThreadPoolExecutor(jobs, "decode")
        self._jobs = jobs
        self._depth = 1  # frames decoded ahead: none until it is decided whether the rest is wanted
        self._pending: deque[tuple[Future[bytes], str | None]] = deque()  # and the part that a frame came from
        self._frame = memoryview(b"")

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    def read_ahead(self) -> None:
        """From now on, decode on all cores; until something is passed over."""
        self._depth = self._jobs + 1

    def piece(self, most: int) -> memoryview:
        """Between 1 and ``most`` of the next decoded bytes, without copying."""
        while not self._frame:
            self._decode_ahead()
            if not self._pending:
                raise FormatError("frame-not-canonical", "the frames end before the archive does")
            self._frame = memoryview(self._decoded())
        piece, self._frame = self._frame[:most], self._frame[most:]
        return piece

    def take(self, size: int) -> bytes:
        """Exactly the next ``size`` bytes; the caller has bounded ``size``."""
        parts: list[memoryview] = []
        while size:
            part = self.piece(size)
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def pass_over(self, size: int) -> None:
        """Go on behind the next ``size`` decoded bytes; frames that were not read ahead are skipped if they can be."""
        self._depth = 1  # what is read ahead cannot be skipped
        while size:
            if not self._frame and not self._pending:
                size -= self._carrier.skip(size // FRAME_SIZE) * FRAME_SIZE
            if not self._frame and self._pending:
                self._frame = memoryview(self._decoded())
            if size:
                size -= len(self.piece(size))

    def finish(self) -> None:
        """All frames were used; what comes then is the carrier's to check."""
        if self._frame or self._pending:
            raise FormatError("trailing-data", "the stream goes on after the end of the archive")
        self._carrier.finish()

    def _decoded(self) -> bytes:
        future, place = self._pending.popleft()
        try:
            return future.result()
        except IntegrityError as error:
            raise in_place(error, place) from error.__cause__

    def _decode_ahead(self) -> None:
        while len(self._pending) < self._depth and not self._carrier.is_complete:
            try:
                frame = self._carrier.next_frame()
            except (FormatError, IntegrityError):
                while self._pending:  # damage that comes before this is told first, however far was read ahead
                    self._decoded()
                raise
            if frame is None:
                return
            self._pending.append((self._pool.submit(frames.decompress, *frame), self._carrier.place))
