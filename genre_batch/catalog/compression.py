"""Compressed text files: recognized by their first bytes, whatever their suffix."""

from __future__ import annotations

import bz2
import functools
import io
import lzma
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, Protocol, cast

import pyarrow as pa

from genre_batch.catalog.damage import Prefixed, Recorded, UpToDamage
from genre_batch.catalog.other_kinds import MAGIC, check_is_text_kind
from genre_batch.errors import CatalogError, GenreBatchWarning

__all__ = ["COMPRESSIONS", "decompressed", "read_head"]

COMPRESSIONS = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2", ".xz": "xz"}
"""Suffix -> the name of the compression, which text formats can be read and written with."""

_Open = Callable[[BinaryIO], BinaryIO]

_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_ZSTD_SKIPPABLE = tuple(bytes([byte]) + b"\x2a\x4d\x18" for byte in range(0x50, 0x60))
"""The start of a frame without data, which pzstd and seekable files have before the others."""
_PIECE_BYTES = 1 << 18
_OUTPUT_BYTES = 1 << 20
_MAX_DICTIONARY_BYTES = 1 << 29
_MAX_LAYERS = 3
"""A file that was compressed twice, by its server and by its owner, is read too."""

_COPY_AGAIN = "copy or download the file again"


class _Codec(Protocol):
    """A decompressor of one member, as `bz2` and `lzma` have it."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Gunzip:
    """`zlib`'s decompressor of one gzip member, with the interface of `_Codec`."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def needs_input(self) -> bool:
        return not self._zlib.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        return self._zlib.decompress(self._zlib.unconsumed_tail + data, max_length)


@dataclass(frozen=True)
class _Compression:
    name: str
    magic: bytes
    codec: Callable[[], _Codec]


def _xz() -> lzma.LZMADecompressor:
    return lzma.LZMADecompressor(memlimit=_MAX_DICTIONARY_BYTES)


_MEMBERS = (
    _Compression("gzip", b"\x1f\x8b\x08", _Gunzip),
    _Compression("bz2", b"BZh", bz2.BZ2Decompressor),
    _Compression("xz", b"\xfd7zXZ\x00", _xz),
)
_BZ2_BLOCK = (b"1AY&SY", b"\x17\x72\x45\x38\x50\x90")
"""The start of bz2's first block or, for an empty file, its end; `BZh9` alone may be a header."""
_LONGEST_MAGIC = max(map(len, [*MAGIC, b"BZh91AY&SY"]))


def read_head(stream: BinaryIO, wants_more: Callable[[bytes], bool], name: str) -> bytes:
    """Read from a stream, which may be a live pipe, while `wants_more` of the bytes so far.

    A stream that fails later than at its start fails again when it is read on.

    Raises:
        CatalogError: the stream fails at its start.
    """
    read = getattr(stream, "read1", stream.read)
    head = b""
    while wants_more(head):
        try:
            piece = read(_LONGEST_MAGIC if stream.seekable() else _OUTPUT_BYTES)
        except (OSError, EOFError) as error:
            if head:
                break
            raise CatalogError(f"{name}: cannot be read: {error}") from error
        if not piece:
            break
        head += piece
    return head


def _may_be_magic(head: bytes) -> bool:
    """Return whether further bytes decide which of the known kinds a file is."""
    known = (*MAGIC, _ZSTD_MAGIC, *_ZSTD_SKIPPABLE, *(member.magic for member in _MEMBERS))
    return any(len(head) < len(magic) and magic.startswith(head) for magic in known) or (
        head.startswith(b"BZh") and len(head) < 10
    )


