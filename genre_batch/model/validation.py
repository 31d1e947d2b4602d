"""Checks on a model file from an untrusted source, before any part of it is run.

Both the graph and the tokenizer are programs. A graph may only use the operators that onnxruntime
ships, and weights from the file itself. A tokenizer may only have parts whose cost is bounded by
the length of the text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import onnx

from genre_batch.errors import ModelError

__all__ = ["validate_graph", "validate_tokenizer"]

_DOMAINS = ("", "ai.onnx", "com.microsoft")

MAX_TOKENIZER_BYTES = 64 << 20
_MAX_SEQUENCE = 32
_MAX_SPECIAL_TOKENS = 16
_MAX_ADDED_TOKENS = 10_000
_MAX_TOKEN_CHARACTERS = 1_000

# Allowed types by part of tokenizer.json. Not allowed are types with a pattern, a table or a
# replacement, which can make a short text arbitrarily long or slow: Replace, Split, Prepend,
# Precompiled.
_ALLOWED_TYPES = {
    "model": ("WordPiece", "WordLevel", "BPE", "Unigram"),
    "normalizer": (
        "BertNormalizer",
        "Lowercase",
        "NFC",
        "NFD",
        "NFKC",
        "NFKD",
        "Nmt",
        "Sequence",
        "Strip",
        "StripAccents",
    ),
    "pre_tokenizer": (
        "BertPreTokenizer",
        "ByteLevel",
        "Digits",
        "Metaspace",
        "Punctuation",
        "Sequence",
        "UnicodeScripts",
        "Whitespace",
        "WhitespaceSplit",
    ),
    "post_processor": (
        "BertProcessing",
        "ByteLevel",
        "RobertaProcessing",
        "Sequence",
        "TemplateProcessing",
    ),
}
_MEMBERS = {
    "normalizer": "normalizers",
    "pre_tokenizer": "pretokenizers",
    "post_processor": "processors",
}


def _graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """Yield the graph and all graphs in its nodes' attributes; protobuf limits the nesting."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                if inner.node or inner.initializer:
                    yield from _graphs(inner)


def _tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    """Yield the tensors of a graph and of its nodes' attributes, without those of inner graphs."""
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield sparse.values
        yield sparse.indices
    for node in graph.node:
        for attribute in node.attribute:
            yield attribute.t
            yield from attribute.tensors
            for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
                yield sparse.values
                yield sparse.indices


def validate_graph(model: onnx.ModelProto, name: str) -> None:
    """Check that a graph reads no other files and runs no other code than onnxruntime's.

    Args:
        model: the parsed ONNX file.
        name: the model's name, for messages.

    Raises:
        ModelError: the graph has weights in another file, operators of other domains than ai.onnx
            and com.microsoft, or functions of its own.
    """
    domains = {entry.domain for entry in model.opset_import}
    for graph in _graphs(model.graph):
        domains.update(node.domain for node in graph.node)
        for tensor in _tensors(graph):
            if tensor.external_data or tensor.data_location == onnx.TensorProto.EXTERNAL:
                raise ModelError(
                    f"{name} keeps weights in another file ({tensor.name}), which is not allowed: "
                    f"export it again as one file"
                )
    foreign = sorted(domains.difference(_DOMAINS))
    if foreign:
        raise ModelError(
            f"{name} uses operators of {', '.join(foreign)}, which are not allowed: "
            f"use a model from genre-batch export-onnx"
        )
    if model.functions:
        raise ModelError(
            f"{name} has functions of its own ({model.functions[0].name}), which are not allowed: "
            f"use a model from genre-batch export-onnx"
        )


def validate_tokenizer(text: str, max_length: int, name: str) -> None:
    """Check that a tokenizer's time and memory are bounded by the text it reads.

    Args:
        text: the text of tokenizer.json.
        max_length: the number of tokens that the model reads.
        name: the model's name, for messages.

    Raises:
        ModelError: the tokenizer is too large, or has a part that is not known to be safe.
    """

    def refusal(problem: str) -> ModelError:
        return ModelError(
            f"{name}: its tokenizer {problem}: use a model from genre-batch export-onnx"
        )

    if len(text) > MAX_TOKENIZER_BYTES:
        raise refusal(f"is larger than {MAX_TOKENIZER_BYTES >> 20} MB")
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise refusal(f"is not valid JSON ({error})") from error
    if not isinstance(parsed, dict) or not isinstance(parsed.get("model"), dict):
        raise refusal("is not a tokenizer.json")
    for part, allowed in _ALLOWED_TYPES.items():
        for type_name in _types(parsed.get(part), _MEMBERS.get(part)):
            if type_name not in allowed:
                raise refusal(f"has a {part} of type {type_name!r}")
    added = parsed.get("added_tokens") or []
    if not isinstance(added, list) or len(added) > _MAX_ADDED_TOKENS:
        raise refusal(f"adds more than {_MAX_ADDED_TOKENS:,} tokens")
    for token in added:
        if len(str(token)) > _MAX_TOKEN_CHARACTERS:
            raise refusal(f"adds a token of more than {_MAX_TOKEN_CHARACTERS:,} characters")
    template = parsed.get("post_processor") or {}
    special = json.dumps(template).count('"SpecialToken"')
    ids = sum(
        len(entry.get("ids", ())) if isinstance(entry, dict) else 1
        for entry in _values(template.get("special_tokens"))
    )
    if max(special, ids) > min(_MAX_SPECIAL_TOKENS, max_length):
        raise refusal("adds too many special tokens to a text")


def _values(entries: Any) -> list[Any]:
    return list(entries.values()) if isinstance(entries, dict) else []


def _types(part: Any, members: str | None, depth: int = 0) -> Iterator[str]:
    """Yield the type of a part and those of its members; `nested` for a sequence in another."""
    if part is None:
        return
    if not isinstance(part, dict):
        yield type(part).__name__
        return
    if depth > 1:
        yield "nested"
        return
    name = str(part.get("type"))
    yield name
    if name == "Sequence" and members is not None:
        inner = part.get(members)
        if not isinstance(inner, list) or len(inner) > _MAX_SEQUENCE:
            yield "long sequence"
            return
        for member in inner:
            yield from _types(member, members, depth + 1)
