"""Cases about signature files: detached and inline, packets and armor, one-pass packets, types of signature."""

from __future__ import annotations

from collections.abc import Iterator

from forge import (
    SIGNED,
    armor,
    compressed,
    detached,
    document,
    inline,
    inline_many,
    literal,
    marker,
    old_style,
    one_pass,
    packet,
    padding,
    pieces,
    subpacket,
)
from forge.messages import OnePassFields

from .algorithms import certificate_of
from .case import PAYLOAD, Draft, body_of, draft, key, plain

_CERT = plain("alice", subkey=True)
_SIGNER = _CERT.signing_key
_STRANGER = key("stranger")
_TYPES = (0x00, 0x01, 0x02, 0x03, 0x10, 0x11, 0x12, 0x13, 0x16, 0x18, 0x19, 0x1F, 0x20, 0x28, 0x30, 0x40, 0x50, 0xFF)
_LONG = b'{"long": "' + b"x" * 5000 + b'"}'


def drafts() -> Iterator[Draft]:
    for name, signature, payload in _detached():
        unjudged = "pysequoia takes one signature packet, sqv knows no padding" if name.startswith("padding") else ""
        yield draft(f"detached/{name}", _CERT, signature, payload=payload, unjudged=unjudged)
    for name, message in _inline():
        yield draft(f"inline/{name}", _CERT, message, payload=None, modern="padding" in name)
    for name, message, signed in _armored():
        yield draft(f"armor/{name}", _CERT, message, payload=signed)
    yield from _other_keys()


