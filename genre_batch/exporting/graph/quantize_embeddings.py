"""Quantize embedding tables to 8 bits, with a scale for each row."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from genre_batch.exporting.graph.editing import replace_nodes, store

__all__ = ["quantize_embeddings"]

_LARGEST = 127


def quantize_embeddings(model: onnx.ModelProto) -> onnx.ModelProto:
    """Store every float table of a Gather node as int8 with a float scale for each row.

    Row r becomes round(row / scale_r) with scale_r = max|row| / 127, and its lookup becomes
    float(int8 row) x scale_r: each value is off by at most max|row| / 254. A single scale for the
    table, as in onnxruntime's own quantizer, would be set by the largest value of 30,522 rows.

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
            nodes += _quantized_lookup(graph, node, tables[node.input[0]])
        else:
            nodes.append(node)
    replace_nodes(graph, nodes)
    return model


def _quantized_lookup(
    graph: onnx.GraphProto, node: onnx.NodeProto, table: onnx.TensorProto
) -> list[onnx.NodeProto]:
    """Return the nodes that replace a Gather node, and quantize its table."""
    values = numpy_helper.to_array(table)
    scales = np.abs(values).max(axis=1, keepdims=True).astype(np.float32) / _LARGEST
    scales[scales == 0] = 1.0
    rounded = np.rint(values / scales).astype(np.int8)
    name = table.name
    graph.initializer.remove(table)
    store(graph, {f"{name}_int8": rounded, f"{name}_scales": scales})
    ids, output = node.input[1], node.output[0]
    return [
        helper.make_node("Gather", [f"{name}_int8", ids], [f"{output}_int8"], name=node.name),
        helper.make_node("Cast", [f"{output}_int8"], [f"{output}_cast"], to=TensorProto.FLOAT),
        helper.make_node("Gather", [f"{name}_scales", ids], [f"{output}_scale"]),
        helper.make_node("Mul", [f"{output}_cast", f"{output}_scale"], [output]),
    ]
