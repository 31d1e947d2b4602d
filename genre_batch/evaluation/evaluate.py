"""How good a model is on a labelled catalog."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from genre_batch.catalog.chunk import TableChunk
from genre_batch.catalog.columns import (
    GENRE_COLUMNS,
    TEXT_COLUMNS,
    TITLE_COLUMNS,
    find_column,
    require_column,
)
from genre_batch.catalog.formats import Location, input_location
from genre_batch.catalog.genres import parse_column
from genre_batch.catalog.options import ColumnOptions, ReadingOptions
from genre_batch.catalog.reading.reader import read_table
from genre_batch.dataset.split import PARTS, read_split_file
from genre_batch.errors import CatalogError, ColumnError, UsageError
from genre_batch.evaluation.metrics import Scores, score_predictions
from genre_batch.evaluation.per_genre import (
    GenreScores,
    Predictions,
    calibration_error,
    exact_match,
    genre_scores,
    samples_f1,
)
from genre_batch.model.decision import Decision
from genre_batch.model.tagger import GenreTagger
from genre_batch.model.text import text_key, uses_title
from genre_batch.progress import RowProgress, no_row_progress

__all__ = ["Evaluation", "EvaluationJob", "LabelledFilms", "evaluate", "read_labelled"]

_ROWS_AT_A_TIME = 512


@dataclass(frozen=True)
class EvaluationJob:
    """What to score and how.

    Attributes:
        source: a labelled catalog.
        reading: how to read it.
        columns: which of its columns to use.
        model: an exported .onnx; None: the default one.
        split: a file with `row` and `part`; None: the catalog's own column `part`, if it has one.
        part: score only the films of this part; None: all.
        decision: what makes a probability a genre.
        ignore_unknown: leave out genres that the model does not know, rather than refuse them.
        threads: rows run at a time; None: the cores this process may use.
    """

    source: str
    model: str | None = None
    reading: ReadingOptions = field(default_factory=ReadingOptions)
    columns: ColumnOptions = field(default_factory=ColumnOptions)
    split: str | None = None
    part: str | None = None
    decision: Decision = field(default_factory=Decision)
    ignore_unknown: bool = False
    threads: int | None = None

    def __post_init__(self) -> None:
        if self.part is not None and self.part not in PARTS:
            raise UsageError(f"--part {self.part}: known are {', '.join(PARTS)}")
        if self.split is not None and self.part is None:
            raise UsageError("--split says which film is in which part: choose one with --part")
        if self.decision.top_k is not None:
            raise UsageError("--top-k is no threshold: genres cannot be scored one by one")


@dataclass(frozen=True)
class Evaluation:
    """What came of it.

    Attributes:
        catalog, part: what was scored.
        model, model_sha256: by which model.
        films: how many.
        left_out: rows of the part without a text or without a genre.
        trained_on: films whose overview the model was trained on; its figures on them say nothing.
        ignored: how many films have each genre that the model does not know.
        scores: averages, with intervals.
        samples_f1, exact_match, calibration_error: 0..1, as in evaluation/per_genre.py.
        genres: each genre's figures, in the model's order.
        decision: what made a probability a genre.
        provenance: how the model was made, as its file says.
        predictions: the films' labels and probabilities, for figures; not in `as_dict`.
    """

    catalog: str
    part: str | None
    model: str
    model_sha256: str
    films: int
    left_out: int
    trained_on: int
    ignored: dict[str, int]
    scores: Scores
    samples_f1: float
    exact_match: float
    calibration_error: float
    genres: tuple[GenreScores, ...]
    decision: Decision = field(default_factory=Decision)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    predictions: Predictions | None = field(default=None, repr=False, compare=False)

    def as_dict(self) -> dict[str, Any]:
        """A JSON-ready dict of the figures; fractions rounded to four places."""
        value = asdict(replace(self, predictions=None)) | {"scores": self.scores.as_dict()}
        for key in ("decision", "provenance", "predictions"):
            del value[key]
        for key in ("samples_f1", "exact_match", "calibration_error"):
            value[key] = round(value[key], 4)
        value["genres"] = [
            {name: round(one, 4) if isinstance(one, float) else one for name, one in row.items()}
            for row in value["genres"]
        ]
        return value


@dataclass(frozen=True)
class LabelledFilms:
    """The films of a labelled catalog that can be scored.

    Attributes:
        overviews: (n,) strings.
        titles: (n,) strings, or None where the model reads none or the catalog has none.
        keys: (n,) uint64, the `text_key` of each overview.
        labels: (n, genres) uint8, 0 or 1, in the model's order.
        left_out: rows of the part without a text or without a genre.
        ignored: how many films have each genre that the model does not know.
    """

    overviews: pa.Array
    titles: pa.Array | None
    keys: npt.NDArray[np.uint64]
    labels: npt.NDArray[np.uint8]
    left_out: int
    ignored: dict[str, int]

    def predict(self, tagger: GenreTagger, progress: RowProgress) -> npt.NDArray[np.float32]:
        """(n, genres) float32: the films' probabilities."""
        probabilities = np.empty(self.labels.shape, dtype=np.float32)
        for start in range(0, len(self.labels), _ROWS_AT_A_TIME):
            rows = slice(start, start + _ROWS_AT_A_TIME)
            titles = None if self.titles is None else self.titles[rows]
            probabilities[rows] = tagger.predict_proba(self.overviews[rows], titles)
            progress(min(rows.stop, len(self.labels)), len(self.labels))
        return probabilities


