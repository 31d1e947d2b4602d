"""Tables of other libraries: their columns as Arrow, and our columns added in their own kind.

Only the columns that are read are converted, so that every other column stays as it is, whatever
its type: an index, objects, categories.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import polars as pl
import pyarrow as pa

from genre_batch.catalog.texts import is_blank_value
from genre_batch.catalog.writing.encoder import merge
from genre_batch.catalog.writing.schema_metadata import with_metadata
from genre_batch.errors import ColumnError, UsageError

__all__ = [
    "NOT_TABLES",
    "Frame",
    "as_arrow_table",
    "as_frame",
    "check_columns",
    "check_names",
    "not_a_table_error",
]

_LAZY = "`data` is a LazyFrame: pass frame.collect(), or use tag_batches, which reads it in batches"
NOT_TABLES = (type, pa.Array, pa.ChunkedArray, pl.Series)
"""They have the methods of Arrow data, but are not tables."""


class Frame(Protocol):
    """A table of one library."""

    @property
    def schema(self) -> pa.Schema:
        """The columns whose names are strings; the type null where it is not known yet."""

    def columns(self, texts: Sequence[str], others: Sequence[str]) -> pa.Table:
        """Return columns as Arrow.

        Args:
            texts: columns of which only the texts are needed.
            others: columns of which only the empty cells are needed.
        """

    def with_columns(self, kept: Sequence[str], added: pa.Table, ours: Mapping[str, str]) -> Any:
        """Return the table with added columns, in its own kind.

        Args:
            kept: the columns of `schema` that stay.
            added: the columns to add, or to put in the place of those of the same names.
            ours: metadata for the schema, where the kind has any.
        """


def check_names(names: Sequence[str], data: str = "`data`") -> None:
    """Check that columns have distinct names.

    Args:
        names: the columns.
        data: what has them, for messages.

    Raises:
        ColumnError: two have the same name.
    """
    name, count = Counter(names).most_common(1)[0] if names else ("", 0)
    if count > 1:
        raise ColumnError(f"{data} has a duplicate column {name!r}: rename one")


def as_frame(data: Any) -> Frame:
    """Return the adapter of a table.

    Raises:
        UsageError: it is not a table.
        ColumnError: two of its columns have the same name.
    """
    frame: Frame
    if isinstance(data, pl.DataFrame):
        frame = _PolarsFrame(data)
    elif isinstance(data, pl.LazyFrame):
        raise UsageError(_LAZY)
    elif _is_pandas(data):
        frame = _PandasFrame(data)
    elif isinstance(data, Mapping):
        frame = _MappingFrame(data)
    else:
        frame = _ArrowFrame(data)
    check_names(frame.schema.names)
    return frame


def _is_pandas(data: Any) -> bool:
    """Return whether this is a DataFrame of pandas, or of a library that extends it."""
    return any(
        kind.__name__ == "DataFrame" and kind.__module__.partition(".")[0] == "pandas"
        for kind in type(data).__mro__
    )


def not_a_table_error(data: Any, error: Exception | None = None) -> UsageError:
    """Return the error for what is not a table.

    Args:
        data: what it is.
        error: why it could not be read, if it was tried.
    """
    reason = "" if error is None else f" ({' '.join(str(error).split())})"
    return UsageError(
        f"`data` must be a table of pyarrow, polars, pandas, DuckDB, Daft or another library with "
        f"__arrow_c_stream__, got {type(data).__name__}{reason}{_advice(data)}"
    )


def _advice(data: Any) -> str:
    """Return what to do with something that is not a table, but near one."""
    if isinstance(data, str | os.PathLike):
        return ": tag_catalog reads files"
    if isinstance(data, list) and data and all(isinstance(row, Mapping) for row in data):
        return ": pyarrow.Table.from_pylist makes a table of rows"
    if isinstance(data, Iterator) or hasattr(data, "scanner") or hasattr(data, "to_reader"):
        return ": tag_batches reads batches"
    if hasattr(data, "iter_batches"):  # a pyarrow.parquet.ParquetFile
        return ": pass its read(), or its iter_batches() to tag_batches"
    return ""


def as_arrow_table(data: Any) -> pa.Table:
    """Return any Arrow data as a table.

    Raises:
        UsageError: it is not a table.
    """
    if isinstance(data, pa.Table):
        return data
    if isinstance(data, pa.RecordBatchReader):
        return data.read_all()
    if isinstance(data, NOT_TABLES) or not (
        isinstance(data, Mapping)
        or hasattr(data, "__arrow_c_stream__")
        or hasattr(data, "__arrow_c_array__")
    ):
        raise not_a_table_error(data)
    try:
        return pa.table(data)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise not_a_table_error(data, error) from error


class _ArrowFrame:
    """pyarrow, and everything that exports Arrow data."""

    def __init__(self, data: Any) -> None:
        self._is_batch = isinstance(data, pa.RecordBatch)
        self._data = as_arrow_table(data)

    @property
    def schema(self) -> pa.Schema:
        return self._data.schema

    def columns(self, texts: Sequence[str], others: Sequence[str]) -> pa.Table:
        return self._data.select([*dict.fromkeys([*texts, *others])])

    def with_columns(self, kept: Sequence[str], added: pa.Table, ours: Mapping[str, str]) -> Any:
        table = merge(self._data.select(list(kept)), added)
        table = table.replace_schema_metadata(with_metadata(table.schema, ours).metadata)
        if not self._is_batch:
            return table
        arrays = [column.combine_chunks() for column in table.columns]
        return pa.RecordBatch.from_arrays(arrays, schema=table.schema)


class _PolarsFrame:
    """A polars DataFrame."""

    def __init__(self, data: pl.DataFrame) -> None:
        self._data = data

    @property
    def schema(self) -> pa.Schema:
        return _unknown_types(self._data.columns)

    def columns(self, texts: Sequence[str], others: Sequence[str]) -> pa.Table:
        columns = {}
        for name in dict.fromkeys([*texts, *others]):
            column = self._data.get_column(name)
            if column.dtype == pl.Object:
                columns[name] = _array(column.to_list(), name in texts)
            else:
                columns[name] = column.to_arrow()
        return pa.table(columns)

    def with_columns(
        self, kept: Sequence[str], added: pa.Table, ours: Mapping[str, str]
    ) -> pl.DataFrame:
        new = pl.from_arrow(added)
        assert isinstance(new, pl.DataFrame)
        return self._data.select(kept).with_columns(new.get_columns())


class _PandasFrame:
    """A pandas DataFrame; its index, its attributes and the types of its columns are kept."""

    def __init__(self, data: Any) -> None:
        if data.columns.nlevels > 1:
            raise UsageError(
                "`data` has columns of several levels: give each one name first: "
                "data.columns = ['_'.join(map(str, names)) for names in data.columns]"
            )
        self._data = data

    @property
    def schema(self) -> pa.Schema:
        return _unknown_types([name for name in self._data.columns if isinstance(name, str)])

    def columns(self, texts: Sequence[str], others: Sequence[str]) -> pa.Table:
        names = dict.fromkeys([*texts, *others])
        return pa.table({name: _array(self._data[name], name in texts) for name in names})

    def with_columns(self, kept: Sequence[str], added: pa.Table, ours: Mapping[str, str]) -> Any:
        import pandas as pd

        dropped = {*self.schema.names}.difference(kept)
        data = self._data.drop(columns=list(dropped)) if dropped else self._data.copy(deep=False)
        new = {}
        for name, values in _as_values(added).items():
            series = pd.Series(values, index=data.index, name=name)
            if name in data.columns:
                data[name] = series.array
            else:
                new[name] = series
        # One column at a time would be slow, and pandas warns of it after a hundred.
        joined = pd.concat([data, pd.DataFrame(new, index=data.index)], axis=1) if new else data
        return joined.__finalize__(self._data)


def check_columns(data: Mapping[Any, Any]) -> None:
    """Check that the values of a mapping are columns of one length.

    Raises:
        UsageError: they are not.
    """
    columns = [values for values in data.values() if not isinstance(values, str | bytes)]
    lengths = {len(values) if hasattr(values, "__len__") else -1 for values in columns}
    if len(columns) != len(data) or len(lengths) != 1 or -1 in lengths:
        raise UsageError("`data` must have columns of one length: {'overview': [...], ...}")


class _MappingFrame:
    """A mapping of names to columns, such as the batches of NumPy arrays in Ray Data."""

    def __init__(self, data: Mapping[Any, Any]) -> None:
        check_columns(data)
        self.data = data

    @property
    def schema(self) -> pa.Schema:
        return _unknown_types([name for name in self.data if isinstance(name, str)])

    def columns(self, texts: Sequence[str], others: Sequence[str]) -> pa.Table:
        names = dict.fromkeys([*texts, *others])
        for name in names:
            dimensions = getattr(self.data[name], "ndim", 1)
            if dimensions != 1:
                raise UsageError(
                    f"the column {name!r} of `data` has {dimensions} dimensions: make it a list of "
                    f"one value for each row"
                )
        return pa.table({name: _array(self.data[name], name in texts) for name in names})

    def with_columns(
        self, kept: Sequence[str], added: pa.Table, ours: Mapping[str, str]
    ) -> dict[Any, Any]:
        dropped = {*self.schema.names}.difference(kept)
        data = {name: values for name, values in self.data.items() if name not in dropped}
        return data | _as_values(added)


def _unknown_types(names: Sequence[str]) -> pa.Schema:
    return pa.schema([pa.field(name, pa.null()) for name in names])


def _as_values(added: pa.Table) -> dict[str, Any]:
    """Return added columns as NumPy arrays: lists or None as objects, NaN for null numbers."""
    columns = {}
    for name, column in zip(added.column_names, added.columns, strict=True):
        if pa.types.is_list(column.type):
            values = np.empty(len(column), dtype=object)
            values[:] = column.to_pylist()
        else:
            values = column.to_numpy()
        columns[name] = values
    return columns


def _array(values: Any, is_text: bool) -> pa.Array | pa.ChunkedArray:
    """Return a column of pandas, NumPy or Python; None, NaN, NA and NaT become null.

    Args:
        values: a Series, an array or a list.
        is_text: whether only texts are needed; in a column of objects all else becomes null.
    """
    dtype = getattr(values, "dtype", None)
    if is_text and (dtype is None or dtype == np.dtype(object)):
        try:
            return pa.array(values, pa.string(), from_pandas=True)
        except (pa.ArrowException, ValueError, TypeError):
            return pa.array(list(map(_text_or_none, values)), pa.string())
    try:
        array = pa.array(values, from_pandas=True)
    except (pa.ArrowException, ValueError, TypeError):
        if is_text:  # of an extension type that Arrow does not know, such as a sparse one
            return pa.array(list(map(_text_or_none, values)), pa.string())
        return pa.array([None if _is_empty(value) else "filled" for value in values], pa.string())
    # pandas has no type for nothing: a column without a value is one of numbers.
    return pa.nulls(len(array), pa.string()) if array.null_count == len(array) else array


def _text_or_none(value: object) -> str | None:
    """Return a text, or None for a value that is not one; lone surrogates are replaced."""
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return None
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else None


def _is_empty(value: Any) -> bool:
    """Return whether a cell is empty, as in `is_blank`."""
    if type(value).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(value, np.ndarray | set | frozenset):
        value = list(value)
    return is_blank_value(value)
