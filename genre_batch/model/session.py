"""The onnxruntime session a model runs in."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import onnxruntime

from genre_batch.errors import ModelError
from genre_batch.files import first_line

__all__ = ["NOT_FUSED", "Session"]

NOT_FUSED = ["SkipLayerNormFusion"]
"""Rewrites of onnxruntime's own that are left out: this kernel takes eight times as long as the Add
and LayerNormalization that it replaces (512 tokens of 384, onnxruntime 1.32, AVX-512)."""


class Session:
    """A graph ready to run, from any number of Python threads at once.

    Each run uses the one thread that calls it: many small runs side by side keep the cores busier
    than one run spread over them, and sums are always added in the same order.
    """

    def __init__(self, content: bytes, name: str) -> None:
        """Makes the session from the model's bytes, so that nothing lying beside it is loaded.

        Raises:
            ModelError: onnxruntime refuses the graph.
        """
        self._name = name
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(
                content,
                options,
                providers=["CPUExecutionProvider"],
                disabled_optimizers=NOT_FUSED,
            )
        except Exception as error:  # onnxruntime's exceptions share no public base
            reason = first_line(error)
            raise ModelError(f"onnxruntime cannot run the model {name}: {reason}") from error

    def run(
        self, input_ids: npt.NDArray[np.int64], attention_mask: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float32]:
        """(rows, tokens) int64 ids and mask -> (rows, genres) float32 logits.

        Raises:
            ModelError: the graph cannot be run on them.
        """
        feed = {"input_ids": input_ids, "attention_mask": attention_mask}
        try:
            logits: npt.NDArray[np.float32] = self._session.run(["logits"], feed)[0]
        except Exception as error:  # onnxruntime's exceptions share no public base
            reason = first_line(error)
            raise ModelError(f"{self._name}: the graph cannot be run: {reason}") from error
        return logits
