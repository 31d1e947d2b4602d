"""The size of each row of a table, whatever the physical layout of its columns."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from genre_batch.catalog.nested import is_list, rebuild, union_children

__all__ = ["row_sizes"]

_Sizes = npt.NDArray[np.int64]

_OFFSET_BYTES = 4
"""The size of a text or list beside that of its content."""


def row_sizes(table: pa.Table) -> _Sizes:
    """Return (rows,) int64: about how many bytes each row takes in memory.

    A row's size depends on its values alone: not on its chunk, nor on the values of a dictionary
    that other rows share.
    """
    sizes = np.zeros(len(table), dtype=np.int64)
    for column in table.columns:
        start = 0
        for piece in column.chunks:
            sizes[start : start + len(piece)] += _sizes(piece)
            start += len(piece)
    return sizes


def _sizes(array: pa.Array) -> _Sizes:
    """Return (rows,) int64: the size of each value."""
    kind = array.type
    if isinstance(kind, pa.BaseExtensionType):
        return _sizes(array.storage)
    if pa.types.is_dictionary(kind):
        # A null has the last size.
        sizes = np.append(_sizes(array.dictionary), 0)
        codes = array.indices.cast(pa.int64()).fill_null(len(sizes) - 1)
        return np.asarray(sizes[codes.to_numpy(zero_copy_only=False)], dtype=np.int64)
    if pa.types.is_run_end_encoded(kind):
        rows = np.arange(array.offset, array.offset + len(array))
        runs = np.searchsorted(array.run_ends.to_numpy(), rows, side="right")
        return np.asarray(_sizes(array.values)[runs], dtype=np.int64)
    if pa.types.is_union(kind):
        sizes = np.zeros(len(array), dtype=np.int64)
        for positions, values in union_children(array):
            sizes[positions.to_numpy()] = _sizes(values)
        return sizes
    if pa.types.is_struct(kind):
        parts = [_sizes(array.field(index)) for index in range(kind.num_fields)]
        return np.where(array.is_valid(), np.sum(parts, axis=0, dtype=np.int64), 0)
    if pa.types.is_map(kind) or is_list(kind):
        return _list_sizes(array)
    if pa.types.is_null(kind):
        return np.zeros(len(array), dtype=np.int64)
    try:
        width = -(-kind.bit_width // 8)
    except ValueError:  # texts and bytes, whose length varies
        lengths = pc.binary_length(_with_offsets(array)).fill_null(0)
        return np.asarray(lengths.to_numpy().astype(np.int64) + _OFFSET_BYTES, dtype=np.int64)
    return np.full(len(array), width, dtype=np.int64)


def _with_offsets(array: pa.Array) -> pa.Array:
    if pa.types.is_string_view(array.type) or pa.types.is_binary_view(array.type):
        return array.cast(pa.large_binary())
    return array


def _list_sizes(array: pa.Array) -> _Sizes:
    """Return the sizes of lists of any layout and of maps, with those of their members."""
    kind = array.type
    is_map = pa.types.is_map(kind)
    if not (is_map or pa.types.is_list(kind) or pa.types.is_large_list(kind)):
        array = rebuild(array, lambda members: members)
    offsets = array.offsets.to_numpy()
    first, count = int(offsets[0]), int(offsets[-1] - offsets[0])
    children = (array.keys, array.items) if is_map else (array.values,)
    members = np.sum([_sizes(child.slice(first, count)) for child in children], axis=0)
    ends = np.concatenate([[0], np.cumsum(members)])
    sizes = np.diff(ends[offsets - first])
    if array.null_count:  # a null may have members, which count for nothing
        sizes = np.where(array.is_valid(), sizes, 0)
    return np.asarray(sizes + _OFFSET_BYTES, dtype=np.int64)
