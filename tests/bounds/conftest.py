"""The trust root of the simulator, on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from airgap.state import create_trust
from tests.bundle.simulator import trust


@pytest.fixture(scope="session")
def trust_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bounds") / "trust"
    create_trust(folder, trust(), {"event": "init"})
    return folder
