"""Erasure coding by zfec (Reed-Solomon over GF(2^8), systematic). Only this module imports it, and only when used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from airgap.errors import HostError

SYMBOLS_MAX: Final = 256  # blocks of a column, recovery included: the size of the field


def require_erasure_coding() -> None:
    """Raises HostError(extra-missing): better before the first byte than after the last."""
    try:
        import zfec  # noqa: F401
    except ImportError:
        raise HostError(
            "extra-missing", "recovery needs zfec, which is not installed: pip install 'airgap[recovery]'"
        ) from None


class Code:
    """``shards`` blocks of data and ``rows`` of recovery; any ``shards`` of all of them give the data back."""

    def __init__(self, shards: int, rows: int) -> None:
        import zfec

        self._shards = shards
        self._rows = rows
        self._encoder = zfec.Encoder(shards, shards + rows)
        self._decoder = zfec.Decoder(shards, shards + rows)

    def encode(self, data: Sequence[bytes]) -> Sequence[bytes]:
        """The recovery blocks for these blocks of data, all of one length."""
        encoded: Sequence[bytes] = self._encoder.encode(data, range(self._shards, self._shards + self._rows))
        return encoded

    def decode(self, data: Mapping[int, bytes], recovery: Mapping[int, bytes]) -> dict[int, bytes]:
        """The missing blocks of data by number, from as many recovery blocks (by row) as are missing."""
        missing = [number for number in range(self._shards) if number not in data]
        rows = sorted(recovery)[: len(missing)]
        if len(rows) < len(missing):
            raise ValueError("fewer recovery blocks than blocks are missing")
        # zfec wants a block of data at its own place, and recovery blocks in the gaps.
        spare = iter(rows)
        numbers, blocks = [], []
        for number in range(self._shards):
            if number in data:
                numbers.append(number)
                blocks.append(data[number])
            else:
                row = next(spare)
                numbers.append(self._shards + row)
                blocks.append(recovery[row])
        decoded = self._decoder.decode(blocks, numbers)
        return {number: decoded[number] for number in missing}
