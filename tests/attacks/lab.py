"""The simulator: a site with something to lose, bundles that are good but for one thing, and what must hold after.

A bundle is put together here by hand, from forge's images and signatures, not by the exporter: that would refuse to
make most of them. `Lab.image` and `Lab.signed` give a bundle that is accepted; a test shows that it is, byte for byte,
the exporter's own. So what is refused is refused for its fault:

    lab.refused(lab.image(forge.image([...], members={"config": ...})), 10, "digest-invalid")
    lab.refused(lab.signed(by("anna"), by("bert", sig_type=0x02)), 30, "quorum-not-met")
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import forge
from forge import Blob, Sample
from forge.images import OCI_TYPES, REF_NAME, to_json

from airgap.openpgp.keyring import load_keyring
from airgap.report.text import render
from airgap.state import LOG_FILE
from tests.attacks import opinion
from tests.cli.contract import check_verdict
from tests.cli.site import RUST, Result, Site, crew, litter, sample, signature
from tests.cli.stocking import seeded
from tests.cli.surgery import Opened, archive, canonical, open_bundle, seal

IMAGE = sample("attacked")
"""The good image. Signatures are made for it unless a test says otherwise."""


def by(nick: str, key: int = 0, *, reference: str = RUST, digest: str = IMAGE.digest, **options: Any) -> bytes:
    """A signature file by one of the four."""
    return signature(crew()[nick][key], reference, digest, **options)


def reasons(result: Result) -> list[str | None]:
    """Why each signature of the first image does not count; None for those that do."""
    return [one["reason"] for one in result.json["images"][0]["signatures"]]


def put_together(
    found: Sample,
    files: Sequence[bytes],
    site: Site,
    *,
    reference: str = RUST,
    platforms: Sequence[str] | None = None,
    keyring: bytes | None = None,
    blobs: Mapping[str, bytes] | None = None,
) -> Opened:
    """A bundle of one image. ``blobs`` are its blobs by digest, in their order, if they are not those of the sample."""
    root = found.root
    entry = {"digest": root.digest, "mediaType": root.media_type, "size": len(root.data)}
    listed = [entry | {"annotations": {REF_NAME: f"{reference}@{root.digest}"}}]
    index = {"manifests": listed, "mediaType": OCI_TYPES.index, "schemaVersion": 2}
    repository = reference.removeprefix("docker.io/").partition(":")[0]
    folder = f"signatures/{repository}@{root.digest.replace(':', '=')}"
    members = [
        ("trust/MAINTAINERS", site.maintainers.read_bytes()),
        ("trust/keyring.pgp", load_keyring([site.keyring.read_bytes()]).encoded() if keyring is None else keyring),
        *((f"{folder}/signature-{number}", data) for number, data in enumerate(files, 1)),
        ("oci-layout", b'{"imageLayoutVersion":"1.0.0"}'),
        ("index.json", canonical(index)),
        *((f"blobs/sha256/{digest[7:]}", data) for digest, data in (blobs or in_order(found)).items()),
    ]
    shown = sorted({name for name, _ in found.manifests}) if platforms is None else platforms
    image = entry | {"platforms": list(shown), "reference": reference}
    manifest = {"absent": [], "format": "airgap/bundle/v1", "images": [image], "members": [], "requires": []}
    opened = Opened(manifest, members)
    opened.manifest = opened.listed()
    return opened


def in_order(found: Sample) -> dict[str, bytes]:
    """bundles/FORMAT.md §4."""
    outer = [blob for blob in found.others if blob.media_type == OCI_TYPES.index]
    rest = [blob for blob in found.others if blob not in outer]
    manifests = [blob for _, blob in found.manifests]
    order = [found.root, *outer, *manifests, *found.attestations, *found.configs, *found.layers, *rest]
    return {blob.digest: blob.data for blob in order}


def reworked(found: Sample, change: Callable[[dict[str, Any]], object]) -> Sample:
    """A single image with another manifest: the attacker has it signed."""
    value = json.loads(found.root.data)
    change(value)
    root = Blob(found.root.media_type, to_json(value))
    return Sample(root, ((found.manifests[0][0], root),), found.configs, found.layers)


def reconfigured(found: Sample, data: bytes) -> Sample:
    """A single image with another configuration."""
    config = Blob(found.configs[0].media_type, data)
    changed = reworked(found, lambda manifest: manifest.update(config=config.descriptor()))
    return Sample(changed.root, changed.manifests, (config,), found.layers)


class Lab:
    """A site whose store and target hold an image, and what is tried on it. A copy of another's folder is one, too."""

    def __init__(self, folder: Path, people: Mapping[str, Sequence[forge.Certificate]] | None = None) -> None:
        if people is None:
            self.site = Site(folder) if folder.exists() else seeded(folder)
        else:
            self.site = Site(folder, people)
            assert self.site.init().code == 0

    def image(self, found: Sample, *who: str, **options: Any) -> Opened:
        """A bundle of an image that anna and bert signed, or others."""
        reference = options.get("reference", RUST)
        people = self.site.people
        nicks = who or tuple(people)[:2]
        files = [signature(people[nick][0], reference, found.digest) for nick in nicks]
        return put_together(found, files, self.site, **options)

    def signed(self, *files: bytes, keyring: bytes | None = None) -> Opened:
        """A bundle of IMAGE with these signature files."""
        return put_together(IMAGE, files, self.site, keyring=keyring)

    def good(self) -> Opened:
        return self.image(IMAGE)

    def worded(self, change: Callable[[bytes], bytes]) -> bytes:
        """A good bundle whose bundle.json is written in another way."""
        opened = self.good()
        text = canonical(opened.manifest)
        changed = change(text)
        assert changed != text
        return seal(archive(changed, opened.members))

    def refused(
        self,
        bundle: Opened | bytes | Path,
        codes: int | Collection[int],
        *kinds: str,
        learns: bool = False,
        arguments: Sequence[object] = (),
    ) -> Result:
        """Refused by import and verify with one verdict, for one of these kinds, and nothing has changed.

        ``learns`` says that the bundle brings a revocation, which the trust folder keeps whatever becomes of the rest.
        """
        site = self.site
        path = bundle if isinstance(bundle, Path) else site.folder / "hostile.airgap.tar.zst"
        data = b""
        if not isinstance(bundle, Path):
            data = bundle if isinstance(bundle, bytes) else bundle.packed()
            path.write_bytes(data)
        before, names, told = site.snapshot(), paths(site), self.log()
        stream = {"bundle": path} if isinstance(bundle, Path) else {"bundle": "-", "stdin": data}
        verified = site.verify(*arguments, **stream)
        assert self.log() == told, "verify wrote to the log"
        imported = site.import_(*arguments, bundle=path)

        assert imported.code in ({codes} if isinstance(codes, int) else set(codes)), imported
        check_verdict(imported.json, imported.code)
        self._told(imported, kinds)
        entries = self.log()[len(told) :]
        assert self.log()[: len(told)] == told
        decisions = [json.loads(line[65:]) for line in entries]
        assert [(one["event"], one.get("accepted")) for one in decisions][-1:] == [("import", False)]
        assert [one["event"] for one in decisions[:-1]] == ["revocation"] * learns
        assert [one["kind"] for one in decisions[-1]["errors"]] == imported.kinds[:20]
        assert litter(site.folder) == []
        assert unlearned(site.snapshot(), site) == unlearned(before, site)
        assert verified.code == imported.code
        if not learns:
            assert site.snapshot() == before
            assert paths(site) == names
            assert verified == imported
        if opinion.wanted() and path.is_file():
            opinion.compare(path, site.trust, imported)
        return imported

    def _told(self, result: Result, kinds: Collection[str]) -> None:
        """Verdict and text name the fault and the next step, and claim nothing else."""
        verdict = result.json
        assert verdict["accepted"] is False
        assert verdict["loaded"] == []
        assert not any(image["accepted"] for image in verdict["images"])
        assert (set(result.kinds) & set(kinds)) or not kinds, result
        text = render(verdict)
        assert [text.splitlines()[at][:7] for at in (0, -1)] == ["REFUSED", "REFUSED"], text
        for error in verdict["errors"]:
            assert error["message"]
            assert error["hint"]
            assert error["code"] in text

    def log(self) -> list[str]:
        """The lines of the audit log. That its chain is whole is checked once for all, in the end."""
        return (self.site.trust / LOG_FILE).read_text().splitlines()

    def accepted(self, bundle: Opened | bytes, *arguments: object) -> Result:
        """Accepted by verify. Import would change the site for those who come after."""
        data = bundle if isinstance(bundle, bytes) else bundle.packed()
        result = self.site.verify(*arguments, bundle="-", stdin=data)
        assert result.code == 0, result
        check_verdict(result.json, 0)
        if opinion.wanted():
            path = self.site.folder / "accepted.airgap.tar.zst"
            path.write_bytes(data)
            opinion.compare(path, self.site.trust, result)
        return result


def unlearned(snapshot: Mapping[str, bytes], site: Site) -> dict[str, bytes]:
    """Without what the trust folder may learn from a bundle that is refused."""
    trust = str(site.trust)
    return {path: data for path, data in snapshot.items() if not path.startswith(trust)}


def paths(site: Site) -> set[str]:
    """Every name in the site's folder, wherever."""
    return {str(path) for path in site.folder.rglob("*")}


def in_text(pattern: bytes, new: bytes) -> Callable[[bytes], bytes]:
    """Puts something in the place of the first match."""
    return lambda text: re.sub(pattern, lambda _: new, text, count=1)


__all__ = [
    "IMAGE",
    "RUST",
    "Lab",
    "Opened",
    "by",
    "in_order",
    "in_text",
    "open_bundle",
    "put_together",
    "reasons",
    "reconfigured",
    "reworked",
]
