"""Append back-translated copies of some films to a labeled catalog."""

from __future__ import annotations

import contextlib
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from genre_batch.augmentation.job import AugmentJob, AugmentResult
from genre_batch.augmentation.selection import deciding_genres, is_selected
from genre_batch.augmentation.translation_cache import TranslationCache, default_cache_path
from genre_batch.catalog.chunk import Chunk, TableChunk
from genre_batch.catalog.formats import Format, Location, is_regular_or_new, output_location
from genre_batch.catalog.reading.reader import CatalogReader, ReadOptions
from genre_batch.catalog.reading.unreadable import PaddedRows, handled_rejects
from genre_batch.catalog.rejects import Reject, ignore_reject
from genre_batch.catalog.writing.atomic import check_overwrite
from genre_batch.catalog.writing.encoder import Encoder
from genre_batch.catalog.writing.writer import open_writer
from genre_batch.dataset.copies import PIVOT_COLUMN, SOURCE_COLUMN
from genre_batch.dataset.genre_names import GenreNames
from genre_batch.dataset.labelled import LabelledColumns, find_labelled_columns
from genre_batch.errors import CatalogError, ColumnError, TrainingError, UsageError
from genre_batch.failures import failures_as
from genre_batch.options import check_job
from genre_batch.path_checks import check_separate_files
from genre_batch.progress import StepProgress, no_step_progress

__all__ = ["augment"]


