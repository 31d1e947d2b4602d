"""What to audit and how, as one value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields

from genre_batch.catalog.formats import STDIO
from genre_batch.catalog.options import ColumnOptions, ReadingOptions, WritingOptions
from genre_batch.errors import UsageError
from genre_batch.model.decision import Decision
from genre_batch.options import FLAG, STRING, StrPath, integer, name_list, number, one_of
from genre_batch.tagging.job import RunOptions, TagJob

__all__ = ["DEFAULT_TOP", "SUSPECTED", "UNITS", "AuditJob"]

DEFAULT_TOP = 1000
SUSPECTED = 0.5
"""The score from which on a label is suspected."""
UNITS = ("label", "row")
_RUN_OPTIONS = tuple(option.name for option in fields(RunOptions))


@dataclass(frozen=True)
class AuditJob(RunOptions):
    """The options of one audit.

    Attributes:
        catalog: a labeled catalog: a file, glob, folder, URL, or `-` for stdin. Rows are numbered
            over all files.
        output: the file or URL of the records; None: stdout.
        reading: how to read the catalog.
        columns: which of its columns to use.
        writing: how to write the records.
        model: an exported .onnx; None: `$GENRE_BATCH_MODEL`, then the shipped model.
        all: write a record for every row and every genre of the model, in the catalog's order,
            instead of the suspected labels.
        top: the maximum number of records; None: 1,000, or no maximum with `all`.
        min_score: leave out records with a smaller score; None: 0.5, or 0 with `all`.
        genres: only write records of these genres, as a sequence or joined by commas, in any case;
            also by the names of `columns.genre_map`, under which genres are written.
        by: `label` for a record of every suspected label, `row` for one of every row that has such
            a label, with its worst.
        select: instead of labels, write this many rows without genres: those to label next.
        resume, force, cache, cache_size, threads, limit, summary_json: as in `TagOptions`.
        profile: also gather a profile of the catalog and keep records (`AuditResult.profile`,
            `AuditResult.kept`), for a page.

    Raises:
        UsageError: a value is out of range, or two options cannot be used together.
    """

    catalog: StrPath = field(default=STDIO, metadata=STRING)
    output: StrPath | None = field(default=None, metadata=STRING)
    reading: ReadingOptions = field(default_factory=ReadingOptions)
    columns: ColumnOptions = field(default_factory=ColumnOptions)
    writing: WritingOptions = field(default_factory=WritingOptions)
    model: StrPath | None = field(default=None, metadata=STRING)
    all: bool = field(default=False, metadata=FLAG)
    top: int | None = field(default=None, metadata=integer(1))
    min_score: float | None = field(default=None, metadata=number(0, 1))
    genres: str | Sequence[str] | None = None
    by: str = field(default="label", metadata=one_of(*UNITS))
    select: int | None = field(default=None, metadata=integer(1))

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.genres is not None:
            names = name_list("genres", self.genres)
            object.__setattr__(self, "genres", names or None)
        if self.all and self.top is not None:
            raise UsageError("`all` and `top` cannot be used together: give one")
        if self.columns.group_rows:
            raise UsageError("`group_rows` is not for audits: a record names one row")
        if self.select is not None:
            for name in ("all", "top", "min_score", "genres"):
                if getattr(self, name):
                    raise UsageError(f"`select` and `{name}` cannot be used together: give one")

    @property
    def least_score(self) -> float:
        """The smallest score of a record, 0..1."""
        if self.min_score is not None:
            return self.min_score
        return 0.0 if self.all else SUSPECTED

    @property
    def limit_of_records(self) -> int:
        """The maximum number of records, unless `all` is set."""
        return self.select or self.top or DEFAULT_TOP

    def tag_job(self) -> TagJob:
        """Return the job of the same catalog and genres, for its checks and names."""
        names = ("output", "reading", "writing", "model", *_RUN_OPTIONS)
        return TagJob(
            sources=(self.catalog,),
            text_column=self.columns.text_column,
            title_column=self.columns.title_column,
            genre_map=self.columns.genre_map,
            no_aliases=self.columns.no_aliases,
            decision=Decision(exclude_genres=self.genres),
            **{name: getattr(self, name) for name in names},
        )
