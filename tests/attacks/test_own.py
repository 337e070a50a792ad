"""Attacks that are in no list: confusion of trust, evidence, parts, environment (X)."""

from __future__ import annotations

import json
import os
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import forge
import pytest
from forge import SIGNED, Blob
from forge.images import OCI_TYPES, to_json

from airgap.audit import Head
from airgap.limits import LIMITS
from airgap.state import LOG_FILE
from tests.attacks.catalogue import attack
from tests.attacks.lab import IMAGE, Lab, by, put_together, reasons
from tests.cli.site import AT, RUST, Site, crew, gang, heavy, maintainers, process, run, sample, signature, snapshot
from tests.cli.surgery import canonical, flipped, hexdigest
from tests.cli.test_update import Rotation

DAY = 86_400
MIB = 2**20


def refused_state(site: Site, *kinds: str) -> None:
    """By verify and import alike, and the folder stays as it is."""
    before = snapshot(site.trust, site.store, site.out)
    for line in (site.verify_line(), site.import_line()):
        result = run(*line)
        assert result.code == 40, result
        assert set(result.kinds) <= set(kinds), result
    assert snapshot(site.trust, site.store, site.out) == before


@pytest.fixture
def with_bundle(fresh: Lab) -> Lab:
    fresh.site.bundle.write_bytes(fresh.good().packed())
    return fresh


@attack("X-01")
def test_the_trust_folder_of_another_site(with_bundle: Lab, tmp_path: Path) -> None:
    """The attacker's folder in the place of ours is another trust root, and its id says so; parts of it fail."""
    site = with_bundle.site
    other = Site(tmp_path / "other", gang())
    assert other.init().code == 0
    ours = site.verify().json["trust"]["id"]
    theirs = run(*site.verify_line("--trust", other.trust))
    assert (theirs.code, theirs.json["trust"]["id"] == ours) == (30, False)
    for name in ("state.json", LOG_FILE, "roots/1.json"):
        kept = (site.trust / name).read_bytes()
        shutil.copyfile(other.trust / name, site.trust / name)
        refused_state(site, "trust-root-invalid", "audit-log-damaged", "trust-root-missing")
        (site.trust / name).write_bytes(kept)
    assert site.verify().code == 0


@attack("X-02")
def test_certificates_of_another_moment(with_bundle: Lab, tmp_path: Path) -> None:
    """bert's certificate of before his revocation, under the name of the one of after it."""
    site = with_bundle.site
    old = {path.name.partition("-")[0]: path.read_bytes() for path in (site.trust / "certificates").iterdir()}
    revoked = crew()["bert"][0].revoked()
    keyring = crew()["anna"][0].bytes + revoked.bytes
    with_bundle.refused(with_bundle.signed(by("anna"), by("bert"), keyring=keyring), 30, learns=True)
    changed = 0
    for path in (site.trust / "certificates").iterdir():
        before = old[path.name.partition("-")[0]]
        if path.read_bytes() != before:
            path.write_bytes(before)
            changed += 1
    assert changed == 1
    refused_state(site, "trust-root-invalid")


@attack("X-03")
@pytest.mark.parametrize("keep", [0, 1, 2])
def test_a_log_that_was_cut(with_bundle: Lab, keep: int) -> None:
    """Between two entries, so that what is left is a good chain: state.json knows how far it went."""
    site = with_bundle.site
    lines = (site.trust / LOG_FILE).read_bytes().splitlines(keepends=True)
    assert len(lines) > keep
    (site.trust / LOG_FILE).write_bytes(b"".join(lines[:keep]))
    if keep >= 2:
        # What tells of loads and refusals changes no state. Cutting it off does not show here: docs/THREATS.md.
        assert site.verify().code == 0
    else:
        refused_state(site, "audit-log-damaged", "trust-root-invalid")


