from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from genre_batch.model.tagger import GenreTagger
from genre_batch.model.vectors import find_vector
from support import tiny


def _graph(nodes: list[onnx.NodeProto], *constants: str) -> onnx.GraphProto:
    values = [numpy_helper.from_array(np.zeros(1, np.float32), name) for name in constants]
    output = helper.make_tensor_value_info("logits", TensorProto.FLOAT, None)
    return helper.make_graph(nodes, "g", [], [output], values)


def test_the_vector_is_what_all_linear_layers_on_top_read() -> None:
    nodes = [
        helper.make_node("Squeeze", ["pooled", "axes"], ["vector"]),
        helper.make_node("Gemm", ["vector", "w1", "b1"], ["hidden"]),
        helper.make_node("Relu", ["hidden"], ["active"]),
        helper.make_node("MatMul", ["active", "w2"], ["product"]),
        helper.make_node("Add", ["product", "b2"], ["logits"]),
    ]
    assert find_vector(_graph(nodes, "axes", "w1", "b1", "w2", "b2")) == "vector"


def test_a_graph_without_a_classifier_has_no_vector() -> None:
    nodes = [helper.make_node("Squeeze", ["pooled", "axes"], ["logits"])]
    assert find_vector(_graph(nodes, "axes")) is None
    only_sum = [helper.make_node("Add", ["a", "b"], ["logits"])]
    assert find_vector(_graph(only_sum)) is None


def test_texts_alike_have_vectors_alike() -> None:
    tagger = GenreTagger.load()
    texts = [
        "Storm. Two sailors fight a storm.",
        "Kiss. A shy baker falls in love.",
        "Storm. Sailors are caught in a storm.",
    ]
    vectors = tagger.encode(texts)
    assert vectors is not None
    assert vectors.shape[0] == 3
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    assert units[0] @ units[2] > units[0] @ units[1]
    again = tagger.encode(texts[::-1])
    assert again is not None
    assert np.array_equal(again[::-1], vectors)


def test_a_model_without_such_a_place_says_so(tmp_path: object) -> None:
    del tmp_path
    assert find_vector(tiny.graph().graph) is None
