"""Rows of a comparison, and the tables made of them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from genre_batch.comparison.table import (
    FIXED,
    PAPER,
    SCHEMES,
    TOP_GENRE,
    Trial,
    comparison_markdown,
    rows_of,
)

NAMES = ["Action", "Comedy", "Drama"]
TRIAL = Trial(
    system="tfidf-logreg",
    says="words",
    protocol="clean",
    data="original",
    reads="overview",
    single_genre=False,
    schemes=SCHEMES,
    base_model=None,
    copies_by=None,
    training_films=70,
    seen=0,
    seed=0,
    seconds=1.5,
    films_per_second=1000.0,
    parameters=12,
    quick=False,
)


def _answers(seed: int, films: int = 60) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    labels = (rng.random((films, 3)) < [0.2, 0.3, 0.6]).astype(np.uint8)
    noise = rng.random((films, 3), dtype=np.float32)
    return (0.3 * labels + 0.7 * noise).astype(np.float32), labels


def _rows(**changes: Any) -> list[dict[str, Any]]:
    trial = replace(TRIAL, **changes)
    return [row.as_dict() for row in rows_of(trial, NAMES, _answers(0), _answers(1))]


def test_a_system_has_a_row_for_each_threshold_scheme() -> None:
    rows = _rows()
    assert [row["thresholds"] for row in rows] == list(SCHEMES)
    assert len({row["map"] for row in rows}) == 1


def test_a_row_carries_what_other_programs_read() -> None:
    row = json.loads(json.dumps(_rows()[0]))
    assert {
        "system", "thresholds", "protocol", "accuracy", "score", "macro_f1", "micro_f1", "map",
        "macro_f1_interval", "seed", "seconds", "films_per_second", "parameters",
    } <= set(row)  # fmt: skip
    low, high = row["macro_f1_interval"]
    assert low <= row["macro_f1"] <= high


def test_a_system_of_one_genre_is_scored_on_its_likeliest_genre() -> None:
    probabilities = np.array([[0.2, 0.3, 0.1], [0.6, 0.3, 0.1]], dtype=np.float32)
    labels = np.array([[0, 1, 1], [0, 1, 0]], dtype=np.uint8)
    test = probabilities, labels
    (row,) = rows_of(replace(TRIAL, single_genre=True), NAMES, test, test)
    assert row.thresholds == TOP_GENRE
    # One hit, one wrong, two misses: neither probability has to reach a threshold.
    assert row.scores.micro_f1 == pytest.approx(2 / (2 + 1 + 2))
    # Both Comedies are ranked level, Drama too.
    assert row.scores.map == pytest.approx((1.0 + 0.5) / 2)


def test_the_confusion_matrix_is_that_of_the_commonest_genre() -> None:
    probabilities, labels = _answers(1)
    matrix = _rows()[0]["commonest"]
    assert matrix["genre"] == "Drama"
    assert matrix["tp"] + matrix["fn"] == labels[:, 2].sum()
    assert sum(matrix[name] for name in ("tp", "fp", "fn", "tn")) == len(labels)
    assert matrix["tp"] == ((probabilities[:, 2] >= 0.5) & (labels[:, 2] == 1)).sum()


def test_nothing_predicted_is_as_accurate_as_genres_are_absent() -> None:
    labels = _answers(1)[1]
    zeros = np.zeros(labels.shape, dtype=np.float32)
    (row,) = rows_of(replace(TRIAL, schemes=(FIXED,)), NAMES, (zeros, labels), (zeros, labels))
    assert row.scores.accuracy == pytest.approx(1 - labels.mean())
    assert row.scores.macro_f1 == 0


def test_the_table_puts_ours_beside_the_papers() -> None:
    rows = _rows(system="distilbert", protocol="paper") + _rows(system="distilbert")
    text = comparison_markdown(rows)
    for description, accuracy, score in PAPER.values():
        assert f"| {description} | " in text
        assert f"{accuracy:.4f}" in text
        assert f"{score:.4f}" in text
    ours = next(line for line in text.splitlines() if line.startswith("| original model"))
    assert ours.count(f"{rows[0]['accuracy']:.4f}") == 2
    assert "## Protocol `paper`: every system" in text
    assert "## Protocol `clean`: every system" in text


def test_the_table_says_what_was_done_differently() -> None:
    text = comparison_markdown(_rows(base_model="some-encoder", copies_by="Somebody (es, ca)"))
    assert "Somebody (es, ca)" in text
    assert "`some-encoder`" in text
    assert "--quick" not in text


def test_the_table_says_when_its_figures_mean_nothing() -> None:
    assert "Made with --quick" in comparison_markdown(_rows(quick=True))


def test_the_table_says_when_a_model_knew_the_test_films() -> None:
    text = comparison_markdown(_rows(system="shipped", protocol="paper", seen=7))
    assert "learnt from 7 of the test films" in text
    assert "Nearest to the paper's" not in text
