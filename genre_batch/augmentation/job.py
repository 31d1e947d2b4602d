"""An augmentation's job and result."""

from __future__ import annotations

from dataclasses import dataclass, field

from genre_batch.augmentation.selection import SELECTIONS
from genre_batch.augmentation.translator import Translator
from genre_batch.catalog.options import (
    CATALOG,
    CatalogPath,
    ColumnOptions,
    ReadingOptions,
    WritingOptions,
)
from genre_batch.errors import UsageError
from genre_batch.options import FLAG, STRING, Checked, StrPath, one_of

__all__ = ["AugmentJob", "AugmentResult"]


@dataclass(frozen=True)
class AugmentJob(Checked):
    """What to copy, and how.

    Attributes:
        catalog: the labeled catalog: a file, glob, folder or URL, or a list of them, whose rows
            are read as one table. It is read several times, so not stdin.
        output: the catalog to write, in the format of its suffix.
        translator: makes one copy of each selected film through each of its pivots.
        rows: the films to copy, one of `selection.SELECTIONS`.
        reading: how to read the catalog.
        columns: its columns; the title column is not used.
        writing: how to write the output.
        cache: the file of the translation cache; None: one in the user's cache folder.
        force: overwrite an existing output.

    Raises:
        UsageError: a value is out of range, or `columns` has `group_rows` or `label_names`: copies
            are made row by row, and of names.
    """

    catalog: CatalogPath = field(metadata=CATALOG)
    output: StrPath = field(metadata=STRING)
    translator: Translator
    rows: str = field(default="none-of-top-4", metadata=one_of(*SELECTIONS))
    reading: ReadingOptions = field(default_factory=ReadingOptions)
    columns: ColumnOptions = field(default_factory=ColumnOptions)
    writing: WritingOptions = field(default_factory=WritingOptions)
    cache: StrPath | None = field(default=None, metadata=STRING)
    force: bool = field(default=False, metadata=FLAG)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("group_rows", "label_names"):
            if getattr(self.columns, name):
                raise UsageError(
                    f"`{name}` cannot be used here: write a catalog of one row for each film, with "
                    f"the names of its genres, and augment that"
                )


@dataclass(frozen=True)
class AugmentResult:
    """Counts of an augmentation.

    Attributes:
        rows: the number of rows of the catalog.
        films: the number of films selected for copying.
        genres: the genres that decided the selection.
        copies: pivot -> number of copies written.
        translated: the number of texts translated in this run.
        from_cache: the number of translations taken from the cache or from a film with equal text.
        left_out: the number of copies left out because they were empty or equal to their source.
        seconds: wall-clock time.
    """

    rows: int
    films: int
    genres: tuple[str, ...]
    copies: dict[str, int]
    translated: int
    from_cache: int
    left_out: int
    seconds: float
