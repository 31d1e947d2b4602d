"""Embedding tables in 8 bits, each row with a scale of its own."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

__all__ = ["quantize_embeddings"]

_LARGEST = 127


def quantize_embeddings(model: onnx.ModelProto) -> onnx.ModelProto:
    """Stores every float table that a Gather looks rows up in as int8 and a float scale a row.

    Row r becomes round(row / scale_r) with scale_r = max|row| / 127, and is looked up as
    float(int8 row) x scale_r: each value is off by at most max|row| / 254. One scale for the whole
    table, as onnxruntime's own quantiser has it, would be set by the largest value of 30,522 rows.

    Args:
        model: changed in place and returned.
    """
    graph = model.graph
    tables = {
        tensor.name: tensor
        for tensor in graph.initializer
        if tensor.data_type == TensorProto.FLOAT and len(tensor.dims) == 2
    }
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        if node.op_type == "Gather" and node.input[0] in tables:
            nodes += _looked_up(graph, node, tables[node.input[0]])
        else:
            nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)
    return model


def _looked_up(
    graph: onnx.GraphProto, node: onnx.NodeProto, table: onnx.TensorProto
) -> list[onnx.NodeProto]:
    values = numpy_helper.to_array(table)
    scales = np.abs(values).max(axis=1, keepdims=True).astype(np.float32) / _LARGEST
    scales[scales == 0] = 1.0
    rounded = np.rint(values / scales).astype(np.int8)
    name = table.name
    graph.initializer.remove(table)
    graph.initializer.extend(
        [
            numpy_helper.from_array(rounded, f"{name}_int8"),
            numpy_helper.from_array(scales, f"{name}_scales"),
        ]
    )
    ids, out = node.input[1], node.output[0]
    return [
        helper.make_node("Gather", [f"{name}_int8", ids], [f"{out}_int8"], name=node.name),
        helper.make_node("Cast", [f"{out}_int8"], [f"{out}_cast"], to=TensorProto.FLOAT),
        helper.make_node("Gather", [f"{name}_scales", ids], [f"{out}_scale"]),
        helper.make_node("Mul", [f"{out}_cast", f"{out}_scale"], [out]),
    ]
