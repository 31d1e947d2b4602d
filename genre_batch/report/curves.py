"""Curves as figures: precision and recall, thresholds, calibration, and training by epoch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
import numpy.typing as npt

from genre_batch.evaluation.calibration import BINS, reliability
from genre_batch.evaluation.per_genre import Predictions, shared_thresholds
from genre_batch.report.figures import (
    BACKGROUND,
    FOREGROUND,
    GUIDE,
    HEIGHT,
    IS_CHOSEN,
    PLACES,
    POINT,
    Drawing,
    Rows,
    figure_of,
    inline,
    rounded,
    unit_axis,
)
from genre_batch.report.page import Figure

__all__ = ["calibration", "precision_recall_curves", "threshold_curves", "training_curves"]

CURVE_POINTS = 120
"""The most points of a curve: more are invisible at a page's width, and every page carries them."""
THRESHOLD_STEPS = 100

_Genre = tuple[str, npt.NDArray[np.bool_], npt.NDArray[np.floating[Any]], float]
"""A genre's name, its labels (films,), its probabilities (films,) and its threshold."""


def precision_recall_curves(predictions: Predictions, chosen: str) -> Figure:
    """Draw precision against recall over all thresholds, one curve per genre, one highlighted.

    Genres without films are left out: their recall is undefined. Each point is the exact precision
    and recall at a probability that occurs in the data. A curve of more than `CURVE_POINTS` points
    is thinned evenly. The point at a genre's threshold is marked, except where the genre is never
    predicted or films have different thresholds.

    Args:
        predictions: at least one film.
        chosen: the genre highlighted initially; if it has no films, another one is.
    """
    rows: Rows = []
    marked: Rows = []
    for name, truth, probabilities, threshold in _genres_with_films(predictions):
        rows += [{"genre": name, **point} for point in _curve(truth, probabilities)]
        predicted = probabilities >= threshold
        if predicted.any():
            hits = int((truth & predicted).sum())
            marked.append(
                {
                    "genre": name,
                    "threshold": rounded(threshold),
                    "precision": rounded(hits / int(predicted.sum())),
                    "recall": rounded(hits / int(truth.sum())),
                }
            )
    lines = alt.Chart().encode(
        x=alt.X("recall:Q", **unit_axis("recall")),
        y=alt.Y("precision:Q", **unit_axis("precision")),
        detail="genre:N",
        order=alt.Order("threshold:Q"),
        tooltip=alt.Tooltip("genre:N"),
    )
    measures = ("threshold", "precision", "recall")
    points = alt.Chart(inline(marked)).transform_filter(IS_CHOSEN).mark_point(**POINT)
    chart = alt.layer(
        lines.mark_line(color=BACKGROUND, strokeWidth=1.5),
        lines.transform_filter(IS_CHOSEN).mark_line(color=FOREGROUND, strokeWidth=3),
        points.encode(
            x="recall:Q",
            y="precision:Q",
            tooltip=[
                alt.Tooltip("genre:N"),
                *(alt.Tooltip(f"{measure}:Q", format=".3f") for measure in measures),
            ],
        ),
        data=inline(rows),  # once, for both layers of lines
    ).properties(height=HEIGHT)
    return figure_of(
        "Precision and recall",
        "Every genre's curve over all thresholds, with the chosen genre highlighted; the dot marks "
        "its threshold. Choose a genre from the list or click its curve.",
        chart,
        *_choice(rows, chosen),
    )


def threshold_curves(predictions: Predictions, chosen: str) -> Figure:
    """Draw F1, precision and recall of a genre at each threshold, with its own threshold marked.

    Takes the same arguments as `precision_recall_curves`; choosing a genre changes both figures.
    """
    rows: Rows = []
    marked: Rows = []
    for name, truth, probabilities, threshold in _genres_with_films(predictions):
        rows += [{"genre": name, **point} for point in _sweep(truth, probabilities)]
        if np.isfinite(threshold):
            marked.append({"genre": name, "threshold": rounded(threshold)})
    lines = _folded_lines(rows, ["F1", "precision", "recall"])
    rule = alt.Chart(inline(marked)).transform_filter(IS_CHOSEN)
    rule = rule.mark_rule(color=GUIDE, strokeDash=[6, 4], strokeWidth=2).encode(
        x="threshold:Q",
        tooltip=[alt.Tooltip("genre:N"), alt.Tooltip("threshold:Q", format=".3f")],
    )
    return figure_of(
        "Thresholds",
        "F1, precision and recall of the chosen genre at every threshold; the vertical line is the "
        "threshold in use.",
        alt.layer(rule, lines).properties(height=HEIGHT),
        *_choice(rows, chosen),
    )


