"""Columns of any Arrow type -> columns that polars writes as JSON, and the cells of CSV.

The rules, all in docs/reference/arrow-types.md: lists, structs and maps are JSON; bytes are base64;
durations, intervals, and dates far away are ISO 8601; a dictionary or run-end encoding is replaced
by its values, an extension type by its text or its storage, and a union by the JSON of its values.
polars panics on some types, and a panic prints a traceback of its own, so it gets no others.
"""

from __future__ import annotations

import json
import re

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from genre_batch.catalog.nested import (
    children,
    decode_runs,
    is_bytes,
    is_list,
    rebuild,
    union_children,
)
from genre_batch.catalog.writing.refusal import UnwritableTypeError, naming
from genre_batch.catalog.writing.temporal import (
    duration_texts,
    interval_texts,
    plain_dates,
    plain_times,
)

__all__ = ["TextConverter", "json_texts"]

_STRINGS = re.compile(r'\["[^"\\,]*"(?:,"[^"\\,]*")*\]')
"""A list of strings without commas and escapes."""
_SEPARATOR = re.compile(r'((?:"(?:[^"\\]|\\.)*+"|[^",:])*+)([,:]|\Z)')
"""A comma or colon outside of strings, and what precedes it."""

_EXTENSION_NAME = b"ARROW:extension:name"


class TextConverter:
    """Converts tables for JSON Lines, or for CSV and TSV.

    Attributes:
        lost: the number of NaN and infinities written as null, because JSON has neither.
    """

    def __init__(self, *, csv: bool) -> None:
        """Create a converter.

        Args:
            csv: whether the columns become cells of CSV, in which lists, structs and maps are JSON
                text, and NaN and infinity are kept outside of them.
        """
        self.lost = 0
        self._csv = csv

    def convert(self, table: pa.Table) -> pa.Table:
        """Return the table with columns of types that polars writes.

        Raises:
            UnwritableTypeError: a column's type cannot be written; the error names the column.
        """
        columns = []
        for field, column in zip(table.schema, table.columns, strict=True):
            if not _is_plain(field):
                with naming(field):
                    column = self._cells(column.combine_chunks())
            columns.append(column)
        return pa.table(columns, names=table.column_names)

    def _cells(self, array: pa.Array) -> pa.Array:
        if self._csv and pa.types.is_floating(array.type):
            return array
        if not self._csv or not _is_nested(array.type):
            return self.plain(array)
        members = TextConverter(csv=False)
        plain = members.plain(array)
        self.lost += members.lost
        return (
            pa.array(_spaced(json_texts(plain)), pa.string()) if _is_nested(plain.type) else plain
        )

    def plain(self, array: pa.Array) -> pa.Array:
        """Return the values as a type that polars writes to JSON."""
        kind = array.type
        if isinstance(kind, pa.BaseExtensionType):
            return self._extension(array)
        if pa.types.is_dictionary(kind):
            return self.plain(array.dictionary).take(array.indices)
        if pa.types.is_run_end_encoded(kind):
            return decode_runs(array, self.plain)
        if pa.types.is_union(kind):
            return self._union(array)
        if is_list(kind) or pa.types.is_map(kind) or pa.types.is_struct(kind):
            names = [field.name for field in children(kind)]
            if len(set(names)) < len(names) and pa.types.is_struct(kind):
                raise UnwritableTypeError(kind, "it has two fields of the same name")
            rebuilt = rebuild(array, self.plain, self._keys)
            if pa.types.is_map(kind) and _has_repeated_keys(rebuilt):
                raise UnwritableTypeError(kind, "a map has a key twice")
            return rebuilt
        return self._value(array)

    def _value(self, array: pa.Array) -> pa.Array:
        """Return values that are not nested and have no encoding."""
        kind = array.type
        if pa.types.is_floating(kind):
            finite = pc.is_finite(array.cast(pa.float64()))
            self.lost += len(array) - array.null_count - (pc.sum(finite).as_py() or 0)
            return array
        if pa.types.is_date(kind):
            return plain_dates(array, self._texts)
        if pa.types.is_timestamp(kind):
            return plain_times(array, self._texts)
        if pa.types.is_duration(kind):
            return duration_texts(array)
        if pa.types.is_interval(kind):
            return interval_texts(array)
        if pa.types.is_decimal(kind):
            return _decimals(array)
        if is_bytes(kind):
            return _base64(array)
        if pa.types.is_string_view(kind):
            return array.cast(pa.large_string())
        if _is_simple(kind) or pa.types.is_time(kind):
            return array
        raise UnwritableTypeError(kind, "no text format can hold it")

    def _texts(self, array: pa.Array) -> list[str | None]:
        """Return each value as polars writes it to the output."""
        if not self._csv:
            return json_texts(array, quoted=False)
        lines = pl.DataFrame(pa.table({"c": array})).write_csv(include_header=False).splitlines()
        return [line or None for line in lines]

    def _extension(self, array: pa.Array) -> pa.Array:
        if isinstance(array.type, pa.UuidType):
            values = [None if value is None else str(value) for value in array.to_pylist()]
            return pa.array(values, pa.string())
        if isinstance(array.type, pa.Bool8Type):
            return pa.array(array.to_pylist(), pa.bool_())
        return self.plain(array.storage)

    def _union(self, array: pa.UnionArray) -> pa.Array:
        texts: list[str | None] = [None] * len(array)
        for rows, values in union_children(array):
            plain = self.plain(values)
            for row, text in zip(rows.to_pylist(), _member_texts(plain), strict=True):
                texts[row] = text
        return pa.array(texts, pa.string())

    def _keys(self, array: pa.Array) -> pa.Array:
        """Return the keys of maps as text, as the keys of JSON objects are."""
        plain = self.plain(array)
        return plain if _is_text(plain.type) else pa.array(_member_texts(plain), pa.string())


