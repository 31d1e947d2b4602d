"""Join the rows of several catalogs in one table: only conversions that lose nothing are made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pyarrow as pa

from genre_batch.catalog.chunk import TableChunk
from genre_batch.errors import CatalogError

__all__ = ["common_schema", "common_type", "conformed"]

_HOW = "write to a folder (`output` FOLDER/) or as JSON Lines, or"
_UNITS = ("s", "ms", "us", "ns")
_UTC = ("UTC", "Etc/UTC", "+00:00", "Z")


def common_schema(schemas: Iterable[tuple[str, pa.Schema]]) -> pa.Schema:
    """Return the columns of the first catalog, each with a type that holds all values of all.

    Args:
        schemas: the name and the schema of each catalog.

    Raises:
        CatalogError: the columns differ, or there is no such type.
    """
    iterator = iter(schemas)
    first, common = next(iterator)
    for name, schema in iterator:
        if schema.equals(common):
            continue
        _check_columns(name, schema.names, first, common.names)
        fields = []
        for old in common:
            new = schema.field(old.name)
            kind = common_type(old.type, new.type)
            if kind is None:
                raise CatalogError(
                    f"{name}: column {old.name!r} is {new.type}, but {old.type} in {first}: "
                    f"{_HOW} give it the same type in both"
                )
            nullable = old.nullable or new.nullable
            fields.append(pa.field(old.name, kind, nullable, old.metadata))
        common = pa.schema(fields, common.metadata)
    return common


def _check_columns(name: str, columns: list[str], first: str, expected: list[str]) -> None:
    for left, right, missing in (
        (name, first, [column for column in expected if column not in columns]),
        (first, name, [column for column in columns if column not in expected]),
    ):
        if missing:
            raise CatalogError(
                f"{left} has no column {missing[0]!r}, but {right} has: {_HOW} give them the same "
                f"columns"
            )


def conformed(chunk: TableChunk, schema: pa.Schema, name: str, first: str) -> TableChunk:
    """Convert a chunk to the common columns and types.

    Args:
        chunk: rows of one catalog.
        schema: as `common_schema` returns it.
        name, first: the names of this catalog and of the first one.

    Raises:
        CatalogError: the columns differ, or a value does not fit.
    """
    table = chunk.table
    if table.schema.equals(schema, check_metadata=True):
        return chunk
    if not len(chunk) and not table.column_names:  # JSON Lines without a row
        return TableChunk(schema.empty_table())
    _check_columns(name, table.column_names, first, schema.names)
    for field in schema:
        kind = table.schema.field(field.name).type
        if common_type(field.type, kind) != field.type:
            raise CatalogError(
                f"{name}: column {field.name!r} is {kind}, but {field.type} in {first}: {_HOW} "
                f"give it the same type in both"
            )
    try:
        return replace(chunk, table=table.select(schema.names).cast(schema))
    except (pa.ArrowException, ValueError) as error:
        reason = " ".join(str(error).split())
        raise CatalogError(
            f"{name} does not fit the column types of all inputs together: {reason}: {_HOW} give "
            f"them the same types"
        ) from error


def common_type(left: pa.DataType, right: pa.DataType) -> pa.DataType | None:
    """Return a type that gives back every value of two types; None if there is none.

    The left type is kept where it can be. Integers and fractions, or texts and other values, have
    no common type: digits would be lost.
    """
    if left == right or pa.types.is_null(right):
        return left
    if pa.types.is_null(left):
        return right
    if pa.types.is_dictionary(left) or pa.types.is_dictionary(right):
        return common_type(_decoded(left), _decoded(right))
    for is_kind, common in _COMMON:
        if is_kind(left) and is_kind(right):
            return common(left, right)
    return None


def _decoded(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _is_string(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def _is_binary(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind)
    )


def _is_list(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    )


def _left(left: pa.DataType, right: pa.DataType) -> pa.DataType:
    return left


def _integers(left: pa.DataType, right: pa.DataType) -> pa.DataType | None:
    signed = [kind for kind in (left, right) if pa.types.is_signed_integer(kind)]
    bits = max(left.bit_width, right.bit_width)
    if len(signed) == 1:
        unsigned = right if signed[0] is left else left
        bits = max(signed[0].bit_width, 2 * unsigned.bit_width)
    if bits > 64:
        return None
    return getattr(pa, f"{'int' if signed else 'uint'}{bits}")()


def _floats(left: pa.DataType, right: pa.DataType) -> pa.DataType:
    return left if left.bit_width > right.bit_width else right


def _decimals(left: pa.DataType, right: pa.DataType) -> pa.DataType | None:
    scale = max(left.scale, right.scale)
    digits = max(left.precision - left.scale, right.precision - right.scale) + scale
    if digits > 76:
        return None
    wide = digits > 38 or 256 in (left.bit_width, right.bit_width)
    return pa.decimal256(digits, scale) if wide else pa.decimal128(digits, scale)


def _finer(left: pa.DataType, right: pa.DataType) -> str:
    return str(max(left.unit, right.unit, key=_UNITS.index))


def _timestamps(left: pa.DataType, right: pa.DataType) -> pa.DataType | None:
    if left.tz != right.tz and not (left.tz in _UTC and right.tz in _UTC):
        return None
    return pa.timestamp(_finer(left, right), left.tz)


def _times(left: pa.DataType, right: pa.DataType) -> pa.DataType:
    unit = _finer(left, right)
    return pa.time32(unit) if unit in ("s", "ms") else pa.time64(unit)


def _durations(left: pa.DataType, right: pa.DataType) -> pa.DataType:
    return pa.duration(_finer(left, right))


def _lists(left: pa.DataType, right: pa.DataType) -> pa.DataType | None:
    item = common_type(left.value_type, right.value_type)
    if item is None:
        return None
    nullable = left.value_field.nullable or right.value_field.nullable
    field = left.value_field.with_type(item).with_nullable(nullable)
    if pa.types.is_fixed_size_list(left) and pa.types.is_fixed_size_list(right):
        if left.list_size == right.list_size:
            return pa.list_(field, left.list_size)
        return pa.list_(field)
    is_large = pa.types.is_large_list(left) or pa.types.is_large_list(right)
    return pa.large_list(field) if is_large else pa.list_(field)


def _structs(left: pa.DataType, right: pa.DataType) -> pa.DataType | None:
    """Return the fields of both; one that is missing on a side becomes null there."""
    sides = [{field.name: field for field in kind} for kind in (left, right)]
    if len(sides[0]) < left.num_fields or len(sides[1]) < right.num_fields:
        return None
    fields = []
    for name, one in (sides[0] | sides[1] | sides[0]).items():
        other = sides[1].get(name, one)
        if name not in sides[0] or name not in sides[1]:
            fields.append(one.with_nullable(True))
            continue
        kind = common_type(one.type, other.type)
        if kind is None:
            return None
        fields.append(one.with_type(kind).with_nullable(one.nullable or other.nullable))
    return pa.struct(fields)


def _maps(left: pa.DataType, right: pa.DataType) -> pa.DataType | None:
    key = common_type(left.key_type, right.key_type)
    item = common_type(left.item_type, right.item_type)
    return None if key is None or item is None else pa.map_(key, item)


_COMMON = (
    (_is_string, _left),
    (_is_binary, _left),
    (pa.types.is_integer, _integers),
    (pa.types.is_floating, _floats),
    (pa.types.is_decimal, _decimals),
    (pa.types.is_timestamp, _timestamps),
    (pa.types.is_time, _times),
    (pa.types.is_duration, _durations),
    (pa.types.is_date, lambda left, right: pa.date64()),
    (pa.types.is_map, _maps),
    (_is_list, _lists),
    (pa.types.is_struct, _structs),
)
