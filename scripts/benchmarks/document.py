"""docs/performance.md: the figures of one run between two marks, and a picture of how time and memory grow."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.table import MB, Row, render

BEGIN, END = "<!-- figures: written by scripts/bench --document -->", "<!-- end of the figures -->"
AXES = {"images": "images", "bytes": "MB of layers", "signatures": "signature files"}


def write_document(folder: Path, about: Mapping[str, str], rows: Sequence[Row]) -> None:
    """Put the figures into performance.md, whose words stay as they are; with P6, draw performance.svg, too."""
    page = folder / "performance.md"
    before, _, rest = page.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise SystemExit(f"{page} has no {END!r}")
    facts = "\n".join(f"{key}: {value}" for key, value in about.items())
    picture = ""
    if any(row.id == "P6" for row in rows):
        draw(folder / "performance.svg", rows)
        picture = "![Time and memory by images, bytes and signatures](performance.svg)\n"
    page.write_text(f"{before}{BEGIN}\n{picture}```\n{facts}\n\n{render(list(rows))}\n```\n{END}{after}")


def draw(path: Path, rows: Sequence[Row]) -> None:
    """Time above, peak memory below; by images, bytes and signatures."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "airgap", "font.family": "sans-serif", "font.size": 9}
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(2, len(AXES), figsize=(10, 5.5), sharex="col", layout="constrained")
    for (of, label), (above, below) in zip(AXES.items(), panels.T, strict=True):
        for what, points in _curves(rows, of).items():
            counts = [count for count, _ in points]
            above.loglog(counts, [row.ours for _, row in points], marker="o", label=what)
            below.semilogx(counts, [(row.peak or 0) / 2**20 for _, row in points], marker="o", label=what)
        below.axhline(256, linestyle=":", color="grey")
        below.set(xlabel=label, ylim=(0, 280))
        above.legend(frameon=False)
        for panel in (above, below):
            panel.spines[["top", "right"]].set_visible(False)
    panels[0, 0].set_ylabel("seconds")
    panels[1, 0].set_ylabel("peak MiB (limit: 256)")
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    path.write_text("\n".join(line.rstrip() for line in path.read_text().splitlines()) + "\n")


def _curves(rows: Sequence[Row], of: str) -> dict[str, list[tuple[float, Row]]]:
    """The points of each command, by ascending number."""
    found: dict[str, list[tuple[float, Row]]] = defaultdict(list)
    for row in rows:
        if of in row.extra and row.id == "P6":
            found[row.what.partition(",")[0]].append((row.extra[of] / (MB if of == "bytes" else 1), row))
    return {what: sorted(points, key=lambda point: point[0]) for what, points in found.items()}
