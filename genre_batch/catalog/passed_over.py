"""What a folder holds beside its catalogs: files of other suffixes, and the logs of tables."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterable

from genre_batch.catalog.formats import input_location, is_like_catalog
from genre_batch.errors import GenreBatchWarning, UsageError, counted

__all__ = ["warn_of_passed_over", "warn_of_table_log"]

_PART = re.compile(r"part-.*|[\w-]*\d{5,}")
"""Names without a suffix that Hadoop, Spark and BigQuery give to the files of a table."""
_LOGS = {
    re.compile(r"_delta_log(/|$)"): "a Delta table",
    re.compile(r"\.hoodie(/|$)"): "a Hudi table",
    re.compile(r"metadata/.*\.metadata\.json$"): "an Iceberg table",
}
"""Path in the folder of a table that keeps which of its files are current -> what it is."""


def _may_hold_rows(path: str) -> bool:
    name = os.path.basename(path)
    if name.startswith((".", "_")):
        return False
    return is_like_catalog(name) or _PART.fullmatch(name) is not None


def _reason(path: str) -> str:
    """Return why a file is not read by its suffix, and what to type."""
    try:
        input_location(path)
    except UsageError as error:
        return str(error)
    return path


def warn_of_passed_over(folder: str, others: Iterable[str]) -> None:
    """Warn of files that are likely catalogs, but have no catalog's suffix.

    Args:
        folder: the folder that was named.
        others: its files that are not read.
    """
    likely = [path for path in others if _may_hold_rows(path)]
    if likely:
        warnings.warn(
            f"passed over {counted(len(likely), 'file')} of {folder} that may hold rows, the "
            f"first: {_reason(likely[0])}",
            GenreBatchWarning,
            stacklevel=2,
        )


def warn_of_table_log(folder: str, paths: Iterable[str]) -> None:
    """Warn of a table whose folder also keeps files of its earlier versions.

    Args:
        folder: the folder that was named.
        paths: files and folders in it and in its own folders, relative to it.
    """
    kinds = (kind for path in paths for log, kind in _LOGS.items() if log.match(path))
    if (kind := next(kinds, None)) is not None:
        warnings.warn(
            f"{folder} is {kind}: its files may hold rows that the table has no longer; export the "
            f"table to Parquet first, and read that",
            GenreBatchWarning,
            stacklevel=2,
        )
