"""Probabilities and label codes of every row, in a temporary file, because memory is bounded."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from genre_batch.errors import CatalogError

__all__ = ["RowBlock", "RowStore"]

_BLOCK_BYTES = 1 << 20
"""The size of the blocks in which rows are read again."""


@dataclass(frozen=True, eq=False)
class RowBlock:
    """Consecutive rows.

    Attributes:
        start: the number of the first one.
        codes: (rows,) int32, the code of each row's genre cell (auditing/labels.py).
        probabilities: (rows, genres) float32, 0..1, calibrated if the model's file can do that; a
            row of NaN has no text.
    """

    start: int
    codes: npt.NDArray[np.int32]
    probabilities: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def has_text(self) -> npt.NDArray[np.bool_]:
        """(rows,) bool: whether a row was predicted."""
        found: npt.NDArray[np.bool_] = ~np.isnan(self.probabilities[:, 0])
        return found


class RowStore(contextlib.AbstractContextManager["RowStore"]):
    """Rows of fixed size in a file that has no name, and so disappears with the process.

    Attributes:
        rows: how many there are.
    """

    def __init__(self, genres: int, folder: Path | None) -> None:
        """Create an empty store.

        Args:
            genres: the number of probabilities of a row.
            folder: where its file is; None: the folder for temporary files.

        Raises:
            CatalogError: the file cannot be created.
        """
        self.rows = 0
        self._row = np.dtype([("code", "<i4"), ("probabilities", "<f4", (genres,))])
        self._folder = folder
        with self._errors():
            self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed on exit

    def __exit__(self, *exc_info: object) -> None:
        with contextlib.suppress(OSError):
            self._file.close()

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            folder = self._folder or tempfile.gettempdir()
            raise CatalogError(
                f"cannot write a temporary file in {folder}: {error.strerror or error}: make room "
                f"there, or make it writable"
            ) from error

    def append(self, codes: npt.NDArray[np.int32], probabilities: npt.NDArray[np.float32]) -> None:
        """Add rows.

        Args:
            codes: (rows,) int32.
            probabilities: (rows, genres) float32.

        Raises:
            CatalogError: the disk is full.
        """
        records = np.empty(len(codes), self._row)
        records["code"], records["probabilities"] = codes, probabilities
        with self._errors():
            self._file.write(records.tobytes())
            self._file.flush()
        self.rows += len(codes)

    def read(self, start: int, rows: int) -> RowBlock:
        """Return consecutive rows; fewer at the end of the store."""
        size = self._row.itemsize
        self._file.seek(start * size)
        content = self._file.read(min(rows, self.rows - start) * size)
        records = np.frombuffer(content, self._row)
        return RowBlock(start, records["code"], records["probabilities"])

    def blocks(self) -> Iterator[RowBlock]:
        """Yield all rows, in order."""
        step = max(1, _BLOCK_BYTES // self._row.itemsize)
        for start in range(0, self.rows, step):
            yield self.read(start, step)
