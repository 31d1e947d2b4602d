"""Preview what training would learn from a labeled catalog, and what not."""

from __future__ import annotations

import math
import os
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from genre_batch.catalog.formats import Location
from genre_batch.catalog.genre_values import CellState
from genre_batch.catalog.options import CatalogPath, ColumnOptions, ReadingOptions
from genre_batch.dataset.dataset import Dataset
from genre_batch.dataset.earlier import EarlierFilms
from genre_batch.dataset.extra import ExtraTrain, load_extras, training_films
from genre_batch.dataset.label_choice import LabelOptions, films_of_labels, trained_labels
from genre_batch.dataset.labelled import LabelledCatalog
from genre_batch.dataset.load import Further, split_films
from genre_batch.dataset.split import PARTS
from genre_batch.dataset.usable import load_usable
from genre_batch.dataset.wordings import Wordings
from genre_batch.errors import counted
from genre_batch.model.batching import load_tokenizer
from genre_batch.model.metadata import read_model_file
from genre_batch.model.readability import letters_of_scripts
from genre_batch.model.tagger import default_model
from genre_batch.names import name_key

__all__ = ["CatalogPreview", "PreviewJob", "preview_catalog"]

_SAMPLE = 2000
"""The number of texts, evenly spaced, that lengths and scripts are measured on."""
_FILMS_PER_SECOND = 25
"""How fast MiniLM-L6 in DistilBERT's architecture trains on one or two cores with bfloat16 and
without AMX, at the least: 28 was measured on one core, with films of about `_TOKENS` tokens."""
_TOKENS = 63
_ENOUGH = 8_000
"""Films times epochs below which more epochs are advised: on a generated table of 630 training rows
and 8 labels (`questions` of benchmarks/quality/any_table.py), macro-F1 was 0.71 after 4 epochs and
0.82 after 12, when the head's biases started from 0; from the genres' shares it is 0.83 after 4, so
that fewer may be enough.
"""
_MOST_EPOCHS = 30


@dataclass(frozen=True)
class PreviewJob:
    """What to preview, as `train` would read it.

    Attributes:
        catalog: the labeled catalog.
        columns, reading, with_title, protocol, split, part_column, labels, further, seed: as in
            `load_dataset`.
        max_length: tokens at which texts are cut.
        epochs: passes over the training films, for the estimate of time.
        earlier_run: the films of the run that training starts from; None: a base model.
        extra_train: further catalogs, whose films join the training part.
    """

    catalog: CatalogPath
    columns: ColumnOptions = field(default_factory=ColumnOptions)
    reading: ReadingOptions = field(default_factory=ReadingOptions)
    with_title: bool = False
    protocol: str = "clean"
    split: str | os.PathLike[str] | None = None
    part_column: str | None = None
    labels: LabelOptions = field(default_factory=lambda: LabelOptions(min_films=5))
    further: Further | None = None
    seed: int = 0
    max_length: int = 192
    epochs: int = 4
    earlier_run: EarlierFilms | None = None
    extra_train: tuple[ExtraTrain, ...] = ()


