"""Text files in encodings other than UTF-8: read as UTF-8, with offsets in the original bytes."""

from __future__ import annotations

import codecs
import io
from collections.abc import Callable
from typing import BinaryIO, cast

from genre_batch.catalog.compression import read_head
from genre_batch.catalog.damage import Prefixed
from genre_batch.errors import CatalogError, UsageError

__all__ = [
    "UTF_8",
    "check_encoding",
    "check_not_utf_16",
    "encoding_advice",
    "is_utf8",
    "mark_length",
    "original_length",
    "resolved",
    "transcoded",
]

UTF_8 = "utf-8"
_UNITS = {"utf-16": 2, "utf-32": 4}
"""Encodings whose byte order is given by a mark, and the bytes of their code units."""
_HEAD_BYTES = 64
_MIN_ASCII = 0.7
"""The part of a header's characters that are ASCII, at least."""
_NOT_OF_FILES = ("idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape")
"""Encodings of Python that no text file is in; some of them would change ASCII."""
_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)


def check_encoding(encoding: str, parameter: str = "encoding", *, keep_mark: bool = False) -> str:
    """Return Python's name for an encoding.

    Args:
        encoding: a name of an encoding.
        parameter: the parameter that it is the value of, for messages.
        keep_mark: distinguish UTF-8 with a byte order mark from UTF-8 without one.

    Raises:
        UsageError: the encoding is unknown, or is not a text encoding.
    """
    try:
        name = codecs.lookup(encoding).name
        "".encode(name)
        codecs.getincrementaldecoder(name)
        if name in _NOT_OF_FILES:
            raise LookupError(name)
    except (LookupError, ValueError) as error:
        raise UsageError(
            f"`{parameter}` {encoding} is unknown: use utf-8, latin-1, cp1252, utf-16 ..."
        ) from error
    return UTF_8 if name == "utf-8-sig" and not keep_mark else name


def is_utf8(data: bytes) -> bool:
    """Return whether the bytes are valid UTF-8."""
    try:
        data.decode(UTF_8)
    except UnicodeDecodeError:
        return False
    return True


