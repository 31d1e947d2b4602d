"""The systems by name: those of the paper and its references, and this tool's models.

To add a system, add an entry to `SYSTEMS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import PurePath

from genre_batch.comparison.systems.system import Setting, System
from genre_batch.training.options import TrainingOptions
from genre_batch.training.recipe import read_recipe

__all__ = ["SYSTEMS", "Entry"]


@cache
def encoder_options() -> TrainingOptions:
    """Return the paper's recipe with two changes.

    The head reads the mean of the token vectors, for which MiniLM was trained. Texts of more than
    256 tokens, which are very few, are cut.
    """
    return read_recipe("paper").options.changed(pooling="mean", max_length=256)


@cache
def paper_options() -> TrainingOptions:
    """Return `encoder_options` with a third change, for several genres.

    The head, which starts from random weights, learns ten times as fast as the encoder. At equal
    rates MiniLM is worse than word counts after five epochs.
    """
    return encoder_options().changed(head_multiplier=10.0)


@dataclass(frozen=True)
class Entry:
    """A row of the comparison.

    Attributes:
        description: what it is, with the number of the paper's reference.
        make: makes a new system. It imports what the system needs: importing torch takes seconds.
        single_genre: it predicts each film's most probable genre, without thresholds.
        fixed: only the threshold 0.5 makes sense.
        oversampled: under the clean protocol, it is trained on copies too.
        original: under the paper's protocol, it gets the original rows; others get the oversampled
            ones.
        with_title: it reads titles if the catalog has them.
        encoder: the field of `Setting` with the encoder it starts from; None: no encoder.
    """

    description: str
    make: Callable[[Setting], System]
    single_genre: bool = False
    fixed: bool = False
    oversampled: bool = False
    original: bool = False
    with_title: bool = False
    encoder: str | None = None

    def encoder_of(self, setting: Setting) -> str | None:
        """Return the encoder that the system starts from, if any."""
        return None if self.encoder is None else str(getattr(setting, self.encoder))

    def name_of(self, name: str, model: str | None) -> str:
        """Return the name in tables: that of the file, if the system is a given model.

        Args:
            name: the key in `SYSTEMS`.
            model: the given model; None: the default model.
        """
        if model is None or self.make is not _exported:
            return name
        return PurePath(model).name + ("" if self.with_title else " (overview)")

    def description_of(self, model: str | None) -> str:
        """Return the description, which names the given model if the system is one."""
        if model is None or self.make is not _exported:
            return self.description
        return self.description.replace("the shipped model", PurePath(model).name)


def _always_zero(setting: Setting) -> System:
    from genre_batch.comparison.systems.always_zero import AlwaysZero

    return AlwaysZero()


def _bayes(setting: Setting) -> System:
    from genre_batch.comparison.systems.linear import SingleGenreNaiveBayes

    return SingleGenreNaiveBayes()


def _bayes_grid(setting: Setting) -> System:
    from genre_batch.comparison.systems.linear import bayes_grid

    return bayes_grid(setting.quick)


def _logistic(setting: Setting) -> System:
    from genre_batch.comparison.systems.linear import logistic

    return logistic(setting.seed, grid=False)


def _logistic_grid(setting: Setting) -> System:
    from genre_batch.comparison.systems.linear import logistic

    return logistic(setting.seed, grid=not setting.quick)


def _svm(setting: Setting) -> System:
    from genre_batch.comparison.systems.linear import svm_grid

    return svm_grid(setting.seed, setting.quick)


def _lstm(single_genre: bool) -> Callable[[Setting], System]:
    def make(setting: Setting) -> System:
        from genre_batch.comparison.systems.lstm import Lstm

        return Lstm(setting.seed, single_genre=single_genre, quick=setting.quick)

    return make


def _fine_tuned(
    base_model: str,
    setting: Setting,
    *,
    single_genre: bool = False,
    options: TrainingOptions,
) -> System:
    from genre_batch.comparison.systems.transformer import FineTuned

    options = options.changed(seed=setting.seed)
    if setting.quick:
        options = options.changed(epochs=1, max_length=64)
    return FineTuned(base_model, options, setting.folder, single_genre=single_genre)


def _bert(setting: Setting) -> System:
    return _fine_tuned(setting.bert_model, setting, single_genre=True, options=encoder_options())


def _distilbert(setting: Setting) -> System:
    return _fine_tuned(setting.base_model, setting, options=paper_options())


def _distilbert_own(setting: Setting) -> System:
    return _fine_tuned(setting.base_model, setting, options=TrainingOptions())


def _exported(setting: Setting) -> System:
    from genre_batch.comparison.systems.exported import Exported

    return Exported(setting.model, aliases=setting.aliases)


SYSTEMS: dict[str, Entry] = {
    "always-0": Entry("control: always 0", _always_zero, fixed=True),
    "tfidf-nb": Entry("TF-IDF, naive Bayes, one genre [4]", _bayes, single_genre=True),
    "tfidf-logreg": Entry("TF-IDF, binary relevance, logistic regression [5]", _logistic),
    "tfidf-svm": Entry("TF-IDF, support vectors, grid search [1]", _svm),
    "tfidf-logreg-grid": Entry("TF-IDF, logistic regression, grid search [1]", _logistic_grid),
    "tfidf-nb-grid": Entry("TF-IDF, naive Bayes, grid search [1]", _bayes_grid),
    "lstm-single": Entry("LSTM, one genre [2]", _lstm(True), single_genre=True),
    "lstm": Entry("LSTM [6]", _lstm(False)),
    "bert": Entry(
        "BERT-class encoder, one genre [2]", _bert, single_genre=True, encoder="bert_model"
    ),
    "distilbert": Entry(
        "the paper's DistilBERT, original data", _distilbert, original=True, encoder="base_model"
    ),
    "distilbert-oversampled": Entry(
        "the paper's DistilBERT, oversampled", _distilbert, oversampled=True, encoder="base_model"
    ),
    "distilbert-own-recipe": Entry(
        "DistilBERT by this tool's recipe, original data",
        _distilbert_own,
        original=True,
        encoder="base_model",
    ),
    "shipped-overview": Entry("the shipped model, overviews alone", _exported),
    "shipped": Entry("the shipped model, titles and overviews", _exported, with_title=True),
}
"""Entries by the system's name in comparison.json. Numbers in brackets: the paper's references."""