@dataclass(frozen=True)
class CatalogPreview:
    """What would be learned from a catalog.

    Attributes:
        catalog: its name.
        rows: the number of its rows.
        text_column, title_column, genre_column: the columns read; None: no titles are read.
        separator: what separates the genres of a cell, and on what evidence.
        other_separator: what the separator may be instead, and the separator to name then; None:
            nothing else.
        films: part -> number of films.
        labels: genre -> part -> number of films, most frequent first.
        left_out_labels: genre -> number of films, of the genres that would not be learned.
        look_alikes: genres that differ only in case, accents, space or width, most films first.
        mapped: how the map reads names of the catalog -> number of rows, most rows first.
        placeholders: genres that probably mean that a row has none -> number of rows.
        left_out_rows: reason -> number of rows.
        negatives: the number of films without any genre.
        example: the first genre cell that cannot be read, and its row (0-based); None: all can.
        cut: the share of texts, 0..1, that are longer than `max_length` tokens.
        max_length: in tokens of the shipped model.
        scripts: script of the texts' letters -> share, 0..1, most frequent first.
        seconds: a rough estimate of the time of training.
        advised_epochs: more epochs than the job's, which a small table needs; None: no more.
        estimate: what the estimate rests on.
        earlier_run: part -> films that the earlier run has in it, and new ones; None: no such run.
        extras: a line for each further catalog: how many rows were taken of it, and left out.
    """

    catalog: str
    rows: int
    text_column: str
    title_column: str | None
    genre_column: str
    separator: str
    other_separator: tuple[str, str] | None
    films: dict[str, int]
    labels: dict[str, dict[str, int]]
    left_out_labels: dict[str, int]
    look_alikes: list[list[str]]
    mapped: dict[str, int]
    placeholders: dict[str, int]
    left_out_rows: dict[str, int]
    negatives: int
    example: tuple[int, str] | None
    cut: float
    max_length: int
    scripts: dict[str, float]
    seconds: float
    advised_epochs: int | None
    estimate: str
    earlier_run: dict[str, tuple[int, int]] | None = None
    extras: tuple[str, ...] = ()


def preview_catalog(job: PreviewJob) -> CatalogPreview:
    """Read a catalog as `train` would, and count what would be learned.

    No model is loaded but the tokenizer of the shipped one.

    Raises:
        ColumnError, CatalogError, TrainingError, UsageError: as `load_dataset` raises them.
    """
    location = job.reading.locate_all(job.catalog)
    usable = load_usable(
        location,
        job.columns,
        job.reading,
        with_title=job.with_title,
        further=job.further,
        labels=job.labels,
    )
    dataset = split_films(
        usable,
        protocol=job.protocol,
        split_file=None if job.split is None else ReadingOptions().locate(job.split),
        seed=job.seed,
        part_column=job.part_column,
        earlier_run=job.earlier_run,
    )
    dataset = trained_labels(dataset, location.name)
    extras = load_extras(
        *(job.extra_train, dataset, job.further or Further(), job.earlier_run),
        columns=job.columns,
        reading=job.reading,
    )
    films = len(Wordings(training_films(dataset, extras)))
    preview = _preview(job, location, usable.catalog, dataset, films)
    return replace(preview, extras=tuple(map(str, extras)))


def _preview(
    job: PreviewJob, location: Location, catalog: LabelledCatalog, dataset: Dataset, trained: int
) -> CatalogPreview:
    """Describe a catalog; an epoch would train on `trained` films."""
    by_part = {part: dataset.part(part) for part in PARTS}
    counts = {part: films.labels.sum(axis=0).tolist() for part, films in by_part.items()}
    all_films = films_of_labels(catalog)
    order = np.argsort(-dataset.labels.sum(axis=0, dtype=np.int64), kind="stable").tolist()
    cut, tokens = _lengths(dataset.texts, job.max_length)
    films = {part: len(part_films) for part, part_films in by_part.items()}
    seconds = trained * job.epochs / _FILMS_PER_SECOND * tokens / _TOKENS
    row, example = catalog.cells.example
    return CatalogPreview(
        catalog=location.name,
        rows=len(catalog),
        text_column=catalog.columns.text,
        title_column=catalog.columns.title,
        genre_column=catalog.columns.genres,
        separator=_separator(catalog),
        other_separator=catalog.cells.reader.separators.alternative,
        films=films,
        labels={
            dataset.names[column]: {part: counts[part][column] for part in PARTS}
            for column in order
        },
        left_out_labels={
            name: count for name, count in all_films.items() if name not in set(dataset.names)
        },
        look_alikes=look_alikes(list(all_films)),
        mapped={str(name): name.rows for name in catalog.names.readings if name.by == "map"},
        placeholders=catalog.cells.placeholders,
        left_out_rows=_left_out(catalog, dataset, is_grouped=job.columns.group_rows),
        negatives=int((~dataset.labels.any(axis=1)).sum()),
        example=None if row < 0 else (row, example),
        cut=cut,
        max_length=job.max_length,
        scripts=scripts_of(_sampled(dataset.bare_texts)),
        seconds=round(seconds, 1),
        advised_epochs=None if job.earlier_run else _advised_epochs(trained, job.epochs),
        estimate=f"{counted(job.epochs, 'epoch')} of {trained:,} at {_FILMS_PER_SECOND} a second, "
        f"as MiniLM-L6 trains on two cores; wider base models take longer",
        earlier_run=None if job.earlier_run is None else job.earlier_run.counts(dataset),
    )


