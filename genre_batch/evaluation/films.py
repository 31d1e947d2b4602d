"""The films of a labeled catalog that a model can be scored on, and its probabilities."""

from __future__ import annotations

import itertools
import os
from collections import Counter
from collections.abc import Set
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from genre_batch.catalog.columns import missing_column_error
from genre_batch.catalog.formats import Location, input_location
from genre_batch.catalog.options import CATALOG, CatalogPath, ColumnOptions, ReadingOptions
from genre_batch.dataset.label_cells import check_empty, decide_empty
from genre_batch.dataset.labelled import (
    LabelledCatalog,
    encode_labels,
    read_labelled,
)
from genre_batch.dataset.no_genre import no_genre_error
from genre_batch.dataset.split import PARTS, read_part, read_split_file
from genre_batch.dataset.wordings import film_ids, positions_of
from genre_batch.errors import (
    CatalogError,
    ColumnError,
    UsageError,
    counted_rows,
)
from genre_batch.model.decision import Decision
from genre_batch.model.language import LanguageTally, model_language
from genre_batch.model.metadata import ModelMetadata
from genre_batch.model.tagger import GenreTagger
from genre_batch.model.text import uses_title
from genre_batch.options import FLAG, STRING, Checked, StrPath, integer
from genre_batch.progress import RowProgress

__all__ = ["EvaluationJob", "LabelledFilms", "read_films"]

_ROWS_PER_STEP = 512
"""Films predicted between two calls of the progress callback."""
_UNKNOWN_SHOWN = 5
"""Unknown genres that an error names."""


@dataclass(frozen=True)
class EvaluationJob(Checked):
    """What to score and how.

    Attributes:
        catalog: a labeled catalog: a file, glob, folder or URL, a list of them, or `-` for stdin.
        model: an exported .onnx, or the name of a shipped model; None: the default model.
        reading: how to read the catalog.
        columns: which of its columns to use.
        split: a file with `row` and `part`; None: the catalog's own column `part`, if it has one.
        part: score only the films of this part, of `PARTS` or as catalogs write them
            (`read_part`); None: all.
        decision: how probabilities become genres.
        ignore_unknown: leave out genres that the model does not know, instead of raising an error;
            those that its training left out always are.
        threads: number of threads; None: the cores that this process may use.
        against: another exported .onnx to compare the model with; None: none.
        group: a column whose value is the same for wordings of one film: every wording is scored,
            those of a film are resampled together and in one half of a cross-fit, and one without
            genres has those of its film. None: every row is a film.

    Raises:
        UsageError: a value out of range, options that contradict each other, or an unknown part.
    """

    catalog: CatalogPath = field(metadata=CATALOG)
    model: StrPath | None = field(default=None, metadata=STRING)
    reading: ReadingOptions = field(default_factory=ReadingOptions)
    columns: ColumnOptions = field(default_factory=ColumnOptions)
    split: StrPath | None = field(default=None, metadata=STRING)
    part: str | None = field(default=None, metadata=STRING)
    decision: Decision = field(default_factory=Decision)
    ignore_unknown: bool = field(default=False, metadata=FLAG)
    threads: int | None = field(default=None, metadata=integer(1))
    against: StrPath | None = field(default=None, metadata=STRING)
    group: str | None = field(default=None, metadata=STRING)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.part is not None:
            part = read_part(self.part)
            if not part:
                raise UsageError(f"`part` must be one of {', '.join(PARTS)}, got {self.part!r}")
            object.__setattr__(self, "part", part)
        if self.split is not None and self.part is None:
            raise UsageError("`split` assigns rows to parts: choose one of them with `part`")


