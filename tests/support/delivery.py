"""Ways in which the bytes of a text file arrive: compressed, and in pieces of any size."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, cast

import pyarrow as pa
from hypothesis import settings

from genre_batch.catalog.formats import Location

__all__ = ["COMPRESSED", "Delivered", "Pieces", "scaled"]


def scaled(examples: int) -> int:
    """Return a number of examples that grows with the profile of hypothesis."""
    return examples * settings().max_examples // 100


def _in_two_members(data: bytes) -> bytes:
    middle = len(data) // 2
    return gzip.compress(data[:middle]) + gzip.compress(data[middle:])


COMPRESSED: dict[str, Callable[[bytes], bytes]] = {
    "none": bytes,
    "gzip": gzip.compress,
    "gzip in two members": _in_two_members,
    "gzip with zero padding": lambda data: gzip.compress(data) + bytes(700),
    "gzip twice": lambda data: gzip.compress(gzip.compress(data)),
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zstd": lambda data: pa.compress(data, "zstd", asbytes=True),
}
"""Name -> function from the bytes of a file to their compressed form."""


class Pieces(io.RawIOBase):
    """A pipe that delivers its bytes in pieces of one size."""

    def __init__(self, data: bytes, size: int) -> None:
        self._data = io.BytesIO(data)
        self._size = size

    def readable(self) -> bool:
        return True

    def read1(self, size: int = -1) -> bytes:
        return self._data.read(self._size if size < 0 else min(size, self._size))

    def read(self, size: int = -1) -> bytes:
        return self.read1(size)


@dataclass(frozen=True)
class Delivered(Location):
    """A file of given bytes that arrives through a pipe.

    Attributes:
        data: the bytes.
        size: the number of bytes of a piece.
    """

    data: bytes = b""
    size: int = 1 << 20

    def open_raw(self) -> BinaryIO:
        return cast(BinaryIO, Pieces(self.data, self.size))
