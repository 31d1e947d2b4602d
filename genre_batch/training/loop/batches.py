"""Tokenised films, as the Trainer draws and batches them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from transformers import PreTrainedTokenizerFast
from transformers.trainer_pt_utils import get_length_grouped_indices

from genre_batch.dataset.dataset import Dataset
from genre_batch.model.batching import pad
from genre_batch.training.encoder.frozen_features import FrozenLayers, Vectors
from genre_batch.training.encoder.inference import token_ids
from genre_batch.training.options import FineTuneOptions

__all__ = ["TokenizedFilms", "WeightedLengthSampler", "collate", "rarity"]


class TokenizedFilms(torch.utils.data.Dataset[dict[str, Any]]):
    """Tokenised films; each epoch leaves out other titles and hides other tokens."""

    def __init__(
        self,
        dataset: Dataset,
        tokenizer: PreTrainedTokenizerFast,
        options: FineTuneOptions,
        targets: npt.NDArray[np.float32] | None,
        labelled: int,
    ) -> None:
        """Tokenises them.

        Args:
            dataset: the films.
            tokenizer: the encoder's.
            options: what of the films is left out and hidden.
            targets: (2, films, genres) teachers' probabilities of `texts` and of `bare_texts`.
            labelled: how many films, the first ones, have labels; those behind them are labelled
                with their targets.
        """
        self._full = token_ids(dataset.texts, tokenizer, options.max_length)
        self._bare = token_ids(dataset.bare_texts, tokenizer, options.max_length)
        self._labels = dataset.labels.astype(np.float32)
        self._targets = targets
        self._labelled = labelled
        self._share = options.title_dropout if dataset.texts != dataset.bare_texts else 0.0
        self._masking = options.masking
        self._mask = tokenizer.mask_token_id
        self._seed = options.seed
        self._vectors: list[Vectors] = []
        self.start_epoch(0)

    def compute_vectors(
        self, frozen: FrozenLayers, folder: Path, told: Callable[[int, int], None]
    ) -> None:
        """From here on films are read as what frozen layers make of them.

        Args:
            frozen: the layers; no token may be masked, since each epoch masks others.
            folder: holds the vectors, about twice the width in bytes for each token.
            told: is called with the number of texts done and of all texts.
        """
        kinds = [self._full, self._bare] if self._share else [self._full]
        total = len(kinds) * len(self)
        for number, ids in enumerate(kinds):

            def tell(done: int, before: int = number * len(self)) -> None:
                told(before + done, total)

            self._vectors.append(frozen.vectors(ids, folder / f"vectors-{number}", tell))

    def start_epoch(self, epoch: int) -> None:
        """Draws the films of this epoch that are read without their title."""
        self._epoch = epoch
        rng = np.random.default_rng([self._seed, epoch])
        self._without = rng.random(len(self._full)) < self._share

    def __len__(self) -> int:
        return len(self._full)

    @property
    def lengths(self) -> list[int]:
        """Each film's tokens, its title among them."""
        return [len(ids) for ids in self._full]

    def __getitem__(self, at: int) -> dict[str, Any]:
        bare = bool(self._without[at])
        film: dict[str, Any] = {
            "input_ids": self._masked(self._bare[at] if bare else self._full[at], at),
            "labels": self._labels[at],
        }
        if self._vectors:
            film["vectors"] = self._vectors[int(bare)][at]
        if self._targets is not None:
            film["targets"] = self._targets[int(bare), at]
            if at >= self._labelled:
                film["labels"] = film["targets"]
        return film

    def _masked(self, ids: npt.NDArray[np.int64], at: int) -> npt.NDArray[np.int64]:
        if not self._masking:
            return ids
        hidden = np.random.default_rng([self._seed, self._epoch, at]).random(len(ids))
        hidden[[0, -1]] = 1.0  # the special tokens at both ends stay
        return np.where(hidden < self._masking, self._mask, ids)


def collate(films: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
    """One batch of films, padded.

    Ids and mask (batch, tokens) or, for films that come as vectors, `inputs_embeds` (batch, tokens,
    width) and mask; the rest (batch, genres).
    """
    input_ids, mask = pad([film["input_ids"] for film in films])
    batch = {"attention_mask": torch.from_numpy(mask)}
    if "vectors" in films[0]:
        vectors = [torch.from_numpy(film["vectors"]) for film in films]
        batch["inputs_embeds"] = torch.nn.utils.rnn.pad_sequence(vectors, batch_first=True)
    else:
        batch["input_ids"] = torch.from_numpy(input_ids)
    for name in ("labels", "targets"):
        if name in films[0]:
            batch[name] = torch.from_numpy(np.stack([film[name] for film in films]))
    return batch


def rarity(labels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """(films,): the inverse square root of how many films have each film's rarest genre."""
    counts = np.maximum(labels.sum(axis=0, dtype=np.int64), 1)
    return np.asarray((labels / np.sqrt(counts)).max(axis=1))


class WeightedLengthSampler(torch.utils.data.Sampler[int]):
    """As many films as there are, drawn with replacement by weight, alike lengths together."""

    def __init__(
        self, weights: npt.NDArray[np.float64], lengths: list[int], batch_size: int
    ) -> None:
        self._weights = torch.from_numpy(weights)
        self._lengths = lengths
        self._batch_size = batch_size

    def __len__(self) -> int:
        return len(self._lengths)

    def __iter__(self) -> Iterator[int]:
        drawn = torch.multinomial(self._weights, len(self), replacement=True).tolist()
        lengths = [self._lengths[film] for film in drawn]
        places = get_length_grouped_indices(lengths, self._batch_size)
        return iter([drawn[place] for place in places])
