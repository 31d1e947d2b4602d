"""The registry: every system can be fitted, and predicts probabilities."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from genre_batch.comparison.systems.registry import SYSTEMS
from genre_batch.comparison.systems.system import Setting
from genre_batch.dataset.dataset import Dataset
from support.trials import fitted


@pytest.fixture(scope="module")
def setting(
    base_model: Path, tiny_bert: Path, exported: dict[str, Path]
) -> Callable[[Path], Setting]:
    def make(folder: Path) -> Setting:
        return Setting(folder, str(base_model), str(tiny_bert), str(exported["fp32"]), quick=True)

    return make


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_system_predicts_a_probability_for_each_film_and_genre(
    name: str, setting: Callable[[Path], Setting], films: Dataset, tmp_path: Path
) -> None:
    system = fitted(SYSTEMS[name].make(setting(tmp_path)), films)
    test = films.part("test")
    probabilities = system.predict_proba(test)
    assert probabilities.shape == test.labels.shape
    assert probabilities.dtype == np.float32
    assert ((probabilities >= 0) & (probabilities <= 1)).all()
    if SYSTEMS[name].single_genre:
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    assert (system.parameters > 0) == (name != "always-0")
