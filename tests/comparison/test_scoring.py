"""Scoring: a row for each threshold scheme, with the paper's measures."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from genre_batch.comparison.scoring import FIXED, SCHEMES, TOP_GENRE, score_trial
from support.trials import GENRES, TRIAL, random_predictions, trial_rows


def test_a_system_has_a_row_for_each_threshold_scheme() -> None:
    rows = trial_rows()
    assert [row["thresholds"] for row in rows] == list(SCHEMES)
    assert len({row["map"] for row in rows}) == 1


def test_a_row_carries_what_other_programs_read() -> None:
    row = json.loads(json.dumps(trial_rows()[0]))
    assert {
        "system", "thresholds", "protocol", "accuracy", "score", "macro_f1", "micro_f1", "map",
        "macro_f1_interval", "seed", "seconds", "films_per_second", "parameters",
    } <= set(row)  # fmt: skip
    low, high = row["macro_f1_interval"]
    assert low <= row["macro_f1"] <= high


def test_a_single_genre_system_is_scored_on_its_most_probable_genre() -> None:
    probabilities = np.array([[0.2, 0.3, 0.1], [0.6, 0.3, 0.1]], dtype=np.float32)
    labels = np.array([[0, 1, 1], [0, 1, 0]], dtype=np.uint8)
    test = probabilities, labels
    (row,) = score_trial(replace(TRIAL, single_genre=True), GENRES, test, test)
    assert row.thresholds == TOP_GENRE
    # One hit, one wrong, two misses: neither probability has to reach a threshold.
    assert row.scores.micro_f1 == pytest.approx(2 / (2 + 1 + 2))
    # Both films have the same probability of Comedy, and of Drama.
    assert row.scores.map == pytest.approx((1.0 + 0.5) / 2)


def test_the_confusion_matrix_is_that_of_the_most_common_genre() -> None:
    probabilities, labels = random_predictions(1)
    matrix = trial_rows()[0]["commonest"]
    assert matrix["genre"] == "Drama"
    assert matrix["tp"] + matrix["fn"] == labels[:, 2].sum()
    assert sum(matrix[name] for name in ("tp", "fp", "fn", "tn")) == len(labels)
    assert matrix["tp"] == ((probabilities[:, 2] >= 0.5) & (labels[:, 2] == 1)).sum()


def test_the_accuracy_of_predicting_nothing_is_the_share_of_zeros() -> None:
    labels = random_predictions(1)[1]
    zeros = np.zeros(labels.shape, dtype=np.float32)
    (row,) = score_trial(replace(TRIAL, schemes=(FIXED,)), GENRES, (zeros, labels), (zeros, labels))
    assert row.scores.accuracy == pytest.approx(1 - labels.mean())
    assert row.scores.macro_f1 == 0
