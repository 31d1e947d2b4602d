"""Joint search for the thresholds of all genres: local beam search and a genetic algorithm.

Both maximize macro-F1 over the thresholds 0.01 ... 0.99 of each genre; the paper names them as
further work. Macro-F1 is a mean with one term per genre, which depends on that genre's threshold
alone. So a joint search cannot beat the best threshold of each genre, which `f1_optimal` finds
exactly. The two are kept as baselines that show it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genre_batch.thresholds.arrays import Floats, Labels, Probabilities
from genre_batch.thresholds.confusion import GRID, count_on_grid
from genre_batch.thresholds.fixed import DEFAULT_THRESHOLD

__all__ = ["beam_search", "genetic"]

States = npt.NDArray[np.int64]
"""(states, genres): the position in `GRID` of each genre's threshold."""

BEAM = 8
MOVES = np.array([-10, -5, -1, 1, 5, 10])
POPULATION = 60
GENERATIONS = 200
TOURNAMENT = 3
MUTATION_STEP = 4.0
_START = int(np.searchsorted(GRID, DEFAULT_THRESHOLD))


@dataclass(frozen=True)
class _Space:
    """The search space of a set of probabilities and labels.

    Attributes:
        f1: (genres, positions) float64, the F1 of each genre at each threshold of the grid.
        has_positives: (genres,) bool; a genre without a positive gets the default threshold.
        random: draws states and moves; always seed 0.
    """

    f1: Floats
    has_positives: npt.NDArray[np.bool_]
    random: np.random.Generator

    @classmethod
    def of(cls, probabilities: Probabilities, labels: Labels) -> _Space:
        """Tabulate F1 on the grid."""
        f1 = count_on_grid(probabilities, labels).f1()
        return cls(f1, np.asarray(labels.any(axis=0)), np.random.default_rng(0))

    def start(self, count: int) -> States:
        """Draw states at random, the first with 0.5 for every genre."""
        genres, positions = self.f1.shape
        states = self.random.integers(0, positions, (count, genres))
        states[0] = _START
        return states

    def clip(self, states: States) -> States:
        """Move positions outside the grid to its nearest end."""
        return np.clip(states, 0, self.f1.shape[1] - 1)

    def macro_f1(self, states: States) -> Floats:
        """Compute the macro-F1 of each state, (states,)."""
        values: Floats = self.f1[np.arange(len(self.f1)), states].mean(axis=1)
        return values

    def thresholds(self, state: States) -> Floats:
        """Return the thresholds of one state, (genres,)."""
        return np.where(self.has_positives, GRID[state], DEFAULT_THRESHOLD)


def beam_search(probabilities: Probabilities, labels: Labels) -> Floats:
    """Maximize macro-F1 by local beam search.

    Russell and Norvig, "Artificial Intelligence: A Modern Approach". The search keeps `BEAM`
    states, at first one with 0.5 everywhere and random ones (seed 0). In each step every state
    moves the threshold of one genre by 0.01, 0.05 or 0.1 up or down, and the best `BEAM` distinct
    states of all remain, until none is better than before.

    Args:
        probabilities: (n, genres), 0..1.
        labels: (n, genres), 0 or 1.

    Returns:
        (genres,) float64; 0.5 for a genre without a positive.
    """
    space = _Space.of(probabilities, labels)
    states = space.start(BEAM)
    genres = states.shape[1]
    steps = np.zeros((genres * len(MOVES), genres), dtype=np.int64)
    steps[np.arange(len(steps)), np.repeat(np.arange(genres), len(MOVES))] = np.tile(MOVES, genres)
    best = -1.0
    while True:
        neighbors = space.clip(states[:, None, :] + steps).reshape(-1, genres)
        pool = np.unique(np.concatenate([states, neighbors]), axis=0)
        values = space.macro_f1(pool)
        order = np.argsort(-values, kind="stable")[:BEAM]
        states = pool[order]
        if values[order[0]] <= best:
            return space.thresholds(states[0])
        best = float(values[order[0]])


def genetic(probabilities: Probabilities, labels: Labels) -> Floats:
    """Maximize macro-F1 by a genetic algorithm.

    Goldberg 1989, "Genetic Algorithms in Search". `POPULATION` states evolve for `GENERATIONS`
    generations (seed 0). Parents win tournaments of `TOURNAMENT` states; each genre's threshold
    comes from either parent; one in ten mutates by a normal step; the best state of a generation
    survives unchanged. Arguments and result are those of `beam_search`.
    """
    space = _Space.of(probabilities, labels)
    random = space.random
    states = space.start(POPULATION)
    for _ in range(GENERATIONS):
        values = space.macro_f1(states)
        rivals = random.integers(0, POPULATION, (2, POPULATION, TOURNAMENT))
        winners = rivals[
            np.arange(2)[:, None], np.arange(POPULATION), values[rivals].argmax(axis=2)
        ]
        from_first = random.random(states.shape) < 0.5
        children = np.where(from_first, states[winners[0]], states[winners[1]])
        mutates = random.random(states.shape) < 0.1
        steps = np.rint(random.normal(0, MUTATION_STEP, states.shape)).astype(np.int64)
        children = space.clip(children + np.where(mutates, steps, 0))
        children[0] = states[values.argmax()]
        states = children
    return space.thresholds(states[space.macro_f1(states).argmax()])
