"""The films of a run: of its catalog, those that it was trained on, and those of earlier runs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from genre_batch.dataset.dataset import Dataset, concatenate, read_dataset
from genre_batch.dataset.earlier import EarlierFilms, read_earlier_films
from genre_batch.errors import TrainingError
from genre_batch.runs.folder import REPAIR, RunFolder

__all__ = ["earlier_films", "training_films", "training_keys"]


def training_films(folder: RunFolder) -> Dataset:
    """Read the films that a run was trained on, extra ones included.

    Raises:
        TrainingError: a file is missing or broken.
    """
    films = read_dataset(folder.splits).part("train")
    return concatenate(films, read_dataset(folder.extra)) if folder.extra.exists() else films


def earlier_films(folder: RunFolder, name: str = "") -> EarlierFilms:
    """Read the films of the runs that a run started from; none if there is no such run.

    Args:
        folder: the run's folder.
        name: of the run, for messages.

    Raises:
        TrainingError: the file is damaged.
    """
    if not folder.earlier.exists():
        return EarlierFilms(name, {})
    try:
        return replace(read_earlier_films(folder.earlier), name=name)
    except (OSError, KeyError, ValueError) as error:
        raise TrainingError(f"{folder.earlier} is missing or damaged: {REPAIR}") from error


def training_keys(folder: RunFolder, version: int) -> npt.NDArray[np.uint64]:
    """Return the sorted text keys of all films that a run was trained on.

    Those of the runs that it started from are included. If it started from an exported model with
    keys of an older version, these are of that version: texts of a-z have the same keys in both.

    Args:
        folder: the run's folder.
        version: of the keys.

    Raises:
        TrainingError: a file is missing or broken.
    """
    nothing = np.zeros(0, dtype=np.uint64)
    earlier = earlier_films(folder).keys.get("train", nothing)
    return np.union1d(training_films(folder).keys_as(version), earlier)
