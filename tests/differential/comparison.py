"""Our verdict beside Sequoia's, case by case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from airgap.errors import AirgapError
from airgap.openpgp.keyring import load_keyring
from airgap.openpgp.message import parse_signature_file
from airgap.openpgp.verifier import verify_message

from . import oracles
from .case import Case


@dataclass(frozen=True, slots=True)
class Verdict:
    """``refusal`` is the kind of our error and its message, None if we accept.

    ``sequoia`` is what the judge of this case says: sqv or sq, and for modern cases pysequoia, None if that is absent.
    ``classic`` is what sqv or sq say in any case.
    """

    case: Case
    refusal: tuple[str, str] | None
    sequoia: bool | None
    classic: bool

    @property
    def is_laxer(self) -> bool:
        """We accept what its judge refuses: never allowed."""
        return self.refusal is None and self.sequoia is False

    @property
    def is_stricter(self) -> bool:
        return self.refusal is not None and self.sequoia is True

    @property
    def is_unsupported(self) -> bool:
        """Nobody present can judge it."""
        return self.sequoia is None


def judge(case: Case) -> tuple[str, str] | None:
    """Kind and message of our refusal, None if we accept. Only typed errors are refusals."""
    try:
        keyring = load_keyring([case.certificate])
        payloads = [] if case.payload is None else [case.payload]
        verify_message(parse_signature_file(case.signature), keyring, case.reference, payloads=payloads)
    except AirgapError as error:
        return error.kind, error.message
    return None


def compare(cases: Sequence[Case]) -> list[Verdict]:
    """All verdicts, in the order of the cases."""
    classic = oracles.ask_sequoia(cases)
    modern = [case for case in cases if case.modern]
    answers = dict(zip((case.name for case in modern), oracles.ask_pysequoia(modern), strict=True))
    verdicts = []
    for case, said in zip(cases, classic, strict=True):
        sequoia = None if case.unjudged else answers[case.name] if case.modern else said
        verdicts.append(Verdict(case, judge(case), sequoia, bool(said)))
    return verdicts
