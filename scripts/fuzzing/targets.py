"""What the fuzzers drive: each target takes any bytes and may raise nothing but the project's own errors.

``scripts/fuzz`` runs them under atheris for as long as you like; test_targets.py runs each one briefly.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from forge import (
    SIGNED,
    Certificate,
    Layer,
    Person,
    certificate,
    claim,
    detached,
    image,
    image_index,
    inline,
    maintainers_toml,
)

from airgap.api import verify_bundle
from airgap.audit import read_entries
from airgap.bundle.format import PART_CLOSING_SIZE, SEEK_TABLE_MAGIC
from airgap.bundle.labels import Closing, Opening, parse_closing, parse_opening
from airgap.bundle.manifest import parse_bundle_manifest
from airgap.bundle.reader import BundleReader
from airgap.bundle.recovery import Place, Record, parse_record, plan_recovery
from airgap.digest import digest_of
from airgap.errors import AirgapError
from airgap.oci.descriptor import OCI_CONFIG, OCI_INDEX, OCI_MANIFEST, Descriptor
from airgap.oci.graph import GraphWalk
from airgap.oci.layout import parse_layout_index
from airgap.oci.manifest import parse_config, parse_index, parse_manifest
from airgap.oci.referrer import parse_artifact, parse_referrers
from airgap.openpgp.keyring import Keyring, load_keyring
from airgap.openpgp.message import parse_signature_file
from airgap.openpgp.verifier import verify_message
from airgap.progress import Silent
from airgap.reference import parse_reference
from airgap.report.receipt import Receipt, parse_receipt
from airgap.results import parse_verdict
from airgap.sources.spec import parse_digest_list
from airgap.state import _parse_state
from airgap.strict_json import StrictJSONError, canonical, parse, parse_canonical
from airgap.trust.claim import ClaimFormat, parse_claim
from airgap.trust.maintainers import parse_maintainers
from airgap.trust.policy import parse_policy
from airgap.trust.root import parse_root

SAMPLE: Final = Path(__file__).resolve().parents[2] / "bundles" / "sample"
PAYLOAD: Final = claim("docker.io/stagex/fuzz", f"sha256:{'a' * 64}")
LATER: Final = SIGNED + 86400


def signature_file(data: bytes) -> None:
    """Framing, signature, mathematics: whatever is accepted is the one payload that was signed."""
    good = verify_message(parse_signature_file(data), _keyring(), LATER, payloads=[PAYLOAD])
    if good.payload != PAYLOAD:
        raise RuntimeError("a payload that nobody signed was accepted")


def keyring(data: bytes) -> None:
    """Certificates. Whatever is read can be written, and reads again as the same."""
    found = load_keyring([data])
    encoded = found.encoded()
    if load_keyring([encoded]).encoded() != encoded:
        raise RuntimeError("a keyring does not survive being written")


def certificate_swap(data: bytes) -> None:
    """A mutated certificate never makes a signature good by another key than the signer's."""
    good = verify_message(parse_signature_file(_signatures()[0]), load_keyring([data]), LATER)
    if str(good.signing_key) != _people()[0].signing_key.fingerprint.hex().upper():
        raise RuntimeError("another key was reported")


def bundle(data: bytes) -> None:
    """The carrier: manifest, frames, members."""
    with BundleReader(_Bytes(data), jobs=1, progress=Silent()) as reader:
        reader.read_manifest()
        while reader.next is not None:
            reader.stream(None)
        reader.finish()


def bundle_manifest(data: bytes) -> None:
    """bundle.json has one spelling."""
    if parse_bundle_manifest(data).encoded != data:
        raise RuntimeError("a manifest was accepted that is not canonical")


def labels(data: bytes) -> None:
    """Labels of parts and records of recovery have one spelling."""
    opening, closing, record = parse_opening(data), parse_closing(data), parse_record(data)
    if opening is not None and opening.encode() != data:
        raise RuntimeError("an opening label was accepted that is not canonical")
    if closing is not None and closing[0].encode() + closing[1] != data:
        raise RuntimeError("a closing label was accepted that is not canonical")
    if record is not None and record.encode() != data:
        raise RuntimeError("a recovery record was accepted that is not canonical")


