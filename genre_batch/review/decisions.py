"""Read a review file: which labels a person decided on, and what."""

from __future__ import annotations

import codecs
import math
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from genre_batch.catalog.chunk import Chunk, JsonLinesChunk
from genre_batch.catalog.columns import listed
from genre_batch.catalog.formats import Format, Location, input_location
from genre_batch.catalog.options import ReadingOptions
from genre_batch.catalog.reading.reader import CatalogReader, ReadOptions
from genre_batch.catalog.reading.records import CsvRecords, LineRecords
from genre_batch.catalog.rejects import Reject
from genre_batch.errors import CatalogError
from genre_batch.names import clean_name, name_key
from genre_batch.options import StrPath, nearest_name
from genre_batch.review.copied import cells

__all__ = ["DECISIONS", "FIELDS", "KINDS", "LabelDecision", "Review", "read_review"]

DECISIONS = ("right", "wrong", "skip")
KINDS = ("missing", "doubtful")
FIELDS = ("row", "kind", "genre", "probability", "score", "seen_in_training", "decision")
"""The columns of a review that are not columns of the catalog."""
_REQUIRED = ("row", "kind", "genre", "decision")


@dataclass(frozen=True)
class LabelDecision:
    """What a person decided about one genre of one row.

    Attributes:
        row: the row of the catalog, counted from 0.
        kind: `missing` or `doubtful`.
        genre: the genre.
        right: whether the film has the genre.
        record: the record of the review, counted from 0.
        copy: the review's copy of the row: column -> value, without empty ones.
    """

    row: int
    kind: str
    genre: str
    right: bool
    record: int
    copy: Mapping[str, Any] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class Review:
    """A review that was read.

    Attributes:
        location: the file.
        reading: how it was read.
        columns: its columns, in order; those of `FIELDS` in lower case.
        decisions: what is right or wrong: by row and genre, each once.
        genres: every genre that the review names, decided or not, with the number of its records.
        counts: the number of records with each decision, and of those without one (key "").
    """

    location: Location
    reading: ReadingOptions
    columns: tuple[str, ...]
    decisions: tuple[LabelDecision, ...]
    genres: Mapping[str, int]
    counts: Mapping[str, int]

    def error(self, record: int, column: str, problem: str) -> CatalogError:
        """Build an error about a value of the review, with its line and column."""
        return CatalogError(f"{self.place(record)}, column {column!r}: {problem}")

    def place(self, record: int) -> str:
        """Return the file and the line of a record, for messages."""
        line = _line_of(self.location, self.reading, record)
        where = f"record {record + 1}" if line is None else f"line {line}"
        return f"{self.location.name}, {where}"


def read_review(path: StrPath) -> Review:
    """Read a review: a catalog with the columns row, kind, genre and decision.

    Memory holds the decided records only.

    Args:
        path: CSV, TSV, JSON Lines, Parquet or Arrow.

    Raises:
        UsageError: there is no such file, or its suffix is unknown.
        CatalogError: it cannot be read, a column is missing, a value of a decided record makes no
            sense, or two records decide differently on the same label. The message has the line.
    """
    location = input_location(os.fspath(path))
    reading = _reading(location)
    records = _Records(location, reading)
    with CatalogReader([location], ReadOptions(reading=reading), _refuse) as reader:
        for chunk in reader.chunks():
            records.add(_with_field_names(chunk))
    return records.review()


def _reading(location: Location) -> ReadingOptions:
    """Return how to read a review: spreadsheets also save text in UTF-16."""
    if location.format.is_text and _is_file(location):
        with location.open_raw() as raw:
            head = location.decompress(raw).read(2)
        if head in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return ReadingOptions(encoding="utf-16")
        if len(head) == 2 and b"\0" in head:  # without a mark: names of columns begin in ASCII
            return ReadingOptions(encoding="utf-16-le" if head[1] == 0 else "utf-16-be")
    return ReadingOptions()


def _is_file(location: Location) -> bool:
    """Return whether a location can be opened again."""
    return location.is_remote or (not location.is_stdio and os.path.isfile(location.path))


def _with_field_names(chunk: Chunk) -> Chunk:
    """Return a chunk with the names of `FIELDS` as they are there: people write Decision."""
    names = {
        name: name.strip().lower()
        for name in chunk.columns
        if name.strip().lower() in FIELDS and name.strip().lower() not in chunk.columns
    }
    if not names or len(set(names.values())) < len(names):
        return chunk
    if isinstance(chunk, JsonLinesChunk):
        objects = [{names.get(name, name): row[name] for name in row} for row in chunk.objects]
        return replace(chunk, objects=objects)
    columns = [names.get(name, name) for name in chunk.columns]
    return replace(chunk, table=chunk.table.rename_columns(columns))


def _refuse(reject: Reject) -> None:
    raise CatalogError(f"{reject}: fix or remove this line, or save the file as UTF-8")


