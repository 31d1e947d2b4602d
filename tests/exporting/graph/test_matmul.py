"""Finding the matmuls of a graph, and the values of their inputs."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper, numpy_helper

from genre_batch.exporting.graph.matmul import matmul_inputs, weighted_matmuls
from support.graphs import TEXTS


def test_only_matmuls_with_a_stored_weight_are_found(model: onnx.ModelProto) -> None:
    model.graph.node.append(helper.make_node("MatMul", ["logits", "logits"], ["x"], name="other"))
    assert [node.name for node in weighted_matmuls(model)] == ["product"]


def test_the_inputs_of_a_matmul_are_the_values_of_each_text(model: onnx.ModelProto) -> None:
    table = numpy_helper.to_array(model.graph.initializer[0])
    before = model.SerializeToString()
    for ids, inputs in zip(TEXTS, matmul_inputs(model, TEXTS), strict=True):
        assert list(inputs) == ["embedded"]
        np.testing.assert_array_equal(inputs["embedded"], table[ids][None])
    assert model.SerializeToString() == before
