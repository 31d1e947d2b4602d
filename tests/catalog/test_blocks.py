"""A stream of bytes is cut into whole records, wherever the stream itself is cut."""

from __future__ import annotations

import io
import os
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genre_batch.catalog import blocks
from genre_batch.catalog.blocks import record_ends, split_blocks
from genre_batch.errors import CatalogError

PIECES = st.lists(st.sampled_from([b"a", b"\n", b'"', b'""', b",", b"\r\n", b"\xc3\xa9"]))


@pytest.mark.parametrize(
    ("data", "ends"),
    [
        (b"", []),
        (b"a\nb\n", [2, 4]),
        (b'"a\nb"\nc\n', [6, 8]),
        (b'"a""\n"\nc', [7]),
        (b'"open\nb\n', []),
    ],
)
def test_a_newline_between_quotes_ends_no_record(data: bytes, ends: list[int]) -> None:
    assert record_ends(data, quoted=True).tolist() == ends


def test_where_quotes_mean_nothing_every_newline_ends_a_record() -> None:
    assert record_ends(b'{"a": "\n"}\n', quoted=False).tolist() == [8, 11]


@given(PIECES.map(b"".join), st.integers(1, 7), st.booleans())
def test_the_blocks_are_the_stream_cut_behind_records(
    data: bytes, block_bytes: int, quoted: bool
) -> None:
    cut = list(split_blocks(io.BytesIO(data), "f", quoted, block_bytes))
    assert b"".join(block.data for block in cut) == data
    ends = set(record_ends(data, quoted).tolist()) | {len(data)}
    for block in cut:
        assert block.byte_offset + len(block.data) in ends
        assert block.first_line == 1 + data.count(b"\n", 0, block.byte_offset)


def test_a_pipe_s_line_comes_out_while_the_pipe_is_open() -> None:
    reading, writing = os.pipe()
    with open(reading, "rb") as stream, open(writing, "wb", buffering=0) as source:
        cut = split_blocks(stream, "pipe", quoted=False)
        for line in (b"one\n", b"two\n"):
            source.write(line)
            assert next(cut).data == line


def test_a_record_that_never_ends_is_refused_with_its_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(blocks, "MAX_RECORD_BYTES", 100)
    data = b'a\nb\n"' + b"x\n" * 200
    with pytest.raises(CatalogError, match="starts on line 3 does not end"):
        list(split_blocks(io.BytesIO(data), "f.csv", quoted=True, block_bytes=10))


class _Failing(io.RawIOBase):
    def read(self, size: int = -1) -> bytes:
        raise OSError("device on fire")


def test_a_stream_that_fails_is_named() -> None:
    with pytest.raises(CatalogError, match=r"f\.csv: cannot be read beyond line 1: device on fire"):
        list(split_blocks(cast(io.BytesIO, _Failing()), "f.csv", quoted=True))
