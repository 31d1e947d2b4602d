"""Self-attention with one product for queries, keys and values, and a mask made once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from genre_batch.exporting.graph.cleanup import drop_unused, producers, readers, skip_identities

__all__ = ["fuse_attention"]

_MASK = "attention_mask"
_BIAS = "attention_bias"


@dataclass(frozen=True)
class _Projection:
    """x @ weight + bias of one of queries, keys and values.

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
        queries, keys, values: its projections.
        scores: the node that makes them; the new nodes go where it stood.
        context: name of what it comes to, (batch, tokens, width).
        name: for the names of new tensors.
    """

    queries: _Projection
    keys: _Projection
    values: _Projection
    scores: onnx.NodeProto
    context: str
    name: str


def fuse_attention(model: onnx.ModelProto, heads: int) -> onnx.ModelProto:
    """Rewrites each layer's self-attention with fewer nodes.

    Queries, keys and values come from one product with [W_q / sqrt(d) | W_k | W_v] instead of three
    and a division; what hides padding is added, made once for all layers from the mask, instead of
    chosen element by element in each; shapes are constants instead of computed. A masked score is
    -3.4e38 before the softmax and 0 after it, as before. Only the division is not exact: queries
    are off by one rounding of W_q, at most 2^-23 of sum |x| |W_q| / sqrt(d).

    Args:
        model: input_ids, attention_mask -> logits in float, by optimum's exporter; changed in place
            and returned.
        heads: of each layer.

    Raises:
        ValueError: no self-attention is in the graph, or one that the exporter wrote otherwise.
    """
    graph = skip_identities(model).graph
    layers = _layers(graph)
    if not layers:
        raise ValueError("no self-attention to rewrite in the graph")
    width = len(layers[0].queries.bias)
    graph.initializer.extend(
        numpy_helper.from_array(np.array(values, dtype=np.int64), name)
        for name, values in (
            ("attention_parts", [width] * 3),
            ("attention_heads", [0, 0, heads, width // heads]),
            ("attention_width", [0, 0, width]),
            ("attention_axes", [1, 2]),
        )
    )
    places = {id(layer.scores): layer for layer in layers}
    replaced = {layer.context for layer in layers}
    nodes = _bias_nodes(graph)
    for node in graph.node:
        if id(node) in places:
            nodes += _fused(graph, places[id(node)], width // heads)
        elif node.output[0] not in replaced:
            nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)
    return drop_unused(model)


def _layers(graph: onnx.GraphProto) -> list[_Layer]:
    made, read = producers(graph), readers(graph)
    stored = {tensor.name: tensor for tensor in graph.initializer}
    found = []
    for softmax in graph.node:
        if softmax.op_type != "Softmax":
            continue
        where = _of_kind("Where", made[softmax.input[0]])
        scores = _of_kind("MatMul", made[where.input[2]])
        divided = _of_kind("Div", made[scores.input[0]])
        attended = _of_kind("MatMul", read[softmax.output[0]][0])
        joined = _of_kind("Transpose", read[attended.output[0]][0])
        context = _of_kind("Reshape", read[joined.output[0]][0])
        found.append(
            _Layer(
                _projection(divided.input[0], made, stored),
                _projection(scores.input[1], made, stored),
                _projection(attended.input[1], made, stored),
                scores,
                context.output[0],
                softmax.name.removesuffix("/Softmax"),
            )
        )
    return found


def _of_kind(kind: str, node: onnx.NodeProto) -> onnx.NodeProto:
    if node.op_type != kind:
        raise ValueError(f"{node.name} is a {node.op_type} where attention should have a {kind}")
    return node


def _projection(
    name: str, made: dict[str, onnx.NodeProto], stored: dict[str, onnx.TensorProto]
) -> _Projection:
    """What a Transpose of a Reshape of a product and its bias comes from."""
    heads = _of_kind("Reshape", made[_of_kind("Transpose", made[name]).input[0]])
    add = _of_kind("Add", made[heads.input[0]])
    bias, product = add.input if add.input[0] in stored else reversed(add.input)
    source, weight = _of_kind("MatMul", made[product]).input
    return _Projection(
        source, numpy_helper.to_array(stored[weight]), numpy_helper.to_array(stored[bias])
    )


def _bias_nodes(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """(batch, tokens) mask -> (batch, 1, 1, tokens): 0 for a token, -3.4e38 for padding."""
    lowest = np.array(np.finfo(np.float32).min)
    graph.initializer.extend(
        [
            numpy_helper.from_array(np.array(1, dtype=np.float32), f"{_BIAS}_one"),
            numpy_helper.from_array(lowest, f"{_BIAS}_lowest"),
        ]
    )
    return [
        helper.make_node("Cast", [_MASK], [f"{_BIAS}_mask"], to=TensorProto.FLOAT),
        helper.make_node("Sub", [f"{_BIAS}_one", f"{_BIAS}_mask"], [f"{_BIAS}_padding"]),
        helper.make_node("Mul", [f"{_BIAS}_padding", f"{_BIAS}_lowest"], [f"{_BIAS}_flat"]),
        helper.make_node("Unsqueeze", [f"{_BIAS}_flat", "attention_axes"], [_BIAS]),
    ]


def _fused(graph: onnx.GraphProto, layer: _Layer, head_width: int) -> list[onnx.NodeProto]:
    scale = np.float32(1 / np.sqrt(head_width))
    queries, keys, values = layer.queries, layer.keys, layer.values
    name = layer.name
    weight = np.hstack([queries.weight * scale, keys.weight, values.weight])
    bias = np.concatenate([queries.bias * scale, keys.bias, values.bias])
    graph.initializer.extend(
        [
            numpy_helper.from_array(weight, f"{name}/weight"),
            numpy_helper.from_array(bias, f"{name}/bias"),
        ]
    )

    def node(kind: str, inputs: list[str], *outputs: str, **attributes: Any) -> onnx.NodeProto:
        made = [f"{name}/{output}" for output in outputs]
        return helper.make_node(kind, inputs, made, name=f"{name}/{outputs[0]}", **attributes)

    def inner(*names: str) -> list[str]:
        return [f"{name}/{each}" for each in names]

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
