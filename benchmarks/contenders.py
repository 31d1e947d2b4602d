"""The ways to tag films that speed.py holds side by side.

All but the last compute with the weights of one float32 checkpoint, its mean-pooled head included.
What needs a package of its own is imported when it is prepared.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
import transformers
from contender import BATCH, Answer, Contender, Films, Floats, Setting, ordered, sigmoid
from engines import (
    CTranslate2,
    OnnxDynamic,
    OnnxFloat,
    OpenVinoInt8,
    OpenVinoLow,
    TorchLow,
    session_options,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline

from genre_batch import GenreTagger
from genre_batch.dataset.dataset import read_dataset
from genre_batch.model.batching import load_tokenizer, same_length_batches, tokenize
from genre_batch.model.metadata import read_model_file
from genre_batch.model.session import Session
from genre_batch.model.tagger import TOKENS_PER_BATCH
from genre_batch.training.run_folder import RunFolder

COMMAND = Path(sys.executable).with_name("genre-batch")


class Tag:
    """The installed command, a process for each run, in folders that nothing lay in before."""

    name = "genre-batch tag"
    says = "the command, from the start of its process: CSV to Parquet, with `--probabilities`"
    ours = True
    needs: tuple[str, ...] = ()

    def prepare(self, setting: Setting) -> None:
        """Fixes the options."""
        self._setting = setting
        options = ["-m", str(setting.model), "--threads", str(setting.threads), "--probabilities"]
        self._command = [str(COMMAND), "-q", "tag", *options]

    def run(self, films: Films) -> Answer:
        """Writes the films as CSV, then, timed, tags them."""
        with tempfile.TemporaryDirectory(dir=self._setting.folder) as folder:
            source, output, summary = (Path(folder, name) for name in ("i.csv", "o.parquet", "s"))
            films.catalog.write_csv(source)
            started = time.perf_counter()
            subprocess.run(
                [*self._command, source, "-o", output, "--summary-json", summary], check=True
            )
            seconds = time.perf_counter() - started
            found = json.loads(summary.read_text(encoding="utf-8"))
            columns = pl.read_parquet(output).select(pl.selectors.starts_with("probability_"))
        if found["texts_predicted"] != len(films):
            raise SystemExit(f"{found['texts_predicted']} of {len(films)} texts were predicted")
        return Answer(columns.to_numpy().astype(np.float32), seconds, found["seconds"])


class Library:
    """This project from Python."""

    name = "GenreTagger.predict_proba"
    says = "this project from Python: texts to probabilities"
    ours = True
    needs: tuple[str, ...] = ()

    def prepare(self, setting: Setting) -> None:
        """Loads the exported model."""
        self._tagger = GenreTagger.load(setting.model, threads=setting.threads)

    def run(self, films: Films) -> Answer:
        """Tags the films."""
        return Answer(self._tagger.predict_proba(films.texts))


class GraphAlone:
    """The exported model's session and nothing else: what tokens to probabilities would allow."""

    name = "the exported model alone"
    says = "its session, batches of tokens lying ready, one thread a core"
    ours = True
    needs: tuple[str, ...] = ()

    def prepare(self, setting: Setting) -> None:
        """Loads the exported model."""
        self._setting = setting
        file = read_model_file(setting.model)
        metadata = file.metadata
        self._tokenizer = load_tokenizer(metadata.tokenizer, metadata.max_length, "the model")
        self._session = Session(file.content, "the model")
        self._tokens = TOKENS_PER_BATCH if file.batchable else 1

    def run(self, films: Films) -> Answer:
        """Makes batches as the tagger does, then, timed, runs each thread's share of them."""
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


class Pipeline:
    """The transformers pipeline as its documentation has it."""

    name = "transformers pipeline"
    says = "float32, batches of 32 in arrival order"
    ours = False
    needs: tuple[str, ...] = ()

    def prepare(self, setting: Setting) -> None:
        """Makes the pipeline."""
        self._threads = setting.threads
        self._labels = list((setting.checkpoint.config.id2label or {}).values())
        # It complains of a class that it has not on its list, and runs it.
        transformers.logging.set_verbosity(logging.CRITICAL)
        self._pipeline = self._made(setting)

    def _made(self, setting: Setting) -> Any:
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
        """Tags the films."""
        torch.set_num_threads(self._threads)  # CTranslate2 takes torch's threads down to its own
        answers = [
            {one["label"]: one["score"] for one in scores} for scores in self._pipeline(films.texts)
        ]
        rows = [[scores[label] for label in self._labels] for scores in answers]
        return Answer(np.array(rows, np.float32))


class Optimum(Pipeline):
    """The same pipeline over optimum's onnxruntime model, as its documentation has it."""

    name = "optimum ORTModelForSequenceClassification"
    says = "optimum's pipeline, float32, batches of 32 in arrival order"

    def _made(self, setting: Setting) -> Any:
        from optimum.onnxruntime import ORTModelForSequenceClassification, pipeline

        model = ORTModelForSequenceClassification.from_pretrained(
            setting.graph.parent, session_options=session_options(setting.threads)
        )
        return pipeline("text-classification", model=model, **self._options(setting))


class Linear:
    """The trivial option: words and pairs of words, one logistic regression a genre."""

    name = "TF-IDF and logistic regression"
    says = "scikit-learn, trained on the run's films; other answers, and not as good ones"
    ours = False
    needs: tuple[str, ...] = ()

    def prepare(self, setting: Setting) -> None:
        """Trains it."""
        films = read_dataset(RunFolder(setting.run).splits).part("train")
        self._pipeline = make_pipeline(
            TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True, dtype=np.float32),
            OneVsRestClassifier(
                LogisticRegression(C=4.0, class_weight="balanced", solver="liblinear")
            ),
        ).fit(films.texts, films.labels)

    def run(self, films: Films) -> Answer:
        """Tags the films."""
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
"""In the table's order. The first two are what every other is compared with."""
