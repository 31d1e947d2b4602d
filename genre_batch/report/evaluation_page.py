"""The report of `evaluate`."""

from __future__ import annotations

from pathlib import PurePath

from genre_batch.evaluation.evaluate import Evaluation
from genre_batch.report.page import Report, Section
from genre_batch.report.sections import (
    Average,
    averages_table,
    facts_table,
    prediction_sections,
)

__all__ = ["evaluation_report"]


def evaluation_report(evaluation: Evaluation) -> Report:
    """What `evaluate` found, as a page.

    Args:
        evaluation: with its predictions, as `evaluate` returns it.
    """
    if evaluation.predictions is None:
        raise ValueError("a report shows predictions: this evaluation was made without them")
    # Names without folders: a page is passed on, and where files lay is nobody's business.
    catalog = PurePath(evaluation.catalog).name
    scores = evaluation.scores
    films = f"the {evaluation.part} part" if evaluation.part else "the catalog"
    left_out = (
        f" {evaluation.left_out:,} rows without a text or a genre were left out."
        if evaluation.left_out
        else ""
    )
    averages = (
        Average("macro-F1", scores.macro_f1, scores.macro_f1_interval),
        Average("micro-F1", scores.micro_f1, scores.micro_f1_interval),
        Average("mAP", scores.map, scores.map_interval),
        Average("samples F1", evaluation.samples_f1),
        Average("exact match", evaluation.exact_match),
        Average("calibration error", evaluation.calibration_error),
        Average("accuracy (paper)", scores.accuracy),
        Average("score (paper)", scores.score),
    )
    model = {
        "file": PurePath(evaluation.model).name,
        "sha256": evaluation.model_sha256,
        **evaluation.provenance,
    }
    return Report(
        title=f"Genres predicted for {catalog}",
        lead=(
            f"A model's genres against the labels of {evaluation.films:,} films: "
            f"{films if evaluation.part else 'all'} of {catalog}.{left_out}",
            f"A genre is predicted from {_thresholds(evaluation)} upwards.",
        ),
        sections=(
            Section("Averages", tables=(averages_table(averages, f"Over all genres, on {films}"),)),
            *prediction_sections(evaluation.predictions, films),
            Section("Model", tables=(facts_table(model, "Where the model comes from"),)),
        ),
        warnings=_warnings(evaluation),
    )


def _thresholds(evaluation: Evaluation) -> str:
    decision = evaluation.decision
    if decision.operating_point is not None:
        return f"its threshold at the model's operating point {decision.operating_point}"
    if decision.threshold is not None:
        return f"a probability of {decision.threshold:g}"
    own = "the model's own threshold for it"
    if evaluation.predictions is not None and evaluation.predictions.thresholds.ndim == 2:
        return f"{own}, or one of two by whether another genre is predicted,"
    return own


def _warnings(evaluation: Evaluation) -> tuple[str, ...]:
    found = []
    if evaluation.trained_on:
        found.append(
            f"the model was trained on {evaluation.trained_on:,} of these "
            f"{evaluation.films:,} films: its figures on them are no promise for others."
        )
    if evaluation.ignored:
        named = ", ".join(f"{name} ({count:,})" for name, count in evaluation.ignored.items())
        found.append(f"genres that the model does not know were left out: {named}.")
    return tuple(found)
