"""Fused attention gives the same logits with fewer nodes."""

from __future__ import annotations

import copy
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper
from transformers import DistilBertForSequenceClassification

from genre_batch.exporting.draft import export_graph
from genre_batch.exporting.graph.attention import fuse_attention
from genre_batch.training.encoder.base_model import load_base_model
from genre_batch.training.options import ModelOptions
from support.graphs import run_graph

HEADS, LAYERS = 2, 2


@pytest.fixture(scope="module", params=["mean", "first"])
def exported(
    base_model: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> onnx.ModelProto:
    """Export a tiny DistilBERT with optimum, for each pooling."""
    model, _ = load_base_model(base_model, ["Action", "Drama"], ModelOptions(pooling=request.param))
    assert isinstance(model, DistilBertForSequenceClassification)
    path = tmp_path_factory.mktemp("attention") / "graph.onnx"
    export_graph(model, path)
    return onnx.load(path)


@pytest.mark.parametrize("tokens", [1, 2, 17, 64])
def test_the_logits_are_unchanged_with_and_without_padding(
    exported: onnx.ModelProto, tokens: int
) -> None:
    rng = np.random.default_rng(0)
    ids = rng.integers(5, 30, (3, tokens))
    mask = np.ones_like(ids)
    mask[1, tokens // 2 + 1 :] = 0
    before = run_graph(exported, ids, mask)
    after = run_graph(fuse_attention(copy.deepcopy(exported), HEADS), ids, mask)
    np.testing.assert_allclose(after, before, atol=1e-5)
    assert np.abs(before).max() > 1e-3


def test_padding_has_no_effect(exported: onnx.ModelProto) -> None:
    model = fuse_attention(copy.deepcopy(exported), HEADS)
    ids = np.array([[7, 8, 9, 0, 0]])
    mask = np.array([[1, 1, 1, 0, 0]])
    other = np.where(mask == 1, ids, 11)
    assert run_graph(model, ids, mask).tobytes() == run_graph(model, other, mask).tobytes()
    alone = run_graph(model, ids[:, :3], mask[:, :3])
    np.testing.assert_allclose(run_graph(model, ids, mask), alone, atol=1e-6)


def test_each_layer_has_one_product_for_queries_keys_and_values_and_no_computed_shape(
    exported: onnx.ModelProto,
) -> None:
    model = fuse_attention(copy.deepcopy(exported), HEADS)
    kinds = Counter(node.op_type for node in model.graph.node)
    assert kinds["Split"] == LAYERS
    # Per layer: projection, scores, context, output, and two of the feed-forward part.
    stored = {tensor.name for tensor in model.graph.initializer}
    products = [node for node in model.graph.node if node.op_type == "MatMul"]
    assert sum(node.input[1] in stored for node in products) == 4 * LAYERS
    assert not {"Where", "Expand", "Equal", "Concat"} & set(kinds)
    assert len(model.graph.node) < len(exported.graph.node) / 2


def test_a_graph_without_attention_is_refused() -> None:
    graph = helper.make_graph([], "empty", [], [])
    with pytest.raises(ValueError, match="no self-attention"):
        fuse_attention(helper.make_model(graph), HEADS)


def test_attention_of_another_pattern_is_refused(exported: onnx.ModelProto) -> None:
    model = copy.deepcopy(exported)
    for node in model.graph.node:
        if node.op_type == "Where":
            node.op_type = "Add"
    with pytest.raises(ValueError, match="expected a Where in attention, got a Add"):
        fuse_attention(model, HEADS)