def documents(data: bytes) -> None:
    """Indexes, manifests and configurations."""
    _quietly(lambda: parse_index(data, _descriptor(OCI_INDEX, data)))
    _quietly(lambda: parse_manifest(data, _descriptor(OCI_MANIFEST, data)))
    _quietly(lambda: parse_config(data, _descriptor(OCI_CONFIG, data)))
    _quietly(lambda: parse_layout_index(data))


def graph(data: bytes) -> None:
    """Indexes and manifests, one after the other as their graph asks for them, and artifacts about images."""
    blobs = {digest_of(blob): blob for blob in data.split(b"\n\n")}
    first = next(iter(blobs))
    walk = GraphWalk((Descriptor(OCI_INDEX, first, len(blobs[first])),))
    for wanted in (walk.manifests(), walk.configs()):
        for descriptor in wanted:
            if descriptor.digest not in blobs:
                return
            walk.feed(descriptor, blobs[descriptor.digest])
    walk.finish()


def referrer(data: bytes) -> None:
    """Manifests of artifacts, and the lists of them that a store keeps."""
    _quietly(lambda: parse_artifact(data, digest_of(data)))
    with contextlib.suppress(StrictJSONError):
        listed = parse(data)
        if isinstance(listed, list):
            parse_referrers(listed)


def claims(data: bytes) -> None:
    parse_claim(data, ClaimFormat)


def maintainers(data: bytes) -> None:
    """MAINTAINERS is TOML."""
    parse_maintainers(data)


def reference(data: bytes) -> None:
    """A reference is read again as the same."""
    found = parse_reference(data.decode("utf-8", "replace"))
    if parse_reference(str(found)) != found:
        raise RuntimeError("a reference is read as another one")


def digest_list(data: bytes) -> None:
    parse_digest_list(data, "list")


def json_text(data: bytes) -> None:
    """What is canonical has one spelling; what has two readings is refused."""
    with contextlib.suppress(StrictJSONError):
        if canonical(parse_canonical(data)) != data:
            raise RuntimeError("two spellings are canonical")


def trust_root(data: bytes) -> None:
    """A stored root has one spelling."""
    if parse_root(data).encoded() != data:
        raise RuntimeError("a root was accepted that is not canonical")


def trust_state(data: bytes) -> None:
    """state.json has one spelling, and its own digest in it."""
    if _parse_state(data, Path("trust")).encoded() != data:
        raise RuntimeError("a state was accepted that is not canonical")


def audit_log(data: bytes) -> None:
    """The chain: every whole line that is accepted is one that follows from those before it."""
    size = 0
    for entry in read_entries(io.BytesIO(data), "log"):
        entry.parsed()
        size = entry.size
    if data[:size].count(b"\n") and not data[:size].endswith(b"\n"):
        raise RuntimeError("half an entry was accepted")


def policy(data: bytes) -> None:
    """containers-policy.json(5)."""
    parse_policy(data)


def receipt(data: bytes) -> None:
    """A receipt has one spelling, but for the end of its line."""
    if parse_receipt(data, "receipt").encoded != data.removesuffix(b"\n") + b"\n":
        raise RuntimeError("a receipt was accepted that is not canonical")


def verdict(data: bytes) -> None:
    """A verdict that was kept as JSON contradicts itself nowhere."""
    found = parse_verdict(data)
    if found.accepted != (found.exit_status == 0):
        raise RuntimeError("a verdict was accepted that says two things")


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    target.__name__.replace("_", "-"): target
    for target in (
        *(signature_file, keyring, certificate_swap, bundle, bundle_manifest, labels, documents, graph, referrer),
        *(claims, maintainers, reference, digest_list, json_text, trust_root, trust_state, audit_log, policy),
        *(receipt, verdict),
    )
}


def run(name: str, data: bytes) -> None:
    """One input. Returns if the target accepted it or refused it with a typed error."""
    _quietly(lambda: TARGETS[name](data))


