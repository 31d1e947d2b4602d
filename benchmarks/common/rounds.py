"""Measurements repeated in rounds: their order, and the spread of their figures."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import TypeVar

__all__ = ["confidence_sentence", "rotated", "spread"]

Step = TypeVar("Step")


def rotated(steps: Sequence[Step], number: int) -> list[Step]:
    """Return the steps in the order of a round: each round starts with the next step.

    Whatever else changes on the machine during the rounds then affects all steps alike.
    """
    start = number % len(steps)
    return [*steps[start:], *steps[:start]]


def spread(values: Sequence[float], form: str) -> str:
    """Return `median (lowest-highest)`, each formatted by `form`."""
    middle, low, high = (
        format(value, form) for value in (statistics.median(values), min(values), max(values))
    )
    return f"{middle} ({low}-{high})"


def confidence_sentence(rounds: int) -> str:
    """Return a sentence, without its period, that explains the figures of `spread`.

    Each round is as likely above the true median as below it, so the range misses it only when all
    rounds are on one side: with probability 2 ** (1 - rounds), whatever the distribution.
    """
    if rounds == 1:
        return "One round: the spread is unknown"
    return (
        f"Median of {rounds} rounds, with the lowest and highest in brackets: a range that "
        f"contains the true median with a confidence of {1 - 2.0 ** (1 - rounds):.0%}"
    )
