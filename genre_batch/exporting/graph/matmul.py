"""The matmul nodes of a graph, and the values of their inputs on given texts."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import helper

__all__ = ["matmul_inputs", "weighted_matmuls"]


def weighted_matmuls(model: onnx.ModelProto) -> list[onnx.NodeProto]:
    """Return the MatMul nodes whose second input is a stored weight, (channels, outputs)."""
    weights = {tensor.name for tensor in model.graph.initializer if len(tensor.dims) == 2}
    return [
        node for node in model.graph.node if node.op_type == "MatMul" and node.input[1] in weights
    ]


def matmul_inputs(
    model: onnx.ModelProto, texts: Iterable[npt.NDArray[np.int64]]
) -> Iterator[dict[str, npt.NDArray[np.float32]]]:
    """Run a model and yield the inputs of its matmuls with a stored weight, text by text.

    Args:
        model: input_ids, attention_mask -> logits, in float; it is not changed.
        texts: token ids, (tokens,) int64 each; a few hundred texts suffice.

    Yields:
        name of the input -> (1, tokens, channels) or (1, channels) float32.
    """
    names = sorted({node.input[0] for node in weighted_matmuls(model)})
    observed = copy.deepcopy(model)
    for name in names:
        observed.graph.output.append(helper.make_tensor_value_info(name, 1, None))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(
        observed.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    for ids in texts:
        feed = {"input_ids": ids[None], "attention_mask": np.ones_like(ids[None])}
        yield dict(zip(names, session.run(names, feed), strict=True))
