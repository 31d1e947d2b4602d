"""Figures of a catalog: genres by year, genres that go together, and confidence."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import numpy as np

from genre_batch.profile.profile import CONFIDENCE_BINS, CatalogProfile
from genre_batch.report.figures import (
    FOREGROUND,
    HEIGHT,
    IS_CHOSEN,
    Rows,
    figure_of,
    inline,
    rounded,
    unit_axis,
)
from genre_batch.report.page import Figure

__all__ = ["confidence", "labeled_and_predicted", "most_predicted", "pairs", "years"]

MOST_PAIRED = 24
"""The genres of the figure of pairs, the most frequent ones."""
MOST_POINTS = 6_000
"""The most points of the figure by year: with more, decades are shown."""
_FEW_PER_YEAR = 5
"""With fewer rows a year, decades are shown."""
_FEW_ROWS = 10
"""A share of fewer rows is too uncertain to show for a year of a large catalog."""


def years(profile: CatalogProfile, chosen: str, rows: str) -> Figure:
    """Draw the share of each year's rows that a genre was predicted for, above the rows by year.

    Args:
        profile: with at least one year.
        chosen: the genre that is shown initially.
        rows: what is counted, in the plural.
    """
    points, unit, least = _by_year(profile)
    base = alt.Chart(inline(points)).transform_filter(IS_CHOSEN)
    x = alt.X(
        "year:Q",
        title=None,
        scale=alt.Scale(nice=False, padding=6),
        axis=alt.Axis(format="d", tickCount=6, grid=False),
    )
    tooltip = [
        alt.Tooltip("year:Q", format="d"),
        alt.Tooltip("share:Q", title="share with the genre", format=".1%"),
        alt.Tooltip("films:Q", title=rows, format=","),
    ]
    bars = base.mark_bar(color="var(--faint)", opacity=0.6).encode(
        x=x,
        y=alt.Y("films:Q", title=rows, axis=alt.Axis(tickCount=4, format="~s", grid=False)),
        tooltip=tooltip,
    )
    line = base.mark_line(color=FOREGROUND, strokeWidth=2.5, point=alt.OverlayMarkDef(size=40))
    shares = line.encode(
        x=x,
        y=alt.Y(
            "share:Q",
            title="share with the genre",
            axis=alt.Axis(format=".0%", tickCount=5, orient="right"),
        ),
        tooltip=tooltip,
    )
    chart = alt.layer(bars, shares).resolve_scale(y="independent").properties(height=HEIGHT)
    return figure_of(
        f"Genres by {unit}",
        f"Line: the share of each {unit}'s {rows} that the genre is predicted for. Bars: how many "
        f"{rows} the {unit} has."
        + (f" No line where there are fewer than {least}." if least > 1 else ""),
        chart,
        profile.genres,
        chosen,
    )


def _by_year(profile: CatalogProfile) -> tuple[Rows, str, int]:
    """Return the points of the figure, its unit, and the fewest rows that have a share."""
    dated = sum(count for count, _ in profile.years.values())
    many = len(profile.years) * len(profile.genres) > MOST_POINTS
    by_decade = many or dated < _FEW_PER_YEAR * len(profile.years)
    sums: dict[int, list[int]] = {}
    for year, (count, genres) in profile.years.items():
        start = year // 10 * 10 if by_decade else year
        row = sums.setdefault(start, [0] * (1 + len(profile.genres)))
        for index, value in enumerate([count, *genres.tolist()]):
            row[index] += value
    least = min(_FEW_ROWS, profile.rows // 100, max(row[0] for row in sums.values()))
    points: Rows = [
        {
            "genre": genre,
            "year": year,
            "share": rounded(row[1 + index] / row[0]) if row[0] >= least else None,
            "films": row[0],
        }
        for year, row in sums.items()
        for index, genre in enumerate(profile.genres)
    ]
    return points, "decade" if by_decade else "year", least


def pairs(profile: CatalogProfile, rows: str) -> Figure:
    """Draw which genres are predicted together, as shares of the row's genre.

    Args:
        profile: with at least two predicted genres.
        rows: what is counted, in the plural.
    """
    order = np.argsort(-profile.predicted, kind="stable")
    shown = [index for index in order.tolist() if profile.predicted[index]][:MOST_PAIRED]
    names = [profile.genres[index] for index in shown]
    cells: Rows = [
        {
            "genre": profile.genres[one],
            "with": profile.genres[other],
            "share": rounded(profile.pairs[one, other] / profile.predicted[one]),
            "films": int(profile.pairs[one, other]),
        }
        for one in shown
        for other in shown
        if one != other
    ]
    chart = (
        alt.Chart(inline(cells))
        .mark_rect(cornerRadius=2, color=FOREGROUND)
        .encode(
            x=alt.X("with:N", sort=names, title=None, axis=alt.Axis(orient="top", labelAngle=-90)),
            y=alt.Y("genre:N", sort=names, title=None),
            # Vega cannot mix colors that are variables of the style sheet.
            opacity=alt.Opacity(
                "share:Q", scale=alt.Scale(domainMin=0, range=[0.03, 1]), legend=None
            ),
            tooltip=[
                alt.Tooltip("genre:N"),
                alt.Tooltip("with:N", title="also"),
                alt.Tooltip("share:Q", format=".1%"),
                alt.Tooltip("films:Q", title=rows, format=","),
            ],
        )
        .properties(height=max(160, 20 * len(names)))
    )
    left_out = int((profile.predicted > 0).sum()) - len(names)
    return figure_of(
        "Genres that go together",
        f"Of the {rows} with the genre on the left, the share that also has the one above; "
        "the stronger the color, the larger."
        + (f" Without the {left_out} rarest genres." if left_out > 0 else ""),
        chart,
    )


def confidence(profile: CatalogProfile, chosen: str, rows: str) -> Figure:
    """Draw how probable the predicted genres are, for one genre at a time.

    Args:
        profile: with at least one predicted genre.
        chosen: the genre that is shown initially.
        rows: what is counted, in the plural.
    """
    names = [name for index, name in enumerate(profile.genres) if profile.confidence[index].any()]
    bars: Rows = [
        {
            "genre": name,
            "least": rounded(place / CONFIDENCE_BINS),
            "most": rounded((place + 1) / CONFIDENCE_BINS),
            "films": count,
        }
        for name in names
        for place, count in enumerate(profile.confidence[profile.genres.index(name)].tolist())
        if count
    ]
    chart = (
        alt.Chart(inline(bars))
        .transform_filter(IS_CHOSEN)
        .mark_rect(color=FOREGROUND, stroke="var(--panel)", strokeWidth=1)
        .encode(
            x=alt.X("least:Q", **unit_axis("probability")),
            x2="most:Q",
            y=alt.Y("films:Q", title=rows, axis=alt.Axis(tickCount=5, format="~s")),
            y2=alt.Y2Datum(0),
            tooltip=[
                alt.Tooltip("least:Q", title="probability from", format=".2f"),
                alt.Tooltip("most:Q", title="to", format=".2f"),
                alt.Tooltip("films:Q", title=rows, format=","),
            ],
        )
        .properties(height=HEIGHT)
    )
    return figure_of(
        "Confidence",
        f"The {rows} that the genre is predicted for, by its probability.",
        chart,
        tuple(names),
        chosen if chosen in names else names[0],
    )


def most_predicted(profile: CatalogProfile) -> str:
    """Return the genre that is predicted most often."""
    return profile.genres[int(np.argmax(profile.predicted))]


def labeled_and_predicted(profile: CatalogProfile) -> dict[str, dict[str, int]]:
    """Return the series of the figure of genres: `labeled`, if there are labels, and `predicted`.

    The series have the model's genres, and no others.
    """
    predicted = dict(zip(profile.genres, profile.predicted.tolist(), strict=True))
    if profile.labeled is None:
        return {"predicted": predicted}
    return {"labeled": _known(profile.labeled, profile.genres), "predicted": predicted}


def _known(labeled: dict[str, int], genres: Sequence[str]) -> dict[str, int]:
    by_key = {name.casefold(): rows for name, rows in reversed(labeled.items())}
    return {name: labeled.get(name, by_key.get(name.casefold(), 0)) for name in genres}
