"""What a kit holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from airgap.report.documents.error import Document

if TYPE_CHECKING:
    from airgap.digest import Digest
    from airgap.kit.maker import Kit


def kit_document(kit: Kit, folder: Path | None, archive: tuple[Path, Digest] | None) -> Document:
    return {
        "schema": "airgap/kit/v1",
        "id": str(kit.id),
        "version": kit.version,
        "folder": None if folder is None else str(folder),
        "archive": None if archive is None else {"file": str(archive[0]), "digest": str(archive[1])},
        "pythons": list(dict.fromkeys(target.python for target in kit.targets)),
        "platforms": list(dict.fromkeys(target.platform for target in kit.targets)),
        "packages": [
            {"name": one.name, "version": one.version, "wheels": [wheel.filename for wheel in one.wheels]}
            for one in kit.packages
        ],
        "bytes": sum(map(len, kit.files.values())),
    }
