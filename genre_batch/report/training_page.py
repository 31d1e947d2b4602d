"""The page of a training run: its metrics, curves, films and options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import PurePath
from typing import Any

from genre_batch.errors import counted_rows
from genre_batch.evaluation.per_genre import Predictions
from genre_batch.report.counts import genre_counts
from genre_batch.report.curves import training_curves
from genre_batch.report.page import Cell, Column, Report, Section, Table
from genre_batch.report.sections import capitalized, facts_table, prediction_sections

__all__ = ["PartCounts", "training_report"]

_VARIANTS = {"title_and_overview": "title and overview", "overview": "overview alone"}
Log = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class PartCounts:
    """The films of one part.

    Attributes:
        films: number of films.
        by_genre: number of films of each genre.
    """

    films: int
    by_genre: Mapping[str, int]


def training_report(
    provenance: Mapping[str, Any],
    metrics: Mapping[str, Any],
    log: Log,
    alignment_log: Log,
    parts: Mapping[str, PartCounts],
    tested: Predictions,
) -> Report:
    """Return the page of a run.

    Args:
        provenance: the content of the run's provenance.json.
        metrics: the content of its metrics.json.
        log: one entry per epoch of fine-tuning.
        alignment_log: one entry per epoch of embedding distillation; empty without it.
        parts: the films of `train`, `dev` and `test`.
        tested: the model's predictions for the test part.
    """
    rows = provenance.get("row_name", "films")
    counts = {part: count.by_genre for part, count in parts.items()}
    base_model = PurePath(provenance["base_model"]).name
    return Report(
        title=f"A {provenance['architecture']} trained on {provenance['data'][0]['file']}",
        lead=(
            f"Fine-tuned from {base_model} on {counted_rows(parts['train'].films, rows)}, with "
            f"thresholds tuned on {parts['dev'].films:,} dev {rows}, and tested on "
            f"{parts['test'].films:,} others; {provenance['protocol']} protocol.",
        ),
        sections=(
            Section(
                "Figures",
                paragraphs=(
                    "Metrics on dev are optimistic, since thresholds are tuned on the same "
                    f"{rows}: quote those on test. Intervals: 95 %, bootstrap over {rows}.",
                ),
                tables=(_figures_table(metrics, rows),),
            ),
            *prediction_sections(tested, "the test part", rows),
            Section(
                "Training",
                figures=training_curves(log),
                tables=(_log_table(log, rows), *_alignment_table(alignment_log, rows)),
            ),
            Section(
                capitalized(rows),
                figures=(
                    genre_counts(
                        counts,
                        "Genres of each part",
                        f"Number of {rows} of each genre in each part.",
                        rows,
                    ),
                ),
                tables=(_films_table(parts, rows),),
            ),
            Section("Options", tables=(facts_table(provenance, "How the run was made"),)),
        ),
        warnings=_warnings(provenance["protocol"], rows),
    )


def _warnings(protocol: str, rows: str) -> tuple[str, ...]:
    if protocol != "paper":
        return ()
    return (
        f"under the paper protocol copies of one of the {rows} can be in several parts: these "
        f"metrics overestimate how good the model is on new {rows}.",
    )


def _figures_table(metrics: Mapping[str, Any], rows: str) -> Table:
    figures = {"macro_f1": "macro-F1", "micro_f1": "micro-F1", "map": "mAP"}
    return Table(
        "Over all genres",
        (
            Column("Part, text"),
            Column(capitalized(rows), 0),
            *(
                column
                for name in figures.values()
                for column in (Column(name, 3), Column("from", 3), Column("to", 3))
            ),
            Column("accuracy (paper)", 3),
            Column("score (paper)", 3),
        ),
        tuple(
            (
                f"{part}, {_VARIANTS[variant]}",
                scores["films"],
                *(
                    value
                    for name in figures
                    for value in (scores[name], *scores[f"{name}_interval"])
                ),
                scores["accuracy"],
                scores["score"],
            )
            for part in ("dev", "test")
            for variant, scores in metrics[part].items()
        ),
    )


def _log_table(log: Log, rows: str) -> Table:
    return Table.of(
        "Epochs",
        log,
        (
            (Column("Epoch", 0), itemgetter("epoch")),
            (Column("Loss", 4, f"mean over the training {rows}"), itemgetter("loss")),
            (
                Column("macro-F1", 4, f"on dev, with thresholds tuned on the same {rows}"),
                itemgetter("development_macro_f1"),
            ),
            (Column("mAP", 4, "on dev"), itemgetter("development_map")),
            (Column("Seconds", 1), itemgetter("seconds")),
        ),
    )


def _alignment_table(log: Log, rows: str) -> tuple[Table, ...]:
    """Return the epochs of embedding distillation, if there was one."""
    explained = f"of the larger encoder's vectors of the dev {rows}"
    table = Table.of(
        "Embedding distillation, before fine-tuning",
        log,
        (
            (Column("Epoch", 0), itemgetter("epoch")),
            (Column("Explained variance", 4, explained), itemgetter("development_explained")),
            (Column("Seconds", 1), itemgetter("seconds")),
        ),
    )
    return (table,) if log else ()


def _films_table(parts: Mapping[str, PartCounts], noun: str) -> Table:
    rows: list[tuple[Cell, ...]] = [(f"all {noun}", *(part.films for part in parts.values()))]
    rows += [
        (name, *(part.by_genre[name] for part in parts.values()))
        for name in parts["train"].by_genre
    ]
    return Table(
        f"{capitalized(noun)} by genre and part",
        (Column("Genre"), *(Column(part, 0) for part in parts)),
        tuple(rows),
    )
