"""The paper's control: predict no genre for any film."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from genre_batch.dataset.dataset import Dataset
from genre_batch.progress import StepProgress

__all__ = ["AlwaysZero"]


class AlwaysZero:
    """Predict no genre (Balete and Ducay 2024, the row "control")."""

    parameters = 0

    def fit(self, training: Dataset, development: Dataset, progress: StepProgress) -> float:
        """Do nothing."""
        return 0.0

    def predict_proba(self, films: Dataset) -> npt.NDArray[np.float32]:
        """Return (films, genres) zeros."""
        return np.zeros(films.labels.shape, dtype=np.float32)
