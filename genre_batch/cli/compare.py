"""`genre-batch compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from genre_batch.cli.console import (
    note,
    print_json,
    print_tables,
    progress_option,
    steps_progress,
    table,
)
from genre_batch.cli.options import column_options, columns_from, reading_from, reading_options

__all__ = ["compare"]


@click.command(short_help="The paper's experiment, beside the systems it cites.")
@click.argument("catalog")
@click.option(
    "-o",
    "--output",
    "folder",
    required=True,
    metavar="RUN_DIR",
    help="Where the comparison grows. One that was interrupted is gone on with.",
)
@click.option(
    "--protocol",
    type=click.Choice(["clean", "paper", "both"]),
    default="clean",
    show_default=True,
    help="clean: films are split before copies are made; paper: after, row by row.",
)
@click.option(
    "--systems",
    metavar="NAME,...",
    help="Which systems; those that the folder holds already stay.  [default: all]",
)
@click.option(
    "--split",
    metavar="FILE",
    help="A file with the columns row (0-based) and part, for the clean protocol.",
)
@click.option(
    "--base-model",
    default="distilbert-base-uncased",
    show_default=True,
    metavar="ID|DIR|minilm",
    help="The encoder of the paper's DistilBERT.",
)
@click.option(
    "--bert-model",
    metavar="ID|DIR|minilm",
    help="The encoder of the system bert.  [default: that of --base-model]",
)
@click.option("-m", "--model", metavar="PATH", help="The exported model of the system shipped.")
@click.option(
    "--oversampled",
    metavar="PATH",
    help="The catalog with its copies, from genre-batch augment.  [default: made with Apertium]",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, metavar="N")
@click.option("--quick", is_flag=True, help="1,500 rows, one epoch: to see that it runs.")
@reading_options
@column_options()
@click.option("--json", "as_json", is_flag=True, help="The rows as JSON on stdout.")
@progress_option
def compare(
    catalog: str,
    folder: str,
    protocol: str,
    systems: str | None,
    split: str | None,
    base_model: str,
    bert_model: str | None,
    model: str | None,
    oversampled: str | None,
    seed: int,
    quick: bool,
    as_json: bool,
    progress: bool | None,
    **options: Any,
) -> None:
    """Train and score every system of the paper on CATALOG, and the shipped model beside them.

    RUN_DIR gets comparison.json (a row for each system, threshold scheme and protocol),
    comparison.md and report.html. All of it takes hours; type the same command to go on after an
    interruption.

    \b
    Examples:
      genre-batch compare films.csv -o run --quick --systems tfidf-nb,tfidf-logreg,always-0
      genre-batch compare films.csv -o run --protocol both --base-model minilm
    """
    from genre_batch.catalog.formats import input_location
    from genre_batch.extras import require_extra

    reading = reading_from(options)
    location = reading.locate(catalog)
    split_file = input_location(split) if split else None
    copies = input_location(oversampled) if oversampled else None
    require_extra("genre-batch compare", "train")

    from genre_batch.comparison.job import PROTOCOLS, CompareJob
    from genre_batch.comparison.run import compare as run_comparison
    from genre_batch.comparison.systems.registry import SYSTEMS

    job = CompareJob(
        catalog=location,
        folder=Path(folder),
        protocols=PROTOCOLS if protocol == "both" else (protocol,),
        systems=tuple(systems.split(",")) if systems else tuple(SYSTEMS),
        columns=columns_from(options),
        reading=reading,
        split=split_file,
        base_model=base_model,
        bert_model=bert_model,
        model=model,
        oversampled=copies,
        seed=seed,
        quick=quick,
    )
    with steps_progress(progress) as advance:
        report = run_comparison(job, advance)
    if as_json:
        print_json(report.rows)
    else:
        shown = table(
            "Systems",
            "system",
            "protocol",
            "thresholds",
            "macro-F1",
            "micro-F1",
            "mAP",
            "accuracy",
            "score",
        )
        for row in report.rows:
            if row["thresholds"] in ("f1", "top-genre") or row["system"] == "always-0":
                figures = ("macro_f1", "micro_f1", "map", "accuracy", "score")
                shown.add_row(
                    row["system"],
                    row["protocol"],
                    row["thresholds"],
                    *(f"{row[name]:.4f}" for name in figures),
                )
        print_tables(shown)
    if quick:
        note("--quick: these figures show that it runs, and nothing else")
    note(f"{report.trials} systems fitted now; tables and figures in {folder}")
