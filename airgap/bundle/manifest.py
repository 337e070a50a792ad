"""bundle.json: what a bundle holds, in its order. Its SHA-256 is the bundle id (bundles/FORMAT.md §3)."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from airgap.bundle.delta import Absent, parse_absent
from airgap.bundle.format import (
    DELTA,
    DIGESTS_FOLDER,
    FEATURES,
    FORMAT,
    KEYRING_PATH,
    MAINTAINERS_HISTORY,
    MAINTAINERS_PATH,
    MAINTAINERS_SIGNATURES,
    MANIFEST_PATH,
    REFERRERS,
    SIGNATURES_FOLDER,
    TAR_BLOCK,
    TAR_END,
)
from airgap.bundle.tar import header
from airgap.digest import Digest, digest_of, parse_digest, parse_hex_digest
from airgap.errors import FormatError
from airgap.limits import LIMITS
from airgap.oci.descriptor import Descriptor
from airgap.oci.layout import BLOBS, INDEX_FILE, LAYOUT_FILE, encode_index
from airgap.oci.referrer import Referrer, parse_referrers
from airgap.reference import parse_reference
from airgap.strict_json import Fields, StrictJSONError, canonical, parse_canonical
from airgap.verify import UntrustedImage

_DIGEST_LIST: Final = re.compile(rf"{DIGESTS_FOLDER}/[a-z0-9][a-z0-9._-]{{0,99}}\.txt")
_SIGNATURE: Final = re.compile(
    rf"({SIGNATURES_FOLDER}/[a-z0-9._/-]{{1,255}}@sha256=[0-9a-f]{{64}})/signature-([1-9][0-9]{{0,5}})"
)
_OFFER: Final = re.compile(
    rf"{MAINTAINERS_HISTORY}/([1-9][0-9]?)/(?:MAINTAINERS|signature-([1-9][0-9]{{0,5}}))"
    rf"|{MAINTAINERS_SIGNATURES}/signature-([1-9][0-9]{{0,5}})"
)
_BLOB: Final = re.compile(rf"{BLOBS}/([0-9a-f]{{64}})")
_REFERRER: Final = re.compile(rf"{REFERRERS}/([0-9a-f]{{64}})")
# Device names that some file systems reserve, whatever the suffix: such a list could not be unpacked there.
_RESERVED: Final = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?")
# The numbers of bundles/FORMAT.md §1
_FIXED_RANK: Final = {MAINTAINERS_PATH: 1, KEYRING_PATH: 2, LAYOUT_FILE: 7, INDEX_FILE: 8}
_DIGESTS_RANK: Final = 3
_HISTORY_RANK: Final = 4
_OFFER_RANK: Final = 5
_SIGNATURE_RANK: Final = 6
_BLOB_RANK: Final = 9
_REFERRER_RANK: Final = 10
_FIXED_LIMITS: Final = {
    MAINTAINERS_PATH: LIMITS.trust_file,
    KEYRING_PATH: LIMITS.keyring,
    LAYOUT_FILE: LIMITS.trust_file,
    INDEX_FILE: LIMITS.bundle_manifest,
}
_RANK_LIMITS: Final = {
    _DIGESTS_RANK: LIMITS.trust_file,
    _HISTORY_RANK: LIMITS.trust_file,
    _OFFER_RANK: LIMITS.signature_file,
    _SIGNATURE_RANK: LIMITS.signature_file,
    _REFERRER_RANK: LIMITS.referrer_blob,
}


@dataclass(frozen=True, slots=True)
class Member:
    """One file of the bundle: path, size in bytes, digest of its content."""

    path: str
    size: int
    digest: Digest

    @property
    def blob(self) -> Digest | None:
        """The digest in a blob's path; None for members that are no blobs."""
        match = _BLOB.fullmatch(self.path)
        return None if match is None else Digest(match.group(1))

    @property
    def referrer(self) -> Digest | None:
        """The digest in the path of an artifact's manifest or blob; None for other members."""
        match = _REFERRER.fullmatch(self.path)
        return None if match is None else Digest(match.group(1))

    @property
    def signature_folder(self) -> str | None:
        match = _SIGNATURE.fullmatch(self.path)
        return None if match is None else match.group(1)

    @property
    def offer(self) -> tuple[int, int] | None:
        """Which MAINTAINERS it is or signs: (K of the history, or 0 for the newest; N of the signature, or 0)."""
        if self.path == MAINTAINERS_PATH:
            return 0, 0
        match = _OFFER.fullmatch(self.path)
        return None if match is None else (int(match[1] or 0), int(match[2] or match[3] or 0))

    @property
    def stream_size(self) -> int:
        """Bytes of header, content and padding in the tar stream."""
        return len(header(self.path, self.size)) + self.size + -self.size % TAR_BLOCK


