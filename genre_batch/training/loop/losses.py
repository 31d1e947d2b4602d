"""Training losses: functions of logits and labels.

Labels may be soft: a teacher's probabilities are labels too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

__all__ = ["Loss", "Objective", "best_constants", "make_loss"]


class Loss(Protocol):
    """Maps (films, genres) float32 logits and labels, 0..1, and weights to a scalar.

    Weights are (films, 1) or (films, genres), 0 or more; None: 1 throughout. The loss is the sum of
    the weighted entries over the number of entries, so that a batch of light films counts less.
    """

    def __call__(
        self, logits: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor | None = None, /
    ) -> torch.Tensor:
        """Return the loss of a batch."""


FOCUS = 2.0
"""Exponent of the focal loss, the best in table 1b of Lin et al. 2017."""
FOCUS_POSITIVE, FOCUS_NEGATIVE, MARGIN = 0.0, 4.0, 0.05
"""Parameters of the asymmetric loss, the defaults of Ridnik et al. 2021, section 4.1."""
BETA = 0.999
"""Beta of the class-balanced loss, the middle of the values in Cui et al. 2019, section 5."""
MOST_CONSTANT = 7.0
"""Largest constant logit, that of a share of 1 in 1,100: a genre can still be learned from it."""


def _bce(
    logits: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor | None = None
) -> torch.Tensor:
    return functional.binary_cross_entropy_with_logits(logits, labels, weights)


def _focal(
    logits: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor | None = None
) -> torch.Tensor:
    """Compute binary cross-entropy, weighted less where the label is already well predicted.

    Lin et al. 2017, "Focal Loss for Dense Object Detection", equation 4, without the alpha. The
    modulating factor is the distance from the label, to the power of `FOCUS`; for soft labels this
    is the quality focal loss of Li et al. 2020.
    """
    entropy = functional.binary_cross_entropy_with_logits(logits, labels, weights, reduction="none")
    return ((labels - torch.sigmoid(logits)).abs().pow(FOCUS) * entropy).mean()


def _asymmetric(
    logits: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor | None = None
) -> torch.Tensor:
    """Compute a focal loss with its own exponent, and a margin, for absent genres.

    Ridnik et al. 2021, "Asymmetric Loss For Multi-Label Classification", equations 5 to 7. Soft
    labels weight the two halves.
    """
    present = torch.sigmoid(logits)
    absent = (1 - present + MARGIN).clamp(max=1)
    smallest = torch.finfo(logits.dtype).tiny
    gain = labels * (1 - present).pow(FOCUS_POSITIVE) * functional.logsigmoid(logits)
    gain += (1 - labels) * (1 - absent).pow(FOCUS_NEGATIVE) * absent.clamp(min=smallest).log()
    return -(gain if weights is None else weights * gain).mean()


def _class_balanced(counts: npt.NDArray[np.int64]) -> Loss:
    """Return binary cross-entropy with positives weighted by the inverse of their effective number.

    Cui et al. 2019, "Class-Balanced Loss Based on Effective Number of Samples", equations 3 and 8:
    weight (1 - beta) / (1 - beta ** n) for a genre of n films. Here it weights the films with the
    genre relative to those without, and is scaled to 1 for the most frequent genre.
    """
    effective = (1 - BETA ** np.maximum(counts, 1)) / (1 - BETA)
    positive = torch.tensor(effective.max() / effective, dtype=torch.float32)

    def loss(
        logits: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor | None = None
    ) -> torch.Tensor:
        return functional.binary_cross_entropy_with_logits(
            logits, labels, weights, pos_weight=positive.to(logits.device)
        )

    return loss


def make_loss(name: str, labels: npt.NDArray[np.uint8]) -> Loss:
    """Return a loss by its name.

    Args:
        name: one of `options.LOSSES`.
        labels: (films, genres) 0 or 1, of the training part, for the class-balanced weights.

    Raises:
        KeyError: unknown name.
    """
    if name == "class-balanced":
        return _class_balanced(labels.sum(axis=0, dtype=np.int64))
    return {"bce": _bce, "focal": _focal, "asymmetric": _asymmetric}[name]


def best_constants(loss: Loss, shares: npt.NDArray[np.float32]) -> torch.Tensor:
    """Find, by bisection, the logits that minimize a loss if all films have the same.

    Those of binary cross-entropy are the log odds of the shares.

    Args:
        loss: a loss that is a sum over genres.
        shares: (genres,) the share of the films with each genre, 0..1; NaN: unknown.

    Returns:
        (genres,) float32, between plus and minus `MOST_CONSTANT`; 0 where the share is NaN.
    """
    films = torch.from_numpy(np.stack([shares, 1 - shares]))
    labels = torch.tensor([[1.0], [0.0]]).expand_as(films)
    best, step = torch.zeros(len(shares)), MOST_CONSTANT / 2
    while step > 1e-4:
        best.requires_grad_()
        (slope,) = torch.autograd.grad(loss(best.expand_as(films), labels, films), best)
        best, step = best.detach() - step * slope.sign(), step / 2
    return best


@dataclass(frozen=True)
class Objective:
    """The training loss: the loss of the labels and, with teachers, that of their probabilities.

    The weighted sum of Hinton, Vinyals and Dean 2015, "Distilling the Knowledge in a Neural
    Network", section 2, at temperature 1.

    Attributes:
        loss: the loss of the labels.
        teacher_weight: weight of the teachers' part, 0..1.
        partial: whether some labels may be NaN.
    """

    loss: Loss
    teacher_weight: float
    partial: bool = False

    def __call__(
        self,
        logits: torch.Tensor,
        labels: torch.Tensor,
        targets: torch.Tensor | None = None,
        weights: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Return the loss of a batch.

        Args:
            logits, labels: (films, genres). A label is NaN where nothing is known of a genre: there
                the teachers' probability is the label or, without teachers, there is no loss.
            targets: (films, genres) the teachers' probabilities; None: no teachers.
            weights: (films,) the weight of each film; None: 1.
        """
        by_film = None if weights is None else weights[:, None]
        if targets is None:
            return self._of_labels(logits, labels, by_film)
        loss = self.loss(logits, torch.where(labels.isnan(), targets, labels), by_film)
        distillation = functional.binary_cross_entropy_with_logits(logits, targets, by_film)
        return self.teacher_weight * distillation + (1 - self.teacher_weight) * loss

    def _of_labels(
        self, logits: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor | None
    ) -> torch.Tensor:
        if not self.partial:
            return self.loss(logits, labels, weights)
        known = (~labels.isnan()).float()
        return self.loss(logits, labels.nan_to_num(), known if weights is None else weights * known)
