"""Comparing bundles and stores by what they claim; signatures are judged if there is a trust root, blobs never are.

Of a bundle bundle.json is read and, for judging, what comes before its layout; of a store its manifests and signatures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from airgap.bundle.format import KEYRING_PATH
from airgap.bundle.manifest import signature_folder
from airgap.bundle.partset import open_bundle
from airgap.bundle.reader import BundleReader
from airgap.comparison import Difference, Shown, Side, Standing, compare
from airgap.digest import Digest, digest_of
from airgap.disk.host import host_errors
from airgap.disk.paths import is_folder, is_there
from airgap.errors import AirgapError, UsageError
from airgap.oci.layout import LAYOUT_FILE
from airgap.openpgp.keyring import Keyring, load_keyring
from airgap.progress import Silent
from airgap.store.holdings import holding_of
from airgap.store.store import Store
from airgap.trust.pinned import Trust
from airgap.trust.quorum import signers
from airgap.verify import UntrustedImage, approve, judge_for_image


@dataclass(slots=True)
class _Source:
    """One side as it was read. ``files`` holds signature files by path for each image's name, if they are judged."""

    path: str
    kind: str
    id: Digest | None
    images: tuple[UntrustedImage, ...]
    blobs: dict[Digest, int] = field(default_factory=dict)
    absent: frozenset[Digest] = frozenset()
    signatures: dict[str, frozenset[Digest]] = field(default_factory=dict)
    files: dict[str, Mapping[str, bytes]] = field(default_factory=dict)
    keyring: Keyring = field(default_factory=Keyring)


def diff(a: str, b: str, trust: Trust | None, reference_time: int) -> Difference:
    """What leads from A to B. With a trust root, both are judged by it and by what both sides' keyrings add to it.

    Raises what reading either raises: FormatError, IntegrityError, OpenPGPError, HostError.
    """
    if a == b == "-":
        raise UsageError("usage", "standard input can be one of the two only")
    sources = [_read(path, judged=trust is not None) for path in (a, b)]
    if trust is not None:
        for source in sources:
            trust = trust.with_certificates(source.keyring)
    return compare(*(_side(source, trust, reference_time) for source in sources))


def _read(path: str, *, judged: bool) -> _Source:
    return _read_store(Path(path)) if path != "-" and _is_layout(Path(path)) else _read_bundle(path, judged=judged)


def _is_layout(path: Path) -> bool:
    """Other folders hold parts."""
    with host_errors(str(path)):
        return is_folder(path) and is_there(path / LAYOUT_FILE)


def _read_store(folder: Path) -> _Source:
    store = Store(folder)
    store.require_published()
    source = _Source(str(folder), "store", None, ())
    found = []
    for image in store.untrusted():
        holding = holding_of(store, image, platforms=True)
        found.append(holding.image)
        source.blobs |= {**holding.blobs, **holding.artifact_blobs}
        source.files[image.name] = files = store.evidence.signatures(image)
        source.signatures[image.name] = frozenset(map(digest_of, files.values()))
    source.images = tuple(found)
    return source


def _read_bundle(path: str, *, judged: bool) -> _Source:
    with open_bundle([path]) as opened, BundleReader(opened.source, jobs=1, progress=Silent()) as reader:
        manifest, id_ = reader.read_manifest()
        source = _Source(path, "bundle", id_, manifest.images)
        source.absent = frozenset(one.digest for one in manifest.absent)
        source.blobs |= {one.digest: one.size for one in manifest.absent}
        in_folder: dict[str, set[Digest]] = {}
        for member in manifest.members:
            digest = member.blob or member.referrer
            if digest is not None:
                source.blobs[digest] = member.size
            elif member.signature_folder is not None:
                in_folder.setdefault(member.signature_folder, set()).add(member.digest)
        evidence = _read_evidence(reader, source) if judged else {}
    for image in manifest.images:
        folder = signature_folder(image)
        source.signatures[image.name] = frozenset(in_folder.get(folder, ()))
        source.files[image.name] = evidence.get(folder, {})
    return source


def _read_evidence(reader: BundleReader, source: _Source) -> dict[str, dict[str, bytes]]:
    """The signature files of each folder by path, and the keyring; nothing after them is read."""
    evidence: dict[str, dict[str, bytes]] = {}
    while (member := reader.next) is not None:
        if member.signature_folder is not None:
            evidence.setdefault(member.signature_folder, {})[member.path] = reader.read()
        elif not member.path.startswith("trust/"):
            break
        else:
            data = reader.read()
            if member.path == KEYRING_PATH:
                source.keyring = load_keyring([data])
    return evidence


def _side(source: _Source, trust: Trust | None, reference_time: int) -> Side:
    shown = tuple(
        Shown(
            image,
            source.signatures[image.name],
            None if trust is None else _judge(image, source.files[image.name], trust, reference_time),
        )
        for image in source.images
    )
    return Side(source.path, source.kind, source.id, shown, source.blobs, source.absent)


def _judge(image: UntrustedImage, files: Mapping[str, bytes], trust: Trust, reference_time: int) -> Standing:
    """Steps 4 to 6. Rollback is no question here: what A holds may be older."""
    reports = [judge_for_image(image, name, data, trust, reference_time) for name, data in files.items()]
    counted, refusal = signers(reports), None
    try:
        approve(image, reports, trust, allow_older=True)
    except AirgapError as error:
        refusal = error.kind
    return Standing(counted, refusal, refusal is None and len(counted) == trust.root.threshold)