def seeds(name: str) -> list[bytes]:
    """Good inputs to start from."""
    alice, bob, _ = _people()
    if name == "signature-file":
        return _signatures()
    if name in ("keyring", "certificate-swap"):
        return [alice.bytes, bob.bytes, alice.bytes + bob.bytes, alice.armored()]
    if name in _TEXTS:
        return _TEXTS[name]()
    if name in ("documents", "graph", "referrer"):
        sample = image_index([image([Layer({"a": b"b"})])], attestations=True)
        found = [blob for blob in sample.blobs.values() if blob.startswith(b"{")]
        return [b"\n\n".join([sample.root.data, *found])] if name == "graph" else found
    carrier = (SAMPLE / "sample.airgap.tar.zst").read_bytes()
    with BundleReader(_Bytes(carrier), jobs=1, progress=Silent()) as reader:
        manifest, id_ = reader.read_manifest()
    opening = Opening(id_, 1, len(carrier) + 1000, 0)
    if name == "bundle":
        return [carrier, _one_part(carrier, opening)]
    if name == "labels":
        layout = plan_recovery(id_, digest_of(carrier), len(carrier), 10)
        record = Record(layout, Place(1, 1, 0, layout.records), 0, bytes(8 * layout.shards), bytes(layout.block))
        return [opening.encode(), _one_part(carrier, opening)[-PART_CLOSING_SIZE:], record.encode()]
    return [manifest.encoded]


@functools.cache
def _people() -> tuple[Certificate, ...]:
    return (
        certificate("fuzz alice", signing_subkey="eddsa"),
        certificate("fuzz bob", algorithm="p256"),
        certificate("fuzz carol", algorithm="ed25519", version=6),
    )


def _verdict() -> bytes:
    at = datetime.fromtimestamp(LATER, UTC)
    found = verify_bundle(SAMPLE / "sample.airgap.tar.zst", SAMPLE / "trust", at=at)
    return json.dumps(found.document).encode()


_TEXTS: Final[dict[str, Callable[[], list[bytes]]]] = {
    "claims": lambda: [PAYLOAD, claim("stagex/x", f"sha256:{'b' * 64}", legacy=True)],
    "maintainers": lambda: [
        maintainers_toml([Person("alice", "Alice", "alice@example.org", (_people()[0].fingerprint,))]).encode(),
        b'[people.a]\n[keys.a.b]\nid="00"\n',
    ],
    "reference": lambda: [b"docker.io/stagex/x:1", f"localhost:5000/x/y@sha256:{'b' * 64}".encode(), b"x"],
    "digest-list": lambda: [f"{'a' * 64} hello\n{'b' * 64} docker.io/stagex/x\n".encode()],
    "json-text": lambda: [b'{"a":[1,"b",null,true,{}],"c":"\xc3\xa9"}', b"[[[[]]]]", b'"\\ud83d\\ude00"'],
    "trust-root": lambda: [(SAMPLE / "trust" / "roots" / "1.json").read_bytes()],
    "trust-state": lambda: [(SAMPLE / "trust" / "state.json").read_bytes()],
    "audit-log": lambda: [(SAMPLE / "trust" / "audit.log").read_bytes()],
    "receipt": lambda: [
        Receipt(None, digest_of(b"t"), frozenset({digest_of(b"i")}), frozenset({digest_of(b"b")})).encoded
    ],
    "verdict": lambda: [_verdict()],
    "policy": lambda: [
        b'{"default":[{"type":"reject"}],"transports":{"docker":{"docker.io/stagex":[{"type":"signedBy",'
        b'"keyType":"GPGKeys","keyPath":"/k","signedIdentity":{"type":"matchRepository"}}]}}}'
    ],
}


def _one_part(carrier: bytes, opening: Opening) -> bytes:
    """The sample as a set of one part."""
    table = carrier[carrier.rindex(SEEK_TABLE_MAGIC) :]
    closing = Closing(opening, 1, len(carrier), digest_of(table))
    data = opening.encode() + carrier + closing.encode()
    return data + hashlib.sha256(data).digest()


@functools.cache
def _keyring() -> Keyring:
    return load_keyring([one.bytes for one in _people()])


@functools.cache
def _signatures() -> list[bytes]:
    signers = [one.signing_key for one in _people()]
    inlines = [inline(key, PAYLOAD, compress=algorithm) for key in signers for algorithm in (1, 2, None)]
    return [*inlines, *(detached(key, PAYLOAD) for key in signers)]


def _descriptor(media_type: str, data: bytes) -> Descriptor:
    return Descriptor(media_type, digest_of(data), len(data))


def _quietly(work: Callable[[], object]) -> None:
    with contextlib.suppress(AirgapError):
        work()


class _Bytes:
    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)

    def read(self, size: int, /) -> bytes:
        piece, self._data = self._data[:size], self._data[size:]
        return bytes(piece)
