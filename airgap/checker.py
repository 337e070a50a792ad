"""Is an image in an engine, or one that was built here, the one that was verified?

The store is judged again first, so nothing old is believed.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from airgap.digest import Digest
from airgap.engines.engine import Engine
from airgap.errors import AirgapError, IntegrityError
from airgap.examiner import Examination
from airgap.reference import Reference
from airgap.verify import EngineReport, Identity, VerifiedImage


@dataclass(frozen=True, slots=True)
class Checked:
    """One image: what the engine says (None if it could not be asked), and how it is known to be the verified one."""

    image: VerifiedImage
    report: EngineReport | None
    identity: Identity | None


def check(engine: Engine, examination: Examination) -> list[Checked]:
    """Ask the engine for every verified image. What differs is an error of the examination, too."""
    return [_check(engine, image, examination) for image in examination.verified]


def _check(engine: Engine, image: VerifiedImage, examination: Examination) -> Checked:
    report = None
    try:
        report = engine.ask(image)
        return Checked(image, report, engine.require_loaded(image, report).identity)
    except AirgapError as error:
        examination.errors.append(error)
        return Checked(image, report, None)


def check_rebuild(built: Reference, inner: Collection[Digest], examination: Examination) -> list[Checked]:
    """Compare ``built``, a name with a digest, with the images that were verified under that name.

    If it is one of them, that one is returned; so are those of an index that nobody signed, if all its images
    (``inner``) are among them, as export takes them. Else all, and rebuild-differs is an error of the examination.
    """
    verified = {image.image.digest for image in examination.verified}
    wanted = set(inner) if built.digest not in verified and inner and set(inner) <= verified else {built.digest}
    same = [image for image in examination.verified if image.image.digest in wanted]
    if same or examination.errors:
        reports = [EngineReport(str(built.at(image.image.digest)), image.image.digest) for image in same]
        return [Checked(image, report, Identity.MANIFEST) for image, report in zip(same, reports, strict=True)]
    report = EngineReport(str(built), built.digest)
    signed = ", ".join(
        f"{image.image.digest} ({', '.join(examination.signers_of(image.image))})" for image in examination.verified
    )
    examination.errors.append(
        IntegrityError("rebuild-differs", f"{built} was built here; signed as {built.repository} is {signed}")
    )
    return [Checked(image, report, None) for image in examination.verified]
