"""airgap: carry signed OCI images across an air gap, and decide on the far side by what is already held there."""

from __future__ import annotations

__version__ = "0.1.0"
