"""GenreTagger: texts -> probabilities -> genres."""

from __future__ import annotations

import functools
import os
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from tokenizers import Tokenizer

from genre_batch.cores import available_cores
from genre_batch.errors import ModelError, UsageError
from genre_batch.model.batching import Batch, load_tokenizer, same_length_batches, tokenize
from genre_batch.model.calibration import calibrated as calibrate
from genre_batch.model.calibration import require_calibration
from genre_batch.model.decision import Decision
from genre_batch.model.metadata import ModelFile, ModelMetadata, read_model_file
from genre_batch.model.readability import PieceKinds
from genre_batch.model.session import Session
from genre_batch.model.shipped import MODEL_VARIABLE, default_model, model_path
from genre_batch.model.text import compose, predict_distinct, text_array
from genre_batch.model.unmasked import ready_to_run
from genre_batch.model.vectors import with_vectors

__all__ = ["MODEL_VARIABLE", "GenreTagger", "default_model"]

TOKENS_PER_BATCH = 512
"""The size of a batch of rows of one length. Fewer tokens make inefficient matrix products, more do
not fit the processor's caches (6 layers of 384; the speed is within 5 % from 256 to 1,024)."""


_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def _sigmoid(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    with np.errstate(over="ignore"):
        return (1.0 / (1.0 + np.exp(-logits.astype(np.float64)))).astype(np.float32)


class GenreTagger:
    """A model ready to tag.

    A row's probabilities only depend on its text: they are bit-equal whatever the other rows, their
    order and the number of threads (same processor type and library versions).

    A tagger can be pickled, with the model in it. Where it arrives, it uses the cores of that
    machine, unless the number of threads was given.

    Attributes:
        metadata: what the model file carries.
        file: the model file, read and validated.
        path, sha256: of the model file; the hash is hexadecimal.
        threads: the number of batches that run in parallel.
        keeps_file: whether the file's bytes stay in memory after the graph is loaded; without them,
            the tagger can neither be pickled nor encode texts.
    """

    def __init__(self, file: ModelFile, threads: int | None = None) -> None:
        """Create a tagger; the tokenizer and the graph are loaded for the first text.

        Args:
            file: as `read_model_file` returns it.
            threads: batches to run in parallel; default: the cores this process may use.
        """
        self.file = file
        self.metadata: ModelMetadata = file.metadata
        self.sha256 = file.sha256
        self.path = file.path
        if threads is not None and threads < 1:
            raise UsageError(f"`threads` must be 1 or more, got {threads}")
        self._requested_threads = threads
        self.threads = threads or available_cores()
        self.keeps_file = True
        self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="genre-batch")

    def __reduce__(self) -> tuple[Any, ...]:
        # For workers elsewhere: the file's bytes travel, and each loads the graph for itself.
        return GenreTagger, (self.file, self._requested_threads)

    @functools.cached_property
    def _tokenizer(self) -> Tokenizer:
        return load_tokenizer(self.metadata.tokenizer, self.metadata.max_length, str(self.path))

    @functools.cached_property
    def _piece_kinds(self) -> PieceKinds:
        return PieceKinds(self._tokenizer)

    @functools.cached_property
    def _session(self) -> Session:
        session = Session(ready_to_run(self.file).content, str(self.path))
        if not self.keeps_file:
            self.file = replace(self.file, content=b"")
        return session

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str] | None = None,
        *,
        threads: int | None = None,
        lazy: bool = False,
    ) -> GenreTagger:
        """Load a model.

        Args:
            path: an exported .onnx, or the name of a shipped model, `default` or `fast`; default:
                `$GENRE_BATCH_MODEL`, then the shipped model.
            threads: batches to run in parallel; default: the cores this process may use.
            lazy: load the tokenizer and the graph for the first text only. A run that finds all
                its probabilities in a cache does not need them.

        Raises:
            UsageError: the file does not exist, or no model of this name ships.
            ModelError: the file is not a genre-batch model, or is damaged.
        """
        tagger = cls(read_model_file(model_path(path)), threads)
        if not lazy:
            _ = tagger._tokenizer, tagger._session
        return tagger

    @property
    def labels(self) -> tuple[str, ...]:
        """The genres that the model predicts, in the order of its probabilities."""
        return self.metadata.labels

    @property
    def thresholds(self) -> npt.NDArray[np.float64]:
        """(genres,) float64: a genre is predicted at this probability or above.

        A genre in `metadata.conditional_thresholds` is predicted with one of its two thresholds
        there. Its entry here decides whether it counts as given for other genres.
        """
        return np.array(self.metadata.thresholds)

    def predict_proba(
        self,
        texts: Sequence[str | None] | pa.Array,
        titles: Sequence[str | None] | pa.Array | None = None,
        *,
        calibrated: bool = False,
    ) -> npt.NDArray[np.float32]:
        """Return each text's probability of each genre.

        Args:
            texts: (n,) overviews, a list, array or Series; None, NaN or blank for a film without.
            titles: (n,) titles of the films; ignored by a model that does not read titles.
            calibrated: return probabilities that agree with frequencies, by the model's
                calibration. The thresholds of the model are of raw ones.

        Returns:
            (n, genres) float32, 0..1; a row of NaN where there is no overview.

        Raises:
            TypeError: texts or titles are one string, or hold something else than strings.
            UsageError: there are not as many titles as texts, or the model has no calibration.
            ModelError: the graph or the tokenizer cannot be loaded, or returns invalid logits.
        """

        def predict(distinct: pa.Array) -> npt.NDArray[np.float32]:
            probabilities = np.empty((len(distinct), len(self.labels)), np.float32)
            for rows, computed in self.predict_composed(distinct.to_pylist()):
                probabilities[rows] = computed
            return probabilities

        if calibrated:
            require_calibration(self.metadata)
        probabilities = predict_distinct(self.compose(texts, titles), predict)
        return calibrate(probabilities, self.metadata) if calibrated else probabilities

    def compose(
        self,
        texts: Sequence[str | None] | pa.Array,
        titles: Sequence[str | None] | pa.Array | None = None,
    ) -> pa.Array:
        """Return (n,) strings, the text that the model reads; null where there is no overview.

        Arguments are those of `predict_proba`.
        """
        overviews = text_array(texts, "texts")
        names = None if titles is None else text_array(titles, "titles")
        if names is not None and len(names) != len(overviews):
            raise UsageError(
                f"`titles` must have one entry for each of {len(overviews):,} texts, got "
                f"{len(names):,}"
            )
        return compose(self.metadata.text_template, overviews, names)

    def predict_composed(
        self, texts: Sequence[str], on_foreign: Callable[[int], None] | None = None
    ) -> Generator[tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]], None, None]:
        """Predict composed texts; yield batch by batch as they are done, longest texts first.

        Args:
            texts: (n,) as `compose` returns them, none of them null.
            on_foreign: called once with the number of texts in a script that the model cannot read
                (`PieceKinds.count_foreign`).

        Yields:
            (batch,) int64 rows of `texts`, and their (batch, genres) float32 probabilities.

        Raises:
            ModelError: the graph or the tokenizer cannot be loaded, or returns invalid logits.
        """
        if not texts:
            return
        session = self._session
        tokens = tokenize(self._tokenizer, texts)
        if on_foreign is not None:
            on_foreign(self._piece_kinds.count_foreign(tokens, texts))
        batches = same_length_batches(tokens, TOKENS_PER_BATCH if self.file.batchable else 1)

        def run(batch: Batch) -> npt.NDArray[np.float32]:
            return session.run(batch.input_ids, batch.attention_mask)

        for batch, logits in self._in_threads(run, batches):
            rows = batch.rows
            if logits.shape != (len(rows), len(self.labels)):
                raise ModelError(
                    f"{self.path}: the graph returns logits of shape {logits.shape}, "
                    f"not one for each of {len(self.labels)} labels: export the model again"
                )
            if not np.isfinite(logits).all():
                raise ModelError(
                    f"{self.path}: the graph returns logits that are not finite: "
                    f"export the model again"
                )
            yield rows, _sigmoid(logits)

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32] | None:
        """Return the encoder's vectors of composed texts: what the classifier reads.

        Args:
            texts: (n,) as `compose` returns them, none of them null.

        Returns:
            (n, dim) float32; None if the graph has no classifier on top of one vector per text.

        Raises:
            ModelError: the graph or the tokenizer cannot be loaded.
        """
        found = with_vectors(self.file.content)
        if found is None or not texts:
            return None
        session = Session(found[0], str(self.path), found[1])
        tokens = tokenize(self._tokenizer, texts)
        batches = same_length_batches(tokens, TOKENS_PER_BATCH if self.file.batchable else 1)

        def run(batch: Batch) -> npt.NDArray[np.float32]:
            return session.run(batch.input_ids, batch.attention_mask)

        vectors: npt.NDArray[np.float32] | None = None
        for batch, computed in self._in_threads(run, batches):
            if computed.ndim != 2 or len(computed) != len(batch.rows):
                return None
            if vectors is None:
                vectors = np.empty((len(texts), computed.shape[1]), dtype=np.float32)
            vectors[batch.rows] = computed
        return vectors

    def _in_threads(
        self, work: Callable[[_Item], _Result], items: Iterator[_Item]
    ) -> Iterator[tuple[_Item, _Result]]:
        """Run `work` on each item in the pool; yield items with their results, in order.

        Only a few items are in flight at a time: those finish if the caller stops reading.
        """
        in_flight: deque[tuple[_Item, Future[_Result]]] = deque()
        try:
            for item in items:
                in_flight.append((item, self._pool.submit(work, item)))
                if len(in_flight) > 2 * self.threads:
                    first, future = in_flight.popleft()
                    yield first, future.result()
            while in_flight:
                first, future = in_flight.popleft()
                yield first, future.result()
        finally:
            for _, future in in_flight:
                future.cancel()

    def tag(
        self,
        texts: Sequence[str | None] | pa.Array,
        titles: Sequence[str | None] | pa.Array | None = None,
        *,
        threshold: float | None = None,
        operating_point: str | None = None,
        top_k: int | None = None,
        min_k: int | None = None,
        calibrated: bool = False,
    ) -> list[list[str] | None]:
        """Return each text's genres, most probable first; by default by the model's thresholds.

        Args:
            texts: (n,) overviews, a list, array or Series; None, NaN or blank for a film without.
            titles: (n,) titles of the films; ignored by a model that does not read titles.
            threshold, operating_point, top_k, min_k, calibrated: how probabilities become genres;
                as in `Decision` (model/decision.py).

        Returns:
            (n,) lists; None where there is no overview, empty where no genre is predicted.

        Raises:
            UsageError: a value is out of range, or the model has no such operating point or no
                calibration.
            TypeError, ModelError: as `predict_proba` raises them.
        """
        decision = Decision(threshold, operating_point, top_k, min_k=min_k, calibrated=calibrated)
        decision.thresholds(self.metadata)  # raises its errors before any text is predicted
        probabilities = self.predict_proba(texts, titles)
        genres: list[list[str] | None]
        genres = decision.genres(self.metadata, probabilities).to_pylist()
        return genres
