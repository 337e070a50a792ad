"""The images, signatures and keys that are measured. Run as a process of its own: ``python -m benchmarks.data``.

Of its own, because Linux counts the memory of the process that starts another into the peak of the started one.
"""

from __future__ import annotations

import hashlib
import json
import random
import sys
import tarfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from forge.certificates import Certificate, certificate
from forge.images import OCI_TYPES, REF_NAME, Blob, sha256, to_json
from forge.keys import SecretKey
from forge.messages import claim, inline
from forge.packets import mpi
from forge.stagex import Person, maintainers_toml, write_lookaside

MB = 10**6
FILE_SIZE = 4 * MB  # of the files in big layers
SMALL_LAYER = 100_000  # bytes of content in the layer of a small image
KEYS = {  # as StageX's maintainers have them (TRUST.md): two sign each image, in turn
    "anton": {"algorithm": "rsa4096", "signing_subkey": "rsa4096", "primary_flags": 1},
    "berta": {"algorithm": "eddsa"},
    "cleo": {"algorithm": "rsa3072"},
    "dora": {"algorithm": "p256"},
}


class Output(Protocol):
    def write(self, data: bytes, /) -> object: ...


class Hashing:
    """Counts and hashes what it passes on."""

    def __init__(self, output: Output | None = None) -> None:
        self._output = output
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes, /) -> int:
        self._hash.update(data)
        self.size += len(data)
        if self._output is not None:
            self._output.write(data)
        return len(data)

    @property
    def digest(self) -> str:
        return f"sha256:{self._hash.hexdigest()}"


class Layout:
    """An OCI image layout that is written blob by blob, so that no layer is ever held in memory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._blobs = folder / "blobs" / "sha256"
        self._blobs.mkdir(parents=True)
        self._entries: list[dict[str, object]] = []

    def add(self, name: str, fill: Callable[[tarfile.TarFile], None], *, compressed: bool) -> str:
        """Add an image with one layer; returns the digest of its manifest."""
        types = OCI_TYPES
        partial = self._folder / "partial"
        with partial.open("wb") as file:
            stored, content = Hashing(file), Hashing()
            packer = zlib.compressobj(1, zlib.DEFLATED, 31) if compressed else None
            output = _Tee(content, stored, packer)
            with tarfile.open(fileobj=output, mode="w|") as archive:  # type: ignore[call-overload]  # only write() is used
                fill(archive)
            if packer is not None:
                stored.write(packer.flush())
        partial.rename(self._blobs / stored.digest.removeprefix("sha256:"))
        config = Blob(
            types.config,
            to_json(
                {
                    "architecture": "amd64",
                    "os": "linux",
                    "config": {"Cmd": ["/bin/true"]},
                    "rootfs": {"type": "layers", "diff_ids": [content.digest]},
                }
            ),
        )
        layer = {
            "mediaType": types.layer_gzip if compressed else types.layer,
            "digest": stored.digest,
            "size": stored.size,
        }
        body = {"schemaVersion": 2, "mediaType": types.manifest, "config": config.descriptor(), "layers": [layer]}
        manifest = Blob(types.manifest, to_json(body))
        for blob in (config, manifest):
            (self._blobs / blob.digest.removeprefix("sha256:")).write_bytes(blob.data)
        self._entries.append(manifest.descriptor(annotations={REF_NAME: name}))
        return manifest.digest

    def close(self) -> None:
        (self._folder / "oci-layout").write_bytes(to_json({"imageLayoutVersion": "1.0.0"}))
        index = {"schemaVersion": 2, "mediaType": OCI_TYPES.index, "manifests": self._entries}
        (self._folder / "index.json").write_bytes(to_json(index))


class _Tee:
    def __init__(self, content: Hashing, stored: Hashing, packer: zlib._Compress | None) -> None:
        self._content, self._stored, self._packer = content, stored, packer

    def write(self, data: bytes, /) -> int:
        self._content.write(data)
        self._stored.write(data if self._packer is None else self._packer.compress(data))
        return len(data)


class _Bytes:
    """A file of given bytes for tarfile, without a copy."""

    def __init__(self, data: bytes) -> None:
        self._view = memoryview(data)

    def read(self, size: int = -1) -> bytes:
        size = len(self._view) if size < 0 else size
        piece, self._view = self._view[:size], self._view[size:]
        return bytes(piece)


@cache
def text() -> bytes:
    """16 MB that compress about as well as programs and their sources do. zstd's window at -3 is 2 MB."""
    source = random.Random(1)
    words = [source.randbytes(source.randint(2, 8)).hex()[: source.randint(2, 11)] for _ in range(20_000)]
    return " ".join(source.choices(words, k=2_700_000)).encode()[: 16 * MB]


