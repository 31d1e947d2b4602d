"""A recurrent network over words, trained from scratch."""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from genre_batch.comparison.systems.logits import probabilities_of
from genre_batch.comparison.systems.system import genre_shares
from genre_batch.dataset.dataset import Dataset
from genre_batch.evaluation.metrics import mean_average_precision
from genre_batch.model.batching import pad, tokenize
from genre_batch.progress import StepProgress

__all__ = ["Lstm"]

VOCABULARY = 20_000
WIDTH = 128
EPOCHS = 12
BATCH = 64
RATE = 2e-3
MAX_WORDS = 256

Ids = npt.NDArray[np.int64]
"""(words,): the word ids of one text."""


class _Network(nn.Module):
    """Words -> bidirectional LSTM -> max pooling -> one logit per genre."""

    def __init__(self, words: int, genres: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(words, WIDTH, padding_idx=0)
        self.dropout = nn.Dropout(0.4)
        self.lstm = nn.LSTM(WIDTH, WIDTH, batch_first=True, bidirectional=True)
        self.head = nn.Linear(2 * WIDTH, genres)

    def forward(self, words: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Map (batch, words) int64 padded with 0, (batch,) int64 -> (batch, genres) logits."""
        embedded = self.dropout(self.embedding(words))
        packed = pack_padded_sequence(embedded, lengths, batch_first=True, enforce_sorted=False)
        hidden, _ = pad_packed_sequence(
            self.lstm(packed)[0], batch_first=True, padding_value=-torch.inf
        )
        logits: torch.Tensor = self.head(self.dropout(hidden.max(dim=1).values))
        return logits


class Lstm:
    """An LSTM that predicts several genres a film (reference [6]) or one (reference [2]).

    The weights of the best epoch on the development part (mean average precision) are kept.

    Args:
        seed: of weights, batches and dropout.
        single_genre: predict one genre (cross-entropy over genres) instead of several.
        quick: one epoch.
    """

    def __init__(self, seed: int, *, single_genre: bool, quick: bool) -> None:
        self._seed = seed
        self._single_genre = single_genre
        self._epochs = 1 if quick else EPOCHS
        self._words = Tokenizer(models.WordLevel(unk_token="[UNK]"))
        self._words.normalizer = normalizers.BertNormalizer(lowercase=True)
        self._words.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        self._words.enable_truncation(MAX_WORDS)

    def fit(self, training: Dataset, development: Dataset, progress: StepProgress) -> float:
        """Build the vocabulary from the training films and train the network."""
        started = time.monotonic()
        self._build_vocabulary(training.texts)
        torch.manual_seed(self._seed)
        rng = np.random.default_rng(self._seed)
        self._network = _Network(self._words.get_vocab_size(), len(training.names))
        optimizer = torch.optim.AdamW(self._network.parameters(), lr=RATE, weight_decay=0.01)
        films = self._encoded(training.texts)
        targets = torch.from_numpy(
            genre_shares(training.labels)
            if self._single_genre
            else training.labels.astype(np.float32)
        )
        loss = nn.CrossEntropyLoss() if self._single_genre else nn.BCEWithLogitsLoss()
        best, best_weights = -1.0, copy.deepcopy(self._network.state_dict())
        for epoch in range(self._epochs):
            self._network.train()
            for batch in np.array_split(rng.permutation(len(films)), -(-len(films) // BATCH)):
                optimizer.zero_grad()
                logits = self._network(*_padded([films[index] for index in batch]))
                loss(logits, targets[batch]).backward()
                nn.utils.clip_grad_norm_(self._network.parameters(), 1.0)
                optimizer.step()
            precision = mean_average_precision(development.labels, self.predict_proba(development))
            if precision > best:
                best, best_weights = precision, copy.deepcopy(self._network.state_dict())
            progress(epoch + 1, self._epochs, "training")
        self._network.load_state_dict(best_weights)
        return time.monotonic() - started

    def predict_proba(self, films: Dataset) -> npt.NDArray[np.float32]:
        """Predict (films, genres) float32; rows of a single-genre network sum to 1."""
        self._network.eval()
        encoded = self._encoded(films.texts)
        with torch.inference_mode():
            logits = torch.cat(
                [
                    self._network(*_padded(encoded[start : start + BATCH]))
                    for start in range(0, len(encoded), BATCH)
                ]
            )
        return probabilities_of(logits, single_genre=self._single_genre)

    @property
    def parameters(self) -> int:
        """The number of parameters of embedding, LSTM and head."""
        return sum(parameter.numel() for parameter in self._network.parameters())

    def _build_vocabulary(self, texts: list[str]) -> None:
        trainer = trainers.WordLevelTrainer(
            vocab_size=VOCABULARY,
            min_frequency=2,
            special_tokens=["[PAD]", "[UNK]"],
            show_progress=False,
        )
        self._words.train_from_iterator(texts, trainer)

    def _encoded(self, texts: list[str]) -> list[Ids]:
        """Return the word ids of each text; a text without words is one unknown word."""
        unknown = np.array([self._words.token_to_id("[UNK]")])
        return [ids if len(ids) else unknown for ids in tokenize(self._words, texts)]


def _padded(films: Sequence[Ids]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return (films, words) int64 word ids padded with 0, and (films,) int64 lengths."""
    words, mask = pad(films)
    return torch.from_numpy(words), torch.from_numpy(mask.sum(axis=1))
