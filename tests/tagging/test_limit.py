"""Promise: a limited run knows nothing of what comes after its last row."""

from __future__ import annotations

import bz2
import functools
import gzip
import hashlib
import io
import lzma
import re
import warnings
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genre_batch.catalog.formats import input_location
from genre_batch.catalog.reading.reader import CatalogReader, ReadOptions
from genre_batch.catalog.rejects import Reject
from genre_batch.cluster.api import tag_catalog
from genre_batch.errors import CatalogError
from support.places import Command

pytestmark = pytest.mark.slow

CSV = b"id,overview\n1,laugh\n2,cry\n"
JSONL = b'{"id": 1, "overview": "laugh"}\n{"id": 2, "overview": "cry"}\n'
AFTER = {
    "csv": (b"a,b,c,d\n", b"4\n", b'5,"x"y\n', b"\xff,\xff\n", b'"open\n', b"word,laugh\n"),
    "jsonl": (b"oops\n", b"[]\n", b"\xff\n", b'{"id": "word", "more": {"late": 1}}\n'),
}


@pytest.mark.parametrize("output", ["o.csv", "o.jsonl", "o.parquet", "o.arrow"])
@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_nothing_after_the_limit_changes_the_run(
    tiny_model: Path, tmp_path: Path, kind: str, output: str
) -> None:
    whole, longer = tmp_path / f"whole.{kind}", tmp_path / f"longer.{kind}"
    start = CSV if kind == "csv" else JSONL
    whole.write_bytes(start)
    results = []
    for after in (b"", *AFTER[kind], b"".join(AFTER[kind]), start * 1000 + AFTER[kind][0]):
        longer.write_bytes(start + after)
        for strict in (False, True):
            target = tmp_path / output
            summary = tag_catalog(
                longer,
                target,
                model=tiny_model,
                limit=2,
                strict=strict,
                infer_types=True,
                force=True,
            )
            assert (summary.rows, summary.rows_rejected, summary.rows_padded) == (2, 0, 0)
            assert not (tmp_path / f"{output}.rejects.jsonl").exists()
            results.append(target.read_bytes())
    assert len(set(results)) == 1


def test_rejects_before_the_last_row_are_reported(tiny_model: Path, tmp_path: Path) -> None:
    films = tmp_path / "films.csv"
    films.write_bytes(b"id,overview\na,b,c\n1,laugh\n2\nd,e,f\n3,cry\ng,h,i\n4\n")
    for limit, counts in ((1, (1, 0)), (2, (1, 1)), (3, (2, 1)), (4, (3, 2)), (5, (3, 2))):
        summary = tag_catalog(films, tmp_path / "o.csv", model=tiny_model, limit=limit, force=True)
        assert (summary.rows_rejected, summary.rows_padded) == counts, limit


def test_the_limit_counts_the_rows_of_all_inputs(tiny_model: Path, tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_bytes(CSV + b"x,y,z\n")
    inputs = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for limit, rejected in ((2, 0), (3, 1), (4, 1)):
        summary = tag_catalog(inputs, tmp_path / "o.csv", model=tiny_model, limit=limit, force=True)
        assert (summary.rows, summary.rows_rejected) == (limit, rejected)


_RECORDS = st.lists(
    st.sampled_from([b"1,laugh", b'2,"two\nlines"', b"3", b"a,b,c", b'"x"y,z', b"", b"\xff,b"]),
    max_size=12,
)


@given(records=_RECORDS, limit=st.integers(0, 13))
def test_a_limited_reader_reads_and_rejects_the_same_up_to_its_last_row(
    tmp_path_factory: pytest.TempPathFactory, records: list[bytes], limit: int
) -> None:
    path = tmp_path_factory.mktemp("limit") / "a.csv"
    path.write_bytes(b"id,overview\n" + b"\n".join([b"0,cry", *records]))

    def read(limit: int | None) -> tuple[list[object], list[Reject]]:
        rejects: list[Reject] = []
        with CatalogReader(
            [input_location(str(path))], ReadOptions(limit=limit), rejects.append
        ) as reader:
            rows = [row for chunk in reader.chunks() for row in chunk.table.to_pylist()]  # type: ignore[union-attr]
        return rows, rejects

    rows, rejects = read(None)
    some_rows, some_rejects = read(limit)
    assert some_rows[:limit] == rows[:limit]
    assert some_rejects == rejects[: len(some_rejects)]


def _zstd(data: bytes) -> bytes:
    """Compress in frames of 20 lines, so that damage to one does not reach the others."""
    lines = data.splitlines(keepends=True)
    pieces = (b"".join(lines[start : start + 20]) for start in range(0, len(lines), 20))
    return b"".join(pa.compress(piece, "zstd", asbytes=True) for piece in pieces)


def _parquet(rows: int) -> bytes:
    stream = io.BytesIO()
    pq.write_table(_TABLE.slice(0, rows), stream, row_group_size=20, compression="none")
    return stream.getvalue()


def _arrow(rows: int) -> bytes:
    stream = io.BytesIO()
    with pa.ipc.new_stream(stream, _TABLE.schema) as writer:
        for start in range(0, rows, 20):
            writer.write_table(_TABLE.slice(start, min(20, rows - start)))
    return stream.getvalue()


_WORDS = [hashlib.sha256(b"%d" % row).hexdigest() for row in range(1500)]
_TABLE = pa.table({"overview": _WORDS})
_LINES = {
    "csv": [b"overview\n", *(f"{word}\n".encode() for word in _WORDS)],
    "tsv": [b"overview\tid\n", *(f"{word}\t7\n".encode() for word in _WORDS)],
    "jsonl": [b"", *(f'{{"overview":"{word}"}}\n'.encode() for word in _WORDS)],
    "json": [b"[", *(f'{{"overview":"{word}"}},\n'.encode() for word in _WORDS)],
}
_COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".zst": _zstd,
    ".bz2": functools.partial(bz2.compress, compresslevel=1),
    ".xz": lzma.compress,
}
_JUNK = b'\xff,"x"y,z\n{"a": [NaN, 1}]\n[]\n7,8,9,10\n' * 10


