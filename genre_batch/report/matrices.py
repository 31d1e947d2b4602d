"""Confusion matrices as figures: the paper's figures 4 and 5."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt

from genre_batch.evaluation.per_genre import GenreScores
from genre_batch.report.figures import IS_CHOSEN, Drawing, Rows, figure_of, inline, rounded
from genre_batch.report.page import Figure

__all__ = ["confusion_matrices", "confusion_matrix"]

# The same in both themes, and light enough for dark text.
_CELL_COLORS, _TEXT_COLOR = ["#e8f1fa", "#5b9bd5"], "#1b1f24"
_TRUTHS = ["has it", "does not have it"]
_PREDICTIONS = ["predicted", "not predicted"]
_DESCRIPTION = (
    "What has the genre and what does not, by the model's prediction. Percentages and shades are "
    "per row: the darker the first cell and the last, the better."
)

_Counts = tuple[str, int, int, int, int]
"""A genre, and its numbers of true and false positives, false and true negatives."""


def confusion_matrix(
    genre: str, tp: int, fp: int, fn: int, tn: int, title: str | None = None
) -> Figure:
    """Draw one genre's confusion matrix.

    Args:
        genre: its name.
        tp, fp, fn, tn: numbers of films: true and false positives, false and true negatives.
        title: the figure's; default: one that names the genre.
    """
    counts = [(genre, tp, fp, fn, tn)]
    return figure_of(title or f"Confusion matrix of {genre}", _DESCRIPTION, _chart(counts))


def confusion_matrices(scores: Sequence[GenreScores], chosen: str, rows: str = "films") -> Figure:
    """Draw every genre's confusion matrix, one shown at a time.

    Args:
        scores: one for each genre.
        chosen: the genre shown initially.
        rows: what is counted, in the plural.
    """
    counts = [(genre.genre, genre.tp, genre.fp, genre.fn, genre.tn) for genre in scores]
    names = tuple(genre.genre for genre in scores)
    chart = _chart(counts, rows, choice=True)
    return figure_of("Confusion matrix of a genre", _DESCRIPTION, chart, names, chosen)


def _chart(counts: Sequence[_Counts], rows: str = "films", *, choice: bool = False) -> Drawing:
    base = alt.Chart(inline(_cells(counts))).encode(
        x=alt.X(
            "predicted:N", sort=_PREDICTIONS, title=None, axis=alt.Axis(labelAngle=0, orient="top")
        ),
        y=alt.Y("truth:N", sort=_TRUTHS, title=None),
        tooltip=[
            alt.Tooltip("genre:N"),
            alt.Tooltip("truth:N", title="truth"),
            alt.Tooltip("predicted:N", title="model"),
            alt.Tooltip("films:Q", title=rows, format=","),
            alt.Tooltip("share:Q", title="share of its row", format=".1%"),
        ],
    )
    if choice:
        base = base.transform_filter(IS_CHOSEN)
    cells = base.mark_rect(cornerRadius=4).encode(
        color=alt.Color("share:Q", scale=alt.Scale(domain=[0, 1], range=_CELL_COLORS), legend=None)
    )
    films = base.mark_text(dy=-10, fontSize=20, fontWeight=600, color=_TEXT_COLOR)
    shares = base.mark_text(dy=14, fontSize=13, color=_TEXT_COLOR)
    return alt.layer(
        cells,
        films.encode(text=alt.Text("films:Q", format=",")),
        shares.encode(text=alt.Text("share:Q", format=".0%")),
    ).properties(height=240)


def _cells(counts: Sequence[_Counts]) -> Rows:
    """Return a row for each cell of each matrix; `share` is of the films with the same truth."""
    return [
        {
            "genre": genre,
            "truth": truth,
            "predicted": predicted,
            "films": films,
            "share": rounded(films / total) if total else 0.0,
        }
        for genre, tp, fp, fn, tn in counts
        for truth, predicted, films, total in (
            (_TRUTHS[0], _PREDICTIONS[0], tp, tp + fn),
            (_TRUTHS[0], _PREDICTIONS[1], fn, tp + fn),
            (_TRUTHS[1], _PREDICTIONS[0], fp, fp + tn),
            (_TRUTHS[1], _PREDICTIONS[1], tn, fp + tn),
        )
    ]
