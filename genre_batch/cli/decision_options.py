"""Options that decide which genres are predicted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

__all__ = ["exclude_genres_option", "threshold_options"]

exclude_genres_option = click.option(
    "--exclude-genres",
    metavar="A,B,...",
    help="Genres to leave out, in any case.  [default: none]",
)


def threshold_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that replace a model's own thresholds, and the one that leaves genres out."""
    point = click.option(
        "--operating-point",
        metavar="NAME",
        help="A named set of thresholds of the model.  [default: the model's own thresholds]",
    )
    threshold = click.option(
        "--threshold",
        type=click.FloatRange(0.0, 1.0),
        metavar="X",
        help="One threshold for all genres.  [default: the model's own thresholds]",
    )
    return threshold(point(exclude_genres_option(command)))
