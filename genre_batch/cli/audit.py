"""`genre-batch audit`."""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING, Any

import click

from genre_batch.cli.console import (
    is_quiet,
    is_verbose,
    note,
    print_tables,
    progress_option,
    rows_progress,
    table,
)
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
    audit_page,
    catalog_name,
    check_report,
    report_option,
    write_page,
)
from genre_batch.errors import counted, counted_rows

if TYPE_CHECKING:
    from genre_batch.auditing.summary import AuditResult

__all__ = ["GROUPS", "audit"]

GROUPS = {
    "Input": (
        *READING,
        *("text_column", "title_column", "genre_column", "genre_separator", "label_columns"),
        *("label_names", "genre_map", "no_aliases", "empty", "limit"),
    ),
    "Records": ("all", "top", "min_score", "genres", "by", "select"),
    "Output": (
        *("output", "output_format", "output_delimiter", "output_encoding", "separator", "force"),
    ),
    "Run": (
        *("model", "resume", "cache", "cache_size", "threads", "summary", "summary_json"),
        *("report", "progress"),
    ),
}
"""Section of the help text -> names of its options."""

_record_options = (
    click.option(
        "--all",
        is_flag=True,
        help="Write a record for every row and genre, in the catalog's order.  "
        "[default: suspected labels, highest score first]",
    ),
    click.option(
        "--top",
        type=click.IntRange(min=1),
        metavar="N",
        help="Maximum number of records.  [default: 1000; no maximum with --all]",
    ),
    click.option(
        "--min-score",
        type=click.FloatRange(0.0, 1.0),
        metavar="X",
        help="Leave out records with a smaller score.  [default: 0.5; 0 with --all]",
    ),
    click.option(
        "--genres",
        metavar="A,B,...",
        help="Only write records of these genres, in any case.  [default: all]",
    ),
    click.option(
        "--by",
        type=click.Choice(("label", "row")),
        default="label",
        show_default=True,
        help="One record for each suspected label, or one for each row, with its worst label.",
    ),
    click.option(
        "--select",
        type=click.IntRange(min=1),
        metavar="N",
        help="Instead, write the N rows without genres to label next: those whose labels would "
        "teach most, no two alike.",
    ),
)


def _with_record_options(command: Any) -> Any:
    for option in reversed(_record_options):
        command = option(command)
    return command


@click.command(
    cls=GroupedCommand, groups=GROUPS, short_help="Find wrong and missing genres in a catalog."
)
@click.argument("catalog", required=False)
@click.option(
    "-o",
    "--output",
    metavar="PATH",
    help="Output file; the suffix sets the format: .csv .tsv .jsonl .ndjson .parquet .arrow, text "
    "formats also .gz .zst .bz2 .xz.  [default: JSON Lines to stdout]",
)
@reading_options
@column_options(rows=False)
@_with_record_options
@writing_options
@model_option
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
    help="Only audit the first N rows.  [default: all rows]",
)
@click.option(
    "--summary/--no-summary",
    default=None,
    help="Print a table of genres to stderr.  [default: when stderr is a terminal]",
)
@click.option(
    "--summary-json", metavar="PATH", help="Also write the summary as JSON.  [default: no file]"
)
@report_option
@progress_option
def audit(
    catalog: str | None,
    cache_size: str | None,
    summary: bool | None,
    report: str | None,
    progress: bool | None,
    **options: Any,
) -> None:
    """Find wrong and missing genres in a labeled catalog.

    Writes a review queue, highest score first: genres that a row lacks although its text makes
    them likely (missing), and genres that it has although its text makes them unlikely (doubtful).
    Each record has the row's number (0-based), kind, genre, probability and score, whether the
    model was trained on the text (seen_in_training), and the row's own id, title, text and genres.

    Scores are between 0 and 1, and comparable between genres and kinds. They are fitted to the
    catalog's own labels, which are right for the most part. The summary estimates for each genre
    how many labels are missing and wrong.

    To resume an interrupted run, run the same command again.

    \b
    Examples:
      genre-batch audit films.csv -o review.csv
      genre-batch audit films.parquet -o review.jsonl --top 200 --genres Horror,War
      genre-batch audit films.csv -o films-to-check.csv --by row
      genre-batch audit films.csv -o to-label.csv --select 100
    """
    if catalog is None:
        if sys.stdin is None or sys.stdin.isatty():
            raise click.UsageError(
                "nothing to read: name a catalog: genre-batch audit films.csv -o review.csv"
            )
        catalog = "-"
    if cache_size is not None and options["cache"] is None:
        raise click.UsageError("--cache-size needs --cache")

    from genre_batch.auditing.job import audit_job
    from genre_batch.auditing.run import audit as run
    from genre_batch.tagging.job import DEFAULT_CACHE_BYTES
    from genre_batch.tagging.probability_store import parse_size

    size = DEFAULT_CACHE_BYTES if cache_size is None else parse_size(cache_size)
    if report is not None:
        names = ("model", "output", "rejects", "summary_json")
        check_report("audit", report, [catalog, *(options[name] for name in names)])
        options["profile"] = True
    job = audit_job(catalog=catalog, cache_size=size, **options)
    with rows_progress(progress) as advance:
        result = run(job, advance)
    _print_notes(result)
    if report is not None:
        selected = job.select is not None
        write_page(audit_page(result, catalog_name([catalog]), selected=selected), report)
    if not is_quiet() and (sys.stderr.isatty() if summary is None else summary):
        _show(result)


