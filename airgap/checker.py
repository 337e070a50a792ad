"""Is an image in an engine the one that was verified? The store is judged again first, so nothing old is believed."""

from __future__ import annotations

from dataclasses import dataclass

from airgap.engines.engine import Engine
from airgap.errors import AirgapError
from airgap.examiner import Examination
from airgap.verify import EngineReport, LoadedImage, VerifiedImage


@dataclass(frozen=True, slots=True)
class Checked:
    """One image: what the engine says (None if it could not be asked), and the proof, if it is the verified one."""

    image: VerifiedImage
    report: EngineReport | None
    proof: LoadedImage | None


def check(engine: Engine, examination: Examination) -> list[Checked]:
    """Ask the engine for every verified image. What differs is an error of the examination, too."""
    return [_check(engine, image, examination) for image in examination.verified]


def _check(engine: Engine, image: VerifiedImage, examination: Examination) -> Checked:
    report = None
    try:
        report = engine.ask(image)
        return Checked(image, report, engine.require_loaded(image, report))
    except AirgapError as error:
        examination.errors.append(error)
        return Checked(image, report, None)
