"""Columns of any Arrow type -> columns that Parquet and Arrow files hold.

The rules are in docs/reference/arrow-types.md. What a format holds is not touched.
"""

from __future__ import annotations

import contextlib

import pyarrow as pa

from genre_batch.catalog.nested import (
    Convert,
    children,
    is_list,
    plain_dictionary,
    rebuild,
    without_views,
)
from genre_batch.catalog.writing.refusal import naming
from genre_batch.catalog.writing.text_types import TextConverter, json_texts

__all__ = ["fill_dictionaries", "for_arrow", "for_parquet"]

_MOST_DIGITS = 76
"""The digits of the widest decimal type."""


def for_arrow(table: pa.Table) -> pa.Table:
    """Return a table of which rows can be taken: views and run-end encodings are replaced."""
    return _converted(table, without_views)


def for_parquet(table: pa.Table) -> pa.Table:
    """Return a table of types that Parquet has; the others become text, as in JSON Lines."""
    return _converted(table, _parquet)


def fill_dictionaries(table: pa.Table) -> pa.Table:
    """Return rows whose empty dictionaries have one value: Arrow files add none to an empty one."""
    for index, field in enumerate(table.schema):
        if not _is_common(field.type):
            filled = _filled(table.column(index).combine_chunks())
            table = table.set_column(index, field.with_type(filled.type), filled)
    return table


def _filled(array: pa.Array) -> pa.Array:
    kind = array.type
    if is_list(kind) or pa.types.is_map(kind) or pa.types.is_struct(kind):
        filled = rebuild(array, _filled)
        return filled if filled.type == kind else array
    if not pa.types.is_dictionary(kind) or len(array.dictionary):
        return array
    for value in ("", 0):
        with contextlib.suppress(pa.ArrowException):
            values = pa.array([value]).cast(kind.value_type)
            return pa.DictionaryArray.from_arrays(array.indices, values, ordered=kind.ordered)
    return array


def _converted(table: pa.Table, convert: Convert) -> pa.Table:
    for index, field in enumerate(table.schema):
        if not _is_common(field.type):
            with naming(field):
                column = convert(table.column(index).combine_chunks())
            table = table.set_column(index, field.with_type(column.type), column)
    return table


def _is_common(kind: pa.DataType) -> bool:
    """Return whether no format needs a conversion, so that common columns cost no time."""
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_boolean(kind)
        or (pa.types.is_temporal(kind) and not pa.types.is_interval(kind))
    )


def _parquet(array: pa.Array) -> pa.Array:
    kind = array.type
    if not _needs_change(kind):
        return array
    if pa.types.is_run_end_encoded(kind):
        return _parquet(without_views(array))
    if pa.types.is_dictionary(kind):
        return _parquet_dictionary(array)
    if pa.types.is_decimal(kind):
        return _whole_decimals(array)
    if pa.types.is_union(kind) or pa.types.is_interval(kind):
        return TextConverter(csv=False).plain(array)
    if pa.types.is_struct(kind) and not kind.num_fields:
        return pa.array(json_texts(array), pa.string())
    return rebuild(array, lambda members: _parquet(without_views(members)))


def _needs_change(kind: pa.DataType) -> bool:
    if pa.types.is_decimal(kind):
        return bool(kind.scale < 0)
    if pa.types.is_struct(kind) or pa.types.is_map(kind) or is_list(kind):
        members = [field.type for field in children(kind)]
        no_list = pa.types.is_fixed_size_list(kind) and not kind.list_size
        return not members or no_list or any(_is_view(m) or _needs_change(m) for m in members)
    return bool(
        pa.types.is_run_end_encoded(kind)
        or pa.types.is_dictionary(kind)
        or pa.types.is_union(kind)
        or pa.types.is_interval(kind)
    )


def _is_view(kind: pa.DataType) -> bool:
    """Return whether Parquet has values of a type only outside of structs and lists."""
    return bool(pa.types.is_string_view(kind) or pa.types.is_binary_view(kind))


def _parquet_dictionary(array: pa.DictionaryArray) -> pa.Array:
    """Return a dictionary of what Parquet can encode so, and otherwise its values."""
    values = array.dictionary
    if pa.types.is_nested(values.type) or _needs_change(values.type):
        return _parquet(without_views(values)).take(array.indices)
    return plain_dictionary(array, without_views)


def _whole_decimals(array: pa.Array) -> pa.Array:
    """Return decimals of a negative scale with scale 0; as text where they have too many digits."""
    digits = array.type.precision - array.type.scale
    if digits > _MOST_DIGITS:
        return TextConverter(csv=False).plain(array)
    wide = pa.decimal128(digits, 0) if digits <= 38 else pa.decimal256(digits, 0)
    return array.cast(wide)