@dataclass(frozen=True)
class BundleManifest:
    """bundle.json as a value. Nothing in it is trusted: the stream and the signatures must bear it out.

    ``referrers`` are the artifacts that come with an image, by its name, sorted; images without any are not in it.
    ``absent`` are blobs of the images that are named only, sorted.
    """

    images: tuple[UntrustedImage, ...]
    members: tuple[Member, ...]
    referrers: Mapping[str, tuple[Referrer, ...]] = field(default_factory=dict)
    absent: tuple[Absent, ...] = ()

    @cached_property
    def encoded(self) -> bytes:
        return canonical(
            {
                "absent": [one.document for one in self.absent],
                "format": FORMAT,
                "images": [
                    {
                        "digest": str(image.descriptor.digest),
                        "mediaType": image.descriptor.media_type,
                        "platforms": list(image.platforms),
                        "reference": str(image.reference),
                        "size": image.descriptor.size,
                    }
                    | self._referrers_of(image)
                    for image in self.images
                ],
                "members": [
                    {"path": member.path, "sha256": member.digest.hex, "size": member.size} for member in self.members
                ],
                "requires": self.features,
            }
        )

    @property
    def features(self) -> list[str]:
        """What a reader must know to understand this bundle, sorted."""
        return [name for name, used in ((DELTA, self.absent), (REFERRERS, self.referrers)) if used]

    def _referrers_of(self, image: UntrustedImage) -> dict[str, object]:
        found = self.referrers.get(image.name, ())
        return {"referrers": [one.document for one in found]} if found else {}

    @cached_property
    def id(self) -> Digest:
        return digest_of(self.encoded)

    def index(self) -> bytes:
        """The bytes that index.json must have: it follows from the images."""
        return encode_index((image.name, image.descriptor) for image in self.images)

    @cached_property
    def stream_size(self) -> int:
        """Uncompressed bytes of the whole tar stream."""
        first = Member(MANIFEST_PATH, len(self.encoded), self.id)
        return first.stream_size + sum(member.stream_size for member in self.members) + TAR_END


def signature_folder(image: UntrustedImage) -> str:
    """Where a bundle keeps the signatures of an image."""
    return f"{SIGNATURES_FOLDER}/{image.lookaside}"


def parse_bundle_manifest(data: bytes) -> BundleManifest:
    """Read bundle.json. Raises FormatError; whatever is not exactly what the writer writes is refused."""
    try:
        return _parse(Fields(parse_canonical(data), MANIFEST_PATH))
    except StrictJSONError as error:
        raise FormatError("bundle-manifest-invalid", f"{MANIFEST_PATH}: {error}") from None


def is_digest_list_name(name: str) -> bool:
    """Whether a bundle can carry a digest list under this file name."""
    return bool(_DIGEST_LIST.fullmatch(f"{DIGESTS_FOLDER}/{name}")) and not _RESERVED.fullmatch(name)


def rank(path: str) -> tuple[int, str, int]:
    """The place of a member in a bundle; blobs share one place, their order follows from the images.

    Raises FormatError(member-unexpected) for a path that no bundle has.
    """
    if path in _FIXED_RANK:
        return _FIXED_RANK[path], "", 0
    if path.startswith(f"{DIGESTS_FOLDER}/") and is_digest_list_name(path.removeprefix(f"{DIGESTS_FOLDER}/")):
        return _DIGESTS_RANK, path, 0
    offer = _OFFER.fullmatch(path)
    if offer is not None:
        if offer[1] is None:
            return _OFFER_RANK, "", int(offer[3])
        return _HISTORY_RANK, offer[1].zfill(2), int(offer[2] or 0)
    signature = _SIGNATURE.fullmatch(path)
    if signature is not None:
        return _SIGNATURE_RANK, signature.group(1), int(signature.group(2))
    if _BLOB.fullmatch(path):
        return _BLOB_RANK, "", 0
    if _REFERRER.fullmatch(path):
        return _REFERRER_RANK, path, 0
    raise FormatError("member-unexpected", f"{MANIFEST_PATH}: {path[:200]!r} has no place in a bundle", path=path[:200])


def _parse(fields: Fields) -> BundleManifest:
    format_ = fields.string("format")
    if format_ != FORMAT:
        raise FormatError(
            "bundle-version-unknown", f"the bundle is of format {format_[:60]!r}, this reader knows {FORMAT}"
        )
    requires = fields.strings("requires", most=100)
    unknown = sorted(set(requires) - FEATURES)
    if unknown:
        raise FormatError("bundle-feature-unknown", f"the bundle needs {', '.join(unknown)[:200]}")
    absent = parse_absent(fields.array("absent", most=LIMITS.bundle_members))
    referrers: dict[str, tuple[Referrer, ...]] = {}
    images = tuple(_image(Fields(value, "image"), referrers) for value in fields.array("images", most=LIMITS.images))
    members = tuple(_member(Fields(value, "member")) for value in fields.array("members", most=LIMITS.bundle_members))
    fields.close()
    _require_order(images, members)
    _require_not_held(absent, members)
    manifest = BundleManifest(images, members, referrers, absent)
    if requires != manifest.features:
        raise StrictJSONError("'requires' does not name just what the bundle needs")
    return manifest


