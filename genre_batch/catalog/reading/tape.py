"""The bytes that a text was decoded from, and a text in the encoding of its file."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import BinaryIO, cast

from genre_batch.catalog.reading.charset import UTF_8
from genre_batch.errors import CatalogError

__all__ = ["Coding", "Tape"]


class Tape(io.RawIOBase):
    """A stream whose bytes, as they are read, can be taken once more, in order.

    Attributes:
        head: the first bytes of the stream, up to four.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._held = bytearray()
        self._taken = 0
        self.head = b""

    def readable(self) -> bool:
        """Return true."""
        return True

    def read1(self, size: int = -1) -> bytes:
        """Return bytes as soon as there are any; empty only at the end."""
        piece = getattr(self._stream, "read1", self._stream.read)(size) or b""
        self._held += piece
        if len(self.head) < 4:
            self.head += piece[: 4 - len(self.head)]
        return cast(bytes, piece)

    def take(self, end: int) -> bytes:
        """Return the bytes from those taken last up to an offset."""
        size = end - self._taken
        piece = bytes(self._held[:size])
        del self._held[:size]
        self._taken += len(piece)
        return piece

    def rest(self) -> bytes:
        """Return all bytes that were read and not taken."""
        return self.take(self._taken + len(self._held))


@dataclass(frozen=True)
class Coding:
    """The encoding of a file, whose byte order mark was read already.

    Attributes:
        encoding: with its byte order.
        name: the file's, for messages.
    """

    encoding: str
    name: str

    @classmethod
    def of(cls, encoding: str, head: bytes, name: str) -> Coding:
        """Return the encoding with its byte order; `head` is the start of the file."""
        if encoding in ("utf-16", "utf-32"):
            is_big = head.startswith((b"\xfe\xff", b"\x00\x00\xfe\xff"))
            return cls(f"{encoding}-{'be' if is_big else 'le'}", name)
        return cls(encoding, name)

    def encoded(self, data: bytes, line: int) -> bytes:
        """Return UTF-8 in this encoding.

        Raises:
            CatalogError: it has a character that the encoding does not have.
        """
        if self.encoding == UTF_8:
            return data
        text = data.decode(UTF_8)
        try:
            return text.encode(self.encoding)
        except UnicodeEncodeError as error:
            raise CatalogError(
                f"{self.name}, line {line}: its encoding, {self.encoding}, has no "
                f"{text[error.start]!r} of {text!r}: write another format, or set "
                f"`output_encoding` to utf-8"
            ) from error

    def check(self, original: bytes, data: bytes, line: int) -> None:
        """Check that bytes of the file are those that a piece of its text was read from.

        Raises:
            CatalogError: they are not: the encoding has states, or several spellings of a text.
        """
        if self.encoding != UTF_8:
            try:
                same = original.decode(self.encoding) == data.decode(UTF_8)
            except UnicodeError:
                same = False
            if not same:
                raise CatalogError(
                    f"{self.name}, line {line}: text in {self.encoding} cannot be replaced in its "
                    f"place: set `output_encoding` to write the whole file anew"
                )
