"""``airgap store``."""

from __future__ import annotations

from typing import Final

import click

from airgap.cli.lazy import LazyGroup

_MODULES: Final = {
    "list": "airgap.cli.store.list_",
    "rm": "airgap.cli.store.rm",
    "gc": "airgap.cli.store.gc",
}


@click.group("store", cls=LazyGroup, modules=_MODULES)
def command() -> None:
    """See what the store holds, and make room in it.

    \b
    Example:
      airgap store list --store /srv/airgap
    """
