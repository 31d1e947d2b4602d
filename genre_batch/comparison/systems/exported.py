"""An exported model, without further training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import onnx

from genre_batch.catalog.genre_aliases import GenreIndex
from genre_batch.dataset.dataset import Dataset
from genre_batch.errors import ModelError
from genre_batch.model.tagger import GenreTagger
from genre_batch.model.text_keys import known_keys
from genre_batch.progress import StepProgress

__all__ = ["Exported"]


class Exported:
    """An exported .onnx, with its genres mapped to those of the catalog.

    Args:
        model: its path; None: the default model.
        aliases: give the catalog's genres the probabilities of common aliases, too.
    """

    def __init__(self, model: str | None, *, aliases: bool = True) -> None:
        self._tagger = GenreTagger.load(model)
        self._index = GenreIndex(self._tagger.labels, aliases=aliases)

    def _columns(self, names: Sequence[str]) -> dict[int, int]:
        """Return column of the catalog -> column of the model, for the genres that it knows."""
        readings = {index: self._index.find(name) for index, name in enumerate(names)}
        return {
            index: self._tagger.labels.index(reading.genres[0])
            for index, reading in readings.items()
            if reading is not None and len(reading.genres) == 1
        }

    def fit(self, training: Dataset, development: Dataset, progress: StepProgress) -> float:
        """Check that the model and the catalog have genres in common; there is nothing to fit.

        Raises:
            ModelError: they have none.
        """
        if not self._columns(training.names):
            raise ModelError(
                f"{self._tagger.path}: the model knows none of the catalog's genres: choose "
                f"another `model`"
            )
        return 0.0

    def predict_proba(self, films: Dataset) -> npt.NDArray[np.float32]:
        """Predict (films, genres) float32; 0 for a genre that the model does not know."""
        predicted = self._tagger.predict_proba(films.texts)
        probabilities = np.zeros(films.labels.shape, dtype=np.float32)
        for index, column in self._columns(films.names).items():
            probabilities[:, index] = predicted[:, column]
        return probabilities

    def seen(self, films: Dataset) -> int:
        """Count the films that the model was trained on."""
        metadata = self._tagger.metadata
        keys = films.keys_as(metadata.text_key_version)
        return int(known_keys(keys, metadata.training_text_keys).sum())

    @property
    def parameters(self) -> int:
        """The number of stored values, scalars (such as scales) excepted."""
        graph = onnx.load(self._tagger.path).graph
        return sum(int(np.prod(tensor.dims)) for tensor in graph.initializer if tensor.dims)
