"""Fuse self-attention: one matmul for queries, keys and values, and one mask for all layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from genre_batch.exporting.graph.cleanup import drop_unused, skip_identities
from genre_batch.exporting.graph.editing import producers, readers, replace_nodes, store

__all__ = ["fuse_attention"]

_MASK = "attention_mask"
_BIAS = "attention_bias"


@dataclass(frozen=True)
class _Projection:
    """The projection x @ weight + bias of queries, keys or values.

    Attributes:
        source: name of x.
        weight: (width, width) float32.
        bias: (width,) float32.
    """

    source: str
    weight: npt.NDArray[np.float32]
    bias: npt.NDArray[np.float32]


@dataclass(frozen=True)
class _Layer:
    """The attention of one layer, as the exporter writes it.

    Attributes:
        queries, keys, values: the projections.
        scores: the node that computes the scores; the new nodes take its place.
        context: name of the output, (batch, tokens, width).
        name: prefix of the names of new tensors.
    """

    queries: _Projection
    keys: _Projection
    values: _Projection
    scores: onnx.NodeProto
    context: str
    name: str


def fuse_attention(model: onnx.ModelProto, heads: int) -> onnx.ModelProto:
    """Rewrite each layer's self-attention with fewer nodes.

    Queries, keys and values come from one matmul with [W_q / sqrt(d) | W_k | W_v] instead of three
    and a division. Padding is masked by adding a bias, computed once for all layers, instead of
    selecting element by element in each. Shapes are constants instead of computed. A masked score
    is -3.4e38 before the softmax and 0 after it, as before. Only the division is not exact: queries
    are off by one rounding of W_q, at most 2^-23 of sum |x| |W_q| / sqrt(d).

    Args:
        model: input_ids, attention_mask -> logits in float, from optimum's exporter; changed in
            place and returned.
        heads: attention heads of each layer.

    Raises:
        ValueError: the graph has no self-attention, or one of another pattern.
    """
    graph = skip_identities(model).graph
    layers = _layers(graph)
    if not layers:
        raise ValueError("no self-attention to rewrite in the graph")
    width = len(layers[0].queries.bias)
    shapes = {
        "attention_parts": [width] * 3,
        "attention_heads": [0, 0, heads, width // heads],
        "attention_width": [0, 0, width],
        "attention_axes": [1, 2],
    }
    store(graph, {name: np.array(values, dtype=np.int64) for name, values in shapes.items()})
    layer_of_scores = {id(layer.scores): layer for layer in layers}
    replaced = {layer.context for layer in layers}
    nodes = _bias_nodes(graph)
    for node in graph.node:
        if id(node) in layer_of_scores:
            nodes += _fused(graph, layer_of_scores[id(node)], width // heads)
        elif node.output[0] not in replaced:
            nodes.append(node)
    replace_nodes(graph, nodes)
    return drop_unused(model)


def _layers(graph: onnx.GraphProto) -> list[_Layer]:
    """Find the attention of each layer, starting at its Softmax."""
    producer_of, readers_of = producers(graph), readers(graph)
    stored = {tensor.name: tensor for tensor in graph.initializer}
    layers = []
    for softmax in graph.node:
        if softmax.op_type != "Softmax":
            continue
        where = _of_type("Where", producer_of[softmax.input[0]])
        scores = _of_type("MatMul", producer_of[where.input[2]])
        divided = _of_type("Div", producer_of[scores.input[0]])
        attended = _of_type("MatMul", readers_of[softmax.output[0]][0])
        joined = _of_type("Transpose", readers_of[attended.output[0]][0])
        context = _of_type("Reshape", readers_of[joined.output[0]][0])
        layers.append(
            _Layer(
                _projection(divided.input[0], producer_of, stored),
                _projection(scores.input[1], producer_of, stored),
                _projection(attended.input[1], producer_of, stored),
                scores,
                context.output[0],
                softmax.name.removesuffix("/Softmax"),
            )
        )
    return layers


def _of_type(op_type: str, node: onnx.NodeProto) -> onnx.NodeProto:
    if node.op_type != op_type:
        raise ValueError(f"{node.name}: expected a {op_type} in attention, got a {node.op_type}")
    return node


def _projection(
    name: str, producer_of: dict[str, onnx.NodeProto], stored: dict[str, onnx.TensorProto]
) -> _Projection:
    """Trace a value back through Transpose, Reshape, Add and MatMul to its projection."""
    heads = _of_type("Reshape", producer_of[_of_type("Transpose", producer_of[name]).input[0]])
    add = _of_type("Add", producer_of[heads.input[0]])
    bias, product = add.input if add.input[0] in stored else reversed(add.input)
    source, weight = _of_type("MatMul", producer_of[product]).input
    return _Projection(
        source, numpy_helper.to_array(stored[weight]), numpy_helper.to_array(stored[bias])
    )


def _bias_nodes(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """Compute (batch, 1, 1, tokens) from the mask: 0 for a token, -3.4e38 for padding."""
    lowest = np.array(np.finfo(np.float32).min)
    store(graph, {f"{_BIAS}_one": np.array(1, dtype=np.float32), f"{_BIAS}_lowest": lowest})
    return [
        helper.make_node("Cast", [_MASK], [f"{_BIAS}_mask"], to=TensorProto.FLOAT),
        helper.make_node("Sub", [f"{_BIAS}_one", f"{_BIAS}_mask"], [f"{_BIAS}_padding"]),
        helper.make_node("Mul", [f"{_BIAS}_padding", f"{_BIAS}_lowest"], [f"{_BIAS}_flat"]),
        helper.make_node("Unsqueeze", [f"{_BIAS}_flat", "attention_axes"], [_BIAS]),
    ]


def _fused(graph: onnx.GraphProto, layer: _Layer, head_width: int) -> list[onnx.NodeProto]:
    """Return the nodes that replace a layer's attention, and store their weights."""
    scale = np.float32(1 / np.sqrt(head_width))
    queries, keys, values = layer.queries, layer.keys, layer.values
    name = layer.name
    weight = np.hstack([queries.weight * scale, keys.weight, values.weight])
    bias = np.concatenate([queries.bias * scale, keys.bias, values.bias])
    store(graph, {f"{name}/weight": weight, f"{name}/bias": bias})

    def node(op_type: str, inputs: list[str], *outputs: str, **attributes: Any) -> onnx.NodeProto:
        return helper.make_node(
            op_type, inputs, inner(*outputs), name=f"{name}/{outputs[0]}", **attributes
        )

    def inner(*suffixes: str) -> list[str]:
        return [f"{name}/{suffix}" for suffix in suffixes]

    nodes = [
        node("MatMul", [queries.source, f"{name}/weight"], "product"),
        node("Add", inner("product", "bias"), "projected"),
        node("Split", [*inner("projected"), "attention_parts"], "q", "k", "v", axis=2),
    ]
    for part, order in (("q", [0, 2, 1, 3]), ("k", [0, 2, 3, 1]), ("v", [0, 2, 1, 3])):
        nodes.append(node("Reshape", [*inner(part), "attention_heads"], f"{part}_heads"))
        nodes.append(node("Transpose", inner(f"{part}_heads"), f"{part}_ready", perm=order))
    context = helper.make_node(
        "Reshape", [f"{name}/joined", "attention_width"], [layer.context], name=f"{name}/context"
    )
    return [
        *nodes,
        node("MatMul", inner("q_ready", "k_ready"), "scores"),
        node("Add", [*inner("scores"), _BIAS], "hidden"),
        node("Softmax", inner("hidden"), "shares", axis=-1),
        node("MatMul", inner("shares", "v_ready"), "attended"),
        node("Transpose", inner("attended"), "joined", perm=[0, 2, 1, 3]),
        context,
    ]
