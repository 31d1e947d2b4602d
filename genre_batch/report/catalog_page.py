"""The page of a catalog: what was predicted, and what a person should look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from genre_batch.errors import counted, counted_rows
from genre_batch.profile.profile import CatalogProfile
from genre_batch.report.catalog_figures import (
    confidence,
    labeled_and_predicted,
    most_predicted,
    pairs,
    years,
)
from genre_batch.report.counts import genre_counts
from genre_batch.report.page import Cell, Column, Report, Section, Table
from genre_batch.report.queue import Queue, queue_data
from genre_batch.report.sections import facts_table

__all__ = ["CatalogFacts", "GenreEstimate", "catalog_report"]


@dataclass(frozen=True)
class GenreEstimate:
    """What an audit estimates about a genre.

    Attributes:
        genre: its name.
        rows: the audited rows that have it.
        missing, wrong: rows that should have it and do not, and the other way around.
        true_rows, low, high: how many rows should have it, with a 95 % interval.
        records: its records in the queue.
    """

    genre: str
    rows: int
    missing: float
    wrong: float
    true_rows: float
    low: float
    high: float
    records: int


@dataclass(frozen=True)
class CatalogFacts:
    """The facts that a page shows of a catalog, besides its profile.

    Attributes:
        catalog: its name, without folders.
        row_name: what the model calls a row, in the plural.
        model: facts about the model.
        rejected: rows that could not be read.
        hardly_read: texts in a script that the model hardly reads; None if that was not checked.
        other_language: rows in another language than the model reads; None if that is not known.
        seen_in_training: rows whose text the model was trained on; None if that was not checked.
        skipped: rows that were not predicted although they may have text (`only_missing`,
            `only_language`).
        estimates: what an audit estimates about each genre; empty without an audit.
        queue: the records of an audit; None without one.
        audited: the rows with text and genres; None without an audit.
        total_records: all records of the audit, of which the queue may have the first only.
    """

    catalog: str
    row_name: str = "films"
    model: dict[str, Any] = field(default_factory=dict)
    rejected: int = 0
    hardly_read: int | None = None
    other_language: int | None = None
    seen_in_training: int | None = None
    skipped: int = 0
    estimates: Sequence[GenreEstimate] = ()
    queue: Queue | None = None
    audited: int | None = None
    total_records: int = 0


def catalog_report(profile: CatalogProfile, facts: CatalogFacts) -> Report:
    """Make the page of a catalog.

    Args:
        profile: its counts.
        facts: what else is known about it.
    """
    rows, predicted = facts.row_name, bool(profile.predicted.any())
    sections = [Section("Rows", tables=(_rows_table(profile, facts),))]
    if facts.queue is not None:
        sections.insert(0, _queue_section(facts))
    sections.append(_genres_section(profile, facts))
    if predicted:
        common = most_predicted(profile)
        by_year = (years(profile, common, rows),) if profile.years else ()
        several = (pairs(profile, rows),) if (profile.predicted > 0).sum() > 1 else ()
        figures = (*by_year, confidence(profile, common, rows), *several)
        sections.append(Section("Predictions", figures=figures))
    if facts.model:
        table = facts_table(facts.model, "Origin of the model")
        sections.append(Section("Model", tables=(table,)))
    what = "Labels of" if facts.queue is not None else "Genres of"
    return Report(
        title=f"{what} {facts.catalog}",
        lead=(_lead(profile, facts),),
        sections=tuple(sections),
        warnings=_warnings(profile, facts),
        queue=None if facts.queue is None else queue_data(facts.queue, facts.total_records),
    )


def _lead(profile: CatalogProfile, facts: CatalogFacts) -> str:
    rows = counted_rows(profile.rows, facts.row_name)
    if facts.audited is None:
        return f"{rows}, and the genres that the model predicts for them from their texts."
    return (
        f"{rows}, of which {facts.audited:,} have a text and genres: their labels were compared "
        f"with the model's predictions."
    )


def _rows_table(profile: CatalogProfile, facts: CatalogFacts) -> Table:
    without_text = profile.rows - profile.rows_with_text - facts.skipped
    cells: list[tuple[Cell, ...]] = [
        ("all", profile.rows, 1.0),
        ("with text", profile.rows_with_text, _share(profile.rows_with_text, profile)),
        ("without text", without_text, _share(without_text, profile)),
        (
            "with text, without a predicted genre",
            profile.rows_without_genre,
            _share(profile.rows_without_genre, profile),
        ),
    ]
    for name, count in (
        ("left out of the prediction", facts.skipped or None),
        ("in a script that the model hardly reads", facts.hardly_read),
        ("in another language than the model reads", facts.other_language),
        ("seen by the model in training", facts.seen_in_training),
    ):
        if count is not None:
            cells.append((name, count, _share(count, profile)))
    if facts.rejected:
        cells.append(("more that could not be read", facts.rejected, None))
    columns = (Column("Rows"), Column("Number", 0), Column("Percent", 1))
    percent = [(name, count, None if part is None else 100 * part) for name, count, part in cells]
    return Table("Rows of the catalog", columns, tuple(percent))


def _share(count: int, profile: CatalogProfile) -> float:
    return count / profile.rows if profile.rows else 0.0


def _genres_section(profile: CatalogProfile, facts: CatalogFacts) -> Section:
    rows = facts.row_name
    series = labeled_and_predicted(profile)
    has_labels = "labeled" in series
    description = f"How many {rows} each genre is predicted for" + (
        ", and how many the catalog gives it to." if has_labels else "."
    )
    figure = genre_counts(series, "Genres", description, rows)
    tables = [_genres_table(profile, series, rows)]
    if facts.estimates:
        tables.append(_estimates_table(facts.estimates, rows))
    others = _other_genres(profile)
    if others is not None:
        tables.append(others)
    return Section("Genres", figures=(figure,), tables=tuple(tables))


def _genres_table(profile: CatalogProfile, series: dict[str, dict[str, int]], rows: str) -> Table:
    labeled = series.get("labeled")
    cells: list[tuple[Cell, ...]] = []
    for index, name in enumerate(profile.genres):
        count = int(profile.predicted[index])
        bins = profile.confidence[index]
        middle = (sum((place + 0.5) * n for place, n in enumerate(bins.tolist())) / len(bins)) / (
            count or 1
        )
        cells.append(
            (
                name,
                *([] if labeled is None else [labeled[name]]),
                count,
                100 * count / profile.rows_with_text if profile.rows_with_text else None,
                middle if count else None,
            )
        )
    columns = (
        Column("Genre"),
        *([] if labeled is None else [Column("Labeled", 0, "by the catalog")]),
        Column("Predicted", 0),
        Column("Percent", 1, f"of the {rows} with text"),
        Column("Confidence", 2, "mean probability where it is predicted, to half a bin of 0.05"),
    )
    return Table(f"{rows.capitalize()} by genre", columns, tuple(cells))


def _estimates_table(estimates: Sequence[GenreEstimate], rows: str) -> Table:
    return Table.of(
        f"Estimates from the audit, over {rows} with text and genres",
        estimates,
        (
            (Column("Genre"), lambda one: one.genre),
            (Column("Have it", 0), lambda one: one.rows),
            (Column("Missing", 0, "lack it and should have it"), lambda one: one.missing),
            (Column("Wrong", 0, "have it and should not"), lambda one: one.wrong),
            (Column("True number", 0), lambda one: one.true_rows),
            (Column("95 % from", 0), lambda one: one.low),
            (Column("to", 0), lambda one: one.high),
            (Column("In the queue", 0), lambda one: one.records),
        ),
    )


def _other_genres(profile: CatalogProfile) -> Table | None:
    """Return the labels of the catalog that the model does not know, the first thirty."""
    if profile.labeled is None:
        return None
    known = {name.casefold() for name in profile.genres}
    others = [(name, n) for name, n in profile.labeled.items() if name.casefold() not in known]
    if not others:
        return None
    more = f", the first 30 of {len(others):,}" if len(others) > 30 else ""
    return Table(
        f"Labels that the model does not know{more}",
        (Column("Label"), Column("Rows", 0)),
        tuple(others[:30]),
    )


def _queue_section(facts: CatalogFacts) -> Section:
    return Section("Review", paragraphs=(), review=True)


def _warnings(profile: CatalogProfile, facts: CatalogFacts) -> tuple[str, ...]:
    warnings = []
    if facts.seen_in_training:
        warnings.append(
            f"the model was trained on the texts of {facts.seen_in_training:,} of these "
            f"{counted_rows(profile.rows, facts.row_name)}: it has learned their labels, mistakes "
            f"included, and finds fewer in them."
        )
    if facts.hardly_read and facts.hardly_read > 0.01 * max(1, profile.rows_with_text):
        warnings.append(
            f"{counted(facts.hardly_read, 'text')} are in a script that the model hardly reads: "
            f"do not trust their genres."
        )
    return tuple(warnings)
