"""Is an image in an engine, or one that was built here, the one that was verified?

The store is judged again first, so nothing old is believed.
"""

from __future__ import annotations

from dataclasses import dataclass

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


def check_rebuild(built: Reference, examination: Examination) -> list[Checked]:
    """Compare ``built``, a name with a digest, with the images that were verified under that name.

    If it is one of them, that one is returned; else all, and rebuild-differs is an error of the examination.
    """
    report = EngineReport(str(built), built.digest)
    same = [image for image in examination.verified if image.image.digest == built.digest]
    if same or examination.errors:
        return [Checked(image, report, Identity.MANIFEST) for image in same]
    signed = ", ".join(
        f"{image.image.digest} ({', '.join(examination.signers_of(image.image))})" for image in examination.verified
    )
    examination.errors.append(
        IntegrityError("rebuild-differs", f"{built} was built here; signed as {built.repository} is {signed}")
    )
    return [Checked(image, report, None) for image in examination.verified]
