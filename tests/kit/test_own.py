"""airgap's own wheel, packed again from what pip installed."""

from __future__ import annotations

import io
import zipfile
from importlib.metadata import PathDistribution
from pathlib import Path

import pytest

from airgap.errors import IntegrityError, SourceError
from airgap.kit.own import repacked
from airgap.kit.wheel import in_normal_form, record_hash, write_wheel
from tests.kit.forged import files, wheel


def installed(folder: Path) -> PathDistribution:
    """As pip leaves it: the files, and in RECORD also what it made."""
    site = folder / "lib" / "python3.11" / "site-packages"
    content = {**files("airgap"), "airgap/py.typed": b"", "../../../share/man/man1/airgap.1": b".TH\n"}
    made = {
        "airgap-1.dist-info/INSTALLER": b"pip\n",
        "airgap-1.dist-info/direct_url.json": b"{}",
        "../../../bin/airgap": b"#!/here/python\n",
    }
    rows = []
    for path, data in {**content, **made}.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_bytes(data)
        rows.append(f"{path},sha256={record_hash(data)},{len(data)}\n")
    rows += ["airgap/__pycache__/__init__.cpython-311.pyc,,\n", "airgap-1.dist-info/RECORD,,\n"]
    (site / "airgap-1.dist-info" / "RECORD").write_text("".join(rows))
    return PathDistribution(site / "airgap-1.dist-info")


def test_it_is_the_wheel_that_was_installed(tmp_path: Path) -> None:
    found = repacked(installed(tmp_path))
    man = {"airgap-1.data/data/share/man/man1/airgap.1": b".TH\n"}
    assert found.data == write_wheel({**files("airgap"), "airgap/py.typed": b"", **man})
    assert found == in_normal_form(found)
    assert found.filename == wheel("airgap").filename


def test_a_file_that_was_added_is_not_packed(tmp_path: Path) -> None:
    before = installed(tmp_path)
    (tmp_path / "lib/python3.11/site-packages/airgap/evil.py").write_text("")
    with zipfile.ZipFile(io.BytesIO(repacked(before).data)) as archive:
        assert "airgap/evil.py" not in archive.namelist()


@pytest.mark.parametrize("name", ["airgap/__init__.py", "airgap-1.dist-info/METADATA"])
def test_a_file_that_was_changed_is_refused(tmp_path: Path, name: str) -> None:
    found = installed(tmp_path)
    with (tmp_path / "lib/python3.11/site-packages" / name).open("ab") as file:
        file.write(b"\n")
    with pytest.raises(IntegrityError) as caught:
        repacked(found)
    assert caught.value.kind == "installation-differs"
    assert caught.value.facts["path"] == name


def test_a_file_without_a_hash_is_refused(tmp_path: Path) -> None:
    found = installed(tmp_path)
    record = tmp_path / "lib/python3.11/site-packages/airgap-1.dist-info/RECORD"
    record.write_text(record.read_text().replace(f"airgap/py.typed,sha256={record_hash(b'')},0", "airgap/py.typed,,"))
    with pytest.raises(IntegrityError) as caught:
        repacked(found)
    assert caught.value.kind == "installation-differs"


def test_a_weaker_hash_is_refused(tmp_path: Path) -> None:
    found = installed(tmp_path)
    record = tmp_path / "lib/python3.11/site-packages/airgap-1.dist-info/RECORD"
    record.write_text(record.read_text().replace("airgap/py.typed,sha256=", "airgap/py.typed,md5="))
    with pytest.raises(IntegrityError) as caught:
        repacked(found)
    assert caught.value.kind == "installation-differs"


def test_a_record_without_files_is_refused(tmp_path: Path) -> None:
    found = installed(tmp_path)
    (tmp_path / "lib/python3.11/site-packages/airgap-1.dist-info/RECORD").write_text("")
    with pytest.raises(SourceError) as caught:
        repacked(found)
    assert caught.value.kind == "installation-incomplete"
