"""What to tag and how, as one value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from genre_batch.catalog.formats import STDIO
from genre_batch.errors import UsageError
from genre_batch.model.decoding import Decision

__all__ = ["TagJob", "tag_job"]


@dataclass(frozen=True)
class TagJob:
    """One run of `tag`.

    Attributes:
        source: a file, or `-` for stdin.
        output: a file, or None for stdout.
        input_format, output_format: override what the suffixes tell.
        model: an exported .onnx; None: the default one.
        text_column, title_column: None: found by name.
        decision: what makes a probability a genre.
        probabilities: also write one column per genre.
        separator: joins genres in CSV and TSV.
        only_missing: predict only rows whose value in this column is null, "" or [].
        replace: the input has our columns: replace them in place.
        infer_types: let CSV cells become numbers and dates in Parquet and Arrow.
        force: overwrite an existing output.
        threads: rows run at a time; None: the cores this process may use.
        limit: only the first so many rows.
    """

    source: str = STDIO
    output: str | None = None
    input_format: str | None = None
    output_format: str | None = None
    model: str | None = None
    text_column: str | None = None
    title_column: str | None = None
    decision: Decision = field(default_factory=Decision)
    probabilities: bool = False
    separator: str = ", "
    only_missing: str | None = None
    replace: bool = False
    infer_types: bool = False
    force: bool = False
    threads: int | None = None
    limit: int | None = None

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 0:
            raise UsageError(f"--limit {self.limit} is no number of rows")
        if self.threads is not None and self.threads < 1:
            raise UsageError(f"--threads {self.threads}: at least 1 is needed")


def tag_job(
    *,
    threshold: float | None = None,
    operating_point: str | None = None,
    top_k: int | None = None,
    **fields: Any,
) -> TagJob:
    """A job from flat options, as the command line and `tag_catalog` have them.

    Raises:
        UsageError: options that exclude each other, or values out of range.
    """
    return TagJob(decision=Decision(threshold, operating_point, top_k), **fields)