def _has_repeated_keys(maps: pa.MapArray) -> bool:
    """Return whether a map has a key twice, which a JSON object cannot have.

    Args:
        maps: as `rebuild` returns them.
    """
    codes = pc.dictionary_encode(maps.keys).indices.to_numpy(zero_copy_only=False)
    parents = np.repeat(np.arange(len(maps)), np.diff(maps.offsets.to_numpy()))
    pairs = parents * (len(codes) + 1) + codes
    return len(np.unique(pairs)) < len(pairs)


def _member_texts(plain: pa.Array) -> list[str | None]:
    """Return strings as they are, and other values as JSON."""
    texts = json_texts(plain, quoted=False)
    return _spaced(texts) if _is_nested(plain.type) else texts


def json_texts(plain: pa.Array, *, quoted: bool = True) -> list[str | None]:
    """Return each value as JSON; strings without quotes unless `quoted`."""
    lines = pl.DataFrame(pa.table({"c": plain})).write_ndjson().split("\n")[: len(plain)]
    values = [None if line == '{"c":null}' else line[5:-1] for line in lines]
    if quoted:
        return values
    return [
        json.loads(value) if value is not None and value.startswith('"') else value
        for value in values
    ]


def _spaced(texts: list[str | None]) -> list[str | None]:
    """Return JSON with a space after each comma and colon, as Python's json module writes it.

    The usual lists, such as those of genres, take a shorter way.
    """
    return [
        text
        if text is None
        else text.replace('","', '", "')
        if _STRINGS.fullmatch(text)
        else _SEPARATOR.sub(r"\1\2 ", text).rstrip(" ")
        for text in texts
    ]


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_simple(kind: pa.DataType) -> bool:
    """Return whether polars writes every value of a type to JSON and CSV."""
    return bool(
        _is_text(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_null(kind)
    )


def _is_plain(field: pa.Field) -> bool:
    """Return whether a column needs no conversion, so that common columns cost no time."""
    if field.metadata is not None and _EXTENSION_NAME in field.metadata:
        return False
    kind = field.type
    if pa.types.is_dictionary(kind):
        return _is_text(kind.value_type)
    return _is_simple(kind)


def _is_nested(kind: pa.DataType) -> bool:
    """Return whether values are JSON lists or objects, or may contain some."""
    if isinstance(kind, pa.BaseExtensionType):
        return _is_nested(kind.storage_type)
    return pa.types.is_nested(kind) or any(_is_nested(field.type) for field in children(kind))


def _base64(array: pa.Array) -> pa.Array:
    encoded = pl.DataFrame(pa.table({"c": array}))["c"].bin.encode("base64")
    return encoded.to_arrow().cast(pa.large_string())


def _decimals(array: pa.Array) -> pa.Array:
    kind = array.type
    if pa.types.is_decimal128(kind) and kind.scale >= 0:
        return array
    if kind.scale >= 0:
        return array.cast(pa.string())
    values = [None if value is None else format(value, "f") for value in array.to_pylist()]
    return pa.array(values, pa.string())