@attack("X-04")
def test_a_log_with_a_good_chain_of_its_own(with_bundle: Lab) -> None:
    site = with_bundle.site
    records = [line.split(b" ", 1)[1] for line in (site.trust / LOG_FILE).read_bytes().splitlines()]
    records[1] = records[1].replace(b'"accepted":true', b'"accepted":false')
    digits, lines = Head().hash.encode(), []
    for record in records:
        digits = hexdigest(digits + b" " + record).encode()
        lines.append(digits + b" " + record + b"\n")
    (site.trust / LOG_FILE).write_bytes(b"".join(lines))
    refused_state(site, "audit-log-damaged", "trust-root-invalid")


@attack("X-05")
def test_one_certificate_twice(lab: Lab) -> None:
    """Whole twice, and once with less than the other: as if it stood there once, with all of it."""
    bert, anna = crew()["bert"][0], crew()["anna"][0]
    for keyring in (
        bert.bytes + anna.bytes + bert.bytes,
        anna.bytes + anna.without("subkey").without("binding").bytes + bert.bytes,
        anna.without("subkey").without("binding").bytes + anna.bytes + bert.bytes,
    ):
        lab.accepted(lab.signed(by("anna"), by("bert"), keyring=keyring))
        lab.refused(lab.signed(by("anna"), by("anna", created=SIGNED + 1), keyring=keyring), 30, "quorum-not-met")


@attack("X-06")
def test_certificates_exchanged(lab: Lab) -> None:
    """MAINTAINERS of the bundle gives anna bert's key and bert anna's: one vote each, whatever they are called."""
    forged = Site(lab.site.folder / "exchanged", {"anna": crew()["bert"], "bert": crew()["anna"]})
    opened = put_together(IMAGE, [by("anna"), by("anna", 1)], forged)
    shutil.rmtree(forged.folder)
    assert lab.refused(opened, 30, "quorum-not-met").json["images"][0]["signers"] == ["anna"]


@attack("X-07")
def test_one_of_two_keys_revoked(fresh: Lab) -> None:
    """anna's first key is stolen: her second one still speaks for her, once."""
    anna = crew()["anna"]
    keyring = anna[0].revoked().bytes + anna[1].bytes
    opened = fresh.signed(by("anna"), by("anna", 1), keyring=keyring)
    result = fresh.refused(opened, 30, "quorum-not-met", learns=True)
    assert result.json["images"][0]["signers"] == ["anna"]
    assert reasons(result) == ["certificate-revoked", None]
    fresh.accepted(fresh.signed(by("anna", 1), by("bert"), keyring=keyring))


@attack("X-08")
def test_signatures_under_the_folder_of_another(lab: Lab) -> None:
    """A folder that belongs to no image is refused; of one that does, every file must name that image."""
    opened = lab.good()
    place = opened.at("signatures/")
    path, data = opened.members[place]
    opened.members[place] = (path.replace("pallet-rust", "pallet-go"), data)
    lab.refused(opened, 10, "bundle-manifest-invalid")
    other = by("bert", reference="docker.io/stagex/pallet-go")
    assert reasons(lab.refused(lab.signed(by("anna"), other), 30))[1] == "claim-identity-mismatch"


def with_referrer(lab: Lab, subject: str, *, listed: bool = True, extra: bytes = b"") -> Any:
    """The good bundle with an SBOM about an image."""
    sbom = Blob("application/spdx+json", b'{"spdxVersion":"SPDX-2.3"}')
    empty = Blob("application/vnd.oci.empty.v1+json", b"{}")
    value = {
        "schemaVersion": 2, "mediaType": OCI_TYPES.manifest, "artifactType": sbom.media_type,
        "config": empty.descriptor(), "layers": [sbom.descriptor()],
        "subject": {"mediaType": OCI_TYPES.manifest, "digest": subject, "size": len(IMAGE.root.data)},
    }  # fmt: skip
    manifest = Blob(OCI_TYPES.manifest, to_json(value))
    opened = lab.good()
    row = {"artifactType": sbom.media_type, "digest": manifest.digest, "size": len(manifest.data)}
    if listed:
        opened.manifest["requires"] = ["referrers"]
        opened.manifest["images"][0]["referrers"] = [row]
    blobs = {blob.digest[7:]: blob.data for blob in (sbom, empty, manifest)}
    if extra:
        blobs[hexdigest(extra)] = extra
    opened.members += [(f"referrers/{name}", blobs[name]) for name in sorted(blobs)]
    opened.manifest = opened.listed()
    return opened


