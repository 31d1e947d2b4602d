"""How many rows a run has in total: exact where the inputs state it, else estimated."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["RowEstimate"]


class RowEstimate:
    """Estimate a run's rows from the rows and the bytes read so far.

    The thread that reads updates it; any thread may read `total`.

    Attributes:
        total: the number of rows, estimated or exact; None while unknown.
    """

    def __init__(self, sizes: Sequence[int], limit: int | None) -> None:
        """Create an estimate without any row read.

        Args:
            sizes: the bytes of each output's inputs, in the order in which they are read.
            limit: the maximum number of rows; None: no maximum.
        """
        self.total: int | None = None
        self._sizes = sizes
        self._limit = limit
        self._rows_read = 0

    def update(self, number: int, rows: int, fraction: float | None, exact: int | None) -> None:
        """Take a chunk that was read into account.

        Args:
            number: the index of the output whose inputs are being read.
            rows: the rows of the chunk.
            fraction: the share of those inputs' bytes that is read, 0..1; None if unknown.
            exact: the number of rows that those inputs state; None if they do not.
        """
        self._rows_read += rows
        total: int | None = None
        if exact is not None and len(self._sizes) == 1:
            total = exact
        elif fraction is not None:
            if len(self._sizes) > 1:
                bytes_read = sum(self._sizes[:number]) + fraction * self._sizes[number]
                fraction = bytes_read / max(1, sum(self._sizes))
            total = round(self._rows_read / fraction) if fraction else None
        if self._limit is not None and total is not None:
            total = min(self._limit, total)
        self.total = total
