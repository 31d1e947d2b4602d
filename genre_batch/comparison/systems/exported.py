"""An exported model as it is: it learns nothing more."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import onnx

from genre_batch.dataset.dataset import Dataset
from genre_batch.errors import ModelError
from genre_batch.model.tagger import GenreTagger
from genre_batch.progress import StepProgress

__all__ = ["Exported"]


class Exported:
    """An exported .onnx, asked in the genres of the catalog.

    Args:
        model: its path; None: the default one.
    """

    def __init__(self, model: str | None) -> None:
        self._tagger = GenreTagger.load(model)

    def fit(self, training: Dataset, development: Dataset, progress: StepProgress) -> float:
        """Learns nothing.

        Raises:
            ModelError: it knows none of the catalog's genres.
        """
        if not set(training.names) & set(self._tagger.labels):
            raise ModelError(f"{self._tagger.path}: the model knows none of the catalog's genres")
        return 0.0

    def predict_proba(self, films: Dataset) -> npt.NDArray[np.float32]:
        """(films, genres) float32; 0 for a genre that the model does not know."""
        found = self._tagger.predict_proba(films.texts)
        position = {label: at for at, label in enumerate(self._tagger.labels)}
        probabilities = np.zeros(films.labels.shape, dtype=np.float32)
        for at, name in enumerate(films.names):
            if name in position:
                probabilities[:, at] = found[:, position[name]]
        return probabilities

    def seen(self, films: Dataset) -> int:
        """How many of the films the model was trained on."""
        return int(np.isin(films.keys, self._tagger.metadata.training_text_keys).sum())

    @property
    def parameters(self) -> int:
        """Stored numbers of two or more dimensions, and biases: all but scales and zero points."""
        graph = onnx.load(self._tagger.path).graph
        return sum(int(np.prod(tensor.dims)) for tensor in graph.initializer if tensor.dims)
