"""Further texts for teachers to speak about: sentences of two films, put together.

A student that sees its teachers' answers on more texts than were labelled comes nearer to them
(Jiao et al. 2020, "TinyBERT", section 3.2, which replaces words; here whole sentences are moved, so
that each stays as it was written). No label goes with such a text: its teachers' answer does.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from genre_batch.dataset.dataset import Dataset
from genre_batch.dataset.sentences import sentences

__all__ = ["KEPT", "recombined"]

KEPT = 0.6
"""The chance of each of a film's sentences to be taken. One of each film is taken in any case."""


def recombined(films: Dataset, count: int, title_share: float, seed: int) -> Dataset:
    """Texts of sentences of two films that share a genre, as far as there are two.

    Args:
        films: where the sentences come from. Each film is the first of two as often as any other;
            the second is drawn from the films of one of its genres, whichever is drawn, so that
            rare genres come up more often than they do in `films`.
        count: of texts to make.
        title_share: share of the texts that begin with the title of one of the two films, where
            `films` have titles.
        seed: same seed, same texts.

    Returns:
        The texts, the same with `texts` and `bare_texts`, in `train`. Their labels are both films'
        together: what the text may be about, not what it is; rows are -1 and keys 0, for no
        catalog has them.
    """
    rng = np.random.default_rng(seed)
    split = [sentences(text) for text in films.bare_texts]
    with_genre = [np.flatnonzero(column) for column in films.labels.T]
    rounds = -(-count // len(films))
    firsts = np.concatenate([rng.permutation(len(films)) for _ in range(rounds)])[:count]
    texts, labels = [], np.zeros((count, len(films.names)), dtype=np.uint8)
    for at, first in enumerate(firsts.tolist()):
        second = int(rng.choice(with_genre[rng.choice(np.flatnonzero(films.labels[first]))]))
        chosen = []
        for film in dict.fromkeys((first, second)):
            kept = rng.random(len(split[film])) < KEPT
            kept[rng.integers(len(kept))] = True
            chosen += [split[film][place] for place in np.flatnonzero(kept)]
        text = " ".join(chosen)
        if rng.random() < title_share:
            titled = (first, second)[rng.integers(2)]
            text = films.texts[titled].removesuffix(films.bare_texts[titled]) + text
        texts.append(text)
        labels[at] = films.labels[first] | films.labels[second]
    return replace(
        films,
        texts=texts,
        bare_texts=texts,
        labels=labels,
        rows=np.full(count, -1, dtype=np.int64),
        keys=np.zeros(count, dtype=np.uint64),
        parts=["train"] * count,
    )
