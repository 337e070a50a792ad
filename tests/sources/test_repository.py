"""Reading and writing a repository: byte for byte, resumed where the line broke, refused where bytes are others."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from functools import partial

import forge
import pytest
from forge import Layer, Sample
from forge.images import Blob

from airgap.digest import Digest, parse_digest
from airgap.errors import IntegrityError
from airgap.oci.descriptor import Descriptor
from airgap.registry.problem import Reason, RegistryProblem
from airgap.registry.push import Pusher
from airgap.registry.repository import RemoteRepository
from tests.cli.site import sample
from tests.sources.conftest import REPOSITORY, Opener
from tests.sources.server import Handler, Registry

IMAGE = sample()
DOCKER = forge.image([Layer({"a": b"1"})], docker=True)
INDEX = forge.image_index([IMAGE, sample("other", platform="linux/arm64")], attestations=True)
LIST = forge.image_index([DOCKER], docker=True)
NOISE = random.Random(1).randbytes(3_000_000)
BIG = Blob("application/octet-stream", NOISE)


def described(blob: Blob) -> Descriptor:
    return Descriptor(blob.media_type, parse_digest(blob.digest, "test"), len(blob.data))


def reason_of(call: Callable[[], object]) -> Reason:
    with pytest.raises(RegistryProblem) as caught:
        call()
    assert "127.0.0.1" in str(caught.value)
    return caught.value.reason


def read(repository: RemoteRepository, blob: Blob = BIG) -> bytes:
    return b"".join(repository.blob(described(blob).digest, len(blob.data)))


@pytest.fixture(autouse=True)
def big(registry: Registry) -> None:
    registry.blobs[REPOSITORY] = {BIG.digest: BIG.data}


class TestManifests:
    @pytest.mark.parametrize("found", [IMAGE, DOCKER, INDEX, LIST], ids=["image", "docker", "index", "list"])
    def test_as_served_by_tag_and_by_digest(self, registry: Registry, remote: Opener, found: Sample) -> None:
        registry.add(REPOSITORY, found, "v1")
        repository = remote()
        for reference in ("v1", parse_digest(found.digest, "test")):
            document = repository.manifest(reference)
            assert document.data == found.root.data
            assert document.descriptor == described(found.root)

    def test_odd_spacing_is_kept(self, registry: Registry, remote: Opener) -> None:
        blob = Blob(IMAGE.root.media_type, b" \n" + IMAGE.root.data + b"\n\n")
        registry.add_manifest(REPOSITORY, blob, "v1")
        assert remote().manifest("v1").data == blob.data

    def test_a_type_that_the_server_does_not_know(self, registry: Registry, remote: Opener) -> None:
        for served in ("application/octet-stream", "text/plain; charset=utf-8", ""):
            registry.manifests[REPOSITORY] = {"v1": (served, INDEX.root.data)}
            assert remote().manifest("v1").descriptor.media_type == INDEX.root.media_type

    @pytest.mark.parametrize(
        "data", [b"", b"<html>", b"{}", b"[]", b'{"schemaVersion":1,"fsLayers":[]}', b'{"mediaType":"a/b"}']
    )
    def test_no_manifest(self, registry: Registry, remote: Opener, data: bytes) -> None:
        registry.manifests[REPOSITORY] = {"v1": ("application/json", data)}
        assert reason_of(lambda: remote().manifest("v1")) is Reason.INVALID

    def test_another_manifest_than_the_digest(self, registry: Registry, remote: Opener) -> None:
        registry.manifests[REPOSITORY] = {IMAGE.digest: (IMAGE.root.media_type, IMAGE.root.data + b" ")}
        assert reason_of(lambda: remote().manifest(described(IMAGE.root).digest)) is Reason.DIFFERS

    def test_a_registry_that_calls_a_tag_otherwise(self, registry: Registry, remote: Opener) -> None:
        registry.add(REPOSITORY, IMAGE, "v1")
        for claimed, reason in ((f"sha256:{'0' * 64}", Reason.DIFFERS), ("sha512:00", Reason.INVALID)):
            registry.faults = [partial(serve, blob=IMAGE.root, claimed=claimed)]
            assert reason_of(lambda: remote().manifest("v1")) is reason

    def test_a_manifest_over_the_limit(self, registry: Registry, remote: Opener) -> None:
        registry.manifests[REPOSITORY] = {"v1": (IMAGE.root.media_type, b" " * (4 * 1024 * 1024 + 1))}
        assert reason_of(lambda: remote().manifest("v1")) is Reason.INVALID

    @pytest.mark.parametrize(
        ("status", "reason"),
        [(404, Reason.NOT_FOUND), (403, Reason.DENIED), (400, Reason.INVALID), (500, Reason.UNREACHABLE)],
    )
    def test_refusals_say_what_the_registry_said(
        self, registry: Registry, remote: Opener, status: int, reason: Reason
    ) -> None:
        words = b'{"errors":[{"code":"X","message":"the very words","detail":{"x":1.5}}]}'
        registry.faults.append(lambda handler: handler.reply(status, words))
        with pytest.raises(RegistryProblem, match=f"stagex/x:v1.*{status}: the very words") as caught:
            remote().manifest("v1")
        assert caught.value.reason is reason

    @pytest.mark.parametrize("words", [b"", b"<html>", b'{"errors":{}}', b'{"errors":[7]}', bytes(1_000_000)])
    def test_refusals_without_words(self, registry: Registry, remote: Opener, words: bytes) -> None:
        registry.faults.append(lambda handler: handler.reply(404, words))
        assert reason_of(lambda: remote().manifest("v1")) is Reason.NOT_FOUND

    def test_tags(self, registry: Registry, remote: Opener) -> None:
        registry.add(REPOSITORY, IMAGE, "v2", "v1")
        assert remote().tags() == ["v1", "v2"]
        registry.faults.append(lambda handler: handler.reply(200, b'{"tags":null}'))
        assert reason_of(lambda: remote().tags()) is Reason.INVALID


def pieces_of(data: bytes) -> list[bytes]:
    return [data[:5], data[5:]]


def serve(handler: Handler, blob: Blob, claimed: str) -> bool:
    handler.reply(200, blob.data, blob.media_type, {"Docker-Content-Digest": claimed})
    return True


def cutting(data: bytes, *, ranges: bool = True, every: int = 700_000) -> Callable[[Handler], bool]:
    """A server, or a line to it, that breaks after so many bytes, each time."""

    def fault(handler: Handler) -> bool:
        if "/blobs/" not in handler.path:
            return False
        text = handler.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-")
        start = int(text) if ranges else 0
        handler.send_response(206 if start else 200)
        handler.send_header("Content-Length", str(len(data) - start))
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        handler.end_headers()
        handler.wfile.write(data[start : start + every])
        if start + every < len(data):
            handler.hang_up()
        return True

    return fault


class TestBlobs:
    def test_whole(self, registry: Registry, remote: Opener) -> None:
        assert read(remote()) == NOISE
        assert len(registry.requests) == 1

    def test_empty(self, registry: Registry, remote: Opener) -> None:
        empty = Blob("a/b", b"")
        registry.blobs[REPOSITORY][empty.digest] = b""
        assert read(remote(), empty) == b""

    def test_resumed_where_the_line_broke(self, registry: Registry, remote: Opener) -> None:
        registry.faults.append(cutting(NOISE))
        assert read(remote()) == NOISE
        starts = [headers.get("Range") for _, _, headers in registry.requests]
        assert starts == [None, "bytes=700000-", "bytes=1400000-", "bytes=2100000-", "bytes=2800000-"]

    def test_read_again_where_ranges_are_unknown(self, registry: Registry, remote: Opener) -> None:
        """The server sends the whole each time, and each time a little more of it arrives."""
        sizes = iter([1_000_000, 500_000, 2_000_000, 3_000_000])

        def fault(handler: Handler) -> bool:
            size = next(sizes)
            if size == 3_000_000:
                handler.reply(200, NOISE)
            else:
                handler.cut(NOISE, size)
            return True

        registry.faults.append(fault)
        assert read(remote()) == NOISE
        assert len(registry.requests) == 4

    def test_resumed_with_other_bytes(self, registry: Registry, remote: Opener) -> None:
        """The half that came first is good, the half that came later is not."""
        other = bytearray(NOISE)
        other[-1] ^= 1
        registry.faults += [
            lambda handler: len(registry.requests) == 1 and handler.cut(NOISE, 10),
            cutting(bytes(other), every=len(other)),
        ]
        assert reason_of(lambda: read(remote())) is Reason.DIFFERS

    def test_another_part_than_was_asked_for(self, registry: Registry, remote: Opener) -> None:
        def fault(handler: Handler) -> bool:
            if len(registry.requests) == 1:
                handler.cut(NOISE, 1000)
            else:
                handler.reply(206, NOISE[500:], headers={"Content-Range": f"bytes 500-{len(NOISE) - 1}/{len(NOISE)}"})
            return True

        registry.faults.append(fault)
        assert reason_of(lambda: read(remote())) is Reason.INVALID

    def test_a_line_that_brings_nothing(self, registry: Registry, remote: Opener, pauses: list[float]) -> None:
        registry.faults.append(lambda handler: handler.cut(NOISE, 0))
        with pytest.raises(RegistryProblem, match="0 of 3000000 bytes") as caught:
            read(remote())
        assert caught.value.reason is Reason.UNREACHABLE
        assert len(registry.requests) == 5
        assert pauses == sorted(pauses)

    def test_a_flipped_bit(self, registry: Registry, remote: Opener) -> None:
        registry.blobs[REPOSITORY][BIG.digest] = NOISE[:-1] + bytes([NOISE[-1] ^ 1])
        with pytest.raises(
            RegistryProblem, match=f"stagex/x: blob {BIG.digest}: the registry serves other bytes"
        ) as caught:
            read(remote())
        assert caught.value.reason is Reason.DIFFERS

    @pytest.mark.parametrize("data", [NOISE[:-1], NOISE + b"x", b""], ids=["short", "long", "empty"])
    def test_another_size(self, registry: Registry, remote: Opener, data: bytes) -> None:
        registry.blobs[REPOSITORY][BIG.digest] = data
        assert reason_of(lambda: read(remote())) is Reason.DIFFERS

    @pytest.mark.parametrize(
        "head", [b"HTTP/1.1 200 OK\r\nCont", b"HTTP/1.1 200 OK\r\n\r\n" + NOISE[:99], b"HTTP/1.1 2", b""]
    )
    def test_an_answer_that_breaks_before_it_says_its_size(
        self, registry: Registry, remote: Opener, head: bytes
    ) -> None:
        """It is a broken line, not a wrong blob."""

        def fault(handler: Handler) -> bool:
            if len(registry.requests) > 1:
                return False
            handler.wfile.write(head)
            return handler.hang_up()

        registry.faults.append(fault)
        assert read(remote()) == NOISE

    def test_an_endless_blob_is_left_at_its_size(self, registry: Registry, remote: Opener) -> None:
        sent = 0

        def endless(handler: Handler) -> bool:
            nonlocal sent
            handler.send_response(200)
            handler.end_headers()
            handler.close_connection = True
            while sent < 100_000_000:
                sent += handler.wfile.write(NOISE)
            return True

        registry.faults.append(endless)
        assert reason_of(lambda: read(remote())) is Reason.DIFFERS
        assert sent < 50_000_000

    def test_a_slow_server(self, registry: Registry, remote: Opener) -> None:
        small = Blob("a/b", b"slow and whole")
        done = threading.Event()

        def slow(handler: Handler) -> bool:
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(small.data)))
            handler.end_headers()
            for at in range(len(small.data)):
                handler.wfile.write(small.data[at : at + 1])
                done.wait(0.02)
            return True

        registry.faults.append(slow)
        assert read(remote(), small) == small.data

    def test_missing(self, registry: Registry, remote: Opener) -> None:
        assert reason_of(lambda: read(remote(), IMAGE.layers[0])) is Reason.NOT_FOUND


class TestPush:
    @pytest.fixture
    def pusher(self, remote: Opener) -> Pusher:
        return Pusher(remote(name="made/new"))

    def test_an_image(self, registry: Registry, pusher: Pusher) -> None:
        for blob in (*IMAGE.configs, *IMAGE.layers):
            assert not pusher.holds_blob(described(blob))
            assert pusher.put_blob(described(blob), partial(pieces_of, blob.data))
            assert pusher.holds_blob(described(blob))
            assert not pusher.put_blob(described(blob), lambda: pytest.fail("it is there already"))
        pusher.put_manifest(described(IMAGE.root), IMAGE.root.data, "v1")
        assert pusher.holds_manifest(described(IMAGE.root))
        assert pusher.repository.manifest("v1").data == IMAGE.root.data
        assert read(pusher.repository, IMAGE.layers[0]) == IMAGE.layers[0].data
        assert pusher.delete_manifest(described(IMAGE.root).digest)
        assert not pusher.delete_manifest(described(IMAGE.root).digest)
        assert not pusher.holds_manifest(described(IMAGE.root))

    def test_logged_in_to_push(self, registry: Registry, pusher: Pusher) -> None:
        registry.token = "t0ken"
        assert pusher.put_blob(described(BIG), lambda: [NOISE])
        asked = {path for _, path, _ in registry.requests if path.startswith("/token")}
        assert asked == {"/token?service=tests&scope=repository%3Amade%2Fnew%3Apull%2Cpush"}

    def test_mounted_from_another_repository(self, registry: Registry, pusher: Pusher, remote: Opener) -> None:
        source = remote().name
        assert not pusher.put_blob(described(BIG), lambda: pytest.fail("it is there already"), source=source)
        assert registry.blobs["made/new"][BIG.digest] == NOISE
        small = IMAGE.layers[0]
        assert pusher.put_blob(described(small), lambda: [small.data], source=source)

    def test_a_blob_of_another_size_is_not_there(self, registry: Registry, pusher: Pusher) -> None:
        registry.blobs["made/new"] = {BIG.digest: NOISE[:-1]}
        assert not pusher.holds_blob(described(BIG))

    def test_the_registry_refuses_other_bytes(self, registry: Registry, pusher: Pusher) -> None:
        assert reason_of(lambda: pusher.put_blob(described(BIG), lambda: [bytes(len(NOISE))])) is Reason.INVALID
        assert BIG.digest not in registry.blobs["made/new"]

    def test_an_error_of_the_bytes_ends_the_upload(self, registry: Registry, pusher: Pusher) -> None:
        """A store that finds its blob damaged while it is read must not complete it."""

        def pieces() -> Iterator[bytes]:
            yield NOISE[:1000]
            raise IntegrityError("blob-differs", "the stored blob is damaged")

        with pytest.raises(IntegrityError):
            pusher.put_blob(described(BIG), pieces)
        assert BIG.digest not in registry.blobs["made/new"]

    def test_an_upload_that_breaks_is_made_again(self, registry: Registry, pusher: Pusher) -> None:
        breaks = iter([True, True])

        def fault(handler: Handler) -> bool:
            if handler.command == "PUT" and next(breaks, False):
                handler.hang_up()
                return True
            return False

        registry.faults.append(fault)
        assert pusher.put_blob(described(BIG), lambda: [NOISE])
        assert registry.blobs["made/new"][BIG.digest] == NOISE

    @pytest.mark.parametrize("what", ["blob", "manifest"])
    def test_ldr_10_stored_under_another_digest(self, registry: Registry, pusher: Pusher, what: str) -> None:
        claimed = {"Docker-Content-Digest": f"sha256:{'0' * 64}"}
        registry.faults.append(
            lambda handler: handler.command == "PUT" and bool(handler.body()) and handler.reply(201, headers=claimed)
        )
        if what == "blob":
            assert reason_of(lambda: pusher.put_blob(described(BIG), lambda: [NOISE])) is Reason.DIFFERS
        else:
            assert reason_of(lambda: pusher.put_manifest(described(IMAGE.root), IMAGE.root.data)) is Reason.DIFFERS

    def test_ldr_11_an_upload_to_another_host_has_no_credentials(self, registry: Registry, pusher: Pusher) -> None:
        registry.token = "t0ken"
        with Registry(faults=[lambda handler: handler.body() == NOISE and handler.reply(201)]).serving() as other:

            def away(handler: Handler) -> bool:
                if handler.command == "POST" and handler.headers.get("Authorization"):
                    handler.reply(202, headers={"Location": f"{other.url}/bucket?key=1"})
                    return True
                return False

            registry.faults.append(away)
            assert pusher.put_blob(described(BIG), lambda: [NOISE])
        assert [(method, path) for method, path, _ in other.requests] == [("PUT", f"/bucket?key=1&digest={BIG.digest}")]
        assert other.authorizations("") == [""]

    @pytest.mark.parametrize("target", ["http://192.0.2.1/x", "", "file:///etc/passwd", "//192.0.2.1/x"])
    def test_ldr_11_an_upload_to_where_nobody_should_go(self, registry: Registry, pusher: Pusher, target: str) -> None:
        registry.faults.append(
            lambda handler: handler.command == "POST" and handler.reply(202, headers={"Location": target})
        )
        assert reason_of(lambda: pusher.put_blob(described(BIG), lambda: [NOISE])) is Reason.INVALID

    def test_a_registry_that_does_not_delete(self, registry: Registry, pusher: Pusher) -> None:
        registry.faults.append(lambda handler: handler.reply(405))
        assert not pusher.delete_manifest(Digest("0" * 64))

    def test_bytes_of_another_manifest_are_a_mistake_of_the_caller(self, pusher: Pusher) -> None:
        with pytest.raises(ValueError, match="not the bytes"):
            pusher.put_manifest(described(IMAGE.root), IMAGE.root.data + b" ")
