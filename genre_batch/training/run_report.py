"""The page of a finished run: report.html."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from genre_batch.dataset.dataset import Dataset
from genre_batch.dataset.split import PARTS
from genre_batch.evaluation.per_genre import Predictions
from genre_batch.report.counts import genre_counts
from genre_batch.report.curves import training_curves
from genre_batch.report.page import Cell, Column, Figure, Report, Section, Table
from genre_batch.report.sections import facts_table, prediction_sections
from genre_batch.training.encoder.base_model import load_checkpoint
from genre_batch.training.encoder.inference import predict
from genre_batch.training.run_folder import RunFolder

__all__ = ["run_report"]

_VARIANTS = {"title_and_overview": "title and overview", "overview": "overview alone"}


def run_report(folder: RunFolder, dataset: Dataset, training: Dataset) -> Report:
    """A run's figures, curves, films and options, as a page.

    The checkpoint predicts the test part once more: runs keep no probabilities.

    Args:
        folder: of a finished run.
        dataset: the run's films, in their parts.
        training: the films it learnt from, further ones among them.

    Raises:
        TrainingError: a file of the run is missing or broken.
    """
    metrics = folder.read_json(folder.metrics)
    provenance = folder.read_json(folder.provenance)
    log = [json.loads(line) for line in folder.log.read_text(encoding="utf-8").splitlines()]
    parts = {part: dataset.part(part) for part in PARTS} | {"train": training}
    catalog = provenance["data"][0]["file"]
    return Report(
        title=f"A {provenance['architecture']} trained on {catalog}",
        lead=(
            f"Fine-tuned from {Path(provenance['base_model']).name} on {len(training):,} films, "
            f"its thresholds tuned on {len(parts['dev']):,} development films, and tested on "
            f"{len(parts['test']):,} others; {provenance['protocol']} protocol.",
        ),
        sections=(
            Section(
                "Figures",
                paragraphs=(
                    "Development figures are at thresholds tuned on the same films, and so "
                    "optimistic; quote those of the test part. Intervals: 95 %, bootstrap over "
                    "films.",
                ),
                tables=(_figures_table(metrics),),
            ),
            *prediction_sections(_predict(folder, parts["test"]), "the test part"),
            Section(
                "Training",
                figures=training_curves(log),
                tables=(_log_table(log), *_alignment_table(folder)),
            ),
            Section(
                "Films",
                figures=(_counts(parts),),
                tables=(_films_table(parts),),
            ),
            Section("Options", tables=(facts_table(provenance, "How the run was made"),)),
        ),
        warnings=(
            (
                "under the paper protocol a film's copies may lie in several parts: these figures "
                "are no promise for films that the model has not seen.",
            )
            if provenance["protocol"] == "paper"
            else ()
        ),
    )


def _predict(folder: RunFolder, films: Dataset) -> Predictions:
    """What the checkpoint says of these films, their texts as it learnt to read them."""
    model, tokenizer = load_checkpoint(folder.path)
    length = folder.read_json(folder.provenance)["options"]["max_length"]
    tuned = folder.read_json(folder.thresholds)["thresholds"]
    return Predictions(
        names=tuple(films.names),
        labels=films.labels,
        probabilities=predict(model, tokenizer, films.texts, length),
        thresholds=np.array([tuned[name] for name in films.names]),
    )


def _figures_table(metrics: Mapping[str, Any]) -> Table:
    figures = {"macro_f1": "macro-F1", "micro_f1": "micro-F1", "map": "mAP"}
    return Table(
        "Over all genres",
        (
            Column("Part, text"),
            Column("Films", 0),
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


def _log_table(log: list[dict[str, Any]]) -> Table:
    return Table(
        "Epochs",
        (
            Column("Epoch", 0),
            Column("Loss", 4, "the mean over the training films"),
            Column("macro-F1", 4, "on the development films, thresholds tuned on the same"),
            Column("mAP", 4, "on the development films"),
            Column("Seconds", 1),
        ),
        tuple(
            (
                line["epoch"],
                line["loss"],
                line["development_macro_f1"],
                line["development_map"],
                line["seconds"],
            )
            for line in log
        ),
    )


def _alignment_table(folder: RunFolder) -> tuple[Table, ...]:
    """The epochs of `--align-to`, before those of training; none without it."""
    if not folder.alignment_log.exists():
        return ()
    lines = folder.alignment_log.read_text(encoding="utf-8").splitlines()
    return (
        Table(
            "Before it: epochs of aligning",
            (
                Column("Epoch", 0),
                Column("Explained", 4, "of the other encoder's vectors of development films"),
                Column("Seconds", 1),
            ),
            tuple(tuple(json.loads(line).values()) for line in lines),
        ),
    )


def _counts_of(films: Dataset) -> dict[str, int]:
    return dict(zip(films.names, films.labels.sum(axis=0, dtype=int).tolist(), strict=True))


def _counts(parts: Mapping[str, Dataset]) -> Figure:
    return genre_counts(
        {part: _counts_of(films) for part, films in parts.items()},
        "Genres of each part",
        "How many films of each part have each genre.",
    )


def _films_table(parts: Mapping[str, Dataset]) -> Table:
    counts = {part: _counts_of(films) for part, films in parts.items()}
    rows: list[tuple[Cell, ...]] = [("all films", *(len(films) for films in parts.values()))]
    rows += [(name, *(counts[part][name] for part in parts)) for name in parts["train"].names]
    return Table(
        "Films by genre and part",
        (Column("Genre"), *(Column(part, 0) for part in parts)),
        tuple(rows),
    )