def evaluate(job: EvaluationJob, progress: RowProgress = no_row_progress) -> Evaluation:
    """Scores a model on a labelled catalog.

    Args:
        job: what and how.
        progress: is told (films done, films in all).

    Raises:
        UsageError, CatalogError, ModelError: no catalog, no labels, labels that the model does not
            know, no film of the part, or no model.
    """
    location = job.reading.locate(job.source)
    tagger = GenreTagger.load(job.model, threads=job.threads, lazy=True)
    job.decision.thresholds(tagger.metadata)  # refused, if at all, before any film is predicted
    films = read_labelled(job, location, tagger)
    probabilities = films.predict(tagger, progress)
    thresholds = job.decision.row_thresholds(tagger.metadata, probabilities)
    predicted = probabilities >= thresholds
    return Evaluation(
        catalog=location.name,
        part=job.part,
        model=str(tagger.path),
        model_sha256=tagger.sha256,
        films=len(films.labels),
        left_out=films.left_out,
        trained_on=int(np.isin(films.keys, tagger.metadata.training_text_keys).sum()),
        ignored=films.ignored,
        scores=score_predictions(films.labels, probabilities, thresholds, tagger.labels),
        samples_f1=samples_f1(films.labels, predicted),
        exact_match=exact_match(films.labels, predicted),
        calibration_error=calibration_error(films.labels, probabilities),
        genres=genre_scores(films.labels, probabilities, thresholds, tagger.labels),
        decision=job.decision,
        provenance=tagger.metadata.provenance,
        predictions=Predictions(tagger.labels, films.labels, probabilities, thresholds),
    )


def read_labelled(job: EvaluationJob, location: Location, tagger: GenreTagger) -> LabelledFilms:
    """The films of a job's catalog and part, labelled in the model's genres.

    Raises:
        UsageError, CatalogError: as `evaluate` does.
    """
    table = read_table(location, job.reading)
    held = table.column_names
    text = require_column(held, TEXT_COLUMNS, job.columns.text_column, "--text-column")
    genre = require_column(held, GENRE_COLUMNS, job.columns.genre_column, "--genre-column")
    title = None
    if uses_title(tagger.metadata.text_template):
        title = find_column(held, TITLE_COLUMNS, job.columns.title_column, "--title-column")
    whole = TableChunk(table)
    overviews = whole.strings(text)
    cells = parse_column(table.column(genre), job.columns.genre_separator)
    composed = tagger.compose(overviews)
    has_text = ~np.asarray(composed.is_null())
    keys = np.array([text_key(one or "") for one in composed.to_pylist()], dtype=np.uint64)
    in_part = _in_part(job, location, table, keys, has_text)
    wanted = in_part & has_text & np.array([bool(cell) for cell in cells], dtype=np.bool_)
    if not wanted.any():
        where = f" in the part {job.part!r}" if job.part else ""
        raise CatalogError(f"{location.name}: no row{where} has both a text and a genre")
    rows = np.flatnonzero(wanted)
    position = {label: at for at, label in enumerate(tagger.labels)}
    unknown = Counter(name for row in rows for name in cells[row] if name not in position)
    if unknown and not job.ignore_unknown:
        named = ", ".join(f"{name!r} ({count:,} films)" for name, count in unknown.most_common(5))
        raise CatalogError(
            f"{location.name}: the model does not know {named}"
            f"{' and others' if len(unknown) > 5 else ''}: add --ignore-unknown to leave them out"
        )
    labels = np.zeros((len(rows), len(position)), dtype=np.uint8)
    for at, row in enumerate(rows):
        labels[at, [position[name] for name in cells[row] if name in position]] = 1
    return LabelledFilms(
        overviews=overviews.take(pa.array(rows)),
        titles=None if title is None else whole.strings(title).take(pa.array(rows)),
        keys=keys[rows],
        labels=labels,
        left_out=int(in_part.sum()) - len(rows),
        ignored=dict(unknown.most_common()),
    )


def _in_part(
    job: EvaluationJob,
    location: Location,
    table: pa.Table,
    keys: npt.NDArray[np.uint64],
    has_text: npt.NDArray[np.bool_],
) -> npt.NDArray[np.bool_]:
    """(rows,) bool: whether each row is of the part that is asked for."""
    if job.part is None:
        return np.ones(len(table), dtype=np.bool_)
    if job.split is not None:
        split = read_split_file(input_location(job.split))
        rows = np.flatnonzero(has_text)
        split.check(rows, keys[rows])
        return np.array([split.parts.get(row) == job.part for row in range(len(table))])
    if "part" not in table.column_names:
        raise ColumnError(
            f"{location.name} has no column 'part': say which film is in it with --split FILE"
        )
    return np.array([part == job.part for part in table.column("part").to_pylist()])
