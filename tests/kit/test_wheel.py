"""Wheels: what is refused, and that the same files are the same bytes."""

from __future__ import annotations

import csv
import io
import zipfile

import pytest

from airgap.errors import SourceError
from airgap.kit.wheel import in_normal_form, parse_wheel, record_hash, write_wheel
from tests.kit.forged import files, wheel


def zipped(content: dict[str, bytes], date: tuple[int, int, int, int, int, int] = (2024, 1, 2, 3, 4, 6)) -> bytes:
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in content.items():
            archive.writestr(zipfile.ZipInfo(path, date), data)
    return output.getvalue()


METADATA = "name-1.dist-info/METADATA"


@pytest.mark.parametrize(
    ("filename", "data", "why"),
    [
        ("name-1.whl", zipped(files("name")), "whl"),
        ("name-1-py3-none-any.zip", zipped(files("name")), "whl"),
        ("other-1-py3-none-any.whl", zipped(files("name")), "its METADATA is of name 1"),
        ("name-2-py3-none-any.whl", zipped(files("name")), "its METADATA is of name 1"),
        ("name-1-py3-none-any.whl", b"PK", "zip"),
        ("name-1-py3-none-any.whl", zipped(files("name"))[:-30], "zip"),
        ("name-1-py3-none-any.whl", zipped({"name/__init__.py": b""}), ""),
        ("name-1-py3-none-any.whl", zipped({**files("name"), "x-1.dist-info/METADATA": b""}), ""),
        ("name-1-py3-none-any.whl", zipped({**files("name"), METADATA: bytes(4 * 1024 * 1024 + 1)}), "METADATA has"),
        ("name-1-py3-none-any.whl", zipped(files("name", "1", "what is this?")), "this"),
        ("name-1-py3-none-any.whl", zipped(files("name")).replace(b"__init__", b"__evil__", 1), "name"),
    ],
)
def test_refused(filename: str, data: bytes, why: str) -> None:
    with pytest.raises(SourceError) as caught:
        in_normal_form(parse_wheel(filename, data))
    assert caught.value.kind == "package-invalid"
    assert why in caught.value.message


def test_the_same_files_are_the_same_bytes() -> None:
    content = files("name")
    forms = {
        write_wheel(content),
        write_wheel(dict(reversed(content.items()))),
        write_wheel({**content, "name-1.dist-info/RECORD": b"of another time"}),
        in_normal_form(parse_wheel("name-1-py3-none-any.whl", zipped(content))).data,
    }
    assert len(forms) == 1


def test_record_names_every_file_with_its_hash() -> None:
    with zipfile.ZipFile(io.BytesIO(write_wheel({**files("name"), 'name/a,"b".py': b"1"}))) as archive:
        assert archive.testzip() is None
        rows = list(csv.reader(archive.read("name-1.dist-info/RECORD").decode().splitlines()))
        assert sorted(row[0] for row in rows) == sorted(archive.namelist())
        for path, hash_, size in rows[:-1]:
            data = archive.read(path)
            assert (hash_, size) == (f"sha256={record_hash(data)}", str(len(data)))
    assert rows[-1] == ["name-1.dist-info/RECORD", "", ""]


@pytest.mark.parametrize(
    ("fields", "licence", "is_expression"),
    [
        ("License-Expression: MIT OR Apache-2.0\n", "MIT OR Apache-2.0", True),
        ("License: BSD\n", "BSD", False),
        ("Classifier: License :: OSI Approved :: MIT License\n", "MIT License", False),
        ("License: the whole text\n        in lines\nClassifier: License :: OSI Approved :: A\n", "A", False),
        ("", None, False),
    ],
)
def test_licence(fields: str, licence: str | None, is_expression: bool) -> None:
    found = wheel("name", fields=fields)
    assert (found.licence, found.licence_is_expression) == (licence, is_expression)
