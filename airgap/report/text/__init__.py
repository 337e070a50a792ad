"""Documents as text for people: the verdict line first, then who signed what, then what to do.

Every string is escaped here, on its way out; nothing else in the package writes for people. A view is imported when a
document of its schema is shown: a command should not wait for the words of all others.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, Final

from airgap.report.escape import printable
from airgap.report.text.rows import digests

_MODULES: Final = {
    "airgap/verdict/v1": "airgap.report.text.verdict",
    "airgap/inspection/v1": "airgap.report.text.verdict",
    "airgap/check-digest/v1": "airgap.report.text.verdict",
    "airgap/export/v1": "airgap.report.text.export",
    "airgap/parts/v1": "airgap.report.text.export",
    "airgap/join/v1": "airgap.report.text.export",
    "airgap/repair/v1": "airgap.report.text.export",
    "airgap/media/v1": "airgap.report.text.media",
    "airgap/trust/v1": "airgap.report.text.trust",
    "airgap/trust-update/v1": "airgap.report.text.trust",
    "airgap/drill/v1": "airgap.report.text.trust",
    "airgap/log/v1": "airgap.report.text.log",
    "airgap/log-check/v1": "airgap.report.text.log",
    "airgap/signatures/v1": "airgap.report.text.signatures",
    "airgap/audit/v1": "airgap.report.text.signatures",
    "airgap/policy/v1": "airgap.report.text.policy",
    "airgap/kit/v1": "airgap.report.text.kit",
    "airgap/store/v1": "airgap.report.text.store",
    "airgap/store-sweep/v1": "airgap.report.text.store",
    "airgap/diff/v1": "airgap.report.text.diff",
    "airgap/error/v1": "airgap.report.text.rows",
}


def render(document: Mapping[str, Any], *, full: bool = False) -> str:
    """The text view of any document of ours. ``full`` shows whole digests in tables, too."""
    schema = str(document["schema"])
    view = importlib.import_module(_MODULES[schema]).VIEWS[schema]
    with digests(full=full):
        return "\n".join(printable(line) for line in view(document))