def calibration(predictions: Predictions, chosen: str) -> Figure:
    """Draw reliability diagrams: a genre's fraction of films against its predicted probability.

    The bins are those of `calibration_error` (evaluation/calibration.py). Takes the same arguments
    as `precision_recall_curves`.
    """
    series = {"as predicted": predictions.probabilities, "calibrated": predictions.calibrated}
    indices = {name: index for index, name in enumerate(predictions.names)}
    rows: Rows = [
        {
            "genre": name,
            "figure": figure,
            "probability": rounded(probability),
            "share": rounded(share),
            "films": count,
        }
        for name, truth, _, _ in _genres_with_films(predictions)
        for figure, values in series.items()
        if values is not None
        for probability, share, count in reliability(truth, values[:, indices[name]])
    ]
    names = list(dict.fromkeys(row["figure"] for row in rows))
    ideal: Rows = [{"probability": value, "share": value} for value in (0, 1)]
    diagonal = alt.Chart(inline(ideal)).mark_line(color=GUIDE, strokeDash=[4, 4], strokeWidth=1.5)
    legend = alt.Legend(symbolType="stroke", title=None) if len(names) > 1 else None
    measured = (
        alt.Chart(inline(rows))
        .transform_filter(IS_CHOSEN)
        .mark_line(point=alt.OverlayMarkDef(size=70), strokeWidth=2.5)
        .encode(
            x=alt.X("probability:Q", **unit_axis("mean probability")),
            y=alt.Y("share:Q", **unit_axis("share that is right")),
            color=alt.Color("figure:N", scale=alt.Scale(domain=names), legend=legend),
            tooltip=[
                alt.Tooltip("figure:N"),
                alt.Tooltip("probability:Q", title="mean probability", format=".3f"),
                alt.Tooltip("share:Q", title="share that is right", format=".3f"),
                alt.Tooltip("films:Q", format=","),
            ],
        )
    )
    chart = alt.layer(diagonal.encode(x="probability:Q", y="share:Q"), measured)
    return figure_of(
        "Calibration",
        f"The chosen genre, in up to {BINS} bins of equally many rows. On the dashed line, 60 % of "
        "the rows with a probability of 60 % have it.",
        chart.properties(height=HEIGHT),
        *_choice(rows, chosen),
    )


def training_curves(log: Sequence[Mapping[str, Any]]) -> tuple[Figure, Figure]:
    """Draw the training loss, and macro-F1 and mAP on the development part, by epoch.

    Args:
        log: the lines of training_log.jsonl: `epoch`, `loss`, `development_macro_f1`,
            `development_map`.
    """
    loss: Rows = [
        {"epoch": line["epoch"], "figure": "loss", "value": line["loss"]}
        for line in log
        if line["loss"] is not None
    ]
    scores: Rows = [
        {"epoch": line["epoch"], "figure": name, "value": line[field]}
        for line in log
        for name, field in (("macro-F1", "development_macro_f1"), ("mAP", "development_map"))
    ]
    return (
        _by_epoch("Loss", "Mean loss on the training part, by epoch.", loss),
        _by_epoch(
            "Scores on the development part",
            "By epoch, macro-F1 with thresholds tuned on the same rows: use it to compare epochs, "
            "not as a result.",
            scores,
        ),
    )


def _genres_with_films(predictions: Predictions) -> Iterator[_Genre]:
    """Yield each genre that has a film.

    Its threshold is infinity where the genre is off, NaN where films have different thresholds.
    """
    thresholds = shared_thresholds(predictions.thresholds).tolist()
    for index, name in enumerate(predictions.names):
        truth = predictions.labels[:, index].astype(bool)
        if truth.any():
            yield name, truth, predictions.probabilities[:, index], thresholds[index]


