"""`tag_catalog`, the function that Python users call."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from genre_batch.catalog.reading.charset import UTF_8
from genre_batch.tagging.job import DEFAULT_CACHE_BYTES, GENRES_COLUMN, tag_job
from genre_batch.tagging.run import run
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
    probabilities: bool = False,
    separator: str = ", ",
    only_missing: str | None = None,
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
) -> TagSummary:
    """Append predicted genres to a catalog, as `genre-batch tag` does; return counts and totals.

    Args:
        source: a file, glob, folder or URL, or several of them.
        output: the file or URL to write, or a folder for one output per input.
        input_format, delimiter, encoding, quote, escape, null_values, skip_lines, infer_types,
            rejects, strict, no_hive: how to read; as in `ReadingOptions` (catalog/options.py).
        output_format, output_delimiter, output_encoding, separator: how to write; as in
            `WritingOptions`.
        threshold, operating_point, top_k, min_k, exclude_genres, calibrated: how probabilities
            become genres; as in `Decision` (model/decision.py).
        model, text_column, title_column, output_column, probabilities, only_missing, replace: as in
            `TagJob` (tagging/job.py).
        resume, force, cache, cache_size, threads, limit, summary_json: as in `TagJob`, too.

    Raises:
        UsageError: an argument is invalid, or there is no such input or model.
        CatalogError, ModelError: a catalog or the model is unusable; no partial output is left.
    """
    return _tag(**locals())


def _tag(
    source: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    output: str | os.PathLike[str],
    **options: Any,
) -> TagSummary:
    sources = (source,) if isinstance(source, str | os.PathLike) else source
    return run(tag_job(sources=sources, output=output, **options))
