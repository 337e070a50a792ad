"""Write the documents, or with --check compare them. Exit status 1: they are not what the code says."""

from __future__ import annotations

import sys
from pathlib import Path

from reference import man, markdown

_DOCS = Path(__file__).resolve().parents[2] / "docs"


def main() -> int:
    wanted = {_DOCS / "reference.md": markdown.text()} | {
        _DOCS / "man" / name: page for name, page in man.pages().items()
    }
    surplus = sorted(set((_DOCS / "man").glob("*")) - set(wanted))
    if "--check" in sys.argv[1:]:
        stale = [path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
        for path in [*stale, *surplus]:
            print(f"{path.relative_to(_DOCS.parent)} is not what the code says: run scripts/make-reference")
        return bool(stale or surplus)
    (_DOCS / "man").mkdir(exist_ok=True)
    for path, text in wanted.items():
        path.write_text(text, encoding="utf-8")
    for path in surplus:
        path.unlink()
    return 0


sys.exit(main())
