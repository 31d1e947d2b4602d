"""Logits -> probabilities, of several genres a film or of one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

__all__ = ["probabilities_of"]


def probabilities_of(logits: torch.Tensor, *, single_genre: bool) -> npt.NDArray[np.float32]:
    """Convert (films, genres) logits to probabilities; with `single_genre`, rows sum to 1."""
    probabilities = logits.softmax(dim=1) if single_genre else logits.sigmoid()
    array: npt.NDArray[np.float32] = probabilities.numpy()
    return array
