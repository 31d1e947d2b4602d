"""`genre-batch compare`."""

from __future__ import annotations

import os
from typing import Any

import click

from genre_batch.cli.console import (
    note,
    print_json,
    print_tables,
    progress_option,
    set_stop_message,
    steps_progress,
    table,
)
from genre_batch.cli.list_option import ListOption
from genre_batch.cli.option_groups import COLUMNS, READING, grouped_command
from genre_batch.cli.options import (
    base_model_option,
    catalog_argument,
    column_options,
    columns_from,
    option_with_default,
    output_option,
    reading_from,
    reading_options,
)

__all__ = ["compare"]

_MEASURES = {
    "macro-F1": "macro_f1",
    "micro-F1": "micro_f1",
    "mAP": "map",
    "accuracy": "accuracy",
    "score": "score",
}
"""Heading of the table -> key of comparison.json."""


_GROUPS = {
    "Input": ("split", "oversampled", *READING, *COLUMNS),
    "Output": ("output", "as_json"),
    "Experiment": ("protocols", "systems", "base_model", "bert_model", "model", "seed", "quick"),
    "Run": ("progress",),
}


@grouped_command(_GROUPS, "Run the paper's experiment with the systems it cites.")
@catalog_argument
@output_option("FOLDER", "Output folder. An interrupted comparison is resumed.")
@click.option(
    "--protocol",
    "protocols",
    type=click.Choice(["clean", "paper", "both"]),
    default="clean",
    show_default=True,
    help="clean: split films, then copy training films; paper: copy films, then split all rows.",
)
@click.option(
    "--systems",
    cls=ListOption,
    metavar="NAME,...",
    help="Systems to fit, such as tfidf-logreg,distilbert; the results of others in the folder are "
    "kept.  [default: all]",
)
@click.option(
    "--split",
    metavar="FILE",
    help="File that assigns rows to parts under the clean protocol: columns row (0-based) and part "
    "(train, dev, test).  [default: a random split]",
)
@base_model_option("Base model of the systems named distilbert.")
@click.option(
    "--bert-model",
    metavar="ID|DIR|minilm",
    help="Base model of the system bert.  [default: that of --base-model]",
)
@click.option(
    "-m",
    "--model",
    metavar="PATH",
    help="Exported .onnx model to score as the system shipped.  [default: $GENRE_BATCH_MODEL, then "
    "the shipped model]",
)
@click.option(
    "--oversampled",
    metavar="PATH",
    help="Catalog with copies, from genre-batch augment.  [default: made with Apertium]",
)
@option_with_default("--seed", click.IntRange(min=0), "N", "Seed of splits and training.", 0)
@click.option("--quick", is_flag=True, help="Use 1,500 rows and one epoch, to check that it runs.")
@reading_options
@column_options()
@click.option("--json", "as_json", is_flag=True, help="Print the rows as JSON on stdout.")
@progress_option
@click.pass_context
def compare(
    context: click.Context,
    /,
    systems: str | None,
    protocols: str,
    as_json: bool,
    progress: bool | None,
    **options: Any,
) -> None:
    """Train the paper's systems on CATALOG, and score them and the shipped model.

    CATALOG is one table: files, globs, folders or URLs, or a piped stdin.

    FOLDER gets comparison.json (a row for each system, threshold scheme and protocol),
    comparison.md and report.html. All systems take hours; after an interruption, run the same
    command again to resume.

    \b
    Examples:
      genre-batch compare films.csv -o run --quick --systems tfidf-nb,tfidf-logreg,always-0
      genre-batch compare films.csv -o run --protocol both --base-model minilm
    """
    from genre_batch.catalog.reading.rereadable import rereadable
    from genre_batch.extras import require_extra

    reading, columns = reading_from(options), columns_from(options)
    location = reading.locate_all(options.pop("catalog"))
    require_extra("genre-batch compare", "train")
    (catalog,) = context.with_resource(rereadable([location]))

    from genre_batch.comparison.job import PROTOCOLS, CompareJob
    from genre_batch.comparison.run import compare as run_comparison
    from genre_batch.comparison.systems.registry import SYSTEMS

    job = CompareJob(
        catalog=catalog,
        protocols=PROTOCOLS if protocols == "both" else (protocols,),
        systems=tuple(systems.split(",")) if systems else tuple(SYSTEMS),
        columns=columns,
        reading=reading,
        **options,
    )
    begun = os.path.join(job.output, "provenance.json")
    set_stop_message(begun, "run the same command again")
    with steps_progress(progress) as advance:
        result = run_comparison(job, advance)
    if as_json:
        print_json(result.rows)
    else:
        _print_rows(result.rows)
    if job.quick:
        note("--quick: the figures only show that the command runs")
    note(f"{result.trials} systems fitted now; tables and figures in {job.output}")


def _print_rows(rows: list[dict[str, Any]]) -> None:
    """Print each system's row at its default thresholds."""
    systems = table("Systems", "system", "protocol", "thresholds", *_MEASURES)
    for row in rows:
        if row["thresholds"] in ("f1", "top-genre") or row["system"] == "always-0":
            figures = (f"{row[key]:.4f}" for key in _MEASURES.values())
            systems.add_row(row["system"], row["protocol"], row["thresholds"], *figures)
    print_tables(systems)
