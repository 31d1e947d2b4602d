"""Small ONNX graphs, and running a graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

VOCABULARY, WIDTH, GENRES = 50, 8, 3
TEXTS = [np.array([1, 2, 3]), np.array([4, 5]), np.arange(VOCABULARY)]


def text_model(
    nodes: list[onnx.NodeProto], tensors: Mapping[str, npt.NDArray[Any]], outputs: int
) -> onnx.ModelProto:
    """Make a model input_ids, attention_mask -> logits, (batch, tokens, outputs) float32."""
    shape: list[str | int | None] = ["batch", "tokens"]
    graph = helper.make_graph(
        nodes,
        "graph",
        [
            helper.make_tensor_value_info(name, TensorProto.INT64, shape)
            for name in ("input_ids", "attention_mask")
        ],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [*shape, outputs])],
        [numpy_helper.from_array(values, name) for name, values in tensors.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def run_graph(
    model: onnx.ModelProto,
    ids: npt.NDArray[np.int64],
    mask: npt.NDArray[np.int64] | None = None,
    *,
    output: str = "logits",
) -> npt.NDArray[np.float32]:
    """Check a model, and run it on token ids, (tokens,) or (batch, tokens)."""
    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    ids = np.atleast_2d(ids)
    feed = {"input_ids": ids, "attention_mask": np.ones_like(ids) if mask is None else mask}
    result: npt.NDArray[np.float32] = session.run([output], feed)[0]
    return result
