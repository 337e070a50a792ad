"""Signature files over one image, judged, for tests that count people."""

from __future__ import annotations

from functools import cache

import forge
from forge import SIGNED, Layer, image

from airgap.digest import parse_digest
from airgap.oci.descriptor import Descriptor
from airgap.openpgp.keyring import load_keyring
from airgap.openpgp.keys import parse_fingerprint
from airgap.reference import parse_reference
from airgap.trust.evidence import Policy, SignatureReport
from airgap.trust.maintainers import People, Person
from airgap.trust.pinned import Trust
from airgap.trust.root import new_root
from airgap.verify import UntrustedImage, judge_for_image

NOW = SIGNED + 86_400
NAME = "docker.io/stagex/pallet"
SAMPLE = image([Layer({"f": b"x"})])
IMAGE = UntrustedImage(
    parse_reference(NAME),
    Descriptor(SAMPLE.root.media_type, parse_digest(SAMPLE.digest, "x"), len(SAMPLE.root.data)),
    ("linux/amd64",),
)
# alice has two certificates; mallory belongs to nobody
KEYS = {"alice": "alice", "alice again": "alice", "bob": "bob", "carol": "carol"}


@cache
def certificate_of(key: str) -> forge.Certificate:
    return forge.certificate(f"judged {key}", user_ids=[f"{key} <x@example.org>"])


def fingerprint_of(key: str) -> str:
    return certificate_of(key).fingerprint


@cache
def everybody() -> People:
    nicks = sorted(set(KEYS.values()))
    return People(
        Person(nick, tuple(sorted(parse_fingerprint(fingerprint_of(key)) for key in KEYS if KEYS[key] == nick)))
        for nick in nicks
    )


@cache
def trust(threshold: int = 2) -> Trust:
    return Trust(new_root(everybody(), threshold), load_keyring(certificate_of(key).bytes for key in KEYS))


def policy() -> Policy:
    return Policy(trust().keyring, trust().root.claim_formats, NOW)


CLAIM = forge.claim(NAME, SAMPLE.digest)


@cache
def files() -> dict[str, bytes]:
    """Signature files by what they are."""
    alice = certificate_of("alice").signing_key
    good = {f"good {key}": forge.inline(certificate_of(key).signing_key, CLAIM) for key in KEYS}
    good["detached carol"] = forge.detached(certificate_of("carol").signing_key, CLAIM)
    bad = {
        "stranger": forge.inline(certificate_of("mallory").signing_key, CLAIM),
        "corrupt": forge.inline(alice, CLAIM, corrupt=True),
        "no signature": b"hello",
        "empty": b"",
        "no claim": forge.inline(alice, b"hello"),
        "other digest": forge.inline(alice, forge.claim(NAME, f"sha256:{'0' * 64}")),
        "other repository": forge.inline(alice, forge.claim("docker.io/stagex/other", SAMPLE.digest)),
        "legacy": forge.inline(alice, forge.claim("stagex/pallet", SAMPLE.digest, legacy=True)),
        "weak": forge.inline(alice, CLAIM, hash_algo=2),
        "future": forge.inline(alice, CLAIM, created=NOW + 100_000),
    }
    return good | bad


def judge(name: str) -> SignatureReport:
    return judge_for_image(IMAGE, f"signatures/x/{name}", files()[name], trust(), NOW)


@cache
def reports() -> dict[str, SignatureReport]:
    return {name: judge(name) for name in files()}
