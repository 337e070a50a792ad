"""Every way in which airgap refuses, with the exit status and the next step.

AirgapError
├── UsageError        2    the command line asks for something that cannot be
├── FormatError      10    AG1xx  malformed, not canonical, unknown version, over a limit
├── IntegrityError   20    AG2xx  damaged, truncated, another digest or size
├── OpenPGPError     30    AG3xx  this signature or certificate does not count
├── UntrustedError   30    AG40x  claim, identity, scope or quorum
├── TrustRootError   40    AG42x  the pinned trust root is missing or unusable
├── RollbackError    41    AG44x  older than what this machine has accepted
├── SourceError      50    AG5xx  not found, or not what was asked for, on export
├── EngineError      60    AG6xx  a load failed or cannot be confirmed
├── HostError        70    AG7xx  disk, permission, lock
└── Interrupted     130

An error carries facts as data; its text is made for an operator who cannot telephone: what was refused, what was
expected and what was found, and (``hint``) what to do next. ``kind`` and ``code`` never change once published.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

Fact = str | int | bool | None | list[str]


@dataclass(frozen=True, slots=True)
class Kind:
    """One published kind of refusal: its number and the advice that fits every case of it."""

    number: int
    hint: str


_ANOTHER_COPY = (
    "Take another copy of the bundle from the medium or the sender and compare its id; or, if recovery files came with "
    "it (.rec.001 …), try `airgap repair`."
)
_ANOTHER_PART = (
    "Take another copy of this part alone; the sender can make it again (`airgap split --only N`), byte for byte. "
    "With recovery files (.rec.001 …), `airgap repair` can do without."
)
_NOT_OURS = (
    "Check that this is the file that `airgap export` wrote. If it is, take another copy of it; if that is refused, "
    "too, keep the medium and ask the sender for the bundle id."
)
_REPORT = "Please report this with the message above; nothing was verified or loaded."
_ASK_SIGNER = "Ask the maintainer for a new signature, made with plain `gpg --sign` (or `--detach-sign`)."
_NEW_KEYRING = "Fetch a current copy of this certificate on the connected side and export again."
_BAD_IMAGE = "Build or pull the image again; the file does not follow the OCI image specification."

KINDS: Final[Mapping[str, Kind]] = {
    # 0xx: not about the input
    "unforeseen": Kind(0, _REPORT),
    "usage": Kind(1, "See `airgap COMMAND --help` for the options and an example."),
    "interrupted": Kind(2, "Nothing half-done counts. Run it again: import and export go on with what there is."),
    # 1xx: format
    "not-a-bundle": Kind(101, _NOT_OURS),
    "frame-not-canonical": Kind(102, _NOT_OURS),
    "trailing-data": Kind(103, _NOT_OURS),
    "member-header-differs": Kind(105, _NOT_OURS),
    "padding-differs": Kind(106, _NOT_OURS),
    "bundle-manifest-invalid": Kind(107, _NOT_OURS),
    "bundle-version-unknown": Kind(108, "Install a newer airgap on this machine, or export again with an older one."),
    "bundle-feature-unknown": Kind(109, "Install a newer airgap on this machine, or export again without the feature."),
    "limit-exceeded": Kind(110, "Split the work into smaller bundles; the limits are listed in bundles/FORMAT.md."),
    "member-unexpected": Kind(111, _NOT_OURS),
    "member-missing": Kind(112, _NOT_OURS),
    "image-graph-invalid": Kind(120, _BAD_IMAGE),
    "image-manifest-invalid": Kind(121, _BAD_IMAGE),
    "image-config-invalid": Kind(122, _BAD_IMAGE),
    "media-type-unsupported": Kind(123, "Convert the image to OCI or docker schema 2 media types before signing it."),
    "digest-invalid": Kind(124, "Only sha256 digests in lower-case hex are accepted: sha256:<64 hex digits>."),
    "external-layer": Kind(125, "Rebuild the image with ordinary layers; layers fetched from a URL cannot be carried."),
    "partial-layer": Kind(126, "Push the layer again as plain gzip or zstd; a table of contents is not covered by it."),
    "platform-ambiguous": Kind(127, "Name each platform once in the index, and sign it again."),
    "reference-invalid": Kind(128, "Write it as HOST/PATH[:TAG], in lower case, as in docker.io/stagex/pallet-rust."),
    "maintainers-invalid": Kind(130, "Use StageX's MAINTAINERS file in TOML form, as published since 2024."),
    "keyring-invalid": Kind(131, "Export the keyring again with `gpg --export FINGERPRINT… > keyring.pgp`."),
    "policy-invalid": Kind(132, "Correct it (containers-policy.json(5)), or give scopes with --repository."),
    "digest-list-invalid": Kind(133, "Each line is `HEX NAME`, as in StageX's digests/*.txt."),
    "signature-inflates-past-limit": Kind(
        134, "This signature file is hostile. Keep the medium, and ask who wrote to it since it left the sender."
    ),
    "receipt-invalid": Kind(
        135, "Ask the other side for it again (`airgap import --receipt`, `airgap verify --store DIR --receipt`)."
    ),
    "document-invalid": Kind(
        136,
        "Give what `airgap verify` or `airgap import` printed with --format json, whole and unchanged.",
    ),
    "parts-of-several-bundles": Kind(
        140, "Name one part of the set that you mean, or the folder that holds only that."
    ),
    # 2xx: integrity
    "bundle-truncated": Kind(201, _ANOTHER_COPY),
    "frame-damaged": Kind(202, _ANOTHER_COPY),
    "member-differs": Kind(203, _ANOTHER_COPY),
    "manifest-digest-differs": Kind(204, _ANOTHER_COPY),
    "blob-differs": Kind(205, _ANOTHER_COPY),
    "blob-size-differs": Kind(206, _ANOTHER_COPY),
    "inline-data-differs": Kind(207, _BAD_IMAGE),
    "seek-table-differs": Kind(208, _ANOTHER_COPY),
    "part-missing": Kind(
        220, "Bring the missing part, in any folder; the sender can make it alone (airgap split --only)."
    ),
    "part-damaged": Kind(221, _ANOTHER_PART),
    "part-label-differs": Kind(222, _ANOTHER_PART),
    "part-foreign": Kind(223, "Take it away, or name only the parts of one set."),
    "part-doubled": Kind(224, "Judge each with `airgap verify --part FILE`, and name only the good one."),
    "recovery-damaged": Kind(225, "Take another copy of the recovery file, if the bundle itself is damaged, too."),
    "recovery-not-enough": Kind(
        226, "Copy from another medium what can be read there, and give both copies to repair."
    ),
    "recovery-missing": Kind(227, "Give the recovery files (.rec.001 …), too; without them take another copy."),
    "file-differs": Kind(228, "Write it to the medium again, or take another medium."),
    "installation-differs": Kind(
        229, "Find out who changed it; then install airgap again from where you trust it, and make the kit with that."
    ),
    "rebuild-differs": Kind(230, "Do not use it as theirs: compare the sources and tools of both builds."),
    "delta-base-missing": Kind(
        231,
        "Ask for a full bundle (exported without --since); or send a new receipt (`airgap verify --store DIR --receipt "
        "FILE`) and ask for a bundle made --since it. Nothing was written.",
    ),
    "delta-base-not-given": Kind(
        232, "Name the store that it is for (`airgap verify BUNDLE --store DIR`), or ask for a full bundle."
    ),
    # 3xx: OpenPGP
    "armor-malformed": Kind(301, _ASK_SIGNER),
    "message-malformed": Kind(302, _ASK_SIGNER),
    "compression-nested": Kind(303, _ASK_SIGNER),
    "compression-malformed": Kind(304, _ASK_SIGNER),
    "cleartext-framework": Kind(305, "Sign with `gpg --sign` or `--detach-sign`, not `--clearsign`."),
    "signature-too-large": Kind(306, _ASK_SIGNER),
    "one-pass-mismatch": Kind(307, _ASK_SIGNER),
    "signature-malformed": Kind(308, _ASK_SIGNER),
    "signature-version-unsupported": Kind(309, "Sign with a current OpenPGP program; versions 4 and 6 count."),
    "signature-type-not-binary": Kind(310, "Sign the exact bytes (`gpg --sign`), not as text (`--textmode`)."),
    "version-mismatch": Kind(311, _ASK_SIGNER),
    "creation-time-missing": Kind(312, _ASK_SIGNER),
    "issuer-missing": Kind(313, _ASK_SIGNER),
    "issuer-mismatch": Kind(314, _ASK_SIGNER),
    "critical-subpacket-unknown": Kind(315, _ASK_SIGNER),
    "critical-notation-unknown": Kind(316, _ASK_SIGNER),
    "weak-hash": Kind(317, "Sign with SHA-256 or better (`gpg --digest-algo SHA256`)."),
    "weak-key": Kind(318, "Sign with RSA of 2048 bits or more, Ed25519, Ed448 or NIST ECDSA."),
    "algorithm-unsupported": Kind(319, "Sign with RSA, Ed25519, Ed448 or ECDSA over P-256, P-384 or P-521."),
    "signature-from-the-future": Kind(320, "Check the clock of this machine, or give the true time with --at."),
    "signature-expired": Kind(321, _ASK_SIGNER),
    "signature-older-than-key": Kind(322, _ASK_SIGNER),
    "bad-signature": Kind(323, "The bytes are not those that were signed. Fetch image and signature again."),
    "payload-missing": Kind(325, "Give the signed file with --payload, or the image with --reference and --digest."),
    "no-certificate": Kind(324, "Add the signer's certificate to the keyring, if the signer is a maintainer."),
    "certificate-malformed": Kind(330, "Export the certificate again with `gpg --export FINGERPRINT`."),
    "certificate-secret": Kind(331, "Never carry secret keys. Export with `gpg --export`, not --export-secret-keys."),
    "certificate-version-unsupported": Kind(332, "Only version 4 and version 6 certificates count."),
    "no-self-signature": Kind(333, _NEW_KEYRING),
    "self-signature-expired": Kind(334, _NEW_KEYRING),
    "weak-hash-in-certificate": Kind(335, "Ask the maintainer to re-sign the certificate with SHA-256 or better."),
    "certificate-expired-at-signature-time": Kind(336, _NEW_KEYRING),
    "certificate-revoked": Kind(337, "Signatures of a revoked certificate do not count. Ask for another maintainer's."),
    "subkey-not-bound": Kind(338, "This subkey is not vouched for by its certificate; treat the keyring as hostile."),
    "subkey-back-signature-missing": Kind(
        339, "Ask the maintainer to cross-certify (`gpg --edit-key`, cross-certify)."
    ),
    "subkey-expired-at-signature-time": Kind(340, _NEW_KEYRING),
    "subkey-revoked": Kind(341, "Signatures of a revoked subkey do not count. Ask for another maintainer's."),
    "key-not-for-signing": Kind(342, "The maintainer must sign with a key that carries the signing flag."),
    "subkey-shared": Kind(343, "Two certificates claim this key: it speaks for nobody. Inspect the keyring."),
    "self-signature-newer-than-signature": Kind(
        344, "Fetch the full certificate, with its older self-signatures (`gpg --export`, not export-minimal)."
    ),
    "certificate-expired-now": Kind(345, "The trust root is strict about expiry. Ask for a signature by a live key."),
    # 40x: trust decisions
    "quorum-not-met": Kind(401, "Wait for more maintainers to sign, fetch their signatures, and export again."),
    "claim-malformed": Kind(402, "The signed payload is no container signature; sign the claim that podman writes."),
    "claim-format-not-allowed": Kind(
        403, "Allow StageX's older claims with --claim-format stagex-legacy when the trust root is made."
    ),
    "claim-digest-mismatch": Kind(404, "This signature is for another image; fetch the one made for this digest."),
    "claim-identity-mismatch": Kind(
        405, "It was signed under another name; give that name on export: NAME=SOURCE, or --from NAME=PREFIX."
    ),
    "repository-out-of-scope": Kind(406, "Add the repository to the trust root's scopes, if it belongs there."),
    "not-a-maintainer": Kind(407, "Compare the fingerprint over another channel before adding this person."),
    "image-unsigned": Kind(408, "Fetch the signatures of this image into the lookaside folder, and export again."),
    "required-signer-missing": Kind(
        409, "The trust root insists on these people. Ask one of them to sign, fetch the signature, and export again."
    ),
    # 42x: trust root
    "trust-root-missing": Kind(
        420,
        "Give its folder with --trust, or make one: `airgap trust init DIR --maintainers … --keyring … --threshold N`.",
    ),
    "trust-root-invalid": Kind(421, "Restore the trust folder from your backup; do not initialise it again in haste."),
    "trust-root-exists": Kind(422, "Choose another folder, or look at this one with `airgap trust show`."),
    "threshold-invalid": Kind(423, "Choose a threshold of at least 1 and at most the number of people."),
    "key-of-two-people": Kind(424, "Correct MAINTAINERS: a fingerprint, and a secret key, is exactly one person's."),
    "not-confirmed": Kind(425, "Compare the fingerprints, then type the word that is asked for (or use --yes)."),
    "rotation-not-authorised": Kind(
        426,
        "Collect more signatures over the exact bytes of MAINTAINERS (`gpg --detach-sign MAINTAINERS`), and adopt "
        "every version in between first; or compare the fingerprints over another channel and use --by-hand.",
    ),
    "audit-log-damaged": Kind(
        427, "Restore the trust folder from your backup, and find out who or what changed it. Nothing was decided."
    ),
    "person-unknown": Kind(428, "`airgap trust show` lists the people and fingerprints of this trust root."),
    "required-people-unknown": Kind(429, "Name people of MAINTAINERS, each group after one --require-one-of."),
    # 44x: rollback
    "older-than-accepted": Kind(
        440, "Carry the newest image. If the older one is really wanted, import with --allow-older; that is logged."
    ),
    "maintainers-older": Kind(
        441, "Fetch the current MAINTAINERS and its signatures; an older one is adopted with --by-hand only."
    ),
    # 5xx: sources
    "source-not-found": Kind(501, "Check the path or the reference; nothing was written."),
    "source-invalid": Kind(502, "Make the layout or archive again, for example with `skopeo copy … oci:DIR:REF`."),
    "source-ambiguous": Kind(503, "Name one image of it: oci:DIR:REF."),
    "source-name-missing": Kind(504, "Say which repository it is: docker.io/stagex/NAME=SOURCE."),
    "platform-not-found": Kind(505, "Use one of the platforms that the image has, or --platform all."),
    "digest-list-mismatch": Kind(506, "The image is not the one that the digest list names; pull it again."),
    "signatures-not-found": Kind(507, "Point --signatures at the root of a lookaside tree (`NAME@sha256=…` folders)."),
    "registry-unreachable": Kind(520, "Check the name of the host and the network, and run the command again."),
    "registry-denied": Kind(
        521, "Log in with `podman login` or `skopeo login`, as a user who may read this repository."
    ),
    "registry-answer-invalid": Kind(522, "Compare with `skopeo inspect --raw docker://…`, or use another mirror."),
    "credentials-invalid": Kind(523, "Mend the file or the helper, or point REGISTRY_AUTH_FILE at another file."),
    "registry-not-trusted": Kind(
        524, "Give the certificate of its authority with --ca-file; for http on this machine, --plain-http."
    ),
    "digest-not-kept": Kind(
        525, "Export from docker://… or, after `skopeo copy --all --preserve-digests`, from oci:DIR:REF."
    ),
    "packages-not-found": Kind(
        530,
        "Read what pip says: is its index in reach (`pip config list`), with wheels for this Python and platform? "
        "Some packages have none for some platforms (zfec: --no-recovery leaves it out).",
    ),
    "package-invalid": Kind(
        531, "Remove pip's cache (`pip cache purge`) and run the command again, or mend the index."
    ),
    "installation-incomplete": Kind(
        532, "Install airgap with pip in a new environment, from a wheel or a checkout, and make the kit with that."
    ),
    # 6xx: engines
    "engine-digest-differs": Kind(602, "The engine holds something else than what was verified; do not run it."),
    "target-unsupported": Kind(603, "Use one of these, or load the store with a tool of your own."),
    "target-occupied": Kind(604, "Choose an empty folder, or an OCI layout that airgap may add to."),
    "engine-unreachable": Kind(605, "Start the engine (or install its client program), then run the command again."),
    "engine-failed": Kind(606, "Read what the engine says, mend it there, then run the command again."),
    "engine-cannot-hold": Kind(607, "Load it into another target: the store, oci:DIR, containerd or a registry."),
    "tag-elsewhere": Kind(608, "Find out which of the two is wanted; --allow-retag moves the tag, and records it."),
    "target-denied": Kind(609, "Log in with `podman login HOST` or `docker login HOST`, as a user who may push there."),
    # 7xx: host
    "disk-full": Kind(701, "Free some space and run the same command again; nothing half-done counts."),
    "input-output": Kind(702, "Check the device and its cable or permissions, then run the command again."),
    "permission-denied": Kind(703, "Run as a user who may read the input and write the output folder."),
    "store-locked": Kind(704, "Another airgap is at work on this folder. Wait for it to end, then try again."),
    "not-a-regular-file": Kind(705, "Give the path of a plain file."),
    "file-not-found": Kind(706, "Check the path and that the medium is mounted."),
    "output-exists": Kind(724, "Name a new folder; what is there may be in use."),
    "program-not-found": Kind(720, "Install it, or choose a way that does not need it."),
    "program-timed-out": Kind(721, "Look at what it waits for (a daemon, a lock, the network), then try again."),
    "program-output-too-large": Kind(722, "Run the program by hand to see what is wrong with it."),
    "extra-missing": Kind(
        723,
        "Install it with pip, as the message says; without a network, by a kit made with `airgap kit --extra`.",
    ),
}


class AirgapError(Exception):
    """A typed refusal. ``kind`` is a key of KINDS; ``facts`` hold what the text was made from."""

    exit_status: ClassVar[int] = 1

    def __init__(self, kind: str, message: str, *, hint: str | None = None, **facts: Fact) -> None:
        self.kind = kind
        self.message = message
        self.facts = facts
        self.hint = KINDS[kind].hint if hint is None else hint
        super().__init__(message)

    def __reduce__(self) -> tuple[object, ...]:
        """Errors come back whole from worker processes."""
        return _rebuild, (type(self), self.kind, self.message, self.hint, self.facts)

    @property
    def code(self) -> str:
        """``AG`` and three digits; the hundreds name the family (docs/reference.md)."""
        return f"AG{KINDS[self.kind].number:03d}"


def _rebuild(class_: type[AirgapError], kind: str, message: str, hint: str, facts: dict[str, Fact]) -> AirgapError:
    return class_(kind, message, hint=hint, **facts)


class UsageError(AirgapError):
    exit_status = 2


class FormatError(AirgapError):
    exit_status = 10


class IntegrityError(AirgapError):
    exit_status = 20


class OpenPGPError(AirgapError):
    exit_status = 30


class UntrustedError(AirgapError):
    exit_status = 30


class TrustRootError(AirgapError):
    exit_status = 40


class RollbackError(AirgapError):
    exit_status = 41


class SourceError(AirgapError):
    exit_status = 50


class EngineError(AirgapError):
    exit_status = 60


class HostError(AirgapError):
    exit_status = 70

    @property
    def is_absence(self) -> bool:
        """Whether there is no such file, rather than one that the machine cannot give."""
        return self.kind in ("file-not-found", "not-a-regular-file")


class Interrupted(AirgapError):
    exit_status = 130


# The first number of each class of kinds.
_FAMILIES: Final[tuple[tuple[int, type[AirgapError]], ...]] = (
    (700, HostError),
    (600, EngineError),
    (500, SourceError),
    (440, RollbackError),
    (420, TrustRootError),
    (400, UntrustedError),
    (300, OpenPGPError),
    (200, IntegrityError),
    (100, FormatError),
    (2, Interrupted),
    (1, UsageError),
    (0, AirgapError),
)


def class_of(kind: str) -> type[AirgapError]:
    """The class of the errors of a published kind. Raises KeyError."""
    number = KINDS[kind].number
    return next(class_ for first, class_ in _FAMILIES if number >= first)


# Which exit status stands for a run with several failures: what speaks of hostility before what speaks of accidents.
_GRAVITY: Final = (130, 1, 40, 41, 30, 10, 20, 60, 50, 70, 2)


def gravest(errors: Iterable[AirgapError]) -> int:
    """The exit status for these failures, 0 if there are none (CONTRACT §2)."""
    found = {error.exit_status for error in errors}
    return next((status for status in _GRAVITY if status in found), 0)
