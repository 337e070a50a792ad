"""Receipts on the command line: written by ``import`` and ``verify --store``, read by ``export --since``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from airgap.bundle.partset import open_bundle
from airgap.cli.options import Decorator
from airgap.cli.places import NEW_FILE
from airgap.digest import Digest
from airgap.disk.paths import is_folder
from airgap.disk.reading import open_input, read_given
from airgap.disk.writing import write_whole
from airgap.errors import FormatError
from airgap.importer import inspect_bundle
from airgap.limits import LIMITS
from airgap.progress import Silent
from airgap.report.receipt import QR_MAX, parse_receipt, receipt_for
from airgap.report.text.rows import count_of
from airgap.store.store import Store
from airgap.verify import UntrustedImage

receipt_option: Decorator = click.option(
    "--receipt",
    "receipt_file",
    type=NEW_FILE,
    metavar="FILE",
    help="Write what the store now holds, in digests, for the sender of the next bundle: `airgap export --since FILE`.",
)


def write_receipt(
    path: Path, store: Store, images: Iterable[UntrustedImage], bundle: Digest | None, trust: Digest
) -> str:
    """Returns what to say about it. Raises HostError."""
    found = receipt_for(store, images, bundle, trust)
    data = found.encoded
    write_whole(path, data)
    what = f"{count_of(found.images, 'image')} and {count_of(found.blobs, 'blob')}"
    text = f"receipt for {what}: {path}, {len(data)} bytes"
    line = len(data) - 1
    fits = "fits" if line <= QR_MAX else "does not fit"
    return f"{text}; its one line of text {fits} a QR code ({line} of at most {QR_MAX} bytes)"


def held_since(path: Path) -> frozenset[Digest]:
    """The blobs that a receipt names, or that a bundle holds or leaves out. Nothing of either is proven.

    Raises HostError, FormatError, IntegrityError.
    """
    if not is_folder(path):
        with open_input(str(path)) as source:
            begins = source.read(1)
        if begins == b"{":
            return parse_receipt(read_given(path, LIMITS.bundle_manifest), str(path)).blobs
    try:
        with open_bundle([str(path)]) as opened:
            manifest, _ = inspect_bundle(opened.source, Silent())
    except FormatError as error:
        if error.kind != "not-a-bundle":
            raise
        hint = "Give the file that `airgap import --receipt` wrote on the other side, or the bundle that arrived there."
        raise FormatError("receipt-invalid", f"{path} is neither a receipt nor a bundle", hint=hint) from None
    blobs = {member.blob for member in manifest.members if member.blob is not None}
    return frozenset(blobs | {one.digest for one in manifest.absent})
