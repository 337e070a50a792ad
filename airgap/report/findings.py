"""What was judged, one finding for each thing, as CI services read it: JUnit's XML and SARIF 2.1.0 (OASIS).

A finding is an image, a signature file or an error. Both forms are made of the documents that ``--format json`` prints;
they show a decision and never make one: the exit status does.
"""

from __future__ import annotations

import os
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final

from airgap import __version__
from airgap.report.documents.error import Document
from airgap.report.escape import printable

_SARIF: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"
_REFUSED: Final = "refused"  # the rule where no kind of error is the thing's own


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing and what was decided of it: ``rule`` is a kind of error, None if all is well. ``file`` is a path."""

    name: str
    rule: str | None = None
    message: str = ""
    file: str | None = None


def junit(document: Mapping[str, Any]) -> str:
    """A test suite with one case for each finding."""
    schema, found = str(document["schema"]), list(_findings(document))
    failed = sum(one.rule is not None for one in found)
    counts = {"tests": str(len(found)), "failures": str(failed), "errors": "0"}
    suites = ElementTree.Element("testsuites", counts)
    suite = ElementTree.SubElement(suites, "testsuite", {"name": f"airgap {schema.split('/')[1]}", **counts})
    for one in found:
        case = ElementTree.SubElement(suite, "testcase", {"classname": schema, "name": printable(one.name)})
        if one.rule is not None:
            message = printable(one.message)
            ElementTree.SubElement(case, "failure", {"type": one.rule, "message": message}).text = message
    ElementTree.indent(suites)
    return ElementTree.tostring(suites, encoding="unicode")


def sarif(document: Mapping[str, Any]) -> Document:
    """A log of one run, with a result for each thing that was refused."""
    refused = [(one.rule, one) for one in _findings(document) if one.rule is not None]
    rules = sorted({rule for rule, _ in refused})
    driver = {"name": "airgap", "version": __version__, "rules": [{"id": rule} for rule in rules]}
    return {
        "$schema": _SARIF,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "invocations": [{"executionSuccessful": not refused}],
                "results": [
                    {
                        "ruleId": rule,
                        "ruleIndex": rules.index(rule),
                        "level": "error",
                        "message": {"text": printable(f"{one.name}: {one.message}")},
                        "locations": [_location(one)],
                    }
                    for rule, one in refused
                ],
            }
        ],
    }


def _location(finding: Finding) -> Document:
    named: Document = {"logicalLocations": [{"name": printable(finding.name)}]}
    if finding.file is None:
        return named
    return named | {"physicalLocation": {"artifactLocation": {"uri": _uri(finding.file)}}}


def _uri(file: str) -> str:
    """Percent-encoded; a relative path stays one."""
    try:
        os.fsencode(file)
    except UnicodeEncodeError:  # no file is called so, but a document may say it
        file = printable(file)
    path = PurePosixPath(file)
    return path.as_uri() if path.is_absolute() else ("/" / path).as_uri().removeprefix("file:///")


def _findings(document: Mapping[str, Any]) -> Iterator[Finding]:
    yield from _BY_SCHEMA[str(document["schema"])](document)


def _verdict(document: Mapping[str, Any]) -> Iterator[Finding]:
    for image in document["images"]:
        yield _image(image["reference"], image, image["accepted"])
    yield from _others(document)


def _audit(document: Mapping[str, Any]) -> Iterator[Finding]:
    for image in document["images"]:
        yield _image(image["name"], image, image["quorum"])
        yield from map(_signature, image["signatures"])
    if not document["images"]:
        yield Finding("signatures", "quorum-not-met", "no image was found")


def _signatures(document: Mapping[str, Any]) -> Iterator[Finding]:
    yield from map(_signature, document["signatures"])


def _signature(one: Mapping[str, Any]) -> Finding:
    if one["status"] == "good":
        return Finding(one["file"], file=one["file"])
    return Finding(one["file"], one["reason"] or _REFUSED, one.get("message") or "does not count", one["file"])


def _media(document: Mapping[str, Any]) -> Iterator[Finding]:
    for one in document["files"]:
        error = one["error"]
        if error is None:
            yield Finding(one["file"], file=one["file"])
        else:
            yield Finding(one["file"], error["kind"], _words(error), one["file"])


def _others(document: Mapping[str, Any]) -> Iterator[Finding]:
    """The errors that a document holds, or the one that it is."""
    errors = [document] if document["schema"] == "airgap/error/v1" else document.get("errors", [])
    for error in errors:
        yield Finding(f"{error['code']} {error['kind']}", error["kind"], _words(error))


def _words(error: Mapping[str, Any]) -> str:
    return f"{error['message']}. {error['hint']}"


def _image(name: str, image: Mapping[str, Any], passed: bool) -> Finding:
    if passed:
        return Finding(name)
    signers, threshold = image["signers"], image["threshold"]
    if threshold is None or len(signers) >= threshold:
        return Finding(name, _REFUSED, "refused with the rest; see the errors")
    reasons = sorted({one["reason"] for one in image["signatures"] if one["reason"]})
    because = f"; not counted: {', '.join(reasons)}" if reasons else ""
    who = ", ".join(signers) or "nobody"
    return Finding(name, "quorum-not-met", f"{len(signers)} of {threshold} maintainers signed: {who}{because}")


_BY_SCHEMA: Final = {
    "airgap/verdict/v1": _verdict,
    "airgap/audit/v1": _audit,
    "airgap/signatures/v1": _signatures,
    "airgap/media/v1": _media,
    "airgap/error/v1": _others,
}
