"""Each rewrite of the exported graph keeps within the error bound that it states."""

from __future__ import annotations

import copy

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from genre_batch.exporting.graph.matmul import weighted_matmuls
from genre_batch.exporting.graph.quantize_embeddings import quantize_embeddings
from genre_batch.exporting.graph.quantize_matmul import Scale, calibrate, quantize_matmuls
from genre_batch.exporting.graph.smooth_outliers import (
    activation_ranges,
    cap_outliers,
    of_normalized,
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
    shape: list[str | int | None] = ["batch", "tokens", WIDTH]
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


def test_only_what_a_layer_norm_gives_is_capped_in_an_export(model: onnx.ModelProto) -> None:
    ranges = activation_ranges(model, TEXTS)
    assert of_normalized(model, ranges) == {}
    untouched = cap_outliers(copy.deepcopy(model), of_normalized(model, ranges))
    assert untouched.SerializeToString() == model.SerializeToString()
    model.graph.node[0].op_type = "LayerNormalization"
    assert of_normalized(model, ranges) == ranges


def test_only_products_with_a_stored_weight_are_looked_at(model: onnx.ModelProto) -> None:
    model.graph.node.append(helper.make_node("MatMul", ["logits", "logits"], ["x"], name="other"))
    assert [node.name for node in weighted_matmuls(model)] == ["product"]


@pytest.fixture
def biased(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph with a bias added to its product."""
    model.graph.node[-1].output[0] = "bare"
    bias = np.array([0.5, -2.0, 30.0], dtype=np.float32)
    model.graph.initializer.append(numpy_helper.from_array(bias, "bias"))
    model.graph.node.append(helper.make_node("Add", ["bias", "bare"], ["logits"], name="add"))
    return model


def test_a_static_product_is_off_by_at_most_half_a_step_of_each_of_its_factors(
    biased: onnx.ModelProto,
) -> None:
    table, weight = (numpy_helper.to_array(tensor) for tensor in biased.graph.initializer[:2])
    scale = Scale.of(float(table.min()), float(table.max()))
    ids = np.arange(VOCABULARY)
    exact = _run(biased, ids, "logits")[0]
    found = _run(quantize_matmuls(copy.deepcopy(biased), {"embedded": scale}), ids, "logits")[0]
    rounded_inputs = np.abs(weight).sum(axis=0) * scale.step / 2
    # Half a step to which the zero, too, was rounded; and the weights' own half steps.
    rounded_weights = (np.abs(table) + scale.step).sum(axis=1, keepdims=True)
    rounded_weights = rounded_weights * np.abs(weight).max(axis=0) / 254
    assert (np.abs(found - exact) <= 1.01 * (2 * rounded_inputs + rounded_weights)).all()
    assert np.abs(found - exact).max() > 0


def test_a_static_product_takes_in_its_bias_and_leaves_one_node(biased: onnx.ModelProto) -> None:
    rewritten = quantize_matmuls(copy.deepcopy(biased), calibrate(biased, TEXTS))
    kinds = [node.op_type for node in rewritten.graph.node]
    assert kinds == ["Gather", "Cast", "QuantizeLinear", "MatMulIntegerToFloat"]
    assert "weight" not in {tensor.name for tensor in rewritten.graph.initializer}


def test_a_bias_that_somebody_else_reads_too_stays(biased: onnx.ModelProto) -> None:
    biased.graph.node.append(helper.make_node("Identity", ["bare"], ["also"], name="also"))
    rewritten = quantize_matmuls(copy.deepcopy(biased), calibrate(biased, TEXTS))
    assert "Add" in [node.op_type for node in rewritten.graph.node]
    ids = np.arange(VOCABULARY)
    np.testing.assert_allclose(_run(rewritten, ids, "logits"), _run(biased, ids, "logits"), atol=9)


def test_a_static_product_s_rows_do_not_know_each_other(biased: onnx.ModelProto) -> None:
    rewritten = quantize_matmuls(copy.deepcopy(biased), calibrate(biased, TEXTS))
    together = _run(rewritten, np.arange(VOCABULARY), "logits")[0]
    for at in range(VOCABULARY):
        alone = _run(rewritten, np.array([at]), "logits")[0, 0]
        assert alone.tobytes() == together[at].tobytes()


def test_products_that_are_to_stay_in_float_do(model: onnx.ModelProto) -> None:
    kept = quantize_matmuls(copy.deepcopy(model), calibrate(model, TEXTS), keep=["product"])
    assert kept.SerializeToString() == model.SerializeToString()


def test_a_few_far_out_values_are_cut_off() -> None:
    values = np.random.default_rng(0).normal(size=100_000).astype(np.float32)
    far = np.append(values, np.float32(10))
    whole = Scale.of(float(far.min()), float(far.max()))
    assert _calibrated(far).step < 0.9 * whole.step


def _calibrated(values: npt.NDArray[np.float32]) -> Scale:
    """The scale of a product whose input is a table of these values."""
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["x"], name="embed"),
        helper.make_node("MatMul", ["x", "weight"], ["logits"], name="product"),
    ]
    names = ("input_ids", "attention_mask")
    graph = helper.make_graph(
        nodes,
        "one product",
        [helper.make_tensor_value_info(name, TensorProto.INT64, ["b", "t"]) for name in names],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["b", "t", 1])],
        [
            numpy_helper.from_array(values[:, None], "table"),
            numpy_helper.from_array(np.ones((1, 1), dtype=np.float32), "weight"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return calibrate(model, [np.arange(len(values))])["x"]


@given(
    st.floats(-1e6, 1e6, width=32),
    st.floats(-1e6, 1e6, width=32),
    st.floats(0, 1),
)
def test_a_scale_holds_zero_exactly_and_every_value_of_its_range_within_a_step(
    one: float, other: float, place: float
) -> None:
    low, high = sorted((one, other))
    scale = Scale.of(low, high)
    assert scale.error(np.zeros(1), np.ones(1)) == 0
    value = low + place * (high - low)
    assert scale.error(np.array([value]), np.ones(1)) <= (1.001 * scale.step) ** 2
