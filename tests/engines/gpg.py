"""gpg as the maintainers use it."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import forge
from forge import Person

_MADE, _SIGNED = "20240101T000000!", "20250601T000000!"

KINDS = {
    "anna": ("RSA", "4096", "cert", "Subkey-Type: RSA\nSubkey-Length: 4096\nSubkey-Usage: sign\n"),
    "bert": ("RSA", "3072", "sign", ""),
    "carl": ("EDDSA", "ed25519", "sign", ""),
    "dora": ("ECDSA", "nistp256", "sign", ""),
}
"""RSA-4096 with signing subkey, RSA-3072, Ed25519, NIST P-256."""


@dataclass(slots=True)
class Gpg:
    """One GNUPGHOME. Time stands still: keys are of 2024-01-01, signatures of 2025-06-01."""

    home: Path
    fingerprints: dict[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, stdin: bytes = b"", at: str = _SIGNED, check: bool = True) -> bytes:
        line = ["gpg", "--homedir", str(self.home), "--batch", "--quiet", "--no-tty", "--faked-system-time", at]
        return subprocess.run([*line, *arguments], input=stdin, capture_output=True, check=check).stdout

    def make_keys(self) -> None:
        for nick, (type_, size, usage, subkey) in KINDS.items():
            length = "Key-Length" if size.isdigit() else "Key-Curve"
            recipe = f"%no-protection\nKey-Type: {type_}\n{length}: {size}\nKey-Usage: {usage}\n{subkey}"
            recipe += f"Name-Real: {nick}\nName-Email: {nick}@example.org\n%commit\n"
            self.run("--gen-key", stdin=recipe.encode(), at=_MADE)
            listing = self.run("--with-colons", "--list-keys", f"{nick}@example.org").decode()
            self.fingerprints[nick] = next(
                line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr:")
            )

    def export(self, *options: str) -> bytes:
        return self.run("--export", *options)

    def maintainers(self) -> str:
        people = [Person(nick, nick, f"{nick}@example.org", (fpr,)) for nick, fpr in self.fingerprints.items()]
        return forge.maintainers_toml(people)

    def sign(self, nick: str, payload: bytes) -> bytes:
        """`printf claim | gpg --sign --no-armor`, as StageX signs."""
        return self.run("-u", f"{nick}@example.org", "--sign", "--no-armor", stdin=payload)

    def detach(self, nick: str, payload: bytes) -> bytes:
        """`gpg --detach-sign`, as the tutorial does over the output of jq."""
        return self.run("-u", f"{nick}@example.org", "--detach-sign", stdin=payload)

    def stop(self) -> None:
        subprocess.run(["gpgconf", "--homedir", str(self.home), "--kill", "all"], check=False, capture_output=True)


def pretty(claim: bytes) -> bytes:
    """`jq .`"""
    return subprocess.run(["jq", "."], input=claim, capture_output=True, check=True).stdout
