"""``airgap policy``."""

from __future__ import annotations

from typing import Final

import click

from airgap.cli.lazy import LazyGroup

_MODULES: Final = {"write": "airgap.cli.policy.write"}


@click.group("policy", cls=LazyGroup, modules=_MODULES)
def command() -> None:
    """Let podman, CRI-O and skopeo enforce the same signatures.

    \b
    Example:
      airgap policy write --trust /etc/airgap/trust --store /srv/airgap \\
          -o /etc/airgap/policy-2
    """