def _advised_epochs(trained: int, epochs: int) -> int | None:
    advised = min(_MOST_EPOCHS, math.ceil(_ENOUGH / max(1, trained)))
    return advised if advised > epochs else None


def _separator(catalog: LabelledCatalog) -> str:
    if columns := catalog.columns.label_columns:
        are_flags = {name for cell in catalog.genres for name in cell} <= set(columns)
        return "one column of flags for each genre" if are_flags else "one genre in each column"
    reader = catalog.cells.reader
    if reader.style is not None and not reader.separators.marks:
        return f"cells written as {reader.style}"
    return str(reader.separators) if reader.separators.cells else "cells are lists"


def _left_out(catalog: LabelledCatalog, dataset: Dataset, *, is_grouped: bool) -> dict[str, int]:
    """Return reason -> number of rows left out; each row has the first reason that applies."""
    states, used = catalog.cells.states, np.zeros(len(catalog), dtype=np.bool_)
    used[dataset.rows] = True  # a wording without genres may have those of its film
    left_out = ~used
    has_text = catalog.has_text & left_out
    unknown = "genres unknown (null)" + (", or joined to an earlier row" if is_grouped else "")
    reasons = {
        "without text": ~catalog.has_text & left_out,
        "genre cell cannot be read": has_text & (states == CellState.UNREADABLE),
        unknown: has_text & (states == CellState.UNKNOWN),
        "genre cell is empty": has_text & (states == CellState.EMPTY) & ~catalog.is_negative,
    }
    counts = {reason: int(rows.sum()) for reason, rows in reasons.items()}
    others = left_out & ~np.logical_or.reduce(list(reasons.values()))
    counts["without a genre that is learned, or not in the split"] = int(others.sum())
    return {reason: count for reason, count in counts.items() if count}


def look_alikes(names: Sequence[str]) -> list[list[str]]:
    """Return the groups of names that differ only in case, accents, space or width."""
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for name in names:
        letters = unicodedata.normalize("NFKD", name_key(name))
        kept = "".join(
            letter for letter in letters if not unicodedata.combining(letter) and letter.isalnum()
        )
        groups[kept or name].append(name)
    return [group for group in groups.values() if len(group) > 1]


def _sampled(texts: Sequence[str]) -> Sequence[str]:
    return texts[:: max(1, len(texts) // _SAMPLE)]


def scripts_of(texts: Sequence[str]) -> dict[str, float]:
    """Return script -> share of the letters of the texts, 0..1, of 1 % and more."""
    scripts = letters_of_scripts(texts)
    total = max(1, scripts.total())
    return {
        name: round(count / total, 3)
        for name, count in scripts.most_common()
        if count >= 0.01 * total
    }


def _lengths(texts: Sequence[str], max_length: int) -> tuple[float, float]:
    """Return the share of texts longer than `max_length` tokens, and the mean tokens read."""
    metadata = read_model_file(default_model()).metadata
    tokenizer = load_tokenizer(metadata.tokenizer, max_length, "the shipped model")
    tokenizer.no_truncation()
    tokenizer.no_padding()
    lengths = np.array([len(one.ids) for one in tokenizer.encode_batch(list(_sampled(texts)))])
    if not len(lengths):
        return 0.0, 0.0
    share = round(float((lengths > max_length).mean()), 4)
    return share, float(np.minimum(lengths, max_length).mean())
