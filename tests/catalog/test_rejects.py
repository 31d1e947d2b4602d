"""The rejects file appears, complete, on commit, and only if there are rejects."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from genre_batch.catalog.rejects import Reject, RejectsFile
from genre_batch.errors import CatalogError

TEXT = Reject("f.csv", 3, 20, "too_many_fields", "é,a,b".encode())
BYTES = Reject("f.csv", 4, 29, "invalid_utf8", b"\xff,a")


def test_each_reject_is_a_line_with_its_location_reason_and_raw_text(tmp_path: Path) -> None:
    rejects = RejectsFile(str(tmp_path / "r.jsonl"))
    rejects.add(TEXT)
    rejects.add(BYTES)
    assert not (tmp_path / "r.jsonl").exists()
    rejects.commit()
    one, other = map(json.loads, (tmp_path / "r.jsonl").read_text().splitlines())
    assert one == {
        "file": "f.csv",
        "line": 3,
        "byte_offset": 20,
        "reason": "too_many_fields",
        "raw": "é,a,b",
    }
    assert base64.b64decode(other["raw_base64"]) == b"\xff,a"
    assert (rejects.count, rejects.first) == (2, TEXT)
    assert [path.name for path in tmp_path.iterdir()] == ["r.jsonl"]


def test_without_rejects_there_is_no_file_and_an_old_one_is_removed(tmp_path: Path) -> None:
    (tmp_path / "r.jsonl").write_bytes(TEXT.as_json())
    RejectsFile(str(tmp_path / "r.jsonl")).commit()
    assert list(tmp_path.iterdir()) == []


def test_a_rollback_leaves_nothing(tmp_path: Path) -> None:
    rejects = RejectsFile(str(tmp_path / "r.jsonl"))
    rejects.add(TEXT)
    rejects.rollback()
    assert list(tmp_path.iterdir()) == []


def test_without_a_path_they_are_only_counted() -> None:
    rejects = RejectsFile(None)
    rejects.add(TEXT)
    rejects.commit()
    assert rejects.count == 1


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    rejects = RejectsFile(str(tmp_path / "file" / "r.jsonl"))
    with pytest.raises(CatalogError, match=r"cannot write .*r\.jsonl: (File exists|Not a dir)"):
        rejects.add(TEXT)


def test_the_folder_of_a_rejects_file_is_created(tmp_path: Path) -> None:
    rejects = RejectsFile(str(tmp_path / "new" / "r.jsonl"))
    rejects.add(TEXT)
    rejects.commit()
    assert (tmp_path / "new" / "r.jsonl").read_bytes() == TEXT.as_json()


def test_a_device_is_written_directly() -> None:
    rejects = RejectsFile("/dev/null")
    rejects.add(TEXT)
    rejects.commit()
    assert Path("/dev/null").is_char_device()