def _image(fields: Fields, referrers: dict[str, tuple[Referrer, ...]]) -> UntrustedImage:
    """One image; its artifacts are put into ``referrers``."""
    text = fields.string("reference")
    reference = parse_reference(text, "image")
    if str(reference) != text or reference.digest is not None:
        raise StrictJSONError(f"reference {text[:100]!r} is not in its normal form")
    descriptor = Descriptor(
        fields.string("mediaType"),
        parse_digest(fields.string("digest"), "image"),
        fields.integer("size", low=0, high=LIMITS.oci_manifest),
    )
    platforms = tuple(fields.strings("platforms", most=LIMITS.oci_index_entries))
    image = UntrustedImage(reference, descriptor, platforms)
    if fields.has("referrers"):
        entries = fields.array("referrers", most=LIMITS.referrers_per_image)
        referrers[image.name] = parse_referrers(entries)
    fields.close()
    return image


def _member(fields: Fields) -> Member:
    path = fields.string("path")
    if len(path) > LIMITS.member_path:
        raise StrictJSONError(f"a path of {len(path)} characters is over {LIMITS.member_path}")
    digest = parse_hex_digest(fields.string("sha256"), "member")
    member = Member(path, fields.integer("size", low=0, high=LIMITS.blob), digest)
    fields.close()
    return member


def _require_order(images: tuple[UntrustedImage, ...], members: tuple[Member, ...]) -> None:
    """Images and members sorted and each once; blobs named by their content; every required member there."""
    if not images:
        raise StrictJSONError("it names no images")
    names = [image.name for image in images]
    if any(one >= other for one, other in itertools.pairwise(names)):
        raise StrictJSONError("images are not in order, or one is listed twice")
    ranks = [rank(member.path) for member in members]
    for one, other, member in zip(ranks, ranks[1:], members[1:], strict=False):
        if one > other or (one == other and one[0] != _BLOB_RANK):
            raise StrictJSONError(f"member {member.path[:200]!r} is out of order or listed twice")
    _require_paths(members, Counter(signature_folder(image) for image in images))


def _require_paths(members: tuple[Member, ...], folders: Mapping[str, int]) -> None:
    """``folders`` are those of the images' signatures, with the number of images that share each."""
    seen: set[str] = set()
    signatures: dict[str, int] = {}
    for member in members:
        if member.path in seen:
            raise StrictJSONError(f"member {member.path[:200]!r} is listed twice")
        seen.add(member.path)
        if (member.blob or member.referrer or member.digest) != member.digest:
            raise StrictJSONError(f"member {member.path} is listed with digest {member.digest}")
        folder = member.signature_folder
        if folder is not None:
            if folder not in folders:
                raise StrictJSONError(f"{folder[:300]!r} belongs to no image")
            signatures[folder] = signatures.get(folder, 0) + 1
        _require_size(member)
    _require_offers(member.offer for member in members)
    if max(signatures.values(), default=0) > LIMITS.signatures_per_image:
        raise StrictJSONError(f"an image has more than {LIMITS.signatures_per_image} signatures")
    judged = sum(count * folders[folder] for folder, count in signatures.items())
    if judged > LIMITS.signatures_judged:
        limit = LIMITS.signatures_judged
        raise FormatError(
            "limit-exceeded", f"signatures would be judged {judged} times, over the limit of {limit}", limit=limit
        )
    missing = sorted(set(_FIXED_RANK) - seen)
    if missing:
        raise FormatError("member-missing", f"{MANIFEST_PATH} lists no {missing[0]}")


def _require_not_held(absent: Iterable[Absent], members: Iterable[Member]) -> None:
    held = {member.blob for member in members}
    for one in absent:
        if one.digest in held:
            raise StrictJSONError(f"blob {one.digest} is listed as absent, and held")


def _require_offers(offers: Iterable[tuple[int, int] | None]) -> None:
    """Each earlier MAINTAINERS is there if a signature over it is; neither are too many."""
    found = [offer for offer in offers if offer is not None]
    steps = {step for step, number in found if number == 0}
    for step, count in Counter(step for step, number in found if number).items():
        if step not in steps:
            raise StrictJSONError(f"{MAINTAINERS_HISTORY}/{step} has no MAINTAINERS")
        if count > LIMITS.signatures_per_image:
            raise StrictJSONError(f"a MAINTAINERS has more than {LIMITS.signatures_per_image} signatures")
    if len(steps) - 1 > LIMITS.maintainers_history:
        raise StrictJSONError(f"more than {LIMITS.maintainers_history} earlier versions of MAINTAINERS")


def _require_size(member: Member) -> None:
    """Small members are held in memory, so their size is bounded before they are read."""
    limit = _RANK_LIMITS.get(rank(member.path)[0], LIMITS.blob)
    limit = _FIXED_LIMITS.get(member.path, limit)
    if member.size > limit:
        raise FormatError(
            "limit-exceeded", f"{member.path[:200]} has {member.size} bytes, over the limit of {limit}", limit=limit
        )


def sort_members(members: Iterable[Member]) -> tuple[Member, ...]:
    """Members in bundle order; blobs keep the order they come in."""
    return tuple(sorted(members, key=lambda member: rank(member.path)))