@attack("X-09")
def test_referrers(lab: Lab) -> None:
    """Exactly what is listed: nothing more, nothing less, and never a vote."""
    lab.accepted(with_referrer(lab, IMAGE.digest))
    lab.refused(with_referrer(lab, IMAGE.digest, listed=False), 10)
    lab.refused(with_referrer(lab, IMAGE.digest, extra=b"smuggled"), 10)
    for gone in (-1, -2, -3):
        opened = with_referrer(lab, IMAGE.digest)
        del opened.members[gone]
        lab.refused(opened, 10)
    opened = with_referrer(lab, IMAGE.digest)
    path, data = opened.members[-1]
    opened.members[-1] = (path, flipped(data, 1))
    lab.refused(opened.packed(relist=False), 20)


@attack("X-10")
def test_a_referrer_about_another_image(lab: Lab) -> None:
    lab.refused(with_referrer(lab, sample("other").digest), 10, "image-graph-invalid")


def parts_of(site: Site, text: str, folder: Path, size: int = 5 * MIB) -> list[Path]:
    folder.mkdir(exist_ok=True)
    found = heavy(9 * MIB) if text == "heavy" else sample(text)
    output = folder / f"{text}.airgap.tar.zst"
    result = site.export(site.image(RUST, found, "anna", "bert"), "--volume-size", size, output=output)
    assert result.code == 0, result
    return sorted(folder.glob(f"{text}.airgap.tar.zst.00?"))


@attack("X-11")
@attack("X-12")
def test_parts_that_do_not_belong_together(fresh: Lab, tmp_path: Path) -> None:
    """Parts of two bundles, and of two cuts of one: never put together, and named."""
    site = fresh.site
    one = parts_of(site, "heavy", tmp_path / "one")
    two = parts_of(site, "small", tmp_path / "two")
    assert len(one) >= 2
    for paths in ([one[0], *two, *one[2:]], [one[0], two[0]]):
        result = run("verify", *paths, "--trust", site.trust, "--at", AT, "--format", "json")
        assert result.code in (10, 20), result
    again = parts_of(site, "heavy", tmp_path / "again", size=6 * MIB)
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    shutil.copy(one[0], mixed / one[0].name)
    for path in again[1:]:
        shutil.copy(path, mixed / path.name)
    result = run("verify", mixed, "--trust", site.trust, "--at", AT, "--format", "json")
    assert result.code in (10, 20), result


@attack("X-13")
def test_links_in_the_evidence(with_bundle: Lab, tmp_path: Path) -> None:
    """A signature file of the store that is a link leads nowhere, for import and for a new verdict."""
    site = with_bundle.site
    secret = tmp_path / "secret"
    secret.write_bytes(by("bert"))
    folder = site.store / "signatures" / f"stagex/pallet-rust@{IMAGE.digest.replace(':', '=')}"
    assert site.import_().code == 0
    (folder / "signature-2").unlink()
    (folder / "signature-2").symlink_to(secret)
    before = secret.read_bytes()
    for line in (
        site.import_line(),
        ["verify", "--store", site.store, "--trust", site.trust, "--at", AT, "--format", "json"],
    ):
        result = run(*line)
        assert result.code == 70, result
        assert "signature-2" in result.messages
    assert secret.read_bytes() == before


@attack("X-14")
def test_absent_blobs(lab: Lab) -> None:
    """A bundle that says that we hold the rest, and we do not."""
    opened = lab.good()
    opened.manifest["absent"] = [IMAGE.layers[0].digest]
    opened.members.pop()
    lab.refused(opened, {10, 20})


