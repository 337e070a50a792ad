"""What a registry's or web server's failure is on export."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Final

from airgap.errors import AirgapError, IntegrityError, SourceError
from airgap.registry.problem import Reason, RegistryProblem

_KINDS: Final = {
    Reason.UNREACHABLE: "registry-unreachable",
    Reason.TLS: "registry-not-trusted",
    Reason.DENIED: "registry-denied",
    Reason.NOT_FOUND: "source-not-found",
    Reason.INVALID: "registry-answer-invalid",
    Reason.CREDENTIALS: "credentials-invalid",
}


@contextlib.contextmanager
def source_errors() -> Iterator[None]:
    """Turn RegistryProblem into SourceError, or IntegrityError(blob-differs) where other bytes are served."""
    try:
        yield
    except RegistryProblem as problem:
        raise _typed(problem) from problem


def _typed(problem: RegistryProblem) -> AirgapError:
    if problem.reason is Reason.DIFFERS:
        return IntegrityError(
            "blob-differs",
            str(problem),
            hint="The registry, or something between it and this machine, is damaged or hostile. Use another mirror.",
        )
    return SourceError(_KINDS[problem.reason], str(problem))
