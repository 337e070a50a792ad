"""By which names engines know an image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from airgap.verify import UntrustedImage


@dataclass(frozen=True, slots=True)
class Name:
    """The name of one image, as each kind of engine can say it.

    Nobody signed a tag for an image whose reference has none, so none is invented: such an image goes by its digest.
    """

    image: UntrustedImage
    is_alone: bool
    """Whether its reference stands for no other image of the same import."""

    @property
    def plain(self) -> str:
        """The reference where it stands for one image, else the reference with the digest: for layouts."""
        return str(self.image.reference) if self.is_alone else self.image.name

    @property
    def tagged(self) -> str | None:
        """``REPOSITORY:TAG``, if the image has a tag of its own."""
        reference = self.image.reference
        return f"{reference.repository}:{reference.tag}" if reference.tag is not None and self.is_alone else None

    @property
    def pinned(self) -> str:
        """``REPOSITORY@DIGEST``."""
        return f"{self.image.reference.repository}@{self.image.digest}"

    @property
    def spelt(self) -> str:
        """``REPOSITORY:sha256-HEX``, for an engine that names by tag only and whose tags nobody signed."""
        return f"{self.image.reference.repository}:sha256-{self.image.digest.hex}"


def names_of(images: Sequence[UntrustedImage]) -> list[Name]:
    counts = Counter((image.reference.repository, image.reference.tag) for image in images)
    return [Name(image, counts[image.reference.repository, image.reference.tag] == 1) for image in images]
