"""Bytes appear under their final name whole, or not at all."""

from __future__ import annotations

import gzip
import os
import threading
from pathlib import Path

import pyarrow as pa
import pytest

from genre_batch.catalog.chunk import TableChunk
from genre_batch.catalog.formats import output_location
from genre_batch.catalog.writing.atomic import open_output
from genre_batch.catalog.writing.writer import open_writer
from genre_batch.catalog.writing.writers import EncoderOptions
from genre_batch.errors import CatalogError, OutputExistsError
from genre_batch.files import replacing


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_nothing_stands_under_the_final_name_until_all_is_written(tmp_path: Path) -> None:
    with replacing(str(tmp_path / "out")) as stream:
        stream.write(b"half")
        stream.flush()
        assert not (tmp_path / "out").exists()
    assert _names(tmp_path) == ["out"]
    assert (tmp_path / "out").read_bytes() == b"half"


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt])
def test_a_failure_leaves_what_was_there_before(
    tmp_path: Path, failure: type[BaseException]
) -> None:
    (tmp_path / "out").write_bytes(b"before")

    def fail_half_way() -> None:
        with replacing(str(tmp_path / "out")) as stream:
            stream.write(b"half")
            raise failure

    with pytest.raises(failure):
        fail_half_way()
    assert _names(tmp_path) == ["out"]
    assert (tmp_path / "out").read_bytes() == b"before"


@pytest.mark.parametrize("call", ["os.replace", "os.fsync"])
def test_a_rename_or_sync_that_fails_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(call, fail)
    location = output_location(str(tmp_path / "out.csv"))
    with (
        pytest.raises(CatalogError, match=r"cannot write .*out\.csv: Input/output error"),
        open_writer(location, EncoderOptions()),
    ):
        pass
    assert _names(tmp_path) == []


def test_a_symbolic_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere" / "file")
    with replacing(str(tmp_path / "link")) as stream:
        stream.write(b"x")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "elsewhere" / "file").read_bytes() == b"x"


def test_a_named_pipe_is_written_straight_and_stays_a_pipe(tmp_path: Path) -> None:
    fifo = tmp_path / "pipe.csv"
    os.mkfifo(fifo)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(fifo.read_bytes()))
    reader.start()
    with open_output(output_location(str(fifo))) as stream:
        stream.write(b"x")
    reader.join()
    assert read == [b"x"]
    assert fifo.is_fifo()


def test_an_existing_file_is_refused_unless_forced(tmp_path: Path) -> None:
    (tmp_path / "out.csv").write_bytes(b"before")
    location = output_location(str(tmp_path / "out.csv"))
    with pytest.raises(OutputExistsError), open_output(location):
        pass
    with open_output(location, force=True) as stream:
        stream.write(b"after")
    assert (tmp_path / "out.csv").read_bytes() == b"after"


@pytest.mark.parametrize("suffix", ["gz", "zst"])
def test_compressed_text_holds_the_text_and_the_same_bytes_each_time(
    tmp_path: Path, suffix: str
) -> None:
    chunk = TableChunk(pa.table({"id": ["1", "2"]}))
    added = pa.table({"g": ["a", "b"]})
    made = []
    for name in ("one", "two"):
        location = output_location(str(tmp_path / f"{name}.csv.{suffix}"))
        with open_writer(location, EncoderOptions()) as encoder:
            encoder.write(chunk, added)
        made.append(Path(location.path).read_bytes())
    assert made[0] == made[1]
    text = (
        gzip.decompress(made[0])
        if suffix == "gz"
        else pa.CompressedInputStream(location.path, "zstd").read()
    )
    assert text == b"id,g\n1,a\n2,b\n"
