"""scripts/second-opinion agrees on good bundles and the main attacks; scripts/attacks --second-opinion asks of all.

scripts/differential asks sqv and sq about thousands of signatures alone.
"""

from __future__ import annotations

from collections.abc import Callable

import forge
import pytest

from tests.attacks.catalogue import attack
from tests.attacks.lab import IMAGE, RUST, Lab, Opened, by, in_order
from tests.attacks.opinion import ACCEPTED, REFUSED, UNDECIDED, compare, require_programs
from tests.cli.site import sample
from tests.cli.surgery import flipped


def with_a_flipped_blob(lab: Lab) -> bytes:
    opened = lab.good()
    path, data = opened.members[-1]
    opened.swap(path, flipped(data, 100))
    return opened.packed(relist=False)


CASES: dict[str, tuple[int, Callable[[Lab], Opened | bytes]]] = {
    "good": (ACCEPTED, lambda lab: lab.good()),
    "good, detached": (ACCEPTED, lambda lab: lab.signed(by("anna"), by("bert", style="detached"))),
    "good, an index with attestations": (
        ACCEPTED,
        lambda lab: lab.image(forge.image_index([IMAGE], attestations=True)),
    ),
    "good, by a key of version 6": (UNDECIDED, lambda lab: lab.signed(by("anna", 1), by("bert"))),
    "one signer": (REFUSED, lambda lab: lab.signed(by("anna"))),
    "one signer twice": (REFUSED, lambda lab: lab.signed(by("anna"), by("anna", style="plain"))),
    "another digest": (REFUSED, lambda lab: lab.signed(by("anna"), by("bert", digest=sample("evil").digest))),
    "another repository": (REFUSED, lambda lab: lab.signed(by("anna"), by("bert", reference="quay.io/stagex/x"))),
    "no repository": (REFUSED, lambda lab: lab.signed(by("anna"), by("bert", reference=""))),
    "a repository and a new line": (REFUSED, lambda lab: lab.signed(by("anna"), by("bert", reference=f"{RUST}\n"))),
    "a flipped blob": (REFUSED, with_a_flipped_blob),
    "a blob too many": (
        REFUSED,
        lambda lab: lab.image(IMAGE, blobs=in_order(IMAGE) | {forge.images.sha256(b"x"): b"x"}),
    ),
}


@attack("SIG-53")
@pytest.mark.parametrize("name", CASES)
def test_it_says_what_we_say(lab: Lab, name: str) -> None:
    require_programs()
    expected, make = CASES[name]
    made = make(lab)
    path = lab.site.folder / "opinion.airgap.tar.zst"
    path.write_bytes(made if isinstance(made, bytes) else made.packed())
    ours = lab.site.verify(bundle=path)
    assert (ours.code == 0) is (expected != REFUSED)
    assert compare(path, lab.site.trust, ours) == expected
