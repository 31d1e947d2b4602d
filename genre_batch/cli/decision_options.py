"""Options that decide which genres are predicted, and the names of threshold methods."""

from __future__ import annotations

import click

from genre_batch.cli.column_options import option_with_default, together
from genre_batch.cli.list_option import ListOption

__all__ = [
    "DEFAULT_METHOD",
    "THRESHOLD_METHODS",
    "TUNE_METHODS",
    "exclude_genres_option",
    "threshold_options",
]

THRESHOLD_METHODS = (
    "f1",
    "f1-shrunk",
    "f1-floor",
    "f1-expected",
    "fixed-0.5",
    "anneal-1",
    "anneal-5",
    "anneal-10",
    "anneal-10-decay",
    "mcc-grid",
    "beam",
    "genetic",
)
"""The keys of `thresholds.METHODS`, named here so that `--help` need not import numpy."""
DEFAULT_METHOD = "f1-expected"
"""`thresholds.DEFAULT_METHOD`, likewise."""
TUNE_METHODS = (*THRESHOLD_METHODS, "conditional")
"""`evaluation.tune.TUNE_METHODS`, likewise."""

exclude_genres_option = click.option(
    "--exclude-genres",
    cls=ListOption,
    metavar="A,B,...",
    help="Genres to leave out, in any case.  [default: none]",
)

threshold_options = together(
    click.option(
        "--threshold",
        type=click.FloatRange(0.0, 1.0),
        metavar="X",
        help="One threshold for all genres.  [default: the model's own thresholds]",
    ),
    click.option(
        "--operating-point",
        metavar="NAME",
        help="A named set of thresholds of the model, such as precision=0.9; tune adds others.  "
        "[default: the model's own thresholds]",
    ),
    option_with_default(
        "--top-k",
        click.IntRange(min=1),
        "N",
        "Maximum number of genres per row; on its own, it ignores thresholds.  "
        "[default: no maximum]",
    ),
    option_with_default(
        "--min-k",
        click.IntRange(min=1),
        "N",
        "Minimum number of genres per row: the most probable others are added.  "
        "[default: no minimum]",
    ),
    exclude_genres_option,
    click.option(
        "--calibrated",
        is_flag=True,
        help="Show, order and count genres by calibrated probabilities, which agree with "
        "frequencies; --threshold then applies to them. The model's own thresholds and operating "
        "points select the same genres as without it.",
    ),
)
"""Add the fields of `model.decision.Decision`: what replaces a model's own thresholds."""