def _detached() -> Iterator[tuple[str, bytes, bytes]]:
    good = detached(_SIGNER, PAYLOAD)
    body = body_of(good)
    for sig_type in _TYPES:
        yield f"type-{sig_type:02x}", document(_SIGNER, PAYLOAD, sig_type=sig_type), PAYLOAD
    yield "text-crlf", document(_SIGNER, b"a\nb\n", sig_type=1), b"a\r\nb\r\n"
    yield "binary-crlf", document(_SIGNER, b"a\nb\n"), b"a\r\nb\r\n"
    for name, payload in {"empty": b"", "one": b"\0", "long": _LONG, "mega": b"y" * 2_000_000}.items():
        yield f"payload-{name}", detached(_SIGNER, payload), payload
    yield "payload-other", good, PAYLOAD + b"\n"
    yield "payload-cut", good, PAYLOAD[:-1]
    yield "by-primary", detached(_CERT.primary, PAYLOAD), PAYLOAD
    yield "by-stranger", detached(_STRANGER, PAYLOAD), PAYLOAD
    yield "by-stranger-in-disguise", detached(_STRANGER, PAYLOAD, issuer=_SIGNER), PAYLOAD
    yield "twice", good + good, PAYLOAD
    yield "with-stranger-first", detached(_STRANGER, PAYLOAD) + good, PAYLOAD
    yield "with-stranger-last", good + detached(_STRANGER, PAYLOAD), PAYLOAD
    yield "with-bad-last", good + detached(_SIGNER, PAYLOAD, corrupt=True), PAYLOAD
    yield "with-bad-first", detached(_SIGNER, PAYLOAD, corrupt=True) + good, PAYLOAD
    yield "with-primary", good + detached(_CERT.primary, PAYLOAD), PAYLOAD
    yield "marker-first", marker() + good, PAYLOAD
    yield "marker-last", good + marker(), PAYLOAD
    yield "marker-odd", marker(b"PGX") + good, PAYLOAD
    yield "padding-first", padding() + good, PAYLOAD
    yield "padding-last", good + padding(), PAYLOAD
    yield "trailing-zero", good + b"\0", PAYLOAD
    yield "trailing-newline", good + b"\n", PAYLOAD
    yield "trailing-text", good + b"trailing", PAYLOAD
    yield "trailing-ff", good + b"\xff", PAYLOAD
    yield "leading-newline", b"\n" + good, PAYLOAD
    yield "empty", b"", PAYLOAD
    yield "cut", good[:-1], PAYLOAD
    yield "cut-half", good[: len(good) // 2], PAYLOAD
    yield "compressed", compressed(good), PAYLOAD
    yield "with-certificate", good + _CERT.bytes, PAYLOAD
    yield "certificate-first", _CERT.bytes + good, PAYLOAD
    yield "one-pass-and-signature", pieces(_SIGNER, PAYLOAD).one_pass + good, PAYLOAD
    yield "signature-and-literal", good + literal(PAYLOAD), PAYLOAD
    for width in (1, 2, 5):
        yield f"new-format-{width}", packet(2, body, width=width), PAYLOAD
    for width in (1, 2, 4):
        yield f"old-format-{width}", packet(2, body, old=True, width=width), PAYLOAD
    yield "indeterminate", packet(2, body, indeterminate=True), PAYLOAD
    yield "partial-1", packet(2, body, partial=[6]), PAYLOAD
    for tag in (0, 1, 3, 17, 20, 22, 39, 40, 59, 60, 63):
        yield f"packet-{tag}-first", packet(tag, b"?") + good, PAYLOAD
        yield f"packet-{tag}-last", good + packet(tag, b"?"), PAYLOAD


def _inline() -> Iterator[tuple[str, bytes]]:
    for sig_type in _TYPES:
        yield f"type-{sig_type:02x}", inline(_SIGNER, PAYLOAD, sig_type=sig_type)
    for algorithm in (0, 1, 2, 3, 4, 110):
        for indeterminate in (True, False):
            name = f"compress-{algorithm}-{'open' if indeterminate else 'sized'}"
            inner = inline(_SIGNER, PAYLOAD)
            yield name, compressed(inner, algorithm, indeterminate=indeterminate)
            yield f"{name}-long", compressed(inline(_SIGNER, _LONG), algorithm, indeterminate=indeterminate)
            yield f"{name}-trailing", compressed(inner, algorithm, indeterminate=indeterminate) + marker()
    for layers in (2, 3, 20):
        yield f"compressed-{layers}-times", inline(_SIGNER, PAYLOAD, compress=1, layers=layers, indeterminate=False)
    for tag, piece in {"marker": marker(), "padding": padding(), "literal": literal(b"other")}.items():
        for place in range(4):
            yield f"insert-{tag}-{place}", inline(_SIGNER, PAYLOAD, insert={place: piece})
            yield f"insert-{tag}-{place}-compressed", inline(_SIGNER, PAYLOAD, insert={place: piece}, compress=2)
    for number in (0, 1, 3, 6, 9, 13, 17, 18, 19, 20, 22, 39, 40, 59, 60, 63):
        for place in range(4):
            yield f"insert-{number}-{place}", inline(_SIGNER, PAYLOAD, insert={place: packet(number, b"?")})
    three = pieces(_SIGNER, PAYLOAD)
    orders = {
        "OLS": "good",
        "LS": "",
        "SL": "",
        "OS": "",
        "OL": "",
        "L": "",
        "O": "",
        "LSO": "",
        "OOLSS": "",
        "OLSS": "",
    }
    orders |= {
        "OOLS": "",
        "SLO": "",
        "OSL": "",
        "OLLS": "",
        "OLSOLS": "",
        "OLSL": "",
        "LOLS": "",
        "SOLS": "",
        "SSLS": "",
    }
    parts = {"O": three.one_pass, "L": three.literal, "S": three.signature}
    for order in orders:
        yield f"order-{order}", b"".join(parts[letter] for letter in order)
    fields: dict[str, OnePassFields] = {
        "issuer-other": {"issuer": _STRANGER.key_id},
        "issuer-primary": {"issuer": _CERT.primary.key_id},
        "issuer-0": {"issuer": bytes(8)},
        "algorithm-1": {"algorithm": 1},
        "algorithm-0": {"algorithm": 0},
        "version-2": {"version": 2},
        "version-4": {"version": 4},
        "type-1": {"sig_type": 1},
        "hash-sha512": {"hash_algo": 10},
        "hash-sha1": {"hash_algo": 2},
        "hash-0": {"hash_algo": 0},
        "not-last": {"last": False},
        "new-format": {"old": False},
    }
    for name, change in fields.items():
        yield f"one-pass-{name}", inline(_SIGNER, PAYLOAD, ops=change)
    last = one_pass(issuer=_SIGNER.key_id, algorithm=22)
    yield "one-pass-last-2", last[:-1] + b"\2" + three.literal + three.signature
    yield "one-pass-trailing", packet(4, body_of(last) + b"\0", old=True) + three.literal + three.signature
    yield "two-signers", inline_many([_SIGNER, _CERT.primary], PAYLOAD)
    yield "with-stranger", inline_many([_SIGNER, _STRANGER], PAYLOAD)
    yield "stranger-inside", inline_many([_STRANGER, _SIGNER], PAYLOAD)
    yield "old-style", old_style(_SIGNER, PAYLOAD)
    yield "old-style-compressed", compressed(old_style(_SIGNER, PAYLOAD))
    yield "old-style-bad", old_style(_SIGNER, PAYLOAD, corrupt=True)
    for name, piece in {
        "text": literal(PAYLOAD, fmt=b"t"),
        "utf8": literal(PAYLOAD, fmt=b"u"),
        "mime": literal(PAYLOAD, fmt=b"m"),
        "local": literal(PAYLOAD, fmt=b"l"),
        "format-0": literal(PAYLOAD, fmt=b"\0"),
        "named": literal(PAYLOAD, filename=b"claim.json"),
        "console": literal(PAYLOAD, filename=b"_CONSOLE"),
        "dated": literal(PAYLOAD, date=SIGNED + 1),
        "other": literal(PAYLOAD + b"\n"),
        "empty": literal(b""),
        "name-past-end": packet(11, b"b\xff\0\0\0\0" + PAYLOAD),
        "no-body": packet(11, b""),
        "short": packet(11, b"b\0\0\0"),
        "old-format": packet(11, b"b\0\0\0\0\0" + PAYLOAD, old=True),
        "indeterminate": packet(11, b"b\0\0\0\0\0" + PAYLOAD, indeterminate=True),
    }.items():
        yield f"literal-{name}", inline(_SIGNER, PAYLOAD, literal_packet=piece)
    for exponents in ((9,), (9, 9), (10, 2), (11, 0, 0), (8,), (4, 4), (12,), (9, 8)):
        name = "-".join(map(str, exponents))
        yield f"partial-{name}", inline(_SIGNER, _LONG, literal_packet=literal(_LONG, partial=exponents))
        squeezed = b"\1" + compressed(inline(_SIGNER, _LONG), indeterminate=True)[2:]
        yield f"partial-compressed-{name}", packet(8, squeezed, partial=exponents)
    yield "text-crlf", inline(_SIGNER, b"a\nb\n", sig_type=1, literal_packet=literal(b"a\r\nb\r\n"))
    yield "corrupt", inline(_SIGNER, PAYLOAD, corrupt=True)
    yield "by-stranger", inline(_STRANGER, PAYLOAD)
    yield "by-primary", inline(_CERT.primary, PAYLOAD)
    yield "trailing-zero", inline(_SIGNER, PAYLOAD) + b"\0"
    yield "trailing-garbage", inline(_SIGNER, PAYLOAD) + b"garbage"
    yield "compressed-trailing-zero", inline(_SIGNER, PAYLOAD, compress=2, indeterminate=False) + b"\0"
    yield "inside-trailing-zero", compressed(inline(_SIGNER, PAYLOAD) + b"\0")
    yield "deflate-trailing", inline(_SIGNER, PAYLOAD, compress=1) + b"garbage"
    yield "zlib-trailing", inline(_SIGNER, PAYLOAD, compress=2) + b"garbage"
    yield "zlib-checksum", inline(_SIGNER, PAYLOAD, compress=2)[:-1] + b"\0"
    yield "deflate-cut", inline(_SIGNER, PAYLOAD, compress=1)[:-3]
    yield "empty-payload", inline(_SIGNER, b"")
    yield "long-payload", inline(_SIGNER, _LONG)
    yield "bomb", compressed(inline(_SIGNER, b"\0" * 200_000), 1, level=9)
    for options_name, hash_algo in {"sha384": 9, "sha512": 10, "sha1": 2, "sha224": 11, "md5": 1}.items():
        yield f"hash-{options_name}", inline(_SIGNER, PAYLOAD, hash_algo=hash_algo)
    yield "no-issuer", inline(_SIGNER, PAYLOAD, omit=["issuer", "issuer-fingerprint"])
    yield "fingerprint-only", inline(_SIGNER, PAYLOAD, omit=["issuer"])
    yield "key-id-only", inline(_SIGNER, PAYLOAD, omit=["issuer-fingerprint"])
    yield "critical-99", inline(_SIGNER, PAYLOAD, hashed=[subpacket(99, b"", critical=True)])


def _armored() -> Iterator[tuple[str, bytes, bytes | None]]:
    for kind, data, payload in (
        ("SIGNATURE", detached(_SIGNER, PAYLOAD), PAYLOAD),
        ("MESSAGE", inline(_SIGNER, PAYLOAD), None),
    ):
        good = armor(kind, data)
        lines = good.split(b"\n")
        place = kind.lower()
        for label in (
            "SIGNATURE",
            "MESSAGE",
            "PUBLIC KEY BLOCK",
            "PRIVATE KEY BLOCK",
            "ARMORED FILE",
            "MESSAGE, PART 1/2",
        ):
            yield f"{place}/label-{label.replace(' ', '-').replace('/', '-')}", armor(label, data), payload
        yield f"{place}/no-crc", armor(kind, data, crc=False), payload
        yield f"{place}/bad-crc", armor(kind, data, crc="bad"), payload
        yield f"{place}/headers", armor(kind, data, headers={"Comment": "hello", "Version": "1"}), payload
        yield f"{place}/header-odd", armor(kind, data, headers={"Comment: a": "b"}), payload
        yield f"{place}/header-utf8", armor(kind, data, headers={"Comment": "\u00e9"}), payload
        yield f"{place}/header-empty", good.replace(b"-----\n\n", b"-----\nComment:\n\n", 1), payload
        yield f"{place}/header-no-colon", good.replace(b"-----\n\n", b"-----\nComment\n\n", 1), payload
        yield f"{place}/crlf", good.replace(b"\n", b"\r\n"), payload
        yield f"{place}/cr", good.replace(b"\n", b"\r"), payload
        yield f"{place}/no-blank-line", good.replace(b"-----\n\n", b"-----\n", 1), payload
        yield f"{place}/blank-with-spaces", good.replace(b"-----\n\n", b"-----\n  \t\n", 1), payload
        yield f"{place}/no-final-newline", good[:-1], payload
        yield f"{place}/leading-newlines", b"\n\n" + good, payload
        yield f"{place}/leading-text", b"Hello\n\n" + good, payload
        yield f"{place}/trailing-newlines", good + b"\n\n", payload
        yield f"{place}/trailing-text", good + b"Hello\n", payload
        yield f"{place}/twice", good + good, payload
        yield f"{place}/quoted", b"".join(b"> " + line + b"\n" for line in lines[:-1]), payload
        yield f"{place}/indented", b"".join(b"  " + line + b"\n" for line in lines[:-1]), payload
        yield f"{place}/no-end", b"\n".join(lines[:-2]) + b"\n", payload
        yield f"{place}/end-differs", good.replace(b"END PGP " + kind.encode(), b"END PGP ARMORED FILE"), payload
        yield f"{place}/four-dashes", good.replace(b"-----BEGIN", b"----BEGIN", 1), payload
        yield f"{place}/trailing-spaces", good.replace(b"\n", b" \n"), payload
        yield f"{place}/one-line", b"\n".join([*lines[:2], b"".join(lines[2:-3]), *lines[-3:]]), payload
        yield f"{place}/blank-inside", b"\n".join([*lines[:3], b"", *lines[3:]]), payload
        yield f"{place}/spaces-inside", good.replace(lines[2], lines[2][:10] + b" " + lines[2][10:]), payload
        yield f"{place}/bad-letter", good.replace(lines[2], b"*" + lines[2][1:]), payload
        yield f"{place}/no-padding", good.replace(b"=\n", b"\n", 2) if b"=\n" in good else good, payload
        yield f"{place}/padding-inside", good.replace(lines[2], lines[2][:20] + b"==" + lines[2][20:]), payload
        yield f"{place}/inside-armor", armor(kind, good), payload
        yield f"{place}/binary-behind", good + data, payload
    signature = armor("SIGNATURE", document(_SIGNER, b"text", sig_type=1))
    clear = b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\ntext\n" + signature
    yield "cleartext", clear, None
    binary = b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\ntext\n" + armor(
        "SIGNATURE", document(_SIGNER, b"text")
    )
    yield "cleartext-binary", binary, None