def mixed_files(seed: int) -> Iterator[bytes]:
    """Files of which every second one cannot be compressed, like archives and pictures in an image."""
    source = random.Random(seed)
    for number in range(10**9):
        start = number // 2 * FILE_SIZE % len(text())
        yield source.randbytes(FILE_SIZE) if number % 2 else text()[start : start + FILE_SIZE]


def fill_mixed(seed: int, size: int) -> Callable[[tarfile.TarFile], None]:
    def fill(archive: tarfile.TarFile) -> None:
        left = size
        for number, data in enumerate(mixed_files(seed)):
            if left <= 0:
                return
            _add(archive, f"usr/file{number}", data[:left])
            left -= len(data)

    return fill


def fill_zeros(size: int) -> Callable[[tarfile.TarFile], None]:
    def fill(archive: tarfile.TarFile) -> None:
        data = bytes(FILE_SIZE)
        for number in range(size // FILE_SIZE):
            _add(archive, f"usr/file{number}", data)

    return fill


def fill_small(number: int) -> Callable[[tarfile.TarFile], None]:
    source = random.Random(number)
    start = source.randrange(len(text()) - SMALL_LAYER)
    half = SMALL_LAYER // 2

    def fill(archive: tarfile.TarFile) -> None:
        _add(archive, f"usr/bin/program{number}", source.randbytes(half) + text()[start : start + half])

    return fill


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(data), 0o755
    archive.addfile(entry, _Bytes(data))


@dataclass(frozen=True)
class QuickRSA(SecretKey):
    """forge signs with RSA in Python, so as to sign any digest; here thousands are signed, all of SHA-256."""

    def sign(self, hash_algo: int, digest: bytes) -> bytes:
        if not isinstance(self.private, rsa.RSAPrivateKey) or hash_algo != 8:
            raise TypeError("not an RSA key, or not SHA-256")
        return mpi(self.private.sign(digest, padding.PKCS1v15(), Prehashed(hashes.SHA256())))


def quick(key: SecretKey) -> SecretKey:
    if not isinstance(key.private, rsa.RSAPrivateKey):
        return key
    return QuickRSA(key.algorithm, key.version, key.created, key.material, key.secret_material, key.private)


class Evidence:
    """Four people with four kinds of key, what they signed, and the same facts as a shell script wants them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._people: dict[str, Certificate] = {
            nick: certificate(nick, user_ids=(f"{nick} <{nick}@example.org>",), **options)  # type: ignore[arg-type]
            for nick, options in KEYS.items()
        }
        self._signers = {nick: quick(one.signing_key) for nick, one in self._people.items()}
        folder.mkdir(parents=True)
        people = [Person(nick, nick, f"{nick}@example.org", (one.fingerprint,)) for nick, one in self._people.items()]
        (folder / "MAINTAINERS").write_text(maintainers_toml(people))
        (folder / "keyring.pgp").write_bytes(b"".join(one.bytes for one in self._people.values()))
        (folder / "people.tsv").write_text("".join(f"{one.fingerprint}\t{n}\n" for n, one in self._people.items()))

    def sign(self, signatures: Path, name: str, digest: str, turn: int) -> None:
        """Two of the four sign that this image has this digest."""
        nicks = list(self._people)
        first, second = nicks[turn % 4], nicks[(turn + 1 + turn // 4 % 3) % 4]
        payload = claim(f"docker.io/stagex/{name}", digest)
        files = [inline(self._signers[nick], payload) for nick in (first, second)]
        write_lookaside(signatures, f"stagex/{name}", digest, files)

    def sign_one(self, path: Path, nick: str, payload: bytes) -> None:
        path.write_bytes(inline(self._signers[nick], payload))


def make(folder: Path, plan: dict[str, int]) -> None:
    """Everything: layouts, signatures, keys. ``plan`` maps a name such as raw-600 to bytes or to a count."""
    evidence = Evidence(folder / "trust")
    for name, size in plan.items():
        place = folder / name
        if name.startswith("signatures"):
            for number in range(size // 2):
                evidence.sign(place, f"image{number}", sha256(str(number).encode()), number)
            continue
        layout = Layout(place / "layout")
        count = size if name == "many" else 1
        for number in range(count):
            image = f"{name}-{number}" if count > 1 else name
            # about a quarter of the mixed content goes away under gzip: the layer as stored shall have the size
            content = size * 4 // 3 if name.startswith("gzip") else size
            fill = fill_small(number) if name == "many" else fill_mixed(size, content)
            fill = fill_zeros(size) if name.startswith("zeros") else fill
            digest = layout.add(image, fill, compressed=name == "many" or name.startswith("gzip"))
            evidence.sign(place / "signatures", image, digest, number)
        layout.close()
    evidence.sign_one(folder / "trust" / "rsa4096.sig", "anton", claim("docker.io/stagex/x", sha256(b"x")))


if __name__ == "__main__":
    make(Path(sys.argv[1]), json.loads(sys.argv[2]))
