"""Arrow arrays taken apart and put together again, whatever their physical layout."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

__all__ = [
    "Convert",
    "children",
    "decode_runs",
    "is_bytes",
    "is_list",
    "plain_dictionary",
    "rebuild",
    "taken",
    "union_children",
    "without_views",
]

Convert = Callable[[pa.Array], pa.Array]

_BYTES = (
    pa.types.is_binary,
    pa.types.is_large_binary,
    pa.types.is_binary_view,
    pa.types.is_fixed_size_binary,
)
_LISTS = (
    pa.types.is_list,
    pa.types.is_large_list,
    pa.types.is_fixed_size_list,
    pa.types.is_list_view,
    pa.types.is_large_list_view,
)


def is_bytes(kind: pa.DataType) -> bool:
    """Return whether the values of a type are bytes."""
    return any(is_kind(kind) for is_kind in _BYTES)


def is_list(kind: pa.DataType) -> bool:
    """Return whether a type is a list of any layout: offsets, views or a fixed size."""
    return any(is_kind(kind) for is_kind in _LISTS)


def children(kind: pa.DataType) -> list[pa.Field]:
    """Return the fields of a nested type: list items, struct fields, map keys and values."""
    if is_list(kind):
        return [kind.value_field]
    if pa.types.is_map(kind):
        return [kind.key_field, kind.item_field]
    if pa.types.is_struct(kind) or pa.types.is_union(kind):
        return [kind.field(index) for index in range(kind.num_fields)]
    if pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind):
        return [pa.field("values", kind.value_type)]
    return []


def decode_runs(array: pa.RunEndEncodedArray, convert: Convert) -> pa.Array:
    """Return the rows of a run-end encoded array, each run's value converted once."""
    rows = np.arange(array.offset, array.offset + len(array))
    runs = np.searchsorted(array.run_ends.to_numpy(), rows, side="right")
    return convert(array.values).take(pa.array(runs))


def union_children(array: pa.UnionArray) -> list[tuple[pa.Array, pa.Array]]:
    """Return for each child of a union (rows that it holds, its values in them)."""
    buffers = array.buffers()
    span = slice(array.offset, array.offset + len(array))
    codes = np.frombuffer(buffers[1], dtype=np.int8)[span]
    held = []
    for index, code in enumerate(array.type.type_codes):
        rows = pa.array(np.flatnonzero(codes == code))
        positions = rows
        if array.type.mode == "dense":
            positions = pa.array(np.frombuffer(buffers[2], dtype=np.int32)[span]).take(rows)
        held.append((rows, taken(array.field(index), positions)))
    return held


def taken(array: pa.Array, positions: pa.Array) -> pa.Array:
    """Return rows of an array, also of types that Arrow cannot take rows of.

    The type stays the same, except that runs become plain values.
    """
    try:
        return array.take(positions)
    except pa.ArrowNotImplementedError:
        rows = without_views(array).take(positions)
    try:
        return rows.cast(array.type)
    except pa.ArrowNotImplementedError:
        return rows


def without_views(array: pa.Array) -> pa.Array:
    """Return the array without view and run-end encoded layouts, at any depth."""
    kind = array.type
    if not _has_views(kind):
        return array
    if pa.types.is_run_end_encoded(kind):
        return decode_runs(array, without_views)
    if pa.types.is_string_view(kind):
        return array.cast(pa.large_string())
    if pa.types.is_binary_view(kind):
        return array.cast(pa.large_binary())
    if pa.types.is_dictionary(kind):
        return plain_dictionary(array, without_views)
    if isinstance(kind, pa.BaseExtensionType):
        return without_views(array.storage)
    if pa.types.is_union(kind):
        return _rebuilt_union(array)
    return rebuild(array, without_views)


def plain_dictionary(array: pa.DictionaryArray, convert: Convert) -> pa.Array:
    """Return a dictionary with converted values, none of them null: Arrow cannot merge such ones.

    The values of a dictionary of dictionaries are decoded.
    """
    kind = array.type
    values = convert(array.dictionary)
    if pa.types.is_dictionary(values.type):
        return values.take(array.indices)
    if values.null_count:
        encoded = values.take(array.indices).dictionary_encode()
        return encoded.cast(pa.dictionary(kind.index_type, values.type, kind.ordered))
    if values is array.dictionary:
        return array
    return pa.DictionaryArray.from_arrays(array.indices, values, ordered=kind.ordered)


