"""Small labeled catalogs, written and loaded."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from genre_batch.catalog.formats import Location, input_location
from genre_batch.catalog.options import ColumnOptions
from genre_batch.dataset.dataset import Dataset
from genre_batch.dataset.load import load_dataset

__all__ = [
    "GENRES",
    "as_rows",
    "genres_of",
    "load",
    "overviews",
    "write_csv",
    "write_films",
    "write_wordings",
]

GENRES = ("Action", "Comedy", "Drama", "Horror", "Romance")
CELLS = ("Action, Drama", "Comedy", "Drama", "Action, Comedy")


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Location:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return input_location(str(path))


def write_films(path: Path, overviews: Sequence[str], cells: Sequence[str] = CELLS) -> Location:
    """Films with these overviews; genre cells are dealt out in turn."""
    rows = [
        (f"Film {number}", overview, cells[number % len(cells)])
        for number, overview in enumerate(overviews)
    ]
    return write_csv(path / "films.csv", ("title", "overview", "genres"), rows)


def write_wordings(path: Path) -> Path:
    """Twenty films in two wordings each, the second without genres; return the path."""
    rows = [
        (f"{word} {film}", genre, film)
        for film in range(20)
        for word, genre in (("laugh", "Comedy"), ("cry", ""))
    ]
    write_csv(path, ("overview", "genres", "film"), rows)
    return path


def overviews(count: int) -> list[str]:
    return [f"The story of number {number}." for number in range(count)]


def load(location: Location, **options: object) -> Dataset:
    return load_dataset(location, ColumnOptions(), **({"with_title": False} | options))  # type: ignore[arg-type]


def genres_of(dataset: Dataset) -> list[list[str]]:
    names = np.array(dataset.names)
    return [names[row.astype(bool)].tolist() for row in dataset.labels]


def as_rows(dataset: Dataset) -> list[tuple[object, ...]]:
    return list(
        zip(
            dataset.rows.tolist(),
            dataset.keys.tolist(),
            dataset.parts,
            dataset.texts,
            dataset.bare_texts,
            genres_of(dataset),
            strict=True,
        )
    )
