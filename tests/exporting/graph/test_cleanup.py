"""Cleanup removes the parts of a graph that have no effect, and only those."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper, numpy_helper

from genre_batch.exporting.graph.cleanup import drop_unused, skip_identities


def test_what_no_output_depends_on_is_dropped_and_the_rest_keeps_its_order() -> None:
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


def test_readers_of_an_identity_read_its_input_instead() -> None:
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
