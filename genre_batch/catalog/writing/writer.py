"""Write chunks and their added columns to any output, complete or not at all."""

from __future__ import annotations

import bz2
import contextlib
import io
import lzma
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

import pyarrow as pa

from genre_batch.catalog.formats import Format, Location
from genre_batch.catalog.writing.atomic import open_output
from genre_batch.catalog.writing.columnar import ArrowEncoder, ParquetEncoder
from genre_batch.catalog.writing.encoder import Encoder, EncoderOptions
from genre_batch.catalog.writing.text import DelimitedEncoder, JsonLinesEncoder
from genre_batch.errors import CatalogError, UsageError
from genre_batch.failures import reason_of

__all__ = ["encoder_for", "open_stream", "open_writer"]


class _KeptOpen(io.RawIOBase):
    """Protects a stream from a compressor that would close it: it must still be synced."""

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
    kept_open: Any = _KeptOpen(stream)
    with contextlib.ExitStack() as stack:
        if compression == "bz2":
            compressor: Any = stack.enter_context(bz2.BZ2File(kept_open, "wb"))
        elif compression == "xz":
            compressor = stack.enter_context(lzma.LZMAFile(kept_open, "wb"))
        else:
            protected = pa.PythonFile(kept_open, mode="w")
            compressor = stack.enter_context(pa.CompressedOutputStream(protected, compression))
        yield cast(BinaryIO, compressor)


def encoder_for(kind: Format, stream: BinaryIO, options: EncoderOptions) -> Encoder:
    """Return the encoder of a format, writing to `stream`.

    Raises:
        UsageError: there is an option that this format does not have.
    """
    if kind not in (Format.CSV, Format.TSV):
        for name in ("delimiter", "encoding"):
            if getattr(options, name) is not None:
                raise UsageError(
                    f"`output_{name}` is for CSV and TSV, but the output is {kind.value}: "
                    f"leave it out"
                )
    if kind is Format.PARQUET:
        return ParquetEncoder(stream, options)
    if kind is Format.ARROW:
        return ArrowEncoder(stream, options)
    if kind is Format.JSONL:
        return JsonLinesEncoder(stream)
    return DelimitedEncoder(stream, options, kind.separator)


@contextlib.contextmanager
def open_stream(
    location: Location, *, force: bool = False, temporary: str | None = None
) -> Iterator[BinaryIO]:
    """Open a stream, compressed as its location is, that gets its name if the block succeeds.

    Args:
        location, force, temporary: as in `open_output`.

    Raises:
        OutputExistsError: a file or an object exists and `force` is false.
        CatalogError: it cannot be opened, written or renamed, for example if the disk is full.
        BrokenPipeError: the reader closed the pipe.
    """
    name = "stdout" if location.is_stdio else location.path
    try:
        with (
            open_output(location, force=force, temporary=temporary) as raw,
            _compressed(raw, location.compression) as stream,
        ):
            yield stream
    except BrokenPipeError:
        raise
    except OSError as error:
        raise CatalogError(f"cannot write {name}: {reason_of(error)}") from error


@contextlib.contextmanager
def open_writer(
    location: Location,
    options: EncoderOptions,
    *,
    force: bool = False,
    temporary: str | None = None,
) -> Iterator[Encoder]:
    """Open an encoder whose catalog appears under its final name if the block succeeds.

    Args:
        location, force, temporary: as in `open_stream`.
        options: how to write added columns.

    Raises:
        OutputExistsError, CatalogError, BrokenPipeError: as `open_stream` raises them.
    """
    with open_stream(location, force=force, temporary=temporary) as stream:
        encoder = encoder_for(location.format, stream, options)
        try:
            yield encoder
            encoder.finish()
        except BaseException:
            encoder.discard()
            raise
