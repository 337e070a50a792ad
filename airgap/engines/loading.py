"""All targets of an import: each is loaded in its turn, and a failure in any leaves none changed."""

from __future__ import annotations

from collections.abc import Sequence

from airgap.engines.engine import Engine
from airgap.engines.undo import Undo
from airgap.errors import AirgapError
from airgap.progress import Progress
from airgap.store.store import Store
from airgap.verify import LoadedImage, VerifiedImage


def load_all(
    engines: Sequence[Engine], images: Sequence[VerifiedImage], store: Store, progress: Progress
) -> list[LoadedImage]:
    """Steps 13 and 14 for every engine. Raises what the first failing engine raised, after taking everything back.

    What could not be taken back is named in that error (fact ``left``).
    """
    undo = Undo()
    loaded: list[LoadedImage] = []
    try:
        for engine in engines:
            progress.stage(f"loading into {engine.target}", None)
            loaded += engine.load(images, store, undo)
    except AirgapError as error:
        left = undo.run()
        if not left:
            raise
        message = f"{error.message}; and this could not be taken back: {'; '.join(left)}"
        raise type(error)(error.kind, message, hint=error.hint, **{**error.facts, "left": left}) from error
    except BaseException:
        undo.run()
        raise
    undo.settle()
    return loaded
