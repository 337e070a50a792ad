"""Makes good bundles, and hostile ones that differ from a good one in exactly one thing.

A bundle is taken apart into its layers, and each can be put together again after a change:

    Bundle (manifest, content) → entries() → stream() → carrier() → bytes

Everything above the change is made with the project's own encoders, so nothing else is wrong:

    bundle = sample()
    hostile = carrier(stream(entries(bundle)) + b"more")          # data behind the archive
    hostile = encode(bundle.with_member("index.json", b"{}"))     # listed as it is, but not what must be there
    hostile = encode(bundle, document=edited(bundle, format="v9"))
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import forge
from forge import SIGNED, Certificate, Layer, Sample
from forge.images import image, image_index

from airgap.bundle import frames
from airgap.bundle.format import FRAME_SIZE, KEYRING_PATH, MAINTAINERS_PATH, MANIFEST_PATH, TAR_END
from airgap.bundle.manifest import BundleManifest, Member, signature_folder, sort_members
from airgap.bundle.partset import OpenedBundle
from airgap.bundle.reader import BundleReader, Input
from airgap.bundle.tar import header, padding
from airgap.digest import Digest, digest_of, parse_digest
from airgap.errors import AirgapError
from airgap.examiner import Examination, Job
from airgap.importer import examine_bundle
from airgap.oci.descriptor import Descriptor
from airgap.oci.graph import GraphWalk
from airgap.oci.layout import INDEX_FILE, LAYOUT_BYTES, LAYOUT_FILE, blob_path
from airgap.openpgp.keyring import load_keyring
from airgap.openpgp.keys import parse_fingerprint
from airgap.progress import Silent
from airgap.reference import parse_reference
from airgap.strict_json import canonical
from airgap.trust.maintainers import People, Person
from airgap.trust.pinned import Trust
from airgap.trust.root import new_root
from airgap.verify import UntrustedImage

NICKS = ("alice", "bob", "carol")
NOW = SIGNED + 86_400
REFERENCE = "docker.io/stagex/pallet"


# People


@cache
def certificate_of(nick: str) -> Certificate:
    return forge.certificate(f"simulated {nick}", user_ids=[f"{nick} <{nick}@example.org>"])


@cache
def trust(threshold: int = 2) -> Trust:
    """The offline machine's trust: NICKS, with their certificates."""
    people = People(Person(nick, (parse_fingerprint(certificate_of(nick).fingerprint),)) for nick in NICKS)
    return Trust(new_root(people, threshold), load_keyring(certificate_of(nick).bytes for nick in NICKS))


def signed(reference: str, digest: str, nick: str) -> bytes:
    """One signature file: an OpenPGP message around the claim."""
    return forge.inline(certificate_of(nick).signing_key, forge.claim(reference, digest))


# Good bundles


@dataclass(frozen=True)
class Bundle:
    """A bundle as values: what bundle.json says, and the bytes of every member by path."""

    manifest: BundleManifest
    content: Mapping[str, bytes] = field(repr=False)

    @property
    def paths(self) -> list[str]:
        return [member.path for member in self.manifest.members]

    @property
    def root(self) -> Descriptor:
        return self.manifest.images[0].descriptor

    def with_content(self, path: str, data: bytes) -> Bundle:
        """Other bytes, which bundle.json does not know of."""
        return replace(self, content={**self.content, path: data})

    def with_members(self, members: Iterable[Member]) -> Bundle:
        return replace(self, manifest=replace(self.manifest, members=tuple(members)))

    def with_member(self, path: str, data: bytes) -> Bundle:
        """A member put in, or put in the place of another, and listed as it is; blobs go to the end."""
        rest = [member for member in self.manifest.members if member.path != path]
        same = [index for index, member in enumerate(self.manifest.members) if member.path == path]
        member = Member(path, len(data), digest_of(data))
        rest.insert(same[0] if same else len(rest), member)
        return self.with_content(path, data).with_members(rest if same else sort_members(rest))

    def without(self, path: str) -> Bundle:
        """A member taken out, of the list too."""
        return self.with_members(member for member in self.manifest.members if member.path != path)


