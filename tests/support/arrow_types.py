"""A column of every Arrow type, and the page that says how each output format writes it.

The page is made from what the encoders write: `python tests/support/arrow_types.py` writes it anew.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from genre_batch.catalog.chunk import TableChunk
from genre_batch.catalog.formats import Format
from genre_batch.catalog.writing.encoder import EncoderOptions
from genre_batch.catalog.writing.refusal import UnwritableTypeError
from genre_batch.catalog.writing.writer import encoder_for

__all__ = ["FORMATS", "PAGE", "SAMPLES", "page", "read_back", "write"]

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "arrow-types.md"

_CODES = pa.array([0, None, 1], pa.int32())
_SECONDS = pa.array([1_582_934_400, None, 0], pa.int64())
_MOON = datetime(1969, 7, 20, 20, 17, 40)  # noqa: DTZ001 - of no time zone


def _dictionary(values: Any, kind: pa.DataType | None = None) -> pa.Array:
    return pa.DictionaryArray.from_arrays(_CODES, pa.array(values, kind))


def _zoned(unit: str, zone: str) -> pa.Array:
    per = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    return pa.array(
        [None if s is None else s * per for s in _SECONDS.to_pylist()], pa.int64()
    ).cast(pa.timestamp(unit, zone))


def _extension(kind: pa.DataType, values: list[Any]) -> pa.Array:
    return pa.ExtensionArray.from_storage(kind, pa.array(values, kind.storage_type))


def _plain_samples() -> dict[str, pa.Array]:
    whole = [pa.int8(), pa.int16(), pa.int32(), pa.int64()]
    whole += [pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()]
    text, raw = ["é", None, ""], [b"a\xff", None, b""]
    money = [Decimal("1.10"), None, Decimal("-3.05")]
    halves = [np.float16(1.5), None, np.float16("nan")]
    return {
        "null": pa.nulls(3),
        "boolean": pa.array([True, None, False]),
        **{str(kind): pa.array([1, None, 3], kind) for kind in whole},
        "half float": pa.array(halves, pa.float16()),
        "float": pa.array([0.1, None, 1e30], pa.float32()),
        "double": pa.array([0.1, None, 1e300]),
        "double: NaN and infinity": pa.array([float("nan"), None, float("inf")]),
        "decimal32": pa.array(money, pa.decimal32(5, 2)),
        "decimal64": pa.array(money, pa.decimal64(12, 2)),
        "decimal128": pa.array(money, pa.decimal128(38, 2)),
        "decimal256": pa.array(money, pa.decimal256(76, 2)),
        "decimal of negative scale": pa.array(
            [Decimal(1100), None, Decimal(-300)], pa.decimal128(5, -2)
        ),
        "string": pa.array(text),
        "large string": pa.array(text, pa.large_string()),
        "string view": pa.array(text, pa.string_view()),
        "binary": pa.array(raw, pa.binary()),
        "large binary": pa.array(raw, pa.large_binary()),
        "binary view": pa.array(raw, pa.binary_view()),
        "fixed-size binary": pa.array([b"ab", None, b"cd"], pa.binary(2)),
    }


def _temporal_samples() -> dict[str, pa.Array]:
    noon = [time(12, 0, 1), None, time(0)]
    days = [date(2020, 2, 29), None, date(1, 1, 1)]
    units = ("s", "ms", "us", "ns")
    lengths = pa.array([6060, None, -1], pa.int64())
    intervals = [pa.MonthDayNano([1, 2, 500_000_000]), None, pa.MonthDayNano([0, 0, 0])]
    return {
        "date32": pa.array(days),
        "date64": pa.array(days, pa.date64()),
        "date after the year 9999": pa.array([10**8, None, 0], pa.int32()).cast(pa.date32()),
        "time32, seconds": pa.array(noon, pa.time32("s")),
        "time32, milliseconds": pa.array(noon, pa.time32("ms")),
        "time64, microseconds": pa.array(noon, pa.time64("us")),
        "time64, nanoseconds": pa.array(noon, pa.time64("ns")),
        **{
            f"timestamp, {unit}": pa.array([_MOON, None, _MOON], pa.timestamp(unit))
            for unit in units
        },
        "timestamp after the year 9999": pa.array([10**14, None, 0], pa.int64()).cast(
            pa.timestamp("s")
        ),
        **{f"timestamp, {unit}, UTC": _zoned(unit, "UTC") for unit in units},
        "timestamp of a city": _zoned("us", "Europe/Berlin"),
        "timestamp of an offset": _zoned("us", "+02:00"),
        "timestamp of an offset with minutes": _zoned("us", "-05:30"),
        "timestamp of an unknown zone": _zoned("us", "Mars/Olympus"),
        **{f"duration, {unit}": lengths.cast(pa.duration(unit)) for unit in units},
        "interval of months, days and nanoseconds": pa.array(intervals),
    }


def _nested_samples() -> dict[str, pa.Array]:
    numbers: list[Any] = [[1, None], None, []]
    return {
        "list": pa.array(numbers),
        "large list": pa.array(numbers, pa.large_list(pa.int64())),
        "list view": pa.array(numbers, pa.list_view(pa.int64())),
        "large list view": pa.array(numbers, pa.large_list_view(pa.int64())),
        "fixed-size list": pa.array([[1, 2], None, [3, 4]], pa.list_(pa.int64(), 2)),
        "fixed-size list of size 0": pa.array([[], None, []], pa.list_(pa.int64(), 0)),
        "list of lists": pa.array([[["a"], None], None, []]),
        "list of bytes": pa.array([[b"\xff"], None, []]),
        "list of string views": pa.array([["a"], None, []], pa.list_(pa.string_view())),
        "list of NaN": pa.array([[float("nan")], None, []]),
        "struct": pa.array([{"a": 1, "b": "x"}, None, {"a": None, "b": None}]),
        "struct of a duration and bytes": pa.array(
            [{"d": timedelta(seconds=5), "r": b"\xff"}, None, None]
        ),
        "struct without fields": pa.array([{}, None, {}], pa.struct([])),
        "struct in a struct, without fields": pa.array(
            [{"a": {}}, None, {"a": None}], pa.struct([("a", pa.struct([]))])
        ),
        "struct with two fields of one name": pa.StructArray.from_arrays(
            [pa.array([1, 2, 3]), pa.array([4, 5, 6])], names=["a", "a"]
        ),
        "map": pa.array([[("k", 1)], None, []], pa.map_(pa.string(), pa.int64())),
        "map with keys that are not text": pa.array(
            [[(1, "x"), (2, None)], None, []], pa.map_(pa.int64(), pa.string())
        ),
    }


def _encoded_samples() -> dict[str, pa.Array]:
    dense = pa.UnionArray.from_dense(
        pa.array([0, 1, 0], pa.int8()),
        pa.array([0, 0, 1], pa.int32()),
        [pa.array([1, None]), pa.array(["x"])],
    )
    sparse = pa.UnionArray.from_sparse(
        pa.array([0, 1, 0], pa.int8()), [pa.array([[1], None, []]), pa.array(["x", "y", "z"])]
    )
    return {
        "dictionary of strings": _dictionary(["x", "y"]),
        "dictionary of string views": _dictionary(["x", "y"], pa.string_view()),
        "dictionary of strings with a null": _dictionary(["x", None]),
        "dictionary of numbers": _dictionary([1, 2]),
        "dictionary of bytes": _dictionary([b"x", b"y"]),
        "dictionary of structs": _dictionary([{"a": 1}, {"a": 2}]),
        "dictionary of lists": _dictionary([[1], [2]]),
        "run-end encoded strings": pa.RunEndEncodedArray.from_arrays([2, 3], ["a", None]),
        "run-end encoded numbers": pa.RunEndEncodedArray.from_arrays([1, 3], [1, 2]),
        "dense union": dense,
        "sparse union": sparse,
        "UUID": _extension(pa.uuid(), [bytes(15) + b"\x05", None, bytes(16)]),
        "JSON": _extension(pa.json_(), ['{"a":1}', None, "3"]),
        "8-bit boolean": _extension(pa.bool8(), [1, None, 0]),
        "opaque": _extension(
            pa.opaque(pa.binary(), "geometry", "postgis"), [b"\x01", None, b"\x02"]
        ),
        "tensor": _extension(pa.fixed_shape_tensor(pa.int32(), [2]), [[1, 2], None, [3, 4]]),
    }


SAMPLES = _plain_samples() | _temporal_samples() | _nested_samples() | _encoded_samples()
"""Name -> a column of three rows, the second of them null where the type has nulls."""


def write(kind: Format, column: pa.Array, *, rows_at_once: int = 3) -> bytes:
    """Encode a catalog of one column, as the reader yields it: first no rows, then the rows."""
    stream = io.BytesIO()
    encoder = encoder_for(kind, stream, EncoderOptions())
    table = pa.table({"c": column})
    pieces = [table.slice(start, rows_at_once) for start in range(0, len(table), rows_at_once)]
    for piece in [table.slice(0, 0), *pieces]:
        encoder.write(TableChunk(piece), pa.table({"g": pa.nulls(len(piece), pa.string())}))
    encoder.finish()
    return stream.getvalue()


def read_back(kind: Format, data: bytes) -> pa.ChunkedArray:
    """Read the column of a Parquet or Arrow file."""
    stream = io.BytesIO(data)
    table = pq.read_table(stream) if kind is Format.PARQUET else pa.ipc.open_file(stream).read_all()
    table.validate(full=True)
    return table.column("c")


def _columnar(kind: Format) -> Callable[[pa.Array], str]:
    def describe(column: pa.Array) -> str:
        written = read_back(kind, write(kind, column))
        if written.type == column.type:
            return "kept"
        is_text = pa.types.is_string(written.type) and "string" not in str(column.type)
        return f"text: `{written[0].as_py()}`" if is_text else f"as `{written.type}`"

    return describe


def _json(column: pa.Array) -> str:
    lines = write(Format.JSONL, column).decode().splitlines()
    value = lines[0].removeprefix('{"c":').removesuffix(',"g":null}')
    return f"`{value}`"


def _csv(column: pa.Array) -> str:
    rows = list(csv.reader(io.StringIO(write(Format.CSV, column).decode())))
    return f"`{rows[1][0]}`" if rows[1][0] else "nothing"


FORMATS = {
    "Arrow": _columnar(Format.ARROW),
    "Parquet": _columnar(Format.PARQUET),
    "JSON Lines": _json,
    "CSV, TSV": _csv,
}

_HEADER = "| type | " + " | ".join(FORMATS) + " |\n"


def page() -> str:
    """Return the page: its prose as it is, and the table made from what the encoders write."""
    prose = PAGE.read_text(encoding="utf-8").partition(_HEADER)[0]
    lines = [prose + _HEADER + "|---|" + "---|" * len(FORMATS)]
    for name, column in SAMPLES.items():
        cells = []
        for describe in FORMATS.values():
            try:
                cells.append(describe(column).replace("|", "\\|"))
            except UnwritableTypeError as error:
                cells.append(f"refused: {error.reason}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
