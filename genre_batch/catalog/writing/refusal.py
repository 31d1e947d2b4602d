"""Columns that an output format cannot hold: the error that names the column and its type."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import polars as pl
import pyarrow as pa

from genre_batch.errors import CatalogError

__all__ = ["NATIVE_ERRORS", "UnwritableTypeError", "column_error", "naming"]

NATIVE_ERRORS = (pa.ArrowException, pl.exceptions.PolarsError, ValueError, TypeError, OverflowError)
"""What pyarrow and polars raise for a column that they cannot convert or write."""


class UnwritableTypeError(CatalogError):
    """A column is of a type that the output format cannot hold."""

    def __init__(self, kind: pa.DataType, reason: str, column: str = "?") -> None:
        """Create the message.

        Args:
            kind: the type that cannot be written, of the column or inside of it.
            reason: why.
            column: the column.
        """
        super().__init__(
            f"the column {column!r} of type {kind} cannot be written: {reason}: remove or convert "
            f"it first, or choose another format for `output`"
        )
        self.reason = reason


def column_error(
    table: pa.Table, write: Callable[[pa.Table], object], error: Exception
) -> UnwritableTypeError:
    """Return the error for a table that cannot be written; it names the first such column.

    Args:
        table: the rows.
        write: encodes rows and discards the result; it is called with one column at a time.
        error: what the library raised for the whole table.
    """
    reason = _reason(error)
    for index, field in enumerate(table.schema):
        try:
            write(table.select([index]))
        except NATIVE_ERRORS as column_reason:
            return UnwritableTypeError(field.type, _reason(column_reason), field.name)
    # No column fails alone: a dictionary that grew too large does not.
    encoded = [field for field in table.schema if pa.types.is_dictionary(field.type)]
    field = (encoded or list(table.schema))[0]
    return UnwritableTypeError(field.type, reason, field.name)


@contextlib.contextmanager
def naming(field: pa.Field) -> Iterator[None]:
    """Turn an error while a column is converted into one that names the column."""
    try:
        yield
    except UnwritableTypeError as error:
        raise UnwritableTypeError(field.type, error.reason, field.name) from error
    except NATIVE_ERRORS as error:
        raise UnwritableTypeError(field.type, _reason(error), field.name) from error


def _reason(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")
