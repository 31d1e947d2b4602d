"""Columns from folders named `name=value`, as Hive, Spark, pyarrow and DuckDB write them."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc

from genre_batch.catalog.chunk import Chunk, JsonLinesChunk, TableChunk
from genre_batch.catalog.formats import Location
from genre_batch.catalog.remote import is_remote
from genre_batch.errors import GenreBatchWarning, UsageError

__all__ = ["FolderColumns", "FolderValues", "folder_values", "with_all_columns", "with_columns"]

FolderValues = tuple[tuple[str, str | None], ...]

_NULL = "__HIVE_DEFAULT_PARTITION__"


def folder_values(path: str) -> FolderValues:
    """Return the names and values of the folders in a path or URL, outermost first.

    Names and values are decoded (`%20` is a space); `__HIVE_DEFAULT_PARTITION__` is null.

    Raises:
        UsageError: two folders have different values for one name.
    """
    if is_remote(path):
        path = path.partition("://")[2].partition("/")[2]
    values: dict[str, str | None] = {}
    for folder in path.split("/")[:-1]:
        name, equals, value = folder.partition("=")
        if not equals or not name or name.startswith((".", "_")):
            continue
        name, decoded = _decoded(name), None if value == _NULL else _decoded(value)
        if values.setdefault(name, decoded) != decoded:
            raise UsageError(f"{path}: two folders give values for {name!r}: add `no_hive`")
    return tuple(values.items())


def _decoded(text: str) -> str:
    decoded = unquote(text, errors="surrogateescape")
    return decoded.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def with_columns(location: Location) -> Location:
    """Return a catalog with the columns that its folders give."""
    return (
        location if location.is_stdio else replace(location, folders=folder_values(location.path))
    )


def with_all_columns(locations: Sequence[Location]) -> list[Location]:
    """Return catalogs that all have the columns of any of them, as nulls where they have none."""
    names = dict.fromkeys(name for location in locations for name, _ in location.folders)
    return [
        replace(location, folders=tuple({**dict.fromkeys(names), **dict(location.folders)}.items()))
        for location in locations
    ]


class FolderColumns:
    """Adds the columns of a catalog's folders after its own.

    A column that the catalog has itself stays as it is.
    """

    def __init__(self, location: Location) -> None:
        """Start a catalog.

        Args:
            location: the catalog and its folders.
        """
        self._name = location.name
        self._values = location.folders
        self._conflicts: set[str] = set()

    def added_to(self, chunk: Chunk) -> Chunk:
        """Return a chunk with the columns; warn, once each, about other values in the catalog."""
        if not self._values:
            return chunk
        if isinstance(chunk, JsonLinesChunk):
            return self._added_to_objects(chunk)
        return self.added_to_table(chunk)

    def added_to_table(self, chunk: TableChunk) -> TableChunk:
        """Return a chunk of a table with the columns, as `added_to` does."""
        table = chunk.table
        if not len(chunk) and not table.column_names:  # JSON Lines without a row
            return chunk
        for name, value in self._values:
            if name not in table.column_names:
                column = pa.array([value] * len(chunk), pa.string())
                table = table.append_column(pa.field(name, pa.string()), column)
            elif _differs(table.column(name), value):
                self._warn(name, value)
        return replace(chunk, table=table)

    def _added_to_objects(self, chunk: JsonLinesChunk) -> JsonLinesChunk:
        lines, objects = [], []
        for line, row in zip(chunk.lines, chunk.objects, strict=True):
            added = {name: value for name, value in self._values if name not in row}
            for name, value in self._values:
                if name in row and str(row[name]) != str(value):
                    self._warn(name, value)
            if added:
                fragment = json.dumps(added, ensure_ascii=False).encode("utf-8")
                line = line[:-1].rstrip() + b"," + fragment[1:] if row else fragment
                row = {**row, **added}
            lines.append(line)
            objects.append(row)
        return JsonLinesChunk(lines, objects)

    def _warn(self, name: str, value: str | None) -> None:
        if name not in self._conflicts:
            self._conflicts.add(name)
            warnings.warn(
                f"{self._name} has a column {name!r} of its own, which is kept although the folder "
                f"has {value!r}",
                GenreBatchWarning,
                stacklevel=2,
            )


def _differs(column: pa.ChunkedArray, value: str | None) -> bool:
    try:
        texts = column.cast(pa.string())
    except pa.ArrowException:
        return len(column) > 0
    if value is None:
        return bool(texts.null_count < len(texts))
    return bool(pc.any(pc.fill_null(pc.not_equal(texts, value), True)).as_py())
