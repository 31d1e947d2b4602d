"""A graph without what does nothing, and who makes and reads its values."""

from __future__ import annotations

import onnx

__all__ = ["drop_unused", "producers", "readers", "skip_identities"]


def producers(graph: onnx.GraphProto) -> dict[str, onnx.NodeProto]:
    """Name of a value -> the node that makes it."""
    return {name: node for node in graph.node for name in node.output}


def readers(graph: onnx.GraphProto) -> dict[str, list[onnx.NodeProto]]:
    """Name of a value -> the nodes that read it, in order."""
    found: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            found.setdefault(name, []).append(node)
    return found


def drop_unused(model: onnx.ModelProto) -> onnx.ModelProto:
    """Removes the nodes and stored tensors that no output needs. Exact.

    Args:
        model: changed in place and returned; its nodes in topological order, as onnx wants them.
    """
    graph = model.graph
    needed = {output.name for output in graph.output}
    kept = []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            kept.append(node)
            needed.update(node.input)
    del graph.node[:]
    graph.node.extend(reversed(kept))
    for tensor in [tensor for tensor in graph.initializer if tensor.name not in needed]:
        graph.initializer.remove(tensor)
    return model


def skip_identities(model: onnx.ModelProto) -> onnx.ModelProto:
    """Lets whoever reads an Identity read what stands before it. Exact.

    The exporter stores equal tensors once, say two biases of zeros, and gives the others as such
    nodes. They stay, for `drop_unused` to remove, as an output may need one.

    Args:
        model: changed in place and returned.
    """
    origins: dict[str, str] = {}
    for node in model.graph.node:
        node.input[:] = [origins.get(name, name) for name in node.input]
        if node.op_type == "Identity":
            origins[node.output[0]] = node.input[0]
    return model
