"""`genre-batch tag`."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import click

from genre_batch.cli.column_options import genre_name_options
from genre_batch.cli.console import (
    is_shown,
    note,
    note_choices,
    rows_progress,
    show_summary,
    warn_of_rows,
)
from genre_batch.cli.decision_options import threshold_options
from genre_batch.cli.option_groups import READING, WRITING, grouped_command
from genre_batch.cli.options import (
    column_options,
    require_piped_stdin,
)
from genre_batch.cli.report_option import (
    catalog_name,
    note_page,
    tag_page,
    write_page,
)
from genre_batch.cli.run_options import convert_run_options, input_output_options, run_options
from genre_batch.errors import counted

if TYPE_CHECKING:
    from genre_batch.cluster.ray_connection import RayConnection
    from genre_batch.report.page import Report
    from genre_batch.tagging.summary import TagSummary

__all__ = ["GROUPS", "tag"]


GROUPS = {
    "Input": (
        *READING,
        *("text_column", "title_column", "only_missing", "only_language", "limit"),
    ),
    "Output": (
        *("output", *WRITING, "output_column"),
        *("genre_map", "no_aliases", "probabilities", "replace", "force"),
    ),
    "Model": (
        "model",
        "threshold",
        "operating_point",
        "top_k",
        "min_k",
        "exclude_genres",
        "calibrated",
    ),
    "Parts": ("engine", "address", "shard", "split_size", "keep_going"),
    "Run": (
        "resume",
        "cache",
        "cache_size",
        "threads",
        "summary",
        "summary_json",
        "report",
        "progress",
    ),
}
"""Section of the help text -> names of its options."""


@grouped_command(GROUPS, "Append predicted genres to a catalog.")
@click.argument("sources", metavar="[INPUT]...", nargs=-1)
@input_output_options(" A folder/ gets one output per input.")
@column_options(genres=False)
@click.option(
    "--output-column",
    default="predicted_genres",
    show_default=True,
    metavar="NAME",
    help="Name of the added column of genres.",
)
@genre_name_options(
    "CSV, JSON or TOML file of names and the model's genres that they stand for: genres are "
    "written by these names, the first in the file of each.",
    "The map must name the model's genres by their own names, not by aliases.",
)
@click.option(
    "--probabilities", is_flag=True, help="Also write one column per genre, probability_<genre>."
)
@threshold_options
@click.option(
    "--only-missing",
    metavar="COLUMN",
    help="Only predict rows where COLUMN is null, blank or an empty list; the others get null.  "
    "[default: predict all rows]",
)
@click.option(
    "--only-language",
    metavar="CODE",
    help="Only predict rows whose text is in this language, such as en for English; the others get "
    "null.  [default: predict all rows, and warn of texts that the model does not read]",
)
@click.option(
    "--replace",
    is_flag=True,
    help="Replace predicted columns that the input already has.  Without --probabilities, the "
    "probabilities of the old genres are left out.",
)
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="Where the outputs of a folder are written: on this machine, or on a Ray cluster, where "
    "--threads are the cores of one output (default: 1).",
)
@click.option(
    "--address",
    metavar="HOST:PORT|auto|local",
    help="Ray cluster that this machine belongs to; local starts one.  [default: $RAY_ADDRESS, "
    "then auto]",
)
@click.option(
    "--shard",
    metavar="K/N|auto",
    help="Write every Nth output of a folder, from number K on, counted from 0; auto: as a Slurm, "
    "Kubernetes or AWS Batch array sets it.  [default: all outputs]",
)
@click.option(
    "--split-size",
    metavar="SIZE|off",
    help="Cut inputs above SIZE, such as 64MB, into several outputs, in a folder named after the "
    "input.  [default: off; 64MB with --shard or a cluster]",
)
@click.option(
    "--keep-going/--fail-fast",
    default=None,
    help="Continue with the other outputs of a folder after one failed, or stop.  "
    "[default: continue, stop with --strict]",
)
@run_options("tag", "a table of genre counts")
def tag(
    sources: tuple[str, ...],
    summary: bool | None,
    report: str | None,
    progress: bool | None,
    **options: Any,
) -> None:
    """Append predicted genres to a catalog.

    INPUT is a .csv, .tsv, .jsonl, .ndjson, .json, .parquet or .arrow file (text formats also
    .gz, .zst, .bz2 or .xz), a glob, a folder, an s3://, gs:// or abfs:// URL, or - for stdin.
    Without INPUT, a piped stdin is read, by default as JSON Lines, and each row is written as its
    line arrives.

    Every row is written once, in order, with its columns unchanged, followed by
    predicted_genres: a list, or joined text in CSV and TSV. A row without text gets null. Rows
    that cannot be read are written to the rejects file, with their place and the reason.

    To resume an interrupted run, run the same command again.

    \b
    Examples:
      genre-batch tag films.csv -o tagged.parquet
      genre-batch tag films.parquet -o tagged.csv --probabilities
      genre-batch tag '2024/*.csv.gz' -o tagged/ --cache ~/films.cache
      cat films.jsonl | genre-batch tag | jq .predicted_genres
    """
    if not sources:
        require_piped_stdin("films.csv -o tagged.parquet")
        sources = ("-",)
    with _early_connection(options) as connection:
        convert_run_options(options, sources, report)

        from genre_batch.cluster.run import run
        from genre_batch.tagging.job import tag_job

        job = tag_job(sources=sources, **options)
        pages: list[Report] = []

        def finish(result: TagSummary) -> None:
            if report is not None:
                pages.append(write_page(tag_page(result, catalog_name(sources)), report))

        with rows_progress(progress) as bar:
            result = run(job, bar, bar.status, connection, finish)
    _print_notes(result)
    for page in pages:
        note_page(page, report or "")
    if is_shown(summary):
        show_summary(result)


def _early_connection(
    options: Mapping[str, Any],
) -> contextlib.AbstractContextManager[RayConnection | None]:
    """Return a connection to a cluster that exists; it is made while libraries are imported."""
    if options["engine"] != "ray" or find_spec("ray") is None:
        return contextlib.nullcontext()
    from genre_batch.cluster.ray_cluster import asks_for_local
    from genre_batch.cluster.ray_connection import RayConnection

    if asks_for_local(options["address"]):
        return contextlib.nullcontext()
    return RayConnection(options["address"], options["threads"])


def _print_notes(summary: TagSummary) -> None:
    """Print what was chosen, with `--verbose`, and warnings about unreadable and padded rows."""
    note_choices(summary, "title", summary.title_column)
    without_text = summary.rows_without_text
    if summary.parts_done_before:
        note(
            f"{summary.parts_done_before:,} of {counted(summary.parts, 'output')} were complete "
            f"before"
        )
    if without_text and without_text == summary.rows - summary.rows_skipped:
        column = summary.text_column
        where = "" if column is None else f" in the column {column!r}"
        note(f"Warning: no row has text{where}: choose another column with --text-column")
    if summary.values_lost:
        note(
            f"Warning: {counted(summary.values_lost, 'value')} of NaN or infinity, which JSON does "
            f"not have, written as null: Parquet and Arrow keep them"
        )
    warn_of_rows(summary, summary.rejects)