def bundle_of(
    images: Mapping[str, Sample],
    *,
    signers: Sequence[str] = NICKS[:2],
    signatures: Mapping[str, Sequence[bytes]] | None = None,
    small: Mapping[str, bytes] | None = None,
) -> Bundle:
    """A bundle of these images by reference, each signed by ``signers`` or as ``signatures`` says.

    ``small`` adds or replaces members that are no blobs.
    """
    chosen = []
    for reference, given in images.items():
        root = Descriptor(given.root.media_type, parse_digest(given.digest, "root"), len(given.root.data))
        chosen.append(UntrustedImage(parse_reference(reference), root, ()))
    chosen.sort(key=lambda image: image.name)
    blobs = {digest: data for given in images.values() for digest, data in given.blobs.items()}
    walk = walked([image.descriptor for image in chosen], blobs)
    chosen = [replace(one, platforms=tuple(map(str, walk.platforms(one.descriptor)))) for one in chosen]
    content = {
        MAINTAINERS_PATH: maintainers().encode(),
        KEYRING_PATH: b"".join(certificate_of(nick).bytes for nick in NICKS),
        LAYOUT_FILE: LAYOUT_BYTES,
        INDEX_FILE: BundleManifest(tuple(chosen), ()).index(),
    }
    for one in chosen:
        reference = str(one.reference)
        files = (signatures or {}).get(reference)
        if files is None:
            files = [signed(reference, str(one.digest), nick) for nick in signers]
        for number, data in enumerate(files, 1):
            content[f"{signature_folder(one)}/signature-{number}"] = data
    content |= small or {}
    members = [Member(path, len(data), digest_of(data)) for path, data in content.items()]
    for blob in (*walk.manifests_in_order(), *walk.configs(), *walk.layers()):
        members.append(Member(blob_path(blob.digest), blob.size, blob.digest))
        content[blob_path(blob.digest)] = blobs[str(blob.digest)]
    return Bundle(BundleManifest(tuple(chosen), sort_members(members)), content)


def walked(roots: Sequence[Descriptor], blobs: Mapping[str, bytes]) -> GraphWalk:
    """The graph under these roots, all of it fed, not finished."""
    walk = GraphWalk(tuple(roots))
    for wanted in (walk.manifests(), walk.configs()):
        for descriptor in wanted:
            walk.feed(descriptor, blobs[str(descriptor.digest)])
    return walk


def maintainers() -> str:
    return forge.maintainers_toml(
        [forge.Person(n, n.title(), f"{n}@example.org", (certificate_of(n).fingerprint,)) for n in NICKS]
    )


@cache
def sample() -> Bundle:
    """A small good bundle: one image in StageX's shape, signed by two people. Under 8 KiB when encoded."""
    return bundle_of({REFERENCE: image_index([image([Layer({"bin/sample": b"hello\n"})])])})