def _overviews(path: Path, limit: int, output: str) -> list[str | None]:
    rejects: list[Reject] = []
    options = ReadOptions(as_table=output == "table", infer_types=True, limit=limit)
    with CatalogReader([input_location(str(path))], options, rejects.append) as reader:
        rows: list[str | None] = []
        for chunk in reader.chunks():
            rows += chunk.strings("overview").to_pylist()
            if len(rows) >= limit:
                break
    assert rejects == []
    return rows


@pytest.mark.parametrize("output", ["table", "objects"])
@pytest.mark.parametrize("compression", _COMPRESS)
@pytest.mark.parametrize("kind", _LINES)
@pytest.mark.parametrize("rows", [1, 1000])
def test_text_after_the_limit_may_be_anything(
    tmp_path: Path, rows: int, kind: str, compression: str, output: str
) -> None:
    path = tmp_path / f"films.{kind}{compression}"
    start = b"".join(_LINES[kind][: rows + 1])
    compress = _COMPRESS[compression]
    rest = b"".join(_LINES[kind][rows + 1 :])
    cut_off = compress(start + rest)[:-5]
    if compression == ".gz":  # the check of the content, which comes after it
        damaged = bytearray(compress(start + rest))
        damaged[-7] ^= 255
    else:
        damaged = bytearray(compress(start) + compress(rest))
        damaged[-9] ^= 255
    contents = (compress(start), compress(start + _JUNK + rest), cut_off, bytes(damaged))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for content in contents:
            path.write_bytes(content)
            assert _overviews(path, rows, output) == _WORDS[:rows]


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_damage_after_the_limit_is_not_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"films.{kind}"
    content = bytearray(_parquet(100) if kind == "parquet" else _arrow(100))
    place = content.index(_WORDS[45].encode())
    content[place - 40 : place + 40] = bytes(80)
    content[place] = 0xFF
    path.write_bytes(content)
    for rows in (0, 1, 20, 40):
        assert _overviews(path, rows, "table") == _WORDS[:rows]
    if kind == "arrow":
        path.write_bytes(_arrow(100)[:-3000])
        assert _overviews(path, 21, "table") == _WORDS[:21]


def test_rows_of_a_damaged_file_are_read_up_to_the_damage(tmp_path: Path) -> None:
    for compression in (".gz", ".xz", ".zst"):
        path = tmp_path / f"films.csv{compression}"
        content = _COMPRESS[compression](b"".join(_LINES["csv"]))
        path.write_bytes(content[: len(content) * 3 // 4])
        with pytest.raises(CatalogError, match="cannot be read after line") as raised:
            _overviews(path, 1500, "table")
        line = int(re.findall(r"after line (\d+)", str(raised.value))[0])
        assert line > 700
        assert _overviews(path, line - 2, "table") == _WORDS[: line - 2]


def test_later_inputs_are_not_opened(tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(CSV)
    (tmp_path / "b.csv").write_bytes(b"\x00\x01 no catalog")
    (tmp_path / "c.parquet").write_bytes(b"no catalog")
    inputs = [tmp_path / name for name in ("a.csv", "b.csv", "c.parquet")]
    for output in ("o.csv", "o.jsonl", "o.parquet"):
        summary = tag_catalog(inputs, tmp_path / output, model=tiny_model, limit=2)
        assert summary.rows == 2


def test_a_limited_pipe_is_read_as_a_file_is(command: Command) -> None:
    for compression in (".gz", ".xz", ".zst"):
        content = _COMPRESS[compression](b"".join(_LINES["jsonl"]))[:-5]
        result = command("tag", "--limit", "1200", stdin=content)
        assert (result.returncode, result.stderr) == (0, b"")
        assert result.stdout.count(b"\n") == 1200


def test_a_row_with_lists_is_no_object_that_holds_the_rows(tmp_path: Path) -> None:
    path = tmp_path / "films.json"
    path.write_bytes(b'{"cast": [{"name": "A"}], "note": "x"}\n{"overview": "laugh"}\n')
    assert _overviews(path, 1, "objects") == [None]
