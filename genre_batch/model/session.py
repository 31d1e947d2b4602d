"""The onnxruntime session that a model runs in."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import onnxruntime

from genre_batch.errors import ModelError, first_line

__all__ = ["NOT_FUSED", "Session"]

NOT_FUSED = ["SkipLayerNormFusion"]
"""onnxruntime optimizers that are disabled: this fused kernel takes eight times as long as the Add
and LayerNormalization that it replaces (512 tokens of 384, onnxruntime 1.32, AVX-512)."""


class Session:
    """A graph ready to run, from any number of Python threads at once.

    Each run only uses the thread that calls it: many small runs in parallel use the cores better
    than one run spread over them, and sums are always computed in the same order.
    """

    def __init__(self, content: bytes, name: str, output: str = "logits") -> None:
        """Create the session from the model's bytes, so that no other file is loaded.

        Args:
            content: the bytes of the ONNX file.
            name: the model's name, for messages.
            output: the output of the graph that `run` returns.

        Raises:
            ModelError: onnxruntime cannot load the graph.
        """
        self._name = name
        self._output = output
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        with _as_model_error(f"onnxruntime cannot load the model {name}"):
            self._session = onnxruntime.InferenceSession(
                content,
                options,
                providers=["CPUExecutionProvider"],
                disabled_optimizers=NOT_FUSED,
            )

    def run(
        self, input_ids: npt.NDArray[np.int64], attention_mask: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float32]:
        """Return the output, by default the logits, (rows, genres) float32.

        Args:
            input_ids: (rows, tokens) int64.
            attention_mask: (rows, tokens) int64: 1 for a token, 0 for padding.

        Raises:
            ModelError: onnxruntime cannot run the graph on this input.
        """
        feed = {"input_ids": input_ids, "attention_mask": attention_mask}
        with _as_model_error(f"{self._name}: the graph cannot be run"):
            logits: npt.NDArray[np.float32] = self._session.run([self._output], feed)[0]
        return logits


@contextlib.contextmanager
def _as_model_error(message: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # onnxruntime's exceptions share no public base class
        raise ModelError(
            f"{message}: {first_line(error).rstrip('.')}: copy or export the model again"
        ) from error
