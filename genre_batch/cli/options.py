"""Options that several commands share, each written once."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import click

from genre_batch.cli.column_options import (
    Decorator,
    column_options,
    columns_from,
    learned_label_options,
    option_with_default,
    together,
)
from genre_batch.cli.list_option import ListOption

if TYPE_CHECKING:
    from genre_batch.catalog.options import ReadingOptions, WritingOptions
    from genre_batch.evaluation.films import EvaluationJob
    from genre_batch.model.decision import Decision

__all__ = [
    "ACTIVATIONS",
    "AUGMENTED_ROWS",
    "FORMATS",
    "KEEPS",
    "LOSSES",
    "SAMPLINGS",
    "base_model_option",
    "catalog_argument",
    "choice_option",
    "column_options",
    "columns_from",
    "evaluation_job_from",
    "force_option",
    "labelled_options",
    "learned_label_options",
    "model_option",
    "option_with_default",
    "output_option",
    "reading_from",
    "reading_options",
    "require_piped_stdin",
    "split_option",
    "threads_option",
    "writing_from",
    "writing_options",
]

FORMATS = ("csv", "tsv", "jsonl", "parquet", "arrow")
"""The values of `catalog.formats.Format`, named here so that `--help` need not import pyarrow."""
AUGMENTED_ROWS = ("none-of-top-4", "rare", "all")
LOSSES = ("bce", "focal", "asymmetric", "class-balanced")
SAMPLINGS = ("uniform", "rare")
ACTIVATIONS = ("gelu", "relu")
KEEPS = ("last", "best")


def choice_option(
    name: str, choices: Sequence[str], default: str, help_text: str, metavar: str | None = None
) -> Decorator:
    """Return a decorator that adds an option with one of several values and shows its default.

    Args:
        name: of the option.
        choices: the values.
        default: one of them.
        help_text: what it chooses; with a metavar, it lists the values.
        metavar: shown instead of the values, where they do not fit a line.
    """
    return click.option(
        name,
        type=click.Choice(choices),
        default=default,
        show_default=True,
        metavar=metavar,
        help=help_text,
    )


reading_options = together(
    click.option(
        "--input-format",
        type=click.Choice(FORMATS),
        help="Input format.  [default: by the file's suffix]",
    ),
    click.option(
        "--delimiter",
        metavar="CHAR",
        help="Character between the cells of CSV and TSV input.  [default: detected in the header]",
    ),
    click.option(
        "--encoding",
        default="utf-8",
        show_default=True,
        metavar="NAME",
        help="Encoding of text input.",
    ),
    click.option(
        "--no-hive",
        is_flag=True,
        help="Do not add a column for input folders named name=value.  [default: add one]",
    ),
    click.option(
        "--quote",
        default='"',
        metavar="CHAR|none",
        help="Character that quotes CSV and TSV cells; none: quotes are ordinary characters, as in "
        'files of IMDb.  [default: "]',
    ),
    click.option(
        "--escape",
        metavar="CHAR",
        help="Character that makes a following quote or delimiter an ordinary character in CSV and "
        "TSV, such as \\.  [default: quotes are doubled]",
    ),
    click.option(
        "--null-values",
        cls=ListOption,
        metavar="A,B,...",
        help="Cell texts that mean null: they are read as no text and no genres, and written as "
        "they are.  [default: \\N in TSV]",
    ),
    option_with_default(
        "--skip-lines",
        click.IntRange(min=0),
        "N",
        "Number of lines to skip before the header of CSV and TSV files.",
        0,
    ),
    click.option(
        "--infer-types",
        is_flag=True,
        help="Convert CSV cells to numbers and dates where Parquet or Arrow is written.  "
        "[default: they stay text]",
    ),
    click.option(
        "--rejects",
        metavar="PATH",
        help="File for unreadable rows, written only if there are any.  "
        "[default: OUTPUT.rejects.jsonl where rows are left out of an output, else no file]",
    ),
    click.option("--strict", is_flag=True, help="Fail at an unreadable row.  [default: continue]"),
)
"""Add the options of `catalog.options.ReadingOptions`; `reading_from` collects their values."""

writing_options = together(
    click.option(
        "--output-format",
        type=click.Choice(FORMATS),
        help="Output format.  [default: by the output's suffix]",
    ),
    click.option(
        "--output-delimiter",
        metavar="CHAR",
        help="Character between the cells of CSV and TSV output.  [default: comma, tab in TSV]",
    ),
    click.option(
        "--output-encoding",
        metavar="NAME",
        help="Encoding of CSV and TSV output; utf-8-sig starts with a byte order mark, for Excel.  "
        "[default: utf-8]",
    ),
    click.option(
        "--separator",
        default=", ",
        metavar="STR",
        help="String between two genres in CSV and TSV output.  [default: ', ']",
    ),
)
"""Add the options of `catalog.options.WritingOptions`; `writing_from` collects their values."""


def require_piped_stdin(example: str) -> None:
    """Check that stdin can be read in place of a catalog that was not given.

    Args:
        example: arguments of the command that name a catalog.

    Raises:
        UsageError: stdin is a terminal.
    """
    if sys.stdin is None or sys.stdin.isatty():
        command = click.get_current_context().info_name
        raise click.UsageError(f"nothing to read: name a catalog: genre-batch {command} {example}")


def _or_stdin(
    context: click.Context, parameter: click.Parameter, paths: tuple[str, ...]
) -> str | tuple[str, ...]:
    """Return the catalog's path, or its paths if there are several; stdin if none is given."""
    if not paths:
        require_piped_stdin("films.csv")
    return paths if len(paths) > 1 else (paths or ("-",))[0]


