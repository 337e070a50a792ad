"""``containerd[:NAMESPACE]``: the whole image as an OCI archive on the standard input of ``ctr images import``.

containerd keeps every byte under its digest. ctr may import nothing and end well, so names, digests and the presence of
every blob are read back. Kubernetes looks in the namespace k8s.io, by tag or by digest: both names are given.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, partial
from typing import Final

from airgap.digest import Digest, parse_digest
from airgap.engines.archive import archive_size, oci_archive
from airgap.engines.client import Client
from airgap.engines.named import Inventory, NamedEngine, Wanted
from airgap.engines.names import Name
from airgap.engines.platforms import matching, of_this_machine
from airgap.engines.undo import Undo
from airgap.errors import EngineError, FormatError
from airgap.store.store import Store
from airgap.verify import VerifiedImage

DEFAULT_NAMESPACE: Final = "default"  # ctr's own
_HELD: Final = "airgap.invalid/held/"  # names of images that were replaced, while it can still go wrong


class ContainerdEngine(NamedEngine):
    """The containerd that ctr speaks to (CONTAINERD_ADDRESS)."""

    def __init__(self, target: str, namespace: str, *, allow_retag: bool = False) -> None:
        super().__init__(target, allow_retag=allow_retag)
        self._client = Client(target, ("ctr", "--namespace", namespace))

    def _names(self, name: Name) -> Sequence[str]:
        return (name.pinned,) if name.tagged is None else (name.tagged, name.pinned)

    @cached_property
    def _folder(self) -> str:
        """Of its contents; "" if it does not tell."""
        lines = self._client.ask("plugins", "ls", "--detailed").decode("utf-8", "replace").splitlines()
        roots = [line.split() for line in lines if "io.containerd.content.v1.content" in line]
        return next((words[1] for words in roots if len(words) == 2 and words[0] == "root"), "")

    def _require_able(self, wanted: Sequence[Wanted]) -> None:
        self._client.reach("version")
        layers = [layer for one in wanted for image in one.runnable for layer in image.layers]
        self._client.require_space(self._folder, 2 * archive_size(layers))  # as it came, and unpacked

    def _inventory(self) -> Inventory:
        names = {name: digest for name, digest in self._list().items() if not name.startswith(_HELD)}
        return Inventory(names, frozenset())  # what no name stands for is removed by containerd itself

    def _list(self, *filters: str) -> dict[str, str]:
        """Name to digest, from the table REF TYPE DIGEST SIZE PLATFORMS LABELS."""
        lines = self._client.ask("images", "ls", *filters).decode("utf-8", "replace").splitlines()
        if not lines or lines[0].split()[:3] != ["REF", "TYPE", "DIGEST"]:
            raise EngineError("engine-failed", f"{self.target}: ctr images ls prints another table", target=self.target)
        rows = [line.split() for line in lines[1:]]
        return {row[0]: row[2] for row in rows if len(row) > 2}

    def _reported(self, name: str, wanted: Wanted) -> Digest | None:
        found = self._list(f'name=="{name}"').get(name)
        try:
            return None if found is None else parse_digest(found, "ctr images ls")
        except FormatError as error:
            raise self._client.unreadable(error) from None

    def _put(self, image: VerifiedImage, names: Sequence[str], store: Store, said: set[str]) -> None:
        options = ["--all-platforms"]
        if not matching(image.runnable, of_this_machine()):
            options.append("--no-unpack")  # there is nothing to unpack for this machine, which ctr takes for an error
        stream = oci_archive(image.image.descriptor, names, image.blobs, store)
        answer = self._client.feed(stream, archive_size(image.blobs), "images", "import", *options, "-")
        said |= {
            line.split()[1] for line in answer.decode("utf-8", "replace").splitlines() if line.startswith("unpacking ")
        }
        self._require_blobs(image)

    def _require_blobs(self, image: VerifiedImage) -> None:
        held = set(self._client.ask("content", "ls", "--quiet").decode("ascii", "replace").split())
        missing = [blob.digest for blob in image.blobs if str(blob.digest) not in held]
        if missing:
            raise EngineError(
                "engine-digest-differs",
                f"{self.target} holds {len(image.blobs) - len(missing)} of the {len(image.blobs)} blobs of "
                f"{image.image.name}; {missing[0]} is missing",
                target=self.target,
                expected=str(image.image.digest),
                found=None,
            )

    def _hold(self, name: str, undo: Undo) -> None:
        """containerd removes what no name stands for, so it is given another one until all went well."""
        self._client.ask("images", "tag", "--force", name, _held_name(name))
        undo.afterwards(partial(self._client.ask, "images", "rm", _held_name(name)))

    def _unname(self, name: str, id_: str) -> None:
        self._client.ask("images", "rm", name)

    def _rename(self, name: str, id_: str) -> None:
        self._client.ask("images", "tag", "--force", _held_name(name), name)

    def _remove(self, id_: str) -> None:
        """Nothing to do: containerd removes what no name stands for."""


def _held_name(name: str) -> str:
    return _HELD + name.replace("@sha256:", ":sha256-")
