"""The films of a comparison: under each protocol, original and oversampled."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow.parquet as pq

from genre_batch.augmentation.apertium import Apertium
from genre_batch.augmentation.augment import augment
from genre_batch.augmentation.job import AugmentJob
from genre_batch.catalog.formats import Location, input_location
from genre_batch.catalog.options import ReadingOptions
from genre_batch.catalog.reading.whole import read_table
from genre_batch.comparison.job import CompareJob
from genre_batch.comparison.systems.registry import SYSTEMS, Entry
from genre_batch.dataset.copies import PIVOT_COLUMN
from genre_batch.dataset.dataset import Dataset
from genre_batch.dataset.labelled import find_labelled_columns, read_labelled
from genre_batch.dataset.load import load_dataset
from genre_batch.dataset.split import PARTS, split_file_text
from genre_batch.files import replacing, write_text
from genre_batch.model.metadata import read_model_file
from genre_batch.model.shipped import model_path
from genre_batch.model.text import OVERVIEW_ONLY
from genre_batch.progress import StepProgress
from genre_batch.runs.integrity import is_whole

__all__ = ["OVERSAMPLED", "QUICKLY_MADE", "Catalogs", "SystemFilms"]

QUICK_ROWS = 1500
OVERSAMPLED = "oversampled.parquet"
_FIRST_ROWS, _SPLIT = "catalog.parquet", "split.csv"
QUICKLY_MADE = (_FIRST_ROWS, _SPLIT)
"""Files of a comparison's folder that are made again at once, from the job's options."""


@dataclass(frozen=True)
class SystemFilms:
    """One system's films under one protocol.

    Attributes:
        data: `original` or `oversampled`.
        training, development, test: the parts, with the texts that the system reads.
    """

    data: str
    training: Dataset
    development: Dataset
    test: Dataset


def _data(protocol: str, entry: Entry) -> str:
    """Return which rows a system gets: `original` or `oversampled`.

    Under the paper's protocol, every system gets the oversampled rows except the paper's DistilBERT
    for original data. Under the clean protocol, only the system made for that is trained on copies,
    and none is tested on them.
    """
    oversampled = entry.oversampled or (protocol == "paper" and not entry.original)
    return "oversampled" if oversampled else "original"


class Catalogs:
    """The catalog under each protocol, original and oversampled, read on first use.

    Args:
        job: its output folder must exist before the films are read.
        progress: called with the progress of translation.

    Raises:
        UsageError: a file of the job is missing, or Apertium is needed and not installed.
        ColumnError: a column is missing.
    """

    def __init__(self, job: CompareJob, progress: StepProgress) -> None:
        self._job = job
        self._folder = Path(job.output)
        self._progress = progress
        self._original, self._split, self._copies = job.locate()
        names = read_table(self._original, job.reading).column_names
        trained_columns = (
            None if job.model is None else read_model_file(model_path(job.model)).metadata.columns
        )
        columns = find_labelled_columns(names, job.columns, "optional", trained_columns)
        self._with_title = columns.title is not None
        self._columns = replace(
            job.columns,
            text_column=columns.text,
            title_column=columns.title,
            genre_column=None if columns.label_columns else columns.genres,
            genre_separator=columns.separator,
        )
        if self._copies is None and any(
            _data(protocol, SYSTEMS[name]) == "oversampled"
            for protocol in job.protocols
            for name in job.systems
        ):
            Apertium()  # fails here if it is not installed, not hours later
        self._loaded: dict[tuple[str, str], Dataset] = {}

    def films(self, protocol: str, entry: Entry) -> SystemFilms:
        """Return the films that a system is trained and tested on."""
        data = _data(protocol, entry)
        dataset = self._load(protocol, data)
        if not entry.with_title:
            dataset = replace(dataset, texts=dataset.bare_texts, template=OVERVIEW_ONLY)
        return SystemFilms(data, *(dataset.part(part) for part in PARTS))

    def _load(self, protocol: str, data: str) -> Dataset:
        key = protocol, data
        if key not in self._loaded:
            location, reading = self._source(data)
            self._loaded[key] = load_dataset(
                location,
                self._columns,
                with_title=self._with_title,
                reading=reading,
                protocol=protocol,
                split_file=self._clean_split() if protocol == "clean" else None,
                seed=self._job.seed,
            )
        return self._loaded[key]

    def _source(self, data: str) -> tuple[Location, ReadingOptions | None]:
        """Return the location of the original or oversampled rows, and how to read them."""
        if data == "oversampled":
            return self._oversampled(), None
        return self._catalog, self._job.reading

    @property
    def _catalog(self) -> Location:
        if not self._job.quick:
            return self._original
        path = self._folder / _FIRST_ROWS
        if not is_whole(path):
            table = read_table(self._original, self._job.reading)
            if self._original.files:  # the metadata that name each row's file
                table = table.replace_schema_metadata(None)
            with replacing(path) as file:
                pq.write_table(table.slice(0, QUICK_ROWS), file)
        return input_location(str(path))

    def _clean_split(self) -> Location:
        """Return the clean split as a file, so that the oversampled catalog gets the same one."""
        if self._split is None:
            path = self._folder / _SPLIT
            if not is_whole(path):
                drawn = load_dataset(
                    self._catalog,
                    self._columns,
                    with_title=False,
                    reading=self._job.reading,
                    seed=self._job.seed,
                )
                write_text(path, split_file_text(drawn.rows, drawn.parts, drawn.keys))
            self._split = input_location(str(path))
        return self._split

    def _oversampled(self) -> Location:
        """Return the catalog with copies, made by Apertium if the job has none."""
        if self._copies is not None:
            return self._copies
        path = self._folder / OVERSAMPLED
        if not is_whole(path):
            catalog = self._catalog
            reading = replace(self._job.reading, input_format=catalog.format.value)
            augment(
                AugmentJob(
                    catalog=catalog,
                    output=path,
                    translator=Apertium(),
                    columns=self._columns,
                    reading=reading,
                ),
                self._progress,
            )
        return input_location(str(path))

    def copies_by(self) -> str:
        """Return the translator of the copies, or their file, and the pivot languages."""
        copies = self._oversampled()
        pivots = read_table(copies).column(PIVOT_COLUMN).unique().drop_null().to_pylist()
        translator = Apertium.name if self._copies is None else Path(copies.name).name
        return f"{translator} ({', '.join(pivots)})"

    def counts(self) -> dict[str, dict[str, int]]:
        """Count the rows of each genre, `before` and, if there are copies, `after` oversampling."""
        sources = {"before": "original"}
        if self._copies is not None or is_whole(self._folder / OVERSAMPLED):
            sources["after"] = "oversampled"
        counts = {}
        for name, data in sources.items():
            location, reading = self._source(data)
            catalog = read_labelled(location, self._columns, reading)
            counts[name] = dict(Counter(label for cell in catalog.genres for label in set(cell)))
        return counts
