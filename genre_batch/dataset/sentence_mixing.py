"""Sentence mixing: further texts, of sentences of two films, for teachers to label.

A student comes closer to its teachers when it learns from their predictions for more texts than
are labeled (Jiao et al. 2020, "TinyBERT", section 3.2, where words are replaced). Here whole
sentences are mixed, so that each sentence stays as it was written. The mixed texts have no labels,
only their teachers' predictions.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from genre_batch.dataset.dataset import Dataset
from genre_batch.dataset.sentences import sentences
from genre_batch.dataset.wordings import Wordings

__all__ = ["SENTENCE_PROBABILITY", "mix_sentences"]

SENTENCE_PROBABILITY = 0.6
"""Probability that each of a film's sentences is taken. At least one of each film is taken."""


def mix_sentences(films: Dataset, count: int, title_share: float, seed: int) -> Dataset:
    """Mix the sentences of pairs of films that share a genre.

    Args:
        films: the films to take sentences from. Every film is the first of a pair equally often.
            The second is drawn from the films of one of the first one's genres, chosen at random,
            so that rare genres are more frequent than in `films`. It may be the same film. Of a
            film with several wordings one is drawn.
        count: number of texts.
        title_share: fraction of the texts that begin with the title of one of their films, if
            `films` have titles.
        seed: seed of the random choices.

    Returns:
        The texts, in the part `train`, with equal `texts` and `bare_texts`, each a film of its
        own. `labels` are the union of both films' labels, an upper bound only; `soft` is NaN, since
        nothing is known of the texts. Each has the weight of its first film. Rows are -1 and keys
        0, since no catalog has these texts.
    """
    rng = np.random.default_rng(seed)
    wordings = Wordings(films)
    if wordings.several:
        films = films.take(wordings.draw(rng).tolist())
    split = [sentences(text) for text in films.bare_texts]
    with_genre = [np.flatnonzero(column) for column in films.labels.T]
    all_films = np.arange(len(films))
    rounds = -(-count // len(films))
    firsts = np.concatenate([rng.permutation(len(films)) for _ in range(rounds)])[:count]
    texts, labels = [], np.zeros((count, len(films.names)), dtype=np.uint8)
    for index, first in enumerate(firsts.tolist()):
        genres = np.flatnonzero(films.labels[first])
        # A film with soft labels may have no genre.
        second = int(rng.choice(with_genre[rng.choice(genres)] if len(genres) else all_films))
        chosen = []
        for film in dict.fromkeys((first, second)):
            taken = rng.random(len(split[film])) < SENTENCE_PROBABILITY
            taken[rng.integers(len(taken))] = True
            chosen += [split[film][number] for number in np.flatnonzero(taken)]
        text = " ".join(chosen)
        if rng.random() < title_share:
            titled = (first, second)[rng.integers(2)]
            text = films.texts[titled].removesuffix(films.bare_texts[titled]) + text
        texts.append(text)
        labels[index] = films.labels[first] | films.labels[second]
    return replace(
        films,
        texts=texts,
        bare_texts=texts,
        labels=labels,
        rows=np.full(count, -1, dtype=np.int64),
        keys=np.zeros(count, dtype=np.uint64),
        parts=["train"] * count,
        soft=np.full(labels.shape, np.nan, dtype=np.float32),
        weights=None if films.weights is None else films.weights[firsts],
        film_ids=None if films.film_ids is None else np.arange(count, dtype=np.uint64),
    )
