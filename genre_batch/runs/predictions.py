"""Predictions for many texts, written while they are computed, so that a resumed run continues."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genre_batch.files import replacing
from genre_batch.progress import StepProgress
from genre_batch.runs.integrity import is_whole

__all__ = ["TEXTS_PER_WRITE", "Predict", "predict_in_parts", "save_array"]

Predict: TypeAlias = Callable[[list[str]], npt.NDArray[np.float32]]
"""Maps texts to (texts, genres) probabilities."""

TEXTS_PER_WRITE = 4096
"""Texts predicted between two writes. The number does not depend on when a run is interrupted, and
so the predictions do not either."""


def predict_in_parts(
    variants: Sequence[Sequence[str]],
    load: Callable[[], Predict],
    path: Path,
    progress: StepProgress,
) -> npt.NDArray[np.float32]:
    """Predict texts part by part; parts that an earlier call wrote are read.

    Args:
        variants: lists of as many texts each.
        load: returns the function that predicts. It is called when a part is missing.
        path: the beginning of the files' names; what the predictions depend on is part of it.
        progress: called with the number of texts that are done, after each part.

    Returns:
        (variants, texts, genres) float32.
    """
    count = len(variants[0])
    texts = [text for variant in variants for text in variant]
    starts = [
        number * count + start
        for number in range(len(variants))
        for start in range(0, count, TEXTS_PER_WRITE)
    ]
    predict: Predict | None = None
    found: list[npt.NDArray[np.float32]] = []
    for start, end in itertools.pairwise([*starts, len(texts)]):
        part = path.with_name(f"{path.name}-{start}.npy")
        if is_whole(part):
            found.append(np.load(part, allow_pickle=False))
        else:
            predict = predict or load()
            found.append(predict(texts[start:end]))
            save_array(part, found[-1])
        progress(end, len(texts), "predicting with the teacher")
    return np.concatenate(found).reshape(len(variants), count, -1)


def save_array(path: Path, array: npt.NDArray[np.float32]) -> None:
    """Write an array if the disk allows it: without the file only time is lost."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            np.save(file, array, allow_pickle=False)
