"""`augment`: a catalog -> the catalog and, behind it, back-translated copies of some films."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from genre_batch.augmentation.selection import chosen_genres, is_chosen
from genre_batch.augmentation.translation_cache import TranslationCache, default_cache
from genre_batch.augmentation.translator import Translator
from genre_batch.catalog.chunk import Chunk, TableChunk
from genre_batch.catalog.formats import Format, Location, is_regular_or_new
from genre_batch.catalog.options import ColumnOptions, ReadingOptions
from genre_batch.catalog.reading.reader import CatalogReader, ReadOptions
from genre_batch.catalog.writing.atomic import check_overwrite
from genre_batch.catalog.writing.writer import open_writer
from genre_batch.catalog.writing.writers import Encoder, EncoderOptions
from genre_batch.dataset.copies import PIVOT_COLUMN, SOURCE_COLUMN
from genre_batch.dataset.labelled import LabelledColumns, find_labelled_columns
from genre_batch.errors import CatalogError, ColumnError, TrainingError, UsageError
from genre_batch.progress import StepProgress, no_step_progress

__all__ = ["AugmentJob", "AugmentResult", "augment"]


@dataclass(frozen=True)
class AugmentJob:
    """What to copy, and how.

    Attributes:
        catalog: the labelled catalog; not stdin, for it is read several times.
        output: where the catalog and its copies go.
        translator: who translates, through all of its pivots.
        rows: which films are copied, of `rows.CHOICES`.
        columns: where texts and genres are.
        reading: how to read the catalog.
        cache: the file that keeps translations; None: the one in the user's cache folder.
        force: overwrite an existing output.
    """

    catalog: Location
    output: Location
    translator: Translator
    rows: str = "none-of-top-4"
    columns: ColumnOptions = field(default_factory=ColumnOptions)
    reading: ReadingOptions = field(default_factory=ReadingOptions)
    cache: Path | None = None
    force: bool = False


@dataclass(frozen=True)
class AugmentResult:
    """What came of it.

    Attributes:
        rows: how many the catalog has.
        films: how many of them were to be copied.
        genres: the genres that decided it.
        copies: how many were written, by pivot.
        translated: texts that the translator was asked for.
        from_cache: texts that the cache, or an equal film, had.
        left_out: copies that were empty or no other than their source.
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


def augment(job: AugmentJob, progress: StepProgress = no_step_progress) -> AugmentResult:
    """Writes a catalog with back-translated copies of some of its films.

    First come all rows of the catalog, as they are and in their order, so that a row keeps its
    number; then the copies, film by film. Two columns join: `source_row`, the number (0-based) of
    the row that a row was made from, its own for the catalog's, and `pivot`, null for those.

    The catalog is read once to count genres, once to translate and twice to write: nothing of it is
    held but a few thousand rows. A translation is kept as soon as its batch is done, so a run that
    was broken off asks the translator only for the rest. No output is begun before the last one.

    Raises:
        UsageError: the catalog is a stream.
        ColumnError: a column cannot be found, or one of ours is there already.
        CatalogError: it cannot be read or written, or has changed meanwhile.
        TrainingError: no film is to be copied, or the translator failed.
    """
    started = time.monotonic()
    if job.catalog.is_stdio or not (job.catalog.is_remote or is_regular_or_new(job.catalog.path)):
        raise UsageError(
            f"{job.catalog.name} can be read only once, and is read several times: name a file"
        )
    check_overwrite(job.output, job.force)
    with TranslationCache(job.cache or default_cache()) as cache:
        run = _Run(job, cache, progress)
        run.count()
        run.translate()
        progress(0, 0, "writing")
        with open_writer(job.output, EncoderOptions(replace=True), force=job.force) as writer:
            run.write_catalog(writer)
            run.write_copies(writer)
    return AugmentResult(
        rows=run.rows,
        films=run.films,
        genres=tuple(sorted(run.deciding)),
        copies=run.copies,
        translated=run.translated,
        from_cache=run.from_cache,
        left_out=run.left_out,
        seconds=time.monotonic() - started,
    )


