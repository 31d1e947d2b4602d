"""The page of an evaluation."""

from __future__ import annotations

from operator import attrgetter
from pathlib import PurePath

from genre_batch.errors import counted, counted_rows
from genre_batch.evaluation.evaluate import Evaluation
from genre_batch.report.page import Column, Report, Section, Table
from genre_batch.report.sections import (
    averages_table,
    facts_table,
    prediction_sections,
)

__all__ = ["evaluation_report"]

_CHANGED_SHOWN = 20
"""Rows that two models predict differently and that the page lists."""


def evaluation_report(evaluation: Evaluation) -> Report:
    """Make the page of an evaluation.

    Args:
        evaluation: with its predictions, as `evaluate` returns it.

    Raises:
        ValueError: the evaluation has no predictions.
    """
    if evaluation.predictions is None:
        raise ValueError("cannot make a report of an evaluation without predictions")
    # File names without folders: pages are shared, and must not reveal local paths.
    catalog = PurePath(evaluation.catalog).name
    rows = evaluation.row_name
    films = f"the {evaluation.part} part" if evaluation.part else "the catalog"
    left_out = (
        f" Skipped: {counted(evaluation.left_out, 'row')} without a text or a genre."
        if evaluation.left_out
        else ""
    )
    model = {
        "file": PurePath(evaluation.model).name,
        "sha256": evaluation.model_sha256,
        **evaluation.provenance,
    }
    return Report(
        title=f"Genres predicted for {catalog}",
        lead=(
            f"Predicted genres compared with the labels of {counted_rows(evaluation.films, rows)}: "
            f"{films if evaluation.part else 'all'} of {catalog}.{left_out}",
            f"A genre is predicted at or above {_thresholds(evaluation)}.",
        ),
        sections=(
            Section(
                "Averages",
                tables=(
                    averages_table(
                        evaluation.averages, f"Averages over all genres, on {films}", rows
                    ),
                ),
            ),
            *_comparison_sections(evaluation),
            *prediction_sections(evaluation.predictions, films, rows),
            Section("Model", tables=(facts_table(model, "Origin of the model"),)),
        ),
        warnings=_warnings(evaluation),
    )


def _comparison_sections(evaluation: Evaluation) -> tuple[Section, ...]:
    comparison, rows = evaluation.against, evaluation.row_name
    if comparison is None:
        return ()
    columns = (
        (Column("Figure", meaning="of genres: F1"), attrgetter("name")),
        (Column("Model", 3), attrgetter("model")),
        (Column("Against", 3), attrgetter("against")),
        (Column("Difference", 3), attrgetter("difference")),
        (Column("95 % from", 3), lambda figure: figure.interval[0]),
        (Column("to", 3), lambda figure: figure.interval[1]),
    )
    other = PurePath(comparison.against).name
    figures = comparison.averages + comparison.genres
    changed = Table(
        f"First {rows} predicted differently",
        (Column("Row"), Column("Genres"), Column("Model"), Column("Against")),
        tuple(
            (f"{row.row:,}", *(", ".join(names) for names in (row.genres, row.model, row.against)))
            for row in comparison.changed[:_CHANGED_SHOWN]
        ),
    )
    return (
        Section(
            f"Against {other}",
            paragraphs=(
                f"Both models on the same {rows}, on the genres that both know; intervals of the "
                f"difference by a paired bootstrap. Predicted differently: "
                f"{counted_rows(len(comparison.changed), rows)}.",
            ),
            tables=(
                Table.of(f"Differences from {other}", figures, columns),
                *([changed] if comparison.changed else []),
            ),
        ),
    )


def _thresholds(evaluation: Evaluation) -> str:
    decision = evaluation.decision
    others = (decision.threshold, decision.operating_point, decision.min_k)
    if decision.top_k is not None and others == (None, None, None):
        return f"any probability if it is among the {decision.top_k} highest of the film"
    counts = "".join(
        f", {limit} {count} genres a film"
        for limit, count in (("at least", decision.min_k), ("at most", decision.top_k))
        if count is not None
    )
    if decision.operating_point is not None:
        return f"its threshold of the model's operating point {decision.operating_point}{counts}"
    if decision.threshold is not None:
        kind = "calibrated probability" if decision.calibrated else "probability"
        return f"a {kind} of {decision.threshold:g}{counts}"
    default = f"the model's threshold for it{counts}"
    predictions = evaluation.predictions
    if not counts and predictions is not None and predictions.thresholds.ndim == 2:
        return f"{default}; some genres have two, depending on whether another genre is predicted"
    return default


def _warnings(evaluation: Evaluation) -> tuple[str, ...]:
    warnings = []
    if evaluation.trained_on:
        warnings.append(
            f"the model was trained on {evaluation.trained_on:,} of these {evaluation.films:,} "
            f"{evaluation.row_name}: expect lower figures on others."
        )
    if evaluation.ignored:
        genres = ", ".join(f"{name} ({count:,})" for name, count in evaluation.ignored.items())
        warnings.append(f"genres that the model does not know were ignored: {genres}.")
    return tuple(warnings)
