"""Real tools: gpg that signs, and skopeo, umoci and buildah that make and read images.

A tool that is not installed skips its tests, unless AIRGAP_FORBID_SKIPS=1 says that it ought to be there.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.engines.gpg import Gpg
from tests.engines.tools import Tools


def require(*names: str) -> None:
    """Skip, or fail where skips are forbidden, unless all these programs are installed."""
    missing = [name for name in names if shutil.which(name) is None]
    if not missing:
        return
    reason = f"not installed: {', '.join(missing)}"
    if os.environ.get("AIRGAP_FORBID_SKIPS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def tools(tmp_path: Path) -> Tools:
    """The programs, each asked for by name: `tools.need("skopeo")`."""
    return Tools(tmp_path / "tools", require)


@pytest.fixture(scope="session")
def gpg() -> Iterator[Gpg]:
    """Four maintainers in one GNUPGHOME; its path is short, as sockets want it."""
    require("gpg", "gpgconf", "jq")
    with TemporaryDirectory(prefix="gpg", dir="/tmp") as folder:
        found = Gpg(Path(folder))
        try:
            found.make_keys()
            yield found
        finally:
            found.stop()
