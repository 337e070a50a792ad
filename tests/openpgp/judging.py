"""How the tests of this folder ask for a verdict, and where the corpus is."""

from __future__ import annotations

import contextlib
import tracemalloc
from collections.abc import Callable, Iterable
from pathlib import Path

import forge
import pytest
from forge import SIGNED

from airgap.errors import AirgapError
from airgap.openpgp.keyring import load_keyring
from airgap.openpgp.message import parse_signature_file
from airgap.openpgp.verifier import GoodSignature, verify_message

DAY = 86_400
REFERENCE = SIGNED + DAY
PAYLOAD = b'{"what": "was signed"}'

# Bodies of signatures that are malformed when they stand inside of another one; sqv refuses the whole of it then.
_KEY = forge.secret_key("embedded")
_EMBEDDED = forge.signature_body(_KEY, 0x19, b"")
MALFORMED_EMBEDDED = {
    "nothing-but-a-version": b"\4",
    "version-1": b"\1" + _EMBEDDED[1:],
    "version-5": b"\5" + _EMBEDDED[1:],
    "value-cut": _EMBEDDED[:-1],
    "byte-behind-the-value": _EMBEDDED + b"\0",
    "creation-time-of-5": forge.signature_body(_KEY, 0x19, b"", hashed=[forge.subpacket(2, bytes(5))]),
    "malformed-one-inside-of-it": forge.signature_body(_KEY, 0x19, b"", hashed=[forge.subpacket(32, b"\4\x19")]),
}

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus"
needs_corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason=f"no corpus beside this repository ({CORPUS})")


def encoded(certificate: forge.Certificate | bytes) -> bytes:
    return certificate if isinstance(certificate, bytes) else certificate.bytes


def verify(
    signature: bytes,
    *certificates: forge.Certificate | bytes,
    at: int = REFERENCE,
    payloads: Iterable[bytes] = (PAYLOAD,),
    strict: bool = False,
) -> GoodSignature:
    """The verdict of the verifier, from bytes as they come in files."""
    message = parse_signature_file(signature)
    keyring = load_keyring(map(encoded, certificates))
    return verify_message(message, keyring, at, payloads=payloads, strict=strict)


def refused(
    signature: bytes,
    *certificates: forge.Certificate | bytes,
    at: int = REFERENCE,
    payloads: Iterable[bytes] = (PAYLOAD,),
    strict: bool = False,
) -> str:
    """The kind of the refusal; no refusal fails the test."""
    with pytest.raises(AirgapError) as caught:
        verify(signature, *certificates, at=at, payloads=payloads, strict=strict)
    return caught.value.kind


def signed_by(certificate: forge.Certificate, *, at: int = SIGNED) -> bytes:
    """A detached signature over PAYLOAD by the signing key of a certificate."""
    return forge.detached(certificate.signing_key, PAYLOAD, created=at)


def peak_memory(call: Callable[[], object]) -> int:
    """The most bytes that were allocated at one time during a call that may be refused."""
    tracemalloc.start()
    try:
        with contextlib.suppress(AirgapError):
            call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
