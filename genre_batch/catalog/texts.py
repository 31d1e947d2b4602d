"""Columns of any Arrow type -> the texts in them, and which of their cells are empty."""

from __future__ import annotations

import json
import re

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from genre_batch.catalog.nested import decode_runs, is_bytes

__all__ = ["as_strings", "holds_text", "is_blank", "is_blank_value"]

_NOTHING = r"""(?:''|""|None|null|nan|NaN)"""
_SPACE = r"[ \t\r\n]*"
_INSIDE = rf"{_SPACE}(?:{_NOTHING}(?:{_SPACE},{_SPACE}{_NOTHING})*{_SPACE},?)?{_SPACE}"
_EMPTY = (
    rf"^{_SPACE}(?:''|\"\"|\[{_INSIDE}\]|\({_INSIDE}\)|\{{{_INSIDE}\}}|"
    rf"(?:(?:frozen)?set|list|tuple|array)\((?:\[{_INSIDE}\](?:, *dtype=[a-z0-9]+)?)?\)|"
    rf"\(no genres listed\))?{_SPACE}$"
)
"""The texts that count as empty: nothing, white space, and lists, sets and objects without a value,
as JSON, Python and numpy write them; the last is MovieLens's."""
_EMPTY_JSON = rf"^{_SPACE}null{_SPACE}$|{_EMPTY}"


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
    if pa.types.is_floating(kind):
        empty = pc.is_nan(column.cast(pa.float64()))
    elif pa.types.is_map(kind):
        offsets = column.offsets.to_numpy()
        empty = pa.array(offsets[1:] == offsets[:-1])
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        full = pc.list_parent_indices(column).filter(pa.array(~is_blank(column.flatten())))
        empty = pa.array(~np.isin(np.arange(len(column)), full))
    elif hasattr(column, "value_lengths"):
        empty = pc.equal(column.value_lengths(), 0)
    elif pa.types.is_struct(kind):
        blank = [is_blank(child) for child in column.flatten()]
        empty = pa.array(np.logical_and.reduce(blank) if blank else np.ones(len(column), np.bool_))
    elif isinstance(kind, pa.JsonType):
        empty = pc.match_substring_regex(column.storage, _EMPTY_JSON)
    elif holds_text(kind):
        empty = pc.match_substring_regex(as_strings(column), _EMPTY)
    else:
        empty = pa.array(np.zeros(len(column), dtype=np.bool_))
    return np.asarray(pc.or_(column.is_null(), empty.fill_null(False)))


def is_blank_value(value: object) -> bool:
    """Return whether a JSON value is empty, as `is_blank` decides it for the cells of a column."""
    if isinstance(value, str):
        return re.match(_EMPTY, value) is not None
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return all(map(is_blank_value, value))
    return value is None or value != value
