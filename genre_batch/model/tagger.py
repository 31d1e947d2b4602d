"""GenreTagger: texts -> probabilities -> genres."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from genre_batch.errors import ModelError
from genre_batch.model.batching import load_tokenizer, plan_batches, tokenize
from genre_batch.model.decoding import decide
from genre_batch.model.metadata import ModelFile, ModelMetadata, read_model_file
from genre_batch.model.session import Session, available_cores
from genre_batch.model.text import compose

__all__ = ["MODEL_VARIABLE", "GenreTagger", "default_model"]

MODEL_VARIABLE = "GENRE_BATCH_MODEL"
SHIPPED_MODEL = "genre-batch.onnx"

ROWS_PER_BATCH = 1
"""A dynamically quantised graph scales each batch by its own range, so a row's result depends on
its neighbours; alone it has none. Rows of a batch are so many runs side by side instead."""

TOKENS_PER_BATCH = 512


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
    except ModuleNotFoundError:  # run from a checkout that was not installed
        shipped = Path(SHIPPED_MODEL)
    if not shipped.is_file():
        raise ModelError(
            f"the shipped model {SHIPPED_MODEL} is not installed: pip install . in the checkout, "
            f"or name a model with -m MODEL.onnx"
        )
    return shipped


def _sigmoid(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    with np.errstate(over="ignore"):
        return (1.0 / (1.0 + np.exp(-logits.astype(np.float64)))).astype(np.float32)


class GenreTagger:
    """A model ready to tag.

    A row's probabilities depend on its text alone: they are bit-equal whatever rows stand beside
    it, in whatever order, on any number of threads (same processor type and library versions).
    """

    def __init__(self, file: ModelFile, threads: int | None = None) -> None:
        """Makes a tagger of a model file that was read.

        Args:
            file: as `read_model_file` gives it.
            threads: rows run at a time; default: the cores this process may use.

        Raises:
            ModelError: the graph or the tokenizer cannot be loaded.
        """
        name = str(file.path)
        self.metadata: ModelMetadata = file.metadata
        self.sha256 = file.sha256
        self.path = file.path
        self.threads = threads or available_cores()
        self._tokenizer = load_tokenizer(file.metadata.tokenizer, file.metadata.max_length, name)
        self._session = Session(file.content, name)
        self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="genre-batch")

    @classmethod
    def load(
        cls, path: str | os.PathLike[str] | None = None, *, threads: int | None = None
    ) -> GenreTagger:
        """Loads a model.

        Args:
            path: an exported .onnx; default: `$GENRE_BATCH_MODEL`, then the shipped model.
            threads: rows run at a time; default: the cores this process may use.

        Raises:
            ModelError: no model of ours, or a broken one.
        """
        return cls(read_model_file(default_model() if path is None else Path(path)), threads)

    @property
    def labels(self) -> tuple[str, ...]:
        """The genres the model knows, in the order of its probabilities."""
        return self.metadata.labels

    @property
    def thresholds(self) -> npt.NDArray[np.float64]:
        """(genres,) float64: the probability from which each genre is predicted."""
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
        overviews = pa.array(texts, pa.string())
        names = None if titles is None else pa.array(titles, pa.string())
        composed = compose(self.metadata.text_template, overviews, names)
        # Each distinct text goes through the model once.
        encoded = composed.dictionary_encode()
        distinct = self._run(encoded.dictionary.to_pylist())
        codes = encoded.indices.fill_null(len(distinct)).to_numpy(zero_copy_only=False)
        nothing = np.full((1, len(self.labels)), np.nan, dtype=np.float32)
        probabilities: npt.NDArray[np.float32] = np.concatenate([distinct, nothing])[codes]
        return probabilities

    def _run(self, texts: list[str]) -> npt.NDArray[np.float32]:
        """(texts, genres) float32 probabilities of composed texts."""
        logits = np.empty((len(texts), len(self.labels)), dtype=np.float32)
        if not texts:
            return logits
        batches = list(
            plan_batches(tokenize(self._tokenizer, texts), ROWS_PER_BATCH, TOKENS_PER_BATCH)
        )
        results = self._pool.map(
            lambda batch: self._session.run(batch.input_ids, batch.attention_mask), batches
        )
        for batch, result in zip(batches, results, strict=True):
            if result.shape != (len(batch.rows), len(self.labels)):
                raise ModelError(
                    f"{self.path}: the graph gives logits of shape {result.shape}, "
                    f"not one for each of {len(self.labels)} labels: export the model again"
                )
            logits[batch.rows] = result
        if not np.isfinite(logits).all():
            raise ModelError(f"{self.path}: the graph gives logits that are no numbers")
        return _sigmoid(logits)

    def tag(
        self,
        texts: Sequence[str | None] | pa.Array,
        titles: Sequence[str | None] | pa.Array | None = None,
    ) -> list[list[str] | None]:
        """Each text's genres by the model's thresholds: most probable first; None without text."""
        probabilities = self.predict_proba(texts, titles)
        genres: list[list[str] | None] = decide(
            probabilities, self.thresholds, self.labels
        ).to_pylist()
        return genres
