"""catalog/reading/spool.py: a temporary copy of a stream."""

from __future__ import annotations

import errno
import io
import tempfile

import pytest

from genre_batch.catalog.reading.spool import spooled
from genre_batch.errors import CatalogError


class FullDisk(io.RawIOBase):
    """A file on a disk without space."""

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return 0

    def write(self, data: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_copy_is_read_from_its_start() -> None:
    with spooled(io.BytesIO(b"a\nb\n"), "stdin") as copy:
        assert copy.read() == b"a\nb\n"


@pytest.mark.parametrize("size", [10, 100_000], ids=["in the buffer", "beyond the buffer"])
def test_a_full_disk_is_reported_once_even_if_closing_fails_too(
    monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    full = io.BufferedWriter(FullDisk())
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **options: full)
    with pytest.raises(CatalogError, match="No space left on device: set TMPDIR"):
        spooled(io.BytesIO(b"x" * size), "stdin")
    assert full.closed
