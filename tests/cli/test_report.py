"""`--report`: one HTML file that loads nothing, in which no string of an attacker is more than text."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import re
import shutil
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from airgap.report.html import audit, verdict
from tests.cli.site import AT, RUST, Site, litter, run, sample
from tests.needs import lacking

HOSTILE = [
    "<script>pwned()</script>",
    "</style></script></title><img src=x onerror=pwned()>",
    '" onmouseover="pwned()" x=\'',
    "' autofocus onfocus=pwned() '",
    "]]><svg/onload=pwned()><!--",
    "{{ 7 * 191 }}{% raw %}${7*191}",
    "&lt;b id=pwned&gt;",
    "a\x00b\x1b[2J\x07\x9b",
    "evil\u202egnp.exe\u2066\u2069\u200b\ufeff",
    "line\r\n\u2028\u2029break",
    "\ud800 alone",
    "x" * 100_000,
]
SECONDS = 1_751_328_000  # AT


class Page(HTMLParser):
    """Every tag with its attributes."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(data.decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def harmless(data: bytes, kinds: set[tuple[str, str]]) -> None:
    """No raw control or bidirectional character, and only tags and attributes that the page has anyway."""
    text = data.decode()
    raw = {char for char in text if char != "\n" and unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
    assert raw == set()
    assert shape(data) <= kinds
    assert "1337" not in text
    assert len(data) < 1_000_000


def shape(data: bytes) -> set[tuple[str, str]]:
    return {(tag, name) for tag, attributes in Page(data).tags for name in ["", *attributes]}


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where strings are. Times are made from numbers, and never come from outside."""
    if isinstance(value, str):
        if path[-1] not in ("created", "schema", "status"):
            yield path
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from leaves(one, (*path, key))
    elif isinstance(value, list):
        for at, one in enumerate(value):
            yield from leaves(one, (*path, at))


def filled(value: Any, text: str) -> Any:
    """The same documents, with this text in every string at once."""
    value = copy.deepcopy(value)
    for path in list(leaves(value)):
        place = value
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = text
    return value


@pytest.fixture(scope="module")
def documents(carried: Site) -> list[Any]:
    """A verdict in which every list has a row, and its trust root."""
    found = carried.verify().json
    error = run("verify", carried.folder / "none", "--trust", carried.trust, "--format", "json").json["errors"][0]
    loaded = {"target": "t", "reference": "r", "digest": "d", "name": "n", "reported": "d", "identity": "manifest"}
    image = found["images"][0]
    image["signatures"][0]["flags"] = ["certificate-expired-since"]
    image["signatures"].append({**image["signatures"][0], "status": "bad", "reason": "weak-hash"})
    image["referrers"] = [{"artifactType": "a/b", "digest": "sha256:1", "size": 7}]
    found |= {"errors": [error], "loaded": [{**loaded, "replaced": "d"}], "overrides": ["allow-older"], "notes": ["n"]}
    root = run("trust", "show", "--trust", carried.trust, "--format", "json").json
    root["required"] = [["anna", "bert"]]
    root["revoked"] = [{"certificate": root["people"][0]["fingerprints"][0], "time": AT}]
    return [found, root, [["image", 5]], [["kind", 5]]]


def verdict_page(documents: Any) -> bytes:
    found, root, images, contents = documents
    return verdict.render(found, root, images, contents, SECONDS)


def audit_page(documents: Any) -> bytes:
    found, people = documents
    return audit.render(found, people, 2, SECONDS)


class TestHostileStrings:
    @pytest.mark.parametrize("text", HOSTILE)
    def test_in_every_field_of_a_verdict(self, documents: Any, text: str) -> None:
        kinds = shape(verdict_page(documents))
        assert len(list(leaves(documents))) > 100
        harmless(verdict_page(filled(documents, text)), kinds)

    @pytest.mark.parametrize("text", HOSTILE)
    def test_in_every_field_of_an_audit(self, carried: Site, text: str) -> None:
        line = ["--keyring", carried.keyring, "--maintainers", carried.maintainers, "--format", "json", "--at", AT]
        found = run("signatures", "audit", carried.signatures, *line).json
        row = found["images"][0]["signatures"][0]
        row["flags"] = ["f"]
        found["images"][0]["signatures"].append({**row, "status": "bad", "reason": "weak-hash"})
        found["images"][0]["quorum"] = False
        explanation = {"kind": "k", "count": 1, "keys": [["key", 1]], "file": "f", "message": "m", "hint": "h"}
        documents: Any = [{**found, "explanations": [explanation]}, [["anna", ["AB"]]]]
        kinds = shape(audit_page(documents))
        harmless(audit_page(filled(documents, text)), kinds)

    def test_the_check_sees_what_it_should(self) -> None:
        """A page with a tag of an attacker, and one with a raw control character, are not harmless."""
        for data in (b"<p><img src=x></p>", "<p>\u202e</p>".encode(), b"<p onclick=a></p>"):
            with pytest.raises(AssertionError):
                harmless(data, {("p", "")})


@pytest.fixture(scope="module")
def data(carried: Site, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("report") / "r.html"
    assert carried.verify("--report", path).code == 0
    return path.read_bytes()


class TestPage:
    def test_it_says_what_the_verdict_says(self, data: bytes, carried: Site) -> None:
        found, text = carried.verify().json, data.decode()
        assert "Accepted" in text
        for image in found["images"]:
            assert image["digest"] in text
            for one in image["signatures"]:
                assert " ".join(re.findall("....", one["certificate"])) in text
        assert found["bundle"]["id"] in text
        assert found["trust"]["id"] in text
        assert "Chain of custody" in text

    def test_nothing_but_its_own_style_and_script_is_allowed(self, data: bytes) -> None:
        tags = Page(data).tags
        policy = next(one["content"] for tag, one in tags if tag == "meta" and "http-equiv" in one)
        assert policy is not None
        assert policy.startswith("default-src 'none'; ")
        assert "unsafe" not in policy
        for tag in ("style", "script"):
            [content] = re.findall(rf"<{tag}>(.*?)</{tag}>".encode(), data, re.DOTALL)
            digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
            assert f"{tag}-src 'sha256-{digest}'" in policy

    def test_it_loads_and_links_nothing(self, data: bytes) -> None:
        assert not {tag for tag, _ in Page(data).tags} & {"link", "img", "iframe", "a", "form", "object", "base"}
        assert not {name for _, one in Page(data).tags for name in one} & {"src", "href", "style", "action"}
        assert b"http:" not in data
        assert b"https:" not in data

    def test_the_same_bytes_each_time(self, data: bytes, carried: Site, tmp_path: Path) -> None:
        assert carried.verify("--report", tmp_path / "again").code == 0
        assert (tmp_path / "again").read_bytes() == data


class TestWriting:
    def test_a_refusal_is_reported(self, site: Site) -> None:
        assert site.export(site.image(RUST, sample(), "anna"), "--skip-preflight").code == 0
        result = site.import_("--report", site.folder / "r.html", "--attestation", site.folder / "a.json")
        assert result.code == 30
        text = (site.folder / "r.html").read_text()
        assert "Refused" in text
        assert result.json["errors"][0]["code"] in text
        assert litter(site.folder) == []

    def test_an_import_is_reported(self, site: Site) -> None:
        assert site.export(site.image(RUST, sample(), "anna", "bert")).code == 0
        result = site.import_("--report", site.folder / "r.html")
        assert result.code == 0, result
        assert "<h2>Loaded</h2>" in (site.folder / "r.html").read_text()

    def test_what_is_no_bundle(self, site: Site) -> None:
        site.bundle.write_bytes(b"no bundle")
        assert site.verify("--report", site.folder / "r.html").code == 10
        assert "Nothing could be verified" in (site.folder / "r.html").read_text()

    def test_one_file_for_two_things(self, carried: Site, tmp_path: Path) -> None:
        assert carried.verify("--report", tmp_path / "a", "--attestation", tmp_path / "a").code == 2
        assert not (tmp_path / "a").exists()

    @pytest.mark.parametrize("option", ["--report", "--attestation", "--receipt"])
    @pytest.mark.parametrize("spelling", ["as it is", "another way", "by a link", "the link to it", "another part"])
    def test_what_is_judged_is_not_written_over(self, site: Site, tmp_path: Path, option: str, spelling: str) -> None:
        assert site.export(site.image(RUST, sample(), "anna", "bert")).code == 0
        bundle = data = site.bundle
        link = tmp_path / "link"
        spelt = {"another way": bundle.parent / "signatures" / ".." / bundle.name, "by a link": link}
        output = spelt.get(spelling, bundle)
        if spelling == "the link to it":
            bundle = link
        elif spelling == "another part":
            assert run("split", bundle, "--volume-size", "5M", "-o", tmp_path / "p.airgap.tar.zst").code == 0
            bundle = data = tmp_path / "p.airgap.tar.zst.001"
            output = tmp_path / "p.airgap.tar.zst.002"
        link.symlink_to(site.bundle)
        before = data.read_bytes()
        result = site.import_(option, output, bundle=bundle)
        assert (result.code, result.kinds) == (2, ["usage"])
        assert data.read_bytes() == before
        assert spelling != "another part" or not output.exists()
        assert not site.store.exists()

    def test_a_receipt_is_another_file_than_a_report(self, carried: Site, tmp_path: Path) -> None:
        assert carried.import_("--report", tmp_path / "a", "--receipt", tmp_path / "a").code == 2
        assert not (tmp_path / "a").exists()

    @pytest.mark.parametrize("command", ["verify", "audit"])
    def test_without_jinja2_nothing_is_begun(
        self, carried: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
    ) -> None:
        monkeypatch.setitem(sys.modules, "jinja2", None)
        path = tmp_path / "r.html"
        result = carried.verify("--report", path) if command == "verify" else _audit(carried, "--report", path)
        assert (result.code, result.kinds) == (70, ["extra-missing"])
        assert "pip install 'airgap[report]'" in result.messages
        assert not path.exists()

    def test_an_audit(self, carried: Site, tmp_path: Path) -> None:
        result = _audit(carried, "--report", tmp_path / "r.html")
        assert result.code == 0, result
        text = (tmp_path / "r.html").read_text()
        assert "Complete" in text
        assert all(image["digest"] in text for image in result.json["images"])
        bad = _audit(carried, "--report", tmp_path / "none" / "r.html")
        assert (bad.code, bad.kinds) == (70, ["file-not-found"])


def _audit(site: Site, *arguments: object) -> Any:
    line = ["--keyring", site.keyring, "--maintainers", site.maintainers, "--format", "json", "--at", AT]
    return run("signatures", "audit", site.signatures, *line, *arguments)


class TestBrowser:
    """What a real browser makes of it."""

    @pytest.fixture
    def browse(self, tmp_path: Path) -> Any:
        if shutil.which("chromium") is None:
            lacking("not installed: chromium")

        def run_(path: Path, *arguments: str) -> str:
            flags = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'chromium'}"]
            line = ["chromium", *flags, "--enable-logging=stderr", *arguments, path.as_uri()]
            done = subprocess.run(line, capture_output=True, check=False, timeout=120)
            assert done.returncode == 0, done.stderr
            assert b"Content Security Policy" not in done.stderr, done.stderr
            assert b"CONSOLE" not in done.stderr, done.stderr
            return done.stdout.decode()

        return run_

    def test_the_script_runs_and_nothing_else(self, carried: Site, tmp_path: Path, browse: Any) -> None:
        """Columns become buttons: the hash in the policy fits. Nothing is said on the console."""
        assert _audit(carried, "--report", tmp_path / "r.html").code == 0
        dom = browse(tmp_path / "r.html", "--dump-dom")
        assert '<button type="button">Image</button>' in dom

    def test_a_script_of_an_attacker_would_not_run(self, carried: Site, tmp_path: Path, browse: Any) -> None:
        """Even if escaping failed: the policy allows only what it names."""
        path = tmp_path / "r.html"
        assert carried.verify("--report", path).code == 0
        path.write_text(path.read_text().replace("<main>", "<main><script>document.title = 'pwned'</script>"))
        with pytest.raises(AssertionError, match="Content Security Policy"):
            browse(path, "--dump-dom")

    def test_print(self, carried: Site, tmp_path: Path, browse: Any) -> None:
        assert carried.verify("--report", tmp_path / "r.html").code == 0
        browse(tmp_path / "r.html", f"--print-to-pdf={tmp_path / 'r.pdf'}")
        assert (tmp_path / "r.pdf").read_bytes().startswith(b"%PDF-")


def test_json_and_report_agree(carried: Site, tmp_path: Path) -> None:
    """The option changes nothing of what is printed."""
    assert json.loads(carried.verify("--report", tmp_path / "r").stdout) == carried.verify().json
