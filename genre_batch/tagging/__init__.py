"""Catalog x model: what to tag, how, and what came of it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genre_batch.tagging.summary import TagSummary

__all__ = ["tag_catalog"]


def tag_catalog(
    source: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    output: str | os.PathLike[str],
    **options: Any,
) -> TagSummary:
    """Tags catalogs, as `genre-batch tag SOURCE... -o OUTPUT` does.

    Args:
        source: a CSV, TSV, JSON Lines, Parquet or Arrow file, a glob, a folder or a URL; or
            several.
        output: the file to write, its format told by its suffix; or a folder.
        options: the other fields of `tagging.job.TagJob` by name (`model`, `text_column`,
            `probabilities`, `force`, ...); `threshold`, `operating_point` and `top_k` too.

    Returns:
        Genre counts and totals of the run.

    Raises:
        GenreBatchError: as the command reports it; nothing is left under the output's name.
        TypeError: no such option.
    """
    from genre_batch.tagging.job import tag_job
    from genre_batch.tagging.run import run

    sources = [source] if isinstance(source, str | os.PathLike) else source
    return run(
        tag_job(
            sources=tuple(os.fspath(one) for one in sources), output=os.fspath(output), **options
        )
    )
