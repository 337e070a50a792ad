"""Images that real tools made, signed by real gpg, carried by airgap, and read again by the real tools."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import forge
import pytest

from tests.cli.contract import check_verdict
from tests.cli.site import RUST, Site, blobs, run
from tests.engines.gpg import KINDS, Gpg, pretty
from tests.engines.tools import CONTENT, REF, Tools

pytestmark = pytest.mark.engines


@dataclass(slots=True)
class Carrier(Site):
    """A site whose maintainers are gpg's."""

    gpg: Gpg | None = None

    def __post_init__(self) -> None:
        assert self.gpg is not None
        self.folder.mkdir(parents=True, exist_ok=True)
        self.signatures.mkdir(exist_ok=True)
        self.maintainers.write_text(self.gpg.maintainers())
        self.keyring.write_bytes(self.gpg.export())

    def sign_as_stagex(self, digest: str, *, last_detached: bool = True) -> None:
        """Everybody signs inline; dora over the output of jq, and detached."""
        assert self.gpg is not None
        claim = forge.claim(RUST, digest)
        files = [self.gpg.sign(nick, claim) for nick in KINDS]
        if last_detached:
            files[-1] = self.gpg.detach("dora", pretty(claim))
        self.put(RUST, digest, *files)


@pytest.fixture
def site(tmp_path: Path, gpg: Gpg) -> Carrier:
    site = Carrier(tmp_path / "site", gpg=gpg)
    assert site.init().code == 0
    return site


MAKERS: dict[str, Callable[[Tools], Path]] = {
    "umoci": Tools.by_umoci,
    "skopeo": Tools.by_skopeo,
    "buildah": Tools.by_buildah,
    "buildah, docker format": lambda tools: tools.by_buildah("docker"),
}


@pytest.mark.parametrize("maker", MAKERS)
def test_made_carried_and_read_again(maker: str, tools: Tools, site: Carrier) -> None:
    tools.require("skopeo", "umoci")
    layout = MAKERS[maker](tools)
    digest = tools.raw_digest(f"oci:{layout}:{REF}")
    site.sign_as_stagex(digest)
    exported = site.export(f"{RUST}=oci:{layout}:{REF}")
    assert exported.code == 0, exported
    result = site.import_()
    assert result.code == 0, result
    check_verdict(result.json, 0)
    (image,) = result.json["images"]
    assert image["digest"] == digest
    assert image["signers"] == list(KINDS)
    assert [one["certificate"] for one in image["signatures"]] == list(
        site.gpg.fingerprints.values() if site.gpg else []
    )

    assert tools.raw_digest(f"oci:{site.out}:{RUST}") == digest
    assert tools.raw_digest(f"oci:{site.store}") == digest
    before, after = tools.inspect(f"oci:{layout}:{REF}"), tools.inspect(f"oci:{site.out}:{RUST}")
    assert after == before
    assert after["Digest"] == digest
    assert tools.stat(site.out, RUST) == tools.stat(layout)
    assert tools.unpacked(site.out, RUST) == tools.unpacked(layout) == CONTENT
    assert set(blobs(site.out)) <= set(blobs(layout))


def test_an_oci_archive_of_skopeo(tools: Tools, site: Carrier) -> None:
    archive = tools.folder / "image.oci.tar"
    tools.skopeo("copy", f"oci:{tools.by_umoci()}:{REF}", f"oci-archive:{archive}:{REF}")
    digest = tools.raw_digest(f"oci-archive:{archive}:{REF}")
    site.sign_as_stagex(digest)
    assert site.export(f"{RUST}=oci-archive:{archive}:{REF}").code == 0
    assert site.import_().code == 0
    assert tools.raw_digest(f"oci:{site.out}:{RUST}") == digest


def test_a_manifest_list_of_buildah(tools: Tools, site: Carrier) -> None:
    """Two platforms, pushed as one index, signed as one."""
    for platform in ("amd64", "arm64"):
        tools.buildah("from", "--arch", platform, "--name", platform, "scratch")
        tools.buildah("copy", platform, tools.rootfs(), "/")
        tools.buildah("config", "--arch", platform, platform)
        tools.buildah("commit", "--quiet", platform, f"{REF}-{platform}")
    tools.buildah("manifest", "create", REF)
    for platform in ("amd64", "arm64"):
        tools.buildah("manifest", "add", "--arch", platform, REF, f"containers-storage:localhost/{REF}-{platform}")
    layout = tools.folder / "list"
    tools.buildah("manifest", "push", "--all", REF, f"oci:{layout}:{REF}")
    digest = tools.raw_digest(f"oci:{layout}:{REF}")
    site.sign_as_stagex(digest)
    exported = site.export(f"{RUST}=oci:{layout}:{REF}")
    assert exported.code == 0, exported
    assert site.import_().json["images"][0]["platforms"] == ["linux/amd64", "linux/arm64"]
    assert tools.raw_digest(f"oci:{site.out}:{RUST}") == digest
    copy = tools.folder / "copy"
    tools.skopeo("copy", "--all", f"oci:{site.out}:{RUST}", f"oci:{copy}:{REF}")
    assert tools.raw_digest(f"oci:{copy}:{REF}") == digest


