"""What all figures of a report share: colors, axes, and the step from a chart to a `Figure`.

Colors are variables of the style sheet (page.css), so that a drawn figure follows the page's theme;
fonts and axes are configured in page.js. In a figure with choices, the parameter `choice` holds the
value that is shown, and the field `genre` of each row names the row's genre.
"""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np

from genre_batch.report.page import Figure

__all__ = [
    "BACKGROUND",
    "FOREGROUND",
    "GUIDE",
    "HEIGHT",
    "IS_CHOSEN",
    "PLACES",
    "POINT",
    "Drawing",
    "Rows",
    "figure_of",
    "inline",
    "rounded",
    "unit_axis",
]

Rows = list[dict[str, Any]]
"""The data of a chart."""
Drawing = alt.Chart | alt.LayerChart | alt.FacetChart
"""What Altair's methods may return."""

HEIGHT = 320
PLACES = 4
"""Decimal places of the numbers that a page carries."""
IS_CHOSEN = "datum.genre === choice"
FOREGROUND, BACKGROUND, GUIDE = "var(--series-1)", "var(--faint)", "var(--soft)"
POINT: dict[str, Any] = {
    "filled": True,
    "color": "var(--series-2)",
    "stroke": "var(--panel)",
    "strokeWidth": 2,
    "size": 140,
    "opacity": 1,
}


def unit_axis(title: str | None) -> dict[str, Any]:
    """Return the scale, ticks and title of an axis from 0 to 1."""
    return {
        "scale": alt.Scale(domain=[0, 1], nice=False),
        "axis": alt.Axis(values=[0, 0.2, 0.4, 0.6, 0.8, 1], format=".1f"),
        "title": title,
    }


def inline(rows: Rows) -> alt.InlineData:
    """Embed rows in the chart."""
    return alt.InlineData(values=rows)


def figure_of(
    title: str,
    description: str,
    chart: Drawing,
    choices: tuple[str, ...] = (),
    chosen: str | None = None,
) -> Figure:
    """Turn a chart into a figure of the page.

    Args:
        title, description, choices, chosen: as in `Figure`.
        chart: without a width; with choices, filtered by `IS_CHOSEN`.
    """
    if choices:
        chart = chart.add_params(alt.param(name="choice", value=chosen))
    spec = chart.properties(width="container", description=f"{title}. {description}").to_dict()
    # Altair adds the sizes and colors of its own theme; the page has its own.
    spec.pop("config", None)
    return Figure(title, description, spec, choices, chosen)


def rounded(value: float | np.floating[Any]) -> float:
    """Round a number to the places that a page carries."""
    return round(float(value), PLACES)
