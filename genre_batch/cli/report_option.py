"""The option `--report` of commands that write an HTML page."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import click

from genre_batch.cli.console import note

if TYPE_CHECKING:
    import pyarrow as pa

    from genre_batch.auditing.job import AuditJob
    from genre_batch.auditing.summary import AuditResult
    from genre_batch.report.catalog_page import CatalogFacts
    from genre_batch.report.page import Report
    from genre_batch.report.queue import Queue
    from genre_batch.tagging.summary import TagSummary

__all__ = [
    "audit_page",
    "catalog_name",
    "check_report",
    "note_page",
    "report_option",
    "tag_page",
    "write_page",
]

report_option = click.option(
    "--report",
    metavar="PATH.html",
    help="Also write an HTML page of tables and figures; an existing page is replaced.",
)


def check_report(
    command: str,
    path: str,
    inputs: Sequence[str | None],
    outputs: Mapping[str, str | None] | None = None,
) -> None:
    """Check that a page can be written, before any row is predicted.

    Args:
        command: the name of the command.
        path: of the page.
        inputs: the files that the command reads; None and `-` are no files.
        outputs: parameter -> path of the other files that it writes, likewise; `cache` is a folder.

    Raises:
        UsageError: the page would replace one of them, its folder does not exist, or the extra is
            missing.
        CatalogError: a file that is not a page exists under its name.
    """
    from genre_batch.extras import require_extra
    from genre_batch.path_checks import (
        check_output_file,
        check_outside_cache,
        check_separate_files,
    )

    check_output_file(path, name="`report`")
    page = ("`report`", path)
    check_separate_files([page], [name for name in inputs if name is not None and name != "-"])
    for name, other in (outputs or {}).items():
        if other is not None and other != "-":
            check_separate_files([(f"`{name}`", other), page])
            if name == "cache":
                check_outside_cache([page], other)
    _check_is_page(path)
    require_extra(f"genre-batch {command} --report", "report")


def _check_is_page(path: str) -> None:
    """Check that a file to be replaced is an HTML page."""
    from genre_batch.errors import CatalogError

    if os.path.isfile(path) and os.path.getsize(path):
        with open(path, "rb") as file:
            start = file.read(1024).lower()
        if b"<!doctype html" not in start:
            raise CatalogError(
                f"{path} exists and is not an HTML page: choose another `report`, or remove it"
            )


def write_page(report: Report, path: str) -> Report:
    """Write a page, and return it for `note_page`."""
    from genre_batch.report.page import write_report

    write_report(report, path)
    return report


def note_page(report: Report, path: str) -> None:
    """Print where a page is, and which labels it leaves out."""
    note(f"report written to {path}")
    queue = report.queue
    if queue is not None and len(queue["records"]) < queue["total"]:
        note(
            f"{path} has the {len(queue['records']):,} labels with the highest scores, of "
            f"{queue['total']:,}: the others are in the records only"
        )


def catalog_name(sources: Sequence[str]) -> str:
    """Return what a page calls a catalog: its name without folders, which may be private."""
    if len(sources) > 1:
        return f"{len(sources)} inputs"
    return "stdin" if sources[0] == "-" else PurePath(sources[0].rstrip("/")).name


def _facts(result: TagSummary | AuditResult, name: str) -> CatalogFacts:
    """Return the facts that every page of a catalog of this name has."""
    from genre_batch.report.catalog_page import CatalogFacts

    return CatalogFacts(
        catalog=name,
        row_name=result.row_name,
        model={"file": PurePath(result.model).name, "sha256": result.model_sha256},
        rejected=result.rows_rejected,
        hardly_read=result.texts_foreign or None,
    )


def tag_page(summary: TagSummary, name: str) -> Report:
    """Return the page of a tagged catalog.

    Args:
        summary: of a run with a profile.
        name: of the catalog.
    """
    from genre_batch.report.catalog_page import catalog_report

    assert summary.profile is not None
    facts = replace(
        _facts(summary, name),
        other_language=None if summary.language is None else summary.rows_in_other_languages,
        skipped=summary.rows - summary.rows_predicted - summary.rows_without_text,
    )
    return catalog_report(summary.profile, facts)


def audit_page(context: click.Context, result: AuditResult, job: AuditJob) -> Report:
    """Return the page of an audited catalog.

    Args:
        context: of the command, whose options `apply` needs too.
        result: of an audit with a profile.
        job: what was audited.
    """
    from genre_batch.cli.apply_command import apply_command, download_name
    from genre_batch.report.catalog_page import GenreEstimate, catalog_report

    assert result.profile is not None
    assert result.kept is not None
    catalog = os.fspath(job.catalog)
    name = catalog_name([catalog])
    queue = None
    if job.select is None:  # else its records are rows to label, about which nothing is decided
        command = apply_command(context, catalog, name)
        queue = _queue(result, result.kept, download_name(name), command)
    estimates = [
        GenreEstimate(
            genre=genre.genre,
            rows=genre.rows,
            missing=genre.missing,
            wrong=genre.wrong,
            true_rows=genre.true_rows,
            low=genre.true_rows_interval[0],
            high=genre.true_rows_interval[1],
            records=genre.records_missing + genre.records_doubtful,
        )
        for genre in result.genres
    ]
    facts = replace(
        _facts(result, name),
        other_language=result.rows_in_other_languages or None,
        seen_in_training=result.rows_seen_in_training,
        estimates=estimates,
        queue=queue,
        audited=None if queue is None else result.rows_audited,
        total_records=sum(estimate.records for estimate in estimates),
    )
    return catalog_report(result.profile, facts)


def _queue(result: AuditResult, records: pa.Table, download: str, command: str) -> Queue:
    """Return the records for the page, each row of the catalog once."""
    from genre_batch.report.queue import Queue, QueueRecord, QueueRow

    by_role = {
        "id": result.id_column,
        "title": result.title_column,
        "text": result.text_column,
        "genres": result.genre_column or "genres",
    }
    columns = {
        role: result.record_columns.get(column, column)
        for role, column in by_role.items()
        if column is not None
    }
    columns = {role: column for role, column in columns.items() if column in records.column_names}
    texts = [
        [_text(value) for value in records.column(column).to_pylist()]
        for column in columns.values()
    ]
    places: dict[int, int] = {}
    rows: list[QueueRow] = []
    queue: list[QueueRecord] = []
    fields = ("row", "kind", "genre", "probability", "score", "seen_in_training")
    values = zip(*(records.column(field).to_pylist() for field in fields), strict=True)
    for index, (row, kind, genre, probability, score, seen) in enumerate(values):
        if kind is None or genre is None:
            continue
        place = places.setdefault(row, len(rows))
        if place == len(rows):
            rows.append(QueueRow(row, bool(seen), tuple(column[index] for column in texts)))
        queue.append(QueueRecord(place, kind, genre, probability or 0.0, score or 0.0))
    return Queue(download, command, columns, rows, queue, result.row_name)


def _text(value: Any) -> str | None:
    """Return a value as text; a list of genres joined by commas."""
    if isinstance(value, list):
        from genre_batch.catalog.separators import join_genres

        names = [str(item.get("name", item)) if isinstance(item, dict) else item for item in value]
        return join_genres([name for name in names if isinstance(name, str) and name], ", ")
    return None if value is None else str(value)
