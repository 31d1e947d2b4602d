"""Thresholds of all genres searched for together: local beam search and a genetic algorithm.

Both maximise macro-F1 over the thresholds 0.01 ... 0.99 of each genre. They are the further work
that the paper names. Macro-F1 is a mean of one term a genre, each of which depends on that genre's
threshold alone, so a search of all thresholds together cannot find better than the best of each,
which `f1_optimal` finds exactly: they are here to show that, and for objectives that do not come
apart.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from genre_batch.thresholds.confusion import GRID, count_on_grid
from genre_batch.thresholds.fixed import DEFAULT_THRESHOLD

__all__ = ["beam_search", "genetic"]

Floats = npt.NDArray[np.float64]
States = npt.NDArray[np.int64]

BEAM = 8
POPULATION = 60
GENERATIONS = 200
TOURNAMENT = 3
MUTATION_STEP = 4.0
_START = int(np.searchsorted(GRID, DEFAULT_THRESHOLD))


def _values(f1: Floats, states: States) -> Floats:
    """(states,) macro-F1 of (states, genres) places in the grid."""
    values: Floats = f1[np.arange(f1.shape[0]), states].mean(axis=1)
    return values


def _thresholds(state: States, labels: npt.NDArray[np.integer]) -> Floats:
    return np.where(labels.any(axis=0), GRID[state], DEFAULT_THRESHOLD)


def beam_search(probabilities: npt.NDArray[np.floating], labels: npt.NDArray[np.integer]) -> Floats:
    """Local beam search (Russell and Norvig, "Artificial Intelligence: A Modern Approach").

    `BEAM` states, the first all 0.5 and the others random (seed 0); in each step every state moves
    one genre one, five or ten places up or down, and the best `BEAM` different states of all go on,
    until none is better than before.

    Args:
        probabilities: (n, genres), 0..1.
        labels: (n, genres), 0 or 1.

    Returns:
        (genres,) float64; 0.5 for a genre without a single positive.
    """
    f1 = count_on_grid(probabilities, labels).f1()
    genres, places = f1.shape
    random = np.random.default_rng(0)
    states = random.integers(0, places, (BEAM, genres))
    states[0] = _START
    moves = np.array([-10, -5, -1, 1, 5, 10])
    best = -1.0
    while True:
        steps = np.zeros((genres * len(moves), genres), dtype=np.int64)
        steps[np.arange(len(steps)), np.repeat(np.arange(genres), len(moves))] = np.tile(
            moves, genres
        )
        neighbours = np.clip(states[:, None, :] + steps, 0, places - 1).reshape(-1, genres)
        pool = np.unique(np.concatenate([states, neighbours]), axis=0)
        values = _values(f1, pool)
        order = np.argsort(-values, kind="stable")[:BEAM]
        states = pool[order]
        if values[order[0]] <= best:
            return _thresholds(states[0], labels)
        best = float(values[order[0]])


def genetic(probabilities: npt.NDArray[np.floating], labels: npt.NDArray[np.integer]) -> Floats:
    """A genetic algorithm (Goldberg 1989, "Genetic Algorithms in Search").

    `POPULATION` states over `GENERATIONS` generations (seed 0): parents by tournaments of
    `TOURNAMENT`, each genre's threshold from either parent, one in ten moved by a normal step; the
    best state of a generation goes on unchanged.

    Args:
        probabilities: (n, genres), 0..1.
        labels: (n, genres), 0 or 1.

    Returns:
        (genres,) float64; 0.5 for a genre without a single positive.
    """
    f1 = count_on_grid(probabilities, labels).f1()
    genres, places = f1.shape
    random = np.random.default_rng(0)
    states = random.integers(0, places, (POPULATION, genres))
    states[0] = _START
    for _ in range(GENERATIONS):
        values = _values(f1, states)
        rivals = random.integers(0, POPULATION, (2, POPULATION, TOURNAMENT))
        winners = rivals[
            np.arange(2)[:, None], np.arange(POPULATION), values[rivals].argmax(axis=2)
        ]
        from_first = random.random((POPULATION, genres)) < 0.5
        children = np.where(from_first, states[winners[0]], states[winners[1]])
        moved = random.random((POPULATION, genres)) < 0.1
        steps = np.rint(random.normal(0, MUTATION_STEP, (POPULATION, genres))).astype(np.int64)
        children = np.clip(children + np.where(moved, steps, 0), 0, places - 1)
        children[0] = states[values.argmax()]
        states = children
    return _thresholds(states[_values(f1, states).argmax()], labels)
