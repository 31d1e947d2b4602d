"""What a step of training makes small: logits and labels -> one number.

The labels may be soft: a teacher's probabilities are labels too.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

__all__ = ["LOSSES", "Loss", "make_loss"]

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""(films, genres) float32 logits, (films, genres) float32 labels in 0..1 -> a scalar."""

FOCUS = 2.0
"""Focal loss: the exponent that its authors found best (Lin et al. 2017, table 1b)."""
FOCUS_POSITIVE, FOCUS_NEGATIVE, MARGIN = 0.0, 4.0, 0.05
"""Asymmetric loss: the defaults of its authors (Ridnik et al. 2021, section 4.1)."""
BETA = 0.999
"""Class-balanced loss: the middle of the values its authors tried (Cui et al. 2019, section 5)."""


def _bce(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return functional.binary_cross_entropy_with_logits(logits, labels)


def _focal(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Binary cross-entropy, scaled down where the label is already well predicted.

    Lin et al. 2017, "Focal Loss for Dense Object Detection", equation 4, without the balance. The
    modulating factor is the distance from the label to the power of `FOCUS`, which for soft labels
    is the generalisation of Li et al. 2020 (quality focal loss).
    """
    entropy = functional.binary_cross_entropy_with_logits(logits, labels, reduction="none")
    return ((labels - torch.sigmoid(logits)).abs().pow(FOCUS) * entropy).mean()


def _asymmetric(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Focal loss with another focus for absent genres, of which easy ones count nothing.

    Ridnik et al. 2021, "Asymmetric Loss For Multi-Label Classification", equations 5 to 7. Soft
    labels weigh the two halves.
    """
    present = torch.sigmoid(logits)
    absent = (1 - present + MARGIN).clamp(max=1)
    smallest = torch.finfo(logits.dtype).tiny
    gain = labels * (1 - present).pow(FOCUS_POSITIVE) * functional.logsigmoid(logits)
    gain += (1 - labels) * (1 - absent).pow(FOCUS_NEGATIVE) * absent.clamp(min=smallest).log()
    return -gain.mean()


def _class_balanced(counts: npt.NDArray[np.int64]) -> Loss:
    """Binary cross-entropy with a genre's films weighed by the inverse of their effective number.

    Cui et al. 2019, "Class-Balanced Loss Based on Effective Number of Samples", equations 3 and 8:
    weight (1 - beta) / (1 - beta ** n) for a genre of n films. Here it weighs the films that have
    the genre against those that have not, and is scaled to 1 for the commonest genre.
    """
    effective = (1 - BETA ** np.maximum(counts, 1)) / (1 - BETA)
    weights = torch.tensor(effective.max() / effective, dtype=torch.float32)

    def loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return functional.binary_cross_entropy_with_logits(
            logits, labels, pos_weight=weights.to(logits.device)
        )

    return loss


LOSSES = ("bce", "focal", "asymmetric", "class-balanced")


def make_loss(name: str, labels: npt.NDArray[np.uint8]) -> Loss:
    """A loss by its name.

    Args:
        name: of `LOSSES`.
        labels: (films, genres) 0 or 1, of the training part; class-balanced weights come from it.

    Raises:
        KeyError: no such loss.
    """
    if name == "class-balanced":
        return _class_balanced(labels.sum(axis=0, dtype=np.int64))
    return {"bce": _bce, "focal": _focal, "asymmetric": _asymmetric}[name]