@cache
def large_sample(size: int = 2 * FRAME_SIZE + 12_345) -> Bundle:
    """A good bundle of several frames; half of its layer can be squeezed, half cannot."""
    noise = b"".join(bytes.fromhex(digest_of(number.to_bytes(8, "big")).hex) for number in range(size // 64))
    layer = Layer({"bin/noise": noise, "bin/zeros": bytes(size // 2)}, compression="none")
    return bundle_of({REFERENCE: image_index([image([layer])])})


# Bundles as bytes


@dataclass(frozen=True)
class Entry:
    """A member as it stands in the archive."""

    header: bytes
    content: bytes
    padding: bytes

    def __bytes__(self) -> bytes:
        return self.header + self.content + self.padding


def entry(path: str, data: bytes) -> Entry:
    return Entry(header(path, len(data)), data, padding(len(data)))


def entries(bundle: Bundle, document: bytes | None = None) -> list[Entry]:
    """All members, bundle.json first; ``document`` instead of the manifest's own bytes."""
    first = entry(MANIFEST_PATH, bundle.manifest.encoded if document is None else document)
    return [first, *(entry(member.path, bundle.content[member.path]) for member in bundle.manifest.members)]


def stream(members: Iterable[Entry], end: bytes = bytes(TAR_END)) -> bytes:
    """The tar archive."""
    return b"".join(map(bytes, members)) + end


def cut(data: bytes, sizes: Iterable[int] | None = None) -> Iterator[bytes]:
    """Pieces of these sizes, then of FRAME_SIZE, as the writer cuts."""
    at = 0
    for size in sizes or ():
        yield data[at : at + size]
        at += size
    while at < len(data):
        yield data[at : at + FRAME_SIZE]
        at += FRAME_SIZE


def frame_list(data: bytes, cuts: Iterable[int] | None = None, level: int = 3) -> list[tuple[bytes, int]]:
    """(frame, content size) of every piece."""
    return [(frames.compress(piece, level), len(piece)) for piece in cut(data, cuts)]


def join(parts: Iterable[tuple[bytes, int]]) -> bytes:
    """Frames and the seek table that follows from them."""
    parts = list(parts)
    return b"".join(frame for frame, _ in parts) + frames.seek_table([(len(frame), size) for frame, size in parts])


def carrier(data: bytes, cuts: Iterable[int] | None = None, level: int = 3) -> bytes:
    """The whole file around a tar archive."""
    return join(frame_list(data, cuts, level))


def encode(bundle: Bundle, document: bytes | None = None) -> bytes:
    """The whole file."""
    return carrier(stream(entries(bundle, document)))


def edited(bundle: Bundle, change: Callable[[dict[str, Any]], object] | None = None, **members: object) -> bytes:
    """bundle.json with some members replaced, and then ``change`` made to it, in canonical form."""
    value: dict[str, Any] = json.loads(bundle.manifest.encoded)
    value |= members
    if change is not None:
        change(value)
    return canonical(value)


# Reading


class Trickle:
    """An input that gives at most so many bytes a read, as pipes do; each size in its turn, then again."""

    def __init__(self, data: bytes, sizes: Sequence[int]) -> None:
        self._data = memoryview(data)
        self._sizes = sizes
        self._turn = 0
        self.reads = 0

    def read(self, size: int, /) -> bytes:
        self.reads += 1
        most = self._sizes[self._turn % len(self._sizes)]
        self._turn += 1
        piece, self._data = self._data[: min(size, most)], self._data[min(size, most) :]
        return bytes(piece)


class Whole:
    """An input that gives all it is asked for."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def read(self, size: int, /) -> bytes:
        piece = self._data[self._at : self._at + size]
        self._at += len(piece)
        return piece

    @property
    def position(self) -> int:
        return self._at


def read_through(source: bytes | Input, *, jobs: int = 1) -> tuple[Digest, dict[str, bytes]]:
    """The carrier alone: bundle id and the content of all members. Nothing is decided about images or people."""
    content = {}
    with BundleReader(Whole(source) if isinstance(source, bytes) else source, jobs=jobs, progress=Silent()) as reader:
        _, identity = reader.read_manifest()
        if jobs > 1:
            reader.read_ahead()
        while (member := reader.next) is not None:
            content[member.path] = reader.read()
        reader.finish()
    return identity, content


def examine(source: bytes | Input, *, jobs: int = 1, given: Trust | None = None) -> Examination:
    """The whole procedure of ``airgap verify``."""
    job = Job(given or trust(), NOW, jobs, Silent())
    opened = OpenedBundle(Whole(source) if isinstance(source, bytes) else source)
    return examine_bundle(nullcontext(opened), job)


def refusal(source: bytes | Input, *, jobs: int = 1, given: Trust | None = None) -> AirgapError:
    """The first error of ``airgap verify``; a bundle that is accepted, or verified in part, fails the test."""
    examination = examine(source, jobs=jobs, given=given)
    assert not examination.accepted
    assert examination.errors
    assert not examination.verified or examination.errors
    return examination.errors[0]


def refused(source: bytes | Input, *, jobs: int = 1, given: Trust | None = None) -> tuple[str, int]:
    """(kind, exit status) of refusal()."""
    error = refusal(source, jobs=jobs, given=given)
    return error.kind, error.exit_status
