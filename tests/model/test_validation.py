"""model/validation.py: an untrusted model file is checked before any part of it is run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from genre_batch.errors import ModelError
from genre_batch.model.batching import load_tokenizer, tokenize
from genre_batch.model.metadata import read_model_file
from genre_batch.model.validation import validate_graph, validate_tokenizer
from support import tiny


def test_weights_in_another_file_are_refused_before_it_is_opened(tmp_path: Path) -> None:
    model = onnx.load(tiny.write_model(tmp_path / "m.onnx"))
    onnx.save(
        model,
        tmp_path / "m.onnx",
        save_as_external_data=True,
        location="weights.bin",
        size_threshold=0,
    )
    with pytest.raises(ModelError, match="keeps weights in another file"):
        read_model_file(tmp_path / "m.onnx")


def test_weights_in_another_file_are_refused_inside_a_constant_too() -> None:
    model = tiny.graph()
    tensor = numpy_helper.from_array(np.zeros(2, dtype=np.float32), "inner")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    model.graph.node.append(helper.make_node("Constant", [], ["c"], value=tensor))
    with pytest.raises(ModelError, match="another file"):
        validate_graph(model, "m.onnx")


def _inside_an_if(node: onnx.NodeProto) -> onnx.NodeProto:
    branch = helper.make_graph([node], "branch", [], [])
    return helper.make_node("If", ["c"], ["d"], then_branch=branch, else_branch=branch)


@pytest.mark.parametrize("nested", [False, True])
def test_operators_of_other_domains_are_refused(nested: bool) -> None:
    model = tiny.graph()
    node = helper.make_node("Anything", ["logits"], ["more"], domain="evil.example")
    model.graph.node.append(_inside_an_if(node) if nested else node)
    with pytest.raises(ModelError, match=r"operators of evil\.example"):
        validate_graph(model, "m.onnx")


def test_the_operators_that_onnxruntime_ships_are_allowed() -> None:
    model = tiny.graph()
    model.graph.node.append(helper.make_node("Gelu", ["logits"], ["more"], domain="com.microsoft"))
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    validate_graph(model, "m.onnx")


def test_functions_of_its_own_are_refused() -> None:
    model = tiny.graph()
    model.functions.append(
        helper.make_function("", "Mine", ["a"], ["b"], [], [helper.make_opsetid("", 17)])
    )
    with pytest.raises(ModelError, match=r"functions of its own \(Mine\)"):
        validate_graph(model, "m.onnx")


def _tokenizer(**changes: Any) -> str:
    return json.dumps(json.loads(tiny.tokenizer_json()) | changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": None}, "is not a tokenizer.json"),
        ({"model": {"type": "Wasm"}}, "a model of type 'Wasm'"),
        (
            {"normalizer": {"type": "Replace", "pattern": {"String": "a"}, "content": "a" * 9}},
            "a normalizer of type 'Replace'",
        ),
        (
            {"normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend"}]}},
            "a normalizer of type 'Prepend'",
        ),
        ({"normalizer": {"type": "Sequence", "normalizers": [{}] * 99}}, "long sequence"),
        (
            {"pre_tokenizer": {"type": "Split", "pattern": {"Regex": "(a+)+$"}}},
            "a pre_tokenizer of type 'Split'",
        ),
        ({"added_tokens": [{"content": "x"}] * 20_000}, "adds more than"),
        ({"added_tokens": [{"content": "x" * 5000}]}, "more than 1,000 characters"),
        (
            {
                "post_processor": {
                    "type": "TemplateProcessing",
                    "single": [{"SpecialToken": {"id": "[CLS]"}}] * 50,
                }
            },
            "too many special tokens",
        ),
        (
            {
                "post_processor": {
                    "type": "TemplateProcessing",
                    "single": [],
                    "special_tokens": {"[CLS]": {"ids": [1] * 10_000}},
                }
            },
            "too many special tokens",
        ),
    ],
)
def test_a_tokenizer_whose_cost_is_not_bounded_is_refused(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        validate_tokenizer(_tokenizer(**changes), 16, "m.onnx")


@pytest.mark.parametrize("text", ["", "[" * 100_000, "[]", '"text"'])
def test_a_text_that_is_not_a_tokenizer_is_refused(text: str) -> None:
    with pytest.raises(ModelError, match="its tokenizer is not"):
        validate_tokenizer(text, 16, "m.onnx")


def test_a_tokenizer_s_own_padding_is_ignored(tmp_path: Path) -> None:
    padding = {
        "strategy": {"Fixed": 10**9},
        "direction": "Right",
        "pad_to_multiple_of": None,
        "pad_id": 0,
        "pad_type_id": 0,
        "pad_token": "[PAD]",
    }
    text = _tokenizer(padding=padding)
    validate_tokenizer(text, 16, "m.onnx")
    assert len(tokenize(load_tokenizer(text, 16, "m.onnx"), ["laugh"])[0]) == 1


@pytest.mark.parametrize("label", ["\x1b[31mred", "two\nlines", "x" * 1000])
def test_a_label_with_control_characters_or_that_is_too_long_is_refused(
    tmp_path: Path, label: str
) -> None:
    labels = [label, *tiny.LABELS[1:]]
    path = tiny.write_model(tmp_path / "m.onnx", props={"labels": labels})
    with pytest.raises(ModelError, match="labels are not"):
        read_model_file(path)


def test_metadata_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    content = tiny.write_model(tmp_path / "m.onnx").read_bytes()
    (tmp_path / "m.onnx").write_bytes(content.replace(b"Science Fiction", b"Science\xff\xfeiction"))
    with pytest.raises(ModelError):
        read_model_file(tmp_path / "m.onnx")
