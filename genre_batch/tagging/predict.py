"""Texts -> probabilities: what the store has is taken from it, the rest goes through the model."""

from __future__ import annotations

import hashlib
import threading
import time

import numpy as np
import numpy.typing as npt
import onnxruntime
import pyarrow as pa

from genre_batch.model.tagger import GenreTagger
from genre_batch.tagging.prefetch import StoppedError
from genre_batch.tagging.probability_store import Store, text_digests

__all__ = ["Predictor"]

_KEEP_SECONDS = 1.0
"""How much work a crash may cost."""


class Predictor:
    """Answers texts from a store and a model, each distinct text once.

    Attributes:
        predicted: texts that went through the model.
        cached: texts that the store had, each once per window of rows.
        stop: ends a prediction between two batches once it is set.
    """

    def __init__(self, tagger: GenreTagger, store: Store) -> None:
        """Joins the two.

        Args:
            tagger: the model.
            store: where probabilities are looked for, and kept as they are computed.
        """
        self._tagger = tagger
        self._store = store
        self.stop = threading.Event()
        self.predicted = 0
        self.cached = 0
        # Another version of the runtime may round otherwise: its probabilities are others.
        self._model = hashlib.sha256(f"{tagger.sha256} {onnxruntime.__version__}".encode()).digest()

    def predict(self, texts: pa.Array) -> npt.NDArray[np.float32]:
        """The probabilities of composed texts.

        Args:
            texts: (rows,) strings, null where there is no text.

        Returns:
            (rows, genres) float32, 0..1; a row of NaN where there is no text.

        Raises:
            ModelError, CatalogError: as the model and the store do.
            StoppedError: somebody set `stop`.
        """
        encoded = texts.dictionary_encode()
        distinct = encoded.dictionary
        width = len(self._tagger.labels)
        keys = text_digests(distinct.cast(pa.binary()).to_pylist(), self._model)
        values = self._store.get(keys)
        size = 4 * width
        known = {
            at: value for at, value in enumerate(values) if value is not None and len(value) == size
        }
        # One row more, of NaN, is what a null's code of -1 points to.
        probabilities = np.full((len(keys) + 1, width), np.nan, dtype=np.float32)
        if known:
            found = np.frombuffer(b"".join(known.values()), dtype="<f4")
            probabilities[list(known)] = found.reshape(-1, width)
        self.cached += len(known)
        if len(known) < len(keys):
            unknown = np.setdiff1d(np.arange(len(keys)), list(known), assume_unique=True)
            self._compute(distinct, keys, unknown, probabilities)
        codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        answer: npt.NDArray[np.float32] = probabilities[codes]
        return answer

    def _compute(
        self,
        distinct: pa.Array,
        keys: list[bytes],
        unknown: npt.NDArray[np.int64],
        probabilities: npt.NDArray[np.float32],
    ) -> None:
        """Fills in the unknown rows, and keeps them every second."""
        waiting: list[int] = []
        kept = time.monotonic()

        def keep() -> None:
            if waiting:
                values = [row.tobytes() for row in probabilities[waiting].astype("<f4")]
                self._store.keep([keys[at] for at in waiting], values)
                self.predicted += len(waiting)
                waiting.clear()

        batches = self._tagger.predict_composed(distinct.take(pa.array(unknown)).to_pylist())
        for rows, computed in batches:
            places = unknown[rows]
            probabilities[places] = computed
            waiting.extend(places.tolist())
            if time.monotonic() - kept >= _KEEP_SECONDS:
                keep()
                kept = time.monotonic()
            if self.stop.is_set():
                keep()
                batches.close()
                raise StoppedError
        keep()
