"""`genre-batch tune`."""

from __future__ import annotations

from typing import Any

import click

from genre_batch.cli.console import note, print_tables, progress_option, rows_progress, table
from genre_batch.cli.options import THRESHOLD_METHODS, labelled_options

__all__ = ["tune"]


@click.command(short_help="Find a model's thresholds anew on a labelled catalog.")
@click.argument("source", metavar="CATALOG")
@click.option("-o", "--output", required=True, metavar="MODEL.onnx", help="The model to write.")
@labelled_options
@click.option(
    "--method",
    type=click.Choice(THRESHOLD_METHODS),
    default="f1",
    show_default=True,
    help="How each genre's threshold is found.",
)
@click.option("--force", is_flag=True, help="Overwrite an existing output.")
@progress_option
def tune(output: str, method: str, force: bool, progress: bool | None, **options: Any) -> None:
    """Find a model's thresholds anew on a labelled catalog.

    Writes a copy of the model with new thresholds and the operating points f1, balanced,
    precision=0.9, recall=0.9 and score, for tag --operating-point. Their precision and recall are
    measured on films that had no say in them. Take films that the model was not trained on.

    \b
    Example:
      genre-batch tune labelled.csv -o tuned.onnx
      genre-batch tag films.csv -m tuned.onnx --operating-point precision=0.9 -o tagged.csv
    """
    from genre_batch.evaluation.evaluate import EvaluationJob
    from genre_batch.evaluation.tune import TuneJob
    from genre_batch.evaluation.tune import tune as run

    job = TuneJob(EvaluationJob(**options), output, method, force)
    with rows_progress(progress) as advance:
        report = run(job, advance)
    points = table(
        "Operating points, on films without a say in them", "name", "precision", "recall", "off"
    )
    for name, measured in report.points.items():
        off = ", ".join(report.off.get(name, ())) or "-"
        points.add_row(name, f"{measured.precision:.3f}", f"{measured.recall:.3f}", off)
    print_tables(points)
    note(
        f"{report.films:,} films, macro-F1 {report.scores.macro_f1:.3f} on these very films; "
        f"written to {output}: next, genre-batch tag CATALOG -m {output}"
    )
