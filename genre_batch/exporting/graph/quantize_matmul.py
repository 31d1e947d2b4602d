"""Quantize matmuls to 8 bits, with activation scales measured on calibration texts."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from genre_batch.exporting.graph.editing import (
    drop_unread,
    producers,
    readers,
    replace_nodes,
    store,
)
from genre_batch.exporting.graph.matmul import matmul_inputs, weighted_matmuls

__all__ = ["Scale", "calibrate", "quantize_matmuls"]

_LARGEST_WEIGHT = 127
_STEPS = 255
_CLIPPINGS = np.linspace(0.3, 1.0, 36).tolist()
_BINS = 2048


@dataclass(frozen=True)
class Scale:
    """How a float becomes an unsigned byte: round(value / step) + zero, clipped to 0..255.

    Attributes:
        step: size of one step.
        zero: the byte that represents 0.0.
    """

    step: float
    zero: int

    @classmethod
    def spanning(cls, low: float, high: float) -> Scale:
        """Return the scale that spans a range, extended to include 0."""
        low, high = min(low, 0.0), max(high, 0.0)
        step = (high - low) / _STEPS or 1.0
        return cls(step, int(np.clip(np.rint(-low / step), 0, _STEPS)))

    def error(self, values: npt.NDArray[np.float64], weights: npt.NDArray[np.float64]) -> float:
        """Return the weighted sum of squared errors of quantizing values."""
        quantized = np.clip(np.rint(values / self.step) + self.zero, 0, _STEPS)
        return float(((values - (quantized - self.zero) * self.step) ** 2 * weights).sum())


def calibrate(model: onnx.ModelProto, texts: Iterable[npt.NDArray[np.int64]]) -> dict[str, Scale]:
    """Find the scale of each matmul's input with the least error on some texts.

    Of 36 fractions of the observed range, the one with the smallest squared error is chosen:
    clipping a few outliers makes all other values finer. (Choosing the clipping by mean squared
    error: Nagel et al. 2021, "A White Paper on Neural Network Quantization", section 3.2.)

    Args:
        model: input_ids, attention_mask -> logits, in float.
        texts: token ids, (tokens,) int64 each; a few hundred texts suffice.

    Returns:
        name of the input -> its scale.
    """
    observed: dict[str, list[npt.NDArray[np.float32]]] = {}
    for inputs in matmul_inputs(model, texts):
        for name, values in inputs.items():
            observed.setdefault(name, []).append(values.ravel())
    return {name: _best_scale(np.concatenate(values)) for name, values in observed.items()}


def _best_scale(values: npt.NDArray[np.float32]) -> Scale:
    counts, edges = np.histogram(values, bins=_BINS)
    centers = (edges[:-1] + edges[1:]) / 2
    low, high = float(values.min()), float(values.max())
    scales = [Scale.spanning(low * fraction, high * fraction) for fraction in _CLIPPINGS]
    return min(scales, key=lambda scale: scale.error(centers, counts.astype(np.float64)))


def quantize_matmuls(
    model: onnx.ModelProto, scales: dict[str, Scale], keep: Collection[str] = ()
) -> onnx.ModelProto:
    """Quantize every matmul with a stored weight, and fuse its bias.

    x @ W + b becomes QuantizeLinear and MatMulIntegerToFloat (com.microsoft). W's columns become
    signed bytes, each with its own scale (max|column| / 127), and x becomes unsigned bytes by
    `scales`: onnxruntime has fast kernels for this pairing. An output is off by at most
    sum |W| x step / 2 + sum |x| x max|column| / 254, plus what x exceeds its scale by. A row's
    result depends on that row alone: no scale is computed from the batch.

    A Relu before it is left out where byte 0 stands for 0.0: clipping does the same, in every bit.

    Args:
        model: changed in place and returned.
        scales: from `calibrate`, of this model.
        keep: names of matmuls that stay in float.
    """
    graph = model.graph
    weights = {tensor.name: tensor for tensor in graph.initializer}
    matmuls = {node.name for node in weighted_matmuls(model) if node.name not in keep}
    biases = _biases(graph, matmuls, weights)
    relus = _absorbed_relus(graph, matmuls, scales)
    left_out = {add.output[0] for add in biases.values()} | relus.keys()
    nodes: list[onnx.NodeProto] = []
    quantized: set[str] = set()
    for node in graph.node:
        if node.name in matmuls:
            source, weight = node.input
            if source not in quantized:
                quantized.add(source)
                value = relus.get(source, source)
                nodes.append(_quantize_input(graph, source, value, scales[source]))
            nodes.append(_integer_matmul(graph, node, weights[weight], biases.get(node.name)))
        elif not left_out.intersection(node.output):
            nodes.append(node)
    replace_nodes(graph, nodes)
    drop_unread(graph, weights)
    if matmuls and not any(opset.domain == "com.microsoft" for opset in model.opset_import):
        model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    return model


def _absorbed_relus(
    graph: onnx.GraphProto, matmuls: Collection[str], scales: dict[str, Scale]
) -> dict[str, str]:
    """Map the output of each Relu that only 8-bit inputs without negative values read to its input.

    Args:
        graph: before it is quantized.
        matmuls: names of the matmuls that will be.
        scales: by name of the matmuls' inputs.
    """
    producer_of, outputs = producers(graph), {output.name for output in graph.output}
    absorbed = {}
    for name, reading in readers(graph).items():
        relu = producer_of.get(name)
        if relu is None or relu.op_type != "Relu" or name in outputs:
            continue
        if all(node.name in matmuls for node in reading) and scales[name].zero == 0:
            absorbed[name] = str(relu.input[0])
    return absorbed


def _biases(
    graph: onnx.GraphProto, matmuls: Collection[str], weights: Collection[str]
) -> dict[str, onnx.NodeProto]:
    """Map a matmul's name to the Add of a stored vector that is its only reader."""
    readers_of = readers(graph)
    outputs = {output.name for output in graph.output}
    biases = {}
    for node in graph.node:
        if node.name not in matmuls or node.output[0] in outputs:
            continue
        match readers_of.get(node.output[0], []):
            case [add] if add.op_type == "Add" and _bias_of(graph, add) is not None:
                biases[node.name] = add
    return biases