def _has_views(kind: pa.DataType) -> bool:
    if isinstance(kind, pa.BaseExtensionType):
        return _has_views(kind.storage_type)
    return (
        pa.types.is_run_end_encoded(kind)
        or pa.types.is_string_view(kind)
        or pa.types.is_binary_view(kind)
        or pa.types.is_list_view(kind)
        or pa.types.is_large_list_view(kind)
        or pa.types.is_dictionary(kind)
        or any(_has_views(field.type) for field in children(kind))
    )


def _rebuilt_union(array: pa.UnionArray) -> pa.Array:
    """Return a union, dense in the end, without views in its children."""
    codes = np.empty(len(array), dtype=np.int8)
    offsets = np.empty(len(array), dtype=np.int32)
    parts = []
    for code, (rows, values) in zip(array.type.type_codes, union_children(array), strict=True):
        codes[rows.to_numpy()] = code
        offsets[rows.to_numpy()] = np.arange(len(rows))
        parts.append(values)
    names = [field.name for field in children(array.type)]
    return pa.UnionArray.from_dense(
        pa.array(codes), pa.array(offsets), parts, names, array.type.type_codes
    )


def rebuild(array: pa.Array, convert: Convert, convert_keys: Convert | None = None) -> pa.Array:
    """Convert the values of a list, struct or map; the result has no field metadata.

    Lists of every layout become lists with offsets, large ones if the input's were large.

    Args:
        array: rows of a nested type.
        convert: converts an array of its members; the new type may depend on their type alone.
        convert_keys: the same for the keys of maps; default: as the other members.
    """
    kind = array.type
    if pa.types.is_struct(kind):
        if not kind.num_fields:
            return array
        fields = [kind.field(index) for index in range(kind.num_fields)]
        # Arrow aborts the process when `flatten` finds a union in a struct with nulls.
        parts = [convert(array.field(index)) for index in range(kind.num_fields)]
        renamed = [
            pa.field(field.name, part.type) for field, part in zip(fields, parts, strict=True)
        ]
        return pa.StructArray.from_arrays(parts, fields=renamed, mask=array.is_null())
    valid = array.is_valid()
    if pa.types.is_map(kind):
        offsets, rows = _map_rows(array, valid)
        keys = (convert_keys or convert)(taken(array.keys, rows))
        items = convert(taken(array.items, rows))
        return pa.MapArray.from_arrays(_with_nulls(offsets, valid, pa.int32()), keys, items)
    lengths = pc.list_value_length(array).fill_null(0).to_numpy()
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    if pa.types.is_list_view(kind) or pa.types.is_large_list_view(kind):
        values = convert(array.values).take(_ranges(array.offsets.to_numpy(), lengths, offsets))
    elif pa.types.is_fixed_size_list(kind) and not kind.list_size:
        # Arrow aborts the process when it flattens nested lists of the fixed size 0.
        values = convert(array.values.slice(0, 0))
    else:
        values = convert(pc.list_flatten(array))
    if pa.types.is_large_list(kind) or pa.types.is_large_list_view(kind):
        return pa.LargeListArray.from_arrays(_with_nulls(offsets, valid, pa.int64()), values)
    return pa.ListArray.from_arrays(_with_nulls(offsets, valid, pa.int32()), values)


def _map_rows(array: pa.MapArray, valid: pa.Array) -> tuple[np.ndarray, pa.Array]:
    """Return offsets of the valid maps' entries, and the positions of these entries."""
    bounds = array.offsets.to_numpy()
    lengths = np.where(valid.to_numpy(zero_copy_only=False), np.diff(bounds), 0)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return offsets, _ranges(bounds[:-1], lengths, offsets)


def _ranges(starts: np.ndarray, lengths: np.ndarray, offsets: np.ndarray) -> pa.Array:
    """Return the positions of all members: `lengths` from each start, one range after the other."""
    first = np.repeat(starts - offsets[:-1], lengths)
    return pa.array(first + np.arange(offsets[-1]), pa.int64())


def _with_nulls(offsets: np.ndarray, valid: pa.Array, kind: pa.DataType) -> pa.Array:
    """Return list offsets that mark the rows that are not valid as null."""
    mask = np.concatenate([~valid.to_numpy(zero_copy_only=False), [False]])
    return pa.array(offsets, kind, mask=mask)
