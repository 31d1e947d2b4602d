"""The registry of threshold methods.

Every method has one signature: probabilities, (n, genres) float, 0..1, and labels, (n, genres),
0 or 1, give thresholds, (genres,) float64. A genre is predicted when its probability is at least
its threshold. The thresholds of genres with few positives have a lower limit, the same for every
method (thresholds/few_positives.py). To add a method, write its module, add an entry to
`METHODS` and its name to `THRESHOLD_METHODS` (cli/decision_options.py, because `--help`
imports no numpy), and add a row to docs/guides/thresholds.md; then run scripts/docs.
"""

from __future__ import annotations

from functools import partial

from genre_batch.thresholds.anneal import anneal
from genre_batch.thresholds.arrays import Films, Floats, Labels, Method, Probabilities
from genre_batch.thresholds.exact_f1 import f1_optimal
from genre_batch.thresholds.expected_f1 import f1_expected
from genre_batch.thresholds.few_positives import Limited, limited
from genre_batch.thresholds.fixed import DEFAULT_THRESHOLD, fixed
from genre_batch.thresholds.mcc import mcc_grid
from genre_batch.thresholds.regularized_f1 import f1_floor, f1_shrunk
from genre_batch.thresholds.search import beam_search, genetic

__all__ = ["DEFAULT_METHOD", "DEFAULT_THRESHOLD", "METHODS", "Method", "find_thresholds"]


def _all_limited(methods: dict[str, Method | Limited]) -> dict[str, Limited]:
    """Apply the lower limit for genres with few positives to every method."""
    return {
        name: method if isinstance(method, Limited) else limited(method)
        for name, method in methods.items()
    }


METHODS = _all_limited(
    {
        "f1": f1_optimal,
        "f1-shrunk": Limited(f1_shrunk),
        "f1-floor": Limited(f1_floor),
        "f1-expected": f1_expected,
        "fixed-0.5": fixed,
        "anneal-1": partial(anneal, passes=1),
        "anneal-5": partial(anneal, passes=5),
        "anneal-10": partial(anneal, passes=10),
        "anneal-10-decay": partial(anneal, passes=10, decay=True),
        "mcc-grid": mcc_grid,
        "beam": beam_search,
        "genetic": genetic,
    }
)
"""Each method by its name on the command line."""
DEFAULT_METHOD = "f1-expected"
"""The method that `train` and `tune` use unless another is chosen: of all, it has the largest
macro-F1 on other films, on small tables and on the movies (docs/results/thresholds-small.md)."""


def find_thresholds(
    method: str, probabilities: Probabilities, labels: Labels, films: Films = None
) -> Floats:
    """Find one threshold per genre with a method of the registry.

    Args:
        method: a key of `METHODS`.
        probabilities: (n, genres), 0..1.
        labels: (n, genres), 0 or 1.
        films: (n,) ids, equal for wordings of one film, which count as one film of a rare genre and
            are in one half or fold where a method divides the rows; None: every row is a film.

    Returns:
        (genres,) float64.

    Raises:
        ValueError: the two arrays differ in shape or are not matrices.
    """
    if probabilities.ndim != 2 or probabilities.shape != labels.shape:
        raise ValueError(
            f"`probabilities` and `labels` must be matrices of the same shape, got "
            f"{probabilities.shape} and {labels.shape}"
        )
    return METHODS[method](probabilities, labels, films)
