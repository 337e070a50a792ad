"""``podman``: one OCI archive an image, on the standard input of ``podman load``, under a full name.

podman (containers/storage) keeps the bytes of the manifest, and of the index it came from; of an index it holds the
image for its own platform. Its image id is the digest of the configuration. A name with a digest is checked by podman
against the manifest; a manifest under a tag is not, so digest and id are read back.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from airgap.digest import Digest, parse_digest
from airgap.engines.archive import archive_size, oci_archive
from airgap.engines.client import Client
from airgap.engines.named import Inventory, NamedEngine, Wanted
from airgap.engines.names import Name
from airgap.engines.platforms import for_host, is_this_machine, require_platform
from airgap.errors import EngineError, FormatError
from airgap.oci.descriptor import Descriptor, Platform
from airgap.oci.graph import Runnable
from airgap.store.store import Store
from airgap.strict_json import Fields, StrictJSONError
from airgap.verify import VerifiedImage

_IMAGES_MAX: Final = 1_000_000
_NAMES_MAX: Final = 10_000
_LOADED: Final = re.compile(r"^Loaded image(?:\(s\))?: (\S+)$", re.MULTILINE)
_UNKNOWN: Final = 1  # exit status of podman-image-exists(1)


@dataclass(frozen=True, slots=True)
class _Info:
    platform: Platform
    host: str
    folder: str  # of images
    temporary: str  # where archives are unpacked


class PodmanEngine(NamedEngine):
    """The podman of the user who runs airgap, with that user's storage."""

    def __init__(self, target: str, *, allow_retag: bool = False) -> None:
        super().__init__(target, allow_retag=allow_retag)
        self._client = Client(target, ("podman",))

    def _names(self, name: Name) -> Sequence[str]:
        return (name.tagged or name.pinned,)

    @cached_property
    def _info(self) -> _Info:
        fields = self._client.fields(self._client.reach("info", "--format", "json"))
        try:
            host, store = fields.nested("host"), fields.nested("store")
            return _Info(
                Platform(host.string("os"), host.string("arch")),
                host.string("hostname"),
                store.string("graphRoot"),
                store.string("imageCopyTmpDir") if store.has("imageCopyTmpDir") else "",
            )
        except StrictJSONError as error:
            raise self._client.unreadable(error) from None

    def _require_able(self, wanted: Sequence[Wanted]) -> None:
        sizes = [0]
        for one in wanted:
            if one.nests:
                raise EngineError(
                    "engine-cannot-hold",
                    f"{self.target} cannot read an index inside an index, as {one.image.reference} is",
                    target=self.target,
                )
            require_platform(self.target, self._info.platform, one.image)
            sizes.append(archive_size(self._blobs(one.runnable)))
        if is_this_machine(self._info.host):
            self._client.require_space(self._info.folder, sum(sizes))
            self._client.require_space(self._info.temporary, 2 * max(sizes))  # the archive, and what is unpacked of it

    def _blobs(self, runnable: Sequence[Runnable]) -> list[Descriptor]:
        """What podman reads of an image, besides its index."""
        choices = for_host(runnable, self._info.platform)
        return [blob for one in choices for blob in (one.manifest, one.config, *one.layers)]

    def _inventory(self) -> Inventory:
        listed = self._client.json(self._client.ask("images", "--all", "--no-trunc", "--format", "json"))
        names: dict[str, str] = {}
        ids: set[str] = set()
        try:
            for row in Fields({"images": listed}, "podman images").array("images", most=_IMAGES_MAX):
                image = Fields(row, "podman images")
                id_ = image.string("Id").removeprefix("sha256:")
                ids.add(id_)
                given = image.take("Names") if image.has("Names") else None
                for name in Fields({"Names": given or []}, "podman images").strings("Names", most=_NAMES_MAX):
                    names[name] = id_
        except StrictJSONError as error:
            raise self._client.unreadable(error) from None
        return Inventory(names, frozenset(ids))

    def _reported(self, name: str, wanted: Wanted) -> Digest | None:
        answered = self._client.try_("image", "inspect", name)
        if answered.status != 0:
            if self._client.try_("image", "exists", name).status == _UNKNOWN:
                return None
            raise EngineError("engine-failed", f"podman image inspect: {answered.complaint}", target=self.target)
        try:
            answer = Fields({"images": self._client.json(answered.stdout)}, "podman")
            (row,) = answer.array("images", most=1)
            image = Fields(row, "podman image inspect")
            config = parse_digest(f"sha256:{image.string('Id')}", "podman's image id")
            digest = parse_digest(image.string("Digest"), "podman's digest")
            others = image.strings("RepoDigests", most=_NAMES_MAX)
            digests = {digest, *(parse_digest(text.rpartition("@")[2], "podman's RepoDigests") for text in others)}
        except (ValueError, FormatError) as error:  # StrictJSONError is a ValueError, as is another number of images
            raise self._client.unreadable(error) from None
        # Both must be those of this image: what was signed, and what podman will run.
        if config not in [one.config.digest for one in for_host(wanted.runnable, self._info.platform)]:
            return digest if digest != wanted.image.digest else config
        return wanted.image.digest if wanted.image.digest in digests else digest

    def _put(self, image: VerifiedImage, names: Sequence[str], store: Store, said: set[str]) -> None:
        blobs = [image.image.descriptor, *self._blobs(image.runnable)]
        stream = oci_archive(image.image.descriptor, names, blobs, store)
        answer = self._client.feed(stream, archive_size(blobs), "load", "--quiet")
        said |= set(_LOADED.findall(answer.decode("utf-8", "replace")))

    def _unname(self, name: str, id_: str) -> None:
        self._client.ask("untag", id_, name)

    def _rename(self, name: str, id_: str) -> None:
        self._client.ask("tag", id_, name)

    def _remove(self, id_: str) -> None:
        self._client.ask("rmi", id_)
