"""What to label next: rows that the model is unsure of, no two of which are alike."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from genre_batch.odds import log_odds, sigmoid

__all__ = ["candidates_for", "diverse", "uncertainty"]

Floats = npt.NDArray[np.float64]

_CANDIDATES_PER_ROW = 10
_MOST_CANDIDATES = 5_000


def candidates_for(wanted: int) -> int:
    """Return how many uncertain rows to choose from: ten times as many as wanted, if not too many.

    Their rows and vectors are in memory at once, and each is read by the encoder once more.
    """
    return max(wanted, min(_CANDIDATES_PER_ROW * wanted, _MOST_CANDIDATES))


def uncertainty(probabilities: npt.NDArray[np.floating], thresholds: Floats) -> Floats:
    """Return (rows, genres) how open each decision is: 1 at the threshold, towards 0 far from it.

    Uncertainty sampling (Lewis and Gale 1994) at the genres' own thresholds instead of 0.5.

    Args:
        probabilities: (rows, genres), 0..1, without NaN.
        thresholds: (genres,), 0..1.
    """
    share = sigmoid(log_odds(probabilities) - log_odds(thresholds))
    return 4 * share * (1 - share)


def diverse(
    value: Floats, vectors: npt.NDArray[np.floating], wanted: int
) -> tuple[npt.NDArray[np.int64], Floats]:
    """Choose rows one by one: the next is worth its value, less what it shares with earlier ones.

    What it shares is its largest cosine similarity to a row chosen before, so a twin of one is
    worth nothing and is not chosen.

    Args:
        value: (n,) above 0.
        vectors: (n, dim).
        wanted: the maximum number of rows.

    Returns:
        (m,) positions in the order of the choice, and what each was worth then, falling.
    """
    centered = vectors.astype(np.float64) - vectors.mean(axis=0)
    lengths = np.linalg.norm(centered, axis=1, keepdims=True)
    units = centered / np.maximum(lengths, 1e-12)
    novelty = np.ones(len(value))
    chosen: list[int] = []
    worth: list[float] = []
    for _ in range(min(wanted, len(value))):
        worths = value * novelty
        best = int(np.argmax(worths))
        if worths[best] <= 1e-9:
            break
        chosen.append(best)
        worth.append(float(worths[best]))
        similarity = np.einsum("ij,j->i", units, units[best])
        similarity[best] = 1.0
        novelty = np.minimum(novelty, 1 - np.clip(similarity, 0.0, 1.0))
    return np.array(chosen, dtype=np.int64), np.array(worth)
