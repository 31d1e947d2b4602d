"""The head of a teacher is initialized with a linear probe."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from genre_batch.dataset.dataset import Dataset
from genre_batch.training.encoder.base_model import load_base_model
from genre_batch.training.encoder.inference import encode, predict
from genre_batch.training.encoder.pooling import PooledClassifier
from genre_batch.training.loop import linear_probe
from genre_batch.training.loop.linear_probe import STRENGTH, fit_linear_probe, start_biases
from genre_batch.training.options import ModelOptions


def test_the_head_is_a_regression_on_the_frozen_vectors(tiny_bert: Path, films: Dataset) -> None:
    model, tokenizer = load_base_model(tiny_bert, films.names, ModelOptions())
    assert isinstance(model, PooledClassifier)
    training = films.part("train")
    encoder = {name: weight.clone() for name, weight in model.encoder.state_dict().items()}
    vectors = encode(model, tokenizer, training.texts, 32)
    fit_linear_probe(model, tokenizer, training, 32)
    found = predict(model, tokenizer, training.texts, 32)
    for genre, truth in enumerate(training.labels.T):
        scaled = vectors / vectors.std()
        expected = LogisticRegression(C=STRENGTH).fit(scaled, truth).predict_proba(scaled)[:, 1]
        np.testing.assert_allclose(found[:, genre], expected, atol=0.02)  # bfloat16 vectors
    for name, weight in model.encoder.state_dict().items():
        np.testing.assert_array_equal(weight, encoder[name])


def test_a_genre_that_no_film_has_keeps_its_random_weights(tiny_bert: Path, films: Dataset) -> None:
    model, tokenizer = load_base_model(tiny_bert, films.names, ModelOptions())
    assert isinstance(model, PooledClassifier)
    before = model.classifier.weight.detach().clone()
    labels = films.labels.copy()
    labels[:, 1] = 0
    start_biases(model, torch.tensor([-1.0, -6.5, -2.0, -2.0][: len(films.names)]))
    fit_linear_probe(model, tokenizer, replace(films, labels=labels), 32)
    assert model.classifier.bias[1] == -6.5
    np.testing.assert_array_equal(model.classifier.weight[1].detach(), before[1])
    assert not np.array_equal(model.classifier.weight[0].detach(), before[0])


def test_biases_of_kept_genres_do_not_change(tiny_bert: Path) -> None:
    model, _ = load_base_model(tiny_bert, ["Action", "Comedy", "Drama"], ModelOptions())
    before = model.classifier.bias.tolist()
    start_biases(model, torch.tensor([-3.0, -2.5, -2.0]), kept=[2])
    assert model.classifier.bias.tolist() == [-3.0, -2.5, before[2]]


def test_of_many_films_those_evenly_spaced_are_fitted(
    tiny_bert: Path, films: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linear_probe, "MAX_FILMS", 9)
    done: list[tuple[int, int]] = []
    heads = []
    for given in (films, films.spread(9)):
        model, tokenizer = load_base_model(tiny_bert, films.names, ModelOptions())
        assert isinstance(model, PooledClassifier)
        fit_linear_probe(model, tokenizer, given, 32, lambda *step: done.append(step[:2]))
        heads.append(model.classifier.weight.detach().numpy())
    assert len(films) > 9
    assert done[-1] == (9, 9)
    np.testing.assert_array_equal(heads[0], heads[1])
