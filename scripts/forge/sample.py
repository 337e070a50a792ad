"""The sample site of the quick start and of bundles/sample: three maintainers, two images, their signatures.

``python -m forge sample DIR`` writes it; the same octets every time.
"""

from __future__ import annotations

from pathlib import Path

from .certificates import certificate
from .images import Layer, image, image_index, write_layout
from .keys import SecretKey
from .messages import claim, detached, inline
from .stagex import Person, digests_list, maintainers_toml, write_lookaside

_PEOPLE = ("alice", "bob", "carol")
_PLATFORMS = ("linux/amd64", "linux/arm64")


def write_sample(folder: Path) -> None:
    """Write MAINTAINERS, keyring.pgp, layout/, signatures/ and digests/sample.txt into ``folder``.

    ``stagex/hello`` is shaped as StageX publishes: index.json, an index, one manifest and its attestation; the inner
    manifest is signed by alice (inline, by a subkey) and bob (detached). ``stagex/tools`` is an index for two
    platforms that is signed as a whole by all three. ``stagex/lonely`` has one signature only.
    """
    certificates = {
        "alice": certificate("sample alice", signing_subkey="eddsa", user_ids=["Alice <alice@example.org>"]),
        "bob": certificate("sample bob", algorithm="p256", user_ids=["Bob <bob@example.org>"]),
        "carol": certificate("sample carol", algorithm="ed25519", version=6, user_ids=["Carol <carol@example.org>"]),
    }
    keys = {nick: one.signing_key for nick, one in certificates.items()}
    people = [Person(nick, nick.title(), f"{nick}@example.org", (certificates[nick].fingerprint,)) for nick in _PEOPLE]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "MAINTAINERS").write_text(maintainers_toml(people), encoding="utf-8")
    (folder / "keyring.pgp").write_bytes(b"".join(certificates[nick].bytes for nick in _PEOPLE))
    hello = image_index([image([Layer({"bin/hello": b"#!/bin/sh\necho hello\n"})])], attestations=True)
    tools = image_index(
        [image([Layer({"bin/tool": f"tool for {name}\n".encode()})], platform=name) for name in _PLATFORMS]
    )
    lonely = image([Layer({"bin/lonely": b"nobody else rebuilt me\n"})])
    write_layout(folder / "layout", {"hello": hello, "tools": tools, "lonely": lonely})
    digests = {
        "hello": hello.manifest_digests["linux/amd64"],
        "tools": tools.digest,
        "lonely": lonely.digest,
    }
    by_alice = _inline(keys["alice"], "hello", digests["hello"])
    by_bob = detached(keys["bob"], _claim("hello", digests["hello"]))
    _sign(folder, "hello", digests["hello"], [by_alice, by_bob])
    _sign(folder, "tools", digests["tools"], [_inline(key, "tools", digests["tools"]) for key in keys.values()])
    _sign(folder, "lonely", digests["lonely"], [_inline(keys["bob"], "lonely", digests["lonely"])])
    (folder / "digests").mkdir(exist_ok=True)
    (folder / "digests" / "sample.txt").write_text(digests_list(digests), encoding="utf-8")


def _claim(name: str, digest: str) -> bytes:
    return claim(f"docker.io/stagex/{name}", digest)


def _inline(key: SecretKey, name: str, digest: str) -> bytes:
    return inline(key, _claim(name, digest), compress=1)


def _sign(folder: Path, name: str, digest: str, signatures: list[bytes]) -> None:
    write_lookaside(folder / "signatures", f"stagex/{name}", digest, signatures)
