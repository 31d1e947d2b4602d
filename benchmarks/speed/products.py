"""8-bit matrix products: the films/s that they alone would allow on this machine (speed.py)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import onnx
import onnxruntime
from transformers import DistilBertConfig

from benchmarks.speed.engines import session_options

Shape = tuple[int, int, int]
"""(rows, depth) times (depth, columns)."""

LARGE: tuple[Shape, ...] = ((2048, 768, 3072),)
SECONDS = 1.0


def layer_shapes(config: DistilBertConfig) -> tuple[Shape, ...]:
    """Return the shapes of one layer's products with weights, for 512 tokens."""
    width, hidden = config.dim, config.hidden_dim
    return (
        (512, width, 3 * width),
        (512, width, width),
        (512, width, hidden),
        (512, hidden, width),
    )


def operations(config: DistilBertConfig, tokens: Sequence[int]) -> float:
    """Return the mean multiplications and additions of the layers' matrix products, per film.

    Those with weights (query, key, value, output, two of the feed-forward part) and the two of
    attention. The head, the embeddings and everything else are excluded.

    Args:
        config: of the model.
        tokens: number of tokens of each film, without padding.
    """
    lengths = np.asarray(tokens, np.float64)
    with_weights = 4 * config.dim**2 + 2 * config.dim * config.hidden_dim
    products = lengths * with_weights + 2 * lengths**2 * config.dim
    return float(2 * config.n_layers * products.mean())


class Products:
    """Products of uint8 activations and int8 weights in onnxruntime, one thread a core."""

    def __init__(self, shapes: Sequence[Shape], threads: int) -> None:
        """Make a session for each shape and thread, with inputs and outputs bound."""
        self._shapes = shapes
        self._threads = [[_bound(shape) for shape in shapes] for _ in range(threads)]

    def rate(self) -> float:
        """Return operations/s over all threads; each shape is run equally often."""

        def work(products: list[tuple[Any, Any]]) -> int:
            turns = 0
            while time.perf_counter() < end:
                for session, binding in products:
                    session.run_with_iobinding(binding)
                turns += 1
            return turns

        each = 2 * sum(rows * depth * columns for rows, depth, columns in self._shapes)
        started = time.perf_counter()
        end = started + SECONDS
        with ThreadPoolExecutor(len(self._threads)) as pool:
            turns = sum(pool.map(work, self._threads))
        return turns * each / (time.perf_counter() - started)


def _bound(shape: Shape) -> tuple[Any, Any]:
    """Return a session of one product and its binding, which allocates nothing per run."""
    rows, depth, columns = shape
    numbers = np.random.default_rng(0)
    weights = numbers.integers(-127, 128, (depth, columns), np.int8)
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("MatMulInteger", ["a", "b"], ["c"])],
        "product",
        [onnx.helper.make_tensor_value_info("a", onnx.TensorProto.UINT8, (rows, depth))],
        [onnx.helper.make_tensor_value_info("c", onnx.TensorProto.INT32, (rows, columns))],
        [onnx.numpy_helper.from_array(weights, "b")],
    )
    opset = onnx.helper.make_opsetid("", 17)
    model = onnx.helper.make_model(graph, opset_imports=[opset], ir_version=8)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), session_options(1), providers=["CPUExecutionProvider"]
    )
    binding = session.io_binding()
    values = onnxruntime.OrtValue
    activations = numbers.integers(0, 256, (rows, depth), np.uint8)
    binding.bind_ortvalue_input("a", values.ortvalue_from_numpy(activations))
    result = values.ortvalue_from_shape_and_type((rows, columns), np.int32)
    binding.bind_ortvalue_output("c", result)
    return session, binding
