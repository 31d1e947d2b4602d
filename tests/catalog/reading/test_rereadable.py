"""catalog/reading/rereadable.py: a stream is read any number of times, also at the same time."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from genre_batch.catalog.formats import Format, Location
from genre_batch.catalog.reading.reader import CatalogReader, ReadOptions
from genre_batch.catalog.reading.rereadable import rereadable
from genre_batch.catalog.rejects import raise_on_reject

ROWS = 40_000


@pytest.fixture(params=["csv", "jsonl"])
def pipe(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Location]:
    """Return a FIFO with a catalog of several chunks."""
    path, form = tmp_path / "films", Format(request.param)
    rows = [f"film {row} " + "word " * 10 for row in range(ROWS)]
    if form is Format.CSV:
        text = "overview\n" + "".join(f"{row}\n" for row in rows)
    else:
        text = "".join(f'{{"overview": "{row}"}}\n' for row in rows)
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_text, args=(text,))
    writer.start()
    yield Location(str(path), form)
    writer.join()


def test_a_second_reader_does_not_disturb_the_first(pipe: Location) -> None:
    options = ReadOptions(as_table=True)
    with (
        rereadable([pipe]) as locations,
        CatalogReader(locations, options, raise_on_reject) as first,
        CatalogReader(locations, options, raise_on_reject) as second,
    ):
        chunks = first.chunks()
        rows = len(next(chunks)) + len(next(chunks))
        assert sum(map(len, second.chunks())) == ROWS
        rows += sum(map(len, chunks))
    assert rows == ROWS


def test_a_copy_is_read_like_a_file(pipe: Location) -> None:
    with rereadable([pipe]) as (location,), location.open_raw() as raw:
        size = raw.seek(0, os.SEEK_END)
        assert raw.read() == b""
        assert raw.seek(-7, os.SEEK_CUR) == size - 7 == raw.tell()
        end = raw.read()
        raw.seek(0)
        whole = raw.read()
    assert (len(whole), whole[-7:]) == (size, end)
    assert raw.closed
