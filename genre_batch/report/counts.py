"""Bar chart of films per genre (Balete and Ducay 2024, figures 1 and 2)."""

from __future__ import annotations

from collections.abc import Mapping

import altair as alt

from genre_batch.report.figures import Rows, figure_of, inline
from genre_batch.report.page import Figure

__all__ = ["genre_counts"]

_WIDTH = 1.15
"""The width of a chart in lengths of its longest bar, so that the bar's number fits."""


def genre_counts(
    counts: Mapping[str, Mapping[str, int]], title: str, description: str, rows: str = "films"
) -> Figure:
    """Draw a bar for each genre and series.

    Args:
        counts: series (such as `before` and `after` oversampling) -> genre -> films. Genres are
            sorted by the first series' counts, and by name where those are equal.
        title: of the chart.
        description: how to read the chart.
        rows: what is counted, in the plural.
    """
    series = list(counts)
    genres = sorted({genre for by_genre in counts.values() for genre in by_genre})
    genres.sort(key=lambda genre: -counts[series[0]].get(genre, 0))
    bars_of: Rows = [
        {"genre": genre, "series": name, "films": by_genre.get(genre, 0)}
        for name, by_genre in counts.items()
        for genre in genres
    ]
    several = len(series) > 1
    longest = (bar["films"] for bar in bars_of)
    base = alt.Chart(inline(bars_of)).encode(
        x=alt.X(
            "films:Q",
            title=rows,
            axis=alt.Axis(tickCount=5, format="~s"),
            scale=alt.Scale(domain=[0, _WIDTH * max(1, *longest)], nice=False),
        ),
        y=alt.Y("genre:N", title=None, sort=genres, scale=alt.Scale(paddingInner=0.25)),
        tooltip=[
            alt.Tooltip("genre:N"),
            *([alt.Tooltip("series:N")] if several else []),
            alt.Tooltip("films:Q", title=rows, format=","),
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
    return figure_of(title, description, chart)