@dataclass(frozen=True, eq=False)
class LabelledFilms:
    """The films of a labeled catalog that can be scored.

    Attributes:
        overviews: (n,) strings.
        titles: (n,) strings, or None if the model reads none or the catalog has none.
        keys: (n,) uint64, the `text_key` of each overview, of the model's `text_key_version`.
        labels: (n, genres) uint8, 0 or 1, in the model's order.
        left_out: the number of rows of the part without a text or without a genre.
        ignored: the number of films of each genre that the model does not know, most first.
        rows: (n,) int64, each film's row in the catalog (0-based).
        film_ids: (n,) uint64, equal for wordings of one film; None: every row is a film.
    """

    overviews: pa.Array
    titles: pa.Array | None
    keys: npt.NDArray[np.uint64]
    labels: npt.NDArray[np.uint8]
    left_out: int
    ignored: dict[str, int]
    rows: npt.NDArray[np.int64]
    film_ids: npt.NDArray[np.uint64] | None = None

    @property
    def distinct(self) -> int | None:
        """The number of films that the rows are wordings of; None without ids."""
        return None if self.film_ids is None else len(np.unique(self.film_ids))

    def predict(self, tagger: GenreTagger, progress: RowProgress) -> npt.NDArray[np.float32]:
        """Return the films' probabilities, (n, genres of the model) float32, 0..1.

        Args:
            tagger: the model.
            progress: called with (films done, all films).

        Raises:
            ModelError: the model cannot be run.
        """
        probabilities = np.empty((len(self.labels), len(tagger.labels)), dtype=np.float32)
        for start in range(0, len(self.labels), _ROWS_PER_STEP):
            rows = slice(start, start + _ROWS_PER_STEP)
            titles = None if self.titles is None else self.titles[rows]
            probabilities[rows] = tagger.predict_proba(self.overviews[rows], titles)
            progress(min(rows.stop, len(self.labels)), len(self.labels))
        return probabilities


def _warn_of_other_languages(films: LabelledFilms, tagger: GenreTagger) -> None:
    """Warn of films whose text is in another language than the model reads."""
    languages = LanguageTally(model_language(tagger.metadata))
    languages.add(films.overviews, films.rows.tolist())
    languages.warn()


def read_films(
    job: EvaluationJob, location: Location, tagger: GenreTagger, *, titles: bool = False
) -> LabelledFilms:
    """Read the films of a job's catalog and part, labeled with the model's genres.

    Args:
        job: the catalog and the options.
        location: where the catalog is.
        tagger: the model.
        titles: read titles even if the model does not.

    Raises:
        UsageError: the catalog or the split file does not exist.
        ColumnError: a column is missing, or exists in two spellings.
        CatalogError: no film has a text and a genre, the model does not know a genre, or the split
            file is of another catalog.
    """
    titles = titles or uses_title(tagger.metadata.text_template)
    catalog = read_labelled(
        location,
        job.columns,
        job.reading,
        titles="optional" if titles else "unused",
        trained_columns=tagger.metadata.columns,
        labels=tagger.labels,
        ask=False if job.group is None else None,
    )
    catalog, ids = _grouped(job, catalog)
    in_part = _in_part(job, catalog)
    rows = np.flatnonzero(in_part & catalog.has_text & catalog.has_labels)
    if not len(rows):
        raise no_genre_error(catalog, f" in the part {job.part!r}" if job.part else "")
    genres = [catalog.genres[row] for row in rows]
    not_learned = _not_learned(tagger.metadata)
    off = job.decision.excluded(tagger.metadata)
    excluded = not_learned.union(itertools.compress(tagger.labels, off))
    # A film with excluded genres alone is left out: its other genres are not known.
    scored = [not cell or not excluded.issuperset(cell) for cell in genres]
    rows, genres = rows[scored], list(itertools.compress(genres, scored))
    if not len(rows):
        raise no_genre_error(catalog, " besides excluded genres")
    known = set(tagger.labels)
    unknown = Counter(name for cell in genres for name in cell if name not in known)
    if all(known.isdisjoint(cell) for cell in genres):
        raise _no_known_genre_error(catalog, unknown, tagger)
    if not job.ignore_unknown and not not_learned.issuperset(unknown):
        raise _unknown_genres_error(catalog, unknown, not_learned, tagger.metadata.row_name)
    positions = pa.array(rows)
    films = LabelledFilms(
        overviews=catalog.overviews.take(positions),
        titles=None if catalog.titles is None else catalog.titles.take(positions),
        keys=catalog.keys_as(tagger.metadata.text_key_version)[rows],
        labels=encode_labels(genres, tagger.labels),
        left_out=int(in_part.sum()) - len(rows),
        ignored=dict(unknown.most_common()),
        rows=np.asarray(rows, dtype=np.int64),
        film_ids=None if ids is None else ids[rows],
    )
    _warn_of_other_languages(films, tagger)
    return films


