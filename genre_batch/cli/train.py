"""`genre-batch train`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from genre_batch.cli.console import (
    figures_table,
    note,
    print_tables,
    progress_option,
    steps_progress,
)
from genre_batch.cli.options import (
    KEEPS,
    LOSSES,
    SAMPLINGS,
    THRESHOLD_METHODS,
    column_options,
    columns_from,
    reading_from,
    reading_options,
)

__all__ = ["train"]


@click.command(short_help="Fine-tune a DistilBERT on a labelled catalog.")
@click.argument("catalog")
@click.option(
    "-o", "--output", "folder", required=True, metavar="RUN_DIR", help="The run's folder."
)
@click.option(
    "--base-model",
    default="distilbert-base-uncased",
    show_default=True,
    metavar="ID|DIR|minilm",
    help="A hub id, a local folder, or minilm: MiniLM-L6 weights in DistilBERT's architecture, "
    "from a package, without a download. Encoders of other architectures can only be teachers.",
)
@click.option(
    "--recipe",
    type=click.Choice(["default", "paper"]),
    default="default",
    show_default=True,
    help="What the options below start from; paper: batch 8, 5 epochs, first token.",
)
@click.option(
    "--protocol",
    type=click.Choice(["clean", "paper"]),
    default="clean",
    show_default=True,
    help="clean: films with the same overview in one part; paper: split row by row.",
)
@click.option(
    "--split",
    metavar="FILE",
    help="A file with the columns row (0-based) and part (train, dev, test), to split by.",
)
@click.option(
    "--extra-train",
    metavar="PATH",
    help="A further labelled catalog to train on; films of dev and test are left out of it.",
)
@click.option("--epochs", type=click.IntRange(min=1), metavar="N")
@click.option("--batch-size", type=click.IntRange(min=1), metavar="N")
@click.option("--learning-rate", type=click.FloatRange(min=0, min_open=True), metavar="X")
@click.option("--seed", type=click.IntRange(min=0), metavar="N")
@click.option("--max-length", type=click.IntRange(min=8), metavar="TOKENS")
@click.option(
    "--layers",
    type=click.IntRange(min=1),
    metavar="N",
    help="Start from N of the base model's layers, evenly spread, the first and the last among "
    "them: a faster model of less quality.",
)
@click.option(
    "--ffn-width",
    type=click.IntRange(min=1),
    metavar="N",
    help="Start from N feed-forward units of each layer, those with the largest weights.",
)
@click.option(
    "--loss",
    type=click.Choice(LOSSES),
    help="What is made small; bce: binary cross-entropy.",
)
@click.option(
    "--sampling",
    type=click.Choice(SAMPLINGS),
    help="rare: films of rare genres are drawn more often.",
)
@click.option(
    "--layer-decay",
    type=click.FloatRange(0, 1, min_open=True),
    metavar="X",
    help="Each layer's learning rate over that of the layer above it.",
)
@click.option(
    "--freeze-layers",
    type=click.IntRange(min=0),
    metavar="N",
    help="Leave the embeddings and the N lowest layers as they are.",
)
@click.option(
    "--averaging",
    type=click.FloatRange(0, 1, max_open=True),
    metavar="DECAY",
    help="Keep the running average of the weights instead of the last ones.",
)
@click.option(
    "--keep",
    type=click.Choice(KEEPS),
    help="Which weights: the last, or those of the epoch that is best on dev.",
)
@click.option(
    "--masking",
    type=click.FloatRange(0, 1, max_open=True),
    metavar="SHARE",
    help="Share of the tokens that are hidden, others each epoch.",
)
@click.option(
    "--teacher",
    "teachers",
    multiple=True,
    metavar="RUN_DIR",
    help="A finished run to learn from besides the labels; may be given several times.",
)
@click.option(
    "--teacher-weight",
    type=click.FloatRange(0, 1),
    metavar="SHARE",
    help="The teachers' share in the loss.",
)
@click.option(
    "--recombined",
    type=click.FloatRange(min=0),
    metavar="SHARE",
    help="Further texts of sentences of two films, for each film; only teachers label them.",
)
@click.option(
    "--align-to",
    metavar="ID|DIR",
    help="An encoder, usually a larger one: before it learns genres, the base model learns to give "
    "its vectors for the training films.",
)
@click.option(
    "--align-epochs",
    type=click.IntRange(min=1),
    metavar="N",
    help="Passes over the training films for that.",
)
@click.option(
    "--pooling", type=click.Choice(["mean", "first"]), help="What the head reads of the tokens."
)
@click.option("--with-title", is_flag=True, help="Let the model read 'Title. Overview'.")
@click.option(
    "--title-dropout",
    type=click.FloatRange(0, 1),
    metavar="SHARE",
    help="Share of the films whose title is left out, so that catalogs without titles are served.",
)
@reading_options
@column_options()
@click.option(
    "--thresholds",
    type=click.Choice(THRESHOLD_METHODS),
    default="f1",
    show_default=True,
    help="How each genre's threshold is found on the dev part; conditional ones only by tune.",
)
@click.option("--resume", is_flag=True, help="Go on from the last checkpoint of the same command.")
@progress_option
def train(
    catalog: str,
    folder: str,
    base_model: str,
    recipe: str,
    protocol: str,
    split: str | None,
    extra_train: str | None,
    teachers: tuple[str, ...],
    align_to: str | None,
    with_title: bool,
    thresholds: str,
    resume: bool,
    progress: bool | None,
    **fine_tuning: Any,
) -> None:
    """Fine-tune a DistilBERT on a labelled catalog, split 70/20/10 into train, dev and test.

    CATALOG is any table with a text and a genre column; genres may be "Drama, Comedy", JSON or
    Python lists, JSON objects with a name, or separated by pipes. RUN_DIR becomes a transformers
    checkpoint with splits.parquet, thresholds.json, metrics.json and training_log.jsonl, and
    report.html shows it all on one page.

    \b
    Example, without a download:
      genre-batch train films.csv -o run --base-model minilm
      genre-batch export-onnx run -o model.onnx
    """
    from genre_batch.catalog.formats import input_location
    from genre_batch.extras import require_extra

    reading, columns = reading_from(fine_tuning), columns_from(fine_tuning)
    location = reading.locate(catalog)
    split_file = input_location(split) if split else None
    extra = input_location(extra_train) if extra_train else None
    require_extra("genre-batch train", "train")

    from dataclasses import replace

    from genre_batch.training.options import RECIPES
    from genre_batch.training.run import TrainJob
    from genre_batch.training.run import train as run_training

    given = {name: value for name, value in fine_tuning.items() if value is not None}
    job = TrainJob(
        catalog=location,
        folder=Path(folder),
        base_model=base_model,
        recipe=recipe,
        options=replace(RECIPES[recipe], **given),
        columns=columns,
        reading=reading,
        with_title=with_title,
        protocol=protocol,
        split=split_file,
        extra_train=extra,
        teachers=tuple(Path(teacher) for teacher in teachers),
        align_to=align_to,
        thresholds=thresholds,
        resume=resume,
    )
    with steps_progress(progress) as advance:
        report = run_training(job, advance)
    films = ", ".join(f"{count:,} {part}" for part, count in report.films.items())
    note(f"films: {films}; {report.dropped:,} rows without text or genre left out")
    print_tables(figures_table(report.metrics))
    then = (
        f"genre-batch export-onnx {folder} -o model.onnx"
        if report.exportable
        else f"genre-batch train {catalog} --teacher {folder} ..., for a model to export"
    )
    note(f"trained in {report.seconds:,.0f} s, figures in {report.page}: next, {then}")
