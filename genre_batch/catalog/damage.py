"""Read a compressed stream up to the byte where its damage begins."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import BinaryIO, cast

__all__ = ["Prefixed", "Recorded", "UpToDamage"]

_RECORDED_BYTES = 1 << 23
_SIZES = (1 << 12, 1)
"""Bytes per read while looking for the damage: first roughly, then exactly."""


class Prefixed(io.RawIOBase):
    """A stream with some bytes put back before it."""

    def __init__(self, head: bytes, stream: BinaryIO) -> None:
        self._head = head
        self._stream = stream

    def readable(self) -> bool:
        """Return true."""
        return True

    def read1(self, size: int = -1) -> bytes:
        """Return bytes as soon as there are any; empty only at the end."""
        if self._head:
            size = len(self._head) if size < 0 else size
            piece, self._head = self._head[:size], self._head[size:]
            return piece
        return getattr(self._stream, "read1", self._stream.read)(size) or b""

    def read(self, size: int = -1) -> bytes:
        """Return at most `size` bytes, as `read1` does; without a size, all that are left."""
        if size >= 0:
            return self.read1(size)
        return self._head + (self._stream.read() or b"")


class Recorded(io.RawIOBase):
    """A pipe whose first megabytes can be read again."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._pieces: list[bytes] | None = []
        self._size = 0

    def readable(self) -> bool:
        """Return true."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Return bytes as soon as there are any; empty only at the end."""
        piece = getattr(self._stream, "read1", self._stream.read)(size) or b""
        if self._pieces is not None:
            self._pieces.append(piece)
            self._size += len(piece)
            if self._size > _RECORDED_BYTES:
                self.forget()
        return piece

    def forget(self) -> None:
        """Stop recording."""
        self._pieces = None

    def again(self) -> BinaryIO | None:
        """Return the stream from its start; None if it is too long for that."""
        if self._pieces is None:
            return None
        return cast(BinaryIO, Prefixed(b"".join(self._pieces), self._stream))


class UpToDamage(io.RawIOBase):
    """A decompressed stream that gives every byte before the damage, and then fails.

    A decompressor that fails drops what it had decompressed in the same call. The stream is
    then decompressed once more from its start, in small steps, to get these bytes.
    """

    def __init__(self, stream: BinaryIO, again: Callable[[], BinaryIO | None] | None) -> None:
        """Wrap a decompressed stream.

        Args:
            stream: at its start.
            again: opens the same stream once more, if it is able to; None: what comes shortly
                before the damage is dropped.
        """
        # Kept alive: a decompressor of Arrow closes the raw stream when it is garbage-collected.
        self._streams = [stream]
        self._again = again
        self._given = 0
        self._error: BaseException | None = None

    def readable(self) -> bool:
        """Return true."""
        return True

    def read1(self, size: int = -1) -> bytes:
        """Return bytes as soon as there are any; empty only at the end.

        Raises:
            OSError, EOFError: the stream is damaged, or was cut off, at this place.
        """
        if self._error is not None:
            raise self._error
        stream = self._streams[0]
        try:
            piece: bytes = getattr(stream, "read1", stream.read)(size)
        except (OSError, EOFError) as error:
            self._error = error
            piece = self._rest()
            if not piece:
                raise
        self._given += len(piece)
        return piece

    def read(self, size: int = -1) -> bytes:
        """Return at most `size` bytes, as `read1` does."""
        return self.read1(size)

    def _rest(self) -> bytes:
        """Return the bytes before the damage that were not given yet."""
        rest = b""
        for size in _SIZES:
            stream = None if self._again is None else self._again()
            if stream is None:
                break
            self._streams.append(stream)
            read = getattr(stream, "read1", stream.read)
            try:
                left = self._given + len(rest)
                while left and (skipped := len(read(min(left, 1 << 20)))):
                    left -= skipped
                while piece := read(size):
                    rest += piece
            except (OSError, EOFError):
                continue
        return rest
