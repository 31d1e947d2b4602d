"""A stream is split into complete records, however its bytes arrive."""

from __future__ import annotations

import io
import os
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genre_batch.catalog.reading import blocks
from genre_batch.catalog.reading.blocks import Start, split_blocks
from genre_batch.errors import CatalogError
from support.delivery import Pieces


def _lines(data: bytes) -> int:
    return data.rfind(b"\n") + 1


@given(
    st.lists(st.sampled_from([b"a", b"\n", b"bc", b"\r\n"])).map(b"".join),
    st.integers(1, 7),
)
def test_the_blocks_are_the_stream_split_after_records(data: bytes, size: int) -> None:
    cut = list(split_blocks(cast(io.BytesIO, Pieces(data, size)), "f", _lines))
    assert b"".join(block.data for block in cut) == data
    for block in cut[:-1]:
        assert block.data.endswith(b"\n")
    for block in cut:
        assert block.first_line == 1 + data.count(b"\n", 0, block.byte_offset)


def test_what_was_read_already_comes_first_and_counts() -> None:
    start = Start(b"b\nc", line=3, byte_offset=20)
    one, other = split_blocks(io.BytesIO(b"\n"), "f", _lines, start)
    assert (one.data, one.first_line, one.byte_offset) == (b"b\n", 3, 20)
    assert (other.data, other.first_line, other.byte_offset) == (b"c\n", 4, 22)


def test_what_was_read_already_is_not_held_back_for_more() -> None:
    reading, writing = os.pipe()
    with open(reading, "rb") as stream, open(writing, "wb", buffering=0):
        cut = split_blocks(stream, "pipe", _lines, Start(b"b\nc", line=3, byte_offset=20))
        assert next(cut).data == b"b\n"


def test_offsets_are_counted_in_the_bytes_of_the_file() -> None:
    stream = cast(io.BytesIO, Pieces(b"aa\nbb\n", 3))
    cut = list(split_blocks(stream, "f", _lines, original_length=lambda data: 2 * len(data)))
    assert [block.byte_offset for block in cut] == [0, 6]


def test_a_line_of_a_pipe_is_yielded_while_the_pipe_is_open() -> None:
    reading, writing = os.pipe()
    with open(reading, "rb") as stream, open(writing, "wb", buffering=0) as source:
        cut = split_blocks(stream, "pipe", _lines)
        for line in (b"one\n", b"two\n"):
            source.write(line)
            assert next(cut).data == line


def test_a_line_that_never_ends_is_refused_with_its_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(blocks, "MAX_RECORD_BYTES", 100)
    data = b"a\nb\n" + b"x" * 200
    with pytest.raises(CatalogError, match="line 3 does not end within"):
        list(split_blocks(cast(io.BytesIO, Pieces(data, 10)), "f.csv", _lines))


def test_a_record_without_an_end_yields_its_first_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(blocks, "MAX_RECORD_BYTES", 100)
    stream = cast(io.BytesIO, Pieces(b"x\n" * 150, 10))
    cut = list(split_blocks(stream, "f.csv", lambda data: 0))
    assert b"".join(block.data for block in cut) == b"x\n" * 150
    assert cut[0].data == b"x\n"


def test_a_long_record_is_scanned_only_a_few_times() -> None:
    looked: list[int] = []

    def whole(data: bytes) -> int:
        looked.append(len(data))
        return 0

    stream = cast(io.BytesIO, Pieces(b"x\n" * (4 << 20), 1 << 16))
    list(split_blocks(stream, "f", whole))
    assert sum(looked) < 40 << 20


class _Failing(io.RawIOBase):
    def read1(self, size: int = -1) -> bytes:
        raise OSError("device on fire")


def test_a_stream_that_fails_is_named() -> None:
    with pytest.raises(CatalogError, match=r"f\.csv: cannot be read after line 1: device on fire"):
        list(split_blocks(cast(io.BytesIO, _Failing()), "f.csv", _lines))
