"""The people of docs/story.md, docs/tutorial.md and docs/howto/: what their words stand for: `release`, `build` …

Run as a program, ``python words.py WORD ARGUMENT…``, in the stage's folder, with GNUPGHOME and STORY_TIME set.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import forge
from forge import Layer, Person

REPOSITORY = "docker.io/stagex/tool"
_MADE = "20240101T000000!"


def gpg(*arguments: str, stdin: bytes = b"", at: str | None = None) -> bytes:
    line = ["/usr/bin/gpg", "--batch", "--quiet", "--no-tty", "--faked-system-time", at or os.environ["STORY_TIME"]]
    return subprocess.run([*line, *arguments], input=stdin, capture_output=True, check=True).stdout


def fingerprint_of(nick: str) -> str:
    listing = gpg("--with-colons", "--list-keys", f"{nick}@example.org").decode()
    return next(line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr:"))


def people(*nicks: str) -> None:
    """Make keys; done before the story begins."""
    for nick in nicks:
        recipe = "%no-protection\nKey-Type: EDDSA\nKey-Curve: ed25519\nKey-Usage: sign\n"
        recipe += f"Name-Real: {nick}\nName-Email: {nick}@example.org\n%commit\n"
        gpg("--gen-key", stdin=recipe.encode(), at=_MADE)


def maintainers(*nicks: str) -> None:
    print(
        forge.maintainers_toml([Person(nick, nick, f"{nick}@example.org", (fingerprint_of(nick),)) for nick in nicks])
    )


def release(version: str, *nicks: str) -> None:
    """Build the image called ``version`` in the layout `images`, and let these people sign its digest."""
    _release(version, _content(version), "gzip", nicks)


def tag(name: str, version: str, *nicks: str) -> None:
    """A release whose signatures name a tag, too: only then may an image have that tag."""
    _release(version, _content(version), "gzip", nicks, f"{REPOSITORY}:{name}")


def large(version: str, *nicks: str) -> None:
    """The same with 20 MB that do not compress."""
    _release(version, random.Random(version).randbytes(20_000_000), "none", nicks)


def _release(version: str, tool: bytes, compression: str, nicks: Sequence[str], signed_as: str = REPOSITORY) -> None:
    image = _image(tool, compression)
    forge.write_layout(Path("images"), {version: image})
    claim = forge.claim(signed_as, image.digest)
    files = [gpg("-u", f"{nick}@example.org", "--sign", stdin=claim) for nick in nicks]
    forge.write_lookaside(Path("signatures"), REPOSITORY.removeprefix("docker.io/"), image.digest, files)


def build(version: str) -> None:
    """Build the image called ``version`` in the layout `built`, for oneself."""
    forge.write_layout(Path("built"), {version: _image(_content(version), "gzip")})


def _content(version: str) -> bytes:
    return f"version {version}\n".encode()


def _image(tool: bytes, compression: str) -> forge.Sample:
    return forge.image([Layer({"bin/tool": tool}, compression)])


def revoke(nick: str) -> None:
    """Publish the revocation certificate that gpg made together with the key."""
    path = Path(os.environ["GNUPGHOME"]) / "openpgp-revocs.d" / f"{fingerprint_of(nick)}.rev"
    gpg("--import", stdin=path.read_bytes().replace(b"\n:---", b"\n---"))


def attack(bundle: str) -> None:
    """A whole other world with the same names in it."""
    home = Path("attacker")
    home.mkdir(mode=0o700)
    os.environ["GNUPGHOME"] = str(home.absolute())
    people("anna", "bert", "dora")
    os.chdir(home)
    with open("MAINTAINERS", "w", encoding="utf-8") as file:
        subprocess.run([sys.executable, __file__, "maintainers", "anna", "bert", "dora"], stdout=file, check=True)
    Path("keyring.pgp").write_bytes(gpg("--export"))
    release("4", "anna", "bert", "dora")
    source = [f"{REPOSITORY}=oci:images:4", "--maintainers", "MAINTAINERS", "--keyring", "keyring.pgp"]
    subprocess.run(
        ["airgap", "export", *source, "--signatures", "signatures", "-o", Path("..") / bundle],
        check=True,
        stdout=subprocess.DEVNULL,
    )


if __name__ == "__main__":
    {one.__name__: one for one in (people, maintainers, release, tag, large, build, revoke, attack)}[sys.argv[1]](
        *sys.argv[2:]
    )
