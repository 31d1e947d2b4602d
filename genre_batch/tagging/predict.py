"""Texts -> probabilities: from the store where it has them, otherwise from the model."""

from __future__ import annotations

import functools
import hashlib
import threading
import time

import numpy as np
import numpy.typing as npt
import onnxruntime
import pyarrow as pa

from genre_batch.model.metadata import ModelMetadata
from genre_batch.model.tagger import GenreTagger
from genre_batch.model.text import predict_distinct
from genre_batch.model.unmasked import REWRITE
from genre_batch.tagging.counts import Tally
from genre_batch.tagging.prefetch import StoppedError
from genre_batch.tagging.probability_store import Store, text_digests

__all__ = ["Predictor"]

_SECONDS_BETWEEN_WRITES = 1.0
"""How much work a crash may cost."""
_LEAST_TEXTS_CHECKED = 20
"""Texts of a chunk from which on their script is checked."""


class Predictor:
    """A model with a store of known probabilities: each distinct text is predicted once."""

    def __init__(self, tagger: GenreTagger, store: Store, tally: Tally) -> None:
        """Combine a model and a store.

        Args:
            tagger: the model.
            store: where probabilities are looked up, and written as they are computed.
            tally: counts the texts that were computed and those that the store had.
        """
        self._tagger = tagger
        self._store = store
        self._tally = tally
        # Another version of the runtime or graph may round differently, so it has its own keys.
        version = f"{tagger.sha256} {onnxruntime.__version__} {REWRITE}"
        self._model_digest = hashlib.sha256(version.encode()).digest()

    @property
    def metadata(self) -> ModelMetadata:
        """What the model file carries."""
        return self._tagger.metadata

    @property
    def model_sha256(self) -> str:
        """The SHA-256 of the model file, hexadecimal."""
        return self._tagger.sha256

    def predict(
        self, texts: pa.Array, titles: pa.Array | None, stop: threading.Event
    ) -> npt.NDArray[np.float32]:
        """Return the probabilities of films.

        Args:
            texts: (rows,) overviews; null or blank where a film has none.
            titles: (rows,) titles; None where the catalog has none or the model does not read them.
            stop: ends the prediction after the current batch once it is set.

        Returns:
            (rows, genres) float32, 0..1; a row of NaN where there is no overview.

        Raises:
            ModelError: the model cannot be loaded or run.
            CatalogError: the store cannot be read or written.
            StoppedError: `stop` was set.
        """
        composed = self._tagger.compose(texts, titles)
        return predict_distinct(composed, functools.partial(self._look_up_or_compute, stop=stop))

    def _look_up_or_compute(
        self, texts: pa.Array, *, stop: threading.Event
    ) -> npt.NDArray[np.float32]:
        keys = text_digests(texts.cast(pa.binary()).to_pylist(), self._model_digest)
        probabilities = np.empty((len(keys), len(self.metadata.labels)), dtype=np.float32)
        row_bytes = 4 * probabilities.shape[1]
        cached = {
            index: value
            for index, value in enumerate(self._store.get(keys))
            if value is not None and len(value) == row_bytes
        }
        if cached:
            rows = np.frombuffer(b"".join(cached.values()), dtype="<f4")
            probabilities[list(cached)] = rows.reshape(len(cached), -1)
        self._tally.texts_from_cache += len(cached)
        missing = np.setdiff1d(np.arange(len(keys)), list(cached), assume_unique=True)
        if len(missing):
            self._compute(texts, keys, missing, probabilities, stop)
        return probabilities

    def _compute(
        self,
        texts: pa.Array,
        keys: list[bytes],
        missing: npt.NDArray[np.int64],
        probabilities: npt.NDArray[np.float32],
        stop: threading.Event,
    ) -> None:
        """Fill in the missing rows, and write them to the store every second."""
        unwritten: list[int] = []
        written = time.monotonic()

        def write() -> None:
            if unwritten:
                values = [row.tobytes() for row in probabilities[unwritten].astype("<f4")]
                self._store.put([keys[index] for index in unwritten], values)
                self._tally.texts_predicted += len(unwritten)
                unwritten.clear()

        wanted = texts.take(pa.array(missing)).to_pylist()
        # A filter that writes line by line would spend as long on this as on its first line.
        on_foreign = None
        if len(wanted) >= _LEAST_TEXTS_CHECKED:
            on_foreign = functools.partial(self._tally.add_foreign, len(wanted))
        batches = self._tagger.predict_composed(wanted, on_foreign)
        for rows, computed in batches:
            indices = missing[rows]
            probabilities[indices] = computed
            unwritten.extend(indices.tolist())
            if time.monotonic() - written >= _SECONDS_BETWEEN_WRITES:
                write()
                written = time.monotonic()
            if stop.is_set():
                write()
                batches.close()
                raise StoppedError
        write()
