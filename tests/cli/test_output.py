"""What is printed: nothing a terminal obeys, the verdict first, one document, and the same bytes everywhere."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import forge
import pytest
from forge import Layer, Sample
from forge.images import REF_NAME, Blob, to_json
from reference.commands import commands

from tests.cli.contract import check_error
from tests.cli.site import AT, RUST, Result, Site, crew, process, run, sample, signature

ESCAPES = "\x1b[2J\x1b]52;c;ZXZpbA==\x07\x9b31m\x7f\x00\r\n\u202eevil\u2066\u200b\u2028\ufeff"
"""Clear the screen, fill the clipboard, colour, delete, override the direction, break the line, hide."""
HOSTILE = ESCAPES.replace("\x00", "")
HIDDEN = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


def harmless(*results: Result) -> None:
    """Only plain characters and line feeds, on both streams; in JSON only ASCII, on one line."""
    for result in results:
        for stream in (result.stdout, result.stderr):
            bad = {char for char in stream.decode() if unicodedata.category(char) in HIDDEN} - {"\n"}
            assert not bad, (bad, stream)
        if result.stdout.startswith(b"{"):
            assert result.stdout.isascii()
            assert result.json


def views(*line: object) -> Iterator[Result]:
    for how in ("text", "json"):
        yield run(*line, "--format", how)


class TestHostileStrings:
    def test_in_user_ids(self, tmp_path: Path) -> None:
        people = {nick: (forge.certificate(nick, user_ids=[HOSTILE, b"\xff\xfe\x1b[2J"]),) for nick in ("anna", "bert")}
        site = Site(tmp_path, people)
        line = ["trust", "init", site.trust, "--maintainers", site.maintainers, "--keyring", site.keyring, "--yes"]
        made = run(*line)
        asked = run(*line[:2], tmp_path / "other", *line[3:-1])
        assert made.code == 0, made
        assert asked.code == 40
        harmless(made, asked, *views("trust", "show", "--trust", site.trust))
        assert "\\x1b[2J" in made.text
        assert site.export(site.image(RUST, sample(), "anna", "bert")).code == 0
        harmless(site.verify(), run("verify", site.bundle, "--trust", site.trust))

    def test_in_a_claim(self, site: Site) -> None:
        image = sample()
        source = site.image(RUST, image, "anna")
        site.put(RUST, image.digest, signature(crew()["bert"][0], HOSTILE, image.digest))
        harmless(site.export(source), site.export(source, text=True))
        assert site.export(source, "--skip-preflight").code == 0
        harmless(*views("verify", site.bundle, "--trust", site.trust, "--at", AT))
        file = next(site.signatures.rglob("signature-2"))
        results = list(views("signatures", "verify", "--keyring", site.keyring, "--at", AT, file))
        harmless(*results)
        assert results[0].code == 0
        assert "\\x1b[2J" in results[0].text
        assert json.loads(results[1].stdout)["signatures"][0]["claim"]["reference"] == HOSTILE

    def test_in_the_platform_of_an_image(self, site: Site) -> None:
        source = site.image(RUST, sample(platform=f"linux/{HOSTILE}".replace("\n", "")), "anna", "bert")
        harmless(site.export(source), site.export(source, text=True))
        if site.bundle.exists():
            harmless(*views("inspect", site.bundle), *views("verify", site.bundle, "--trust", site.trust, "--at", AT))

    def test_in_names_and_annotations_of_a_layout(self, site: Site) -> None:
        layout = site.layout({HOSTILE: sample("1"), "b": sample("2")})
        for source in (f"{RUST}=oci:{layout}", f"oci:{layout}", f"{RUST}=oci:{layout}:{HOSTILE}x"):
            results = [site.export(source), site.export(source, text=True)]
            harmless(*results)
            assert results[0].code == 50
        one = site.layout({HOSTILE: sample()}, "one")
        harmless(site.export(f"oci:{one}", text=True))

    def test_in_media_types_and_digests(self, site: Site) -> None:
        image = sample()
        for member in ("mediaType", "digest"):
            manifest = json.loads(image.root.data)
            manifest["layers"][0][member] = HOSTILE
            root = Blob(image.root.media_type, to_json(manifest))
            source = site.image(RUST, Sample(root, (), image.configs, image.layers), "anna", "bert")
            results = [site.export(source), site.export(source, text=True)]
            harmless(*results)
            assert results[0].code == 10

    def test_in_annotations_and_labels(self, site: Site) -> None:
        labels = {"Labels": {HOSTILE: HOSTILE}, "Entrypoint": [HOSTILE], "User": HOSTILE}
        notes = {"annotations": {HOSTILE: HOSTILE, REF_NAME: HOSTILE}}
        image = forge.image([Layer({"a": b"1"})], config=labels, members=notes)
        assert site.export(site.image(RUST, image, "anna", "bert")).code == 0
        harmless(*views("inspect", site.bundle), *views("verify", site.bundle, "--trust", site.trust, "--at", AT))

    def test_in_paths_that_are_not_there(self, site: Site) -> None:
        path = site.folder / HOSTILE.replace("/", "")
        harmless(
            *views("inspect", path),
            *views("verify", path, "--trust", site.trust),
            *views("verify", site.keyring, "--trust", path),
            *views("export", f"{RUST}=oci:{path}", *site.evidence(), "-o", path),
            *views("export", HOSTILE, *site.evidence(), "-o", path),
            *views("import", path, "--trust", site.trust, "--to", HOSTILE),
            *views("signatures", "audit", path, "--keyring", site.keyring, "--maintainers", site.maintainers),
            *views("signatures", "verify", "--keyring", site.keyring, path),
            *views("verify", path, "--trust", site.trust, "--at", HOSTILE),
            *views("trust", "show", HOSTILE),
            run(HOSTILE),
            run("inspect", f"--{HOSTILE}"),
            run("inspect", "--format", HOSTILE, path),
        )

    def test_in_names_of_files_and_folders_that_are_audited(self, site: Site) -> None:
        folder = site.signatures / f"stagex/{HOSTILE.replace('/', '')}@sha256={'0' * 64}"
        folder.mkdir(parents=True)
        (folder / "signature-1").write_bytes(b"x")
        (folder / "\udcff\x1b").write_bytes(b"x")
        line = ["signatures", "audit", site.signatures, "--keyring", site.keyring, "--maintainers", site.maintainers]
        results = list(views(*line))
        harmless(*results)
        assert results[0].code == 30

    def test_in_maintainers(self, site: Site) -> None:
        for text in (
            f"[people.{json.dumps(HOSTILE)}]\nname = 'x'\n[keys]\n",
            f"[people]\n{HOSTILE}",
            f"[people.a]\n[keys.a.{json.dumps(HOSTILE)}]\nid = 5\n",
            f"[people.a]\n[keys.a.x]\nid = {json.dumps(HOSTILE)}\n",
        ):
            site.maintainers.write_text(text)
            results = list(
                views(
                    "trust",
                    "init",
                    site.folder / "other",
                    "--maintainers",
                    site.maintainers,
                    "--keyring",
                    site.keyring,
                    "--yes",
                )
            )
            harmless(*results)
            assert results[0].code == 10, text

    def test_a_flood_does_not_push_the_verdict_away(self, site: Site) -> None:
        image = sample()
        source = site.image(RUST, image)
        site.put(
            RUST, image.digest, *(signature(crew()["bert"][0], "x" * 9000 + str(n), image.digest) for n in range(50))
        )
        assert site.export(source, "--skip-preflight").code == 0
        text = run("verify", site.bundle, "--trust", site.trust, "--at", AT)
        assert text.lines[0].startswith("REFUSED")
        assert text.lines[-1].startswith("REFUSED")
        assert max(map(len, text.lines)) < 2100


class TestViews:
    def test_accepted(self, carried: Site) -> None:
        text = run("verify", carried.bundle, "--trust", carried.trust, "--at", AT)
        assert text.code == 0
        assert text.stderr == b""
        assert text.lines[0] == "ACCEPTED: 2 images"
        verdict = carried.verify().json
        assert verdict["bundle"]["id"] in text.lines[1]
        assert verdict["trust"]["id"] in text.lines[3]
        assert text.lines[5] == f"time    {AT}"
        for image in verdict["images"]:
            assert f"✓ {image['reference']}" in text.lines
            assert image["digest"] in text.text
            assert (
                f"  signed by {', '.join(image['signers'])} ({len(image['signers'])} counted, 2 needed)" in text.lines
            )

    def test_refused_first_and_last(self, site: Site) -> None:
        assert site.export(site.image(RUST, sample(), "bert"), "--skip-preflight").code == 0
        text = run("verify", site.bundle, "--trust", site.trust, "--at", AT)
        assert text.code == 30
        assert text.lines[0] == "REFUSED: 1 image"
        assert text.lines[-1].startswith("REFUSED")
        assert "ACCEPTED" not in text.text
        assert any(line.startswith("next: ") for line in text.lines)
        assert any(line.startswith("error AG401 (quorum-not-met): ") for line in text.lines)

    def test_nothing_could_be_read(self, carried: Site) -> None:
        text = run("verify", carried.keyring, "--trust", carried.trust)
        assert text.lines[0] == "REFUSED: nothing could be verified"

    def test_inspect_says_twice_that_nothing_was_verified(self, carried: Site) -> None:
        text = run("inspect", carried.bundle)
        assert text.lines[0].startswith("NOT VERIFIED")
        assert text.lines[-1].startswith("NOT VERIFIED")
        assert "ACCEPTED" not in text.text

    def test_export(self, carried: Site, tmp_path: Path) -> None:
        source = f"{RUST}=oci:{carried.folder}/layouts/docker.io_stagex_pallet-rust"
        text = carried.export(source, output=tmp_path / "out", text=True)
        assert text.lines[0].startswith(f"EXPORTED: {tmp_path}/out (")
        assert re.fullmatch("sha256:[0-9a-f]{64}", text.lines[-1])

    def test_loaded_targets_are_named(self, carried: Site, tmp_path: Path) -> None:
        line = ["import", carried.bundle, "--trust", carried.trust, "--store", tmp_path / "s", "--at", AT]
        text = run(*line, "--to", f"oci:{tmp_path}/out")
        assert text.lines[0].startswith("ACCEPTED")
        assert sum(line.startswith("loaded  ") for line in text.lines) == 2

    def test_no_progress_where_nobody_looks(self, bulky: Site) -> None:
        assert run("verify", bulky.bundle, "--trust", bulky.trust, "--at", AT).stderr == b""


class TestUsage:
    @pytest.mark.parametrize(
        "line",
        [
            ["frob"],
            ["verify"],
            ["verify", "--frob", "x"],
            ["export", "-o"],
            ["import", "x", "--jobs", "0"],
            ["signatures"],
            ["trust", "frob"],
            ["verify", "--part", "a", "--trust", "t"],
            ["split", "a"],
            ["inspect", "x", "--format", "yaml"],
        ],
    )
    def test_mistakes(self, line: list[str]) -> None:
        text = run(*line)
        assert text.code == 2, text
        assert text.stdout == b""
        assert "(usage)" in text.errors or "Usage:" in text.errors
        document = run(*line, "--format", "json")
        if line[-1] != "yaml":
            assert document.code == 2
            assert document.kinds == ["usage"]
            check_error(document.json)

    @pytest.mark.parametrize(
        "command",
        [
            [],
            ["export"],
            ["inspect"],
            ["verify"],
            ["import"],
            ["split"],
            ["join"],
            ["repair"],
            ["trust"],
            ["trust", "init"],
            ["trust", "show"],
            ["signatures"],
            ["signatures", "verify"],
            ["signatures", "audit"],
        ],
    )
    def test_help(self, command: list[str]) -> None:
        result = run(*command, "--help")
        assert result.code == 0
        assert result.lines[0].startswith("Usage: ")
        if command not in ([], ["trust"], ["signatures"]):
            assert "Example:" in result.text

    def test_every_command_can_be_asked_to_be_quiet(self) -> None:
        groups = {path.rpartition(" ")[0] for path in (command.path for command in commands())}
        leaves = [command.path.split()[1:] for command in commands() if command.path not in groups]
        assert len(leaves) > 20
        for leaf in leaves:
            for option in ("-q", "--quiet", "--no-progress"):
                assert run(*leaf, option, "--help").code == 0, leaf
        assert run("trust", "-q", "show").code == 2

    def test_full(self, carried: Site) -> None:
        """Lines fit a terminal of 80 columns; with --full each digest is whole."""
        line = ["verify", carried.bundle, "--trust", carried.trust, "--at", AT]
        assert max(map(len, run(*line).lines)) <= 80
        short, full = (run("diff", carried.store, carried.bundle, *how).text for how in ([], ["--full"]))
        digests = {one["digest"] for one in carried.verify().json["images"]}
        assert not any(digest in short for digest in digests)
        assert all(digest in full for digest in digests)
        assert all(digest[:19] in short for digest in digests)

    def test_version(self) -> None:
        assert run("--version").code == 0

    def test_an_error_nobody_foresaw(self, carried: Site) -> None:
        fault = "import airgap.judging\ndef examine_bundle(*_):\n    raise KeyError('\\x1b[2J')\n"
        fault += "airgap.judging.examine_bundle = examine_bundle"
        for how in ([], ["--format", "json"]):
            result = process("verify", carried.bundle, "--trust", carried.trust, *how, before=fault)
            assert result.code == 1
            assert b"Traceback" not in result.stderr
            harmless(result)
        assert result.kinds == ["unforeseen"]


class TestSameBytes:
    """The verdict depends on bundle, trust root and reference time, and on nothing else."""

    @pytest.mark.parametrize(
        "env",
        [
            {"TZ": "UTC"},
            {"TZ": "Pacific/Kiritimati"},
            {"TZ": "America/St_Johns"},
            {"LC_ALL": "C"},
            {"LC_ALL": "C.UTF-8"},
            {"LC_ALL": "tr_TR.UTF-8"},
            {"PYTHONHASHSEED": "1"},
            {"PYTHONUTF8": "0", "LC_ALL": "POSIX"},
            {"SOURCE_DATE_EPOCH": "1", "NO_COLOR": "1", "TERM": "dumb"},
        ],
        ids=lambda env: ",".join(env.values()),
    )
    def test_in_another_environment(self, carried: Site, tmp_path: Path, env: dict[str, str]) -> None:
        expected = carried.verify()
        line = carried.verify_line()
        assert process(*line, env=env, cwd=tmp_path) == expected
        text = ["verify", carried.bundle, "--trust", carried.trust, "--at", AT]
        assert process(*text, env=env).stdout == run(*text).stdout

    def test_in_another_folder(self, carried: Site, tmp_path: Path) -> None:
        expected = carried.verify()
        assert run(*carried.verify_line(), cwd=tmp_path) == expected
        assert run(*carried.verify_line(), cwd=Path("/")) == expected
        relative = ["verify", carried.bundle.name, "--trust", "trust", "--at", AT, "--format", "json"]
        assert run(*relative, cwd=carried.folder) == expected

    def test_at_the_same_time_in_other_words(self, carried: Site) -> None:
        expected = carried.verify()
        for at in ("2025-07-01T02:00:00+02:00", "2025-06-30T20:30:00-03:30", "2025-07-01t00:00:00.9z"):
            assert carried.verify("--at", at) == expected

    def test_export_in_another_environment(self, carried: Site, tmp_path: Path) -> None:
        layouts = carried.folder / "layouts"
        sources = [
            f"{RUST}=oci:{layouts}/docker.io_stagex_pallet-rust",
            f"docker.io/stagex/other:1.0=oci:{layouts}/docker.io_stagex_other_1.0",
        ]
        line = ["export", *sources, *carried.evidence(), "--digests", carried.folder / "pallet.txt", "-o"]
        env = {"TZ": "Asia/Tokyo", "LC_ALL": "C", "SOURCE_DATE_EPOCH": "1000000000", "PYTHONHASHSEED": "5"}
        assert process(*line, tmp_path / "b", env=env, cwd=tmp_path).code == 0
        assert (tmp_path / "b").read_bytes() == carried.bundle.read_bytes()

    def test_the_clock_decides_nothing_where_a_time_is_given(self, carried: Site) -> None:
        for now in (0, 4_070_908_800):
            fault = f"import time\ntime.time = lambda: {now}"
            assert process(*carried.verify_line(), before=fault) == carried.verify()