@failures_as(CatalogError, following=lambda: "run again")
def augment(job: AugmentJob, progress: StepProgress = no_step_progress) -> AugmentResult:
    """Write a catalog followed by back-translated copies of some of its films.

    The rows of the catalog come first, unchanged and in order, those of several files one after the
    other, so that a row keeps its number; the copies follow, film by film. Two columns are added:
    `source_row`, the 0-based number of the row that a copy was made from (for a row of the catalog,
    its own number), and `pivot`, the language of a copy (null for a row of the catalog). Several
    files must have the same columns.

    The catalog is read five times (for the genres' separator, to count them, to translate, and
    twice to write), so memory stays at a few thousand rows. Each batch of translations is stored in
    the cache at once, so an interrupted run resumes. The output is opened after the last of them.

    Args:
        job: what to copy, and how.
        progress: called with (translations done, translations in total, stage).

    Raises:
        UsageError: the catalog is missing, a file of it is a stream or named twice, or a suffix is
            not of a known format.
        ColumnError: a column cannot be found, or the catalog already has one of the two added.
        OutputExistsError: the output exists and `job.force` is false.
        CatalogError: the catalog cannot be read, the output or the cache cannot be written, or the
            catalog changed during the run.
        TrainingError: no film is selected, or the translator failed.
    """
    check_job("augment", job, AugmentJob)
    started = time.monotonic()
    source = job.reading.locate_all(job.catalog)
    output = output_location(os.fspath(job.output), job.writing.output_format)
    for file in source.each_file:
        if file.is_stdio or not (file.is_remote or is_regular_or_new(file.path)):
            raise UsageError(f"{file.name}: `catalog` is read several times: name a file")
    cache_path = os.fspath(job.cache or default_cache_path())
    written = [("`output`", output.path), ("`cache`", cache_path)]
    written += [("`rejects`", os.fspath(path)) for path in (job.reading.rejects,) if path]
    tables = [job.columns.genre_map] if job.columns.genre_map else []
    check_separate_files(written, [*(file.path for file in source.each_file), *tables])
    check_overwrite(output, job.force)
    names = GenreNames.of(job.columns)
    with TranslationCache(cache_path) as cache:
        run = _Run(job, source, output.format, cache, progress, names=names)
        with handled_rejects(source, job.reading) as on_reject:
            run.count(on_reject)
        run.translate()
        progress(0, 0, "writing")
        with open_writer(output, job.writing.encoder_options(), force=job.force) as writer:
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
    """The state of a job: its inputs, and the counts so far."""

    job: AugmentJob
    source: Location
    output_format: Format
    cache: TranslationCache
    progress: StepProgress
    deciding: frozenset[str] = frozenset()
    rows: int = 0
    films: int = 0
    translated: int = 0
    from_cache: int = 0
    left_out: int = 0
    copies: dict[str, int] = field(default_factory=dict)
    names: GenreNames = field(default_factory=GenreNames)
    _columns: LabelledColumns | None = None

    def _chunks(
        self, on_reject: Callable[[Reject], None] = ignore_reject
    ) -> Iterator[tuple[int, Chunk]]:
        """Yield each chunk with the number of its first row."""
        options = ReadOptions(
            as_table=self.output_format is not Format.JSONL,
            infer_types=self.job.reading.infer_types and not self.output_format.is_text,
            reading=self.job.reading,
        )
        start = 0
        with CatalogReader(self.source.each_file, options, on_reject) as reader:
            for chunk in reader.chunks():
                yield start, chunk
                start += len(chunk)

    def _labelled(self, chunk: Chunk) -> LabelledColumns:
        """Return the columns of texts and genres; a key of JSON Lines may first appear late."""
        if self._columns is None:
            columns = chunk.columns
            if not isinstance(chunk, TableChunk):
                keys = (key for _, rows in self._chunks() for key in rows.columns)
                columns = tuple(dict.fromkeys(keys))
            found = find_labelled_columns(columns, self.job.columns)
            self._columns = found.decided(rows for _, rows in self._chunks())
        return self._columns

    def _usable(self, chunk: Chunk) -> Iterator[tuple[int, str, list[str]]]:
        """Yield the position, text and genres of each film that has both."""
        columns = self._labelled(chunk)
        genres_of = self.names.read(columns.cells_in(chunk).genres)
        for position, text in enumerate(columns.texts_in(chunk)):
            genres = genres_of[position]
            if text is not None and genres:
                yield position, text, genres

    def _selected(self, chunk: Chunk) -> list[tuple[int, str]]:
        """Return the position and text of each selected film."""
        return [
            (position, text)
            for position, text, genres in self._usable(chunk)
            if is_selected(self.job.rows, self.deciding, genres)
        ]

    def count(self, on_reject: Callable[[Reject], None]) -> None:
        """Count rows and selected films, and find the deciding genres; only this pass rejects."""
        self.progress(0, 0, "counting genres")
        films: Counter[frozenset[str]] = Counter()
        name = self.source.name
        padded = PaddedRows()
        for start, chunk in self._chunks(on_reject):
            padded.add(chunk)
            for column in (SOURCE_COLUMN, PIVOT_COLUMN):
                if column in chunk.columns:
                    raise ColumnError(
                        f"{name} already has the column {column!r}: augment the catalog that it "
                        f"was made from, or rename the column"
                    )
            if chunk.columns:
                films.update(frozenset(genres) for _, _, genres in self._usable(chunk))
            self.rows = start + len(chunk)
        padded.warn()
        self.names.warn(name)
        if not films:
            columns = "check `text_column` and `genre_column`"
            raise TrainingError(f"{name}: no row has both a text and a genre: {columns}")
        self.deciding = deciding_genres(self.job.rows, films)
        self.films = sum(
            count
            for genres, count in films.items()
            if is_selected(self.job.rows, self.deciding, genres)
        )
        if not self.films:
            genres = ", ".join(sorted(self.deciding)) or "no genre"
            raise TrainingError(
                f"{name}: `rows` {self.job.rows} selects no film (it depends on {genres}): choose "
                f"another value"
            )

    def translate(self) -> None:
        """Translate the texts of the selected films that are not in the cache."""
        translator = self.job.translator
        total = self.films * len(translator.pivots)
        for _, chunk in self._chunks():
            texts = [text for _, text in self._selected(chunk)]
            for pivot in translator.pivots:
                identity = translator.identity(pivot)
                cached = self.cache.get(identity, pivot, texts)
                missing = list(dict.fromkeys(text for text in texts if text not in cached))
                self.from_cache += len(texts) - len(missing)
                self._report(total)
                for start in range(0, len(missing), translator.batch_size):
                    batch = missing[start : start + translator.batch_size]
                    self.cache.put(identity, pivot, self._translate_batch(batch, pivot))
                    self.translated += len(batch)
                    self._report(total)

    def _report(self, total: int) -> None:
        self.progress(self.from_cache + self.translated, total, "translating")

    def _translate_batch(self, batch: Sequence[str], pivot: str) -> dict[str, str]:
        """Return text -> copy; note on an error how many translations the cache has."""
        try:
            copies = self.job.translator.back_translate(batch, pivot)
            if len(copies) != len(batch):
                counts = f"{len(copies)} copies for {len(batch)} texts"
                raise TrainingError(f"{self.job.translator.name} returned {counts}")
        except TrainingError as error:
            error.add_note(
                f"{self.from_cache + self.translated:,} translations are in the cache: run again "
                f"to resume"
            )
            raise
        return dict(zip(batch, copies, strict=True))

    def write_catalog(self, writer: Encoder) -> None:
        """Write the rows of the catalog."""
        for start, chunk in self._chunks():
            numbers = np.arange(start, start + len(chunk), dtype=np.int64)
            writer.write(chunk, _origin_columns(numbers, pa.nulls(len(chunk), pa.string())))

    def write_copies(self, writer: Encoder) -> None:
        """Write the copies, those of each film in the order of the pivots."""
        translator = self.job.translator
        self.copies = dict.fromkeys(translator.pivots, 0)
        for start, chunk in self._chunks():
            selected = self._selected(chunk)
            texts = [text for _, text in selected]
            identities = {pivot: translator.identity(pivot) for pivot in translator.pivots}
            cached = {pivot: self.cache.get(of, pivot, texts) for pivot, of in identities.items()}
            positions, copies, pivots = [], [], []
            for position, text in selected:
                for pivot in translator.pivots:
                    copy = self._copy_of(text, cached[pivot])
                    if copy in ("", text):
                        self.left_out += 1
                        continue
                    self.copies[pivot] += 1
                    positions.append(position)
                    copies.append(copy)
                    pivots.append(pivot)
            if positions:
                numbers = np.array(positions, dtype=np.int64) + start
                origin = _origin_columns(numbers, pa.array(pivots, pa.string()))
                column = self._text_column(chunk, copies)
                schema = pa.schema([*column.schema, *origin.schema])
                added = pa.table([*column.columns, *origin.columns], schema)
                writer.write(chunk.take(positions), added)

    def _copy_of(self, text: str, cached: dict[str, str]) -> str:
        if text not in cached:
            raise CatalogError(f"{self.source.name} changed while it was read: run again")
        return cached[text].strip()

    def _text_column(self, chunk: Chunk, copies: list[str]) -> pa.Table:
        """Return a table of one column that replaces the texts by the copies, of the same type."""
        name = self._labelled(chunk).text
        column = pa.array(copies, pa.string())
        if not isinstance(chunk, TableChunk):
            return pa.table({name: column})
        text_field = chunk.table.schema.field(name)
        if pa.types.is_dictionary(text_field.type):
            column = column.cast(text_field.type.value_type).dictionary_encode()
        with contextlib.suppress(pa.ArrowNotImplementedError):  # otherwise strings are written
            return pa.table([column.cast(text_field.type)], pa.schema([text_field]))
        return pa.table({name: column})


def _origin_columns(numbers: np.ndarray, pivots: pa.Array) -> pa.Table:
    return pa.table({SOURCE_COLUMN: pa.array(numbers, pa.int64()), PIVOT_COLUMN: pivots})
