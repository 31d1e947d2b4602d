"""What all encoders share: their interface, their options, and how they add columns to a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Protocol

import pyarrow as pa

from genre_batch.catalog.chunk import Chunk

__all__ = ["Encoder", "EncoderOptions", "merge"]


@dataclass(frozen=True)
class EncoderOptions:
    """How to write added columns.

    An added column replaces the input's column of the same name. Callers that must not replace
    anything check the names first, before any work is done for the rows.

    Attributes:
        genre_separator: the string that joins added lists in CSV and TSV.
        delimiter: the character between two cells of CSV and TSV; None: that of the format.
        encoding: the encoding of CSV and TSV; None: UTF-8.
        metadata: key-value metadata for Parquet and Arrow schemas.
    """

    genre_separator: str = ", "
    delimiter: str | None = None
    encoding: str | None = None
    metadata: Mapping[str, str] = dataclass_field(default_factory=dict)


class Encoder(Protocol):
    """Writes chunks in one format to a stream."""

    @property
    def lost(self) -> int:
        """The number of NaN and infinities written as null, because JSON has neither."""

    def write(self, chunk: Chunk, added: pa.Table) -> None:
        """Write the chunk's rows, with the added columns after the chunk's own."""

    def finish(self) -> None:
        """Write what is still buffered; the stream stays open."""

    def discard(self) -> None:
        """Release the stream after an error, without writing to it."""


def merge(table: pa.Table, added: pa.Table) -> pa.Table:
    """Append the added columns to a table, and replace its columns of the same names."""
    for field, column in zip(added.schema, added.columns, strict=True):
        index = table.schema.get_field_index(field.name)
        if index >= 0:
            table = table.set_column(index, field, column)
        else:
            table = table.append_column(field, column)
    return table
