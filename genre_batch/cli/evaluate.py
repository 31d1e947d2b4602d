"""`genre-batch evaluate`."""

from __future__ import annotations

import shlex
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import click

from genre_batch.cli.console import (
    note,
    print_json,
    print_tables,
    progress_option,
    rows_progress,
    table,
)
from genre_batch.cli.decision_options import threshold_options
from genre_batch.cli.option_groups import COLUMNS, READING, grouped_command
from genre_batch.cli.options import evaluation_job_from, group_option, labelled_options
from genre_batch.cli.report_option import check_report, note_page, report_option, write_page
from genre_batch.errors import counted, counted_rows

if TYPE_CHECKING:
    from rich.table import Table

    from genre_batch.evaluation.against import ModelComparison
    from genre_batch.evaluation.evaluate import Evaluation

__all__ = ["evaluate"]

_CHANGED_SHOWN = 10  # rows that two models predict differently


_GROUPS = {
    "Input": ("split", "part", "group", *READING, *COLUMNS, "ignore_unknown"),
    "Output": ("as_json", "report"),
    "Model": (
        *("model", "threshold", "operating_point", "top_k", "min_k", "exclude_genres"),
        *("calibrated", "against"),
    ),
    "Run": ("threads", "progress"),
}


@grouped_command(_GROUPS, "Score a model on a labeled catalog.")
@labelled_options
@threshold_options
@click.option(
    "--against",
    metavar="MODEL.onnx",
    help="Also score another model on the same rows: differences with paired bootstrap intervals, "
    "over all genres and of each, and the rows that are predicted differently.",
)
@group_option("every wording is scored, and the intervals resample films")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@report_option
@progress_option
def evaluate(
    as_json: bool,
    report: str | None,
    progress: bool | None,
    **options: Any,
) -> None:
    """Score a model on a labeled catalog.

    Prints averages with 95 % bootstrap intervals over films, and for each genre the confusion
    matrix, precision, recall, F1, average precision, Matthews correlation, and the calibration
    error of its probabilities, raw and calibrated. Warns if the model was trained on some of these
    films: figures on training films are too optimistic.

    \b
    Examples:
      genre-batch evaluate labeled.csv
      genre-batch evaluate 'labeled/*.parquet' more.csv
      genre-batch evaluate films.csv --split films.split.csv --part test --json
      genre-batch evaluate labeled.csv --report report.html
      genre-batch evaluate labeled.csv -m new.onnx --against old.onnx
    """
    from genre_batch.evaluation.evaluate import evaluate as run
    from genre_batch.model.decision import Decision

    read = [options[name] for name in ("model", "split", "against", "genre_map", "label_names")]
    written = {"rejects": options["rejects"]}
    names = [field.name for field in fields(Decision)]
    decision = Decision(**{name: options.pop(name) for name in names})
    job = evaluation_job_from(options, decision)
    location = job.reading.locate_all(job.catalog)
    job = replace(job, catalog=location)
    if report is not None:
        files = [*(file.path for file in location.each_file), *read]
        check_report("evaluate", report, files, written)
    with rows_progress(progress) as advance:
        result = run(job, advance)
    rows = result.row_name
    if result.trained_on:
        note(
            f"Warning: the model was trained on {result.trained_on:,} of these "
            f"{counted_rows(result.films, rows)}: figures on training {rows} are too optimistic"
        )
    if report is not None:
        from genre_batch.report.evaluation_page import evaluation_report

        note_page(write_page(evaluation_report(result), report), report)
    if as_json:
        print_json(result.as_dict())
    else:
        _show(result)
        if result.against is not None:
            _show_comparison(result.against, rows)


def _show(result: Evaluation) -> None:
    """Print the tables of averages and genres, and what was left out."""
    tables = (_averages(result), _genres(result), _calibration(result))
    print_tables(*tables, stderr=False)
    left_out = f", {result.left_out:,} without text or genre left out" if result.left_out else ""
    scored = counted_rows(result.films, result.row_name)
    if result.distinct_films is not None:
        films = counted_rows(result.distinct_films, result.row_name)
        scored = f"{counted(result.films, 'wording')} of {films}"
    note(f"{scored}{left_out}; model {result.model}")
    if result.excluded:
        note(f"genres that were not scored: {', '.join(result.excluded)}")
    if absent := [row.genre for row in result.genres if not row.films]:
        option = f"--exclude-genres {shlex.quote(','.join(absent))}"
        note(
            f"genres that none of these {result.row_name} has: {', '.join(absent)}; each counts "
            f"as 0 in macro-F1, and is left out with {option}"
        )
    if result.ignored:
        ignored = ", ".join(f"{name} ({count:,})" for name, count in result.ignored.items())
        note(f"genres that the model does not know, left out: {ignored}")


def _show_comparison(comparison: ModelComparison, rows: str) -> None:
    """Print the differences from another model, and the first rows that changed."""
    title = f"Against {comparison.against}"
    figures = table(title, "figure", "model", "against", "difference", "95 % interval")
    for figure in (*comparison.averages, *comparison.genres):
        low, high = figure.interval
        values = f"{figure.model:.3f}", f"{figure.against:.3f}", f"{figure.difference:+.3f}"
        figures.add_row(figure.name, *values, f"{low:+.3f} to {high:+.3f}")
    changed = table("Predicted differently", "row", "genres", "model", "against")
    for row in comparison.changed[:_CHANGED_SHOWN]:
        cells = (", ".join(genres) or "-" for genres in (row.genres, row.model, row.against))
        changed.add_row(f"{row.row:,}", *cells)
    print_tables(figures, changed, stderr=False)
    note(f"{counted_rows(len(comparison.changed), rows)} predicted differently; all with --json")
    if comparison.left_out:
        note(f"genres that only one model knows, left out: {', '.join(comparison.left_out)}")


def _averages(result: Evaluation) -> Table:
    averages = table("Averages", "figure", "value", "95 % interval")
    for average in result.averages:
        interval = "" if average.interval is None else "{:.3f} to {:.3f}".format(*average.interval)
        averages.add_row(average.name, f"{average.value:.3f}", interval)
    return averages


def _calibration(result: Evaluation) -> Table:
    """Return a table of how well each genre's probabilities agree with frequencies."""
    from genre_batch.evaluation.calibration import BINS

    is_calibrated = result.calibrated_error is not None
    more = ("calibrated", "error") if is_calibrated else ()
    genres = table("Calibration", "genre", "share", "mean probability", "error", *more)
    genres.caption_justify = "left"
    genres.caption = f"error: expected calibration error, up to {BINS} bins of equal mass."
    for row in result.calibration:
        figures = [row.share, row.mean_probability, row.error]
        if row.calibrated_mean_probability is not None and row.calibrated_error is not None:
            figures += [row.calibrated_mean_probability, row.calibrated_error]
        genres.add_row(row.genre, *(f"{figure:.3f}" for figure in figures))
    return genres


def _genres(result: Evaluation) -> Table:
    counts = (result.row_name, "tp", "fp", "fn", "tn")
    genres = table("Genres", "genre", *counts, "precision", "recall", "F1", "AP", "MCC")
    for row in result.genres:
        metrics = (row.precision, row.recall, row.f1, row.average_precision, row.mcc)
        genres.add_row(
            row.genre,
            *(f"{count:,}" for count in (row.films, row.tp, row.fp, row.fn, row.tn)),
            *("-" if metric is None else f"{metric:.3f}" for metric in metrics),
        )
    return genres