def decompressed(raw: BinaryIO, name: str) -> BinaryIO:
    """Return the text of a stream that may be compressed with gzip, zstd, bz2 or xz.

    Args:
        raw: the stored bytes, at their start; a pipe is not waited for longer than needed.
        name: the file's name, for messages.

    Raises:
        CatalogError: the first bytes are those of an archive, a workbook or another kind of file
            that is not text.
    """
    recorded = None if raw.seekable() else Recorded(raw)
    stream = raw if recorded is None else cast(BinaryIO, recorded)
    layers: list[_Open] = []

    def again(depth: int) -> BinaryIO | None:
        if recorded is None:
            raw.seek(0)
        opened = raw if recorded is None else recorded.again()
        if opened is None:
            return None
        return functools.reduce(lambda stream, layer: layer(stream), layers[:depth], opened)

    while len(layers) < _MAX_LAYERS:
        head = read_head(stream, _may_be_magic, name)
        if stream is raw:
            raw.seek(0)
        else:
            stream = cast(BinaryIO, Prefixed(head, stream))
        layer = _decompressor(head, name)
        if layer is None:
            check_is_text_kind(head, name)
            break
        layers.append(layer)
        # bz2 checks a whole block after its last byte: before that, its bytes may be wrong.
        is_bz2 = head.startswith(b"BZh")
        reopened = None if is_bz2 else functools.partial(again, len(layers))
        stream = cast(BinaryIO, UpToDamage(layer(stream), reopened))
    if recorded is not None and not layers:
        recorded.forget()
    return stream


def _decompressor(head: bytes, name: str) -> _Open | None:
    """Return the function that opens a stream with these first bytes; None: it is text."""
    if head.startswith((_ZSTD_MAGIC, *_ZSTD_SKIPPABLE)):
        return lambda stream: cast(
            BinaryIO, pa.CompressedInputStream(pa.PythonFile(stream, mode="r"), "zstd")
        )
    member = next((kind for kind in _MEMBERS if head.startswith(kind.magic)), None)
    if member is None or (member.name == "bz2" and not head[4:].startswith(_BZ2_BLOCK)):
        return None
    return lambda stream: cast(BinaryIO, _Members(stream, member, name))


class _Members(io.RawIOBase):
    """The text of a gzip, bz2 or xz stream: one member after the other, as its own tools read it.

    Zero bytes after the end are padding. Other bytes after the end are left out, with a warning.
    """

    def __init__(self, raw: BinaryIO, kind: _Compression, name: str) -> None:
        self._raw = raw
        self._kind = kind
        self._name = name
        self._codec: _Codec | None = kind.codec()
        self._pending = b""

    def readable(self) -> bool:
        return True

    def read1(self, size: int = -1) -> bytes:
        """Return some text; empty only at the end.

        Raises:
            EOFError: the data is damaged, or was cut off.
        """
        size = _OUTPUT_BYTES if size < 0 else size
        while self._codec is not None:
            data, self._pending = self._pending, b""
            if not data and self._codec.needs_input:
                data = self._read()
                if not data:
                    raise EOFError(f"the {self._kind.name} data ends too early: {_COPY_AGAIN}")
            try:
                text = self._codec.decompress(data, size)
            except (zlib.error, lzma.LZMAError, OSError, ValueError) as error:
                raise EOFError(
                    f"the {self._kind.name} data is damaged ({error}): {_COPY_AGAIN}"
                ) from error
            if self._codec.eof:
                self._next_member(self._codec.unused_data)
            if text:
                return text
        return b""

    def read(self, size: int = -1) -> bytes:
        """Return some text, as `read1` does."""
        return self.read1(size)

    def _read(self) -> bytes:
        piece: bytes = getattr(self._raw, "read1", self._raw.read)(_PIECE_BYTES) or b""
        return piece

    def _next_member(self, data: bytes) -> None:
        """Start the member that follows the one that ended, if there is one."""
        magic = self._kind.magic
        while True:
            data = data.lstrip(b"\0")
            if len(data) >= len(magic):
                break
            piece = self._read()
            if not piece:
                break
            data += piece
        self._codec = None
        if data.startswith(magic):
            self._codec, self._pending = self._kind.codec(), data
        elif data:
            warnings.warn(
                f"{self._name}: the bytes after the end of the {self._kind.name} data are not "
                f"{self._kind.name} and were left out",
                GenreBatchWarning,
                stacklevel=2,
            )
