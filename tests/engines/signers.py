"""Certificates and signatures as other people's tools make them: gpg, Sequoia's sq, rnp and gosop.

Each maker works in an empty folder and gives what its tool is able to make; none of them shares code with airgap.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from airgap.timestamp import parse_rfc3339

PAYLOAD = b'{"what": "was signed"}\n'
MADE, SIGNED = "2024-01-01", "2024-01-10"
MADE_AT = parse_rfc3339(f"{MADE}T00:00:00Z")
_MAIL = "someone@example.org"


@dataclass(frozen=True, slots=True)
class Made:
    """What a tool made: signatures over PAYLOAD by name, and certificates that revoke the key that made them.

    ``short_lived`` is a certificate with a life of 30 days and a signature from within it. ``expired_copy`` is from
    before the certificate was renewed, and was over when the signatures were made.
    """

    certificate: bytes
    signatures: Mapping[str, bytes]
    revoked: Mapping[str, bytes] = field(default_factory=dict)
    short_lived: tuple[bytes, bytes] | None = None
    expired_copy: bytes | None = None


def run(folder: Path, *line: str, stdin: bytes = b"") -> bytes:
    done = subprocess.run(line, input=stdin, capture_output=True, check=False, cwd=folder)
    assert done.returncode == 0, (line, done.stderr.decode())
    return done.stdout


def by_gpg(folder: Path) -> Made:
    folder.chmod(0o700)

    def gpg(day: str, *arguments: str, stdin: bytes = b"") -> bytes:
        clock = ["--faked-system-time", day.replace("-", "") + "T000000!"]
        home = ["--homedir", str(folder), "--batch", "--quiet", "--no-tty", "--passphrase", ""]
        return run(folder, "gpg", *home, *clock, *arguments, stdin=stdin)

    try:
        gpg(MADE, "--quick-generate-key", _MAIL, "ed25519", "sign", "30d")
        old = gpg(MADE, "--export", _MAIL)
        early = gpg(SIGNED, "--sign", stdin=PAYLOAD)
        listing = gpg(MADE, "--with-colons", "--list-keys").decode()
        fingerprint = next(line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr:"))
        gpg(SIGNED, "--quick-set-expire", fingerprint, "0")
        new = gpg(SIGNED, "--export", _MAIL)
        signatures = {
            "inline": gpg("2024-06-01", "--sign", stdin=PAYLOAD),
            "inline-armored": gpg("2024-06-01", "--sign", "--armor", stdin=PAYLOAD),
            "inline-uncompressed": gpg("2024-06-01", "--sign", "--compress-level", "0", stdin=PAYLOAD),
            "detached": gpg("2024-06-01", "--detach-sign", stdin=PAYLOAD),
            "detached-armored": gpg("2024-06-01", "--detach-sign", "--armor", stdin=PAYLOAD),
        }
        prepared = (folder / "openpgp-revocs.d" / f"{fingerprint}.rev").read_bytes()
        gpg("2024-07-01", "--import", stdin=prepared.replace(b":-----BEGIN", b"-----BEGIN"))
        revoked = {"certificate-revoked": gpg("2024-07-01", "--export", _MAIL)}
        return Made(new, signatures, revoked, (old, early), old)
    finally:
        run(folder, "gpgconf", "--homedir", str(folder), "--kill", "all")


def by_sq(suite: str) -> Callable[[Path], Made]:
    def make(folder: Path) -> Made:
        def key(name: str, *options: str) -> bytes:
            line = ["sq", "key", "generate", "--userid", _MAIL, "--cipher-suite", suite, "--export", name]
            run(folder, *line, "--creation-time", MADE, *options)
            return run(folder, "sq", "key", "extract-cert", "--binary", name)

        def sign(name: str, *options: str) -> bytes:
            return run(folder, "sq", "sign", "--signer-key", name, "--time", SIGNED, *options, stdin=PAYLOAD)

        long, short = key("long", "--expires", "never"), key("short", "--expires-in", "30d")
        signatures = {
            "inline": sign("long", "--binary"),
            "inline-armored": sign("long"),
            "detached": sign("long", "--binary", "--detached"),
            "detached-armored": sign("long", "--detached"),
        }
        line = ["sq", "revoke", "certificate", "--binary", "--certificate", "long", "--time"]
        revoked = {
            "hard": long + run(folder, *line, "2024-07-01", "compromised", "lost"),
            "soft-before": long + run(folder, *line, "2024-01-05", "retired", "new key"),
        }
        return Made(long, signatures, revoked, (short, sign("short", "--binary")))

    return make


def by_rnp(*numbers: int) -> Callable[[Path], Made]:
    """``numbers`` answer rnp's questions about the algorithm; without them it makes RSA of 2048 bits."""

    def make(folder: Path) -> Made:
        def home(name: str) -> list[str]:
            (folder / name).mkdir(exist_ok=True)
            return ["--homedir", name, "--password=", "--notty"]

        def key(name: str, life: str) -> bytes:
            answers = "".join(f"{number}\n" for number in numbers).encode()
            line = ["rnpkeys", *home(name), *(["--expert"] if numbers else []), "--current-time", MADE]
            run(folder, *line, "--expiration", life, "--generate-key", "--userid", _MAIL, stdin=answers)
            return run(folder, "rnpkeys", *home(name), "--export-key", _MAIL)

        def sign(name: str, *options: str) -> bytes:
            (folder / "payload").write_bytes(PAYLOAD)
            line = ["rnp", *home(name), "--current-time", SIGNED, "--sign", "-u", _MAIL, *options]
            run(folder, *line, "--overwrite", "--output", "signature", "payload")
            return (folder / "signature").read_bytes()

        long, short = key("long", "0"), key("short", "30d")
        signatures = {
            "inline": sign("long"),
            "inline-armored": sign("long", "--armor"),
            "inline-zip": sign("long", "--zip", "-z", "9"),
            "detached": sign("long", "--detach"),
            "detached-armored": sign("long", "--detach", "--armor"),
        }
        early = sign("short")
        line = ["rnpkeys", *home("long"), "--current-time", "2024-07-01", "--force", "--rev-type", "compromised"]
        run(folder, *line, "--revoke-key", _MAIL)
        revoked = {"hard": run(folder, "rnpkeys", *home("long"), "--export-key", _MAIL)}
        return Made(long, signatures, revoked, (short, early))

    return make


