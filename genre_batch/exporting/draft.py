"""The ONNX graph of a checkpoint: exported by optimum, rewritten, quantized, and written."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from optimum.exporters.onnx import export as optimum_export
from optimum.exporters.onnx.model_configs import DistilBertOnnxConfig
from transformers import DistilBertForSequenceClassification

from genre_batch.exporting.graph.attention import fuse_attention
from genre_batch.exporting.graph.quantize_embeddings import quantize_embeddings
from genre_batch.exporting.graph.quantize_matmul import calibrate, quantize_matmuls
from genre_batch.exporting.graph.smooth_outliers import (
    activation_ranges,
    cap_outliers,
    layer_norm_ranges,
)
from genre_batch.model.metadata import ModelMetadata, write_metadata

__all__ = ["export_graph", "quantize", "rewrite", "write_model"]

OPSET = 17


def export_graph(model: DistilBertForSequenceClassification, path: Path) -> None:
    """Write optimum's float32 graph: input_ids, attention_mask -> logits.

    The model is exported from memory. `main_export` on a folder would load the stock class, which
    pools the first token, whereas ours may pool the mean.
    """
    config = DistilBertOnnxConfig(model.config, task="text-classification")
    with _quiet():
        optimum_export(model, config, path, opset=OPSET)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Suppress tracing warnings and quantization advice, which do not concern the user."""
    level = logging.root.level
    logging.root.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.root.setLevel(level)


def rewrite(graph: Path, heads: int) -> None:
    """Apply the rewrites of both precisions to a graph's file.

    Args:
        graph: of `export_graph`, rewritten in place.
        heads: attention heads of each layer.
    """
    onnx.save(fuse_attention(onnx.load(graph), heads), graph)


def quantize(graph: Path, texts: list[npt.NDArray[np.int64]]) -> None:
    """Quantize weights, matmul inputs and embeddings to 8 bits.

    The classification head, a thousandth of the work, stays in float.

    Args:
        graph: the float graph's file, rewritten in place.
        texts: token ids of training texts, from which the ranges of matmul inputs are measured.
    """
    model = onnx.load(graph)
    cap_outliers(model, layer_norm_ranges(model, activation_ranges(model, texts)))
    quantize_matmuls(model, calibrate(model, texts))
    onnx.save(quantize_embeddings(model), graph)


def write_model(graph: Path, metadata: ModelMetadata, target: Path) -> None:
    """Write a graph with metadata as a checked model file."""
    model = onnx.load(graph)
    write_metadata(model, metadata)
    onnx.checker.check_model(model)
    target.write_bytes(model.SerializeToString(deterministic=True))
