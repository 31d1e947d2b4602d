"""Labelled catalog -> texts, labels and parts, with no film in two parts, nor its copies."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from genre_batch.catalog.chunk import TableChunk
from genre_batch.catalog.columns import (
    GENRE_COLUMNS,
    TEXT_COLUMNS,
    TITLE_COLUMNS,
    require_column,
)
from genre_batch.catalog.formats import Location, input_location
from genre_batch.catalog.genres import parse_column
from genre_batch.catalog.reading.reader import read_table
from genre_batch.dataset.copies import films_of
from genre_batch.dataset.split import PARTS, read_split_file
from genre_batch.errors import TrainingError
from genre_batch.model.text import OVERVIEW_ONLY, TITLE_AND_OVERVIEW, compose, text_key, uses_title

__all__ = [
    "Columns",
    "Dataset",
    "concatenate",
    "load_dataset",
    "load_extra",
    "read_dataset",
    "sha256_of",
    "split",
    "variants",
]

SHARES = (0.7, 0.2, 0.1)
"""The paper's split (section "Data"), kept for the clean protocol too."""


@dataclass(frozen=True)
class Columns:
    """Which columns to train on; None: found by name.

    Attributes:
        text, title, genre: column names.
        separator: what stands between two genres of a cell; None: found cell by cell.
    """

    text: str | None = None
    title: str | None = None
    genre: str | None = None
    separator: str | None = None


@dataclass(frozen=True)
class Dataset:
    """Labelled films, each in one part.

    Attributes:
        texts: what the model reads of each film, with its title where the template has one.
        bare_texts: the same without titles.
        labels: (films, genres) uint8, 0 or 1.
        names: the genres, in column order.
        rows: (films,) int64, each film's row in its catalog (0-based).
        keys: (films,) uint64, `text_key` of each overview: equal for duplicates. A copy
            (dataset/copies.py) has its film's.
        parts: each film's part, of `PARTS`.
        template: the text template that made `texts`.
        sha256: the catalog file's.
        dropped: rows left out because they had no text or no genre, or were copies of no film.
    """

    texts: list[str]
    bare_texts: list[str]
    labels: npt.NDArray[np.uint8]
    names: list[str]
    rows: npt.NDArray[np.int64]
    keys: npt.NDArray[np.uint64]
    parts: list[str]
    template: str
    sha256: str
    dropped: int = 0

    def __len__(self) -> int:
        return len(self.texts)

    def part(self, *wanted: str) -> Dataset:
        """Only the films of these parts."""
        return self.take([at for at, part in enumerate(self.parts) if part in wanted])

    def take(self, positions: Sequence[int]) -> Dataset:
        """Only the films at these positions."""
        return replace(
            self,
            texts=[self.texts[at] for at in positions],
            bare_texts=[self.bare_texts[at] for at in positions],
            labels=self.labels[positions],
            rows=self.rows[positions],
            keys=self.keys[positions],
            parts=[self.parts[at] for at in positions],
        )

    def write(self, path: Path) -> None:
        """Writes `row, group, part, text, labels` and the text without title, as Parquet.

        Rows of one group have the same overview, or are copies of one that has. The genre names,
        the template and the catalog's hash travel in the schema's metadata, so that `read_dataset`
        needs nothing else.
        """
        schema = pa.schema(
            [
                ("row", pa.int64()),
                ("group", pa.string()),
                ("part", pa.string()),
                ("text", pa.string()),
                ("labels", pa.list_(pa.string())),
                ("text_without_title", pa.string()),
            ],
            metadata={
                "labels": "\n".join(self.names),
                "template": self.template,
                "sha256": self.sha256,
            },
        )
        names = np.array(self.names, dtype=object)
        columns = [
            self.rows,
            [f"{key:016x}" for key in self.keys.tolist()],
            self.parts,
            self.texts,
            [names[row.astype(bool)].tolist() for row in self.labels],
            self.bare_texts,
        ]
        pq.write_table(pa.table(columns, schema), path)


