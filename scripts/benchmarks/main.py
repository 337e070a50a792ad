"""The benchmark: which things are measured, in which order (goals: QUALITY.md, performance)."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

from airgap import __version__
from benchmarks.document import write_document
from benchmarks.images import AIRGAP, SCRIPTS, ImageSet
from benchmarks.measure import Failed, Pair, Sample, Step, compare, missing, most_on_disk, once, repeat
from benchmarks.table import MB, Row, render

ROOT = SCRIPTS.parent
CORPUS = ROOT.parent / "shared" / "corpus" / "stagex"
AT_SECONDS = 1_767_225_600  # 2026-01-01T00:00:00Z
PEAK_MAX = 256 * 2**20  # bytes
GIB = 2**30
HAND_TOOLS = ("bash", "skopeo", "zstd", "tar", "sha256sum", "gpgv", "jq", "awk", "xargs")


class Bench:
    """One run over data in one temporary folder."""

    def __init__(self, folder: Path, options: argparse.Namespace) -> None:
        self.folder = folder
        self.trust = folder / "trust"
        self.root = folder / "root"
        self.rounds: int = options.rounds
        scale = 10 if options.quick else 1
        self.raw = ImageSet(folder, f"raw-{600 // scale}")
        self.gzip = ImageSet(folder, f"gzip-{320 // scale}")
        self.many = ImageSet(folder, "many", 200 // scale)
        self.tiny = ImageSet(folder, "many", 1)
        # A release of StageX had 513 images in November 2026, and their repository 7,712 signature files.
        self.counts = [ImageSet(folder, "many", count) for count in (1, 50 // scale, 200 // scale, 513 // scale)]
        self.sizes = [ImageSet(folder, f"raw-{size}") for size in (64 // scale, 256 // scale, 1024 // scale)]
        if options.large:
            self.sizes.append(ImageSet(folder, f"zeros-{options.large * GIB // MB}"))
        self.signatures = [count // scale for count in (100, 1000, 7712)]
        self._machine: dict[str, float] = {}
        self._only: set[str] = set(options.only)

    def make_data(self) -> None:
        plan = {one.name: int(one.name.partition("-")[2]) * MB for one in (self.raw, self.gzip)}
        if self._wanted("P6"):
            plan |= {one.name: int(one.name.partition("-")[2]) * MB for one in self.sizes}
        plan |= {"many": max(one.count for one in self.counts)}
        plan |= {f"signatures-{count}": count for count in self.signatures}
        self._python("benchmarks.data", str(self.folder), json.dumps(plan))
        evidence = ["--keyring", f"{self.trust}/keyring.pgp", "--maintainers", f"{self.trust}/MAINTAINERS"]
        once(Step([*AIRGAP, "trust", "init", str(self.root), *evidence, "--threshold", "2", "--yes"]))

    def rows(self) -> Iterator[Row]:
        """Each row as soon as it is measured."""
        parts: dict[str, Callable[[], Iterator[Row]]] = {
            "limits": self._limits,
            "P1": self._verify,
            "P2": self._import,
            "P3": self._export,
            "P4": self._audit,
            "P5": self._start,
            "P6": self._growth,
            "hostile": self._hostile,
        }
        for name, part in parts.items():
            if self._wanted(name):
                try:
                    yield from part()
                except Failed as error:
                    yield Row(name, "failed", note=str(error))

    def _wanted(self, name: str) -> bool:
        return not self._only or name in self._only

    def _limits(self) -> Iterator[Row]:
        found = self._limits_of_the_machine
        for key, what in (
            ("hash_one_core", "SHA-256 (hashlib), one core"),
            ("hash_all_cores", f"SHA-256 (hashlib), {found['cores']:.0f} threads together"),
            ("write_fsync", "write and fsync 200 MB"),
        ):
            yield Row("limit", what, ours=200 * MB / found[key], amount=200 * MB, extra={key: found[key]})
        small = found["small_fsync_ms"]
        yield Row("limit", "write and fsync one file of 100 kB", ours=small / 1e3, extra={"ms": small})
        if missing("zstd", "sha256sum"):
            yield Row("limit", "zstd and sha256sum", note=missing("zstd", "sha256sum") or "")
            return
        for one in (self.raw, self.gzip):
            one.prepare()
            sample = repeat(Step(["zstd", "-q", "-dc", str(one.bundle)]), self.rounds)
            yield _alone("limit", f"zstd -dc FILE > /dev/null, {one.title}", sample, one.amount)
            sample = repeat(Step(["sha256sum", str(one.bundle)]), self.rounds)
            yield _alone("limit", f"sha256sum FILE, {one.title}", sample, one.bundle.stat().st_size)

    @property
    def _limits_of_the_machine(self) -> dict[str, float]:
        if not self._machine:
            self._machine = json.loads(self._python("benchmarks.probe", "machine", str(self.folder)))
        return self._machine

    def _share_of_the_limit(self, one: ImageSet, seconds: float) -> str:
        """How far above it is what every verifier must do: decode the file and hash each byte, on all cores."""
        if missing("zstd"):
            return ""
        decoding = repeat(Step(["zstd", "-q", "-dc", str(one.bundle)]), self.rounds).cpu
        machine = self._limits_of_the_machine
        least = (one.amount / machine["hash_one_core"] + decoding) / machine["cores"]
        return f"{seconds / least:.2f} × the least that decoding and hashing take on {machine['cores']:.0f} cores"

    def _verify(self) -> Iterator[Row]:
        for one in (self.raw, self.gzip):
            one.prepare()
            # Some builds of sha256sum do not use the processor's SHA instructions; OpenSSL does.
            for hashing, goal, tools in (
                ("sha256sum", 1.0, ("zstd", "sha256sum")),
                ("openssl dgst -sha256", None, ("zstd", "openssl")),
            ):
                row = Row("P1", f"verify, {one.title}, and zstd -dc | {hashing}", amount=one.amount)
                script = f'set -o pipefail; zstd -q -dc "$0" | {hashing}'
                theirs = Step(["bash", "-c", script, str(one.bundle)])
                row = self._compared(row, one.verify(), theirs, goal, tools)
                row.note = row.note or self._share_of_the_limit(one, row.ours or 0)
                yield row

    def _import(self) -> Iterator[Row]:
        for one in (self.many, self.gzip, self.raw):
            row = Row("P2", f"import, {one.title}", amount=one.amount)
            one.prepare()
            if not missing(*HAND_TOOLS):
                one.prepare_by_hand()
            row = self._compared(row, one.import_(), one.import_by_hand(), 2.0, HAND_TOOLS)
            _note_disk(row, one.import_())
            yield row

    def _export(self) -> Iterator[Row]:
        for one in (self.many, self.gzip, self.raw):
            row = Row("P3", f"export, {one.title}", amount=one.amount)
            ours, theirs = self.folder / "out.airgap.tar.zst", self.folder / "out.tar.zst"
            row = self._compared(row, one.export(ours), one.export_by_hand(theirs), 1.5, HAND_TOOLS)
            _note_disk(row, one.export(ours))
            one.prepare()
            row.extra["size"] = one.bundle.stat().st_size
            if not missing(*HAND_TOOLS):
                one.prepare_by_hand()
                row.extra["their_size"] = one.by_hand.stat().st_size
                row.note += f"; size {row.extra['size'] / MB:.1f} MB, by hand {row.extra['their_size'] / MB:.1f} MB"
            yield row

    def _audit(self) -> Iterator[Row]:
        places: list[tuple[str, Path, Path, tuple[str, ...]]]
        most = self.signatures[-1]
        places = [(f"audit, {most} signature files", self.folder / f"signatures-{most}", self.trust, ())]
        if CORPUS.is_dir():
            count = sum(path.is_file() for path in (CORPUS / "signatures").rglob("*"))
            legacy = ("--claim-format", "stagex-legacy", "--threshold", "1")
            places.append((f"audit, StageX, {count} files", CORPUS / "signatures", CORPUS, legacy))
        for what, folder, trust, options in places:
            keyring = trust / "keyring.pgp"
            ours = _audit(folder, trust, *options)
            # One gpgv process per file: in a loop as people write it, and spread over all cores by xargs.
            loop = 'find "$0" -type f -print0 | while IFS= read -r -d "" file; do '
            loop += 'gpgv -q --keyring "$1" "$file" || true; done'
            spread = 'find "$0" -type f -print0 | xargs -0 -P "$(nproc)" -n 1 gpgv -q --keyring "$1"'
            for how, script, goal in (("in a loop", loop, 20.0), ("on all cores", spread, None)):
                theirs = Step(["bash", "-c", script, str(folder), str(keyring)], statuses=(0, 123))  # 123: some refused
                row = Row("P4", f"{what}, and gpgv for each {how}")
                yield self._compared(row, ours, theirs, goal, ("gpgv", "xargs", "find"))

    def _start(self) -> Iterator[Row]:
        self.tiny.prepare()
        bare = Step([sys.executable, "-c", "pass"])
        cases = (("--version", Step([*AIRGAP, "--version"]), 0.080), ("verify, tiny bundle", self.tiny.verify(), 0.250))
        for what, step, goal in cases:
            pair = compare(step, bare, max(9, self.rounds))
            more = pair.ours.wall - pair.theirs.wall
            row = _paired(Row("P5", f"start: {what}", goal=f"≤ +{goal * 1e3:.0f} ms"), pair)
            row.ratio = row.spread = None
            row.met = more <= goal
            row.note = f"{more * 1e3:+.0f} ms over python -c pass"
            yield row
        found = json.loads(
            self._python(
                "benchmarks.probe",
                "signature",
                str(self.trust / "rsa4096.sig"),
                str(self.trust / "keyring.pgp"),
                str(AT_SECONDS),
            )
        )
        text = f"parsing alone {found['parse_us']:.0f} µs, all {found['verify_us']:.0f} µs; "
        text += f"the keyring of four, once, {found['keyring_us'] / 1e3:.1f} ms"
        yield Row("P5", "one RSA-4096 signature, in process", ours=found["verify_us"] / 1e6, note=text, extra=found)

    def _growth(self) -> Iterator[Row]:
        for title, sets in (("images", self.counts), ("bytes", self.sizes)):
            for one in sets:
                one.prepare()
                for what, step in (("verify", one.verify()), ("import", one.import_())):
                    sample = repeat(step, self.rounds)
                    row = _grown(f"{what}, {one.title}", sample, title, one.count if title == "images" else one.amount)
                    row.amount = one.amount
                    each = f"{sample.wall / one.count * 1e3:.1f} ms an image"
                    row.note = each if title == "images" else f"{sample.wall / one.amount * 1e9:.2f} s a GB"
                    yield row
        for count in self.signatures:
            sample = repeat(_audit(self.folder / f"signatures-{count}", self.trust), self.rounds)
            row = _grown(f"audit, {count} signature files", sample, "signatures", count)
            row.note = f"{sample.wall / count * 1e3:.2f} ms a file"
            yield row

    def _hostile(self) -> Iterator[Row]:
        """What the worst OpenPGP files cost; tests/openpgp/test_bounds.py has the bounds."""
        for name, (seconds, cpu, peak) in json.loads(self._python("benchmarks.probe", "hostile")).items():
            yield Row("", f"hostile OpenPGP: {name}", ours=seconds, cpu=cpu, peak=peak)

    def _compared(self, row: Row, ours: Step, theirs: Step, goal: float | None, tools: tuple[str, ...]) -> Row:
        """Measure both sides; without the tools, or if by hand fails, only ours."""
        row.goal = "" if goal is None else f"≥ {goal:g}"
        reason = missing(*tools)
        if reason is None:
            try:
                row = _paired(row, compare(ours, theirs, self.rounds))
                row.met = None if goal is None or row.ratio is None else row.ratio >= goal
                return row
            except Failed as error:
                reason = f"not compared: {error}"
        alone = _alone(row.id, row.what, repeat(ours, self.rounds), row.amount)
        alone.goal, alone.note = row.goal, reason
        return alone

    def _python(self, module: str, *arguments: str) -> str:
        return subprocess.run(
            [sys.executable, "-m", module, *arguments], cwd=SCRIPTS, check=True, text=True, stdout=subprocess.PIPE
        ).stdout


def _paired(row: Row, pair: Pair) -> Row:
    row.ours, row.theirs, row.ratio, row.spread = pair.ours.wall, pair.theirs.wall, pair.ratio, pair.spread
    row.cpu, row.peak, row.their_cpu, row.their_peak = pair.ours.cpu, pair.ours.peak, pair.theirs.cpu, pair.theirs.peak
    return row


def _audit(folder: Path, trust: Path, *options: str) -> Step:
    command = [*AIRGAP, "signatures", "audit", str(folder), "--keyring", str(trust / "keyring.pgp"), *options]
    command += ["--maintainers", str(trust / "MAINTAINERS"), "--at", "2026-11-23T00:00:00Z", "--format", "json"]
    return Step(command, statuses=(0, 30))


def _grown(what: str, sample: Sample, of: str, count: int) -> Row:
    """A point of a curve: the time and memory of one command by the number ``of`` something."""
    row = _alone("P6", what, sample, None)
    row.goal, row.met, row.extra[of] = "≤ 256 MiB", sample.peak <= PEAK_MAX, count
    return row


def _note_disk(row: Row, step: Step) -> None:
    """How much room a command takes at most, beside its inputs, in a run that is not timed."""
    row.extra["disk"] = most_on_disk(step)
    share = f", {row.extra['disk'] / row.amount:.2f} of the content" if row.amount else ""
    row.note += f"{'; ' if row.note else ''}at most {row.extra['disk'] / MB:.1f} MB on the disk{share}"


def _alone(id_: str, what: str, sample: Sample, amount: int | None) -> Row:
    return Row(id_, what, ours=sample.wall, cpu=sample.cpu, peak=sample.peak, amount=amount)


def _measure(bench: Bench) -> list[Row]:
    """All rows; what is going on goes to stderr, because it takes minutes."""
    print("making data …", file=sys.stderr, flush=True)
    rows: list[Row] = []
    try:
        bench.make_data()
        for row in bench.rows():
            rows.append(row)
            _tell(row)
    except KeyboardInterrupt:
        rows.append(Row("", "interrupted: the rest was not measured"))
    return rows


def _tell(row: Row) -> None:
    print("  ".join(filter(None, row.cells())), row.note, file=sys.stderr, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="how often each side runs (default: 3)")
    parser.add_argument("--quick", action="store_true", help="data a tenth of the size")
    parser.add_argument("--large", type=int, default=0, metavar="GIB", help="also grow to a layer of so many GiB")
    parser.add_argument("--only", action="append", default=[], metavar="P1|…|P6|limits|hostile", help="may be repeated")
    parser.add_argument("--dir", type=Path, metavar="DIR", help="where the temporary folder goes (some 6 GB)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file, too")
    parser.add_argument("--document", action="store_true", help="write docs/performance.md and its picture anew")
    parser.add_argument("--keep", action="store_true", help="keep the data, and say where")
    options = parser.parse_args()
    if options.document and find_spec("matplotlib") is None:
        parser.error("--document draws with matplotlib: .venv/bin/pip install -e '.[bench]'")
    commit = subprocess.run(["git", "-C", str(ROOT), "describe", "--always", "--dirty"], capture_output=True, text=True)
    about = {
        "command": " ".join(["scripts/bench", *sys.argv[1:]]),
        "date": time.strftime("%Y-%m-%d"),
        "airgap": f"{' '.join(['python', *AIRGAP[1:]])} ({__version__})",
        "commit": commit.stdout.strip(),
        "python": platform.python_version(),
        "cores": str(len(os.sched_getaffinity(0))),
        "rounds": str(options.rounds),
        "load before": f"{os.getloadavg()[0]:.2f} (above 0.3, others disturb the figures)",
    }
    print("\n".join(f"{key}: {value}" for key, value in about.items()), flush=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # tidy up then, too
    folder = Path(tempfile.mkdtemp(prefix="airgap-bench-", dir=options.dir))
    try:
        rows = _measure(Bench(folder, options))
    finally:
        if options.keep:
            print(f"data kept in {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder)
    print(f"\n{render(rows)}\n\nMedians; a ratio is by hand / airgap round by round, with least and greatest. MB and")
    print("MB/s count the bytes of the images. Peak: the largest single process. Nothing here is a pass or a failure.")
    if options.document:
        write_document(ROOT / "docs", about, rows)
    if options.json:
        options.json.write_text(json.dumps({**about, "rows": [row.as_json() for row in rows]}, indent=1) + "\n")
    return 0
