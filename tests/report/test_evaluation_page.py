"""The page of an evaluation: its figures, its thresholds and its warnings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from genre_batch.evaluation.evaluate import Evaluation, EvaluationJob, evaluate
from genre_batch.model.decision import Decision
from genre_batch.report.evaluation_page import evaluation_report
from genre_batch.report.page import render


def _evaluation(tiny_model: Path, tmp_path: Path, **options: Any) -> Evaluation:
    path = tmp_path / "films.csv"
    path.write_text("overview,genres\nlaugh,Comedy\ncry,Drama\nfight,Noir\n,War\n")
    return evaluate(EvaluationJob(str(path), model=str(tiny_model), ignore_unknown=True, **options))


def test_an_evaluation_becomes_a_page_of_its_figures(tiny_model: Path, tmp_path: Path) -> None:
    result = _evaluation(tiny_model, tmp_path)
    report = evaluation_report(result)
    titles = [section.title for section in report.sections]
    assert titles[:4] == ["Averages", "Genres", "Confusion", "Curves"]
    genres = report.sections[1].tables[0]
    assert [row[:2] for row in genres.rows] == [
        (genre.genre, genre.films) for genre in result.genres
    ]
    averages = {row[0]: row[1] for row in report.sections[0].tables[0].rows}
    assert averages["macro-F1"] == result.scores.macro_f1
    assert averages["exact match"] == result.exact_match
    assert report.warnings == ("genres that the model does not know were ignored: Noir (1).",)
    assert (
        "the labels of 3 films: all of films.csv. Skipped: 1 row without a text or a genre."
        in report.lead[0]
    )
    assert "the model's threshold for it" in report.lead[1]
    model = {row[0]: row[1] for row in report.sections[-1].tables[0].rows}
    assert (model["file"], model["base model"]) == (tiny_model.name, "tiny")
    assert str(tmp_path) not in render(report).decode()


@pytest.mark.parametrize(
    ("decision", "thresholds"),
    [
        (Decision(operating_point="no-drama"), "of the model's operating point no-drama"),
        (Decision(threshold=0.25), "a probability of 0.25"),
    ],
)
def test_a_page_names_the_thresholds_that_were_used(
    tiny_model: Path, tmp_path: Path, decision: Decision, thresholds: str
) -> None:
    report = evaluation_report(_evaluation(tiny_model, tmp_path, decision=decision))
    assert thresholds in report.lead[1]


def test_a_page_mentions_that_a_genre_has_two_thresholds(
    conditional_model: Path, tmp_path: Path
) -> None:
    result = _evaluation(conditional_model, tmp_path)
    report = evaluation_report(result)
    assert (
        "some genres have two, depending on whether another genre is predicted." in report.lead[1]
    )
    thresholds = {row[0]: row[2] for row in report.sections[1].tables[0].rows}
    assert (thresholds["Comedy"], thresholds["Drama"]) == (None, 0.5)
    assert render(report) == render(evaluation_report(result))


def test_a_page_warns_of_films_that_were_trained_on(tiny_model: Path, tmp_path: Path) -> None:
    seen = replace(_evaluation(tiny_model, tmp_path), trained_on=2, ignored={})
    (warning,) = evaluation_report(seen).warnings
    assert warning.startswith("the model was trained on 2 of these 3 films")


def test_an_evaluation_without_predictions_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    bare = replace(_evaluation(tiny_model, tmp_path), predictions=None)
    with pytest.raises(ValueError, match="without predictions"):
        evaluation_report(bare)
