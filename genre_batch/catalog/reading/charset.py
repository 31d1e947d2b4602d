"""Text files in encodings other than UTF-8: read as UTF-8, with offsets in the original bytes."""

from __future__ import annotations

import codecs
import io
from collections.abc import Callable
from typing import BinaryIO, cast

from genre_batch.errors import UsageError

__all__ = ["UTF_8", "check_encoding", "is_utf8", "mark_length", "original_length", "transcoded"]

UTF_8 = "utf-8"


def check_encoding(encoding: str) -> str:
    """Return Python's name for an encoding.

    Raises:
        UsageError: the encoding is unknown, or is not a text encoding.
    """
    try:
        name = codecs.lookup(encoding).name
        "".encode(name)
    except (LookupError, ValueError) as error:
        raise UsageError(
            f"`encoding` {encoding} is unknown: use utf-8, latin-1, cp1252, utf-16 ..."
        ) from error
    return UTF_8 if name == "utf-8-sig" else name


def is_utf8(data: bytes) -> bool:
    """Return whether the bytes are valid UTF-8."""
    try:
        data.decode(UTF_8)
    except UnicodeDecodeError:
        return False
    return True


class _Transcoded(io.RawIOBase):
    """A stream transcoded to UTF-8. Bytes invalid in the encoding become invalid UTF-8."""

    def __init__(self, stream: BinaryIO, encoding: str) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)("surrogateescape")

    def readable(self) -> bool:
        return True

    def read1(self, size: int = -1) -> bytes:
        """Return about `size` bytes of text; empty only at the end."""
        read = getattr(self._stream, "read1", self._stream.read)
        while True:
            piece = read(size)
            text = self._decoder.decode(piece, final=not piece)
            if text or not piece:
                return text.encode(UTF_8, "surrogateescape")


def transcoded(stream: BinaryIO, encoding: str) -> BinaryIO:
    """Transcode a stream to UTF-8, unless it is UTF-8 already.

    Args:
        stream: decompressed bytes.
        encoding: a name from `check_encoding`.
    """
    return stream if encoding == UTF_8 else cast(BinaryIO, _Transcoded(stream, encoding))


def mark_length(encoding: str) -> int:
    """Return the length in bytes of the byte order mark that decoding removes."""
    return 0 if encoding == UTF_8 else len("".encode(encoding))


def original_length(encoding: str) -> Callable[[bytes], int]:
    """Return a function from bytes of UTF-8 to the number of bytes they had in the file."""
    if encoding == UTF_8:
        return len
    mark = mark_length(encoding)  # each call of `encode` writes one

    def length(data: bytes) -> int:
        text = data.decode(UTF_8, "surrogateescape")
        return len(text.encode(encoding, "surrogateescape")) - mark

    return length
