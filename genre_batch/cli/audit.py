"""`genre-batch audit`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from genre_batch.cli.column_options import option_with_default, together
from genre_batch.cli.console import (
    is_shown,
    note,
    note_choices,
    print_tables,
    print_totals,
    rows_progress,
    table,
    warn_of_rows,
)
from genre_batch.cli.list_option import ListOption
from genre_batch.cli.option_groups import READING, WRITING, grouped_command
from genre_batch.cli.options import (
    column_options,
    require_piped_stdin,
)
from genre_batch.cli.report_option import (
    audit_page,
    note_page,
    write_page,
)
from genre_batch.cli.run_options import convert_run_options, input_output_options, run_options
from genre_batch.errors import counted, counted_rows

if TYPE_CHECKING:
    from genre_batch.auditing.summary import AuditResult
    from genre_batch.report.page import Report

__all__ = ["GROUPS", "audit"]

GROUPS = {
    "Input": (
        *READING,
        *("text_column", "title_column", "genre_column", "genre_separator", "label_columns"),
        *("label_names", "genre_map", "no_aliases", "empty", "limit"),
    ),
    "Records": ("all", "top", "min_score", "genres", "by", "select"),
    "Output": ("output", *WRITING, "force"),
    "Run": (
        *("model", "resume", "cache", "cache_size", "threads", "summary", "summary_json"),
        *("report", "progress"),
    ),
}
"""Section of the help text -> names of its options."""

_record_options = together(
    click.option(
        "--all",
        is_flag=True,
        help="Write a record for every row and genre, in the catalog's order.  "
        "[default: suspected labels, highest score first]",
    ),
    option_with_default(
        "--top",
        click.IntRange(min=1),
        "N",
        "Maximum number of records.  [default: 1000; no maximum with --all]",
    ),
    option_with_default(
        "--min-score",
        click.FloatRange(0.0, 1.0),
        "X",
        "Leave out records with a smaller score.  [default: 0.5; 0 with --all]",
    ),
    click.option(
        "--genres",
        cls=ListOption,
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
    option_with_default(
        "--select",
        click.IntRange(min=1),
        "N",
        "Instead, write the N rows without genres to label next: those that a model would "
        "learn most from, no two alike.",
    ),
)


@grouped_command(GROUPS, "Find wrong and missing genres in a catalog.")
@click.argument("catalog", required=False)
@input_output_options()
@column_options(rows=False)
@_record_options
@run_options("audit", "a table of genres")
def audit(
    catalog: str | None,
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
        require_piped_stdin("films.csv -o review.csv")
        catalog = "-"
    convert_run_options(options, [catalog], report)

    from genre_batch.auditing.job import AuditJob
    from genre_batch.auditing.run import audit as run
    from genre_batch.options import from_flat_options

    job = from_flat_options(AuditJob, {**options, "catalog": catalog})
    context = click.get_current_context()
    pages: list[Report] = []

    def finish(result: AuditResult) -> None:
        if report is not None:
            pages.append(write_page(audit_page(context, result, job), report))

    with rows_progress(progress) as advance:
        result = run(job, advance, finish)
    _print_notes(result)
    for page in pages:
        note_page(page, report or "")
    if is_shown(summary):
        _show(result)


def _print_notes(result: AuditResult) -> None:
    """Print what was chosen, with `--verbose`, and warnings about rows."""
    note_choices(result, "genre", result.genre_column)
    seen = result.rows_seen_in_training
    if seen:
        note(
            f"Warning: the model was trained on the texts of {seen:,} of these "
            f"{counted_rows(result.rows, result.row_name)} (seen_in_training): it has learned "
            f"their labels, and finds fewer mistakes in them"
        )
    warn_of_rows(result, _rejects(result))


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
    groups = {
        "without text": result.rows_without_text,
        "without genres": result.rows_without_genres,
        "seen in training": result.rows_seen_in_training,
    }
    work = [counted(result.records, "record"), f"{result.seconds:,.1f} s"]
    print_totals(result, _rejects(result), groups, work)


def _rejects(result: AuditResult) -> tuple[str, ...]:
    return () if result.rejects is None else (result.rejects,)
