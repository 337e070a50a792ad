"""Which image of an index an engine runs: engines that hold one platform, and what is asked of them for it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final

from airgap.errors import EngineError
from airgap.oci.descriptor import Platform
from airgap.oci.graph import Runnable
from airgap.verify import UntrustedImage

_MACHINES: Final = {
    "x86_64": "amd64",
    "aarch64": "arm64",
    "armv7l": "arm",
    "armv6l": "arm",
    "i686": "386",
    "i386": "386",
}


def of_this_machine() -> Platform:
    """In Go's words, as image-spec config.md wants them."""
    machine = os.uname().machine
    return Platform("linux", _MACHINES.get(machine, machine))


def is_this_machine(host: str) -> bool:
    """Whether an engine's host name is ours, so that its folders can be looked at."""
    return host == os.uname().nodename


def require_platform(target: str, host: Platform, image: UntrustedImage) -> None:
    """Raises EngineError(engine-cannot-hold) for an index that has nothing for the engine's platform.

    A single manifest is taken whatever its platform: it was named one by one.
    """
    if image.descriptor.is_index and not any(f"{name}/".startswith(f"{host}/") for name in image.platforms):
        raise EngineError(
            "engine-cannot-hold",
            f"{target} holds images of {host} out of an index, and {image.reference} is for "
            f"{', '.join(image.platforms)}",
            target=target,
            platform=str(host),
            platforms=list(image.platforms),
        )


def matching(runnable: Sequence[Runnable], host: Platform) -> tuple[Runnable, ...]:
    """The images of this platform, of any variant; before configurations were read, those that may turn out to be."""
    wanted = (host.os, host.architecture)
    return tuple(
        one for one in runnable if one.platform is None or (one.platform.os, one.platform.architecture) == wanted
    )


def for_host(runnable: Sequence[Runnable], host: Platform) -> tuple[Runnable, ...]:
    """The images that an engine of this platform might choose; a single image as it is."""
    return matching(runnable, host) or tuple(runnable[:1] if len(runnable) == 1 else ())