@attack("X-15")
def test_a_policy_that_lets_everything_in(tmp_path: Path) -> None:
    """`trust init --policy` takes scopes out of policy.json; one that asks for no signature is no scope."""
    lab = Lab(tmp_path / "lab")
    site = lab.site
    anything, signed = {"type": "insecureAcceptAnything"}, {"type": "signedBy", "keyType": "GPGKeys", "keyPath": "/x"}
    policy = tmp_path / "policy.json"
    for requirement in (anything, {"type": "new"}):
        value = {"default": [anything], "transports": {"docker": {"docker.io/stagex": [requirement]}}}
        policy.write_text(json.dumps(value))
        result = site.init("--policy", policy, folder=tmp_path / "trust")
        assert (result.code, result.kinds) == (10, ["policy-invalid"]), result
        assert not (tmp_path / "trust").exists()
    site.trust.rename(tmp_path / "before")
    policy.write_text(json.dumps({"default": [anything], "transports": {"docker": {"docker.io/stagex": [signed]}}}))
    assert site.init("--policy", policy).code == 0
    lab.accepted(lab.good())
    name = "docker.io/evil/x"
    files = [by(nick, reference=name) for nick in ("anna", "bert")]
    lab.refused(put_together(IMAGE, files, site, reference=name), 30, "repository-out-of-scope")


@attack("X-16")
def test_a_hostile_environment(lab: Lab, tmp_path: Path) -> None:
    """Variables that lead other programs astray decide nothing here, and a folder of that name is not imported from."""
    (tmp_path / "zstandard.py").write_text("raise SystemExit('imported')")
    (tmp_path / "policy.json").write_text('{"default":[{"type":"insecureAcceptAnything"}]}')
    env = {
        "GNUPGHOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "HOME": str(tmp_path), "TMPDIR": str(tmp_path),
        "CONTAINERS_POLICY": str(tmp_path / "policy.json"), "REGISTRY_AUTH_FILE": "/dev/zero",
        "SOURCE_DATE_EPOCH": "0", "LC_ALL": "C", "LANGUAGE": "tr", "AIRGAP_TRUST": str(tmp_path),
        "OPENSSL_CONF": "/nonexistent", "http_proxy": "http://192.0.2.1:1", "AIRGAP_HOME": str(tmp_path),
    }  # fmt: skip
    data = lab.good().packed()
    expected = lab.accepted(data)
    found = process(*lab.site.verify_line(bundle="-"), stdin=data, env=env)
    assert (found.code, found.stdout) == (0, expected.stdout)
    bad = lab.signed(by("anna")).packed()
    assert process(*lab.site.verify_line(bundle="-"), stdin=bad, env=env).code == 30
    assert sorted(path.name for path in tmp_path.iterdir()) == ["policy.json", "zstandard.py"]


@attack("X-17")
@pytest.mark.parametrize(
    "at", ["", "yesterday", "2025-13-01T00:00:00Z", "2025-07-01", "0000-00-00T00:00:00Z", "2025-07-01T00:00:00", "1e9"]
)
def test_a_time_that_is_none(lab: Lab, at: str) -> None:
    result = run("verify", lab.site.bundle, "--trust", lab.site.trust, "--at", at, "--format", "json")
    assert (result.code, result.kinds) == (2, ["usage"]), result


@attack("X-17")
def test_times_far_away(lab: Lab) -> None:
    """Before the keys were made nothing is good; long after it, what was good then is good."""
    data = lab.good().packed()
    early = lab.site.verify("--at", "1970-01-01T00:00:00Z", bundle="-", stdin=data)
    assert (early.code, early.kinds) == (30, ["quorum-not-met"])
    lab.accepted(data, "--at", "9999-12-31T23:59:59Z")


