"""GenreTagger: texts -> probabilities -> genres."""

from __future__ import annotations

import functools
import os
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from importlib import resources
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from tokenizers import Tokenizer

from genre_batch.cores import available_cores
from genre_batch.errors import ModelError
from genre_batch.model.batching import Batch, load_tokenizer, same_length_batches, tokenize
from genre_batch.model.decision import Decision, apply_thresholds
from genre_batch.model.metadata import ModelFile, ModelMetadata, read_model_file
from genre_batch.model.session import Session
from genre_batch.model.text import compose

__all__ = ["MODEL_VARIABLE", "GenreTagger", "default_model"]

MODEL_VARIABLE = "GENRE_BATCH_MODEL"
SHIPPED_MODEL = "genre-batch.onnx"

TOKENS_PER_BATCH = 512
"""As many rows of one length as fit go through the model together: fewer leave the matrix products
short, more fall out of the processor's caches (6 layers of 384; within 5 % from 256 to 1,024)."""


def default_model() -> Path:
    """The model to use when none is named: `$GENRE_BATCH_MODEL`, then the shipped one.

    Raises:
        ModelError: neither is there.
    """
    named = os.environ.get(MODEL_VARIABLE)
    if named:
        return Path(named)
    try:
        shipped = Path(str(resources.files("genre_batch.export"))) / SHIPPED_MODEL
    except ModuleNotFoundError:  # python was started in a checkout, whose modules come first
        shipped = Path(__file__).parents[2] / "export" / SHIPPED_MODEL
    if not shipped.is_file():
        raise ModelError(
            f"the shipped model {SHIPPED_MODEL} is not installed: pip install . in the checkout, "
            f"or name a model with -m MODEL.onnx"
        )
    return shipped


_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def _sigmoid(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    with np.errstate(over="ignore"):
        return (1.0 / (1.0 + np.exp(-logits.astype(np.float64)))).astype(np.float32)


class GenreTagger:
    """A model ready to tag.

    A row's probabilities depend on its text alone: they are bit-equal whatever rows stand beside
    it, in whatever order, on any number of threads (same processor type and library versions).
    """

    def __init__(self, file: ModelFile, threads: int | None = None) -> None:
        """Makes a tagger of a model file that was read; the graph is loaded by its first text.

        Args:
            file: as `read_model_file` gives it.
            threads: batches run at a time; default: the cores this process may use.
        """
        self._file = file
        self.metadata: ModelMetadata = file.metadata
        self.sha256 = file.sha256
        self.path = file.path
        self.threads = threads or available_cores()
        self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="genre-batch")

    @functools.cached_property
    def _tokenizer(self) -> Tokenizer:
        return load_tokenizer(self.metadata.tokenizer, self.metadata.max_length, str(self.path))

    @functools.cached_property
    def _session(self) -> Session:
        return Session(self._file.content, str(self.path))

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str] | None = None,
        *,
        threads: int | None = None,
        lazy: bool = False,
    ) -> GenreTagger:
        """Loads a model.

        Args:
            path: an exported .onnx; default: `$GENRE_BATCH_MODEL`, then the shipped model.
            threads: batches run at a time; default: the cores this process may use.
            lazy: load tokenizer and graph only with the first text: a run that finds all its
                probabilities in a cache never does.

        Raises:
            ModelError: no model of ours, or a broken one.
        """
        tagger = cls(read_model_file(default_model() if path is None else Path(path)), threads)
        if not lazy:
            _ = tagger._tokenizer, tagger._session
        return tagger

    @property
    def labels(self) -> tuple[str, ...]:
        """The genres the model knows, in the order of its probabilities."""
        return self.metadata.labels

    @property
    def thresholds(self) -> npt.NDArray[np.float64]:
        """(genres,) float64: the probability from which each genre is predicted.

        A genre in `metadata.conditional_thresholds` is predicted from one of its two there; its
        entry here is what genres that look at it judge it by.
        """
        return np.array(self.metadata.thresholds)

    def predict_proba(
        self,
        texts: Sequence[str | None] | pa.Array,
        titles: Sequence[str | None] | pa.Array | None = None,
    ) -> npt.NDArray[np.float32]:
        """Each text's probability of each genre.

        Args:
            texts: (n,) overviews; None or blank for a film without one.
            titles: (n,) the films' titles, for a model that reads titles; others ignore them.

        Returns:
            (n, genres) float32, 0..1; a row of NaN where there is no overview.
        """
        composed = self.compose(texts, titles)
        # Each distinct text goes through the model once.
        encoded = composed.dictionary_encode()
        distinct = np.full((len(encoded.dictionary) + 1, len(self.labels)), np.nan, np.float32)
        for rows, probabilities in self.predict_composed(encoded.dictionary.to_pylist()):
            distinct[rows] = probabilities
        codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        answer: npt.NDArray[np.float32] = distinct[codes]
        return answer

    def compose(
        self,
        texts: Sequence[str | None] | pa.Array,
        titles: Sequence[str | None] | pa.Array | None = None,
    ) -> pa.Array:
        """(n,) strings: what the model reads of each film; null where there is no overview."""
        overviews = pa.array(texts, pa.string())
        names = None if titles is None else pa.array(titles, pa.string())
        return compose(self.metadata.text_template, overviews, names)

    def predict_composed(
        self, texts: Sequence[str]
    ) -> Generator[tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]], None, None]:
        """Composed texts through the model, batch by batch as they are done, longest first.

        Args:
            texts: (n,) as `compose` gives them, none of them null.

        Yields:
            (batch,) int64 rows of `texts`, and their (batch, genres) float32 probabilities.

        Raises:
            ModelError: the graph or the tokenizer cannot be loaded, or gives no logits.
        """
        if not texts:
            return
        session = self._session
        tokens = tokenize(self._tokenizer, texts)
        batches = same_length_batches(tokens, TOKENS_PER_BATCH if self._file.batchable else 1)

        def run(batch: Batch) -> npt.NDArray[np.float32]:
            return session.run(batch.input_ids, batch.attention_mask)

        for batch, logits in self._in_threads(run, batches):
            rows = batch.rows
            if logits.shape != (len(rows), len(self.labels)):
                raise ModelError(
                    f"{self.path}: the graph gives logits of shape {logits.shape}, "
                    f"not one for each of {len(self.labels)} labels: export the model again"
                )
            if not np.isfinite(logits).all():
                raise ModelError(f"{self.path}: the graph gives logits that are no numbers")
            yield rows, _sigmoid(logits)

    def _in_threads(
        self, work: Callable[[_Item], _Result], items: Iterator[_Item]
    ) -> Iterator[tuple[_Item, _Result]]:
        """Each item with what came of it, in order; a few are under way at a time.

        Whoever stops reading leaves nothing running but those few.
        """
        under_way: deque[tuple[_Item, Future[_Result]]] = deque()
        try:
            for item in items:
                under_way.append((item, self._pool.submit(work, item)))
                if len(under_way) > 2 * self.threads:
                    done, future = under_way.popleft()
                    yield done, future.result()
            while under_way:
                done, future = under_way.popleft()
                yield done, future.result()
        finally:
            for _, future in under_way:
                future.cancel()

    def tag(
        self,
        texts: Sequence[str | None] | pa.Array,
        titles: Sequence[str | None] | pa.Array | None = None,
    ) -> list[list[str] | None]:
        """Each text's genres by the model's thresholds: most probable first; None without text."""
        probabilities = self.predict_proba(texts, titles)
        genres: list[list[str] | None] = apply_thresholds(
            probabilities, Decision().row_thresholds(self.metadata, probabilities), self.labels
        ).to_pylist()
        return genres
