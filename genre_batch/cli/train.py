"""`genre-batch train`."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from genre_batch.cli.console import (
    figures_table,
    note,
    print_tables,
    progress_option,
    set_stop_message,
    steps_progress,
)
from genre_batch.cli.decision_options import (
    DEFAULT_METHOD,
    THRESHOLD_METHODS,
    exclude_genres_option,
)
from genre_batch.cli.option_groups import READING, grouped_command
from genre_batch.cli.options import (
    catalog_argument,
    column_options,
    learned_label_options,
    reading_options,
    split_option,
)
from genre_batch.cli.options import (
    option_with_default as _option,
)
from genre_batch.cli.preview import preview_training
from genre_batch.cli.training_options import training_options
from genre_batch.errors import counted

if TYPE_CHECKING:
    from genre_batch.training.run import TrainJob, TrainResult

__all__ = ["train"]

_GROUPS = {
    "Data": (
        *("protocol", "split", "part_column", "extra_train", "group", "soft_labels"),
        *("exclude_genres", "with_title", "title_dropout"),
        *("text_column", "title_column", "genre_column", "genre_separator", "row_name"),
        *("label_columns", "label_names", "genre_map", "no_aliases", "group_rows", "empty"),
        *("min_films", "merge_labels"),
        *READING,
    ),
    "Model": (
        "base_model",
        "init_from",
        "pooling",
        "max_length",
        "layers",
        "ffn_width",
        "activation",
        "freeze_layers",
    ),
    "Optimization": (
        *("epochs", "batch_size", "learning_rate", "layer_decay", "loss", "sampling"),
        *("masking", "averaging", "keep", "seed"),
    ),
    "Distillation": ("teachers", "teacher_weight", "recombined", "align_to", "align_epochs"),
    "Thresholds": ("thresholds",),
    "Run": ("folder", "recipe", "dry_run", "resume", "progress"),
}


@grouped_command(_GROUPS, "Fine-tune a DistilBERT on a labeled catalog.")
@catalog_argument
@_option(
    "--protocol",
    click.Choice(["clean", "paper"]),
    None,
    "How to split the films. clean: films with the same overview are in one part; paper: row by "
    "row.",
    "clean",
)
@split_option
@_option(
    *("--part-column", None, "NAME"),
    "Column of the catalog that assigns rows to parts: train, dev (or validation), test.  "
    "[default: a split is drawn]",
)
@click.option(
    "--extra-train",
    multiple=True,
    metavar="PATH[:WEIGHT]",
    help="Further labeled catalog to train on, without the films of dev and test; can be repeated. "
    "Options for CATALOG hold for it as far as they fit; its genres that CATALOG lacks are left "
    "out. WEIGHT is the weight of its films in the loss, 0 or more.  [default: none, weight 1]",
)
@_option(
    "--group",
    None,
    "COLUMN",
    "Column that identifies films, in any of the catalogs: rows with the same value are wordings "
    "of one film; they stay in one part, and one of them is drawn per epoch.  [default: every row "
    "is a film]",
)
@_option(
    "--soft-labels",
    None,
    "COLUMN",
    "Column of lists of probabilities to train on, one for each genre in alphabetical order; null "
    "in a list: nothing is known of that genre; no list: the row's genres.  [default: none]",
)
@exclude_genres_option
@click.option(
    "--with-title/--without-title",
    default=False,
    show_default=True,
    help="Let the model read 'Title. Overview'.",
)
@_option(
    "--title-dropout",
    click.FloatRange(0, 1),
    "FRACTION",
    "Fraction of films read without their title, resampled every epoch, so that the model also "
    "works on catalogs without titles.",
    0.25,
)
@column_options()
@learned_label_options
@_option(
    "--row-name",
    None,
    "NOUN",
    "What a row is called in tables, pages and messages about the model: a plural.",
    "films",
)
@reading_options
@training_options
@_option(
    "--thresholds",
    click.Choice(THRESHOLD_METHODS),
    "METHOD",
    "Method that finds each genre's threshold on the dev part, one of "
    f"{', '.join(THRESHOLD_METHODS)}; tune also finds conditional thresholds.",
    DEFAULT_METHOD,
)
@click.option("-o", "--output", "folder", metavar="RUN_DIR", help="The run's folder.")
@click.option("--dry-run", is_flag=True, help="Only show what would be learned.  [default: train]")
@click.option(
    "--recipe",
    default="default",
    show_default=True,
    metavar="NAME|FILE.toml",
    help="Values for options that are not given: default, paper (Balete and Ducay 2024), teacher, "
    "shipped and fast (how the shipped models were trained), or a TOML file such as "
    "RUN_DIR/recipe.toml.",
)
@click.option(
    "--resume", is_flag=True, help="Continue from the last checkpoint of the same command."
)
@progress_option
@click.pass_context
def train(
    context: click.Context,
    /,
    catalog: str | tuple[str, ...],
    folder: str | None,
    recipe: str,
    resume: bool,
    dry_run: bool,
    progress: bool | None,
    **values: Any,
) -> None:
    """Fine-tune a DistilBERT on a labeled catalog, split 70/20/10 into train, dev and test.

    CATALOG is any table with a text and a genre column: files, globs, folders or URLs, which are
    read as one table, or a piped stdin. Genres can be "Drama, Comedy", lists as any
    program writes them, or columns of 0 and 1; --dry-run shows what would be learned. RUN_DIR
    becomes a transformers checkpoint with splits.parquet, thresholds.json, metrics.json and
    training_log.jsonl; report.html shows everything on one page.

    An option overrides the recipe; an empty value ("") removes a path or a name that it sets.

    \b
    Example, without a download:
      genre-batch train films.csv -o run --base-model minilm
      genre-batch export-onnx run -o model.onnx
    """
    from genre_batch.extras import require_extra

    require_extra("genre-batch train", "train")

    from genre_batch.training.recipe import read_recipe

    given: dict[str, Any] = {
        name: value
        for name, value in values.items()
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    }
    if folder is None and not dry_run:
        raise click.UsageError("missing option -o")
    job = read_recipe(recipe).job(catalog, folder or "", resume=resume, **given)
    job = _checked(job, context)
    preview_training(job, dry_run=dry_run)
    if dry_run:
        return
    set_stop_message(f"{folder}/provenance.json", "repeat the command with --resume")

    from genre_batch.training.run import train as run_training

    with steps_progress(progress) as advance:
        result = run_training(job, advance)
    _show(result, job.row_name)
    following = f"genre-batch export-onnx {folder} -o model.onnx"
    if not result.exportable:
        named = catalog if isinstance(catalog, str) else " ".join(catalog)
        following = f"genre-batch train {named} --teacher {folder} ..., for a model to export"
    note(f"trained in {result.seconds:,.0f} s, report in {result.page}: next, {following}")


def _checked(job: TrainJob, context: click.Context) -> TrainJob:
    """Check a job's paths, before torch is imported, which takes seconds.

    Returns:
        The job, of which the catalog can be read several times.
    """
    from genre_batch.catalog.reading.rereadable import rereadable
    from genre_batch.dataset.extra import locate_extra
    from genre_batch.runs.folder import check_run_folder

    location = job.reading.locate_all(job.catalog)
    (again,) = context.with_resource(rereadable([location]))
    if again is not location:
        job = replace(job, catalog=again)
    for extra in job.extra_train:
        locate_extra(extra, job.reading)
    if os.fspath(job.folder):
        check_run_folder(job.folder, resume=job.resume)
    return job


def _show(result: TrainResult, rows: str) -> None:
    """Print what was trained on, what was left out, and the figures."""
    films = ", ".join(f"{count:,} {part}" for part, count in result.films.items())
    note(f"{rows}: {films}; {counted(result.dropped, 'row')} without text or genre left out")
    for extra in result.extras:
        note(str(extra))
    print_tables(figures_table(result.metrics, rows))
