"""An exported model, without further training."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import onnx

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
    """

    def __init__(self, model: str | None) -> None:
        self._tagger = GenreTagger.load(model)

    def fit(self, training: Dataset, development: Dataset, progress: StepProgress) -> float:
        """Check that the model and the catalog have genres in common; there is nothing to fit.

        Raises:
            ModelError: they have none.
        """
        if not set(training.names) & set(self._tagger.labels):
            raise ModelError(
                f"{self._tagger.path}: the model knows none of the catalog's genres: choose "
                f"another `model`"
            )
        return 0.0

    def predict_proba(self, films: Dataset) -> npt.NDArray[np.float32]:
        """Predict (films, genres) float32; 0 for a genre that the model does not know."""
        predicted = self._tagger.predict_proba(films.texts)
        column_of = {label: column for column, label in enumerate(self._tagger.labels)}
        probabilities = np.zeros(films.labels.shape, dtype=np.float32)
        for index, name in enumerate(films.names):
            if name in column_of:
                probabilities[:, index] = predicted[:, column_of[name]]
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