def _other_keys() -> Iterator[Draft]:
    """Inline messages by keys of each kind; those of version 6 have a one-pass packet of version 6."""
    for algorithm, version in (
        ("p256", 4),
        ("p521", 4),
        ("rsa2048", 4),
        ("ed25519", 4),
        ("ed448", 4),
        ("ed25519", 6),
        ("ed448", 6),
        ("p256", 6),
    ):
        cert = certificate_of(key("alice", algorithm, version=version), key("alice/sign", algorithm, version=version))
        signer = cert.subkeys[0]
        for name, compress in (("", None), ("-zip", 1), ("-zlib", 2)):
            message = inline(signer, PAYLOAD, compress=compress)
            yield draft(f"inline-by/{algorithm}-v{version}{name}", cert, message, payload=None)
        changes: dict[str, OnePassFields] = {"sha512": {"hash_algo": 10}, "version-3": {"version": 3}}
        changes["issuer"] = {"issuer": bytes(len(signer.fingerprint if version == 6 else signer.key_id))}
        if version == 6:
            changes |= {"salt": {"salt": bytes(16)}, "salt-size": {"salt": bytes(32)}}
            changes["version-3-id"] = {"version": 3, "issuer": signer.key_id}
        for name, change in changes.items():
            message = inline(signer, PAYLOAD, ops=change)
            yield draft(f"inline-by/{algorithm}-v{version}/one-pass-{name}", cert, message, payload=None)
