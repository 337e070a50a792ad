"""What scripts/second-opinion says of a bundle, compared with our verdict: it may see less, and must never see more."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from tests.cli.site import ROOT, Result
from tests.needs import lacking

PROGRAMS: Final = ("bash", "zstd", "tar", "sha256sum", "jq", "sq", "sqv")
ACCEPTED, REFUSED, UNDECIDED = 0, 1, 3

UNSEEN: Final[dict[str, str]] = {
    "frame-not-canonical": "zstd reads every form of frame",
    "trailing-data": "zstd skips frames that are skippable",
    "not-a-bundle": "zstd does, in front of the bundle too",
    "seek-table-differs": "zstd skips the seek table",
    "frame-damaged": "some bits of a frame mean nothing to zstd, and a wrong seek table nothing at all",
    "bundle-truncated": "zstd does not miss a seek table",
    "member-header-differs": "tar interprets headers, and most fields of one do not matter to it",
    "padding-differs": "tar reads no padding",
    "bundle-manifest-invalid": "jq takes NaN, several values, long numbers; no order of images and members",
    "member-unexpected": "index.json, oci-layout and files without a place are hashed, and not compared",
    "member-missing": "the order of blobs is not looked at",
    "limit-exceeded": "it has no limits but on what is unpacked",
    "image-graph-invalid": "contradicting descriptors, types and depth within four indexes",
    "image-manifest-invalid": "members of a manifest that belong to another kind of document; strict JSON",
    "image-config-invalid": "it reads no configuration",
    "media-type-unsupported": "it knows no media types",
    "digest-invalid": "jq hands digests on as they are; other algorithms are looked for as files",
    "platform-ambiguous": "it reads no platforms",
    "partial-layer": "annotations by other names",
    "inline-data-differs": "it reads no inline data",
    "signature-inflates-past-limit": "a file that sq cannot read does not count, and is no reason to refuse",
    "keyring-invalid": "it reads the pinned certificates alone",
    "certificate-secret": "the same",
    "maintainers-invalid": "it does not read MAINTAINERS",
    "repository-out-of-scope": "it knows no scopes and identity rules",
    "older-than-accepted": "it has no memory of what was accepted",
    "quorum-not-met": "subpackets, formats of claims, framing of messages, times and revocations by our stricter rules",
}


def missing() -> list[str]:
    return [name for name in PROGRAMS if shutil.which(name) is None]


def ask(bundle: Path, trust: Path) -> tuple[int, str]:
    """Exit status and words of the script."""
    line = [str(ROOT / "scripts" / "second-opinion"), str(bundle), str(trust)]
    done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode in (ACCEPTED, REFUSED, UNDECIDED), done
    return done.returncode, done.stdout.strip()


def compare(bundle: Path, trust: Path, ours: Result) -> int:
    """Fails where we accept and it refuses, or where it accepts what we refuse for a reason that it should see."""
    status, words = ask(bundle, trust)
    if ours.code == 0:
        assert status != REFUSED, (words, ours)
    elif status == ACCEPTED:
        assert set(ours.kinds) & set(UNSEEN), (words, ours)
    return status


def require_programs() -> None:
    if absent := missing():
        lacking(f"not installed: {', '.join(absent)}")


def wanted() -> bool:
    """Whether each attack is to be judged by the script, too (`scripts/attacks --second-opinion`); it takes a while."""
    return os.environ.get("AIRGAP_SECOND_OPINION") == "1"
