"""README.md of a run."""

from __future__ import annotations

import os
from importlib.resources import files
from typing import Any

from genre_batch.runs.provenance import catalog_name

__all__ = ["run_readme"]

_LOAD = "`genre_batch.training.encoder.base_model.load_checkpoint`"
_POOLED = (
    "Its head is one linear layer on the pooled token vectors (`pooling: {pooling}` in "
    "config.json): load it with {load}. It cannot be exported, but a DistilBERT can learn from it."
)
_MEAN = (
    "Its head reads the mean of the token vectors (`pooling: mean` in config.json). The stock "
    "class `DistilBertForSequenceClassification` loads these weights too, but its head reads the "
    "first token's vector, for which it was not trained: its predictions are wrong. Load the model "
    "with {load}, or export it."
)
_STOCK = "It is a stock `DistilBertForSequenceClassification`."


def run_readme(job: Any, kind: str) -> str:
    """Return the text of a run's README.md.

    Args:
        job: a `TrainJob`.
        kind: the `model_type` of the model's configuration.
    """
    folder, pooling = os.fspath(job.folder), job.options.model.pooling
    exportable = kind == "distilbert"
    usage = (_MEAN if pooling == "mean" else _STOCK) if exportable else _POOLED
    following = f"Export it to a model file: `genre-batch export-onnx {folder} -o model.onnx`"
    if not exportable:
        following = f"Train a model that learns from it: `genre-batch train ... --teacher {folder}`"
    template = files(__package__).joinpath("readme.md").read_text(encoding="utf-8")
    return template.format(
        kind="DistilBERT" if exportable else kind,
        base_model=os.fspath(job.base_model if job.init_from is None else job.init_from),
        catalog=catalog_name(job),
        protocol=job.protocol,
        usage=usage.format(pooling=pooling, load=_LOAD),
        following=following,
    )
