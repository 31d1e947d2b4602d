"""Attention without a mask: equal results for rows of one length, and no other graph is touched."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from genre_batch.model.session import Session
from genre_batch.model.tagger import GenreTagger, default_model
from genre_batch.model.unmasked import ready_to_run, unmasked, without_mask
from support.graphs import TEXTS, VOCABULARY, run_graph, text_model

HEADS, WIDTH = 2, 8


def _node(op_type: str, inputs: str, output: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(op_type, inputs.split(), output.split(), **attributes)


def _attention(layer: int, source: str, context: str) -> list[onnx.NodeProto]:
    nodes = [_node("MatMul", f"{source} weight", f"product{layer}")]
    parts = f"q{layer} k{layer} v{layer}"
    nodes.append(_node("Split", f"product{layer} parts", parts, axis=2))
    for part, order in (("q", [0, 2, 1, 3]), ("k", [0, 2, 3, 1]), ("v", [0, 2, 1, 3])):
        nodes.append(_node("Reshape", f"{part}{layer} heads", f"{part}{layer}h"))
        nodes.append(_node("Transpose", f"{part}{layer}h", f"{part}{layer}r", perm=order))
    return [
        *nodes,
        _node("MatMul", f"q{layer}r k{layer}r", f"scores{layer}"),
        _node("Add", f"scores{layer} bias", f"hidden{layer}"),
        _node("Softmax", f"hidden{layer}", f"shares{layer}", axis=-1),
        _node("MatMul", f"shares{layer} v{layer}r", f"attended{layer}"),
        _node("Transpose", f"attended{layer}", f"joined{layer}", perm=[0, 2, 1, 3]),
        _node("Reshape", f"joined{layer} width", context),
    ]


def _model() -> onnx.ModelProto:
    """Return two layers of masked attention, in the form that `export-onnx` writes."""
    random = np.random.default_rng(0)
    tensors: dict[str, Any] = {
        "table": random.normal(size=(VOCABULARY, WIDTH)).astype(np.float32),
        "weight": random.normal(size=(WIDTH, 3 * WIDTH)).astype(np.float32) / 2,
        "parts": np.array([WIDTH] * 3),
        "heads": np.array([0, 0, HEADS, WIDTH // HEADS]),
        "width": np.array([0, 0, WIDTH]),
        "axes": np.array([1, 2]),
        "one": np.array(1, np.float32),
        "lowest": np.array(np.finfo(np.float32).min),
    }
    nodes = [
        _node("Cast", "attention_mask", "mask", to=TensorProto.FLOAT),
        _node("Sub", "one mask", "padding"),
        _node("Mul", "padding lowest", "flat"),
        _node("Unsqueeze", "flat axes", "bias"),
        _node("Gather", "table input_ids", "rows"),
        *_attention(0, "rows", "first"),
        *_attention(1, "first", "logits"),
    ]
    return text_model(nodes, tensors, WIDTH)


def _kinds(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


@pytest.mark.parametrize("text", TEXTS)
def test_rows_of_one_length_have_the_results_of_masked_attention(
    text: np.ndarray,
) -> None:
    model = _model()
    before = run_graph(model, np.stack([text, text[::-1]]))
    assert without_mask(model)
    assert _kinds(model).count("MultiHeadAttention") == 2
    assert "Softmax" not in _kinds(model)
    np.testing.assert_allclose(run_graph(model, np.stack([text, text[::-1]])), before, atol=1e-5)


def _other_bias(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(numpy_helper.from_array(np.ones(1, np.float32), "shift"))
    at = _kinds(model).index("Unsqueeze")
    model.graph.node[at].output[0] = "unshifted"
    model.graph.node.insert(at + 1, _node("Add", "unshifted shift", "bias"))


def _position_bias(model: onnx.ModelProto) -> None:
    model.graph.node[_kinds(model).index("Cast")].input[0] = "input_ids"


def _set(name: str, values: object) -> Callable[[onnx.ModelProto], None]:
    def change(model: onnx.ModelProto) -> None:
        (tensor,) = (entry for entry in model.graph.initializer if entry.name == name)
        tensor.CopyFrom(numpy_helper.from_array(np.array(values), name))

    return change


def _read_elsewhere(model: onnx.ModelProto) -> None:
    info = helper.make_tensor_value_info("shares1", TensorProto.FLOAT, None)
    model.graph.output.append(info)


def _other_axis(model: onnx.ModelProto) -> None:
    softmax = model.graph.node[_kinds(model).index("Softmax")]
    softmax.attribute[0].i = 2


def _causal(model: onnx.ModelProto) -> None:
    at = _kinds(model).index("Softmax")
    model.graph.node[at].input[0] = "upper"
    model.graph.node.insert(at, _node("Trilu", "hidden0", "upper", upper=0))


@pytest.mark.parametrize(
    "change",
    [
        _other_bias,
        _position_bias,
        _read_elsewhere,
        _other_axis,
        _causal,
        _set("one", np.float32(0.5)),
        _set("lowest", np.float32(np.inf)),
        _set("heads", [0, -1, HEADS, WIDTH // HEADS]),
        _set("width", [0, 0, -1]),
    ],
)
def test_attention_of_any_other_form_stays_as_it_is(
    change: Callable[[onnx.ModelProto], None],
) -> None:
    model = _model()
    change(model)
    before = copy.deepcopy(model)
    assert not without_mask(model)
    assert model == before
    content = model.SerializeToString()
    assert unmasked(content) == content


def test_a_graph_without_attention_keeps_its_bytes(tiny_model: Path) -> None:
    content = tiny_model.read_bytes()
    assert unmasked(content) is content


def test_a_file_that_is_ready_to_run_has_the_same_results(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("GENRE_BATCH_MODEL", raising=False)
    tagger = GenreTagger.load(default_model())
    ready = ready_to_run(tagger.file)
    assert ready.content != tagger.file.content
    assert ready_to_run(ready) is ready
    assert (ready.sha256, ready.metadata.labels) == (tagger.sha256, tagger.labels)
    other = GenreTagger(ready)
    other.keeps_file = False
    texts = ["A crew.", "A secret of the old sea, and a war."]
    assert np.array_equal(other.predict_proba(texts), tagger.predict_proba(texts))
    assert other.file.content == b""
    assert tagger.file.content


def test_the_shipped_model_s_rows_are_bit_equal_alone_and_together_and_near_the_masked_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("GENRE_BATCH_MODEL", raising=False)
    words = ["crew", "planet", "secret", "home", "sea", "old", "sister", "war", "song"]
    texts = [" ".join(words[: 1 + row % len(words)] * (1 + row % 5)) for row in range(48)]
    content = default_model().read_bytes()
    assert unmasked(content) != content
    results = [GenreTagger.load(threads=threads).predict_proba(texts) for threads in (1, 3)]
    assert results[0].tobytes() == results[1].tobytes()
    tagger = GenreTagger.load(threads=1)
    for row in range(0, len(texts), 7):
        assert tagger.predict_proba([texts[row]]).tobytes() == results[0][row].tobytes()
    masked = GenreTagger.load(threads=1, lazy=True)
    masked.__dict__["_session"] = Session(content, "masked")
    np.testing.assert_allclose(masked.predict_proba(texts), results[0], atol=0.02)
