"""Forge: makes good and hostile OpenPGP data and sample OCI images for the tests and the samples.

It shares no code with the verifier it is used against: a mistake made twice in the same words would
cancel out and no test would see it. Only the standard library and ``cryptography`` are used.
Everything but RSA is a function of its arguments: keys come from a seed string, no clock is read,
ECDSA nonces are derived (RFC 6979), v6 salts are derived. RSA keys are new in every process.
"""

from .certificates import Certificate, Part, certificate
from .images import Blob, Layer, Sample, image, image_index, write_layout
from .keys import CREATED, SIGNED, SecretKey, import_secret, secret_key
from .messages import claim, detached, inline, inline_many, old_style, pieces
from .packets import armor, compressed, literal, marker, mpi, one_pass, packet, padding, subpacket
from .signatures import (
    certification,
    certification_revocation,
    direct_key,
    document,
    key_revocation,
    make_signature,
    notation,
    signature_body,
    subkey_binding,
    subkey_revocation,
)
from .stagex import Person, digests_list, maintainers_toml, write_lookaside

__all__ = [
    "CREATED",
    "SIGNED",
    "Blob",
    "Certificate",
    "Layer",
    "Part",
    "Person",
    "Sample",
    "SecretKey",
    "armor",
    "certificate",
    "certification",
    "certification_revocation",
    "claim",
    "compressed",
    "detached",
    "digests_list",
    "direct_key",
    "document",
    "image",
    "image_index",
    "import_secret",
    "inline",
    "inline_many",
    "key_revocation",
    "literal",
    "maintainers_toml",
    "make_signature",
    "marker",
    "mpi",
    "notation",
    "old_style",
    "one_pass",
    "packet",
    "padding",
    "pieces",
    "secret_key",
    "signature_body",
    "subkey_binding",
    "subkey_revocation",
    "subpacket",
    "write_layout",
    "write_lookaside",
]
