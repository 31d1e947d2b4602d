"""The systems of the comparison: what each gives, and that each learns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from genre_batch.comparison.systems.exported import Exported
from genre_batch.comparison.systems.lstm import Lstm
from genre_batch.comparison.systems.registry import SYSTEMS
from genre_batch.comparison.systems.system import Setting, System, genre_shares
from genre_batch.comparison.systems.transformer import single_genre_loss
from genre_batch.dataset.dataset import Dataset
from genre_batch.errors import ModelError
from genre_batch.evaluation.metrics import mean_average_precision

pytestmark = pytest.mark.filterwarnings("ignore:mtime may not be reliable:UserWarning")

LEARN_FROM_NOTHING = ["tfidf-nb", "tfidf-logreg", "tfidf-svm", "tfidf-logreg-grid", "tfidf-nb-grid"]


def silent(done: int, total: int, what: str) -> None:
    """Nobody watches."""


@pytest.fixture(scope="module")
def setting(
    base_model: Path, tiny_bert: Path, exported: dict[str, Path]
) -> Callable[[Path], Setting]:
    def make(folder: Path) -> Setting:
        return Setting(folder, str(base_model), str(tiny_bert), str(exported["fp32"]), quick=True)

    return make


def _fitted(system: System, films: Dataset) -> System:
    system.fit(films.part("train"), films.part("dev"), silent)
    return system


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_system_gives_a_chance_for_each_film_and_genre(
    name: str, setting: Callable[[Path], Setting], films: Dataset, tmp_path: Path
) -> None:
    system = _fitted(SYSTEMS[name].make(setting(tmp_path)), films)
    test = films.part("test")
    found = system.predict_proba(test)
    assert found.shape == test.labels.shape
    assert found.dtype == np.float32
    assert ((found >= 0) & (found <= 1)).all()
    if SYSTEMS[name].single_genre:
        np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    assert (system.parameters > 0) == (name != "always-0")


@pytest.mark.parametrize("name", LEARN_FROM_NOTHING)
def test_systems_over_words_learn_what_words_tell(
    name: str, films: Dataset, tmp_path: Path
) -> None:
    system = _fitted(SYSTEMS[name].make(Setting(tmp_path)), films)
    test = films.part("test")
    assert mean_average_precision(test.labels, system.predict_proba(test)) > 0.9


@pytest.mark.parametrize("single_genre", [False, True])
def test_a_recurrent_network_learns_words_and_the_same_ones_again(
    single_genre: bool, films: Dataset
) -> None:
    def learnt() -> np.ndarray:
        network = Lstm(3, single_genre=single_genre, quick=False)
        # Eight passes over the films are one: the network needs steps, and there are few films.
        many = films.part("train").take(list(range(len(films.part("train")))) * 8)
        network.fit(many, films.part("dev"), silent)
        return network.predict_proba(films.part("test"))

    first = learnt()
    assert mean_average_precision(films.part("test").labels, first) > 0.8
    np.testing.assert_array_equal(first, learnt())


@pytest.mark.parametrize("name", ["tfidf-nb", "tfidf-logreg", "tfidf-svm"])
def test_a_genre_that_no_training_film_has_is_never_likely(
    name: str, films: Dataset, tmp_path: Path
) -> None:
    absent = np.zeros((len(films), 1), dtype=np.uint8)
    wider = replace(
        films, names=[*films.names, "Western"], labels=np.hstack([films.labels, absent])
    )
    system = _fitted(SYSTEMS[name].make(Setting(tmp_path, quick=True)), wider)
    found = system.predict_proba(wider.part("test"))
    assert found.shape[1] == len(films.names) + 1
    assert (found[:, -1] < 0.5).all()


def test_an_exported_model_answers_in_the_order_of_the_catalogs_genres(
    exported: dict[str, Path], films: Dataset
) -> None:
    turned = replace(
        films,
        names=["Unheard of", *reversed(films.names)],
        labels=np.hstack([np.zeros((len(films), 1), np.uint8), films.labels[:, ::-1]]),
    )
    system = Exported(str(exported["fp32"]))
    straight, other = system.predict_proba(films), system.predict_proba(turned)
    np.testing.assert_array_equal(other[:, 1:], straight[:, ::-1])
    assert (other[:, 0] == 0).all()


def test_an_exported_model_tells_which_films_it_has_learnt_from(
    exported: dict[str, Path], films: Dataset
) -> None:
    system = Exported(str(exported["fp32"]))
    assert system.seen(films.part("train")) == len(films.part("train"))
    assert system.seen(films.part("dev", "test")) == 0


def test_an_exported_model_of_other_genres_is_refused(
    exported: dict[str, Path], films: Dataset
) -> None:
    foreign = replace(films, names=[f"{name}?" for name in films.names])
    with pytest.raises(ModelError, match="knows none of the catalog's genres"):
        _fitted(Exported(str(exported["fp32"])), foreign)


@given(st.lists(st.lists(st.booleans(), min_size=4, max_size=4).filter(any), min_size=1))
def test_each_film_is_shared_out_whole_among_its_genres(rows: list[list[bool]]) -> None:
    labels = np.array(rows, dtype=np.uint8)
    shares = genre_shares(labels)
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-6)
    assert ((shares > 0) == (labels > 0)).all()


def test_the_loss_of_one_genre_is_least_where_chances_are_the_shares() -> None:
    labels = torch.tensor([[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]])
    right = torch.log(torch.tensor([[0.5, 0.5, 1e-9, 1e-9], [1e-9, 1e-9, 1e-9, 1.0]]))
    generator = torch.Generator().manual_seed(0)
    least = single_genre_loss(right, labels)
    for _ in range(20):
        other = right + torch.randn(right.shape, generator=generator)
        assert single_genre_loss(other, labels) > least
