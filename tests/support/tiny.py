"""A model small enough to reason about: each of its words stands for one genre.

The graph averages one row of a table per token. So the text `laugh` has the logit 6 for Comedy and
-6 for every other genre; an unknown word has -2 for all genres.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import Lowercase
from tokenizers.pre_tokenizers import Whitespace

from genre_batch.model.metadata import ModelMetadata, OperatingPoint, write_metadata
from genre_batch.model.text import TITLE_AND_OVERVIEW

LABELS = ("Action", "Comedy", "Drama", "Science Fiction")
WORDS = {"fight": "Action", "laugh": "Comedy", "cry": "Drama", "robot": "Science Fiction"}
STRENGTH = 6.0
COMEDY_BY_DRAMA = {"Comedy": {"given": "Drama", "absent": 0.9, "present": 0.1}}
"""Metadata of format 2: Comedy has a low threshold where Drama is predicted, else a high one."""


def tokenizer_json() -> str:
    """Return a word-level tokenizer of `WORDS`, with [UNK] for everything else."""
    vocabulary = {"[PAD]": 0, "[UNK]": 1} | {
        word: index for index, word in enumerate(WORDS, start=2)
    }
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = Lowercase()
    tokenizer.pre_tokenizer = Whitespace()
    return str(tokenizer.to_str())


def metadata(**changes: object) -> ModelMetadata:
    """Return the tiny model's metadata, with the given fields replaced."""
    fields: dict[str, object] = {
        "labels": LABELS,
        "thresholds": (0.5, 0.5, 0.5, 0.5),
        "operating_points": {
            "f1": OperatingPoint((0.5, 0.5, 0.5, 0.5), precision=0.7, recall=0.6),
            "no-drama": OperatingPoint((0.5, 0.5, None, 0.5), precision=0.9, recall=0.3),
        },
        "tokenizer": tokenizer_json(),
        "max_length": 16,
        "text_template": TITLE_AND_OVERVIEW,
        "training_text_keys": np.array([3, 1, 2], dtype=np.uint64),
        "metrics": {},
        "provenance": {"base_model": "tiny"},
    }
    return ModelMetadata(**(fields | changes))  # type: ignore[arg-type]


def graph(width: int = len(LABELS)) -> onnx.ModelProto:
    """Return the graph: the mean over tokens of each token's row of genre logits."""
    table = np.full((2 + len(WORDS), width), -STRENGTH, dtype=np.float32)
    table[1] = -2.0
    for index, genre in enumerate(WORDS.values(), start=2):
        if LABELS.index(genre) < width:
            table[index, LABELS.index(genre)] = STRENGTH
    axes = numpy_helper.from_array(np.array([1], dtype=np.int64), "axes")
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["rows"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["mask", "axes"], ["count"], keepdims=1),
        helper.make_node("Div", ["mask", "count"], ["weights"]),
        helper.make_node("Unsqueeze", ["weights", "axes"], ["row_weights"]),
        helper.make_node("MatMul", ["row_weights", "rows"], ["mean"]),
        helper.make_node("Squeeze", ["mean", "axes"], ["logits"]),
    ]
    tokens = ["batch", "tokens"]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [
            helper.make_tensor_value_info("input_ids", TensorProto.INT64, tokens),
            helper.make_tensor_value_info("attention_mask", TensorProto.INT64, tokens),
        ],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", width])],
        [numpy_helper.from_array(table, "table"), axes],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def films(rows: int, name: str = "film") -> str:
    """Return a CSV of distinct overviews, `<word> <name> <row>`; one word in five has no genre."""
    words = (*WORDS, "the")
    lines = [f"{row},{words[row % len(words)]} {name} {row}\n" for row in range(rows)]
    return "id,overview\n" + "".join(lines)


def films_by_drama() -> str:
    """Return a labeled CSV of forty films, some with equal probabilities but unequal labels.

    `cry cry laugh` and `the` have the same logit, -2, for Comedy; only the first is a comedy.
    """
    kinds = {
        "cry cry laugh": '"Drama, Comedy"',
        "laugh": "Comedy",
        "the": "Science Fiction",
        "cry": "Drama",
    }
    rows = [f"{text} {row},{genres}\n" for row in range(10) for text, genres in kinds.items()]
    return "overview,genres\n" + "".join(rows)


def write_model(
    path: Path, *, without: str | None = None, props: Mapping[str, object] | None = None
) -> Path:
    """Write the tiny model.

    Args:
        path: of the file.
        without: a metadata key, without its prefix, to leave out.
        props: metadata that replace the model's own, by key without its prefix; written as JSON.
    """
    model = graph()
    write_metadata(model, metadata())
    values = {prop.key: prop.value for prop in model.metadata_props}
    if without is not None:
        del values[f"genre_batch.{without}"]
    for key, value in (props or {}).items():
        values[f"genre_batch.{key}"] = json.dumps(value)
    del model.metadata_props[:]
    helper.set_model_props(model, values)
    path.write_bytes(model.SerializeToString())
    return path


def write_twin(path: Path, model: Path) -> None:
    """Write another file of the same model: with a field after the graph that protobuf skips."""
    path.write_bytes(model.read_bytes() + b"\xf8\x7f\x01")
