"""Copies of the columns that records have, so that the catalog is read only once."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import pyarrow as pa

from genre_batch.catalog.chunk import TableChunk

__all__ = ["RowCopies"]

_MOST_BYTES = 1 << 30
"""Of a catalog with more text than this, no copies are kept: it is read again."""


class RowCopies(contextlib.AbstractContextManager["RowCopies"]):
    """Chunks of a catalog in a temporary file without a name, as Arrow streams.

    Attributes:
        complete: whether there is a copy of every chunk; false once they are too large, or the
            disk is full.
    """

    def __init__(self, folder: Path | None, most_bytes: int = _MOST_BYTES) -> None:
        """Start without copies.

        Args:
            folder: where the file is; None: the folder for temporary files.
            most_bytes: the size from which on no copies are kept.
        """
        self._most = most_bytes
        self._ends = [0]
        self._names: tuple[str, ...] = ()
        self._texts: list[tuple[str, ...]] = []
        self._nulls: list[tuple[str, ...]] = []
        self._file: IO[bytes] | None = None
        with contextlib.suppress(OSError):
            self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed on exit

    def __exit__(self, *exc_info: object) -> None:
        self._discard()

    @property
    def complete(self) -> bool:
        """See the class."""
        return self._file is not None

    def _discard(self) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
        self._file = None

    def append(self, chunk: TableChunk, names: Sequence[str]) -> None:
        """Copy columns of the next chunk.

        Args:
            chunk: the next rows, at least one.
            names: the columns to copy.
        """
        if self._file is None:
            return
        table = chunk.table.select(names)
        texts = {name: chunk.texts[name] for name in names if name in chunk.texts}
        arrays = [*table.columns, *(pa.chunked_array([text]) for text in texts.values())]
        numbered = pa.table(arrays, [str(index) for index in range(len(arrays))])
        try:
            with pa.ipc.new_stream(self._file, numbered.schema) as writer:
                writer.write_table(numbered)
            self._file.flush()
            self._ends.append(self._file.tell())
        except (OSError, pa.ArrowException):
            self._discard()
            return
        self._names = tuple(names)
        self._texts.append(tuple(texts))
        self._nulls.append(chunk.nulls)
        if self._ends[-1] > self._most:
            self._discard()

    def chunks(self) -> Iterator[TableChunk]:
        """Yield the copies, in order; they are complete."""
        assert self._file is not None
        for index, (names, nulls) in enumerate(zip(self._texts, self._nulls, strict=True)):
            start, end = self._ends[index : index + 2]
            self._file.seek(start)
            stream = pa.py_buffer(self._file.read(end - start))
            with pa.ipc.open_stream(stream) as reader:
                table = reader.read_all()
            columns = table.columns[: len(self._names)]
            texts = table.columns[len(self._names) :]
            yield TableChunk(
                pa.table(columns, self._names),
                texts={
                    name: text.combine_chunks() for name, text in zip(names, texts, strict=True)
                },
                nulls=nulls,
            )
