"""A model small enough to reason about: each of its words speaks for one genre.

The graph adds up one row of a table per token and divides by the number of tokens, so a text of
the one word `laugh` has the logit 6 for Comedy and -6 for every other genre; an unknown word has -2
for all of them.
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
"""As a model file of format 2 carries it: of a film with drama a hint of laughter is enough."""


def tokenizer_json() -> str:
    """A word-level tokenizer of `WORDS`, with [UNK] for everything else."""
    vocabulary = {"[PAD]": 0, "[UNK]": 1} | {word: at for at, word in enumerate(WORDS, start=2)}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = Lowercase()
    tokenizer.pre_tokenizer = Whitespace()
    return str(tokenizer.to_str())


def metadata(**changes: object) -> ModelMetadata:
    """The tiny model's metadata, with fields of the caller's choice."""
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
    """input_ids, attention_mask -> the mean over tokens of each token's row of genre logits."""
    table = np.full((2 + len(WORDS), width), -STRENGTH, dtype=np.float32)
    table[1] = -2.0
    for at, genre in enumerate(WORDS.values(), start=2):
        if LABELS.index(genre) < width:
            table[at, LABELS.index(genre)] = STRENGTH
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
    made = helper.make_graph(
        nodes,
        "tiny",
        [
            helper.make_tensor_value_info("input_ids", TensorProto.INT64, tokens),
            helper.make_tensor_value_info("attention_mask", TensorProto.INT64, tokens),
        ],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", width])],
        [numpy_helper.from_array(table, "table"), axes],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def films_by_drama() -> str:
    """A labelled CSV of forty films: one probability of Comedy, right where Drama is predicted.

    `cry cry laugh` and `the` have the same logit, -2, for Comedy; only the first is one.
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
    """Writes the tiny model.

    Args:
        path: where to.
        without: a metadata key, unprefixed, to leave out.
        props: metadata to write in place of the model's own, unprefixed, as JSON.
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
