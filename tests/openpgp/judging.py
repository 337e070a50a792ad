"""How the tests of this folder ask for a verdict, and where the corpus is."""

from __future__ import annotations

import contextlib
import tracemalloc
from collections.abc import Callable, Iterable

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

_KEY = forge.secret_key("embedded")
_EMBEDDED = forge.signature_body(_KEY, 0x19, b"", unhashed=[])
_INTEGER = forge.mpi(2**255 + 19)


def _embedded_of(algorithm: int, value: bytes) -> bytes:
    return forge.signature_body(_KEY, 0x19, b"", algorithm=algorithm, value=value)


# Bodies of signatures that stand inside of another one, and that sqv can read.
READABLE_EMBEDDED = {
    "by-somebody": _EMBEDDED,
    "of-rsa": _embedded_of(1, _INTEGER),
    "of-rsa-that-only-signs": _embedded_of(3, _INTEGER),
    "of-dsa": _embedded_of(17, _INTEGER * 2),
    "of-ecdsa": _embedded_of(19, _INTEGER * 2),
    "of-elgamal-that-signs": _embedded_of(20, _INTEGER * 2),
    "of-ed25519": _embedded_of(27, bytes(64)),
    "of-ed448": _embedded_of(28, bytes(114)),
    "of-unknown-algorithm": _embedded_of(99, b"anything"),
}
# Bodies that are malformed there; sqv refuses the whole of it then, but reads version 3.
MALFORMED_EMBEDDED = {
    "nothing-but-a-version": b"\4",
    "version-1": b"\1" + _EMBEDDED[1:],
    "version-3": forge.signature_body(_KEY, 0x19, b"", version=3),
    "version-5": b"\5" + _EMBEDDED[1:],
    "version-6": forge.signature_body(_KEY, 0x19, b"", version=6),
    "value-cut": _EMBEDDED[:-1],
    "byte-behind-the-value": _EMBEDDED + b"\0",
    "one-integer-of-eddsa": _embedded_of(22, _INTEGER),
    "two-integers-of-rsa": _embedded_of(1, _INTEGER * 2),
    "rsa-that-only-encrypts": _embedded_of(2, _INTEGER),
    "two-integers-of-rsa-that-only-signs": _embedded_of(3, _INTEGER * 2),
    "three-integers-of-dsa": _embedded_of(17, _INTEGER * 3),
    "one-integer-of-ecdsa": _embedded_of(19, _INTEGER),
    "one-integer-of-elgamal": _embedded_of(20, _INTEGER),
    "elgamal-that-only-encrypts": _embedded_of(16, _INTEGER * 2),
    "ecdh": _embedded_of(18, _INTEGER * 2),
    "x25519": _embedded_of(25, bytes(64)),
    "x448": _embedded_of(26, bytes(114)),
    "ed25519-of-63": _embedded_of(27, bytes(63)),
    "ed448-of-115": _embedded_of(28, bytes(115)),
    "creation-time-of-5": forge.signature_body(_KEY, 0x19, b"", hashed=[forge.subpacket(2, bytes(5))]),
    "malformed-one-inside-of-it": forge.signature_body(_KEY, 0x19, b"", hashed=[forge.subpacket(32, b"\4\x19")]),
}


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
