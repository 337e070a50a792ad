"""Why we refuse what Sequoia accepts: one line for each kind of our error, with the rule of OPENPGP.md behind it."""

from __future__ import annotations

from collections.abc import Mapping

REASONS: Mapping[str, str] = {
    "algorithm-unsupported": "S9: only the listed algorithms count; RSA ids 2 and 3 are not among them",
    "armor-malformed": "F4: one block, its right label, nothing outside, clean lines; Sequoia searches and repairs",
    "bad-signature": "S14: the two digest octets must be right too; Sequoia takes them for a hint",
    "certificate-expired-at-signature-time": "C1 C9 S7: a malformed or weak extension extends nothing, the restrictive "
    "reading decides, copies are merged",
    "certificate-malformed": "C10: exact to the last byte; critical unknown packets (RFC 9580 4.3) are refused",
    "certificate-revoked": "C7: own revocations count, even odd, expired or predated ones, for good; copies are merged",
    "certificate-secret": "C10: secret keys are refused, wherever they stand in a keyring",
    "cleartext-framework": "F5: does not say exactly what was signed",
    "compression-malformed": "F2: ZIP or ZLIB, ending where its packet ends",
    "compression-nested": "F1: at most one compressed packet",
    "creation-time-missing": "S3: exactly once, hashed; Sequoia takes the last one",
    "critical-notation-unknown": "S6: no critical notation is understood",
    "critical-subpacket-unknown": "S6: Sequoia knows a few drafted subpackets (34, 35) that decide nothing here",
    "issuer-mismatch": "S5: every issuer named must be the verifying key; Sequoia tries them one after the other",
    "key-not-for-signing": "C6: the restrictive reading decides where self-signatures disagree about the flags",
    "keyring-invalid": "F4 C10: no text outside of armor; Sequoia searches for the block",
    "message-malformed": "F1 F6: one signature a file, exactly one message, no marker inside, nothing around it",
    "no-certificate": "C10: its certificate was refused as a whole: malformed parts, critical unknown packets, a flood",
    "no-self-signature": "C1 S7: a revoked user id, a malformed or misplaced self-signature says nothing",
    "one-pass-mismatch": "F3: Sequoia does not compare the one-pass packet with the signature",
    "self-signature-expired": "C3 C5: an expired back-signature, or one not dated exactly once, is no consent",
    "self-signature-newer-than-signature": "C1: a revoked or malformed older self-signature does not vouch",
    "signature-inflates-past-limit": "F2: no message of ours inflates past 64 KiB",
    "signature-malformed": "S7: malformed is bad: the same subpacket twice, wrong lengths, trailing octets",
    "signature-type-not-binary": "S1: type 0x00 only; text signatures leave line ends open",
    "subkey-back-signature-missing": "C5 C9 S7: no consent if made with SHA-224 or SHA-1, or malformed",
    "subkey-expired-at-signature-time": "C3 S7: a malformed extension extends nothing; copies are merged",
    "subkey-not-bound": "C4 S7: a malformed or misplaced binding binds nothing",
    "subkey-revoked": "C7: own revocations count, even odd, expired or predated ones, for good; copies are merged",
    "subkey-shared": "attribution: a key claimed by two certificates counts for neither",
    "weak-hash": "S8: SHA-224 does not count; Sequoia accepts it",
    "weak-hash-in-certificate": "C9: SHA-224 does not count; Sequoia accepts it",
}