def _not_learned(metadata: ModelMetadata) -> set[str]:
    """Return the genres of its training catalog that a model has not learned."""
    names = metadata.provenance.get("left_out_genres")
    return {name for name in names if isinstance(name, str)} if isinstance(names, list) else set()


def _grouped(
    job: EvaluationJob, catalog: LabelledCatalog
) -> tuple[LabelledCatalog, npt.NDArray[np.uint64] | None]:
    """Return the catalog and the (rows,) ids of its films, by the job's column; None without one.

    Rows without genres have those of the first row of their film that has some, as in `train`.
    """
    if job.group is None:
        return catalog, None
    if job.group not in catalog.table.column_names:
        raise missing_column_error(catalog.table.column_names, (), job.group, "group")
    ids = film_ids(catalog.table, job.group, catalog.name, catalog.name)
    labeled = np.flatnonzero(catalog.has_labels)
    sources = positions_of(ids, ids[labeled])
    takes = ~catalog.has_labels & (sources >= 0)
    genres, states = list(catalog.genres), catalog.cells.states.copy()
    for row in np.flatnonzero(takes).tolist():
        source = labeled[sources[row]]
        genres[row], states[row] = genres[source], states[source]
    cells = replace(catalog.cells, genres=genres, states=states)
    if any(genres) and not catalog.empty.given:
        empty = decide_empty(cells, catalog.has_text, job.columns)
        check_empty(empty, catalog.name, catalog.columns.genres, ask=False)
    return replace(catalog, cells=cells), ids


def _no_known_genre_error(
    catalog: LabelledCatalog, unknown: Counter[str], tagger: GenreTagger
) -> CatalogError:
    labels = ", ".join(tagger.labels[:_UNKNOWN_SHOWN])
    more = ", ..." if len(tagger.labels) > _UNKNOWN_SHOWN else ""
    return CatalogError(
        f"{catalog.name}: the model {tagger.path} knows none of the genres in the column "
        f"{catalog.columns.genres!r}, such as {_counted_genres(unknown, 'rows')}; it predicts "
        f"{labels}{more}: choose another `model` or `genre_column`, map the names with "
        f"`genre_map`, or train one on this catalog"
    )


def _counted_genres(unknown: Counter[str], rows: str) -> str:
    shown = ", ".join(
        f"{genre!r} ({counted_rows(count, rows)})"
        for genre, count in unknown.most_common(_UNKNOWN_SHOWN)
    )
    return shown + (" and others" if len(unknown) > _UNKNOWN_SHOWN else "")


def _unknown_genres_error(
    catalog: LabelledCatalog, unknown: Counter[str], not_learned: Set[str], rows: str
) -> CatalogError:
    unknown = Counter({name: unknown[name] for name in unknown if name not in not_learned})
    near = [
        f"{reading.nearest!r} for {reading.name!r}"
        for reading in catalog.names.readings
        if reading.nearest is not None and reading.name in unknown
    ]
    nearest = f" (the nearest: {', '.join(near[:_UNKNOWN_SHOWN])})" if near else ""
    return CatalogError(
        f"{catalog.name}: the model does not know {_counted_genres(unknown, rows)}: add "
        f"`ignore_unknown` to leave them out, or map them to its genres{nearest} with `genre_map`"
    )


def _in_part(job: EvaluationJob, catalog: LabelledCatalog) -> npt.NDArray[np.bool_]:
    """Return for each row whether it belongs to the job's part."""
    if job.part is None:
        return np.ones(len(catalog), dtype=np.bool_)
    if job.split is not None:
        split = read_split_file(input_location(os.fspath(job.split)))
        film_of = catalog.film_of
        rows = np.flatnonzero(catalog.has_text & (film_of >= 0))
        split.check(len(catalog), rows, catalog.keys_as(split.key_version)[film_of[rows]])
        parts = [split.parts.get(row) for row in range(len(catalog))]
    elif catalog.parts is not None:
        parts = catalog.parts
    else:
        raise ColumnError(
            f"{catalog.name} has no column 'part': assign its rows to parts with a file, `split`"
        )
    return np.array([part == job.part for part in parts], dtype=np.bool_)
