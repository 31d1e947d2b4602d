"""Whether files are whole: checksums, and the formats' own ends."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from genre_batch.runs.integrity import (
    CHECKSUMS,
    drop_checksums,
    is_whole,
    read_checksums,
    write_checksums,
)


def _safetensors(path: Path) -> None:
    header = json.dumps({"w": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(16))


WRITERS = {
    "a.json": lambda path: path.write_text('{"a": 1}'),
    "a.jsonl": lambda path: path.write_text('{"a": 1}\n{"a": 2}\n'),
    "a.safetensors": _safetensors,
    "a.parquet": lambda path: pq.write_table(pa.table({"a": [1, 2]}), path),
    "a.npy": lambda path: np.save(path, np.arange(9)),
    "a.npz": lambda path: np.savez(path, a=np.arange(9)),
    "a.html": lambda path: path.write_text("<html></html>\n"),
    "a.toml": lambda path: path.write_text('a = "b"\n'),
    "a.csv": lambda path: path.write_text("a,b\n1,2\n"),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_file_that_lost_its_end_is_not_whole(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    assert not is_whole(path)
    WRITERS[name](path)  # type: ignore[no-untyped-call]
    assert is_whole(path)
    content = path.read_bytes()
    for length in (len(content) - 3, len(content) // 3):
        path.write_bytes(content[:length])
        assert not is_whole(path)


@pytest.mark.parametrize("name", [name for name in WRITERS if name not in ("a.toml",)])
def test_an_empty_file_or_other_bytes_are_not_whole(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    for content in (b"\xff\x00\xff", b"[" * 100_000, b"\0" * 64):
        path.write_bytes(content)
        assert not is_whole(path)
    path.write_bytes(b"")
    assert is_whole(path) == (name == "a.jsonl")


def test_a_folder_is_not_whole(tmp_path: Path) -> None:
    (tmp_path / "a.json").mkdir()
    assert not is_whole(tmp_path / "a.json")


def test_keys_that_a_file_needs_are_looked_for(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"a": 1}')
    assert is_whole(path, keys=["a"])
    assert not is_whole(path, keys=["a", "b"])
    path.write_text('["a"]')
    assert not is_whole(path, keys=["a"])


def test_checksums_are_those_of_sha256sum_and_tell_a_changed_byte(tmp_path: Path) -> None:
    first, second = tmp_path / "first.bin", tmp_path / "second.bin"
    first.write_bytes(b"first")
    second.write_bytes(b"second")
    write_checksums(tmp_path, [second])
    write_checksums(tmp_path, [first])
    subprocess.run(["sha256sum", "--check", "--quiet", CHECKSUMS], cwd=tmp_path, check=True)
    checksums = read_checksums(tmp_path)
    assert list(checksums) == ["first.bin", "second.bin"]
    assert is_whole(first, checksums["first.bin"])
    first.write_bytes(b"fjrst")
    assert not is_whole(first, checksums["first.bin"])
    drop_checksums(tmp_path, [first, tmp_path / "none"])
    assert list(read_checksums(tmp_path)) == ["second.bin"]


@pytest.mark.parametrize("content", [b"", b"\xff\xff", b"short  a\n", b"a" * 64 + b"\n"])
def test_a_list_that_is_damaged_tells_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / CHECKSUMS).write_bytes(content)
    assert read_checksums(tmp_path) == {}