def _print_notes(result: AuditResult) -> None:
    """Print what was chosen, with `--verbose`, and warnings about rows."""
    from genre_batch.catalog.rejects import padded_note, rejects_note
    from genre_batch.errors import GenreBatchWarning

    if is_verbose():
        note(f"model {result.model} (sha256 {result.model_sha256[:16]})")
        note(f"text column {result.text_column!r}, genre column {result.genre_column!r}")
        note(
            f"{counted(result.texts_predicted, 'text')} predicted, "
            f"{result.texts_from_cache:,} from the cache"
        )
    seen = result.rows_seen_in_training
    if seen:
        note(
            f"Warning: the model was trained on the texts of {seen:,} of these "
            f"{counted_rows(result.rows, result.row_name)} (seen_in_training): it has learned "
            f"their labels, and finds fewer mistakes in them"
        )
    if result.rows_rejected:
        first, advice = result.first_reject or "", result.reject_advice
        text = rejects_note(result.rows_rejected, first, advice, result.rejects or "")
        warnings.warn(text, GenreBatchWarning, stacklevel=1)
    if result.rows_padded:
        text = padded_note(result.rows_padded, result.first_padded or "")
        warnings.warn(text, GenreBatchWarning, stacklevel=1)


def _show(result: AuditResult) -> None:
    """Print the table of genres, and the totals."""
    if result.genres:
        columns = ("rows", "missing", "wrong", "true rows", "95 % interval", "records")
        title = "Audited genres (missing, wrong and true rows are estimates)"
        genres = table(title, "genre", *columns)
        for row in result.genres:
            low, high = row.true_rows_interval
            genres.add_row(
                row.genre,
                f"{row.rows:,}",
                f"{row.missing:,.0f}",
                f"{row.wrong:,.0f}",
                f"{row.true_rows:,.0f}",
                f"{low:,.0f} to {high:,.0f}",
                f"{row.records_missing + row.records_doubtful:,}",
            )
        print_tables(genres)
    totals = [counted(result.rows, "row")]
    for number, description in (
        (result.rows_without_text, "without text"),
        (result.rows_without_genres, "without genres"),
        (result.rows_seen_in_training, "seen in training"),
        (result.rows_padded, "padded with nulls"),
        (result.rows_rejected, f"more rejected ({result.rejects or 'not saved'})"),
    ):
        if number:
            totals.append(f"{number:,} {description}")
    totals.append(counted(result.records, "record"))
    totals.append(f"{result.seconds:,.1f} s")
    if result.output is not None:
        totals.append(f"written to {result.output}")
    click.echo(", ".join(totals), err=True)
