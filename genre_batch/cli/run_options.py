"""Options of the commands that run a model over a catalog and can be resumed: tag and audit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from genre_batch.cli.column_options import Decorator, together
from genre_batch.cli.console import progress_option
from genre_batch.cli.options import (
    force_option,
    model_option,
    reading_options,
    threads_option,
    writing_options,
)
from genre_batch.cli.report_option import check_report, report_option

__all__ = ["convert_run_options", "input_output_options", "run_options", "summary_options"]


def summary_options(table: str, contents: str = "the summary") -> Decorator:
    """Return a decorator that adds `--summary` and `--summary-json`.

    Args:
        table: what the printed table shows.
        contents: what the JSON file contains.
    """
    return together(
        click.option(
            "--summary/--no-summary",
            default=None,
            help=f"Print {table} to stderr.  [default: when stderr is a terminal]",
        ),
        click.option(
            "--summary-json",
            metavar="PATH",
            help=f"Also write {contents} as JSON.  [default: no file]",
        ),
    )


def input_output_options(folder: str = "") -> Decorator:
    """Return a decorator that adds the options of a catalog, an optional `-o, --output`, a model.

    Args:
        folder: the help text about a folder as an output; empty: it cannot be one.
    """
    return together(
        click.option(
            "-o",
            "--output",
            metavar="PATH",
            help="Output file; the suffix sets the format: .csv .tsv .jsonl .ndjson .parquet "
            f".arrow, text formats also .gz .zst .bz2 .xz.{folder}  [default: JSON Lines to "
            "stdout]",
        ),
        reading_options,
        writing_options,
        model_option,
    )


def run_options(verb: str, table: str) -> Decorator:
    """Return a decorator that adds the options of a run; `convert_run_options` reads them.

    Args:
        verb: what the command does to a row, for the help text.
        table: what its printed table shows.
    """
    return together(
        click.option(
            "--no-resume",
            "resume",
            flag_value=False,
            default=True,
            help="Delete what an interrupted run left.  [default: use it]",
        ),
        force_option,
        click.option(
            "--cache",
            metavar="PATH",
            help="Folder that keeps probabilities across runs and outputs.  [default: no cache]",
        ),
        click.option(
            "--cache-size",
            metavar="SIZE",
            help="Maximum size of the cache, such as 500MB; the oldest entries are deleted first.  "
            "[default: 10GB]",
        ),
        threads_option,
        click.option(
            "--limit",
            type=click.IntRange(min=0),
            metavar="N",
            help=f"Only {verb} the first N rows.  [default: all rows]",
        ),
        summary_options(table),
        report_option,
        progress_option,
    )


def convert_run_options(options: dict[str, Any], inputs: Sequence[str], report: str | None) -> None:
    """Check the values of `run_options`, and turn them into the fields of a job.

    Args:
        options: of the command; the size of its cache becomes a number of bytes, and a profile of
            the catalog is gathered if there is a page to write.
        inputs: the catalogs, which the page must not replace.
        report: the path of the page; None: no page.

    Raises:
        UsageError: a value is out of range, an option lacks another, or the page cannot be written.
    """
    if options["cache_size"] is not None and options["cache"] is None:
        raise click.UsageError("--cache-size needs --cache")

    from genre_batch.tagging.job import DEFAULT_CACHE_BYTES
    from genre_batch.tagging.probability_store import parse_size

    size = options["cache_size"]
    options["cache_size"] = DEFAULT_CACHE_BYTES if size is None else parse_size(size)
    options["profile"] = report is not None
    if report is not None:
        command = click.get_current_context().info_name or ""
        read = [options[name] for name in ("model", "genre_map", "label_names") if name in options]
        names = ("output", "rejects", "summary_json", "cache")
        written = {name: options[name] for name in names}
        check_report(command, report, [*inputs, *read], written)
