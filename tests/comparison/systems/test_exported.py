"""An exported model in a comparison: its genres, and the films that it was trained on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from genre_batch.comparison.systems.exported import Exported
from genre_batch.dataset.dataset import Dataset
from genre_batch.errors import ModelError
from support.trials import fitted


def test_an_exported_model_predicts_in_the_order_of_the_catalog_s_genres(
    exported: dict[str, Path], films: Dataset
) -> None:
    reordered = replace(
        films,
        names=["Unheard of", *reversed(films.names)],
        labels=np.hstack([np.zeros((len(films), 1), np.uint8), films.labels[:, ::-1]]),
    )
    system = Exported(str(exported["fp32"]))
    straight, other = system.predict_proba(films), system.predict_proba(reordered)
    np.testing.assert_array_equal(other[:, 1:], straight[:, ::-1])
    assert (other[:, 0] == 0).all()


def test_an_exported_model_is_scored_on_usual_other_names_of_its_genres(
    exported: dict[str, Path], films: Dataset
) -> None:
    model = str(exported["fp32"])
    own = Exported(model)
    other = replace(films, names=[f"{name} Films" for name in films.names])
    np.testing.assert_array_equal(Exported(model).predict_proba(other), own.predict_proba(films))
    assert not Exported(model, aliases=False).predict_proba(other).any()


def test_an_exported_model_counts_the_films_it_was_trained_on(
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
        fitted(Exported(str(exported["fp32"])), foreign)
