"""What other people's tools sign is accepted, and what they revoke, let expire, or did not sign is refused."""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import forge
import pytest

from airgap.errors import AirgapError
from airgap.openpgp import armor
from airgap.openpgp.validity import EXPIRED_SINCE
from tests.engines.conftest import require
from tests.engines.signers import MADE_AT, MAKERS, PAYLOAD, Made
from tests.openpgp.judging import DAY, refused, verify

pytestmark = pytest.mark.engines
NOW = int(time.time())
ABLE_TO_END_KEYS = [name for name in MAKERS if name != "gosop"]


@pytest.fixture(scope="module", params=MAKERS)
def made(request: pytest.FixtureRequest) -> Made:
    program, make = MAKERS[request.param]
    require(program)
    with TemporaryDirectory(prefix="pgp", dir="/tmp", ignore_cleanup_errors=True) as folder:  # short, for gpg's sockets
        return make(Path(folder))


def test_what_the_tool_signs_is_accepted(made: Made) -> None:
    keys = set()
    for signature in made.signatures.values():
        good = verify(signature, made.certificate, at=NOW, payloads=[PAYLOAD])
        assert good.payload == PAYLOAD
        assert good.flags == ()
        keys.add(good.signing_key)
    assert len(keys) == 1


def test_what_the_tool_did_not_sign_is_refused(made: Made) -> None:
    detached = made.signatures["detached"]
    assert refused(detached, made.certificate, at=NOW, payloads=[PAYLOAD[:-1]]) == "bad-signature"
    for signature in (one for one in made.signatures.values() if not armor.is_armored(one)):
        for place in range(0, len(signature), 7):
            flipped = signature[:place] + bytes([signature[place] ^ 0x40]) + signature[place + 1 :]
            try:
                good = verify(flipped, made.certificate, at=NOW, payloads=[PAYLOAD])
            except AirgapError:
                continue
            # Only hints and the literal's metadata, which nothing protects, may change.
            assert (good.payload, good.flags) == (PAYLOAD, ())


def test_without_the_certificate_it_is_refused(made: Made) -> None:
    for signature in made.signatures.values():
        assert refused(signature, forge.certificate("alice"), at=NOW, payloads=[PAYLOAD]) == "no-certificate"


@pytest.mark.parametrize("made", ABLE_TO_END_KEYS, indirect=True)
def test_what_the_tool_revokes_is_refused(made: Made) -> None:
    assert made.revoked
    for certificate in made.revoked.values():
        for signature in made.signatures.values():
            assert refused(signature, certificate, at=NOW, payloads=[PAYLOAD]) == "certificate-revoked"


@pytest.mark.parametrize("made", ABLE_TO_END_KEYS, indirect=True)
def test_what_the_tool_lets_expire(made: Made) -> None:
    """Signed in time it stays good, with a flag; a root that wants live keys refuses it from the very second."""
    assert made.short_lived is not None
    certificate, signature = made.short_lived
    end = MADE_AT + 30 * DAY
    assert verify(signature, certificate, at=end - 1).flags == ()
    assert verify(signature, certificate, at=end).flags == (EXPIRED_SINCE,)
    assert refused(signature, certificate, at=end, strict=True) == "certificate-expired-now"


@pytest.mark.parametrize("made", ["gpg-ed25519"], indirect=True)
def test_a_copy_from_before_the_key_was_renewed(made: Made) -> None:
    """What happened to StageX's maintainers: the copy in the keyring is old, and the advice is to fetch a new one."""
    assert made.expired_copy is not None
    for signature in made.signatures.values():
        kind = refused(signature, made.expired_copy, at=NOW, payloads=[PAYLOAD])
        assert kind == "certificate-expired-at-signature-time"
        both = verify(signature, made.expired_copy, made.certificate, at=NOW, payloads=[PAYLOAD])
        assert both == verify(signature, made.certificate, at=NOW, payloads=[PAYLOAD])