def by_gosop(folder: Path) -> Made:
    """It makes keys without end and detached signatures, now; it can neither revoke nor set a clock."""
    secret = run(folder, "gosop", "generate-key", _MAIL)
    (folder / "secret").write_bytes(secret)
    certificate = run(folder, "gosop", "extract-cert", stdin=secret)
    signatures = {
        "detached": run(folder, "gosop", "sign", "--no-armor", "secret", stdin=PAYLOAD),
        "detached-armored": run(folder, "gosop", "sign", "secret", stdin=PAYLOAD),
    }
    return Made(certificate, signatures)


MAKERS: Mapping[str, tuple[str, Callable[[Path], Made]]] = {
    "gpg-ed25519": ("gpg", by_gpg),
    "sq-cv25519": ("sq", by_sq("cv25519")),
    "sq-rsa4k": ("sq", by_sq("rsa4k")),
    "rnp-rsa2048": ("rnp", by_rnp()),
    "rnp-eddsa": ("rnp", by_rnp(22)),
    "rnp-p256": ("rnp", by_rnp(19, 1)),
    "rnp-p384": ("rnp", by_rnp(19, 2)),
    "rnp-p521": ("rnp", by_rnp(19, 3)),
    "gosop": ("gosop", by_gosop),
}
"""The program that must be installed, and what makes everything with it."""