class _Records:
    """Collects the decided records of a review."""

    def __init__(self, location: Location, reading: ReadingOptions) -> None:
        self._location = location
        self._reading = reading
        self._columns: dict[str, None] = {}
        self._decisions: dict[tuple[int, str], LabelDecision] = {}
        self._genres: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()
        self._record = 0

    def review(self) -> Review:
        """Return what was read."""
        review = self._so_far()
        missing = [name for name in _REQUIRED if name not in self._columns]
        if missing and (self._record or self._columns):
            shown = listed(review.columns)
            advice = (
                "add a column with right, wrong or skip for each record"
                if missing == ["decision"]
                else "name the file that audit or its page wrote"
            )
            raise CatalogError(
                f"{self._location.name}: no column {missing[0]!r}: {advice}; columns: {shown}"
            )
        return review

    def _so_far(self) -> Review:
        return Review(
            self._location,
            self._reading,
            tuple(self._columns),
            tuple(sorted(self._decisions.values(), key=lambda one: (one.row, one.record))),
            self._genres,
            self._counts,
        )

    def add(self, chunk: Chunk) -> None:
        """Add the records of a chunk."""
        self._columns.update(dict.fromkeys(chunk.columns))
        words = _column(chunk, "decision")
        self._genres.update(name for name in _column(chunk, "genre") if isinstance(name, str))
        for index, value in enumerate(words):
            word = self._word(value, index)
            self._counts[word] += 1
            if word in ("right", "wrong"):
                self._decide(chunk, index, right=word == "right")
        self._record += len(chunk)

    def _error(self, index: int, column: str, problem: str) -> CatalogError:
        return self._so_far().error(self._record + index, column, problem)

    def _word(self, value: Any, index: int) -> str:
        if value is None or value != value:
            return ""
        word = str(value).strip().lower()
        if word and word not in DECISIONS:
            raise self._error(
                index,
                "decision",
                f"{value!r} is not a decision: write right if the film has the genre, wrong if it "
                f"does not, skip or nothing if you cannot tell",
            )
        return word

    def _decide(self, chunk: Chunk, index: int, *, right: bool) -> None:
        for column in _REQUIRED:
            if column not in chunk.columns:
                return  # `review` raises the error, with all columns
        values = {
            name: value
            for name in chunk.columns
            if (value := _value(chunk, name, index)) is not None and value != ""
        }
        row = _row_number(values.get("row"))
        if row is None:
            raise self._error(
                index,
                "row",
                f"{values.get('row', '')!r} is not the number of a row: leave it as audit wrote it",
            )
        kind = str(values.get("kind", "")).strip().lower()
        if kind == "unlabeled":
            raise self._error(
                index,
                "kind",
                "the row has no labels to decide on: write its genres into the catalog instead",
            )
        if not kind:
            raise self._error(index, "kind", "no kind: leave it as audit wrote it")
        if kind not in KINDS:
            raise self._error(
                index, "kind", f"unknown kind {values.get('kind')!r}: {nearest_name(kind, KINDS)}"
            )
        genre = values.get("genre")
        if not isinstance(genre, str) or not clean_name(genre):
            raise self._error(index, "genre", "no genre: leave it as audit wrote it")
        self._keep(index, row, kind, clean_name(genre), right, values)

    def _keep(
        self, index: int, row: int, kind: str, genre: str, right: bool, values: dict[str, Any]
    ) -> None:
        copy = {name: value for name, value in values.items() if name not in FIELDS}
        decision = LabelDecision(row, kind, genre, right, self._record + index, copy)
        other = self._decisions.setdefault((row, name_key(genre)), decision)
        if other.kind != kind:
            raise self._error(
                index,
                "kind",
                f"{kind} for {genre!r} of row {row}, but {other.kind} in "
                f"{self._so_far().place(other.record)}: leave it as audit wrote it",
            )
        if other.right != right:
            words = ["wrong", "right"]
            raise self._error(
                index,
                "decision",
                f"{words[right]} for {genre!r} of row {row}, but {words[other.right]} in "
                f"{self._so_far().place(other.record)}: keep one of the two",
            )


def _column(chunk: Chunk, name: str) -> Sequence[Any]:
    if isinstance(chunk, JsonLinesChunk):
        return [row.get(name) for row in chunk.objects]
    if name not in chunk.columns:
        return [None] * len(chunk)
    values: list[Any] = chunk.column(name).to_pylist()
    return values


def _value(chunk: Chunk, name: str, index: int) -> Any:
    if isinstance(chunk, JsonLinesChunk):
        return chunk.objects[index].get(name)
    return cells(chunk.table.column(name).slice(index, 1), [0])[0]


def _row_number(value: Any) -> int | None:
    """Return the number of a row, 0 or more; None if the value is none."""
    if isinstance(value, str):
        try:
            value = float(value) if "." in value else int(value)
        except ValueError:
            return None
    if isinstance(value, float):
        value = int(value) if math.isfinite(value) and value.is_integer() else None
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value < 1 << 63 else None


def _line_of(location: Location, reading: ReadingOptions, record: int) -> int | None:
    """Return the physical line of a record of a text file; None for another format."""
    if not location.format.is_text or not _is_file(location):
        return None
    seen = 0
    with location.open_raw() as raw:
        stream = location.decompress(raw)
        for records in _blocks(stream, location, reading):
            if record < seen + records.rows:
                line: int = records.line(record - seen)
                return line
            seen += records.rows
    return None


def _blocks(stream: Any, location: Location, reading: ReadingOptions) -> Iterator[Any]:
    if location.format is Format.JSONL:
        lines = LineRecords(stream, location.name, reading.encoding)
        return lines.blocks() if lines.is_lines else iter(())
    dialect = reading.dialect(location.format, reading.encoding)
    return CsvRecords(stream, location.name, dialect).blocks()