catalog_argument = click.argument("catalog", nargs=-1, metavar="[CATALOG]...", callback=_or_stdin)
"""Add CATALOG: files, globs, folders or URLs; without one, a piped stdin."""
model_option = click.option(
    "-m",
    "--model",
    metavar="MODEL",
    help="Exported .onnx model, or a shipped one: default or fast.  [default: $GENRE_BATCH_MODEL, "
    "then the shipped model]",
)
split_option = click.option(
    "--split",
    metavar="FILE",
    help="File that assigns rows to parts: columns row (0-based) and part (train, dev or "
    "validation, test).",
)
threads_option = click.option(
    "--threads",
    type=click.IntRange(min=1),
    metavar="N",
    help="Number of threads.  [default: the cores that this process may use]",
)


def output_option(metavar: str, help_text: str) -> Decorator:
    """Return a decorator that adds a required `-o, --output` with this help text."""
    return click.option("-o", "--output", required=True, metavar=metavar, help=help_text)


force_option = click.option("--force", is_flag=True, help="Overwrite an existing output.")


def base_model_option(help_text: str) -> Decorator:
    """Return a decorator that adds `--base-model` with this help text."""
    return click.option(
        "--base-model",
        default="distilbert-base-uncased",
        show_default=True,
        metavar="ID|DIR|FILE.onnx|minilm",
        help=help_text,
    )


labelled_options = together(
    catalog_argument,
    model_option,
    split_option,
    click.option(
        "--part",
        metavar="train|dev|test",
        help="Use only this part (dev: also validation), given by --split or by the catalog's own "
        "column part.  [default: all rows]",
    ),
    reading_options,
    column_options(),
    click.option(
        "--ignore-unknown",
        is_flag=True,
        help="Leave out genres that the model does not know; those that its training left out "
        "always are.",
    ),
    threads_option,
)
"""Add CATALOG and the options of commands that run a model on it (`evaluation_job_from`)."""


def group_option(effect: str) -> Decorator:
    """Return a decorator that adds `--group`; `effect`: what the command does with wordings."""
    return click.option(
        "--group",
        metavar="COLUMN",
        help=f"Column that identifies films: rows with the same value are wordings of one film; "
        f"{effect}.  [default: every row is a film]",
    )


def reading_from(options: dict[str, Any]) -> ReadingOptions:
    """Move the values of `reading_options` out of a command's options.

    Raises:
        UsageError: a value out of range.
    """
    from genre_batch.catalog.options import ReadingOptions

    names = [field.name for field in fields(ReadingOptions)]
    return ReadingOptions(**{name: options.pop(name) for name in names})


def writing_from(options: dict[str, Any]) -> WritingOptions:
    """Move the values of `writing_options` out of a command's options.

    Raises:
        UsageError: a value out of range.
    """
    from genre_batch.catalog.options import WritingOptions

    names = [field.name for field in fields(WritingOptions)]
    return WritingOptions(**{name: options.pop(name) for name in names})


def evaluation_job_from(options: dict[str, Any], decision: Decision | None = None) -> EvaluationJob:
    """Create a job from the values of `labelled_options`.

    Raises:
        UsageError: a value out of range, or options that contradict each other.
    """
    from genre_batch.evaluation.films import EvaluationJob
    from genre_batch.model.decision import Decision

    return EvaluationJob(
        reading=reading_from(options),
        columns=columns_from(options),
        decision=decision or Decision(),
        **options,
    )
