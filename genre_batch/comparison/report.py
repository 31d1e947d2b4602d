"""The page of a comparison: every system's rows, the paper's table and its figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from genre_batch.comparison.table import PAPER, SCHEMES
from genre_batch.evaluation.per_genre import Predictions
from genre_batch.report.figures import (
    confusion_matrix,
    genre_counts,
    precision_recall_curves,
    threshold_curves,
)
from genre_batch.report.page import Column, Figure, Report, Section, Table
from genre_batch.report.sections import FIRST_SHOWN

__all__ = ["comparison_report"]

Rows = Sequence[Mapping[str, Any]]


def comparison_report(
    rows: Rows,
    catalog: str,
    counts: Mapping[str, Mapping[str, int]],
    shown: tuple[str, Predictions] | None,
) -> Report:
    """A comparison as a page.

    Args:
        rows: as in comparison.json.
        catalog: its name.
        counts: `before` and, where there are copies, `after` oversampling: genre -> films: the
            paper's figures 1 and 2.
        shown: a system and what it made of the test part, for curves; None: there are none.
    """
    protocols = list(dict.fromkeys(row["protocol"] for row in rows))
    curves = [] if shown is None else [_curves(*shown)]
    return Report(
        title=f"The paper's experiment on {catalog}",
        lead=(
            "clean: films are split first, those with the same overview together, and copies are "
            "learnt from only. paper: films are copied first and all rows are split, so that a "
            "film and its copies come into different parts: what is measured so is partly memory.",
            "Thresholds are found on the development part. Intervals: 95 %, bootstrap over test "
            "films. A system of one genre gives each film its likeliest genre and is scored on it.",
        ),
        sections=(
            Section("The paper's table", tables=(_paper_table(rows),)),
            *(
                Section(
                    f"Protocol {protocol}",
                    tables=(_systems_table([row for row in rows if row["protocol"] == protocol]),),
                )
                for protocol in protocols
            ),
            Section("Every row", tables=(_every_row(rows),)),
            Section(
                "Films",
                figures=(
                    genre_counts(
                        counts,
                        "Films of each genre",
                        "How many rows have each genre, before and, where copies were made, after "
                        "oversampling.",
                    ),
                ),
            ),
            *_confusion(rows),
            *curves,
        ),
        warnings=(
            ("made with --quick: it shows that the command runs, and nothing else.",)
            if any(row["quick"] for row in rows)
            else ()
        ),
    )


def _paper_table(rows: Rows) -> Table:
    held = {(row["system"], row["thresholds"], row["protocol"]): row for row in rows}

    def ours(system: str, scheme: str, protocol: str, figure: str) -> float | None:
        row = held.get((system, scheme, protocol))
        return None if row is None else float(row[figure])

    return Table(
        "The paper's figure 3 and ours",
        (
            Column("In the paper"),
            Column("Here"),
            *(
                Column(f"{figure}, {whose}", 4)
                for figure in ("accuracy", "score")
                for whose in ("the paper's", "paper", "clean")
            ),
        ),
        tuple(
            (
                description,
                f"{system}, {scheme}",
                accuracy,
                *(ours(system, scheme, protocol, "accuracy") for protocol in ("paper", "clean")),
                score,
                *(ours(system, scheme, protocol, "score") for protocol in ("paper", "clean")),
            )
            for (system, scheme), (description, accuracy, score) in PAPER.items()
        ),
    )


_FIGURES = (
    Column("macro-F1", 3),
    Column("from", 3, "lower end of macro-F1's interval"),
    Column("to", 3, "upper end of macro-F1's interval"),
    Column("micro-F1", 3),
    Column("mAP", 3, "mean average precision: no threshold matters"),
    Column("Accuracy", 4, "the paper's: decisions that are right"),
    Column("Score", 4, "the paper's: three points for a genre found, one for one rightly absent"),
)


def _figures(row: Mapping[str, Any]) -> tuple[float, ...]:
    return (
        row["macro_f1"],
        *row["macro_f1_interval"],
        row["micro_f1"],
        row["map"],
        row["accuracy"],
        row["score"],
    )


def _systems_table(rows: Rows) -> Table:
    """A row a system: at `f1`, or at what it has."""
    chosen: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        if row["system"] not in chosen or row["thresholds"] == SCHEMES[-1]:
            chosen[row["system"]] = row
    return Table(
        "Every system at the thresholds f1, or at what it has",
        (
            Column("System"),
            Column("What it is"),
            Column("Thresholds"),
            *_FIGURES,
            Column("Test films", 0),
            Column("Of them learnt", 0, "test films that the system had learnt from"),
            Column("Seconds", 0, "of learning"),
            Column("Films/s", 0, "of predicting"),
            Column("Parameters", 0),
        ),
        tuple(
            (
                system,
                row["says"],
                row["thresholds"],
                *_figures(row),
                row["films"],
                row["seen"],
                row["seconds"],
                row["films_per_second"],
                row["parameters"],
            )
            for system, row in chosen.items()
        ),
    )


def _every_row(rows: Rows) -> Table:
    return Table(
        "Every system, threshold scheme and protocol",
        (Column("System"), Column("Protocol"), Column("Thresholds"), *_FIGURES),
        tuple((row["system"], row["protocol"], row["thresholds"], *_figures(row)) for row in rows),
    )


def _confusion(rows: Rows) -> tuple[Section, ...]:
    """Figures 4 and 5: the commonest genre by the paper's model, on either kind of data."""
    figures: list[Figure] = []
    for row in rows:
        if row["system"].startswith("distilbert") and row["thresholds"] == SCHEMES[0]:
            matrix = row["commonest"]
            counts = {name: matrix[name] for name in ("tp", "fp", "fn", "tn")}
            title = f"{matrix['genre']}: {row['system']}, protocol {row['protocol']}"
            figures.append(confusion_matrix(matrix["genre"], **counts, title=title))
    return (Section("Confusion", figures=tuple(figures)),) if figures else ()


def _curves(system: str, predictions: Predictions) -> Section:
    names = predictions.names
    given = predictions.labels, predictions.probabilities, names, predictions.thresholds
    chosen = FIRST_SHOWN if FIRST_SHOWN in names else names[0]
    return Section(
        "Curves",
        says=(f"Of {system}, protocol clean, on the test part, at the thresholds f1.",),
        figures=(precision_recall_curves(*given, chosen), threshold_curves(*given, chosen)),
    )
