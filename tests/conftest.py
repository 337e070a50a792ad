"""What all tests share: how Hypothesis runs on a machine that may be busy, the same way every time."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("airgap", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("airgap")
