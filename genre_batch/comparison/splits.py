"""The films of a comparison: under either protocol, original and oversampled."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow.parquet as pq

from genre_batch.augmentation.apertium import Apertium
from genre_batch.augmentation.augment import AugmentJob, augment
from genre_batch.catalog.formats import Location, input_location
from genre_batch.catalog.options import ReadingOptions
from genre_batch.catalog.reading.reader import read_table
from genre_batch.comparison.job import CompareJob
from genre_batch.comparison.systems.registry import SYSTEMS, Entry
from genre_batch.dataset.copies import PIVOT_COLUMN
from genre_batch.dataset.dataset import Dataset
from genre_batch.dataset.labelled import find_labelled_columns, read_labelled
from genre_batch.dataset.load import load_dataset
from genre_batch.dataset.split import PARTS, split_file_text
from genre_batch.files import replacing, write_text
from genre_batch.model.text import OVERVIEW_ONLY
from genre_batch.progress import StepProgress

__all__ = ["QUICK_ROWS", "Catalogs", "HeldFilms"]

QUICK_ROWS = 1500


@dataclass(frozen=True)
class HeldFilms:
    """One protocol's films for one system.

    Attributes:
        data: `original` or `oversampled`.
        training, development, test: its parts, their texts as the system reads them.
    """

    data: str
    training: Dataset
    development: Dataset
    test: Dataset


def _data(protocol: str, entry: Entry) -> str:
    """`original` or `oversampled`: which rows a system gets.

    Under the paper's protocol every system has the oversampled rows but the paper's own DistilBERT
    of the original ones; under the clean one copies are learnt from only by the system that is
    there for that, and tested by none.
    """
    more = entry.oversampled or (protocol == "paper" and not entry.original)
    return "oversampled" if more else "original"


class Catalogs:
    """The catalog under each protocol, original and oversampled, read when first asked for."""

    def __init__(self, job: CompareJob, progress: StepProgress) -> None:
        self._job = job
        self._progress = progress
        held = read_table(job.catalog, job.reading).column_names
        columns = find_labelled_columns(held, job.columns, titles="optional")
        self._with_title = columns.title is not None
        if job.oversampled is None and any(
            _data(protocol, SYSTEMS[name]) == "oversampled"
            for protocol in job.protocols
            for name in job.systems
        ):
            Apertium()  # says what to install, before hours are spent on the other systems
        self._split = job.split
        self._loaded: dict[tuple[str, str], Dataset] = {}

    def films(self, protocol: str, entry: Entry) -> HeldFilms:
        """What a system learns from and is tested on."""
        data = _data(protocol, entry)
        dataset = self._load(protocol, data)
        if not entry.with_title:
            dataset = replace(dataset, texts=dataset.bare_texts, template=OVERVIEW_ONLY)
        return HeldFilms(data, *(dataset.part(part) for part in PARTS))

    def _load(self, protocol: str, data: str) -> Dataset:
        key = protocol, data
        if key not in self._loaded:
            location, reading = self._source(data)
            self._loaded[key] = load_dataset(
                location,
                self._job.columns,
                with_title=self._with_title,
                reading=reading,
                protocol=protocol,
                split_file=self._clean_split() if protocol == "clean" else None,
                seed=self._job.seed,
            )
        return self._loaded[key]

    def _source(self, data: str) -> tuple[Location, ReadingOptions | None]:
        """Return where the rows are, original or oversampled, and how to read them."""
        if data == "oversampled":
            return self._oversampled(), None
        return self._catalog, self._job.reading

    @property
    def _catalog(self) -> Location:
        if not self._job.quick:
            return self._job.catalog
        path = self._job.folder / "catalog.parquet"
        if not path.exists():
            table = read_table(self._job.catalog, self._job.reading)
            with replacing(path) as file:
                pq.write_table(table.slice(0, QUICK_ROWS), file)
        return input_location(str(path))

    def _clean_split(self) -> Location:
        """The clean split as a file, so that the oversampled catalog gets the very same one."""
        if self._split is None:
            path = self._job.folder / "split.csv"
            if not path.exists():
                drawn = load_dataset(
                    self._catalog,
                    self._job.columns,
                    with_title=False,
                    reading=self._job.reading,
                    seed=self._job.seed,
                )
                write_text(path, split_file_text(drawn.rows, drawn.parts, drawn.keys))
            self._split = input_location(str(path))
        return self._split

    def _oversampled(self) -> Location:
        """The catalog and its copies, made by Apertium unless they were given."""
        if self._job.oversampled is not None:
            return self._job.oversampled
        path = self._job.folder / "oversampled.parquet"
        if not path.exists():
            catalog = self._catalog
            reading = replace(self._job.reading, input_format=catalog.format.value)
            augment(
                AugmentJob(
                    catalog=catalog.path,
                    output=path,
                    translator=Apertium(),
                    columns=self._job.columns,
                    reading=reading,
                ),
                self._progress,
            )
        return input_location(str(path))

    def copies_by(self) -> str:
        """Who made the copies, by way of which languages."""
        copies = self._oversampled()
        pivots = read_table(copies).column(PIVOT_COLUMN).unique().drop_null().to_pylist()
        who = Apertium.name if self._job.oversampled is None else Path(copies.name).name
        return f"{who} ({', '.join(pivots)})"

    def counts(self) -> dict[str, dict[str, int]]:
        """Genre -> rows, before and, where copies were made, after oversampling."""
        sources = {"before": "original"}
        made = self._job.oversampled or self._job.folder / "oversampled.parquet"
        if isinstance(made, Location) or made.exists():
            sources["after"] = "oversampled"
        counts = {}
        for name, data in sources.items():
            location, reading = self._source(data)
            catalog = read_labelled(location, self._job.columns, reading)
            counts[name] = dict(Counter(label for cell in catalog.genres for label in set(cell)))
        return counts
