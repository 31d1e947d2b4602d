"""Fixtures of the tests of labeled catalogs."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from genre_batch.dataset.dataset import Dataset
from support.catalogs import GENRES, load, overviews, write_films


@pytest.fixture
def many(tmp_path: Path) -> Dataset:
    """400 distinct films of one to three of five genres each, split."""
    rng = random.Random(0)
    cells = [", ".join(rng.sample(GENRES, rng.randint(1, 3))) for _ in range(400)]
    return load(write_films(tmp_path, overviews(400), cells))
