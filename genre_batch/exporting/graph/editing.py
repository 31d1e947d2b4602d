"""Reading and editing a graph: who makes and reads a value, new nodes, new tensors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy.typing as npt
import onnx
from onnx import numpy_helper

__all__ = ["drop_unread", "producers", "readers", "replace_nodes", "store"]


def producers(graph: onnx.GraphProto) -> dict[str, onnx.NodeProto]:
    """Map the name of each value to the node that makes it."""
    return {name: node for node in graph.node for name in node.output}


def readers(graph: onnx.GraphProto) -> dict[str, list[onnx.NodeProto]]:
    """Map the name of each value to the nodes that read it, in order."""
    by_name: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            by_name.setdefault(name, []).append(node)
    return by_name


def replace_nodes(graph: onnx.GraphProto, nodes: Iterable[onnx.NodeProto]) -> None:
    """Replace all nodes of a graph.

    Args:
        graph: changed in place.
        nodes: in topological order.
    """
    nodes = list(nodes)
    del graph.node[:]
    graph.node.extend(nodes)


def store(graph: onnx.GraphProto, tensors: Mapping[str, npt.NDArray[Any]]) -> None:
    """Add stored tensors to a graph, by name."""
    graph.initializer.extend(
        numpy_helper.from_array(values, name) for name, values in tensors.items()
    )


def drop_unread(graph: onnx.GraphProto, names: Iterable[str]) -> None:
    """Remove those of the named stored tensors that no node reads."""
    unread = set(names) - {name for node in graph.node for name in node.input}
    for tensor in [tensor for tensor in graph.initializer if tensor.name in unread]:
        graph.initializer.remove(tensor)
