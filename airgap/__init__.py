"""airgap: carry signed OCI images across an air gap, and decide on the far side by what is already held there.

As a library it has three functions (docs/library.md); what they give and raise is imported with them, on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from airgap.api import audit_signatures, read_verdict, verify_bundle
    from airgap.errors import AirgapError
    from airgap.results import Audit, AuditedImage, Claim, ImageResult, SignatureResult, Verdict

__version__ = "0.1.0"
__all__ = [
    "AirgapError",
    "Audit",
    "AuditedImage",
    "Claim",
    "ImageResult",
    "SignatureResult",
    "Verdict",
    "__version__",
    "audit_signatures",
    "read_verdict",
    "verify_bundle",
]

_MODULES: Final = {
    "AirgapError": "airgap.errors",
    **dict.fromkeys(("audit_signatures", "read_verdict", "verify_bundle"), "airgap.api"),
    **dict.fromkeys(("Audit", "AuditedImage", "Claim", "ImageResult", "SignatureResult", "Verdict"), "airgap.results"),
}


def __getattr__(name: str) -> Any:
    """PEP 562: ``airgap --version`` should not wait for OpenPGP."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES[name]), name)
