"""Text files in other encodings than UTF-8: read as UTF-8, placed by their own bytes."""

from __future__ import annotations

import codecs
import io
from collections.abc import Callable
from typing import BinaryIO, cast

from genre_batch.errors import UsageError

__all__ = ["UTF_8", "check_encoding", "is_utf8", "mark_length", "original_length", "transcoded"]

UTF_8 = "utf-8"


def check_encoding(encoding: str) -> str:
    """The encoding's name as Python spells it.

    Raises:
        UsageError: no such encoding, or one of something else than text.
    """
    try:
        name = codecs.lookup(encoding).name
        "".encode(name)
    except (LookupError, ValueError) as error:
        raise UsageError(
            f"--encoding {encoding}: no such encoding; known are utf-8, latin-1, cp1252, utf-16 ..."
        ) from error
    return UTF_8 if name == "utf-8-sig" else name


def is_utf8(data: bytes) -> bool:
    """Whether the bytes are valid UTF-8."""
    try:
        data.decode(UTF_8)
    except UnicodeDecodeError:
        return False
    return True


class _Transcoded(io.RawIOBase):
    """A stream's text as UTF-8. Bytes that are none of the encoding's become invalid UTF-8."""

    def __init__(self, stream: BinaryIO, encoding: str) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)("surrogateescape")

    def readable(self) -> bool:
        return True

    def read1(self, size: int = -1) -> bytes:
        """Some text, about `size` bytes; nothing only at the end."""
        read = getattr(self._stream, "read1", self._stream.read)
        while True:
            piece = read(size)
            text = self._decoder.decode(piece, final=not piece)
            if text or not piece:
                return text.encode(UTF_8, "surrogateescape")


def transcoded(stream: BinaryIO, encoding: str) -> BinaryIO:
    """The stream, as UTF-8 if it is not already.

    Args:
        stream: decompressed bytes.
        encoding: as `check_encoding` gives it.
    """
    return stream if encoding == UTF_8 else cast(BinaryIO, _Transcoded(stream, encoding))


def mark_length(encoding: str) -> int:
    """How many bytes at the start of a file are a byte order mark that decoding takes away."""
    return 0 if encoding == UTF_8 else len("".encode(encoding))


def original_length(encoding: str) -> Callable[[bytes], int]:
    """How many bytes of the file became these bytes of UTF-8."""
    if encoding == UTF_8:
        return len
    mark = mark_length(encoding)  # encoding a text puts it before each

    def length(data: bytes) -> int:
        text = data.decode(UTF_8, "surrogateescape")
        return len(text.encode(encoding, "surrogateescape")) - mark

    return length
