"""Output appears under its final name complete, or not at all (see also test_files.py)."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from genre_batch.catalog.formats import output_location
from genre_batch.catalog.writing.atomic import open_output
from genre_batch.errors import OutputExistsError


def test_a_named_pipe_is_written_directly_and_stays_a_pipe(tmp_path: Path) -> None:
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
