"""`genre-batch tag`."""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING, Any

import click

from genre_batch.cli.column_options import genre_name_options
from genre_batch.cli.console import (
    is_quiet,
    is_verbose,
    note,
    progress_option,
    rows_progress,
    show_summary,
)
from genre_batch.cli.decision_options import threshold_options
from genre_batch.cli.option_groups import READING, GroupedCommand
from genre_batch.cli.options import (
    cache_options,
    column_options,
    force_option,
    model_option,
    reading_options,
    threads_option,
    writing_options,
)
from genre_batch.cli.report_option import (
    catalog_name,
    check_report,
    report_option,
    tag_page,
    write_page,
)
from genre_batch.errors import counted

if TYPE_CHECKING:
    from genre_batch.tagging.summary import TagSummary

__all__ = ["GROUPS", "tag"]


GROUPS = {
    "Input": (
        *READING,
        *("text_column", "title_column", "only_missing", "only_language", "limit"),
    ),
    "Output": (
        *("output", "output_format", "output_delimiter", "output_encoding", "separator"),
        *("output_column", "genre_map", "no_aliases", "probabilities", "replace", "force"),
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


@click.command(
    cls=GroupedCommand, groups=GROUPS, short_help="Append predicted genres to a catalog."
)
@click.argument("sources", metavar="[INPUT]...", nargs=-1)
@click.option(
    "-o",
    "--output",
    metavar="PATH",
    help="Output file; the suffix sets the format: .csv .tsv .jsonl .ndjson .parquet .arrow, text "
    "formats also .gz .zst .bz2 .xz. A folder/ gets one output per input.  "
    "[default: JSON Lines to stdout]",
)
@reading_options
@writing_options
@model_option
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
    "The map must name the model's genres by their own names, not by usual other ones.",
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
    help="Leave rows without genres whose text is in another language, such as en for English.  "
    "[default: predict all rows, and warn of texts that the model does not read]",
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
@click.option(
    "--no-resume",
    "resume",
    flag_value=False,
    default=True,
    help="Delete what an interrupted run left.  [default: use it]",
)
@force_option
@cache_options
@threads_option
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    metavar="N",
    help="Only tag the first N rows.  [default: all rows]",
)
@click.option(
    "--summary/--no-summary",
    default=None,
    help="Print a table of genre counts to stderr.  [default: when stderr is a terminal]",
)
@click.option(
    "--summary-json", metavar="PATH", help="Also write the summary as JSON.  [default: no file]"
)
@report_option
@progress_option
def tag(
    sources: tuple[str, ...],
    cache_size: str | None,
    summary: bool | None,
    report: str | None,
    progress: bool | None,
    **options: Any,
) -> None:
    """Append predicted genres to a catalog.

    INPUT is a .csv, .tsv, .jsonl, .ndjson, .json, .parquet or .arrow file (text formats also .gz
    or .zst), a glob, a folder, an s3://, gs:// or abfs:// URL, or - for stdin. Without INPUT, a
    piped stdin is read, by default as JSON Lines, and each row is written as its line arrives.

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
        if sys.stdin is None or sys.stdin.isatty():
            raise click.UsageError(
                "nothing to read: name a catalog: genre-batch tag films.csv -o tagged.parquet"
            )
        sources = ("-",)
    if cache_size is not None and options["cache"] is None:
        raise click.UsageError("--cache-size needs --cache")

    from genre_batch.cluster.run import run
    from genre_batch.tagging.job import DEFAULT_CACHE_BYTES, tag_job
    from genre_batch.tagging.probability_store import parse_size

    size = DEFAULT_CACHE_BYTES if cache_size is None else parse_size(cache_size)
    if report is not None:
        names = ("model", "output", "rejects", "summary_json")
        check_report("tag", report, [*sources, *(options[name] for name in names)])
        options["profile"] = True
    job = tag_job(sources=sources, cache_size=size, **options)
    with rows_progress(progress) as bar:
        result = run(job, bar, bar.status)
    _print_notes(result)
    if report is not None:
        write_page(tag_page(result, catalog_name(sources)), report)
    if not is_quiet() and (sys.stderr.isatty() if summary is None else summary):
        show_summary(result)


def _print_notes(summary: TagSummary) -> None:
    """Print what was chosen, with `--verbose`, and warnings about unreadable and padded rows."""
    from genre_batch.catalog.rejects import padded_note, rejects_note
    from genre_batch.errors import GenreBatchWarning

    if is_verbose():
        note(f"model {summary.model} (sha256 {summary.model_sha256[:16]})")
        note(f"text column {summary.text_column!r}, title column {summary.title_column!r}")
        note(
            f"{counted(summary.texts_predicted, 'text')} predicted, "
            f"{summary.texts_from_cache:,} from the cache"
        )
    without_text = summary.rows_without_text
    if summary.parts_done_before:
        note(
            f"{summary.parts_done_before:,} of {counted(summary.parts, 'output')} were complete "
            f"before"
        )
    if without_text and without_text == summary.rows - summary.rows_skipped:
        note(
            f"Warning: no row has text in the column {summary.text_column!r}: "
            f"choose another with --text-column"
        )
    if summary.values_lost:
        note(
            f"Warning: {counted(summary.values_lost, 'value')} of NaN or infinity, which JSON does "
            f"not have, written as null: Parquet and Arrow keep them"
        )
    if summary.rows_rejected:
        files = ", ".join(summary.rejects)
        first, advice = summary.first_reject or "", summary.reject_advice
        text = rejects_note(summary.rows_rejected, first, advice, files)
        warnings.warn(text, GenreBatchWarning, stacklevel=1)
    if summary.rows_padded:
        text = padded_note(summary.rows_padded, summary.first_padded or "")
        warnings.warn(text, GenreBatchWarning, stacklevel=1)
