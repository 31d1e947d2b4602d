"""Figures of a report: arrays and counts in, Vega-Lite out, drawn by the page (page.py).

Colours are the style sheet's variables (page.css), so that a drawn figure follows the page's theme;
fonts and axes are page.js's. In a figure with choices the parameter `choice` holds the one that is
shown, and the field `genre` of each row says what the row is of.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
import numpy.typing as npt

from genre_batch.evaluation.per_genre import BINS, GenreScores, reliability
from genre_batch.report.page import Figure

__all__ = [
    "calibration",
    "confusion_matrices",
    "confusion_matrix",
    "genre_counts",
    "precision_recall_curves",
    "threshold_curves",
    "training_curves",
]

Labels = npt.NDArray[np.integer[Any] | np.bool_]
Probabilities = npt.NDArray[np.floating[Any]]
Thresholds = npt.NDArray[np.float64]
Rows = list[dict[str, Any]]

CURVE_POINTS = 120
"""A curve's points at most: more are not seen at a page's width, and every page carries them."""
THRESHOLD_STEPS = 100

_HEIGHT = 320
_PLACES = 4
_UNIT = alt.Scale(domain=[0, 1], nice=False)
_SHARES = alt.Axis(values=[0, 0.2, 0.4, 0.6, 0.8, 1], format=".1f")
_CHOSEN = "datum.genre === choice"
_FRONT, _BACK = "var(--series-1)", "var(--faint)"
_MARK, _HALO, _GUIDE = "var(--series-2)", "var(--panel)", "var(--soft)"
# The same in both themes, and light enough for dark figures on them.
_CELLS, _ON_CELLS = ("#e8f1fa", "#5b9bd5"), "#1b1f24"
_POINT: dict[str, Any] = {
    "filled": True,
    "color": _MARK,
    "stroke": _HALO,
    "strokeWidth": 2,
    "size": 140,
    "opacity": 1,
}
_YES, _NO = ("has it", "has it not"), ("predicted", "not predicted")


def genre_counts(
    counts: Mapping[str, Mapping[str, int]], title: str, description: str, unit: str = "films"
) -> Figure:
    """Bars of how many films have each genre, one bar a series: the paper's figures 1 and 2.

    Args:
        counts: series (say, `before` and `after` oversampling) -> genre -> films. Genres stand in
            the order of the first series' counts, those of equal count by name.
        title: the figure's.
        description: how to read it.
        unit: what is counted.
    """
    series = list(counts)
    genres = sorted({genre for by_genre in counts.values() for genre in by_genre})
    genres.sort(key=lambda genre: -counts[series[0]].get(genre, 0))
    rows: Rows = [
        {"genre": genre, "series": name, "films": by_genre.get(genre, 0)}
        for name, by_genre in counts.items()
        for genre in genres
    ]
    several = len(series) > 1
    base = alt.Chart(_data(rows)).encode(
        x=alt.X("films:Q", title=unit, axis=alt.Axis(tickCount=5, format="~s")),
        y=alt.Y("genre:N", title=None, sort=genres, scale=alt.Scale(paddingInner=0.25)),
        tooltip=[
            alt.Tooltip("genre:N"),
            *([alt.Tooltip("series:N")] if several else []),
            alt.Tooltip("films:Q", title=unit, format=","),
        ],
    )
    if several:
        base = base.encode(yOffset=alt.YOffset("series:N", sort=series))
    bars = base.mark_bar(cornerRadiusEnd=2).encode(
        color=alt.Color(
            "series:N", sort=series, legend=alt.Legend(symbolType="square") if several else None
        )
    )
    numbers = base.mark_text(align="left", baseline="middle", dx=4).encode(
        text=alt.Text("films:Q", format=",")
    )
    chart = alt.layer(bars, numbers).properties(height=len(genres) * (10 + 14 * len(series)))
    return _figure(title, description, chart)


def confusion_matrix(
    genre: str, tp: int, fp: int, fn: int, tn: int, title: str | None = None
) -> Figure:
    """One genre's confusion matrix: the paper's figures 4 and 5.

    Args:
        genre: its name.
        tp, fp, fn, tn: films rightly and wrongly given it, wrongly and rightly not.
        title: the figure's; None: it names the genre.
    """
    return _matrices([(genre, tp, fp, fn, tn)], None, title or f"Confusion matrix of {genre}")


def confusion_matrices(
    scores: Sequence[GenreScores], chosen: str, title: str = "Confusion matrix of a genre"
) -> Figure:
    """Every genre's confusion matrix, one shown at a time.

    Args:
        scores: of the genres.
        chosen: the one that is shown first.
        title: the figure's.
    """
    counts = [(one.genre, one.tp, one.fp, one.fn, one.tn) for one in scores]
    return _matrices(counts, chosen, title)


def _matrices(
    counts: Sequence[tuple[str, int, int, int, int]], chosen: str | None, title: str
) -> Figure:
    rows: Rows = []
    for genre, tp, fp, fn, tn in counts:
        for truth, predicted, films, of in (
            (_YES[0], _NO[0], tp, tp + fn),
            (_YES[0], _NO[1], fn, tp + fn),
            (_YES[1], _NO[0], fp, fp + tn),
            (_YES[1], _NO[1], tn, fp + tn),
        ):
            rows.append(
                {
                    "genre": genre,
                    "truth": truth,
                    "predicted": predicted,
                    "films": films,
                    "share": _rounded(films / of) if of else 0.0,
                }
            )
    base = alt.Chart(_data(rows)).encode(
        x=alt.X(
            "predicted:N", sort=list(_NO), title=None, axis=alt.Axis(labelAngle=0, orient="top")
        ),
        y=alt.Y("truth:N", sort=list(_YES), title=None),
        tooltip=[
            alt.Tooltip("genre:N"),
            alt.Tooltip("truth:N", title="truth"),
            alt.Tooltip("predicted:N", title="model"),
            alt.Tooltip("films:Q", format=","),
            alt.Tooltip("share:Q", title="share of its row", format=".1%"),
        ],
    )
    if chosen is not None:
        base = base.transform_filter(_CHOSEN)
    cells = base.mark_rect(cornerRadius=4).encode(
        color=alt.Color(
            "share:Q",
            scale=alt.Scale(domain=[0, 1], range=list(_CELLS)),
            legend=None,
        )
    )
    chart = alt.layer(
        cells,
        base.mark_text(dy=-10, fontSize=20, fontWeight=600, color=_ON_CELLS).encode(
            text=alt.Text("films:Q", format=",")
        ),
        base.mark_text(dy=14, fontSize=13, color=_ON_CELLS).encode(
            text=alt.Text("share:Q", format=".0%")
        ),
    ).properties(height=240)
    return _figure(
        title,
        "Films that have the genre and that have it not, by what the model says. Shares and "
        "shades are of each row: the darker the first cell and the last, the better.",
        chart,
        _names(counts) if chosen is not None else (),
        chosen,
    )


def _names(counts: Iterable[tuple[str, int, int, int, int]]) -> tuple[str, ...]:
    return tuple(genre for genre, *_ in counts)


def precision_recall_curves(
    labels: Labels,
    probabilities: Probabilities,
    names: Sequence[str],
    thresholds: Thresholds,
    chosen: str,
) -> Figure:
    """Precision against recall over all thresholds, a curve a genre; one stands out.

    Genres that no film has are left out, for their recall is not defined. Each point is a
    threshold that the data hold, its precision and recall exact; of more than `CURVE_POINTS` some
    are left out evenly along the curve.

    Args:
        labels: (n, genres) 0 or 1.
        probabilities: (n, genres), 0..1.
        names: of the genres.
        thresholds: (genres,); infinity for a genre that is off, NaN for one without a single
            threshold. Every other one's point is marked.
        chosen: the genre that stands out first; one that no film has gives way to another.
    """
    rows: Rows = []
    marked: Rows = []
    for at, name in enumerate(names):
        truth, scores = labels[:, at].astype(bool), probabilities[:, at]
        if not truth.any():
            continue
        rows += [{"genre": name, **point} for point in _curve(truth, scores)]
        guess = scores >= thresholds[at]
        if guess.any():
            hits = int((truth & guess).sum())
            marked.append(
                {
                    "genre": name,
                    "threshold": _rounded(thresholds[at]),
                    "precision": _rounded(hits / int(guess.sum())),
                    "recall": _rounded(hits / int(truth.sum())),
                }
            )
    shown = tuple(dict.fromkeys(row["genre"] for row in rows))
    lines = alt.Chart().encode(
        x=alt.X("recall:Q", scale=_UNIT, axis=_SHARES, title="recall"),
        y=alt.Y("precision:Q", scale=_UNIT, axis=_SHARES, title="precision"),
        detail="genre:N",
        order=alt.Order("threshold:Q"),
        tooltip=alt.Tooltip("genre:N"),
    )
    points = (
        alt.Chart(_data(marked))
        .transform_filter(_CHOSEN)
        .mark_point(**_POINT)
        .encode(
            x="recall:Q",
            y="precision:Q",
            tooltip=[
                alt.Tooltip("genre:N"),
                *(
                    alt.Tooltip(f"{field}:Q", format=".3f")
                    for field in ("threshold", "precision", "recall")
                ),
            ],
        )
    )
    chart = alt.layer(
        lines.mark_line(color=_BACK, strokeWidth=1.5),
        lines.transform_filter(_CHOSEN).mark_line(color=_FRONT, strokeWidth=3),
        points,
        data=_data(rows),  # once, for both layers of lines
    ).properties(height=_HEIGHT)
    return _figure(
        "Precision and recall",
        "Every genre's curve over all thresholds, the chosen genre's in front; the dot is where "
        "its threshold puts it. Choose a genre in the list or press its curve.",
        chart,
        shown,
        chosen if chosen in shown else next(iter(shown), None),
    )


def _curve(truth: npt.NDArray[np.bool_], scores: Probabilities) -> Iterable[dict[str, float]]:
    """Points from the lowest threshold upwards: one at each score that a film of the genre has."""
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    ends = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
    hits = np.cumsum(truth[order])[ends]
    # Between two films of the genre the curve only falls straight down.
    ends, hits = ends[np.diff(hits, prepend=0) > 0], hits[np.diff(hits, prepend=0) > 0]
    if len(ends) > CURVE_POINTS:
        kept = np.unique(np.linspace(0, len(ends) - 1, CURVE_POINTS).round().astype(int))
        ends, hits = ends[kept], hits[kept]
    for end, hit in zip(ends[::-1].tolist(), hits[::-1].tolist(), strict=True):
        yield {
            "threshold": _rounded(ordered[end]),
            "precision": _rounded(hit / (end + 1)),
            "recall": _rounded(hit / int(truth.sum())),
        }


def threshold_curves(
    labels: Labels,
    probabilities: Probabilities,
    names: Sequence[str],
    thresholds: Thresholds,
    chosen: str,
) -> Figure:
    """F1, precision and recall of a genre at each threshold; the one in use is marked.

    Arguments as for `precision_recall_curves`, with which it shares the choice of genre.
    """
    # Rounded before it is compared with: linspace's 0.95 is a little more than 0.95.
    grid = np.linspace(0, 1, THRESHOLD_STEPS + 1).round(_PLACES)
    rows: Rows = []
    for at, name in enumerate(names):
        truth, scores = labels[:, at].astype(bool), probabilities[:, at]
        positives = int(truth.sum())
        if not positives:
            continue
        for one in grid.tolist():
            guess = scores >= one
            hits, given = int((truth & guess).sum()), int(guess.sum())
            row = {
                "genre": name,
                "threshold": one,
                "F1": _rounded(2 * hits / (positives + given)),
                "recall": _rounded(hits / positives),
            }
            # Not defined where nothing is predicted: the line ends there.
            rows.append(row | ({"precision": _rounded(hits / given)} if given else {}))
    shown = tuple(dict.fromkeys(row["genre"] for row in rows))
    marked: Rows = [
        {"genre": name, "threshold": _rounded(one)}
        for name, one in zip(names, thresholds.tolist(), strict=True)
        if name in shown and np.isfinite(one)
    ]
    curves = ["F1", "precision", "recall"]
    # The same for colours and dashes, or each would get a legend of its own.
    legend = alt.Legend(symbolType="stroke", columns=3, title=None)
    lines = (
        alt.Chart(_data(rows))
        .transform_filter(_CHOSEN)
        .transform_fold([*curves], as_=["figure", "value"])
        .transform_filter("isValid(datum.value)")
        .mark_line(strokeWidth=2.5)
        .encode(
            x=alt.X("threshold:Q", scale=_UNIT, axis=_SHARES, title="threshold"),
            y=alt.Y("value:Q", scale=_UNIT, axis=_SHARES, title=None),
            color=alt.Color("figure:N", scale=alt.Scale(domain=curves), legend=legend),
            strokeDash=alt.StrokeDash(
                "figure:N",
                scale=alt.Scale(domain=curves, range=[[1, 0], [8, 3], [2, 3]]),
                legend=legend,
            ),
            tooltip=alt.Tooltip("figure:N"),
        )
    )
    rule = (
        alt.Chart(_data(marked))
        .transform_filter(_CHOSEN)
        .mark_rule(color=_GUIDE, strokeDash=[6, 4], strokeWidth=2)
        .encode(
            x="threshold:Q",
            tooltip=[alt.Tooltip("genre:N"), alt.Tooltip("threshold:Q", format=".3f")],
        )
    )
    return _figure(
        "Thresholds",
        "F1, precision and recall of the chosen genre at every threshold; the upright line is the "
        "threshold in use.",
        alt.layer(rule, lines).properties(height=_HEIGHT),
        shown,
        chosen if chosen in shown else next(iter(shown), None),
    )


def calibration(labels: Labels, probabilities: Probabilities) -> Figure:
    """The reliability diagram: how often a genre is right, by how probable the model calls it.

    The bins are those of `calibration_error` (evaluation/per_genre.py).

    Args:
        labels: (n, genres) 0 or 1.
        probabilities: (n, genres), 0..1.
    """
    rows: Rows = [
        {"probability": _rounded(chance), "share": _rounded(share), "decisions": count}
        for chance, share, count in reliability(labels, probabilities)
    ]
    ideal: Rows = [{"probability": value, "share": value} for value in (0, 1)]
    base = alt.Chart(_data(rows)).encode(
        x=alt.X("probability:Q", scale=_UNIT, axis=_SHARES, title="mean probability"),
        y=alt.Y("share:Q", scale=_UNIT, axis=_SHARES, title="share that is right"),
        tooltip=[
            alt.Tooltip("probability:Q", title="mean probability", format=".3f"),
            alt.Tooltip("share:Q", title="share that is right", format=".3f"),
            alt.Tooltip("decisions:Q", format=","),
        ],
    )
    line = (
        alt.Chart(_data(ideal))
        .mark_line(color=_GUIDE, strokeDash=[4, 4], strokeWidth=1.5)
        .encode(x="probability:Q", y="share:Q")
    )
    chart = alt.layer(
        line, base.mark_line(color=_FRONT, strokeWidth=3), base.mark_point(**_POINT)
    ).properties(height=_HEIGHT)
    return _figure(
        "Calibration",
        f"All decisions, a film and a genre each, in {BINS} bins by probability. On the dashed "
        "line, of the genres called 60 % probable 60 % are right.",
        chart,
    )


def training_curves(log: Sequence[Mapping[str, Any]]) -> tuple[Figure, Figure]:
    """The loss on the training films, and macro-F1 and mAP on the development films, by epoch.

    Args:
        log: the lines of training_log.jsonl: `epoch`, `loss`, `development_macro_f1`,
            `development_map`.
    """
    loss: Rows = [
        {"epoch": line["epoch"], "figure": "loss", "value": line["loss"]}
        for line in log
        if line["loss"] is not None
    ]
    figures: Rows = [
        {"epoch": line["epoch"], "figure": name, "value": line[field]}
        for line in log
        for name, field in (("macro-F1", "development_macro_f1"), ("mAP", "development_map"))
    ]
    return (
        _by_epoch("Loss", "The mean loss on the training films, by epoch.", loss),
        _by_epoch(
            "Development figures",
            "By epoch, macro-F1 at thresholds tuned on the same films: for comparing epochs, not "
            "for quoting.",
            figures,
        ),
    )


def _by_epoch(title: str, description: str, rows: Rows) -> Figure:
    names = list(dict.fromkeys(row["figure"] for row in rows))
    chart = (
        alt.Chart(_data(rows))
        .mark_line(point=alt.OverlayMarkDef(size=70), strokeWidth=2.5)
        .encode(
            x=alt.X("epoch:Q", axis=alt.Axis(tickMinStep=1, format="d")),
            y=alt.Y("value:Q", title=None, scale=alt.Scale(zero=False)),
            color=alt.Color(
                "figure:N",
                sort=names,
                legend=alt.Legend(symbolType="stroke") if len(names) > 1 else None,
            ),
            tooltip=[
                alt.Tooltip("figure:N"),
                alt.Tooltip("epoch:Q"),
                alt.Tooltip("value:Q", format=".4f"),
            ],
        )
        .properties(height=240)
    )
    return _figure(title, description, chart)


def _data(rows: Rows) -> alt.InlineData:
    return alt.InlineData(values=rows)


def _figure(
    title: str,
    description: str,
    chart: alt.Chart | alt.LayerChart | alt.FacetChart,
    choices: tuple[str, ...] = (),
    chosen: str | None = None,
) -> Figure:
    if choices:
        chart = chart.add_params(alt.param(name="choice", value=chosen))
    spec = chart.properties(width="container", description=f"{title}. {description}").to_dict()
    # Altair adds the sizes and colours of its own theme; ours are the page's.
    spec.pop("config", None)
    return Figure(title, description, spec, choices, chosen)


def _rounded(value: float | np.floating[Any]) -> float:
    return round(float(value), _PLACES)
