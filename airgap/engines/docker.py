"""``docker``: an archive an image, on the standard input of ``docker load``.

An engine with docker's own image store keeps no manifest: it is given the configuration and layers of the image for its
platform, checks them against each other, and names the image by the digest of the configuration. An engine with
containerd's image store (docker 25 and later may have it) is given the whole OCI archive and keeps the signed digest.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from airgap.digest import Digest, parse_digest
from airgap.engines.archive import archive_size, docker_archive, oci_archive
from airgap.engines.client import Client
from airgap.engines.named import Inventory, NamedEngine, Wanted
from airgap.engines.names import Name
from airgap.engines.platforms import for_host, is_this_machine, require_platform
from airgap.errors import EngineError, FormatError
from airgap.oci.descriptor import Platform
from airgap.oci.graph import Runnable
from airgap.reference import parse_reference
from airgap.store.store import Store
from airgap.strict_json import StrictJSONError
from airgap.verify import VerifiedImage

_JSON: Final = "{{json .}}"
_NONE: Final = "<none>"
_CONTAINERD_STORE: Final = "io.containerd.snapshotter.v1"
_ZSTD_SINCE: Final = 23  # the first major version whose own store unpacks zstd layers
_LOADED: Final = re.compile(r"^Loaded image(?: ID)?: (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Info:
    platform: Platform
    host: str
    folder: str  # of everything
    reads_zstd: bool
    keeps_manifests: bool


class DockerEngine(NamedEngine):
    """The engine that the docker client speaks to (DOCKER_HOST, or the current context)."""

    def __init__(self, target: str, *, allow_retag: bool = False) -> None:
        super().__init__(target, allow_retag=allow_retag)
        self._client = Client(target, ("docker",))

    def _names(self, name: Name) -> Sequence[str]:
        return (name.tagged or name.spelt,)

    @cached_property
    def _info(self) -> _Info:
        server = self._client.fields(self._client.reach("version", "--format", "{{json .Server}}"))
        info = self._client.fields(self._client.reach("info", "--format", _JSON))
        try:
            version = server.string("Version")
            major = re.match(r"[0-9]+", version)
            status = info.take("DriverStatus") if info.has("DriverStatus") else None
            keeps = _CONTAINERD_STORE in str(status)
            return _Info(
                Platform(server.string("Os"), server.string("Arch")),
                info.string("Name"),
                info.string("DockerRootDir"),
                keeps or (major is not None and int(major.group()) >= _ZSTD_SINCE),
                keeps,
            )
        except StrictJSONError as error:
            raise self._client.unreadable(error) from None

    def _require_able(self, wanted: Sequence[Wanted]) -> None:
        size = 0
        for one in wanted:
            if not self._info.keeps_manifests:
                require_platform(self.target, self._info.platform, one.image)
            layers = [layer for image in for_host(one.runnable, self._info.platform) for layer in image.layers]
            if not self._info.reads_zstd and any(layer.media_type.endswith("zstd") for layer in layers):
                raise EngineError(
                    "engine-cannot-hold",
                    f"{self.target} is of a version that cannot unpack zstd, as the layers of "
                    f"{one.image.reference} are",
                    target=self.target,
                )
            size += archive_size(layers)
        if is_this_machine(self._info.host):
            self._client.require_space(self._info.folder, 2 * size)  # as it came, and unpacked

    def _inventory(self) -> Inventory:
        names: dict[str, str] = {}
        ids: set[str] = set()
        try:
            for line in self._client.ask("images", "--all", "--no-trunc", "--format", _JSON).splitlines():
                image = self._client.fields(line)
                repository, tag, id_ = image.string("Repository"), image.string("Tag"), image.string("ID")
                ids.add(id_)
                if _NONE not in (repository, tag):
                    names[_full(f"{repository}:{tag}")] = id_
        except StrictJSONError as error:
            raise self._client.unreadable(error) from None
        return Inventory(names, frozenset(ids))

    def _reported(self, name: str, wanted: Wanted) -> Digest | None:
        id_ = self._inventory().names.get(name)
        try:
            return None if id_ is None else parse_digest(id_, "docker's image id")
        except FormatError as error:
            raise self._client.unreadable(error) from None

    def _choices(self, runnable: Sequence[Runnable]) -> Sequence[Runnable]:
        return () if self._info.keeps_manifests else for_host(runnable, self._info.platform)

    def _put(self, image: VerifiedImage, names: Sequence[str], store: Store, said: set[str]) -> None:
        (name,) = names
        if self._info.keeps_manifests:
            stream, size = oci_archive(image.image.descriptor, names, image.blobs, store), archive_size(image.blobs)
        else:
            chosen = self._choose(image)
            stream, size = docker_archive(chosen, name, store), archive_size(chosen.layers)
        answer = self._client.feed(stream, size, "load").decode("utf-8", "replace")
        said |= {_full(text) for text in _LOADED.findall(answer)}

    def _choose(self, image: VerifiedImage) -> Runnable:
        """The image for the engine's platform; of several variants the one that names none, which all can run."""
        choices = for_host(image.runnable, self._info.platform)
        plain = [one for one in choices if one.platform is not None and not one.platform.variant]
        for found in (choices, plain):
            if len(found) == 1:
                return found[0]
        raise EngineError(
            "engine-cannot-hold",
            f"{self.target} is of platform {self._info.platform}, of which {image.image.reference} has "
            f"{len(choices)} variants",
            hint="Export that image alone, by the digest of the variant that this machine runs.",
            target=self.target,
        )

    def _unname(self, name: str, id_: str) -> None:
        """With its last name docker removes an image, also one that had none before."""
        self._client.ask("rmi", name)

    def _rename(self, name: str, id_: str) -> None:
        self._client.ask("tag", id_, name)

    def _remove(self, id_: str) -> None:
        self._client.ask("rmi", id_)


def _full(name: str) -> str:
    """docker leaves out docker.io and library/; what is no reference stays as it is."""
    try:
        return str(parse_reference(name))
    except FormatError:
        return name
