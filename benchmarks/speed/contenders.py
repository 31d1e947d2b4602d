"""The ways to tag films that speed.py compares.

All but the last use the weights of one float32 checkpoint, including its mean-pooled head. Optional
packages are imported by `prepare`.
"""

from __future__ import annotations

import json
import logging
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
import transformers
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline

from benchmarks.common.process import COMMAND
from benchmarks.speed.contender import (
    BATCH,
    Answer,
    Contender,
    Films,
    Floats,
    Setting,
    ordered,
    sigmoid,
)
from benchmarks.speed.engines import (
    CTranslate2,
    OnnxDynamic,
    OnnxFloat,
    OpenVinoInt8,
    OpenVinoLow,
    TorchLow,
    session_options,
)
from genre_batch import GenreTagger
from genre_batch.dataset.dataset import read_dataset
from genre_batch.model.batching import load_tokenizer, same_length_batches, tokenize
from genre_batch.model.metadata import read_model_file
from genre_batch.model.session import Session
from genre_batch.model.tagger import TOKENS_PER_BATCH
from genre_batch.model.unmasked import unmasked
from genre_batch.runs.folder import RunFolder


class Tag(Contender):
    """The installed command: one process per run, each in an empty folder."""

    name = "genre-batch tag"
    how = "the command, including start-up: CSV to Parquet, with `--probabilities`"
    ours = True

    def prepare(self, setting: Setting) -> None:
        """Set the options."""
        self._setting = setting
        options = ["-m", str(setting.model), "--threads", str(setting.threads), "--probabilities"]
        self._command = [str(COMMAND), "-q", "tag", *options]

    def run(self, films: Films) -> Answer:
        """Write the films as CSV, then tag them; only the second step is timed."""
        with tempfile.TemporaryDirectory(dir=self._setting.folder) as folder:
            source, output, summary = (Path(folder, name) for name in ("i.csv", "o.parquet", "s"))
            films.catalog.write_csv(source)
            started = time.perf_counter()
            subprocess.run(
                [*self._command, source, "-o", output, "--summary-json", summary], check=True
            )
            seconds = time.perf_counter() - started
            result = json.loads(summary.read_text(encoding="utf-8"))
            columns = pl.read_parquet(output).select(pl.selectors.starts_with("probability_"))
        if result["texts_predicted"] != len(films):
            raise SystemExit(f"{result['texts_predicted']} of {len(films)} texts were predicted")
        return Answer(columns.to_numpy().astype(np.float32), seconds, result["seconds"])


class Library(Contender):
    """This project's Python API."""

    name = "GenreTagger.predict_proba"
    how = "this project's Python API: texts to probabilities"
    ours = True

    def prepare(self, setting: Setting) -> None:
        """Load the exported model."""
        self._tagger = GenreTagger.load(setting.model, threads=setting.threads)

    def run(self, films: Films) -> Answer:
        """Tag the films."""
        return Answer(self._tagger.predict_proba(films.texts))


class GraphAlone(Contender):
    """The exported model's session alone: from tokens to probabilities."""

    name = "the exported model alone"
    how = "its session on tokenized batches, one thread per core"
    ours = True

    def prepare(self, setting: Setting) -> None:
        """Load the exported model."""
        self._setting = setting
        file = read_model_file(setting.model)
        metadata = file.metadata
        self._tokenizer = load_tokenizer(metadata.tokenizer, metadata.max_length, "the model")
        self._session = Session(unmasked(file.content), "the model")
        self._tokens = TOKENS_PER_BATCH if file.batchable else 1

    def run(self, films: Films) -> Answer:
        """Make batches as the tagger does, then run each thread's share, which alone is timed."""
        threads = self._setting.threads
        ids = tokenize(self._tokenizer, films.texts)
        batches = list(same_length_batches(ids, self._tokens))

        def work(first: int) -> list[Floats]:
            return [
                self._session.run(b.input_ids, b.attention_mask) for b in batches[first::threads]
            ]

        started = time.perf_counter()
        with ThreadPoolExecutor(threads) as pool:
            shares = list(pool.map(work, range(threads)))
        seconds = time.perf_counter() - started
        rows = [batch.rows for first in range(threads) for batch in batches[first::threads]]
        logits = [part for share in shares for part in share]
        return Answer(sigmoid(ordered(zip(rows, logits, strict=True), len(films))), seconds)


class Pipeline(Contender):
    """The transformers pipeline as documented."""

    name = "transformers pipeline"
    how = "float32, batches of 32 in arrival order"

    def prepare(self, setting: Setting) -> None:
        """Make the pipeline."""
        self._threads = setting.threads
        self._labels = list((setting.checkpoint.config.id2label or {}).values())
        # It warns of a class that is not on its list, and runs it.
        transformers.logging.set_verbosity(logging.CRITICAL)
        self._pipeline = self._make(setting)

    def _make(self, setting: Setting) -> Any:
        model = type(setting.checkpoint).from_pretrained(setting.run)
        return transformers.pipeline(
            "text-classification", model=model, **self._options(setting), device="cpu"
        )

    def _options(self, setting: Setting) -> dict[str, Any]:
        return {
            "tokenizer": setting.tokenizer,
            "batch_size": BATCH,
            "top_k": None,
            "function_to_apply": "sigmoid",
            "truncation": True,
            "max_length": setting.max_length,
        }

    def run(self, films: Films) -> Answer:
        """Tag the films."""
        torch.set_num_threads(self._threads)  # CTranslate2 lowers torch's number of threads
        answers = [
            {entry["label"]: entry["score"] for entry in scores}
            for scores in self._pipeline(films.texts)
        ]
        rows = [[scores[label] for label in self._labels] for scores in answers]
        return Answer(np.array(rows, np.float32))


class Optimum(Pipeline):
    """The same pipeline with optimum's onnxruntime model, as documented."""

    name = "optimum ORTModelForSequenceClassification"
    how = "optimum's pipeline, float32, batches of 32 in arrival order"

    def _make(self, setting: Setting) -> Any:
        from optimum.onnxruntime import ORTModelForSequenceClassification, pipeline

        model = ORTModelForSequenceClassification.from_pretrained(
            setting.graph.parent, session_options=session_options(setting.threads)
        )
        return pipeline("text-classification", model=model, **self._options(setting))


class Linear(Contender):
    """The baseline: TF-IDF of words and word pairs, one logistic regression per genre."""

    name = "TF-IDF and logistic regression"
    how = "scikit-learn, trained on the run's films; less accurate"

    def prepare(self, setting: Setting) -> None:
        """Train it."""
        films = read_dataset(RunFolder(setting.run).splits).part("train")
        self._pipeline = make_pipeline(
            TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True, dtype=np.float32),
            OneVsRestClassifier(
                LogisticRegression(C=4.0, class_weight="balanced", solver="liblinear")
            ),
        ).fit(films.texts, films.labels)

    def run(self, films: Films) -> Answer:
        """Tag the films."""
        self._pipeline.predict_proba(films.texts)
        return Answer()


CONTENDERS: tuple[type[Contender], ...] = (
    Tag,
    Library,
    GraphAlone,
    Pipeline,
    Optimum,
    OnnxFloat,
    OnnxDynamic,
    TorchLow,
    OpenVinoLow,
    OpenVinoInt8,
    CTranslate2,
    Linear,
)
"""In the table's order. All others are compared with the first two."""
