"""The progress bar on a terminal: stage, share, throughput, time left; always on stderr."""

from __future__ import annotations

import time
from typing import Final

import click

from airgap.cli.output import BAR
from airgap.report.text.rows import size

_PERIOD: Final = 0.1  # seconds between two drawings
_WIDTH: Final = 24  # characters of the bar itself
_BYTES_FROM: Final = 100_000  # totals below this are counts of things, not bytes


class Bar:
    """Draws on one line, and wipes it when the next stage begins, something is printed or the program ends."""

    def __init__(self) -> None:
        self._name = ""
        self._total: int | None = None
        self._done = 0
        self._started = self._drawn = 0.0
        context = click.get_current_context()
        context.meta[BAR] = self._wipe
        context.call_on_close(self._wipe)

    def stage(self, name: str, total: int | None) -> None:
        self._name, self._total, self._done = name, total, 0
        self._started = time.monotonic()
        self._draw()

    def advance(self, amount: int) -> None:
        self._done += amount
        if time.monotonic() - self._drawn >= _PERIOD:
            self._draw()

    def _draw(self) -> None:
        self._drawn = time.monotonic()
        click.echo(f"\r\x1b[K{self._line()}", err=True, nl=False)

    def _line(self) -> str:
        if not self._total:
            return f"{self._name} …"
        share = min(self._done / self._total, 1.0)
        filled = int(share * _WIDTH)
        line = f"{self._name:<20} [{'#' * filled}{'.' * (_WIDTH - filled)}] {share:4.0%}"
        elapsed = self._drawn - self._started
        if elapsed > 1 and self._done:
            left = int(elapsed / self._done * (self._total - self._done))
            speed = f"  {size(int(self._done / elapsed))}/s" if self._total >= _BYTES_FROM else ""
            line += f"{speed}  {left // 60}:{left % 60:02d} left"
        return line

    def _wipe(self) -> None:
        if self._drawn:
            click.echo("\r\x1b[K", err=True, nl=False)
            self._drawn = 0.0
