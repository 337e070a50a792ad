"""Templates by jinja2. Only this module imports it, and only when a report is asked for.

Every value passes `printable` (no control, format or bidirectional character) and then HTML escaping, in this order.
The page may load nothing: its one style sheet and its one script are allowed by their hashes (CSP Level 3 §2.3.1).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from airgap import __version__
from airgap.disk.reading import read_bounded
from airgap.errors import HostError
from airgap.report.escape import printable
from airgap.report.text.rows import size, spaced

_FOLDER: Final = Path(__file__).parent
_TEMPLATE_MAX: Final = 256 * 1024  # bytes of one file of ours


def require_templates() -> None:
    """Raises HostError(extra-missing): better before the work than after it."""
    try:
        import jinja2  # noqa: F401
    except ImportError:
        raise HostError(
            "extra-missing", "--report needs jinja2, which is not installed: pip install 'airgap[report]'"
        ) from None


def page(name: str, values: Mapping[str, object]) -> bytes:
    """The page that a template makes of these values. Raises HostError if our own files cannot be read."""
    import jinja2
    from markupsafe import Markup

    def shown(value: object) -> object:
        return value if isinstance(value, Markup) else printable(str(value))

    # Markup is for our own files: they are no one else's words.
    style, script = Markup(_read("page.css")), Markup(_read("page.js"))  # noqa: S704
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_read),
        autoescape=True,
        finalize=shown,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["size"] = size
    environment.filters["spaced"] = spaced
    ours = {
        "tool": f"airgap {__version__}",
        "style": style,
        "script": script,
        "policy": f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; "
        "base-uri 'none'; form-action 'none'",
    }
    return environment.get_template(f"{name}.html").render({**values, **ours}).encode()


def _read(name: str) -> str:
    return read_bounded(_FOLDER / name, _TEMPLATE_MAX).decode()


def _hash(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
