"""The options of `apply_review`, and its result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from genre_batch.catalog.options import GenreOptions, ReadingOptions, WritingOptions
from genre_batch.options import FLAG, STRING, StrPath

__all__ = ["ApplyJob", "ApplyResult", "CorrectedFile", "LabelChange"]


@dataclass(frozen=True)
class ApplyJob(GenreOptions):
    """The options of `apply_review`.

    Attributes:
        review: the file with decisions.
        catalog: the catalog that was reviewed: a file, glob, folder, URL, or `-` for stdin.
        output: the file to write; None or `-` for stdout; a folder, which exists or whose name ends
            with a slash, for one output for each file of the catalog.
        reading: how to read the catalog.
        writing: how to write the output, where it is not a copy of the catalog's bytes.
        genre_column, genre_separator, label_columns, label_names, genre_map, no_aliases: as in
            `ColumnOptions`, and as the audit had them.
        model: a model whose genres may be added to a catalog that has none of them yet; None: the
            default model. It is only read if the review names a genre that the catalog lacks.
        force: overwrite an existing output.
        summary_json: a file for the result; None: no file.

    Raises:
        UsageError: a value is out of range, or two options cannot be used together.
    """

    review: StrPath = field(metadata=STRING)
    catalog: StrPath = field(metadata=STRING)
    output: StrPath | None = field(default=None, metadata=STRING)
    reading: ReadingOptions = field(default_factory=ReadingOptions)
    writing: WritingOptions = field(default_factory=WritingOptions)
    model: StrPath | None = field(default=None, metadata=STRING)
    force: bool = field(default=False, metadata=FLAG)
    summary_json: StrPath | None = field(default=None, metadata=STRING)


@dataclass(frozen=True)
class LabelChange:
    """A genre that was added to a row or removed from it.

    Attributes:
        row: the row, counted from 0.
        change: `added` or `removed`.
        genre: as the catalog writes it.
    """

    row: int
    change: str
    genre: str


@dataclass(frozen=True)
class CorrectedFile:
    """One of the outputs in a folder.

    Attributes:
        output, catalog: the file, and the one that it was made of.
        first_row: the number of its first row in the whole catalog.
        rows: its rows.
        rows_changed: those with other genres than before.
    """

    output: str
    catalog: str
    first_row: int
    rows: int
    rows_changed: int


@dataclass(frozen=True)
class ApplyResult:
    """What was decided and what was changed.

    Attributes:
        review, catalog, output: the files; `output` is None for stdout.
        rows: rows of the catalog, all of which were written.
        rows_changed: rows with other genres than before.
        rows_rejected: records of the catalog that cannot be read.
        rejected_kept: whether these are in the output as they were; if not, they were left out.
        rejects: the file that has them too; None if there is none.
        decisions: `right`, `wrong`, `skip` and `undecided` -> records of the review.
        added, removed: genre -> rows.
        confirmed: decisions that agree with the catalog, so that nothing was changed: a doubtful
            genre that is right, and a missing one that is wrong.
        changes: every change, in the order of the rows.
        files: each output, if they are in a folder; else none.
    """

    review: str
    catalog: str
    output: str | None
    rows: int
    rows_changed: int
    rows_rejected: int
    rejected_kept: bool
    rejects: str | None
    decisions: Mapping[str, int]
    added: Mapping[str, int]
    removed: Mapping[str, int]
    confirmed: int
    changes: tuple[LabelChange, ...]
    files: tuple[CorrectedFile, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the result as `--summary-json` writes it."""
        return asdict(self)
