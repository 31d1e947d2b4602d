"""Fixtures of the rewrites' tests: a graph with one matmul, without and with a bias."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from support.graphs import GENRES, VOCABULARY, WIDTH, text_model


@pytest.fixture
def model() -> onnx.ModelProto:
    """Look up embeddings and multiply them by a weight; channel 2 is an outlier, row 7 is zero."""
    rng = np.random.default_rng(0)
    table = rng.normal(size=(VOCABULARY, WIDTH)).astype(np.float32)
    table[:, 2] *= 40
    table[7] = 0
    weight = rng.normal(size=(WIDTH, GENRES)).astype(np.float32)
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["embedded"], name="embed"),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["embedded", "weight"], ["logits"], name="product"),
    ]
    return text_model(nodes, {"table": table, "weight": weight}, GENRES)


@pytest.fixture
def biased(model: onnx.ModelProto) -> onnx.ModelProto:
    """Add a bias to the matmul of `model`."""
    model.graph.node[-1].output[0] = "bare"
    bias = np.array([0.5, -2.0, 30.0], dtype=np.float32)
    model.graph.initializer.append(numpy_helper.from_array(bias, "bias"))
    model.graph.node.append(helper.make_node("Add", ["bias", "bare"], ["logits"], name="add"))
    return model
