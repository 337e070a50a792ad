"""The JSON documents of CONTRACT §3 as checks: every member, its type, and what must agree with what."""

from __future__ import annotations

import re
from typing import Any

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
FINGERPRINT = re.compile(r"[0-9A-F]{40}|[0-9A-F]{64}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
CODE = re.compile(r"AG\d{3}")
KIND = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")

EXIT_OF_FAMILY = {"1": {10}, "2": {20}, "3": {30}, "4": {30, 40, 41}, "5": {50}, "6": {60}, "7": {70}}


def check_error(error: Any) -> None:
    assert set(error) >= {"schema", "code", "kind", "message", "facts", "hint"}
    assert error["schema"] == "airgap/error/v1"
    assert CODE.fullmatch(error["code"])
    assert KIND.fullmatch(error["kind"])
    assert isinstance(error["message"], str)
    assert error["message"]
    assert isinstance(error["facts"], dict)
    assert error["hint"] is None or (isinstance(error["hint"], str) and error["hint"])


def check_signature(one: Any) -> None:
    expected = {"file", "status", "reason", "maintainer", "certificate", "signing_key", "created", "flags", "claim"}
    assert set(one) == expected
    assert isinstance(one["file"], str)
    assert one["status"] in ("good", "bad")
    assert (one["reason"] is None) == (one["status"] == "good")
    assert one["reason"] is None or KIND.fullmatch(one["reason"])
    assert one["maintainer"] is None or isinstance(one["maintainer"], str)
    for name in ("certificate", "signing_key"):
        assert one[name] is None or FINGERPRINT.fullmatch(one[name]), name
    assert one["created"] is None or TIME.fullmatch(one["created"])
    assert isinstance(one["flags"], list)
    assert all(isinstance(flag, str) for flag in one["flags"])
    claim = one["claim"]
    if claim is not None:
        assert set(claim) == {"format", "reference", "digest"}
        assert claim["format"] in ("atomic", "stagex-legacy")
        assert isinstance(claim["reference"], str)
        assert DIGEST.fullmatch(claim["digest"])
    if one["status"] == "good":
        assert one["certificate"]
        assert one["signing_key"]
        assert one["created"]


def check_verdict(verdict: Any, code: int) -> None:
    """``code`` is the exit status the verdict came with."""
    members = {"schema", "accepted", "bundle", "trust", "time", "images", "loaded", "errors"}
    assert set(verdict) >= members
    assert verdict["schema"] == "airgap/verdict/v1"
    assert verdict["accepted"] is (code == 0)
    assert bool(verdict["errors"]) is (code != 0)
    if verdict["bundle"] is not None:
        assert set(verdict["bundle"]) == {"id", "members", "bytes"}
        assert DIGEST.fullmatch(verdict["bundle"]["id"])
        assert verdict["bundle"]["members"] > 0
        assert verdict["bundle"]["bytes"] % 512 == 0
    if verdict["trust"] is not None:
        assert set(verdict["trust"]) == {"id", "version", "threshold"}
        assert DIGEST.fullmatch(verdict["trust"]["id"])
    assert set(verdict["time"]) >= {"reference"}
    assert TIME.fullmatch(verdict["time"]["reference"])
    for image in verdict["images"]:
        check_image(image)
        assert image["accepted"] is (code == 0)
    for loaded in verdict["loaded"]:
        assert set(loaded) == {"target", "reference", "digest", "name", "reported", "identity", "replaced"}
        assert any(loaded["digest"] == image["digest"] for image in verdict["images"])
    for error in verdict["errors"]:
        check_error(error)


def check_image(image: Any) -> None:
    assert set(image) >= {"reference", "digest", "accepted", "threshold", "signers", "platforms", "signatures"}
    assert DIGEST.fullmatch(image["digest"])
    assert image["signers"] == sorted(set(image["signers"]))
    for one in image["signatures"]:
        check_signature(one)
    good = {one["maintainer"] for one in image["signatures"] if one["status"] == "good"}
    assert set(image["signers"]) == good
    if image["accepted"]:
        assert len(image["signers"]) >= image["threshold"] > 0


def check_audit(audit: Any) -> None:
    assert set(audit) >= {"schema", "images", "summary"}
    assert audit["schema"] == "airgap/audit/v1"
    rows = [one for image in audit["images"] for one in image["signatures"]]
    for image in audit["images"]:
        assert set(image) >= {"name", "digest", "signers", "threshold", "quorum", "signatures"}
        assert image["digest"] is None or DIGEST.fullmatch(image["digest"])
        assert image["quorum"] is (image["digest"] is not None and len(image["signers"]) >= image["threshold"])
    for one in rows:
        check_signature(one)
    good = sum(one["status"] == "good" for one in rows)
    reasons: dict[str, int] = {}
    for one in rows:
        if one["reason"] is not None:
            reasons[one["reason"]] = reasons.get(one["reason"], 0) + 1
    assert audit["summary"] == {
        "images": len(audit["images"]),
        "quorum": sum(image["quorum"] for image in audit["images"]),
        "signatures": len(rows),
        "good": good,
        "bad": len(rows) - good,
        "by_reason": reasons,
    }
