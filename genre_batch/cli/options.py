"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

__all__ = [
    "AUGMENTED_ROWS",
    "KEEPS",
    "LOSSES",
    "SAMPLINGS",
    "THRESHOLD_METHODS",
    "TUNE_METHODS",
    "labelled_options",
]

AUGMENTED_ROWS = ("none-of-top-4", "rare", "all")
LOSSES = ("bce", "focal", "asymmetric", "class-balanced")
SAMPLINGS = ("uniform", "rare")
KEEPS = ("last", "best")
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
TUNE_METHODS = (*THRESHOLD_METHODS, "conditional")
"""`evaluation.tune.TUNE_METHODS`, likewise."""

_LABELLED = (
    click.option(
        "-m",
        "--model",
        metavar="PATH",
        help="An exported .onnx.  [default: $GENRE_BATCH_MODEL, then the shipped one]",
    ),
    click.option(
        "--split", metavar="FILE", help="Which row is in which part: columns row and part."
    ),
    click.option(
        "--part",
        metavar="train|dev|test",
        help="Only this part, by --split or by the catalog's own column part.",
    ),
    click.option(
        "--input-format",
        type=click.Choice(["csv", "tsv", "jsonl", "parquet", "arrow"]),
        help="Override the catalog's suffix.",
    ),
    click.option("--text-column", metavar="NAME", help="The column of overviews."),
    click.option("--title-column", metavar="NAME", help="The column of titles."),
    click.option("--genre-column", metavar="NAME", help="The column of genres."),
    click.option("--genre-separator", metavar="STR", help="What stands between genres in a cell."),
    click.option(
        "--ignore-unknown", is_flag=True, help="Leave out genres that the model does not know."
    ),
    click.option("--threads", type=click.IntRange(min=1), metavar="N", help="Rows run at a time."),
)


def labelled_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options of commands that read a labelled catalog with a model."""
    for option in reversed(_LABELLED):
        command = option(command)
    return command