def _bias_of(graph: onnx.GraphProto, add: onnx.NodeProto) -> str | None:
    """Return the name of the stored vector that an Add node adds, if any."""
    vectors = {tensor.name for tensor in graph.initializer if len(tensor.dims) == 1}
    return next((str(name) for name in add.input if name in vectors), None)


def _quantize_input(
    graph: onnx.GraphProto, source: str, value: str, scale: Scale
) -> onnx.NodeProto:
    """Store an input's scale and return the node that quantizes it, from a value that equals it."""
    step, zero = f"{source}_step", f"{source}_zero"
    store(
        graph,
        {step: np.array(scale.step, dtype=np.float32), zero: np.array(scale.zero, dtype=np.uint8)},
    )
    return helper.make_node("QuantizeLinear", [value, step, zero], [f"{source}_bytes"])


def _integer_matmul(
    graph: onnx.GraphProto,
    node: onnx.NodeProto,
    weight: onnx.TensorProto,
    add: onnx.NodeProto | None,
) -> onnx.NodeProto:
    """Quantize a matmul's weight and return the node that replaces it and its bias."""
    source = node.input[0]
    quantized, steps, zeros = (f"{weight.name}_{suffix}" for suffix in ("bytes", "steps", "zeros"))
    if quantized not in {tensor.name for tensor in graph.initializer}:
        values = numpy_helper.to_array(weight)
        scales = np.abs(values).max(axis=0).astype(np.float32) / _LARGEST_WEIGHT
        scales[scales == 0] = 1.0
        store(
            graph,
            {
                quantized: np.rint(values / scales).astype(np.int8),
                steps: scales,
                zeros: np.zeros(len(scales), dtype=np.int8),
            },
        )
    inputs = [f"{source}_bytes", quantized, f"{source}_step", steps, f"{source}_zero", zeros]
    bias = [] if add is None else [str(_bias_of(graph, add))]
    return helper.make_node(
        "MatMulIntegerToFloat",
        [*inputs, *bias],
        [node.output[0] if add is None else add.output[0]],
        name=node.name,
        domain="com.microsoft",
    )
