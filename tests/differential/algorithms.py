"""Cases about algorithms: every key algorithm with every hash, strengths, and how their numbers are written."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from forge import Certificate, SecretKey, certification, direct_key, document, mpi, packet, subkey_binding
from forge.signatures import make_salt

from .case import MODERN_HASHES, PAYLOAD, Draft, assemble, draft, key, reframed

_HASHES = {1: "md5", 2: "sha1", 3: "ripemd", 8: "sha256", 9: "sha384", 10: "sha512", 11: "sha224", 12: "sha3-256"}
_HASHES |= {14: "sha3-512"}
_V4 = ("eddsa", "p256", "p384", "p521", "k256", "bp256", "rsa1024", "rsa2047", "rsa2048")
_NEW = (("ed25519", 4), ("ed448", 4), ("ed25519", 6), ("ed448", 6), ("p256", 6), ("p521", 6), ("rsa2048", 6))
_KINDS = (*((algorithm, 4) for algorithm in _V4), *_NEW)
_USER = "Alice <alice@example.org>"
_Change = Callable[[bytes], bytes]


def drafts() -> Iterator[Draft]:
    yield from _every_hash()
    yield from _mixed()
    yield from _hashes_in_certificates()
    yield from _claimed_algorithm()
    yield from _key_material()
    yield from _salts()


def _keys(algorithm: str, version: int) -> tuple[SecretKey, SecretKey]:
    algorithm = "rsa2040" if algorithm == "rsa2047" else algorithm
    return key("alice", algorithm, version=version), key("alice/sign", algorithm, version=version)


def certificate_of(primary: SecretKey, subkey: SecretKey | None = None) -> Certificate:
    """A good certificate around given keys."""
    direct = [direct_key(primary)] if primary.version == 6 else []
    bound = [(subkey, [subkey_binding(primary, subkey)])] if subkey else []
    return assemble(primary, direct=direct, users={_USER: [certification(primary, _USER)]}, subkeys=bound)


def _every_hash() -> Iterator[Draft]:
    for algorithm, version in _KINDS:
        primary, subkey = _keys(algorithm, version)
        alone, both = certificate_of(primary), certificate_of(primary, subkey)
        for number, name in _HASHES.items():
            modern = number in MODERN_HASHES
            for cert, signer in ((alone, primary), (both, subkey)):
                where = "primary" if cert is alone else "subkey"
                signature = document(signer, PAYLOAD, hash_algo=number)
                # RSA wants the hash's object identifier, which the arithmetic under pysequoia has not for SHA3.
                unjudged = "RSA with SHA3 is in no Sequoia here" if modern and algorithm.startswith("rsa") else ""
                name_ = f"hash/{algorithm}-v{version}/{where}/{name}"
                yield draft(name_, cert, signature, modern=modern, unjudged=unjudged)


def _mixed() -> Iterator[Draft]:
    for first in ("eddsa", "p256", "rsa2048", "rsa1024", "k256", "ed25519"):
        for second in ("eddsa", "p384", "rsa2048", "rsa1024", "k256", "ed25519"):
            primary, subkey = key("alice", first), key("alice/sign", second)
            cert = certificate_of(primary, subkey)
            yield draft(f"mixed/{first}-certifies-{second}", cert, document(subkey, PAYLOAD))
            yield draft(f"mixed/{first}-signs-beside-{second}", cert, document(primary, PAYLOAD))


def _hashes_in_certificates() -> Iterator[Draft]:
    primary, subkey = key("alice"), key("alice/sign")
    for number, name in _HASHES.items():
        modern = number in MODERN_HASHES
        user = certification(primary, _USER, hash_algo=number)
        cert = assemble(primary, users={_USER: [user]})
        yield draft(f"certificate-hash/user-id/{name}", cert, document(primary, PAYLOAD), modern=modern)
        cert = assemble(primary, direct=[direct_key(primary, hash_algo=number)])
        yield draft(f"certificate-hash/direct/{name}", cert, document(primary, PAYLOAD), modern=modern)
        good = {_USER: [certification(primary, _USER)]}
        binding = subkey_binding(primary, subkey, hash_algo=number)
        cert = assemble(primary, users=good, subkeys=[(subkey, [binding])])
        yield draft(f"certificate-hash/binding/{name}", cert, document(subkey, PAYLOAD), modern=modern)
        binding = subkey_binding(primary, subkey, back_options={"hash_algo": number})
        cert = assemble(primary, users=good, subkeys=[(subkey, [binding])])
        yield draft(f"certificate-hash/back/{name}", cert, document(subkey, PAYLOAD), modern=modern)


def _claimed_algorithm() -> Iterator[Draft]:
    for algorithm, version in (("eddsa", 4), ("rsa2048", 4), ("p256", 4), ("ed25519", 4), ("ed25519", 6)):
        cert = certificate_of(key("alice", algorithm, version=version))
        for claimed in (0, 1, 2, 3, 16, 17, 19, 22, 27, 28, 99):
            signature = document(cert.primary, PAYLOAD, algorithm=claimed)
            yield draft(f"claimed-algorithm/{algorithm}-v{version}/{claimed}", cert, signature)


def _key_material() -> Iterator[Draft]:
    """Keys that are written in another way, each with its own fingerprint and good signatures."""
    legacy, rsa, nist = key("alice"), key("alice", "rsa2048"), key("alice", "p256")
    oid = legacy.material[:10]
    changed = {
        "eddsa/mpi-bit-count-264": (legacy, oid + (264).to_bytes(2, "big") + legacy.material[12:]),
        "eddsa/mpi-bit-count-256": (legacy, oid + (256).to_bytes(2, "big") + legacy.material[13:]),
        "eddsa/no-prefix": (legacy, oid + mpi(legacy.material[13:])),
        "eddsa/prefix-41": (legacy, oid + mpi(b"\x41" + legacy.material[13:])),
        "eddsa/trailing": (legacy, legacy.material + b"\0"),
        "eddsa/leading-zero": (legacy, oid + (271).to_bytes(2, "big") + b"\0" + legacy.material[12:]),
        "rsa/leading-zero": (rsa, (2056).to_bytes(2, "big") + b"\0" + rsa.material[2:]),
        "rsa/bit-count-2041": (rsa, (2041).to_bytes(2, "big") + rsa.material[2:]),
        "rsa/trailing": (rsa, rsa.material + b"\0"),
        "rsa/no-exponent": (rsa, rsa.material[:258]),
        "p256/compressed-point": (nist, nist.material[:9] + mpi(b"\x02" + nist.material[12:44])),
        "p256/hybrid-point": (nist, nist.material[:9] + mpi(b"\x06" + nist.material[12:])),
        "p256/off-curve": (nist, nist.material[:-1] + bytes([nist.material[-1] ^ 1])),
        "p256/trailing": (nist, nist.material + b"\0"),
        "p256/oid-length-0": (nist, b"\0" + nist.material[9:]),
        "p256/oid-length-255": (nist, b"\xff" + nist.material[1:]),
    }
    for name, (signer, material) in changed.items():
        odd = SecretKey(signer.algorithm, 4, signer.created, material, b"", signer.private)
        yield draft(f"key-material/{name}", certificate_of(odd), document(odd, PAYLOAD))
        good = key("bob")
        both = certificate_of(good, odd)
        yield draft(f"key-material-subkey/{name}", both, document(odd, PAYLOAD))
        yield draft(f"key-material-beside/{name}", both, document(good, PAYLOAD))
    for algorithm in ("eddsa", "rsa2048", "p256", "ed25519"):
        cert = certificate_of(key("alice", algorithm))
        width = 64 if algorithm == "ed25519" else None
        for name, change in signature_values(width).items():
            yield draft(f"value/{algorithm}/{name}", cert, reframed(document(cert.primary, PAYLOAD), change))
    # Short integers: signatures whose r, s or RSA number begins with a zero octet.
    for algorithm in ("eddsa", "rsa2048", "p256", "p521"):
        cert = certificate_of(key("alice", algorithm))
        usual = len(document(cert.primary, PAYLOAD + b"0"))
        found = 0
        for number in range(600):
            payload = PAYLOAD + str(number).encode()
            signature = document(cert.primary, payload)
            if len(signature) < usual and found < 3:
                found += 1
                yield draft(f"short-integer/{algorithm}/{found}", cert, signature, payload=payload)
            if found == 3 or (algorithm == "rsa2048" and number == 300):
                break


def value_at(body: bytes) -> int:
    """Where the algorithm-specific part of a version 4 signature body begins."""
    hashed = int.from_bytes(body[4:6], "big")
    unhashed = int.from_bytes(body[6 + hashed : 8 + hashed], "big")
    return 8 + hashed + unhashed + 2


def signature_values(native: int | None = None) -> dict[str, _Change]:
    """Other spellings of the integers at the end of a version 4 signature body."""

    def at_value(change: _Change) -> _Change:
        return lambda body: body[: value_at(body)] + change(body[value_at(body) :])

    def bits(value: bytes, add: int) -> bytes:
        return (int.from_bytes(value[:2], "big") + add & 0xFFFF).to_bytes(2, "big") + value[2:]

    return {
        "trailing": lambda body: body + b"\0",
        "cut": lambda body: body[:-1],
        "empty": at_value(lambda value: b""),
        "zero": at_value(lambda value: bytes(native) if native else b"\0\0\0\0"),
        "leading-zero": at_value(lambda value: bits(value, 8)[:2] + b"\0" + value[2:]),
        "one-bit-more": at_value(lambda value: bits(value, 1)),
        "one-bit-less": at_value(lambda value: bits(value, -1)),
        "eight-bits-less": at_value(lambda value: bits(value, -8)),
        "prefix-wrong": lambda body: body[: value_at(body) - 2] + b"\0\0" + body[value_at(body) :],
    }


def _salts() -> Iterator[Draft]:
    for where in ("document", "direct", "binding", "back"):
        for size in (0, 15, 16, 17, 24, 32, 255):
            for number in (8, 9, 10):
                primary, subkey = (key(name, "ed25519", version=6) for name in ("alice", "alice/sign"))
                salt = make_salt(primary, 10, 0, b"").ljust(255, b"s")[:size]
                one = {"hash_algo": number, "salt": salt}
                document_options, direct, binding, back = (
                    one if where == role else {} for role in ("document", "direct", "binding", "back")
                )
                cert = assemble(
                    primary,
                    direct=[direct_key(primary, **direct)],  # type: ignore[arg-type]  # the keys of Options
                    subkeys=[(subkey, [subkey_binding(primary, subkey, back_options=back, **binding)])],  # type: ignore[arg-type]  # the same
                )
                signature = document(subkey, PAYLOAD, **document_options)  # type: ignore[arg-type]  # the same
                yield draft(f"salt/{where}/{number}/{size}", cert, signature)
    odd = key("alice", "ed25519", version=6)
    cert = certificate_of(odd)
    yield draft("version/4-by-6", cert, document(odd, PAYLOAD, version=4))
    old = certificate_of(key("alice"))
    yield draft("version/6-by-4", old, document(old.primary, PAYLOAD, version=6), modern=True)
    yield draft("version/3-by-4", old, document(old.primary, PAYLOAD, version=3))
    yield draft("version/3-by-6", cert, document(odd, PAYLOAD, version=3))
    for version in (0, 1, 2, 5, 7, 255):
        changed = reframed(document(old.primary, PAYLOAD), lambda body, v=version: bytes([v]) + body[1:])  # type: ignore[misc]  # a default binds the loop variable
        yield draft(f"version/octet-{version}", old, changed)
        body = bytes([version]) + old.primary.public_body[1:]
        ring = packet(6, body) + old.bytes
        unjudged = "Sequoia gives up on a keyring with one certificate that it cannot read"
        yield draft(f"version/key-octet-{version}", ring, document(old.primary, PAYLOAD), unjudged=unjudged)
