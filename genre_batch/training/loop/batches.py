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
from genre_batch.dataset.wordings import Wordings
from genre_batch.model.batching import pad
from genre_batch.runs.token_vectors import TokenVectors
from genre_batch.training.encoder.frozen_features import FrozenLayers
from genre_batch.training.encoder.inference import token_ids
from genre_batch.training.options import TrainingOptions

__all__ = ["LengthSampler", "TokenizedFilms", "collate"]


class TokenizedFilms(torch.utils.data.Dataset[dict[str, Any]]):
    """Tokenized films, with titles dropped and tokens masked at random every epoch.

    Of a film with several wordings one is drawn every epoch.
    """

    def __init__(
        self,
        dataset: Dataset,
        tokenizer: PreTrainedTokenizerFast,
        options: TrainingOptions,
        targets: npt.NDArray[np.float32] | None = None,
    ) -> None:
        """Tokenize the films.

        Args:
            dataset: the films, in all their wordings.
            tokenizer: the encoder's tokenizer.
            options: length, title dropout, masking and seed.
            targets: training targets of `texts` and `bare_texts`: the teachers' probabilities, (2,
                rows, genres), or other numbers (1 or 2, rows, width).
        """
        self._full = token_ids(dataset.texts, tokenizer, options.model.max_length)
        self._bare = token_ids(dataset.bare_texts, tokenizer, options.model.max_length)
        self._labels = dataset.training_labels
        self._weights = dataset.weights
        self._targets = targets
        self.wordings = Wordings(dataset)
        titled = dataset.texts != dataset.bare_texts
        self._title_dropout = options.optimization.title_dropout if titled else 0.0
        self._masking = options.optimization.masking
        self._mask = tokenizer.mask_token_id
        self._seed = options.seed
        self._vectors: list[TokenVectors] = []
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
        total = len(kinds) * len(self._full)
        for number, ids in enumerate(kinds):

            def advance(done: int, before: int = number * len(self._full)) -> None:
                progress(before + done, total)

            self._vectors.append(frozen.vectors(ids, folder / f"vectors-{number}", advance))

    def start_epoch(self, epoch: int) -> None:
        """Choose each film's wording, and the films that are read without their title."""
        self._epoch = epoch
        rng = np.random.default_rng([self._seed, epoch])
        self._untitled = rng.random(len(self)) < self._title_dropout
        self._rows = self.wordings.draw(rng)

    def generator(self) -> torch.Generator:
        """Return a generator of random numbers for this epoch, the same one every time."""
        seed = np.random.SeedSequence([self._seed, self._epoch], spawn_key=(1,))
        return torch.Generator().manual_seed(int(seed.generate_state(1)[0]))

    def __len__(self) -> int:
        return len(self.wordings)

    @property
    def lengths(self) -> list[int]:
        """Number of tokens of each film as it is read in this epoch."""
        return [len(self._ids(index)) for index in range(len(self))]

    def _ids(self, index: int) -> npt.NDArray[np.int64]:
        ids = self._bare if self._untitled[index] else self._full
        return ids[int(self._rows[index])]

    def __getitem__(self, index: int) -> dict[str, Any]:
        row, bare = int(self._rows[index]), bool(self._untitled[index])
        film: dict[str, Any] = {
            "input_ids": self._masked(self._ids(index), index),
            "labels": self._labels[row],
        }
        if self._weights is not None:
            film["weights"] = self._weights[row]
        if self._vectors:
            film["vectors"] = self._vectors[int(bare)][row]
        if self._targets is not None:
            film["targets"] = self._targets[int(bare), row]
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
        vectors, `inputs_embeds` (batch, tokens, width); `labels` and `targets` (batch, genres);
        `weights` (batch,).
    """
    input_ids, mask = pad([film["input_ids"] for film in films])
    batch = {"attention_mask": torch.from_numpy(mask)}
    if "vectors" in films[0]:
        vectors = [torch.from_numpy(film["vectors"]) for film in films]
        batch["inputs_embeds"] = torch.nn.utils.rnn.pad_sequence(vectors, batch_first=True)
    else:
        batch["input_ids"] = torch.from_numpy(input_ids)
    for name in ("labels", "targets", "weights"):
        if name in films[0]:
            batch[name] = torch.from_numpy(np.stack([film[name] for film in films]))
    return batch


class LengthSampler(torch.utils.data.Sampler[int]):
    """Sample films grouped by their length in this epoch's wording.

    With weights, as many are drawn with replacement; without, each film once. The order depends on
    the seed and the epoch alone: an epoch that is resumed continues with the films that it lacked.
    """

    def __init__(
        self, films: TokenizedFilms, batch_size: int, weights: npt.NDArray[np.float64] | None = None
    ) -> None:
        self._films = films
        self._batch_size = batch_size
        self._weights = None if weights is None else torch.from_numpy(weights)

    def __len__(self) -> int:
        return len(self._films)

    def __iter__(self) -> Iterator[int]:
        lengths, generator = self._films.lengths, self._films.generator()
        films = list(range(len(self)))
        if self._weights is not None:
            films = torch.multinomial(
                self._weights, len(self), replacement=True, generator=generator
            ).tolist()
        order = get_length_grouped_indices(
            [lengths[film] for film in films], self._batch_size, generator=generator
        )
        return iter([films[index] for index in order])
