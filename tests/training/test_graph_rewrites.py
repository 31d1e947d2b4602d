"""Each rewrite of the exported graph keeps within the error bound that it states."""

from __future__ import annotations

import copy

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from genre_batch.training.graph.embeddings import quantize_embeddings
from genre_batch.training.graph.outliers import (
    activation_ranges,
    cap_outliers,
    weighted_products,
)

VOCABULARY, WIDTH, GENRES = 50, 8, 3
TEXTS = [np.array([1, 2, 3]), np.array([4, 5]), np.arange(VOCABULARY)]


@pytest.fixture
def model() -> onnx.ModelProto:
    """Looks up embeddings and multiplies each by a weight; channel 2 is far out, row 7 is zero."""
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
    shape = ["batch", "tokens"]
    graph = helper.make_graph(
        nodes,
        "two nodes",
        [
            helper.make_tensor_value_info(n, TensorProto.INT64, shape)
            for n in ("input_ids", "attention_mask")
        ],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [*shape, GENRES])],
        [numpy_helper.from_array(table, "table"), numpy_helper.from_array(weight, "weight")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def _run(
    model: onnx.ModelProto, ids: npt.NDArray[np.int64], output: str
) -> npt.NDArray[np.float32]:
    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    feed = {"input_ids": ids[None], "attention_mask": np.ones_like(ids[None])}
    result: npt.NDArray[np.float32] = session.run([output], feed)[0]
    return result


def test_an_embedding_is_off_by_at_most_its_row_s_largest_value_over_254(
    model: onnx.ModelProto,
) -> None:
    table = numpy_helper.to_array(model.graph.initializer[0])
    rewritten = quantize_embeddings(copy.deepcopy(model))
    shape = ["batch", "tokens", WIDTH]
    rewritten.graph.output.append(
        helper.make_tensor_value_info("embedded", TensorProto.FLOAT, shape)
    )
    looked_up = _run(rewritten, np.arange(VOCABULARY), "embedded")[0]
    bound = np.abs(table).max(axis=1, keepdims=True) / 254
    assert (np.abs(looked_up - table) <= bound * 1.0001).all()
    assert (looked_up[7] == 0).all()


def test_embeddings_take_a_quarter_of_the_room(model: onnx.ModelProto) -> None:
    rewritten = quantize_embeddings(copy.deepcopy(model))
    held = {tensor.name: tensor.data_type for tensor in rewritten.graph.initializer}
    assert held["table_int8"] == TensorProto.INT8
    assert "table" not in held


def test_the_ranges_are_the_largest_absolute_values_of_each_channel(
    model: onnx.ModelProto,
) -> None:
    table = numpy_helper.to_array(model.graph.initializer[0])
    ranges = activation_ranges(model, TEXTS)
    assert list(ranges) == ["embedded"]
    assert ranges["embedded"].tolist() == np.abs(table).max(axis=0).tolist()


def test_capping_changes_no_bit_of_the_float_graph_and_brings_the_outlier_down(
    model: onnx.ModelProto,
) -> None:
    ranges = activation_ranges(model, TEXTS)
    capped = cap_outliers(copy.deepcopy(model), ranges, percentile=80)
    for ids in TEXTS:
        assert _run(capped, ids, "logits").tobytes() == _run(model, ids, "logits").tobytes()
    cap = np.percentile(ranges["embedded"], 80)
    assert ranges["embedded"].max() > 4 * cap
    assert activation_ranges(capped, TEXTS)["embedded_capped"].max() <= cap


def test_a_graph_without_outliers_stays_as_it_is(model: onnx.ModelProto) -> None:
    flat = {"embedded": np.ones(WIDTH, dtype=np.float32)}
    untouched = cap_outliers(copy.deepcopy(model), flat)
    assert untouched.SerializeToString() == model.SerializeToString()


def test_only_products_with_a_stored_weight_are_looked_at(model: onnx.ModelProto) -> None:
    model.graph.node.append(helper.make_node("MatMul", ["logits", "logits"], ["x"], name="other"))
    assert [node.name for node in weighted_products(model)] == ["product"]
