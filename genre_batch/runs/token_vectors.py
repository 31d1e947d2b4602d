"""Token vectors of texts in a file, written while they are computed: a resumed run continues."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

from genre_batch.errors import TrainingError
from genre_batch.files import write_text

__all__ = ["TokenVectors"]


class TokenVectors:
    """Token vectors of many texts, in a memory-mapped file of bfloat16 numbers.

    Attributes:
        done: number of texts of an earlier attempt, in the order in which they were computed.
    """

    def __init__(self, path: Path, lengths: list[int], width: int) -> None:
        """Allocate the file, or open the one of an earlier attempt.

        Args:
            path: the file. One of the right size, beside which `keep` wrote how many texts it has,
                is continued; every other one is overwritten.
            lengths: number of tokens of each text.
            width: width of a token's vector.

        Raises:
            TrainingError: the disk is full.
        """
        self._ends = np.cumsum(lengths)
        self._done_file = path.with_name(f"{path.name}.done")
        shape = (int(self._ends[-1]) if lengths else 1, width)
        size = shape[0] * width * np.dtype(np.uint16).itemsize
        self.done = self._read_done(path, size)
        if not self.done:
            self._done_file.unlink(missing_ok=True)
            _allocate(path, size)
        # bfloat16 is the upper half of a float32; numpy only has the latter.
        self._vectors = np.memmap(path, dtype=np.uint16, mode="r+", shape=shape)

    def _read_done(self, path: Path, size: int) -> int:
        """Return how many texts the file has; 0 if it is not of this size."""
        try:
            return int(self._done_file.read_text("utf-8")) if path.stat().st_size == size else 0
        except (OSError, ValueError):
            return 0

    def keep(self, done: int) -> None:
        """Write to the disk what is computed, and then that it is `done` texts."""
        self._vectors.flush()
        write_text(self._done_file, str(done))

    def _rows(self, text: int) -> slice:
        return slice(int(self._ends[text - 1]) if text else 0, int(self._ends[text]))

    def __setitem__(self, text: int, vectors: npt.NDArray[np.uint16]) -> None:
        """Set a text's token vectors: the bits of bfloat16 numbers, (tokens, width)."""
        self._vectors[self._rows(text)] = vectors

    def __getitem__(self, text: int) -> npt.NDArray[np.float32]:
        """Return a text's token vectors, (tokens, width) float32, rounded to bfloat16."""
        upper = np.asarray(self._vectors[self._rows(text)]).astype(np.uint32)
        return (upper << 16).view(np.float32)


def _allocate(path: Path, size: int) -> None:
    try:
        with path.open("wb") as file:
            # Writing to a mapped file when the disk is full would kill the process.
            os.posix_fallocate(file.fileno(), 0, size)
    except OSError as error:
        raise TrainingError(
            f"no space for the outputs of the frozen layers, {size / 1e9:.1f} GB in "
            f"{path.parent}: {error.strerror}: free some, or leave out `freeze_layers`"
        ) from error