def _choice(rows: Rows, chosen: str) -> tuple[tuple[str, ...], str | None]:
    """Return the genres that a figure shows, and which of them initially."""
    genres = tuple(dict.fromkeys(row["genre"] for row in rows))
    return genres, chosen if chosen in genres else next(iter(genres), None)


def _curve(
    truth: npt.NDArray[np.bool_], probabilities: npt.NDArray[np.floating[Any]]
) -> Iterable[dict[str, float]]:
    """Yield a point for each distinct probability of the genre's films, in ascending order."""
    order = np.argsort(-probabilities, kind="stable")
    ordered = probabilities[order]
    ends = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
    hits = np.cumsum(truth[order])[ends]
    # Between two films of the genre, only precision changes: the curve drops vertically.
    has_hit = np.diff(hits, prepend=0) > 0
    ends, hits = ends[has_hit], hits[has_hit]
    if len(ends) > CURVE_POINTS:
        thinned = np.unique(np.linspace(0, len(ends) - 1, CURVE_POINTS).round().astype(int))
        ends, hits = ends[thinned], hits[thinned]
    for end, hit in zip(ends[::-1].tolist(), hits[::-1].tolist(), strict=True):
        yield {
            "threshold": rounded(ordered[end]),
            "precision": rounded(hit / (end + 1)),
            "recall": rounded(hit / int(truth.sum())),
        }


def _sweep(
    truth: npt.NDArray[np.bool_], probabilities: npt.NDArray[np.floating[Any]]
) -> Iterable[dict[str, float]]:
    """Yield F1, recall and, where anything is predicted, precision at evenly spaced thresholds."""
    positives = int(truth.sum())
    # Rounded, because linspace's 0.95 is slightly more than 0.95.
    for threshold in np.linspace(0, 1, THRESHOLD_STEPS + 1).round(PLACES).tolist():
        predicted = probabilities >= threshold
        hits, count = int((truth & predicted).sum()), int(predicted.sum())
        point = {
            "threshold": threshold,
            "F1": rounded(2 * hits / (positives + count)),
            "recall": rounded(hits / positives),
        }
        # Precision is undefined where nothing is predicted: its line ends there.
        yield point | ({"precision": rounded(hits / count)} if count else {})


def _folded_lines(rows: Rows, measures: list[str]) -> Drawing:
    """Draw the chosen genre's measures over thresholds, a line each."""
    # One legend for color and dash, or each would have its own.
    legend = alt.Legend(symbolType="stroke", columns=3, title=None)
    lines: Drawing = (
        alt.Chart(inline(rows))
        .transform_filter(IS_CHOSEN)
        .transform_fold([*measures], as_=["figure", "value"])
        .transform_filter("isValid(datum.value)")
        .mark_line(strokeWidth=2.5)
        .encode(
            x=alt.X("threshold:Q", **unit_axis("threshold")),
            y=alt.Y("value:Q", **unit_axis(None)),
            color=alt.Color("figure:N", scale=alt.Scale(domain=measures), legend=legend),
            strokeDash=alt.StrokeDash(
                "figure:N",
                scale=alt.Scale(domain=measures, range=[[1, 0], [8, 3], [2, 3]]),
                legend=legend,
            ),
            tooltip=alt.Tooltip("figure:N"),
        )
    )
    return lines


def _by_epoch(title: str, description: str, rows: Rows) -> Figure:
    names = list(dict.fromkeys(row["figure"] for row in rows))
    legend = alt.Legend(symbolType="stroke") if len(names) > 1 else None
    chart = (
        alt.Chart(inline(rows))
        .mark_line(point=alt.OverlayMarkDef(size=70), strokeWidth=2.5)
        .encode(
            x=alt.X("epoch:Q", axis=alt.Axis(tickMinStep=1, format="d")),
            y=alt.Y("value:Q", title=None, scale=alt.Scale(zero=False)),
            color=alt.Color("figure:N", sort=names, legend=legend),
            tooltip=[
                alt.Tooltip("figure:N"),
                alt.Tooltip("epoch:Q"),
                alt.Tooltip("value:Q", format=".4f"),
            ],
        )
        .properties(height=240)
    )
    return figure_of(title, description, chart)