@dataclass
class _Run:
    """A job under way."""

    job: AugmentJob
    cache: TranslationCache
    progress: StepProgress
    deciding: frozenset[str] = frozenset()
    rows: int = 0
    films: int = 0
    translated: int = 0
    from_cache: int = 0
    left_out: int = 0
    copies: dict[str, int] = field(default_factory=dict)
    _columns: LabelledColumns | None = None

    def _chunks(self) -> Iterator[tuple[int, Chunk]]:
        """Each chunk with the number of its first row."""
        as_table = self.job.output.format is not Format.JSONL
        options = ReadOptions(as_table=as_table, reading=self.job.reading)
        start = 0
        with CatalogReader([self.job.catalog], options) as reader:
            for chunk in reader.chunks():
                yield start, chunk
                start += len(chunk)

    def _labelled(self, chunk: Chunk) -> LabelledColumns:
        """Return the columns of texts and genres, found in the first chunk that has any."""
        if self._columns is None:
            self._columns = find_labelled_columns(chunk.columns, self.job.columns)
        return self._columns

    def _usable(self, chunk: Chunk) -> Iterator[tuple[int, str, list[str]]]:
        """Position, text and genres of each film that has both."""
        columns = self._labelled(chunk)
        rows = zip(columns.texts_in(chunk), columns.genres_in(chunk), strict=True)
        for position, (text, genres) in enumerate(rows):
            if text is not None and genres:
                yield position, text, genres

    def _chosen(self, chunk: Chunk) -> list[tuple[int, str]]:
        """Position and text of each film that is to be copied."""
        return [
            (at, text)
            for at, text, genres in self._usable(chunk)
            if is_chosen(self.job.rows, self.deciding, genres)
        ]

    def count(self) -> None:
        """Finds out which genres decide, and how many films there are to copy."""
        self.progress(0, 0, "counting genres")
        films: Counter[frozenset[str]] = Counter()
        name = self.job.catalog.name
        for start, chunk in self._chunks():
            for taken in {SOURCE_COLUMN, PIVOT_COLUMN}.intersection(chunk.columns):
                raise ColumnError(
                    f"{name} already has the column {taken!r}: augment the catalog that it was "
                    f"made from, or rename the column"
                )
            if chunk.columns:
                films.update(frozenset(genres) for _, _, genres in self._usable(chunk))
            self.rows = start + len(chunk)
        if not films:
            raise TrainingError(f"{name}: no row has both a text and a genre")
        self.deciding = chosen_genres(self.job.rows, films)
        self.films = sum(
            number
            for genres, number in films.items()
            if is_chosen(self.job.rows, self.deciding, genres)
        )
        if not self.films:
            raise TrainingError(
                f"{name}: no film is to be copied by --rows {self.job.rows}, which goes by "
                f"{', '.join(sorted(self.deciding)) or 'no genre'}: choose other --rows"
            )

    def translate(self) -> None:
        """Has every chosen text's copies put into the cache."""
        translator = self.job.translator
        total = self.films * len(translator.pivots)
        for _, chunk in self._chunks():
            texts = [text for _, text in self._chosen(chunk)]
            for pivot in translator.pivots:
                identity = translator.identity(pivot)
                known = self.cache.get(identity, pivot, texts)
                wanted = list(dict.fromkeys(text for text in texts if text not in known))
                self.from_cache += len(texts) - len(wanted)
                self._told(total)
                for start in range(0, len(wanted), translator.batch_size):
                    batch = wanted[start : start + translator.batch_size]
                    self.cache.put(identity, pivot, self._asked(batch, pivot))
                    self.translated += len(batch)
                    self._told(total)

    def _told(self, total: int) -> None:
        self.progress(self.from_cache + self.translated, total, "translating")

    def _asked(self, batch: Sequence[str], pivot: str) -> dict[str, str]:
        """The translator's copies of a batch, by their text."""
        try:
            copies = self.job.translator.back_translate(batch, pivot)
            if len(copies) != len(batch):
                raise TrainingError(
                    f"{self.job.translator.name} gave {len(copies)} texts back for {len(batch)}"
                )
        except TrainingError as error:
            error.add_note(
                f"{self.from_cache + self.translated:,} copies are kept: type the same command to "
                f"go on"
            )
            raise
        return dict(zip(batch, copies, strict=True))

    def write_catalog(self, writer: Encoder) -> None:
        """Writes the catalog's rows."""
        for start, chunk in self._chunks():
            numbers = np.arange(start, start + len(chunk), dtype=np.int64)
            writer.write(chunk, _ours(numbers, pa.nulls(len(chunk), pa.string())))

    def write_copies(self, writer: Encoder) -> None:
        """Writes the copies, each film's in the order of the pivots."""
        translator = self.job.translator
        self.copies = dict.fromkeys(translator.pivots, 0)
        for start, chunk in self._chunks():
            chosen = self._chosen(chunk)
            texts = [text for _, text in chosen]
            known = {
                pivot: self.cache.get(translator.identity(pivot), pivot, texts)
                for pivot in translator.pivots
            }
            positions, copies, pivots = [], [], []
            for at, text in chosen:
                for pivot in translator.pivots:
                    copy = self._copy_of(text, known[pivot])
                    if copy in ("", text):
                        self.left_out += 1
                        continue
                    self.copies[pivot] += 1
                    positions.append(at)
                    copies.append(copy)
                    pivots.append(pivot)
            if positions:
                numbers = np.array(positions, dtype=np.int64) + start
                ours = _ours(numbers, pa.array(pivots, pa.string()))
                column = self._text_column(chunk, copies)
                writer.write(chunk.take(positions), _beside(column, ours))

    def _copy_of(self, text: str, known: dict[str, str]) -> str:
        if text not in known:
            raise CatalogError(f"{self.job.catalog.name} changed while it was read: run again")
        return known[text].strip()

    def _text_column(self, chunk: Chunk, copies: list[str]) -> pa.Table:
        """The copies as a column that takes the place of the texts, of the same type."""
        name = self._labelled(chunk).text
        column = pa.array(copies, pa.string())
        if not isinstance(chunk, TableChunk):
            return pa.table({name: column})
        wanted = chunk.table.schema.field(name)
        if pa.types.is_dictionary(wanted.type):
            column = column.cast(wanted.type.value_type).dictionary_encode()
        return pa.table([column.cast(wanted.type)], pa.schema([wanted]))


def _ours(numbers: np.ndarray, pivots: pa.Array) -> pa.Table:
    return pa.table({SOURCE_COLUMN: pa.array(numbers, pa.int64()), PIVOT_COLUMN: pivots})


def _beside(one: pa.Table, other: pa.Table) -> pa.Table:
    for field_, column in zip(other.schema, other.columns, strict=True):
        one = one.append_column(field_, column)
    return one
