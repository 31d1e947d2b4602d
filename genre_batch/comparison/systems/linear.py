"""Linear models over TF-IDF, from scikit-learn."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import ParameterGrid
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import Pipeline
from sklearn.svm import LinearSVC

from genre_batch.dataset.dataset import Dataset
from genre_batch.evaluation.metrics import mean_average_precision
from genre_batch.progress import StepProgress

__all__ = ["BinaryRelevance", "SingleGenreNaiveBayes", "bayes_grid", "logistic", "svm_grid"]

Grid = Mapping[str, Sequence[Any]]

_WORDS = "vectorizer__ngram_range"


def _vectorizer() -> TfidfVectorizer:
    """Return TF-IDF of words and word pairs in at least two films, with sublinear counts."""
    return TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True, dtype=np.float32)


class SingleGenreNaiveBayes:
    """Multinomial naive Bayes over TF-IDF that predicts one genre per film: reference [4].

    A film of several genres is a training example for each of them, with its weight divided among
    them.
    """

    def __init__(self) -> None:
        self._vectorizer = _vectorizer()
        self._bayes = MultinomialNB()

    def fit(self, training: Dataset, development: Dataset, progress: StepProgress) -> float:
        """Fit on the training films; the development films are not used."""
        started = time.monotonic()
        films, genres = np.nonzero(training.labels)
        weights = 1 / training.labels.sum(axis=1, dtype=np.float64)[films]
        vectors = self._vectorizer.fit_transform(training.texts)
        self._bayes.fit(vectors[films], genres, sample_weight=weights)
        return time.monotonic() - started

    def predict_proba(self, films: Dataset) -> npt.NDArray[np.float32]:
        """Predict (films, genres) float32, rows sum to 1; 0 for a genre without training films."""
        probabilities = np.zeros(films.labels.shape, dtype=np.float32)
        vectors = self._vectorizer.transform(films.texts)
        probabilities[:, self._bayes.classes_] = self._bayes.predict_proba(vectors)
        return probabilities

    @property
    def parameters(self) -> int:
        """The number of weights (one for each word and genre) and priors (one for each genre)."""
        return int(self._bayes.feature_log_prob_.size + self._bayes.class_log_prior_.size)


class BinaryRelevance:
    """One classifier per genre over TF-IDF, with the best settings on the development part.

    Binary relevance with logistic regression is reference [5]; support vectors, logistic regression
    and naive Bayes with a grid search are reference [1]. Settings are compared by mean average
    precision, because thresholds are fitted afterwards.
    """

    def __init__(self, classifier: Any, grid: Grid | None = None) -> None:
        self._pipeline = Pipeline(
            [("vectorizer", _vectorizer()), ("classifier", OneVsRestClassifier(classifier))]
        )
        self._grid = ParameterGrid(dict(grid or {}))

    def fit(self, training: Dataset, development: Dataset, progress: StepProgress) -> float:
        """Fit each point of the grid and keep the best."""
        started = time.monotonic()
        unfitted, best = self._pipeline, -1.0
        self._present = training.labels.any(axis=0)
        for number, setting in enumerate(self._grid):
            fitted = clone(unfitted).set_params(**setting)
            with warnings.catch_warnings():
                # A genre without training films gets a constant classifier, as it should.
                warnings.filterwarnings("ignore", "Label not .* is present in all training")
                fitted.fit(training.texts, training.labels)
            if len(self._grid) > 1:
                precision = mean_average_precision(
                    development.labels, _probabilities(fitted, development)
                )
                progress(number + 1, len(self._grid), "searching the grid")
            else:
                precision = 0.0
            if precision > best:
                self._pipeline, best = fitted, precision
        return time.monotonic() - started

    def predict_proba(self, films: Dataset) -> npt.NDArray[np.float32]:
        """Predict (films, genres) float32; for support vectors, the sigmoid of the margin.

        A genre without training films gets 0: scikit-learn gives it a margin of 0, whose sigmoid
        would be 0.5.
        """
        return _probabilities(self._pipeline, films) * self._present.astype(np.float32)

    @property
    def parameters(self) -> int:
        """The number of weights, one for each word and genre, and intercepts of the genres."""
        words = len(self._pipeline["vectorizer"].vocabulary_)
        return int((words + 1) * len(self._pipeline["classifier"].classes_))


def _probabilities(pipeline: Pipeline, films: Dataset) -> npt.NDArray[np.float32]:
    if isinstance(pipeline["classifier"].estimator, LinearSVC):
        probabilities = 1 / (1 + np.exp(-pipeline.decision_function(films.texts)))
    else:
        probabilities = pipeline.predict_proba(films.texts)
    return np.asarray(probabilities, dtype=np.float32)


def logistic(seed: int, grid: bool) -> BinaryRelevance:
    """Return logistic regression with balanced classes, or with a grid search of its settings."""
    classifier = LogisticRegression(
        C=4.0, class_weight="balanced", solver="liblinear", random_state=seed
    )
    settings: Grid = {
        _WORDS: [(1, 1), (1, 2)],
        "classifier__estimator__C": [0.5, 2.0, 8.0],
        "classifier__estimator__class_weight": [None, "balanced"],
    }
    return BinaryRelevance(classifier, settings if grid else None)


def svm_grid(seed: int, quick: bool) -> BinaryRelevance:
    """Return linear support vectors with a grid search of their settings."""
    settings: Grid = {
        _WORDS: [(1, 1), (1, 2)],
        "classifier__estimator__C": [0.05, 0.2, 1.0],
        "classifier__estimator__class_weight": [None, "balanced"],
    }
    return BinaryRelevance(LinearSVC(random_state=seed), None if quick else settings)


def bayes_grid(quick: bool) -> BinaryRelevance:
    """Return naive Bayes, one per genre, with a grid search of its settings."""
    settings: Grid = {
        _WORDS: [(1, 1), (1, 2)],
        "classifier__estimator__alpha": [0.01, 0.03, 0.1, 0.3, 1.0],
    }
    return BinaryRelevance(MultinomialNB(alpha=0.1), None if quick else settings)
