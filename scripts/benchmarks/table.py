"""Rows of figures: as one text table, and as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

MB = 10**6
COLUMNS = (
    "",
    "what",
    "airgap",
    "by hand",
    "by hand / airgap",
    "goal",
    "airgap MB/s",
    "CPU s",
    "peak MiB",
    "by hand: CPU s",
    "peak MiB",
)


@dataclass
class Row:
    """One measured thing. ``ratio`` is theirs by ours: above 1 airgap is faster; ``amount`` is in bytes of content."""

    id: str
    what: str
    ours: float | None = None
    theirs: float | None = None
    ratio: float | None = None
    spread: tuple[float, float] | None = None
    goal: str = ""
    met: bool | None = None
    amount: int | None = None
    cpu: float | None = None
    peak: int | None = None
    their_cpu: float | None = None
    their_peak: int | None = None
    note: str = ""
    extra: dict[str, float] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        return {key: value for key, value in asdict(self).items() if value not in (None, "", {})}

    def cells(self) -> tuple[str, ...]:
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        if self.spread is not None:
            ratio += f" ({self.spread[0]:.2f}–{self.spread[1]:.2f})"
        goal = self.goal + {None: "", True: " ✓", False: " ✗"}[self.met]
        speed = "" if not self.amount or not self.ours else f"{self.amount / self.ours / MB:.0f}"
        return (
            self.id,
            self.what,
            _seconds(self.ours),
            _seconds(self.theirs),
            ratio,
            goal,
            speed,
            _number(self.cpu),
            _mebibytes(self.peak),
            _number(self.their_cpu),
            _mebibytes(self.their_peak),
        )


def render(rows: list[Row]) -> str:
    cells = [COLUMNS, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(COLUMNS))]
    lines = []
    for number, line in enumerate(cells):
        padded = [
            text.ljust(width) if column in (0, 1, 5) else text.rjust(width)
            for column, (text, width) in enumerate(zip(line, widths, strict=True))
        ]
        lines.append("  ".join(padded).rstrip())
        if number and rows[number - 1].note:
            lines.append(" " * (widths[0] + 4) + rows[number - 1].note)
    return "\n".join(lines)


def _seconds(value: float | None) -> str:
    if value is None:
        return ""
    if value < 0.01:
        return f"{value * 1e3:.2f} ms"
    return f"{value * 1e3:.0f} ms" if value < 1 else f"{value:.2f} s"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _mebibytes(value: int | None) -> str:
    return "" if value is None else f"{value / 2**20:.0f}"
