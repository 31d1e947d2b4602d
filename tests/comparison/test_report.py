"""The page of a comparison: its tables, its figures and its warning."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from genre_batch.comparison.report import comparison_report
from genre_batch.evaluation.per_genre import Predictions
from genre_batch.report.page import render
from support.trials import GENRES, random_predictions, trial_rows

COUNTS = {"before": {"Drama": 5, "Action": 2}}


def test_a_page_has_the_rows_of_each_protocol_and_the_paper_s_figures() -> None:
    rows = [
        row
        for protocol in ("clean", "paper")
        for row in trial_rows(system="distilbert", protocol=protocol)
    ]
    probabilities, labels = random_predictions(1)
    curves = Predictions(tuple(GENRES), labels, probabilities, np.full(3, 0.5))
    report = comparison_report(rows, "films.csv", COUNTS, ("distilbert", curves))
    sections = {section.title: section for section in report.sections}
    assert list(sections) == [
        "The paper's table",
        "Protocol clean",
        "Protocol paper",
        "Every row",
        "Films",
        "Confusion",
        "Curves",
    ]
    assert len(sections["Every row"].tables[0].rows) == len(rows)
    (best,) = sections["Protocol clean"].tables[0].rows
    assert best[:3] == ("distilbert", "words", "f1")
    assert [figure.chosen for figure in sections["Curves"].figures] == ["Drama", "Drama"]
    titles = [figure.title for figure in sections["Confusion"].figures]
    assert titles == [
        "Drama: distilbert, protocol clean",
        "Drama: distilbert, protocol paper",
    ]
    assert report.warnings == ()
    assert render(report) == render(replace(report))


def test_a_catalog_with_other_genres_is_not_compared_with_the_paper() -> None:
    report = comparison_report(trial_rows(), "papers.csv", COUNTS, None, of_paper=False)
    assert report.title == "Systems on papers.csv"
    assert report.sections[0].title == "Protocol clean"


def test_a_page_warns_of_quick_figures() -> None:
    report = comparison_report(trial_rows(quick=True), "films.csv", COUNTS, None)
    assert report.warnings[0].startswith("made with --quick")
    assert "Curves" not in [section.title for section in report.sections]
