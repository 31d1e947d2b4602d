"""`tag_catalog`, the function that Python users call."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from genre_batch.catalog.reading.charset import UTF_8
from genre_batch.cluster.run import run
from genre_batch.tagging.job import DEFAULT_CACHE_BYTES, GENRES_COLUMN, tag_job
from genre_batch.tagging.summary import TagSummary

__all__ = ["tag_catalog"]


def tag_catalog(
    source: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    output: str | os.PathLike[str],
    *,
    input_format: str | None = None,
    output_format: str | None = None,
    output_delimiter: str | None = None,
    output_encoding: str | None = None,
    delimiter: str | None = None,
    encoding: str = UTF_8,
    no_hive: bool = False,
    quote: str = '"',
    escape: str | None = None,
    null_values: str | Sequence[str] | None = None,
    skip_lines: int = 0,
    model: str | os.PathLike[str] | None = None,
    text_column: str | None = None,
    title_column: str | None = None,
    threshold: float | None = None,
    operating_point: str | None = None,
    top_k: int | None = None,
    exclude_genres: str | Sequence[str] | None = None,
    output_column: str = GENRES_COLUMN,
    min_k: int | None = None,
    calibrated: bool = False,
    genre_map: str | os.PathLike[str] | None = None,
    no_aliases: bool = False,
    probabilities: bool = False,
    separator: str = ", ",
    only_missing: str | None = None,
    only_language: str | None = None,
    replace: bool = False,
    infer_types: bool = False,
    rejects: str | os.PathLike[str] | None = None,
    strict: bool = False,
    resume: bool = True,
    force: bool = False,
    cache: str | os.PathLike[str] | None = None,
    cache_size: int = DEFAULT_CACHE_BYTES,
    threads: int | None = None,
    limit: int | None = None,
    summary_json: str | os.PathLike[str] | None = None,
    profile: bool = False,
    engine: str = "local",
    address: str | None = None,
    shard: str | None = None,
    split_size: int | str | None = None,
    keep_going: bool | None = None,
) -> TagSummary:
    """Append predicted genres to a catalog, as `genre-batch tag` does; return counts and totals.

    Args:
        source: a file, glob, folder or URL, or several of them.
        output: the file or URL to write, or a folder for one output per input.
        options: of `ReadingOptions`, `WritingOptions`, `Decision`, `TagJob`, `EngineOptions`.

    Raises:
        UsageError, CatalogError, ModelError: as the parts raise them; no partial output is left.
    """
    return _tag(**locals())


def _tag(
    source: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    output: str | os.PathLike[str],
    **options: Any,
) -> TagSummary:
    sources = (source,) if isinstance(source, str | os.PathLike) else source
    return run(tag_job(sources=sources, output=output, **options))
