"""Arrow tables as polars frames with the same names."""

from __future__ import annotations

import polars as pl
import pyarrow as pa

__all__ = ["as_frame"]


def as_frame(table: pa.Table) -> pl.DataFrame:
    """Return a table as a frame; polars itself would rename a column without a name."""
    names = table.column_names
    if "" not in names:
        return pl.DataFrame(table)
    frame = pl.DataFrame(table.rename_columns([str(place) for place in range(len(names))]))
    frame.columns = names
    return frame
