"""The page of a comparison: every system's rows, the paper's table and its figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from genre_batch.comparison.scoring import SCHEMES
from genre_batch.comparison.table import PAPER
from genre_batch.evaluation.per_genre import Predictions
from genre_batch.report.counts import genre_counts
from genre_batch.report.matrices import confusion_matrix
from genre_batch.report.page import Cell, Column, Figure, Report, Section, Table
from genre_batch.report.sections import FIRST_SHOWN, curves_section

__all__ = ["comparison_report"]

Row = Mapping[str, Any]
Rows = Sequence[Row]

_LEAD = (
    "clean: films are split first, keeping those with the same overview together, and copies are "
    "used for training only. paper: films are copied first and all rows are split, so that a film "
    "and its copies may be in different parts: part of what is measured is memorization.",
    "Thresholds are fitted on the development part. Intervals: 95 %, bootstrap over test films. A "
    "single-genre system predicts each film's most probable genre and is scored on it.",
)


def comparison_report(
    rows: Rows,
    catalog: str,
    counts: Mapping[str, Mapping[str, int]],
    curves: tuple[str, Predictions] | None,
    *,
    of_paper: bool = True,
) -> Report:
    """Make the page of a comparison.

    Args:
        rows: of comparison.json.
        catalog: its name.
        counts: `before` and, if there are copies, `after` oversampling -> genre -> films: the
            paper's figures 1 and 2.
        curves: a system's name and its predictions of the test part; None: no curves.
        of_paper: whether the catalog's genres are the paper's, so that its figures are comparable.
    """
    films = genre_counts(
        counts,
        "Films of each genre",
        "How many rows have each genre before oversampling and, if copies were made, after.",
    )
    return Report(
        title=f"The paper's experiment on {catalog}" if of_paper else f"Systems on {catalog}",
        lead=_LEAD,
        sections=(
            *((Section("The paper's table", tables=(_paper_table(rows),)),) if of_paper else ()),
            *(
                Section(
                    f"Protocol {protocol}",
                    tables=(_systems_table([row for row in rows if row["protocol"] == protocol]),),
                )
                for protocol in dict.fromkeys(row["protocol"] for row in rows)
            ),
            Section("Every row", tables=(_every_row(rows),)),
            Section("Films", figures=(films,)),
            *_confusion(rows),
            *(() if curves is None else (_curves(*curves),)),
        ),
        warnings=(
            ("made with --quick: it shows that the command runs; the figures mean nothing.",)
            if any(row["quick"] for row in rows)
            else ()
        ),
    )


def _paper_table(rows: Rows) -> Table:
    by_key = {(row["system"], row["thresholds"], row["protocol"]): row for row in rows}

    def ours(system: str, scheme: str, protocol: str, measure: str) -> float | None:
        row = by_key.get((system, scheme, protocol))
        return None if row is None else float(row[measure])

    return Table(
        "The paper's figure 3 and ours",
        (
            Column("In the paper"),
            Column("Here"),
            *(
                Column(f"{measure}, {source}", 4)
                for measure in ("accuracy", "score")
                for source in ("the paper's", "paper", "clean")
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


_Columns = tuple[tuple[Column, Callable[[Row], Cell]], ...]

_SYSTEM: _Columns = ((Column("System"), itemgetter("system")),)
_THRESHOLDS: _Columns = ((Column("Thresholds"), itemgetter("thresholds")),)
_SCORES: _Columns = (
    (Column("macro-F1", 3), itemgetter("macro_f1")),
    (
        Column("from", 3, "lower end of macro-F1's interval"),
        lambda row: row["macro_f1_interval"][0],
    ),
    (Column("to", 3, "upper end of macro-F1's interval"), lambda row: row["macro_f1_interval"][1]),
    (Column("micro-F1", 3), itemgetter("micro_f1")),
    (Column("mAP", 3, "mean average precision, independent of thresholds"), itemgetter("map")),
    (Column("Accuracy", 4, "the paper's: share of correct decisions"), itemgetter("accuracy")),
    (
        Column(
            "Score",
            4,
            "the paper's: three points for a genre correctly predicted, one for a genre correctly "
            "not predicted",
        ),
        itemgetter("score"),
    ),
)
_COSTS: _Columns = (
    (Column("Test films", 0), itemgetter("films")),
    (Column("Seen", 0, "test films that the system was trained on"), itemgetter("seen")),
    (Column("Seconds", 0, "of training"), itemgetter("seconds")),
    (Column("Films/s", 0, "when predicting"), itemgetter("films_per_second")),
    (Column("Parameters", 0), itemgetter("parameters")),
)


def _systems_table(rows: Rows) -> Table:
    """List every system once: at the thresholds `f1`, or at its own."""
    chosen: dict[str, Row] = {}
    for row in rows:
        if row["system"] not in chosen or row["thresholds"] == SCHEMES[-1]:
            chosen[row["system"]] = row
    description: _Columns = ((Column("Description"), itemgetter("says")),)
    return Table.of(
        "Every system at the thresholds f1, or at its own",
        chosen.values(),
        (*_SYSTEM, *description, *_THRESHOLDS, *_SCORES, *_COSTS),
    )


def _every_row(rows: Rows) -> Table:
    protocol: _Columns = ((Column("Protocol"), itemgetter("protocol")),)
    return Table.of(
        "Every system, threshold scheme and protocol",
        rows,
        (*_SYSTEM, *protocol, *_THRESHOLDS, *_SCORES),
    )


def _confusion(rows: Rows) -> tuple[Section, ...]:
    """Draw the paper's figures 4 and 5: the most common genre, predicted by its model."""
    figures: list[Figure] = []
    for row in rows:
        if row["system"].startswith("distilbert") and row["thresholds"] == SCHEMES[0]:
            matrix = row["commonest"]
            title = f"{matrix['genre']}: {row['system']}, protocol {row['protocol']}"
            figures.append(confusion_matrix(**matrix, title=title))
    return (Section("Confusion", figures=tuple(figures)),) if figures else ()


def _curves(system: str, predictions: Predictions) -> Section:
    names = predictions.names
    return curves_section(
        predictions,
        FIRST_SHOWN if FIRST_SHOWN in names else names[0],
        f"{system}, protocol clean, on the test part, at the thresholds f1.",
    )
