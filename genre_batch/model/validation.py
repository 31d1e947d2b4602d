"""What a model file from somebody else may hold, checked before anything of it is run.

A graph is a program and a tokenizer another: of the first only the operators that onnxruntime
ships are run, with weights from the file itself; of the second only parts whose cost is bounded by
the length of the text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import onnx

from genre_batch.errors import ModelError

__all__ = ["vet_graph", "vet_tokenizer"]

_DOMAINS = ("", "ai.onnx", "com.microsoft")

MAX_TOKENIZER_BYTES = 64 << 20
_MAX_SEQUENCE = 32
_MAX_SPECIAL_TOKENS = 16
_MAX_ADDED_TOKENS = 10_000
_MAX_TOKEN_CHARACTERS = 1_000

# By the part of tokenizer.json. Left out is what carries a pattern, a table or a replacement of its
# own, with which a short text can be made arbitrarily long or slow: Replace, Split, Prepend,
# Precompiled.
_KINDS = {
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
    """The graph and every one inside its nodes' attributes; protobuf bounds how deep they nest."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                if inner.node or inner.initializer:
                    yield from _graphs(inner)


def _tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield sparse.values
        yield sparse.indices
    for node in graph.node:
        for attribute in node.attribute:
            yield attribute.t
            yield from attribute.tensors
            for one in (attribute.sparse_tensor, *attribute.sparse_tensors):
                yield one.values
                yield one.indices


def vet_graph(model: onnx.ModelProto, name: str) -> None:
    """Refuses a graph that would read other files or run other code.

    Raises:
        ModelError: weights outside of the file, operators of other domains than ai.onnx and
            com.microsoft, or functions of its own.
    """
    domains = {entry.domain for entry in model.opset_import}
    for graph in _graphs(model.graph):
        domains.update(node.domain for node in graph.node)
        for tensor in _tensors(graph):
            if tensor.external_data or tensor.data_location == onnx.TensorProto.EXTERNAL:
                raise ModelError(
                    f"{name} keeps weights in another file ({tensor.name}): not read; "
                    f"export it again as one file"
                )
    foreign = sorted(domains.difference(_DOMAINS))
    if foreign:
        raise ModelError(f"{name} needs operators of {', '.join(foreign)}: not run")
    if model.functions:
        raise ModelError(f"{name} brings functions of its own ({model.functions[0].name}): not run")


def vet_tokenizer(text: str, max_length: int, name: str) -> None:
    """Refuses a tokenizer whose work or memory is not bounded by the text it reads.

    Args:
        text: of tokenizer.json.
        max_length: tokens the model reads.
        name: the model's, for messages.

    Raises:
        ModelError: too large, or with parts that are not among those known to be harmless.
    """

    def refuse(why: str) -> ModelError:
        return ModelError(f"{name}: the tokenizer it carries {why}: not run")

    if len(text) > MAX_TOKENIZER_BYTES:
        raise refuse(f"is larger than {MAX_TOKENIZER_BYTES >> 20} MB")
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise refuse(f"is no JSON ({error})") from error
    if not isinstance(parsed, dict) or not isinstance(parsed.get("model"), dict):
        raise refuse("is no tokenizer.json")
    for part, kinds in _KINDS.items():
        for kind in _kinds(parsed.get(part), _MEMBERS.get(part)):
            if kind not in kinds:
                raise refuse(f"has a {part} of type {kind!r}")
    added = parsed.get("added_tokens") or []
    if not isinstance(added, list) or len(added) > _MAX_ADDED_TOKENS:
        raise refuse(f"adds more than {_MAX_ADDED_TOKENS:,} tokens")
    for token in added:
        if len(str(token)) > _MAX_TOKEN_CHARACTERS:
            raise refuse("adds a token of absurd length")
    template = parsed.get("post_processor") or {}
    special = json.dumps(template).count('"SpecialToken"')
    ids = sum(
        len(entry.get("ids", ())) if isinstance(entry, dict) else 1
        for entry in _values(template.get("special_tokens"))
    )
    if max(special, ids) > min(_MAX_SPECIAL_TOKENS, max_length):
        raise refuse("puts too many tokens around a text")


def _values(entries: Any) -> list[Any]:
    return list(entries.values()) if isinstance(entries, dict) else []


def _kinds(part: Any, members: str | None, depth: int = 0) -> Iterator[str]:
    """The types of a part and of those it is a sequence of; `nested` for a hopeless one."""
    if part is None:
        return
    if not isinstance(part, dict):
        yield type(part).__name__
        return
    if depth > 1:
        yield "nested"
        return
    kind = str(part.get("type"))
    yield kind
    if kind == "Sequence" and members is not None:
        inner = part.get(members)
        if not isinstance(inner, list) or len(inner) > _MAX_SEQUENCE:
            yield "long sequence"
            return
        for one in inner:
            yield from _kinds(one, members, depth + 1)
