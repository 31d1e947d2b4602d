"""The matrix products of a graph, and what goes into them."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import helper

__all__ = ["activations", "weighted_matmuls"]


def weighted_matmuls(model: onnx.ModelProto) -> list[onnx.NodeProto]:
    """The MatMul nodes whose second input is a stored weight, (channels, outputs)."""
    weights = {tensor.name for tensor in model.graph.initializer if len(tensor.dims) == 2}
    return [
        node for node in model.graph.node if node.op_type == "MatMul" and node.input[1] in weights
    ]


def activations(
    model: onnx.ModelProto, texts: Iterable[npt.NDArray[np.int64]]
) -> Iterator[dict[str, npt.NDArray[np.float32]]]:
    """What goes into each product with a stored weight, text by text.

    Args:
        model: input_ids, attention_mask -> logits, in float; it is not changed.
        texts: token ids, (tokens,) int64 each; some hundred of them tell enough.

    Yields:
        name of the product's input -> (1, tokens, channels) or (1, channels) float32.
    """
    inputs = sorted({node.input[0] for node in weighted_matmuls(model)})
    watched = copy.deepcopy(model)
    for name in inputs:
        watched.graph.output.append(helper.make_tensor_value_info(name, 1, None))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(
        watched.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    for ids in texts:
        feed = {"input_ids": ids[None], "attention_mask": np.ones_like(ids[None])}
        yield dict(zip(inputs, session.run(inputs, feed), strict=True))
