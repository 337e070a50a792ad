"""``python -m airgap``."""

from __future__ import annotations

from airgap.cli.main import main

main()
