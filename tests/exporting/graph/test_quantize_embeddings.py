"""Quantized embeddings keep within the error bound that the rewrite states."""

from __future__ import annotations

import copy

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from genre_batch.exporting.graph.quantize_embeddings import quantize_embeddings
from support.graphs import VOCABULARY, WIDTH, run_graph


def test_an_embedding_is_off_by_at_most_its_row_s_largest_value_over_254(
    model: onnx.ModelProto,
) -> None:
    table = numpy_helper.to_array(model.graph.initializer[0])
    rewritten = quantize_embeddings(copy.deepcopy(model))
    shape: list[str | int | None] = ["batch", "tokens", WIDTH]
    rewritten.graph.output.append(
        helper.make_tensor_value_info("embedded", TensorProto.FLOAT, shape)
    )
    looked_up = run_graph(rewritten, np.arange(VOCABULARY), output="embedded")[0]
    bound = np.abs(table).max(axis=1, keepdims=True) / 254
    assert (np.abs(looked_up - table) <= bound * 1.0001).all()
    assert (looked_up[7] == 0).all()


def test_embeddings_are_stored_in_8_bits(model: onnx.ModelProto) -> None:
    rewritten = quantize_embeddings(copy.deepcopy(model))
    held = {tensor.name: tensor.data_type for tensor in rewritten.graph.initializer}
    assert held["table_int8"] == TensorProto.INT8
    assert "table" not in held
