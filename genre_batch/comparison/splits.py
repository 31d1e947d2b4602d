"""The films of a comparison: under either protocol, original and oversampled."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow.parquet as pq

from genre_batch.augmentation.apertium import Apertium
from genre_batch.augmentation.augment import AugmentJob, augment
from genre_batch.catalog.columns import (
    GENRE_COLUMNS,
    TEXT_COLUMNS,
    TITLE_COLUMNS,
    find_column,
    require_column,
)
from genre_batch.catalog.formats import Location, input_location, output_location
from genre_batch.catalog.genres import parse_column
from genre_batch.catalog.reading.reader import read_table
from genre_batch.comparison.job import CompareJob
from genre_batch.comparison.systems.registry import SYSTEMS, Entry
from genre_batch.dataset.copies import PIVOT_COLUMN
from genre_batch.dataset.labelled import Dataset, load_dataset
from genre_batch.dataset.split import PARTS
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
        held = read_table(job.catalog).column_names
        require_column(held, TEXT_COLUMNS, job.columns.text, "--text-column")
        require_column(held, GENRE_COLUMNS, job.columns.genre, "--genre-column")
        title = find_column(held, TITLE_COLUMNS, job.columns.title, "--title-column")
        self._with_title = title is not None
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
            self._loaded[key] = load_dataset(
                self._oversampled() if data == "oversampled" else self._catalog,
                self._job.columns,
                with_title=self._with_title,
                protocol=protocol,
                split_file=self._clean_split() if protocol == "clean" else None,
                seed=self._job.seed,
            )
        return self._loaded[key]

    @property
    def _catalog(self) -> Location:
        if not self._job.quick:
            return self._job.catalog
        path = self._job.folder / "catalog.parquet"
        if not path.exists():
            with replacing(path) as file:
                pq.write_table(read_table(self._job.catalog).slice(0, QUICK_ROWS), file)
        return input_location(str(path))

    def _clean_split(self) -> Location:
        """The clean split as a file, so that the oversampled catalog gets the very same one."""
        if self._split is None:
            path = self._job.folder / "split.csv"
            if not path.exists():
                drawn = load_dataset(
                    self._catalog, self._job.columns, with_title=False, seed=self._job.seed
                )
                lines = [
                    f"{row},{part},{key:016x}\n"
                    for row, part, key in zip(drawn.rows, drawn.parts, drawn.keys, strict=True)
                ]
                write_text(path, "".join(["row,part,overview_key\n", *lines]))
            self._split = input_location(str(path))
        return self._split

    def _oversampled(self) -> Location:
        """The catalog and its copies, made by Apertium unless they were given."""
        if self._job.oversampled is not None:
            return self._job.oversampled
        path = self._job.folder / "oversampled.parquet"
        if not path.exists():
            columns = self._job.columns
            augment(
                AugmentJob(
                    catalog=self._catalog,
                    output=output_location(str(path)),
                    translator=Apertium(),
                    text_column=columns.text,
                    genre_column=columns.genre,
                    genre_separator=columns.separator,
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
        places = {"before": self._catalog}
        made = self._job.oversampled or self._job.folder / "oversampled.parquet"
        if isinstance(made, Location) or made.exists():
            places["after"] = self._oversampled()
        counts = {}
        for name, place in places.items():
            genre = require_column(
                read_table(place).column_names,
                GENRE_COLUMNS,
                self._job.columns.genre,
                "--genre-column",
            )
            cells = parse_column(read_table(place).column(genre), self._job.columns.separator)
            counts[name] = dict(Counter(label for cell in cells for label in set(cell)))
        return counts
