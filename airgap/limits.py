"""Every bound in one place. A bound is checked before the bytes it protects from are read or allocated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB


@dataclass(frozen=True, slots=True)
class Limits:
    """Upper bounds, each with its unit in the comment and the reason it exists.

    bundles/FORMAT.md lists them; tests/documents/test_format.py compares the two.
    """

    bundle_manifest: int = 64 * MIB  # bytes of bundle.json: 200 000 members fit, memory stays small
    bundle_members: int = 200_000  # members: the manifest is held in memory
    member_path: int = 512  # bytes: a repository path of 255 with its prefix and signature name fits
    images: int = 20_000  # images in one bundle
    trust_file: int = 4 * MIB  # bytes of MAINTAINERS or of one digest list: StageX's have 6 KiB and 25 KiB
    maintainers_history: int = 16  # earlier versions of MAINTAINERS in one bundle: a site that missed them catches up
    keyring: int = 16 * MIB  # bytes of one keyring file, flooded certificates included
    certificates: int = 10_000  # certificates in one keyring
    keyring_checks: int = 50_000  # signature checks that reading keyrings may cost, large RSA keys and hashing weighed
    certificate: int = 1 * MIB  # bytes of one certificate after third-party certifications are dropped
    certificate_packets: int = 20_000  # packets of one certificate, third-party certifications included
    user_id: int = 32 * KIB - 1  # bytes: longer ones do not count in Sequoia, so they vouch for nothing here
    misplaced_signatures: int = 5_000  # places tried for signatures that stand behind the wrong packet
    self_signatures: int = 500  # signature checks that loading one certificate may cost
    signature_file: int = 64 * KIB  # bytes: an RSA-4096 signature with its claim has under 1 KiB
    signature_inflated: int = 64 * KIB  # bytes after inflating the one compressed packet
    signature_packets: int = 32  # packets in a signature file, markers and padding included
    signature_payloads: int = 4  # spellings of a claim whose digest begins as the signature says, that are checked
    signatures_per_image: int = 100  # files: StageX has had up to 7
    signatures_judged: int = 100_000  # times: each file is judged for each image that shares its folder, and told of
    subpackets: int = 256  # subpackets of one signature area
    claim: int = 64 * KIB  # bytes of signed payload
    json_values: int = 1_000_000  # commas in any JSON document: 200 000 members have 600 000
    json_depth: int = 32  # nesting of any JSON document: OCI needs 6
    json_string: int = 1 * MIB  # characters of one string: the longest of an image's configuration have some KiB
    json_unicode: int = 16 * MIB  # bytes of a document that is not all ASCII: a character may take four in memory
    json_integer_digits: int = 19  # digits: a 64-bit size
    oci_manifest: int = 4 * MIB  # bytes of an index or manifest (distribution-spec recommends 4 MiB)
    oci_config: int = 8 * MIB  # bytes of an image configuration
    oci_index_depth: int = 3  # indexes above a manifest: BuildKit nests two
    oci_index_entries: int = 10_000  # descriptors in one index
    oci_layers: int = 1_000  # layers of one image: engines stop at about 127
    audit_record: int = 16 * MIB  # bytes of one entry of the audit log: 20 000 images with their signers fit
    trust_state: int = 64 * MIB  # bytes of the offline side's state: marks of 200 000 repositories fit
    referrers_per_image: int = 50  # artifacts: an SBOM and an attestation for each tool that looked at it
    referrer_blob: int = 32 * MIB  # bytes of one blob of an artifact, held in memory: large SBOMs have 20 MiB
    program_output: int = 4 * MIB  # bytes of stdout and of stderr of a program that we start
    wheel: int = 256 * MIB  # bytes of one wheel of a kit, held in memory: the largest has 6 MiB
    blob: int = 2**43  # bytes (8 TiB): sizes stay far from 64-bit overflow


LIMITS: Final = Limits()