@attack("X-18")
def test_a_store_whose_blob_was_exchanged(with_bundle: Lab) -> None:
    site = with_bundle.site
    assert site.import_().code == 0
    path = site.store / "blobs" / "sha256" / IMAGE.layers[0].digest[7:]
    path.write_bytes(flipped(path.read_bytes(), 700))
    line = ["verify", "--store", site.store, "--trust", site.trust, "--at", AT, "--format", "json"]
    result = run(*line)
    assert (result.code, result.kinds) == (20, ["blob-differs"])
    assert site.import_().code == 0, "the bundle puts it right"
    assert run(*line).code == 0


@attack("X-19")
def test_an_image_that_nobody_signed_in_the_store(with_bundle: Lab) -> None:
    """Put into the index by hand, with all its blobs: judged again, it does not pass."""
    site, evil = with_bundle.site, sample("evil")
    index = json.loads((site.store / "index.json").read_bytes())
    name = {"org.opencontainers.image.ref.name": f"docker.io/stagex/evil@{evil.digest}"}
    index["manifests"].append(evil.root.descriptor(annotations=name))
    (site.store / "index.json").write_bytes(canonical(index))
    for digest, data in evil.blobs.items():
        (site.store / "blobs" / "sha256" / digest[7:]).write_bytes(data)
    result = run("verify", "--store", site.store, "--trust", site.trust, "--at", AT, "--format", "json")
    assert (result.code, result.kinds) == (30, ["image-unsigned"])
    assert [one["accepted"] for one in result.json["images"] if "evil" in one["reference"]] == [False]


@attack("X-20")
def test_another_tag_than_was_signed(lab: Lab) -> None:
    files = [by(nick, reference=f"{RUST}:1.79") for nick in ("anna", "bert")]
    result = lab.refused(put_together(IMAGE, files, lab.site, reference=f"{RUST}:1.80"), 30, "quorum-not-met")
    assert reasons(result) == ["claim-identity-mismatch"] * 2


@attack("X-21")
def test_more_signatures_than_anybody_needs(lab: Lab) -> None:
    files = [by("anna"), by("bert"), *[b"x"] * (LIMITS.signatures_per_image - 1)]
    lab.refused(lab.signed(*files), 10, "bundle-manifest-invalid")
    lab.accepted(lab.signed(*files[:-1]))
    lab.refused(lab.signed(by("anna"), by("bert"), bytes(LIMITS.signature_file + 1)), 10, "limit-exceeded")


@attack("X-22")
def test_hard_links_out_of_the_store(with_bundle: Lab, tmp_path: Path) -> None:
    """A blob's name linked to a file that matters: it is replaced, not written into."""
    site = with_bundle.site
    precious = tmp_path / "precious"
    precious.write_bytes(b"data")
    os.link(precious, site.store / "blobs" / "sha256" / IMAGE.layers[0].digest[7:])
    assert site.import_().code == 0
    assert precious.read_bytes() == b"data"


