"""What to tag and how, as one value."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

from genre_batch.catalog.formats import STDIO
from genre_batch.catalog.options import ReadingOptions
from genre_batch.errors import UsageError
from genre_batch.model.decision import Decision

__all__ = ["DEFAULT_CACHE_BYTES", "TagJob", "tag_job"]

DEFAULT_CACHE_BYTES = 10 * 10**9


@dataclass(frozen=True)
class TagJob:
    """One run of `tag`.

    Attributes:
        sources: files, globs, folders, URLs, or `-` for stdin.
        output: a file or URL; a folder (one that is there, or a name that ends with a slash) for
            one output per input; None for stdout.
        reading: how to read the inputs.
        output_format: overrides the suffix of the output.
        model: an exported .onnx; None: the default one.
        text_column, title_column: None: found by name.
        decision: what makes a probability a genre.
        probabilities: also write one column per genre.
        separator: joins genres in CSV and TSV.
        only_missing: predict only rows whose value in this column is null, "" or [].
        replace: the input has our columns: replace them in place.
        infer_types: let CSV cells become numbers and dates in Parquet and Arrow.
        rejects: where unreadable rows go; None: `<output>.rejects.jsonl`, nowhere for stdout.
        strict: stop at the first unreadable row.
        resume: use what an interrupted run left.
        force: overwrite an existing output.
        cache: a folder that keeps probabilities across runs.
        cache_size: the most bytes of it.
        threads: rows run at a time; None: the cores this process may use.
        limit: only the first so many rows, over all inputs.
    """

    sources: tuple[str, ...] = (STDIO,)
    output: str | None = None
    reading: ReadingOptions = field(default_factory=ReadingOptions)
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
    rejects: str | None = None
    strict: bool = False
    resume: bool = True
    force: bool = False
    cache: str | None = None
    cache_size: int = DEFAULT_CACHE_BYTES
    threads: int | None = None
    limit: int | None = None

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 0:
            raise UsageError(f"--limit {self.limit} is no number of rows")
        if self.threads is not None and self.threads < 1:
            raise UsageError(f"--threads {self.threads}: at least 1 is needed")
        if self.strict and self.rejects is not None:
            raise UsageError("--strict stops at the first bad row: it leaves none for --rejects")


def tag_job(
    *,
    threshold: float | None = None,
    operating_point: str | None = None,
    top_k: int | None = None,
    **options: Any,
) -> TagJob:
    """A job from flat options, as the command line and `tag_catalog` have them.

    Raises:
        UsageError: options that exclude each other, or values out of range.
    """
    names = {each.name for each in fields(ReadingOptions)}
    reading = {name: options.pop(name) for name in names & options.keys()}
    decision = Decision(threshold, operating_point, top_k)
    return TagJob(reading=ReadingOptions(**reading), decision=decision, **options)