def test_the_bundle_without_us(tools: Tools, site: Carrier) -> None:
    """`zstd -d | tar x` gives a layout that skopeo reads, and signatures that gpg verifies."""
    tools.require("zstd", "tar", "sha256sum")
    layout = tools.by_umoci()
    digest = tools.raw_digest(f"oci:{layout}:{REF}")
    site.sign_as_stagex(digest)
    assert site.export(f"{RUST}=oci:{layout}:{REF}").code == 0
    tools.run("sha256sum", "-c", "--strict", f"{site.bundle.name}.sha256", cwd=site.folder)
    tools.run("zstd", "-q", "-t", site.bundle)
    opened = tools.folder / "opened"
    opened.mkdir()
    line = f"zstd -q -dc '{site.bundle}' | tar x -C '{opened}'"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", line], capture_output=True, check=True)
    assert done.stderr == b""

    assert tools.raw_digest(f"oci:{opened}") == digest
    assert tools.inspect(f"oci:{opened}") == tools.inspect(f"oci:{layout}:{REF}")
    copied = tools.folder / "copied"
    tools.skopeo("copy", f"oci:{opened}", f"oci:{copied}:{REF}")
    assert tools.raw_digest(f"oci:{copied}:{REF}") == digest
    listed = json.loads((opened / "bundle.json").read_bytes())
    sums = "".join(f"{one['sha256']}  {one['path']}\n" for one in listed["members"])
    (tools.folder / "sums").write_text(sums)
    tools.run("sha256sum", "-c", "--strict", "--quiet", tools.folder / "sums", cwd=opened)

    assert site.gpg is not None
    folder = opened / "signatures" / f"stagex/pallet-rust@{digest.replace(':', '=')}"
    claim = forge.claim(RUST, digest)
    files = sorted(folder.iterdir())
    assert len(files) == 4
    for file in files[:3]:
        assert site.gpg.run("--decrypt", str(file)) == claim
    (tools.folder / "payload").write_bytes(pretty(claim))
    site.gpg.run("--verify", str(files[3]), str(tools.folder / "payload"))
    ring = opened / "trust" / "keyring.pgp"
    tools.require("gpgv")
    for file in files[:3]:
        tools.run("gpgv", "--keyring", ring, file)


@pytest.mark.parametrize("nick", KINDS)
def test_each_kind_of_key(nick: str, tmp_path: Path, gpg: Gpg) -> None:
    site = Carrier(tmp_path / "site", gpg=gpg)
    image = forge.image([forge.Layer({"a": b"1"})])
    claim = forge.claim(RUST, image.digest)
    inline, detached, payload = tmp_path / "inline", tmp_path / "detached", tmp_path / "payload.json"
    inline.write_bytes(gpg.sign(nick, claim))
    detached.write_bytes(gpg.detach(nick, pretty(claim)))
    payload.write_bytes(pretty(claim))
    line = ["signatures", "verify", "--keyring", site.keyring, "--at", "2025-07-01T00:00:00Z", "--format", "json"]
    image_is = ["--reference", RUST, "--digest", image.digest]
    good = run(*line, *image_is, inline, detached)
    assert good.code == 0, good
    for one in good.json["signatures"]:
        assert one["certificate"] == gpg.fingerprints[nick]
        assert (one["signing_key"] == one["certificate"]) is (nick != "anna")
    assert run(*line, "--payload", payload, detached).code == 0
    payload.write_bytes(claim)
    assert run(*line, "--payload", payload, detached).code == 30

    assert site.init(threshold=1).code == 0
    assert site.export(site.image(RUST, image), "--threshold", "1").code == 30
    site.put(RUST, image.digest, inline.read_bytes())
    assert site.export(site.image(RUST, image), "--threshold", "1").code == 0
    assert site.import_().json["images"][0]["signers"] == [nick]
    for place in range(0, len(inline.read_bytes()), 61):
        data = inline.read_bytes()
        (tmp_path / "flipped").write_bytes(data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :])
        assert run(*line, *image_is, tmp_path / "flipped").code == 30, place


def test_an_armored_keyring_and_armored_signatures(tools: Tools, site: Carrier, gpg: Gpg) -> None:
    site.keyring.write_bytes(gpg.export("--armor"))
    image = forge.image([forge.Layer({"a": b"1"})])
    claim = forge.claim(RUST, image.digest)
    files = [gpg.run("-u", f"{nick}@example.org", "--sign", "--armor", stdin=claim) for nick in ("anna", "carl")]
    site.put(RUST, image.digest, *files)
    assert site.export(site.image(RUST, image)).code == 0
    assert site.import_().code == 0


def test_how_people_sign_wrongly(site: Carrier, gpg: Gpg) -> None:
    """Each with gpg's own options, each refused with advice."""
    image = forge.image([forge.Layer({"a": b"1"})])
    claim = forge.claim(RUST, image.digest)
    wrong = {
        "cleartext-framework": ("--clearsign",),
        "signature-type-not-binary": ("--textmode", "--sign"),
        "weak-hash": ("--digest-algo", "SHA1", "--sign"),
    }
    line = ["signatures", "verify", "--keyring", site.keyring, "--at", "2025-07-01T00:00:00Z", "--format", "json"]
    for reason, options in wrong.items():
        file = site.folder / reason
        file.write_bytes(gpg.run("-u", "bert@example.org", *options, stdin=claim))
        assert [one["reason"] for one in run(*line, file).json["signatures"]] == [reason]


def test_a_tampered_copy_is_refused_and_the_engine_keeps_what_it_had(tools: Tools, site: Carrier) -> None:
    layout = tools.by_umoci()
    digest = tools.raw_digest(f"oci:{layout}:{REF}")
    site.sign_as_stagex(digest)
    assert site.export(f"{RUST}=oci:{layout}:{REF}").code == 0
    assert site.import_().code == 0
    before = site.snapshot()
    data = bytearray(site.bundle.read_bytes())
    data[len(data) // 2] ^= 1
    site.bundle.write_bytes(data)
    assert site.import_().code in (10, 20)
    assert site.snapshot() == before
    assert tools.raw_digest(f"oci:{site.out}:{RUST}") == digest
