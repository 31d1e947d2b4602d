"""`tag_catalog`, the function that Python users call."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Unpack

from genre_batch.cluster.run import run
from genre_batch.tagging.job import tag_job
from genre_batch.tagging.keywords import TagOptions, with_keywords
from genre_batch.tagging.summary import TagSummary

__all__ = ["tag_catalog"]


@with_keywords(TagOptions)
def tag_catalog(
    source: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    output: str | os.PathLike[str],
    *,
    model: str | os.PathLike[str] | None = None,
    **options: Unpack[TagOptions],
) -> TagSummary:
    """Append predicted genres to a catalog, as `genre-batch tag` does; return counts and totals.

    Args:
        source: a file, glob, folder or URL, or several of them.
        output: the file or URL to write, or a folder for one output per input.
        model: an exported .onnx, `default` or `fast`; None: `$GENRE_BATCH_MODEL`, then `default`.
        **options: the keywords of `TagOptions`.

    Raises:
        UsageError, CatalogError, ModelError: as the parts raise them; no partial output is left.
    """
    sources = (source,) if isinstance(source, str | os.PathLike) else source
    return run(tag_job(sources=sources, output=output, model=model, **options))