def utf_16_without_mark(head: bytes) -> str | None:
    """Return the encoding of the first bytes of a text in UTF-16 or UTF-32 without a mark.

    Most of them have to be ASCII, as in every header; None for other bytes.
    """
    for width in (4, 2):
        head = head[: max(width, len(head[:_HEAD_BYTES]) // width * width)]
        zeros = [head[place::width].count(0) * width / max(1, len(head)) for place in range(width)]
        for order, filled in (("le", 0), ("be", width - 1)):
            rest = zeros[:filled] + zeros[filled + 1 :]
            if len(head) >= width and not zeros[filled] and min(rest) >= _MIN_ASCII:
                return f"utf-{8 * width}-{order}"
    return None


def check_not_utf_16(head: bytes, name: str) -> None:
    """Check that the first bytes are not those of UTF-16 or UTF-32, by their mark or their zeros.

    Args:
        head: the first bytes of a text that is read as UTF-8.
        name: the file's name, for messages.

    Raises:
        CatalogError: they are; the message has the encoding.
    """
    # The mark of UTF-32-LE starts with that of UTF-16-LE.
    for marks, encoding in ((_MARKS[2:], "utf-32"), (_MARKS[:2], "utf-16")):
        if head.startswith(marks):
            raise CatalogError(
                f"{name} looks like {encoding.upper()}: set `encoding` to {encoding}"
            )
    unmarked = utf_16_without_mark(head)
    if unmarked is not None:
        raise CatalogError(
            f"{name} looks like {unmarked[:6].upper()} without a byte order mark: set "
            f"`encoding` to {unmarked}"
        )


def resolved(stream: BinaryIO, encoding: str, name: str) -> tuple[BinaryIO, str]:
    """Find the byte order of UTF-16 and UTF-32 without a byte order mark.

    Args:
        stream: decompressed bytes, at their start.
        encoding: a name from `check_encoding`.
        name: the file's name, for messages.

    Returns:
        The stream, and the encoding, with its byte order unless the mark gives it.

    Raises:
        CatalogError: the stream fails.
    """
    unit = _UNITS.get(encoding)
    if unit is None:
        return stream, encoding
    head = read_head(stream, lambda data: len(data) < unit, name)
    stream = cast(BinaryIO, Prefixed(head, stream))
    if head.startswith(_MARKS):
        return stream, encoding
    order = (utf_16_without_mark(head[:unit]) or f"{encoding}-le")[-3:]
    return stream, encoding + order


def encoding_advice(encoding: str) -> str:
    """Say what to type if bytes are not valid in this encoding."""
    if encoding == UTF_8:
        return "set `encoding` to cp1252, or to the encoding of the file"
    return "set `encoding` to the encoding of the file"


def _escape_bytes(error: UnicodeError) -> tuple[str, int]:
    """Decode each invalid byte to a lone surrogate, as `surrogateescape` does from 0x80 on."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    invalid = error.object[error.start : error.end]
    return "".join(chr(0xDC00 | byte | 0x80) for byte in invalid), error.end


codecs.register_error("genre_batch.escape", _escape_bytes)


def _error_handlers(encoding: str) -> tuple[str, str]:
    """Return how invalid bytes are decoded, and how the result is written as (invalid) UTF-8."""
    if encoding.startswith(("utf-16", "utf-32")):
        return "surrogatepass", "surrogatepass"
    return "genre_batch.escape", "surrogateescape"


_STATELESS = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
"""Encodings with a fixed unit whose bytes can be decoded from any character on."""


class _Transcoded(io.RawIOBase):
    """A stream transcoded to UTF-8. Bytes invalid in the encoding become invalid UTF-8."""

    def __init__(self, stream: BinaryIO, encoding: str) -> None:
        self._stream = stream
        self._encoding = encoding
        decoding, self._encoding_errors = _error_handlers(encoding)
        self._decoder = codecs.getincrementaldecoder(encoding)(decoding)
        self._error: EOFError | None = None

    def readable(self) -> bool:
        return True

    def read1(self, size: int = -1) -> bytes:
        """Return about `size` bytes of text; empty only at the end.

        Raises:
            EOFError: the bytes cannot be of this encoding, or end within a character.
        """
        read = getattr(self._stream, "read1", self._stream.read)
        while True:
            if self._error is not None:
                raise self._error
            piece = read(size)
            try:
                text = self._decoder.decode(piece, final=not piece)
            except UnicodeError as error:
                reason = getattr(error, "reason", None) or error
                self._error = EOFError(
                    f"not valid {self._encoding} ({reason}): set `encoding` to the file's own"
                )
                self._error.__cause__ = error
                text = self._before(error)
                if not text:
                    continue
            if text or not piece:
                return text.encode(UTF_8, self._encoding_errors)

    def _before(self, error: UnicodeError) -> str:
        """Return the text before an error, of what was decoded at once."""
        if not isinstance(error, UnicodeDecodeError) or error.encoding not in _STATELESS:
            return ""
        decoding, _ = _error_handlers(self._encoding)
        return error.object[: error.start].decode(error.encoding, decoding)


def transcoded(stream: BinaryIO, encoding: str) -> BinaryIO:
    """Transcode a stream to UTF-8, unless it is UTF-8 already.

    Args:
        stream: decompressed bytes.
        encoding: a name from `resolved`.
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
    _, errors = _error_handlers(encoding)

    def length(data: bytes) -> int:
        text = data.decode(UTF_8, errors)
        try:
            return len(text.encode(encoding, errors)) - mark
        except UnicodeError:  # a byte that Python decodes to a character it cannot encode again
            return len(text.encode(encoding, "replace")) - mark

    return length
