"""`genre-batch tune`."""

from __future__ import annotations

from typing import Any

import click

from genre_batch.cli.console import note, print_tables, progress_option, rows_progress, table
from genre_batch.cli.options import (
    TUNE_METHODS,
    columns_from,
    force_option,
    labelled_options,
    reading_from,
)

__all__ = ["tune"]


@click.command(short_help="Find a model's thresholds anew on a labelled catalog.")
@click.argument("source", metavar="CATALOG")
@click.option("-o", "--output", required=True, metavar="MODEL.onnx", help="The model to write.")
@labelled_options
@click.option(
    "--method",
    type=click.Choice(TUNE_METHODS),
    default="f1",
    show_default=True,
    help="How each genre's threshold is found; conditional: two, by another genre's prediction.",
)
@force_option
@progress_option
def tune(output: str, method: str, force: bool, progress: bool | None, **options: Any) -> None:
    """Find a model's thresholds anew on a labelled catalog.

    Writes a copy of the model with new thresholds and the operating points f1, balanced,
    precision=0.9, recall=0.9 and score, for tag --operating-point. Their precision and recall are
    measured on films that had no say in them. Take films that the model was not trained on.

    With --method conditional a genre for which it pays has two thresholds: one where another genre
    is predicted (comedy given romance), one where it is not. The operating points stay plain.

    \b
    Example:
      genre-batch tune labelled.csv -o tuned.onnx
      genre-batch tag films.csv -m tuned.onnx --operating-point precision=0.9 -o tagged.csv
    """
    from genre_batch.evaluation.evaluate import EvaluationJob
    from genre_batch.evaluation.tune import TuneJob
    from genre_batch.evaluation.tune import tune as run

    data = EvaluationJob(reading=reading_from(options), columns=columns_from(options), **options)
    job = TuneJob(data, output, method, force)
    with rows_progress(progress) as advance:
        report = run(job, advance)
    points = table(
        "Operating points, on films without a say in them", "name", "precision", "recall", "off"
    )
    for name, measured in report.points.items():
        off = ", ".join(report.off.get(name, ())) or "-"
        points.add_row(name, f"{measured.precision:.3f}", f"{measured.recall:.3f}", off)
    print_tables(points)
    if report.given:
        pairs = ", ".join(f"{one} given {other}" for one, other in report.given.items())
        note(f"two thresholds each: {pairs}")
    elif method == "conditional":
        note("no genre gains by looking at another one: one threshold each, as by --method f1")
    note(
        f"{report.films:,} films, macro-F1 {report.scores.macro_f1:.3f} on these very films; "
        f"written to {output}: next, genre-batch tag CATALOG -m {output}"
    )
