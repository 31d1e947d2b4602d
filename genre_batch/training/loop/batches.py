"""Tokenized films, and how the Trainer samples and batches them."""

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
from genre_batch.training.options import TrainingOptions

__all__ = ["TokenizedFilms", "WeightedLengthSampler", "collate", "rarity"]


class TokenizedFilms(torch.utils.data.Dataset[dict[str, Any]]):
    """Tokenized films, with titles dropped and tokens masked at random every epoch."""

    def __init__(
        self,
        dataset: Dataset,
        tokenizer: PreTrainedTokenizerFast,
        options: TrainingOptions,
        targets: npt.NDArray[np.float32] | None = None,
        labelled: int | None = None,
    ) -> None:
        """Tokenize the films.

        Args:
            dataset: the films.
            tokenizer: the encoder's tokenizer.
            options: length, title dropout, masking and seed.
            targets: training targets of `texts` and `bare_texts`: the teachers' probabilities, (2,
                films, genres), or other numbers (1 or 2, films, width).
            labelled: number of films, from the first, that have labels; the others are labeled
                with their targets. None: all.
        """
        self._full = token_ids(dataset.texts, tokenizer, options.model.max_length)
        self._bare = token_ids(dataset.bare_texts, tokenizer, options.model.max_length)
        self._labels = dataset.labels.astype(np.float32)
        self._targets = targets
        self._labelled = len(dataset) if labelled is None else labelled
        titled = dataset.texts != dataset.bare_texts
        self._title_dropout = options.optimization.title_dropout if titled else 0.0
        self._masking = options.optimization.masking
        self._mask = tokenizer.mask_token_id
        self._seed = options.seed
        self._vectors: list[Vectors] = []
        self.start_epoch(0)

    def compute_vectors(
        self, frozen: FrozenLayers, folder: Path, progress: Callable[[int, int], None]
    ) -> None:
        """Compute the outputs of frozen layers, and give the films as those vectors from now on.

        Args:
            frozen: the layers; no token may be masked, since masks differ between epochs.
            folder: the folder for the vectors, which take twice their width in bytes per token.
            progress: called with the number of texts done and of all texts.
        """
        kinds = [self._full, self._bare] if self._title_dropout else [self._full]
        total = len(kinds) * len(self)
        for number, ids in enumerate(kinds):

            def advance(done: int, before: int = number * len(self)) -> None:
                progress(before + done, total)

            self._vectors.append(frozen.vectors(ids, folder / f"vectors-{number}", advance))

    def start_epoch(self, epoch: int) -> None:
        """Choose the films that are read without their title in this epoch."""
        self._epoch = epoch
        rng = np.random.default_rng([self._seed, epoch])
        self._untitled = rng.random(len(self._full)) < self._title_dropout

    def __len__(self) -> int:
        return len(self._full)

    @property
    def lengths(self) -> list[int]:
        """Number of tokens of each film, with its title."""
        return [len(ids) for ids in self._full]

    def __getitem__(self, index: int) -> dict[str, Any]:
        bare = bool(self._untitled[index])
        film: dict[str, Any] = {
            "input_ids": self._masked((self._bare if bare else self._full)[index], index),
            "labels": self._labels[index],
        }
        if self._vectors:
            film["vectors"] = self._vectors[int(bare)][index]
        if self._targets is not None:
            film["targets"] = self._targets[int(bare), index]
            if index >= self._labelled:
                film["labels"] = film["targets"]
        return film

    def _masked(self, ids: npt.NDArray[np.int64], index: int) -> npt.NDArray[np.int64]:
        if not self._masking:
            return ids
        draws = np.random.default_rng([self._seed, self._epoch, index]).random(len(ids))
        draws[[0, -1]] = 1.0  # the special tokens at both ends are never masked
        return np.where(draws < self._masking, self._mask, ids)


def collate(films: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
    """Return one padded batch.

    Returns:
        `attention_mask` (batch, tokens); `input_ids` (batch, tokens) or, for films given as
        vectors, `inputs_embeds` (batch, tokens, width); `labels` and `targets` (batch, genres).
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
    """Return (films,) weights: 1 / sqrt(n), where n films have the film's rarest genre."""
    counts = np.maximum(labels.sum(axis=0, dtype=np.int64), 1)
    return np.asarray((labels / np.sqrt(counts)).max(axis=1))


class WeightedLengthSampler(torch.utils.data.Sampler[int]):
    """Sample films with replacement by weight, as many as there are, grouped by length."""

    def __init__(
        self, weights: npt.NDArray[np.float64], lengths: list[int], batch_size: int
    ) -> None:
        self._weights = torch.from_numpy(weights)
        self._lengths = lengths
        self._batch_size = batch_size

    def __len__(self) -> int:
        return len(self._lengths)

    def __iter__(self) -> Iterator[int]:
        films = torch.multinomial(self._weights, len(self), replacement=True).tolist()
        lengths = [self._lengths[film] for film in films]
        order = get_length_grouped_indices(lengths, self._batch_size)
        return iter([films[index] for index in order])
