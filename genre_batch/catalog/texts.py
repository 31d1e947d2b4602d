"""Columns of any Arrow type -> the texts in them, and which of their cells are empty."""

from __future__ import annotations

import json
import re

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from genre_batch.catalog.nested import decode_runs, is_bytes, is_list, rebuild, union_children

__all__ = ["as_strings", "holds_text", "is_blank", "is_blank_value"]


def _empty(space: str) -> str:
    """Return a pattern of the texts that count as empty.

    These are nothing, white space, and lists, sets and objects without a value, as JSON, Python and
    numpy write them; the last is MovieLens's.

    Args:
        space: a pattern of white space, which may be nothing.
    """
    nothing = r"""(?:''|""|None|null|nan|NaN)"""
    inside = rf"{space}(?:{nothing}(?:{space},{space}{nothing})*{space},?)?{space}"
    return (
        rf"^{space}(?:''|\"\"|\[{inside}\]|\({inside}\)|\{{{inside}\}}|"
        rf"(?:(?:frozen)?set|list|tuple|array)\((?:\[{inside}\](?:, *dtype=[a-z0-9]+)?)?\)|"
        rf"\(no genres listed\))?{space}$"
    )


_SPACE = r"[ \t\r\n]*"
_EMPTY = _empty(_SPACE)
"""For Arrow, which takes linear time for any pattern."""
_EMPTY_JSON = rf"^{_SPACE}null{_SPACE}$|{_EMPTY}"
_EMPTY_TEXT = re.compile(_empty(_SPACE + "+"))
"""The same for Python, with possessive quantifiers: others take quadratic time for white space."""


def _is_strings(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def holds_text(kind: pa.DataType) -> bool:
    """Return whether a column of this type can hold text: strings, bytes, JSON, or only nulls."""
    if isinstance(kind, pa.BaseExtensionType):
        return holds_text(kind.storage_type) and not isinstance(kind, pa.UuidType)
    if pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind):
        return holds_text(kind.value_type)
    if pa.types.is_union(kind):
        return any(holds_text(kind.field(index).type) for index in range(kind.num_fields))
    return pa.types.is_null(kind) or _is_strings(kind) or is_bytes(kind)


def as_strings(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """Return a column as strings; null where the value is null or is not text.

    Bytes are text if they are valid UTF-8, and values of the Arrow type JSON if they are strings.
    """
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    kind = column.type
    if pa.types.is_string(kind):
        return column
    if isinstance(kind, pa.JsonType):
        return pa.array([_json_string(value) for value in column.storage.to_pylist()], pa.string())
    if not holds_text(kind):
        return pa.nulls(len(column), pa.string())
    if isinstance(kind, pa.BaseExtensionType):
        return as_strings(column.storage)
    if pa.types.is_dictionary(kind):
        return as_strings(column.dictionary).take(column.indices)
    if pa.types.is_run_end_encoded(kind):
        return decode_runs(column, as_strings)
    if pa.types.is_union(kind):
        return pa.array([_string_or_none(value) for value in column.to_pylist()], pa.string())
    if is_bytes(kind):
        return _decoded(column)
    return column.cast(pa.string())


def _decoded(column: pa.Array) -> pa.Array:
    """Return bytes as text; null where they are not valid UTF-8."""
    if pa.types.is_fixed_size_binary(column.type):
        column = column.cast(pa.binary())
    try:
        return column.cast(pa.string())
    except pa.ArrowInvalid:
        return pa.array([_string_or_none(value) for value in column.to_pylist()], pa.string())


def _string_or_none(value: object) -> str | None:
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            return None
    return value if isinstance(value, str) else None


def _json_string(text: str | None) -> str | None:
    """Return the string that a JSON text is; None if it is another value, or damaged."""
    try:
        value = None if text is None else json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, str):
        return None
    return value.encode("utf-8", "replace").decode("utf-8")


def is_blank(column: pa.ChunkedArray | pa.Array) -> npt.NDArray[np.bool_]:
    """Return (rows,) bool: true where a cell is null, NaN, or a list or object without a value.

    White space counts as empty, and so do lists and objects that are spelled out in a text.
    """
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _blank_codes(column)
    if pa.types.is_run_end_encoded(kind):
        blank = decode_runs(column, lambda values: pa.array(is_blank(values)))
        return np.asarray(blank, dtype=np.bool_)
    if pa.types.is_union(kind):
        return _blank_members(column)
    if pa.types.is_floating(kind):
        empty = pc.is_nan(column.cast(pa.float64()))
    elif pa.types.is_map(kind) or is_list(kind):
        empty = _blank_lists(column)
    elif pa.types.is_struct(kind):
        # Arrow aborts the process when `flatten` finds a union in a struct with nulls.
        blank = [is_blank(column.field(index)) for index in range(kind.num_fields)]
        empty = pa.array(np.logical_and.reduce(blank) if blank else np.ones(len(column), np.bool_))
    elif isinstance(kind, pa.JsonType):
        empty = pc.match_substring_regex(column.storage, _EMPTY_JSON)
    elif holds_text(kind):
        empty = pc.match_substring_regex(as_strings(column), _EMPTY)
    elif isinstance(kind, pa.BaseExtensionType) and pa.types.is_nested(kind.storage_type):
        return is_blank(column.storage)
    else:
        empty = pa.array(np.zeros(len(column), dtype=np.bool_))
    return np.asarray(pc.or_(column.is_null(), empty.fill_null(False)))


def _blank_codes(column: pa.DictionaryArray) -> npt.NDArray[np.bool_]:
    blank = np.append(is_blank(column.dictionary), True)
    codes = column.indices.cast(pa.int64()).fill_null(len(blank) - 1)
    return np.asarray(blank[codes.to_numpy(zero_copy_only=False)], dtype=np.bool_)


def _blank_members(column: pa.UnionArray) -> npt.NDArray[np.bool_]:
    blank = np.ones(len(column), dtype=np.bool_)
    for rows, values in union_children(column):
        blank[rows.to_numpy()] = is_blank(values)
    return blank


def _blank_lists(column: pa.Array) -> pa.Array:
    """Return (rows,) bool: true where every member of a list, or every value of a map, is empty."""
    blank = rebuild(column, lambda members: pa.array(is_blank(members)))
    members = blank.items if pa.types.is_map(blank.type) else blank.values
    filled = np.concatenate([[0], np.cumsum(~np.asarray(members, dtype=np.bool_))])
    offsets = blank.offsets.to_numpy()
    return pa.array(filled[offsets[1:]] == filled[offsets[:-1]])


def is_blank_value(value: object) -> bool:
    """Return whether a JSON value is empty, as `is_blank` decides it for the cells of a column."""
    if isinstance(value, str):
        return _EMPTY_TEXT.match(value) is not None
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return all(map(is_blank_value, value))
    return value is None or value != value
