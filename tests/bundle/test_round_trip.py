"""What is written is read back, in one way only: whatever the jobs, the level and the size of reads."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tarfile
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest
import zstandard
from forge import Layer, image, image_index
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airgap.bundle.format import FRAME_SIZE, MANIFEST_PATH
from airgap.bundle.manifest import Member
from airgap.bundle.reader import BundleReader
from airgap.bundle.tar import header
from airgap.bundle.writer import Chunk, Written, write_bundle
from airgap.digest import digest_of
from airgap.errors import IntegrityError
from airgap.importer import inspect_bundle
from airgap.progress import Silent
from tests.bundle.simulator import (
    Bundle,
    Trickle,
    Whole,
    bundle_of,
    carrier,
    encode,
    entries,
    examine,
    large_sample,
    read_through,
    refused,
    sample,
    stream,
)

RELAXED = settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Counter:
    """A progress that adds up."""

    def __init__(self) -> None:
        self.stages: list[tuple[str, int | None]] = []
        self.done = 0

    def stage(self, name: str, total: int | None) -> None:
        self.stages.append((name, total))

    def advance(self, amount: int) -> None:
        self.done += amount


def chunked(data: bytes, size: int) -> Iterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


def write(bundle: Bundle, *, jobs: int = 1, level: int = 3, chunk: int = 2**20) -> tuple[bytes, Written]:
    output = io.BytesIO()

    def content(member: Member) -> Iterable[Chunk]:
        return chunked(bundle.content[member.path], chunk)

    written = write_bundle(output, bundle.manifest, content, jobs=jobs, level=level, progress=Silent())
    return output.getvalue(), written


def test_the_sample_is_small(good: bytes) -> None:
    assert len(good) <= 8 * 1024


@pytest.mark.parametrize("name", ["small", "large"])
def test_round_trip(name: str) -> None:
    bundle = sample() if name == "small" else large_sample()
    data, written = write(bundle)
    assert read_through(data) == (bundle.manifest.id, {path: bundle.content[path] for path in bundle.paths})
    assert (written.id, written.file_digest, written.size) == (bundle.manifest.id, digest_of(data), len(data))
    assert examine(data).accepted


def test_the_simulator_writes_what_the_writer_writes(bundle: Bundle, large: Bundle) -> None:
    for one in (bundle, large):
        assert write(one)[0] == encode(one)


@pytest.mark.parametrize("chunk", [1, 7, 511, 512, 513, 10**6])
def test_chunks_of_the_source_do_not_matter(bundle: Bundle, good: bytes, chunk: int) -> None:
    assert write(bundle, chunk=chunk)[0] == good


@pytest.mark.parametrize("jobs", [1, 2, 4, 8])
def test_the_same_bytes_for_any_number_of_jobs(large: Bundle, large_good: bytes, jobs: int) -> None:
    assert write(large, jobs=jobs)[0] == large_good


@pytest.mark.parametrize("level", [1, 9, 19])
def test_the_level_changes_neither_id_nor_content(bundle: Bundle, level: int) -> None:
    data, written = write(bundle, level=level)
    assert written.id == bundle.manifest.id
    assert read_through(data)[1] == read_through(encode(bundle))[1]


def test_the_same_bytes_in_another_process(good: bytes) -> None:
    """Hash seeds, locale and time zone leave no trace."""
    code = "import sys; from tests.bundle.simulator import *; sys.stdout.buffer.write(encode(sample()))"
    root = Path(__file__).resolve().parents[2]
    found = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONHASHSEED": "1", "LC_ALL": "C", "TZ": "Asia/Kathmandu", "PYTHONPATH": f"{root}:{root}/scripts"},
        cwd=root,
        capture_output=True,
        check=True,
    )
    assert found.stdout == good


@RELAXED
@given(st.lists(st.integers(1, 5000), min_size=1, max_size=8), st.sampled_from([1, 4]))
def test_read_sizes_never_matter(sizes: list[int], jobs: int) -> None:
    expected = read_through(encode(sample()))
    assert read_through(Trickle(encode(sample()), sizes), jobs=jobs) == expected


@pytest.mark.parametrize("size", [1, 2, 3, 5, 9])
def test_a_trickle_gives_the_same_verdict(good: bytes, size: int) -> None:
    assert examine(Trickle(good, [size])).accepted


def test_a_trickle_of_several_frames(large: Bundle, large_good: bytes) -> None:
    identity, content = read_through(Trickle(large_good, [65_536, 1, 4_095]), jobs=2)
    assert identity == large.manifest.id
    assert {path: digest_of(data) for path, data in content.items()} == {
        member.path: member.digest for member in large.manifest.members
    }


@settings(deadline=None, max_examples=15)
@given(st.binary(max_size=3000), st.integers(1, 3), st.booleans())
def test_any_content(data: bytes, count: int, compressed: bool) -> None:
    compression = "gzip" if compressed else "none"
    images = {
        f"docker.io/stagex/n{n}": image_index([image([Layer({f"f{n}": data + bytes([n])}, compression)])])
        for n in range(count)
    }
    bundle = bundle_of(images)
    encoded, _ = write(bundle)
    assert read_through(encoded)[1] == bundle.content
    examination = examine(encoded)
    assert examination.errors == []
    assert [one.image for one in examination.verified] == list(bundle.manifest.images)


def test_any_machine_with_zstd_and_tar_can_open_it(large: Bundle, large_good: bytes) -> None:
    """FORMAT: what it unpacks to is an OCI image layout and a lookaside tree. The seek table is skipped by zstd."""
    unpacked = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(large_good), read_across_frames=True).read()
    assert unpacked == stream(entries(large))
    with tarfile.open(fileobj=io.BytesIO(unpacked), mode="r:") as archive:
        members = archive.getmembers()
        assert [member.name for member in members] == [MANIFEST_PATH, *large.paths]
        for member in members[1:]:
            file = archive.extractfile(member)
            assert file is not None
            assert file.read() == large.content[member.name]


@cache
def of_whole_frames(count: int) -> Bundle:
    """A bundle whose archive ends where a frame does: no frame is shorter than the others."""
    images = {"docker.io/stagex/x": image([Layer({"f": b"x"})])}
    lists = {f"trust/digests/{number}.txt": bytes(10**6) for number in range(1, 2 * count)}
    lists["trust/digests/0.txt"] = bytes(10**6)
    rest = bundle_of(images, small=lists).manifest.stream_size
    lists["trust/digests/0.txt"] = bytes(10**6 + -rest % FRAME_SIZE)
    return bundle_of(images, small=lists)


class TestWholeFrames:
    @pytest.mark.parametrize("count", [1, 6])
    @pytest.mark.parametrize("jobs", [1, 4])
    def test_round_trip(self, count: int, jobs: int) -> None:
        bundle = of_whole_frames(count)
        assert bundle.manifest.stream_size % FRAME_SIZE == 0
        data, written = write(bundle, jobs=jobs)
        assert data == encode(bundle)
        assert read_through(data, jobs=jobs)[0] == written.id
        assert examine(data, jobs=jobs).accepted

    def test_more_or_less(self) -> None:
        archive = stream(entries(of_whole_frames(1)))
        assert refused(carrier(archive + bytes(1))) == ("frame-not-canonical", 10)
        assert refused(carrier(archive + bytes(FRAME_SIZE))) == ("frame-not-canonical", 10)
        assert refused(carrier(archive[:-1])) == ("frame-not-canonical", 10)
        assert refused(carrier(archive[:-FRAME_SIZE]))[1] in {10, 20}

    def test_less_of_two(self, large: Bundle) -> None:
        archive = stream(entries(large))
        assert refused(carrier(archive[:FRAME_SIZE])) == ("frame-not-canonical", 10)
        assert refused(carrier(archive[: 2 * FRAME_SIZE])) == ("frame-not-canonical", 10)

    def test_a_manifest_that_goes_on_behind_the_frames(self) -> None:
        """bundle.json of 5 MiB announced, one frame of it delivered."""
        first = header(MANIFEST_PATH, 5 * 1024 * 1024)
        assert refused(carrier((first + b" " * FRAME_SIZE)[:FRAME_SIZE])) == ("frame-not-canonical", 10)


def test_progress_is_told_in_bytes(large: Bundle, large_good: bytes) -> None:
    packing, reading = Counter(), Counter()
    write_bundle(io.BytesIO(), large.manifest, lambda m: [large.content[m.path]], jobs=2, level=3, progress=packing)
    assert packing.stages == [("packing", large.manifest.stream_size)]
    assert packing.done == large.manifest.stream_size
    with BundleReader(Whole(large_good), jobs=2, progress=reading) as reader:
        reader.read_manifest()
        while reader.next is not None:
            reader.stream(None)
        receipts = reader.finish()
    assert reading.stages == [("reading", large.manifest.stream_size)]
    assert reading.done == sum(member.size for member in large.manifest.members)
    assert {receipt.digest for receipt in receipts} >= {m.blob for m in large.manifest.members if m.blob}


class Sink:
    """Keeps what it is given, and whether it was told that all was good."""

    def __init__(self) -> None:
        self.data = b""
        self.closed = False

    def write(self, data: memoryview, /) -> None:
        self.data += bytes(data)

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize("jobs", [1, 4])
def test_streamed_members_reach_their_sinks(large: Bundle, large_good: bytes, jobs: int) -> None:
    sinks: dict[str, Sink] = {}
    with BundleReader(Whole(large_good), jobs=jobs, progress=Silent()) as reader:
        reader.read_manifest()
        while (member := reader.next) is not None:
            if member.blob is None:
                reader.read()
            else:
                sinks[member.path] = Sink()
                reader.stream(sinks[member.path])
        receipts = reader.finish()
    assert {path: sink.data for path, sink in sinks.items()} == {path: large.content[path] for path in sinks}
    assert all(sink.closed for sink in sinks.values())
    assert sorted((r.digest, r.size) for r in receipts) == sorted(
        (m.digest, m.size) for m in large.manifest.members if m.blob
    )


def test_a_sink_of_bad_bytes_is_never_closed(large: Bundle) -> None:
    path = large.paths[-1]
    hostile = encode(large.with_content(path, bytes(len(large.content[path]))))
    sink = Sink()
    reader = BundleReader(Whole(hostile), jobs=2, progress=Silent())

    def run() -> None:
        with reader:
            reader.read_manifest()
            while (member := reader.next) is not None:
                reader.stream(sink if member.path == path else None)
            reader.finish()

    with pytest.raises(IntegrityError) as caught:
        run()
    assert caught.value.kind == "blob-differs"
    assert not sink.closed


def test_an_error_of_a_sink_is_raised(large_good: bytes) -> None:
    class Full(Sink):
        def write(self, data: memoryview, /) -> None:
            raise MemoryError("full")

    reader = BundleReader(Whole(large_good), jobs=2, progress=Silent())

    def run() -> None:
        with reader:
            reader.read_manifest()
            while reader.next is not None:
                reader.stream(Full())
            reader.finish()

    with pytest.raises(MemoryError):
        run()


class TestMisuse:
    """Mistakes of a programmer are RuntimeError."""

    def test_finish_before_the_last_member(self, good: bytes) -> None:
        with BundleReader(Whole(good), jobs=1, progress=Silent()) as reader:
            reader.read_manifest()
            with pytest.raises(RuntimeError, match="before the last"):
                reader.finish()

    def test_read_after_the_last_member(self, good: bytes) -> None:
        with BundleReader(Whole(good), jobs=1, progress=Silent()) as reader:
            reader.read_manifest()
            while reader.next is not None:
                reader.read()
            with pytest.raises(RuntimeError, match="no member is left"):
                reader.read()


class TestWriter:
    """What a source gives is checked on the way: a bundle that lies is never written to its end."""

    @pytest.mark.parametrize("data", [b"", b"{}", b"a" * 10**6])
    def test_another_size(self, bundle: Bundle, data: bytes) -> None:
        with pytest.raises(IntegrityError) as caught:
            write(bundle.with_content(bundle.paths[-1], data))
        assert (caught.value.kind, caught.value.exit_status) == ("blob-size-differs", 20)

    def test_endless_content(self, bundle: Bundle) -> None:
        def endless(_: Member) -> Iterator[bytes]:
            while True:
                yield b"x" * 4096

        with pytest.raises(IntegrityError) as caught:
            write_bundle(io.BytesIO(), bundle.manifest, endless, jobs=1, progress=Silent())
        assert caught.value.kind == "blob-size-differs"

    def test_other_bytes(self, bundle: Bundle) -> None:
        path = bundle.paths[-1]
        with pytest.raises(IntegrityError) as caught:
            write(bundle.with_content(path, bytes(len(bundle.content[path]))))
        assert (caught.value.kind, caught.value.exit_status) == ("blob-differs", 20)

    @pytest.mark.parametrize("jobs", [1, 4])
    def test_an_output_that_fails(self, large: Bundle, jobs: int) -> None:
        class Full(io.BytesIO):
            def write(self, data: object, /) -> int:
                raise OSError(28, "No space left on device")

        with pytest.raises(OSError, match="No space"):
            write_bundle(Full(), large.manifest, lambda m: [large.content[m.path]], jobs=jobs, progress=Silent())

    def test_many_frames(self) -> None:
        """More frames than may wait between cutting and writing."""
        bundle = large_sample(6 * FRAME_SIZE)
        data, written = write(bundle, jobs=1)
        assert hashlib.sha256(data).hexdigest() == written.file_digest.hex
        assert read_through(data)[0] == bundle.manifest.id


def test_inspect_reads_the_manifest_alone(bundle: Bundle, large: Bundle, large_good: bytes) -> None:
    source = Whole(large_good)
    assert inspect_bundle(source, Silent()) == (large.manifest, large.manifest.id)
    assert source.position < len(large_good)
    assert bundle.manifest.id != large.manifest.id
