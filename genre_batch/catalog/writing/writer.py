"""Chunks with their added columns -> any sink, whole or absent."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from typing import BinaryIO, cast

import pyarrow as pa

from genre_batch.catalog.formats import Location
from genre_batch.catalog.writing.atomic import open_output
from genre_batch.catalog.writing.writers import Encoder, EncoderOptions, encoder_for
from genre_batch.errors import CatalogError

__all__ = ["open_writer"]


class _StaysOpen(io.RawIOBase):
    """Lends a stream to a compressor, which would close it: it has still to be synced."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        return self._stream.write(data)


@contextlib.contextmanager
def _compressed(stream: BinaryIO, compression: str | None) -> Iterator[BinaryIO]:
    if compression is None:
        yield stream
        return
    lent = pa.PythonFile(_StaysOpen(stream), mode="w")
    with pa.CompressedOutputStream(lent, compression) as compressor:
        yield cast(BinaryIO, compressor)


@contextlib.contextmanager
def open_writer(
    location: Location,
    options: EncoderOptions,
    *,
    force: bool = False,
    temporary: str | None = None,
) -> Iterator[Encoder]:
    """An encoder whose catalog is there, whole, once the block ends, and only if it ends well.

    Args:
        location: where and in which format to write.
        options: how added columns are written.
        force: overwrite an existing file.
        temporary: the name to write under until it is whole; default: one of its own beside it.

    Raises:
        OutputExistsError: a file is there and `force` is not given.
        CatalogError: it cannot be opened, written or renamed: the disk is full, say.
        BrokenPipeError: whoever read the pipe has gone.
    """
    name = "stdout" if location.is_stdio else location.path
    try:
        with (
            open_output(location, force=force, temporary=temporary) as raw,
            _compressed(raw, location.compression) as stream,
        ):
            encoder = encoder_for(location.format, stream, options)
            yield encoder
            encoder.finish()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise CatalogError(f"cannot write {name}: {error.strerror or error}") from error