@attack("X-23")
def test_a_bundle_that_changes_while_it_is_read(with_bundle: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its signatures of the first reading, its layers of the second: read once, hashed as it is read."""
    from airgap.disk.reading import ErrorTyping

    site = with_bundle.site
    evil = with_bundle.image(sample("evil"), "anna").packed()
    original, calls = ErrorTyping.read, [0]

    def read(self: ErrorTyping, size: int) -> bytes:
        calls[0] += 1
        if calls[0] == 3:
            site.bundle.write_bytes(evil)
        return original(self, min(size, 1000))

    monkeypatch.setattr(ErrorTyping, "read", read)
    result = site.import_()
    assert result.code in (0, 10, 20), result
    assert not (site.store / "blobs" / "sha256" / sample("evil").layers[0].digest[7:]).exists()


@attack("X-24")
def test_a_secret_key(lab: Lab) -> None:
    """Whoever packed one is told at once; it is written nowhere."""
    result = lab.refused(lab.signed(by("anna"), by("bert"), keyring=crew()["anna"][0].secret_bytes), {10, 30})
    assert result.kinds == ["certificate-secret"]


@attack("X-25")
def test_an_update_that_lowers_the_threshold(fresh: Lab) -> None:
    """One signature is not enough to make one signature enough."""
    rotation = Rotation(fresh.site, signers=("anna",))
    before = fresh.site.snapshot()
    result = rotation.from_files("--threshold", 1)
    assert (result.code, result.kinds) == (40, ["rotation-not-authorised"])
    for threshold in (0, -1, 5):
        assert rotation.from_files("--threshold", threshold).code in (2, 40)
    assert fresh.site.snapshot() == before


@attack("X-28")
@pytest.mark.parametrize("what", ["revocation", "self-signature", "user ids"])
def test_a_certificate_is_filled_up(fresh: Lab, what: str) -> None:
    """By whoever has nothing but what is public: bert's real revocation fits in afterwards, as it did before."""
    site, bert = fresh.site, crew()["bert"][0]
    issuer = forge.subpacket(16, bert.primary.key_id)
    old = "Bert <bert@old.example.org>"
    genuine = bert.append(forge.packet(13, old.encode()), forge.certification(bert.primary, old))
    make = partial(forge.certification_revocation, bert.primary, old, reason=32)
    if what == "self-signature":
        make = partial(forge.certification, bert.primary, old)
    copies = [make(unhashed=[issuer, forge.subpacket(100, n.to_bytes(2, "big"))]) for n in range(200)]
    if what == "user ids":
        copies = [forge.packet(13, b"%d" % n + bytes(2000)) for n in range(200)]
    flood = genuine.append(make(), *copies)
    for signers in ((by("anna"),), (by("anna"), by("bert"))):  # a refused one, and one that is let in
        write(site, fresh.signed(*signers, keyring=crew()["anna"][0].bytes + flood.bytes).packed())
        site.import_()
    kept = {path.name: path.stat().st_size for path in (site.trust / "certificates").glob(f"{bert.fingerprint}*")}
    assert max(kept.values()) < 2 * len(genuine.append(make()).bytes)
    revoked = crew()["anna"][0].bytes + genuine.revoked().bytes
    write(site, fresh.signed(by("anna"), by("carl"), keyring=revoked).packed())
    assert site.import_().code == 0
    write(site, fresh.signed(by("anna"), by("bert")).packed())
    result = site.verify()
    assert (result.code, reasons(result)) == (30, [None, "certificate-revoked"])


@attack("X-29")
@pytest.mark.parametrize("accepted", [True, False])
def test_who_left_was_revoked_and_comes_back(fresh: Lab, accepted: bool) -> None:
    site, dora = fresh.site, crew()["dora"][0]
    without, again = (site.folder / name for name in ("without", "again"))
    without.write_text(maintainers({nick: keys for nick, keys in crew().items() if nick != "dora"}))
    again.write_text(maintainers(crew()) + "\n# again\n")
    update = ["trust", "update", "--trust", site.trust, "--by-hand", "--yes", "--at", AT, "--keyring", site.keyring]
    assert run(*update, "--maintainers", without).code == 0
    signers = (by("anna"), by("bert")) if accepted else (by("anna"),)
    write(site, fresh.signed(*signers, keyring=site.keyring.read_bytes() + dora.revoked().bytes).packed())
    assert site.import_().code == (0 if accepted else 30)
    assert run(*update, "--maintainers", again).code == 0
    write(site, fresh.signed(by("anna"), by("dora")).packed())
    result = site.verify()
    assert (result.code, reasons(result)) == (30, [None, "certificate-revoked"])


def write(site: Site, bundle: bytes) -> None:
    site.bundle.write_bytes(bundle)


@attack("X-06")
def test_a_stranger_with_the_key_id_of_nobody(lab: Lab) -> None:
    eve = forge.certificate("eve")
    opened = lab.signed(by("anna"), signature(eve, RUST, IMAGE.digest), keyring=eve.bytes)
    assert lab.refused(opened, 30).json["images"][0]["signers"] == ["anna"]
