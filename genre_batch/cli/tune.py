"""`genre-batch tune`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from genre_batch.cli.console import (
    note,
    print_tables,
    progress_option,
    rows_progress,
    table,
)
from genre_batch.cli.decision_options import DEFAULT_METHOD, TUNE_METHODS
from genre_batch.cli.option_groups import COLUMNS, READING, grouped_command
from genre_batch.cli.options import (
    choice_option,
    evaluation_job_from,
    force_option,
    group_option,
    labelled_options,
    output_option,
)
from genre_batch.errors import counted, counted_rows

if TYPE_CHECKING:
    from genre_batch.evaluation.tune import TuneResult

__all__ = ["tune"]

_GENRES_SHOWN = 4  # of those that an operating point never predicts


_GROUPS = {
    "Input": ("split", "part", "group", *READING, *COLUMNS, "ignore_unknown"),
    "Output": ("output", "force"),
    "Model": ("model", "method", "operating_points"),
    "Run": ("threads", "progress"),
}


@grouped_command(_GROUPS, "Find new thresholds for a model on a labeled catalog.")
@output_option("MODEL.onnx", "Model file to write.")
@labelled_options
@group_option("every wording counts, and a film is on one side of a cross-fit")
@choice_option(
    "--method",
    TUNE_METHODS,
    DEFAULT_METHOD,
    "Method that finds the threshold of each genre; conditional: up to two, selected by whether "
    f"another genre is predicted. One of {', '.join(TUNE_METHODS)}.",
    "METHOD",
)
@click.option(
    "--operating-point",
    "operating_points",
    multiple=True,
    metavar="[GENRE:]TARGET",
    help="Also find this operating point: precision=X, recall=X, or cost=FP:FN (the costs of a "
    "false positive and of a missed genre); with GENRE: for that genre only. Several targets "
    "of one point are separated by commas; can be repeated.  [default: the usual five]",
)
@force_option
@progress_option
@click.pass_context
def tune(
    context: click.Context,
    /,
    output: str,
    method: str,
    operating_points: tuple[str, ...],
    force: bool,
    progress: bool | None,
    **options: Any,
) -> None:
    """Find new thresholds for a model on a labeled catalog.

    Writes a copy of the model with new thresholds, a new calibration (tag --calibrated) and the
    operating points f1, balanced, precision=0.9, recall=0.9 and score, for tag --operating-point,
    and those that you add. Their precision and recall, and the calibration error, are cross-fitted:
    each film is scored with what was fitted on the other half of the films. Use films that the
    model was not trained on.

    With --method conditional, a genre that benefits has two thresholds: one for films where another
    genre is predicted (comedy given romance), one for all others. The operating points keep one
    threshold per genre.

    \b
    Examples:
      genre-batch tune labeled.csv -o tuned.onnx
      genre-batch tune labeled.csv -o tuned.onnx --operating-point Horror:precision=0.95
      genre-batch tune wordings.csv -o tuned.onnx --group imdb_id
      genre-batch tag films.csv -m tuned.onnx --operating-point precision=0.9 -o tagged.csv
    """
    from genre_batch.catalog.reading.rereadable import rereadable
    from genre_batch.evaluation.tune import TuneJob
    from genre_batch.evaluation.tune import tune as run

    data = evaluation_job_from(options)
    location = data.reading.locate_all(data.catalog)
    (again,) = context.with_resource(rereadable([location]))
    if again is not location:
        data = replace(data, catalog=again)
    job = TuneJob(data, output, method, operating_points, force)
    with rows_progress(progress) as advance:
        result = run(job, advance)
    _show(result, method)


def _show(result: TuneResult, method: str) -> None:
    """Print the operating points, and the genres with two thresholds."""
    points = table("Operating points, cross-fitted", "name", "precision", "recall", "off")
    for name, measured in result.points.items():
        off = _shortened(result.off.get(name, ())) or "-"
        points.add_row(name, f"{measured.precision:.3f}", f"{measured.recall:.3f}", off)
    print_tables(points)
    error = result.calibration_error
    note(
        f"calibration error {error.raw:.3f}, calibrated (tag --calibrated) {error.calibrated:.3f}, "
        f"cross-fitted"
    )
    if result.off:
        note("off: no threshold reaches the target on these films, so the genre is never predicted")
    if result.given:
        pairs = ", ".join(f"{genre} given {other}" for genre, other in result.given.items())
        note(f"genres with two thresholds: {pairs}")
    elif method == "conditional":
        note("no genre gains from a second threshold: the result is that of --method f1")
    used = counted_rows(result.films, result.row_name)
    if result.distinct_films is not None:
        films = counted_rows(result.distinct_films, result.row_name)
        used = f"{counted(result.films, 'wording')} of {films}"
    note(
        f"{used}, "
        f"macro-F1 {result.scores.macro_f1:.3f} on the same {result.row_name}; "
        f"written to {result.output}: next, genre-batch tag CATALOG -m {result.output}"
    )


def _shortened(genres: tuple[str, ...]) -> str:
    """Return the first names, and the number of the others."""
    more = len(genres) - _GENRES_SHOWN
    return ", ".join(genres[:_GENRES_SHOWN]) + (f" and {more:,} more" if more > 0 else "")
