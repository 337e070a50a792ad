"""What was written: a bundle, its parts, its recovery data; a bundle joined or repaired."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from airgap.errors import AirgapError
from airgap.report.documents.delta import absent_document
from airgap.report.documents.error import Document, error_document

if TYPE_CHECKING:
    from pathlib import Path

    from airgap.bundle.manifest import BundleManifest
    from airgap.bundle.parts import WrittenPart
    from airgap.bundle.writer import Written
    from airgap.digest import Digest
    from airgap.media.packer import Packed
    from airgap.media.repairer import Repaired


def export_document(
    packed: Packed | None,
    output: Path,
    manifest: BundleManifest,
    errors: Iterable[AirgapError],
    notes: Iterable[str],
    *,
    skipped_preflight: bool,
) -> Document:
    return {
        "schema": "airgap/export/v1",
        "bundle": None if packed is None else _file(packed.written, output),
        "parts": [] if packed is None else [_part(part, output) for part in packed.parts],
        "recovery": None if packed is None or packed.recovery is None else _recovery(packed),
        "images": [
            {"reference": str(image.reference), "digest": str(image.digest), "platforms": list(image.platforms)}
            for image in manifest.images
        ],
        "absent": absent_document(manifest.absent),
        "preflight": "skipped" if skipped_preflight else "done",
        "notes": [*notes, *(() if packed is None else packed.notes)],
        "errors": [error_document(error) for error in errors],
    }


def parts_document(id_: Digest, output: Path, parts: Iterable[WrittenPart], notes: Iterable[str]) -> Document:
    return {
        "schema": "airgap/parts/v1",
        "bundle": {"id": str(id_)},
        "parts": [_part(part, output) for part in parts],
        "notes": list(notes),
        "errors": [],
    }


def joined_document(written: Written, output: Path, notes: Iterable[str]) -> Document:
    bundle = _file(written, output)
    return {"schema": "airgap/join/v1", "bundle": bundle, "notes": list(notes), "errors": []}


def repair_document(repaired: Repaired, output: Path) -> Document:
    done = repaired.repair
    return {
        "schema": "airgap/repair/v1",
        "bundle": _file(repaired.written, output),
        "repaired": {
            "blocks": done.blocks,
            "bytes": done.bytes,
            "files": [{"file": name, "bytes": size} for name, size in repaired.damage],
            "runs": [{"offset": start, "size": size} for start, size in done.runs],
        },
        "notes": list(repaired.notes),
        "errors": [],
    }


def _file(written: Written, output: Path) -> Document:
    return {"id": str(written.id), "file": str(output), "size": written.size, "sha256": written.file_digest.hex}


def _part(part: WrittenPart, output: Path) -> Document:
    path = f"{output}.{part.number:03d}"
    return {"file": path, "number": part.number, "size": part.size, "sha256": part.digest.hex}


def _recovery(packed: Packed) -> Document:
    recovery = packed.recovery
    if recovery is None:
        raise RuntimeError("there is no recovery to show")
    layout = recovery.layout
    return {
        "files": [{"file": str(path), "size": size, "sha256": digest.hex} for path, digest, size in recovery.files],
        "size": recovery.size,
        "block": layout.block,
        "columns": layout.columns,
        "blocks_per_column": layout.shards,
        "recovery_blocks_per_column": layout.rows,
        "longest_run": layout.longest_run,
        "covers_one_part": packed.covers_one_part,
        "percent_for_one_part": packed.percent_for_one_part,
    }