def sha256_of(location: Location) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with open(location.path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _encode(genres: list[list[str]], names: list[str]) -> npt.NDArray[np.uint8]:
    position = {name: at for at, name in enumerate(names)}
    labels = np.zeros((len(genres), len(names)), dtype=np.uint8)
    for row, cell in enumerate(genres):
        known = [position[genre] for genre in cell if genre in position]
        labels[row, known] = 1
    return labels


def _load(
    location: Location, columns: Columns, with_title: bool, names: list[str] | None
) -> tuple[Dataset, npt.NDArray[np.int64], pa.Table]:
    """The usable films of a catalog, all of them in `train`.

    Returns:
        The films, the row of the film that each of them is (its own) or is a copy of, and the whole
        table.
    """
    table = read_table(location)
    held = table.column_names
    text = require_column(held, TEXT_COLUMNS, columns.text, "--text-column")
    genre = require_column(held, GENRE_COLUMNS, columns.genre, "--genre-column")
    whole = TableChunk(table)
    overviews = whole.strings(text)
    template, titles = OVERVIEW_ONLY, None
    if with_title:
        title = require_column(held, TITLE_COLUMNS, columns.title, "--title-column")
        template, titles = TITLE_AND_OVERVIEW, whole.strings(title)
    bare_texts = compose(OVERVIEW_ONLY, overviews).to_pylist()
    texts = compose(template, overviews, titles).to_pylist()
    genres = parse_column(table.column(genre), columns.separator)
    if names is None:
        names = sorted({name for cell in genres for name in cell})
    known = set(names)
    films = films_of(table, location.name).tolist()
    usable = [
        at
        for at, cell in enumerate(genres)
        if texts[at] is not None
        and any(name in known for name in cell)
        and films[at] >= 0
        and bare_texts[films[at]] is not None
    ]
    dataset = Dataset(
        texts=[texts[at] for at in usable],
        bare_texts=[bare_texts[at] for at in usable],
        labels=_encode([genres[at] for at in usable], names),
        names=names,
        rows=np.array(usable, dtype=np.int64),
        keys=np.array([text_key(bare_texts[films[at]]) for at in usable], dtype=np.uint64),
        parts=["train"] * len(usable),
        template=template,
        sha256=sha256_of(location),
        dropped=len(texts) - len(usable),
    )
    return dataset, np.array([films[at] for at in usable], dtype=np.int64), table


def load_dataset(
    location: Location,
    columns: Columns,
    *,
    with_title: bool,
    protocol: str = "clean",
    split_file: Location | None = None,
    seed: int = 0,
) -> Dataset:
    """A labelled catalog, split into parts.

    Args:
        location: the catalog.
        columns: where its texts, titles and genres are.
        with_title: whether the model reads titles too.
        protocol: `clean` keeps films with the same overview in one part, and has copies only of
            films to train on; `paper` splits row by row, copies too, after dropping exact repeats,
            as the paper did.
        split_file: a file with `row` and `part` (and `overview_key`, checked) to use instead. A
            copy goes by its film's row, and is left out if that is not to be trained on.
        seed: of the split.

    Raises:
        ColumnError: a column cannot be found.
        CatalogError: a split file of another catalog, or that is none.
        TrainingError: no usable row, a single class, or a part without a row.
    """
    dataset, films, _ = _load(location, columns, with_title, None)
    if not len(dataset):
        raise TrainingError(f"{location.name}: no row has both a text and a genre")
    if len(dataset.names) < 2:
        raise TrainingError(
            f"{location.name}: every row has the one genre {dataset.names[0]!r}: nothing to learn; "
            f"check --genre-column and --genre-separator"
        )
    if split_file is not None:
        return _split_by_file(dataset, films, split_file)
    if protocol == "paper":
        dataset = dataset.take(_first_of_each(dataset))
        rows = np.arange(len(dataset), dtype=np.uint64)
        return replace(dataset, parts=split(dataset.labels, rows, seed))
    parts = split(dataset.labels, dataset.keys, seed)
    return _without_held_out_copies(replace(dataset, parts=parts), films)


def _without_held_out_copies(dataset: Dataset, films: npt.NDArray[np.int64]) -> Dataset:
    """Dev and test measure films as they are: copies are there to be trained on only."""
    is_film = (films == dataset.rows).tolist()
    kept = [at for at, part in enumerate(dataset.parts) if is_film[at] or part == "train"]
    return dataset.take(kept)


def _first_of_each(dataset: Dataset) -> list[int]:
    """Positions of the first film of each (text, genres), as the paper dropped repeats."""
    first: dict[tuple[str, bytes], int] = {}
    for at, (text, row) in enumerate(zip(dataset.bare_texts, dataset.labels, strict=True)):
        first.setdefault((text, row.tobytes()), at)
    return list(first.values())


def _split_by_file(dataset: Dataset, films: npt.NDArray[np.int64], location: Location) -> Dataset:
    split_file = read_split_file(location)
    split_file.check(films, dataset.keys)
    parts = split_file.parts
    held = [at for at, film in enumerate(films.tolist()) if film in parts]
    split_parts = [parts[film] for film in films[held].tolist()]
    for part in PARTS:
        if part not in split_parts:
            raise TrainingError(f"{location.name}: no row of the catalog is in the part {part!r}")
    return _without_held_out_copies(replace(dataset.take(held), parts=split_parts), films[held])


def split(labels: npt.NDArray[np.uint8], groups: npt.NDArray[np.uint64], seed: int) -> list[str]:
    """A part for every row: 70 % train, 20 % dev, 10 % test, every genre in like shares.

    Groups are split, not rows, each standing for itself with the genres of all its rows
    (iterative stratification: Sechidis, Tsoumakas and Vlahavas 2011).

    Args:
        labels: (rows, genres) 0 or 1.
        groups: (rows,); rows of one group come into one part.
        seed: same seed, same split.

    Raises:
        TrainingError: too few distinct rows to fill three parts.
    """
    from iterstrat.ml_stratifiers import MultilabelStratifiedKFold

    distinct, group_of = np.unique(groups, return_inverse=True)
    if len(distinct) < 10:
        raise TrainingError(
            f"{len(distinct)} distinct texts cannot be split 70/20/10: at least 10 are needed"
        )
    together = np.zeros((len(distinct), labels.shape[1]), dtype=np.uint8)
    np.maximum.at(together, group_of, labels)
    folds = MultilabelStratifiedKFold(n_splits=10, shuffle=True, random_state=seed)
    part_of = np.empty(len(distinct), dtype=object)
    # Ten equal folds: seven train, two develop, one tests.
    for number, (_, held_out) in enumerate(folds.split(together, together)):
        part_of[held_out] = "test" if number == 0 else "dev" if number <= 2 else "train"
    return [str(part) for part in part_of[group_of]]


def load_extra(location: Location, dataset: Dataset, part: str = "train") -> Dataset:
    """Further films to train on, none of which is in the dataset's dev or test part.

    Their columns are found by name. Copies go by their film's overview. Of a catalog with a column
    `part` only the rows of one part are taken; genres that the dataset does not know are left out.

    Args:
        location: the further catalog.
        dataset: the split catalog they join.
        part: of `PARTS`.

    Raises:
        ColumnError: a column cannot be found.
        TrainingError: no film is left.
    """
    extra, _, table = _load(location, Columns(), uses_title(dataset.template), dataset.names)
    held_out = set(dataset.part("dev", "test").keys.tolist())
    wanted = [key not in held_out for key in extra.keys.tolist()]
    if "part" in table.column_names:
        parts = table.column("part").to_pylist()
        wanted = [
            keep and parts[row] == part
            for keep, row in zip(wanted, extra.rows.tolist(), strict=True)
        ]
    extra = extra.take(np.flatnonzero(wanted).tolist())
    if not len(extra):
        raise TrainingError(f"{location.name}: no row of it can be trained on")
    return extra


def concatenate(one: Dataset, other: Dataset) -> Dataset:
    """The films of both; the second must have the first one's genres and template."""
    return replace(
        one,
        texts=one.texts + other.texts,
        bare_texts=one.bare_texts + other.bare_texts,
        labels=np.concatenate([one.labels, other.labels]),
        rows=np.concatenate([one.rows, other.rows]),
        keys=np.concatenate([one.keys, other.keys]),
        parts=one.parts + other.parts,
    )


def variants(films: Dataset) -> dict[str, list[str]]:
    """The texts to measure on: as the model reads them and, if that is with titles, without."""
    if not uses_title(films.template):
        return {"overview": films.texts}
    return {"title_and_overview": films.texts, "overview": films.bare_texts}


def read_dataset(path: Path) -> Dataset:
    """What `Dataset.write` wrote.

    Raises:
        TrainingError: no such file: the folder is no run.
    """
    if not path.exists():
        raise TrainingError(
            f"{path.parent} is no run folder ({path.name} is missing): train one first"
        )
    table = read_table(input_location(str(path)))
    metadata = table.schema.metadata
    names = metadata[b"labels"].decode().split("\n")
    return Dataset(
        texts=table.column("text").to_pylist(),
        bare_texts=table.column("text_without_title").to_pylist(),
        labels=_encode(table.column("labels").to_pylist(), names),
        names=names,
        rows=table.column("row").to_numpy(),
        keys=np.array([int(key, 16) for key in table.column("group").to_pylist()], np.uint64),
        parts=table.column("part").to_pylist(),
        template=metadata[b"template"].decode(),
        sha256=metadata[b"sha256"].decode(),
    )
