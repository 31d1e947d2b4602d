"""Matrix products in 8 bits, their activations scaled by what calibration texts showed."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from genre_batch.exporting.graph.matmul import activations, weighted_matmuls

__all__ = ["Scale", "calibrate", "quantize_matmuls"]

_LARGEST_WEIGHT = 127
_STEPS = 255
_CLIPPINGS = np.linspace(0.3, 1.0, 36).tolist()
_BINS = 2048


@dataclass(frozen=True)
class Scale:
    """How a float becomes an unsigned byte: round(value / step) + zero, cut to 0..255.

    Attributes:
        step: size of one step.
        zero: the byte that stands for 0.0.
    """

    step: float
    zero: int

    @classmethod
    def of(cls, low: float, high: float) -> Scale:
        """The scale that spans a range, widened to hold 0."""
        low, high = min(low, 0.0), max(high, 0.0)
        step = (high - low) / _STEPS or 1.0
        return cls(step, int(np.clip(np.rint(-low / step), 0, _STEPS)))

    def error(self, values: npt.NDArray[np.float64], weights: npt.NDArray[np.float64]) -> float:
        """The weighted sum of squares by which values miss themselves."""
        steps = np.clip(np.rint(values / self.step) + self.zero, 0, _STEPS)
        return float(((values - (steps - self.zero) * self.step) ** 2 * weights).sum())


def calibrate(model: onnx.ModelProto, texts: Iterable[npt.NDArray[np.int64]]) -> dict[str, Scale]:
    """The scale of each product's input that loses least on some texts.

    Of 36 shares of the range that was seen, the one with the smallest squared error: cutting off a
    few far-out values makes all others finer. (The choice by mean squared error among clippings:
    Nagel et al. 2021, "A White Paper on Neural Network Quantization", section 3.2.)

    Args:
        model: input_ids, attention_mask -> logits, in float.
        texts: token ids, (tokens,) int64 each; some hundred of them tell enough.

    Returns:
        name of the input -> its scale.
    """
    seen: dict[str, list[npt.NDArray[np.float32]]] = {}
    for values in activations(model, texts):
        for name, value in values.items():
            seen.setdefault(name, []).append(value.ravel())
    return {name: _best_scale(np.concatenate(parts)) for name, parts in seen.items()}


def _best_scale(values: npt.NDArray[np.float32]) -> Scale:
    counts, edges = np.histogram(values, bins=_BINS)
    middles = (edges[:-1] + edges[1:]) / 2
    low, high = float(values.min()), float(values.max())
    scales = [Scale.of(low * share, high * share) for share in _CLIPPINGS]
    return min(scales, key=lambda scale: scale.error(middles, counts.astype(np.float64)))


def quantize_matmuls(
    model: onnx.ModelProto, scales: dict[str, Scale], keep: Collection[str] = ()
) -> onnx.ModelProto:
    """Makes every product with a stored weight one of bytes, its bias taken in.

    x @ W + b becomes QuantizeLinear and MatMulIntegerToFloat (com.microsoft): W's columns in signed
    bytes, each with a scale of its own (max|column| / 127), x in unsigned ones by `scales`. Signed
    weights and unsigned activations are the pairing that onnxruntime has fast kernels for. An
    output is off by at most sum |W| x step / 2 + sum |x| x max|column| / 254, and by what x goes
    beyond its scale. A row's result depends on that row alone: no scale is taken from the batch.

    Args:
        model: changed in place and returned.
        scales: of `calibrate`, of this model.
        keep: names of products that stay in float.
    """
    graph = model.graph
    weights = {tensor.name: tensor for tensor in graph.initializer}
    products = {node.name for node in weighted_matmuls(model) if node.name not in keep}
    biases = _biases(graph, products, weights)
    merged = {add.output[0] for add in biases.values()}
    nodes: list[onnx.NodeProto] = []
    quantized: set[str] = set()
    for node in graph.node:
        if node.name in products:
            source, weight = node.input
            if source not in quantized:
                quantized.add(source)
                nodes.append(_quantized(graph, source, scales[source]))
            add = biases.get(node.name)
            nodes.append(_product(graph, node, weights[weight], add))
        elif not set(node.output) & merged:
            nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)
    used = {name for node in nodes for name in node.input}
    for tensor in [tensor for name, tensor in weights.items() if name not in used]:
        graph.initializer.remove(tensor)
    if products and not any(opset.domain == "com.microsoft" for opset in model.opset_import):
        model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    return model


def _biases(
    graph: onnx.GraphProto, products: Collection[str], weights: dict[str, onnx.TensorProto]
) -> dict[str, onnx.NodeProto]:
    """Name of a product -> the Add of a stored vector that alone reads it."""
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    found = {}
    outputs = {output.name for output in graph.output}
    for node in graph.node:
        if node.name not in products or node.output[0] in outputs:
            continue
        by = readers.get(node.output[0], [])
        if len(by) == 1 and by[0].op_type == "Add" and _bias_of(by[0], weights) is not None:
            found[node.name] = by[0]
    return found


def _bias_of(add: onnx.NodeProto, weights: dict[str, onnx.TensorProto]) -> str | None:
    for name in add.input:
        if name in weights and len(weights[name].dims) == 1:
            return str(name)
    return None


def _quantized(graph: onnx.GraphProto, source: str, scale: Scale) -> onnx.NodeProto:
    names = [f"{source}_step", f"{source}_zero"]
    graph.initializer.extend(
        [
            numpy_helper.from_array(np.array(scale.step, dtype=np.float32), names[0]),
            numpy_helper.from_array(np.array(scale.zero, dtype=np.uint8), names[1]),
        ]
    )
    return helper.make_node("QuantizeLinear", [source, *names], [f"{source}_bytes"])


def _product(
    graph: onnx.GraphProto,
    node: onnx.NodeProto,
    weight: onnx.TensorProto,
    add: onnx.NodeProto | None,
) -> onnx.NodeProto:
    source = node.input[0]
    values = numpy_helper.to_array(weight)
    steps = np.abs(values).max(axis=0).astype(np.float32) / _LARGEST_WEIGHT
    steps[steps == 0] = 1.0
    names = [f"{node.input[1]}_{what}" for what in ("bytes", "steps", "zeros")]
    stored = {tensor.name: tensor for tensor in graph.initializer}
    if names[0] not in stored:
        graph.initializer.extend(
            [
                numpy_helper.from_array(np.rint(values / steps).astype(np.int8), names[0]),
                numpy_helper.from_array(steps, names[1]),
                numpy_helper.from_array(np.zeros(len(steps), dtype=np.int8), names[2]),
            ]
        )
    stored = {tensor.name: tensor for tensor in graph.initializer}
    bias = [] if add is None else [str(_bias_of(add, stored))]
    return helper.make_node(
        "MatMulIntegerToFloat",
        [
            f"{source}_bytes",
            names[0],
            f"{source}_step",
            names[1],
            f"{source}_zero",
            names[2],
            *bias,
        ],
        [node.output[0] if add is None else add.output[0]],
        name=node.name,
        domain="com.microsoft",
    )
