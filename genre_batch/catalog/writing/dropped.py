"""Leave out columns of a chunk."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from genre_batch.catalog.chunk import Chunk, JsonLinesChunk
from genre_batch.catalog.writing.text import without_members

__all__ = ["without_columns"]


def without_columns(chunk: Chunk, names: Collection[str]) -> Chunk:
    """Return a chunk without these columns; names that it does not have are ignored."""
    if not isinstance(chunk, JsonLinesChunk):
        present = [name for name in chunk.columns if name in names]
        return replace(chunk, table=chunk.table.drop_columns(present)) if present else chunk
    rows = [row for row, value in enumerate(chunk.objects) if not value.keys().isdisjoint(names)]
    if not rows:
        return chunk
    lines, objects = list(chunk.lines), list(chunk.objects)
    for row in rows:
        lines[row] = without_members(lines[row], names)
        objects[row] = {key: value for key, value in objects[row].items() if key not in names}
    return replace(chunk, lines=lines, objects=objects)
