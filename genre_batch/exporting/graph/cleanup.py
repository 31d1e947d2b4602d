"""Remove the parts of a graph that have no effect."""

from __future__ import annotations

import onnx

from genre_batch.exporting.graph.editing import replace_nodes

__all__ = ["drop_unused", "skip_identities"]


def drop_unused(model: onnx.ModelProto) -> onnx.ModelProto:
    """Remove the nodes and stored tensors that no output depends on. Exact.

    Args:
        model: changed in place and returned; its nodes in topological order, as ONNX requires.
    """
    graph = model.graph
    needed = {output.name for output in graph.output}
    nodes = []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            nodes.append(node)
            needed.update(node.input)
    replace_nodes(graph, reversed(nodes))
    for tensor in [tensor for tensor in graph.initializer if tensor.name not in needed]:
        graph.initializer.remove(tensor)
    return model


def skip_identities(model: onnx.ModelProto) -> onnx.ModelProto:
    """Make the readers of an Identity node read its input instead. Exact.

    The exporter stores equal tensors once, for instance two biases of zeros, and adds Identity
    nodes for the others. The nodes remain, because an output may need one; `drop_unused` removes
    the rest.

    Args:
        model: changed in place and returned.
    """
    origins: dict[str, str] = {}
    for node in model.graph.node:
        node.input[:] = [origins.get(name, name) for name in node.input]
        if node.op_type == "Identity":
            origins[node.output[0]] = node.input[0]
    return model
