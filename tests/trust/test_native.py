"""What containers-policy.json(5) is made to say of an image that a quorum signed: M people by name."""

from __future__ import annotations

from dataclasses import replace

import forge
import pytest

from airgap.digest import Digest
from airgap.openpgp.keyring import load_keyring
from airgap.openpgp.keys import Fingerprint, parse_fingerprint
from airgap.reference import parse_reference
from airgap.trust.claim import ClaimFormat
from airgap.trust.evidence import SignatureReport
from airgap.trust.maintainers import People, Person
from airgap.trust.native import ACCEPT, REJECT, NativeImage, native_signatures, policy_of, signed_tag
from airgap.trust.pinned import Trust
from airgap.trust.root import new_root
from airgap.verify import UntrustedImage, judge_for_image
from tests.trust.judged import IMAGE, NAME, NOW, SAMPLE, certificate_of, files, fingerprint_of, judge, trust

TAGGED = replace(IMAGE, reference=parse_reference(f"{NAME}:1.0"))


def signed(key: str, image: UntrustedImage = IMAGE, **options: object) -> tuple[SignatureReport, bytes]:
    payload = forge.claim(str(image.reference), SAMPLE.digest)
    data = forge.inline(certificate_of(key).signing_key, payload)
    report = judge_for_image(image, f"x/{key}", data, trust(), NOW)
    assert report.counts, report
    return replace(report, **options), data  # type: ignore[arg-type]  # fields of the report


def chosen(*found: tuple[SignatureReport, bytes], threshold: int = 2) -> tuple[str, ...]:
    held = {report.file: data for report, data in found}
    picked = native_signatures([report for report, _ in found], held, threshold)
    assert all(one.data == held[f"x/{key}"] for one in picked for key in [one.person] if f"x/{key}" in held)
    return tuple(one.person for one in picked)


class TestWhoIsNamed:
    def test_as_many_as_must_sign_each_once(self) -> None:
        found = [signed("carol"), signed("alice"), signed("alice again"), signed("bob")]
        assert chosen(*found) == ("alice", "bob")
        assert chosen(*found, threshold=3) == ("alice", "bob", "carol")
        assert chosen(*found[:2], threshold=3) == ("alice", "carol")

    def test_who_signs_with_the_primary_key_comes_first(self) -> None:
        """Older versions of containers/image take no subkey's signatures."""
        cert = forge.certificate("native subkey", signing_subkey="eddsa")
        people = People(
            [
                Person("aaron", (parse_fingerprint(cert.fingerprint),)),
                Person("bob", (parse_fingerprint(fingerprint_of("bob")),)),
            ]
        )
        held = Trust(new_root(people, 1), load_keyring([cert.bytes, certificate_of("bob").bytes]))
        payload = forge.claim(NAME, SAMPLE.digest)
        both = {
            "aaron": forge.inline(cert.signing_key, payload),
            "bob": forge.inline(certificate_of("bob").signing_key, payload),
        }
        reports = [judge_for_image(IMAGE, name, data, held, NOW) for name, data in both.items()]
        assert [one.person for one in native_signatures(reports, both, 1)] == ["bob"]
        assert [one.person for one in native_signatures(reports, both, 2)] == ["bob", "aaron"]

    @pytest.mark.parametrize("name", ["stranger", "corrupt", "no claim", "legacy", "empty", "detached carol"])
    def test_what_cannot_be_checked_there(self, name: str) -> None:
        report = judge(name)
        assert native_signatures([report], {report.file: files()[name]}, 1) == ()

    def test_an_older_claim_an_expired_key_and_a_file_that_is_none(self) -> None:
        report, data = signed("alice")
        assert report.claim is not None
        assert report.good is not None
        older = replace(report, claim=replace(report.claim, format=ClaimFormat.STAGEX_LEGACY))
        nameless = replace(report, claim=replace(report.claim, reference="UPPER"))
        expired = replace(report, good=replace(report.good, flags=("certificate-expired-since",)))
        version_6 = replace(report, good=replace(report.good, certificate=Fingerprint("A" * 64)))
        for bad in (older, nameless, expired, version_6):
            assert native_signatures([bad], {report.file: data}, 1) == ()
        assert native_signatures([report], {report.file: b"no message"}, 1) == ()


class TestPolicy:
    @property
    def paths(self) -> dict[Fingerprint, str]:
        return {parse_fingerprint(fingerprint_of(key)): f"/keys/{key}.pgp" for key in ("alice", "bob")}

    def image(self, *names: str, image: UntrustedImage = IMAGE) -> NativeImage:
        found = [signed("alice", image), signed("bob", image)]
        held = {report.file: data for report, data in found}
        picked = native_signatures([report for report, _ in found], held, 2)
        return NativeImage(tuple(map(parse_reference, names)), picked)

    def test_by_digest(self) -> None:
        image = self.image(f"{NAME}@{SAMPLE.digest}", f"localhost:5000/stagex/pallet@{SAMPLE.digest}")
        assert image.people == ("alice", "bob")
        entries = [
            {
                "keyPath": f"/keys/{nick}.pgp",
                "keyType": "GPGKeys",
                "signedIdentity": {"dockerRepository": NAME, "type": "exactRepository"},
                "type": "signedBy",
            }
            for nick in ("alice", "bob")
        ]
        assert policy_of([image], self.paths, accepts_archives=False) == {
            "default": REJECT,
            "transports": {"docker": {str(name): entries for name in image.names} | {"": REJECT}},
        }

    def test_by_tag(self) -> None:
        image = self.image(f"{NAME}:1.0", image=TAGGED)
        assert signed_tag(image.signatures) == "1.0"
        (first, _) = image.requirements(image.names[0], self.paths)
        assert first["signedIdentity"] == {"dockerReference": f"{NAME}:1.0", "type": "exactReference"}

    def test_no_tag_or_two(self) -> None:
        untagged, tagged = self.image(NAME), self.image(f"{NAME}:1.0", image=TAGGED)
        assert signed_tag(untagged.signatures) is None
        assert signed_tag((untagged.signatures[0], tagged.signatures[1])) is None

    def test_archives(self) -> None:
        transports = policy_of([], {}, accepts_archives=True)["transports"]
        assert transports == {"docker": {"": REJECT}, "oci-archive": {"": ACCEPT}, "docker-archive": {"": ACCEPT}}


@pytest.mark.parametrize(
    ("wanted", "called"),
    [
        (f"{NAME}", True),
        ("stagex/pallet:1.0", True),
        (f"{NAME}:1.0@{SAMPLE.digest}", True),
        (f"{NAME}:2.0", False),
        (f"{NAME}@{Digest('0' * 64)}", False),
        ("docker.io/stagex/pallets", False),
    ],
)
def test_what_an_image_is_called(wanted: str, called: bool) -> None:
    assert TAGGED.is_called(parse_reference(wanted)) is called
