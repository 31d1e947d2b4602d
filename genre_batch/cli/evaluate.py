"""`genre-batch evaluate`."""

from __future__ import annotations

from typing import Any

import click

from genre_batch.cli.console import (
    note,
    print_json,
    print_tables,
    progress_option,
    rows_progress,
    table,
)
from genre_batch.cli.options import columns_from, labelled_options, reading_from

__all__ = ["evaluate"]


@click.command(short_help="Score a model on a labelled catalog.")
@click.argument("source", metavar="CATALOG")
@labelled_options
@click.option(
    "--threshold",
    type=click.FloatRange(0.0, 1.0),
    metavar="X",
    help="One threshold for every genre, instead of the model's own.",
)
@click.option(
    "--operating-point", metavar="NAME", help="One of the model's named sets of thresholds."
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.option(
    "--report",
    metavar="PATH.html",
    help="Also write a page of tables and figures; one that is there is replaced.",
)
@progress_option
def evaluate(
    as_json: bool,
    report: str | None,
    progress: bool | None,
    threshold: float | None,
    operating_point: str | None,
    **options: Any,
) -> None:
    """Score a model on a labelled catalog.

    Prints the averages with their 95 % bootstrap intervals over films, and each genre's confusion
    matrix, precision, recall, F1, average precision and Matthews correlation. Says when the model
    was trained on some of these films: its figures on them are no promise for others.

    \b
    Examples:
      genre-batch evaluate labelled.csv
      genre-batch evaluate films.csv --split films.split.csv --part test --json
      genre-batch evaluate labelled.csv --report report.html
    """
    from genre_batch.evaluation.evaluate import EvaluationJob
    from genre_batch.evaluation.evaluate import evaluate as run
    from genre_batch.model.decision import Decision

    if report is not None:
        _check_report(report)
    job = EvaluationJob(
        reading=reading_from(options),
        columns=columns_from(options),
        decision=Decision(threshold, operating_point),
        **options,
    )
    with rows_progress(progress) as advance:
        result = run(job, advance)
    if result.trained_on:
        note(
            f"Warning: the model was trained on {result.trained_on:,} of these {result.films:,} "
            f"films: its figures on them are no promise for others"
        )
    if report is not None:
        from genre_batch.report.evaluation_page import evaluation_report
        from genre_batch.report.page import write_report

        write_report(evaluation_report(result), report)
        note(f"report written to {report}")
    if as_json:
        print_json(result.as_dict())
        return
    averages = table("Averages", "figure", "value", "95 % interval")
    scores = result.scores
    for name, value, interval in (
        ("macro-F1", scores.macro_f1, scores.macro_f1_interval),
        ("micro-F1", scores.micro_f1, scores.micro_f1_interval),
        ("mAP", scores.map, scores.map_interval),
        ("samples F1", result.samples_f1, None),
        ("exact match", result.exact_match, None),
        ("calibration error", result.calibration_error, None),
        ("accuracy (paper)", scores.accuracy, None),
        ("score (paper)", scores.score, None),
    ):
        shown = "" if interval is None else f"{interval[0]:.3f} to {interval[1]:.3f}"
        averages.add_row(name, f"{value:.3f}", shown)
    genres = table(
        "Genres", "genre", "films", "tp", "fp", "fn", "tn", "precision", "recall", "F1", "AP", "MCC"
    )
    for one in result.genres:
        figures = (one.precision, one.recall, one.f1, one.average_precision, one.mcc)
        genres.add_row(
            one.genre,
            *(f"{count:,}" for count in (one.films, one.tp, one.fp, one.fn, one.tn)),
            *("-" if figure is None else f"{figure:.3f}" for figure in figures),
        )
    print_tables(averages, genres, stderr=False)
    left_out = f", {result.left_out:,} without text or genre left out" if result.left_out else ""
    note(f"{result.films:,} films{left_out}; model {result.model}")
    if result.ignored:
        named = ", ".join(f"{name} ({count:,})" for name, count in result.ignored.items())
        note(f"genres that the model does not know, left out: {named}")


def _check_report(path: str) -> None:
    """Refuses what cannot be written, before any film is predicted."""
    from genre_batch.extras import require_extra
    from genre_batch.files import check_output_file

    check_output_file(path, name="`report`")
    require_extra("genre-batch evaluate --report", "report")
