"""Convert the objects of JSON Lines to a table: each column has one type for all its values."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from genre_batch.catalog.chunk import JsonLinesChunk, TableChunk
from genre_batch.catalog.reading.json_decoder import LONG_INTEGER
from genre_batch.errors import CatalogError

__all__ = ["Schema", "infer_schema", "to_table"]

JSON_TEXT = pa.string()
"""The type of a column whose values have no common type: strings as they are, others as JSON."""

Schema = dict[str, pa.DataType]

_EXACT_IN_FLOAT64 = 2**53
"""A float64 holds every integer up to this one."""


def _number(text: str) -> float | str:
    value = float(text)
    return text if math.isinf(value) else value


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) < LONG_INTEGER else digits


_decode_large = json.JSONDecoder(parse_float=_number, parse_int=_integer).decode
"""Decodes a number that is too large for a float, such as 1e400, as its text."""


def _inferred(values: list[Any]) -> tuple[pa.DataType, bool]:
    """Return the type that holds every value, and whether float64 would hold every number exactly.

    The type is `JSON_TEXT` if no other type holds every value.
    """
    try:
        try:
            kind = pa.infer_type(values)
        except UnicodeEncodeError:  # a lone surrogate in a key
            kind = pa.infer_type(_clean(values))
        # Arrow infers int64 for every integer, even for one that int64 cannot hold.
        column = _column(values, kind)
    except (pa.ArrowException, OverflowError):
        return JSON_TEXT, True
    if _has_fractions(kind) and _has_bool_as_number(values, pa.list_(kind)):
        return JSON_TEXT, True
    return kind, all(map(_is_exact_in_float64, _leaves(column)))


def _has_bool_as_number(value: Any, kind: pa.DataType) -> bool:
    """Return whether Arrow converts a true or false to 1.0 or 0.0, as it does beside fractions."""
    if not _has_fractions(kind) or not value:
        return value is False and pa.types.is_floating(kind)
    if pa.types.is_list(kind):
        if pa.types.is_floating(kind.value_type):
            return bool in set(map(type, value))
        return any(_has_bool_as_number(item, kind.value_type) for item in value)
    if pa.types.is_struct(kind):
        fields = (kind.field(index) for index in range(kind.num_fields))
        return any(_has_bool_as_number(value.get(field.name), field.type) for field in fields)
    return value is True


def _leaves(array: pa.Array) -> Iterator[pa.Array]:
    """Yield the values of a column without its lists and objects."""
    if pa.types.is_list(array.type):
        yield from _leaves(array.flatten())
    elif pa.types.is_struct(array.type):
        for child in array.flatten():
            yield from _leaves(child)
    else:
        yield array


def _is_exact_in_float64(numbers: pa.Array) -> bool:
    if pa.types.is_floating(numbers.type):
        return not pc.any(pc.is_inf(numbers)).as_py()
    if not pa.types.is_integer(numbers.type) or numbers.null_count == len(numbers):
        return True
    least, most = pc.min_max(numbers).values()
    return bool(least.as_py() >= -_EXACT_IN_FLOAT64 and most.as_py() <= _EXACT_IN_FLOAT64)


def _has_fractions(kind: pa.DataType) -> bool:
    if pa.types.is_list(kind):
        return _has_fractions(kind.value_type)
    if pa.types.is_struct(kind):
        return any(_has_fractions(kind.field(index).type) for index in range(kind.num_fields))
    return bool(pa.types.is_floating(kind))


def _common(left: pa.DataType, right: pa.DataType) -> pa.DataType:
    if left == right:
        return left
    try:
        fields = [pa.schema([("value", kind)]) for kind in (left, right)]
        return pa.unify_schemas(fields, promote_options="permissive").field(0).type
    except pa.ArrowException:
        return JSON_TEXT


def infer_schema(chunks: Iterable[JsonLinesChunk]) -> Schema:
    """Return the columns, in order of first appearance, each with a type for all its values.

    All rows are read, because a key may first appear late. Integers mixed with fractions become
    float64, objects become structs, and values without a common type, or too large for one,
    become text.
    """
    schema: Schema = {}
    wide: set[str] = set()
    for chunk in chunks:
        for key in chunk.columns:
            values = [row.get(key) for row in chunk.objects]
            kind, is_exact = _inferred(values)
            if not is_exact and not _has_fractions(kind):
                wide.add(key)
            elif not is_exact and _exact_values(chunk, key) != values:
                kind = JSON_TEXT
            common = _common(schema.get(key, kind), kind)
            schema[key] = JSON_TEXT if key in wide and _has_fractions(common) else common
    return schema


def _exact_values(chunk: JsonLinesChunk, key: str) -> list[Any]:
    """Return the values of a key, numbers that are too large for a float as text."""
    values: list[Any] = []
    for line, row in zip(chunk.lines, chunk.objects, strict=True):
        value = row.get(key)
        if _has_infinity(value):
            value = _decode_large(line.decode("utf-8"))[key]
        values.append(value)
    return values


def _has_infinity(value: object) -> bool:
    if isinstance(value, float):
        return math.isinf(value)
    if isinstance(value, dict):
        return any(map(_has_infinity, value.values()))
    return isinstance(value, list) and any(map(_has_infinity, value))


def _json_text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _clean_key(key: str) -> str:
    """Escape lone surrogates, so that names which differ in them stay different."""
    return key.encode("utf-8", "backslashreplace").decode("utf-8")


def _clean(value: Any) -> Any:
    """Replace every lone surrogate in `value`: UTF-8, and so Arrow, cannot hold it."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {_clean_key(key): _clean(item) for key, item in value.items()}
    return value


def _column(values: list[Any], kind: pa.DataType) -> pa.Array:
    if kind == JSON_TEXT:
        values = [_json_text(value) for value in values]
    elif "\\ud" in str(kind):  # a key was escaped
        values = _clean(values)
    try:
        return pa.array(values, kind)
    except UnicodeEncodeError:
        return pa.array(_clean(values), kind)


def to_table(chunk: JsonLinesChunk, schema: Schema, name: str) -> TableChunk:
    """Convert rows to columns of the given types; a missing key becomes null.

    Raises:
        CatalogError: a value does not fit, because the file changed between its two passes.
    """
    if not schema:  # only {}: a table without columns would lose its number of rows
        empty = pa.array(chunk.objects, pa.struct([]))
        return TableChunk(pa.Table.from_struct_array(empty))
    arrays: list[pa.Array] = []
    texts: dict[str, pa.Array] = {}
    try:
        for key, kind in schema.items():
            values = [row.get(key) for row in chunk.objects]
            if kind != JSON_TEXT:
                texts[_clean_key(key)] = pa.nulls(len(chunk), pa.string())
            elif any(not isinstance(value, str | None) for value in values):
                texts[_clean_key(key)] = chunk.strings(key)
                values = _exact_values(chunk, key)
            arrays.append(_column(values, kind))
    except (pa.ArrowException, OverflowError) as error:
        raise CatalogError(f"{name} changed while it was being read: {error}: run again") from error
    fields = [pa.field(_clean_key(key), kind) for key, kind in schema.items()]
    return TableChunk(pa.table(arrays, pa.schema(fields)), texts=texts)
