"""`tag_catalog`, the function that Python users call."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from genre_batch.catalog.reading.charset import UTF_8
from genre_batch.tagging.job import DEFAULT_CACHE_BYTES, tag_job
from genre_batch.tagging.run import run
from genre_batch.tagging.summary import TagSummary

__all__ = ["tag_catalog"]


def tag_catalog(
    source: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    output: str | os.PathLike[str],
    *,
    input_format: str | None = None,
    output_format: str | None = None,
    delimiter: str | None = None,
    encoding: str = UTF_8,
    no_hive: bool = False,
    model: str | os.PathLike[str] | None = None,
    text_column: str | None = None,
    title_column: str | None = None,
    threshold: float | None = None,
    operating_point: str | None = None,
    top_k: int | None = None,
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
        input_format, output_format: csv, tsv, jsonl, parquet or arrow; None: by suffix.
        delimiter, encoding, no_hive: as in `ReadingOptions`.
        model: an exported .onnx; None: `$GENRE_BATCH_MODEL`, then the shipped model.
        text_column, title_column: None: the first column with a usual name (catalog/columns.py).
        threshold: one threshold for all genres, 0..1; None: the model's own thresholds.
        operating_point: one of the model's named sets of thresholds; excludes `threshold`.
        top_k: the maximum number of genres per row; alone, it ignores thresholds.
        probabilities: also write one column per genre.
        separator: joins genres in CSV and TSV.
        only_missing: only predict rows where this column is null, "" or []; others get null.
        replace: replace predicted columns that the input already has, and leave out their old
            probabilities unless `probabilities` replaces them; False: raise ColumnError.
        infer_types: convert CSV cells to numbers and dates in Parquet and Arrow.
        rejects: a file for unreadable rows; None: `<output>.rejects.jsonl`.
        strict: raise CatalogError at the first unreadable row; excludes `rejects`.
        resume, force: use what an interrupted run left; overwrite an existing output.
        cache, cache_size: a folder that keeps probabilities across runs, and its limit in bytes.
        threads, limit: batches in parallel (None: all cores); rows to tag (None: all).
        summary_json: a file for the summary, as JSON; None: no file.

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
    sources = (source,) if isinstance(source, str | os.PathLike) else tuple(source)
    return run(tag_job(sources=sources, output=output, **options))
