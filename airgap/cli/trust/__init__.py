"""``airgap trust``."""

from __future__ import annotations

from typing import Final

import click

from airgap.cli.lazy import LazyGroup

_MODULES: Final = {
    "init": "airgap.cli.trust.init",
    "show": "airgap.cli.trust.show",
    "update": "airgap.cli.trust.update",
    "revoke": "airgap.cli.trust.revoke",
    "drill": "airgap.cli.trust.drill",
}


@click.group("trust", cls=LazyGroup, modules=_MODULES)
def command() -> None:
    """Pin, show and change whom this machine believes.

    \b
    Example:
      airgap trust init /etc/airgap/trust --maintainers MAINTAINERS \\
          --keyring keyring.pgp --threshold 2
    """
