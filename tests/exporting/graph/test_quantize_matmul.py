"""Quantized matmuls keep within the error bound that the rewrite states."""

from __future__ import annotations

import copy

import numpy as np
import numpy.typing as npt
import onnx
from hypothesis import given
from hypothesis import strategies as st
from onnx import helper, numpy_helper

from genre_batch.exporting.graph.quantize_matmul import Scale, calibrate, quantize_matmuls
from support.graphs import TEXTS, VOCABULARY, run_graph, text_model


def test_a_quantized_matmul_is_off_by_at_most_half_a_step_of_each_factor(
    biased: onnx.ModelProto,
) -> None:
    table, weight = (numpy_helper.to_array(tensor) for tensor in biased.graph.initializer[:2])
    scale = Scale.spanning(float(table.min()), float(table.max()))
    ids = np.arange(VOCABULARY)
    exact = run_graph(biased, ids)[0]
    quantized = run_graph(quantize_matmuls(copy.deepcopy(biased), {"embedded": scale}), ids)[0]
    rounded_inputs = np.abs(weight).sum(axis=0) * scale.step / 2
    # Half a step to which the zero, too, was rounded; and the weights' own half steps.
    rounded_weights = (np.abs(table) + scale.step).sum(axis=1, keepdims=True)
    rounded_weights = rounded_weights * np.abs(weight).max(axis=0) / 254
    assert (np.abs(quantized - exact) <= 1.01 * (2 * rounded_inputs + rounded_weights)).all()
    assert np.abs(quantized - exact).max() > 0


def test_a_quantized_matmul_is_fused_with_its_bias(biased: onnx.ModelProto) -> None:
    rewritten = quantize_matmuls(copy.deepcopy(biased), calibrate(biased, TEXTS))
    kinds = [node.op_type for node in rewritten.graph.node]
    assert kinds == ["Gather", "Cast", "QuantizeLinear", "MatMulIntegerToFloat"]
    assert "weight" not in {tensor.name for tensor in rewritten.graph.initializer}


def test_a_matmul_that_another_node_reads_too_is_not_fused_with_its_bias(
    biased: onnx.ModelProto,
) -> None:
    biased.graph.node.append(helper.make_node("Identity", ["bare"], ["also"], name="also"))
    rewritten = quantize_matmuls(copy.deepcopy(biased), calibrate(biased, TEXTS))
    assert "Add" in [node.op_type for node in rewritten.graph.node]
    ids = np.arange(VOCABULARY)
    np.testing.assert_allclose(run_graph(rewritten, ids), run_graph(biased, ids), atol=9)


def test_a_row_s_result_does_not_depend_on_the_other_rows(biased: onnx.ModelProto) -> None:
    rewritten = quantize_matmuls(copy.deepcopy(biased), calibrate(biased, TEXTS))
    together = run_graph(rewritten, np.arange(VOCABULARY))[0]
    for index in range(VOCABULARY):
        alone = run_graph(rewritten, np.array([index]))[0, 0]
        assert alone.tobytes() == together[index].tobytes()


def _with_relu(biased: onnx.ModelProto) -> onnx.ModelProto:
    """Put a Relu before the matmul."""
    model = copy.deepcopy(biased)
    nodes = list(model.graph.node)
    at = next(index for index, node in enumerate(nodes) if node.op_type == "MatMul")
    relu = helper.make_node("Relu", [nodes[at].input[0]], ["positive"], name="relu")
    nodes[at].input[0] = "positive"
    nodes.insert(at, relu)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


def test_a_relu_before_bytes_of_no_negative_value_is_left_out_bit_for_bit(
    biased: onnx.ModelProto,
) -> None:
    model = _with_relu(biased)
    scales = calibrate(model, TEXTS)
    assert scales["positive"].zero == 0
    rewritten = quantize_matmuls(copy.deepcopy(model), scales)
    kinds = [node.op_type for node in rewritten.graph.node]
    assert kinds == ["Gather", "Cast", "QuantizeLinear", "MatMulIntegerToFloat"]
    model.graph.node.append(helper.make_node("Identity", ["positive"], ["also"], name="also"))
    kept = quantize_matmuls(model, scales)  # the Relu has another reader
    assert "Relu" in [node.op_type for node in kept.graph.node]
    ids = np.arange(VOCABULARY)
    assert run_graph(rewritten, ids).tobytes() == run_graph(kept, ids).tobytes()


def test_a_relu_before_bytes_of_negative_values_too_stays(biased: onnx.ModelProto) -> None:
    model = _with_relu(biased)
    rewritten = quantize_matmuls(model, {"positive": Scale(0.1, 3)})
    assert "Relu" in [node.op_type for node in rewritten.graph.node]


def test_matmuls_to_keep_stay_in_float(model: onnx.ModelProto) -> None:
    unchanged = quantize_matmuls(copy.deepcopy(model), calibrate(model, TEXTS), keep=["product"])
    assert unchanged.SerializeToString() == model.SerializeToString()


def test_a_few_outliers_are_clipped() -> None:
    values = np.random.default_rng(0).normal(size=100_000).astype(np.float32)
    far = np.append(values, np.float32(10))
    whole = Scale.spanning(float(far.min()), float(far.max()))
    assert _calibrated(far).step < 0.9 * whole.step


def _calibrated(values: npt.NDArray[np.float32]) -> Scale:
    """Calibrate a matmul whose input is a table of these values."""
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["x"], name="embed"),
        helper.make_node("MatMul", ["x", "weight"], ["logits"], name="product"),
    ]
    weight = np.ones((1, 1), dtype=np.float32)
    model = text_model(nodes, {"table": values[:, None], "weight": weight}, 1)
    return calibrate(model, [np.arange(len(values))])["x"]


@given(
    st.floats(-1e6, 1e6, width=32),
    st.floats(-1e6, 1e6, width=32),
    st.floats(0, 1),
)
def test_a_scale_represents_zero_exactly_and_its_range_within_a_step(
    one: float, other: float, place: float
) -> None:
    low, high = sorted((one, other))
    scale = Scale.spanning(low, high)
    assert scale.error(np.zeros(1), np.ones(1)) == 0
    value = low + place * (high - low)
    assert scale.error(np.array([value]), np.ones(1)) <= (1.001 * scale.step) ** 2
