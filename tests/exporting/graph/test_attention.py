"""Attention rewritten: the same logits from fewer nodes."""

from __future__ import annotations

import copy
from collections import Counter
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper
from transformers import DistilBertForSequenceClassification

from genre_batch.exporting.export import export_graph
from genre_batch.exporting.graph.attention import fuse_attention
from genre_batch.exporting.graph.cleanup import drop_unused, skip_identities
from genre_batch.training.encoder.base_model import load_base_model

HEADS, LAYERS = 2, 2


@pytest.fixture(scope="module", params=["mean", "first"])
def exported(
    base_model: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> onnx.ModelProto:
    """A tiny DistilBERT as optimum writes it, for either pooling."""
    model, _ = load_base_model(str(base_model), ["Action", "Drama"], request.param, 0)
    assert isinstance(model, DistilBertForSequenceClassification)
    path = tmp_path_factory.mktemp("attention") / "graph.onnx"
    export_graph(model, path)
    return onnx.load(path)


def _logits(
    model: onnx.ModelProto, ids: npt.NDArray[np.int64], mask: npt.NDArray[np.int64]
) -> npt.NDArray[np.float32]:
    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    result: npt.NDArray[np.float32] = session.run(
        ["logits"], {"input_ids": ids, "attention_mask": mask}
    )[0]
    return result


@pytest.mark.parametrize("tokens", [1, 2, 17, 64])
def test_the_logits_stay_what_they_were_with_and_without_padding(
    exported: onnx.ModelProto, tokens: int
) -> None:
    rng = np.random.default_rng(0)
    ids = rng.integers(5, 30, (3, tokens))
    mask = np.ones_like(ids)
    mask[1, tokens // 2 + 1 :] = 0
    before = _logits(exported, ids, mask)
    after = _logits(fuse_attention(copy.deepcopy(exported), HEADS), ids, mask)
    np.testing.assert_allclose(after, before, atol=1e-5)
    assert np.abs(before).max() > 1e-3


def test_padding_is_not_looked_at(exported: onnx.ModelProto) -> None:
    model = fuse_attention(copy.deepcopy(exported), HEADS)
    ids = np.array([[7, 8, 9, 0, 0]])
    mask = np.array([[1, 1, 1, 0, 0]])
    other = np.where(mask == 1, ids, 11)
    assert _logits(model, ids, mask).tobytes() == _logits(model, other, mask).tobytes()
    alone = _logits(model, ids[:, :3], mask[:, :3])
    np.testing.assert_allclose(_logits(model, ids, mask), alone, atol=1e-6)


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
    with pytest.raises(ValueError, match="is a Add where attention should have a Where"):
        fuse_attention(model, HEADS)


def test_what_no_output_needs_is_dropped_and_the_rest_keeps_its_order() -> None:
    nodes = [
        helper.make_node("Relu", ["x"], ["a"]),
        helper.make_node("Add", ["a", "spare"], ["dead"]),
        helper.make_node("Add", ["a", "kept"], ["y"]),
        helper.make_node("Relu", ["dead"], ["deader"]),
    ]
    values = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1]) for name in ("x", "y")
    ]
    stored = [numpy_helper.from_array(np.ones(1, np.float32), name) for name in ("spare", "kept")]
    graph = helper.make_graph(nodes, "g", values[:1], values[1:], stored)
    model = drop_unused(helper.make_model(graph))
    assert [node.output[0] for node in model.graph.node] == ["a", "y"]
    assert [tensor.name for tensor in model.graph.initializer] == ["kept"]


def test_readers_of_an_identity_read_what_stands_before_it() -> None:
    nodes = [
        helper.make_node("Identity", ["x"], ["same"]),
        helper.make_node("Identity", ["same"], ["y"]),
        helper.make_node("Relu", ["y"], ["z"]),
    ]
    values = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1]) for name in ("x", "y", "z")
    ]
    graph = helper.make_graph(nodes, "g", values[:1], values[1:])
    model = drop_unused(skip_identities(helper.make_model(graph)))
    assert [(node.op_type, node.input[0]) for node in model.graph.node] == [
        ("Identity", "x"),
        ("Relu", "x"),
    ]
