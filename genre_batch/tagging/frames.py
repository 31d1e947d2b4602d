"""Tables of other libraries: their columns as Arrow, and our columns added in their own kind.

Only the columns that are read are converted, so that every other column stays as it is, whatever
its type: an index, objects, categories.
"""

from __future__ import annotations

import itertools
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

__all__ = ["Frame", "as_frame", "as_reader", "check_names"]

_LAZY = "`data` is a LazyFrame: pass frame.collect(), or use tag_batches, which reads it in batches"


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


def as_reader(data: Any) -> pa.RecordBatchReader:
    """Return the batches of a table, a stream or an iterator of batches.

    Raises:
        UsageError: it is none of these.
    """
    if isinstance(data, pa.RecordBatchReader):
        return data
    if isinstance(data, pl.LazyFrame):
        return _lazy_reader(data)
    if isinstance(data, Iterator):
        return _reader_of(data)
    if hasattr(data, "scanner"):  # a pyarrow.dataset.Dataset
        data = data.scanner()
    if isinstance(data, Mapping):
        data = pa.table(_MappingFrame(data).data)
    if hasattr(data, "to_reader"):  # of pyarrow: a Table or a Scanner
        return data.to_reader()
    if isinstance(data, type) or not hasattr(data, "__arrow_c_stream__"):
        return _table(data).to_reader()
    try:
        return pa.RecordBatchReader.from_stream(data)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise _not_a_table(data, error) from error


def _lazy_reader(frame: pl.LazyFrame) -> pa.RecordBatchReader:
    schema = pl.DataFrame(schema=frame.collect_schema()).to_arrow().schema
    batches = (
        batch
        for piece in frame.collect_batches(maintain_order=True, lazy=True)
        for batch in piece.to_arrow().cast(schema).to_batches()
    )
    return pa.RecordBatchReader.from_batches(schema, batches)


def _reader_of(batches: Iterator[Any]) -> pa.RecordBatchReader:
    first = next(batches, None)
    if not isinstance(first, pa.RecordBatch):
        kind = "nothing" if first is None else type(first).__name__
        raise UsageError(f"`data` must yield pyarrow record batches, got {kind}")

    def checked() -> Iterator[pa.RecordBatch]:
        for batch in itertools.chain([first], batches):
            if batch.schema != first.schema:
                raise UsageError("`data` yields batches of different schemas: cast them to one")
            yield batch

    return pa.RecordBatchReader.from_batches(first.schema, checked())


def _is_pandas(data: Any) -> bool:
    """Return whether this is a DataFrame of pandas, or of a library that extends it."""
    return any(
        kind.__name__ == "DataFrame" and kind.__module__.partition(".")[0] == "pandas"
        for kind in type(data).__mro__
    )


def _not_a_table(data: Any, error: Exception | None = None) -> UsageError:
    reason = "" if error is None else f" ({' '.join(str(error).split())})"
    return UsageError(
        f"`data` must be a table of pyarrow, polars, pandas, DuckDB, Daft or another library with "
        f"__arrow_c_stream__, got {type(data).__name__}{reason}"
    )


def _table(data: Any) -> pa.Table:
    """Return any Arrow data as a table.

    Raises:
        UsageError: it is not a table.
    """
    if isinstance(data, pa.Table):
        return data
    if isinstance(data, pa.RecordBatchReader):
        return data.read_all()
    if isinstance(data, type | pa.Array | pa.ChunkedArray | pl.Series) or not (
        isinstance(data, Mapping)
        or hasattr(data, "__arrow_c_stream__")
        or hasattr(data, "__arrow_c_array__")
    ):
        raise _not_a_table(data)
    try:
        return pa.table(data)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise _not_a_table(data, error) from error


class _ArrowFrame:
    """pyarrow, and everything that exports Arrow data."""

    def __init__(self, data: Any) -> None:
        self._is_batch = isinstance(data, pa.RecordBatch)
        self._data = _table(data)

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


class _MappingFrame:
    """A mapping of names to columns, such as the batches of NumPy arrays in Ray Data."""

    def __init__(self, data: Mapping[Any, Any]) -> None:
        columns = [values for values in data.values() if not isinstance(values, str | bytes)]
        lengths = {len(values) if hasattr(values, "__len__") else -1 for values in columns}
        if len(columns) != len(data) or len(lengths) != 1 or -1 in lengths:
            raise UsageError("`data` must have columns of one length: {'overview': [...], ...}")
        self.data = data

    @property
    def schema(self) -> pa.Schema:
        return _unknown_types([name for name in self.data if isinstance(name, str)])

    def columns(self, texts: Sequence[str], others: Sequence[str]) -> pa.Table:
        names = dict.fromkeys([*texts, *others])
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
