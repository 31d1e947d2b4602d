"""A stretch of a catalog: the unit into which a large input is cut."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Stretch"]


@dataclass(frozen=True)
class Stretch:
    """Consecutive records of one input; all stretches of an input together are all its records.

    Attributes:
        index: its number among the stretches of the input, from 0.
        count: the number of stretches of the input.
        start, end: the first byte and the byte after the last one (decompressed; text formats), or
            the first row group or batch and the one after the last (Parquet and Arrow).
        line: the physical line at `start` (1-based); 1 where the format has no lines.
    """

    index: int
    count: int
    start: int
    end: int
    line: int = 1
