"""Write an exported model as a transformers checkpoint, so that training can start from it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper
from tokenizers import Tokenizer

from genre_batch.errors import ModelError
from genre_batch.model.metadata import ModelFile

__all__ = ["float_weights", "write_checkpoint"]

_Tensors = Mapping[str, npt.NDArray[Any]]

_OWN = ("distilbert.", "pre_classifier.", "classifier.")
_EMBEDDINGS = "distilbert.embeddings.{}_embeddings.weight"
_FIRST_LAYER = "distilbert.transformer.layer.0."
_PARTS = ("q_lin", "k_lin", "v_lin")
_HEADS = "attention_heads"
# The tokens with a role, by the names that BERT's and RoBERTa's tokenizers give them.
_ROLES = ("unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
_BERT = ("[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]")
_ROBERTA = ("<unk>", "</s>", "<pad>", "<s>", "<mask>")


def write_checkpoint(file: ModelFile, folder: Path) -> None:
    """Write a model that `export-onnx` wrote as a checkpoint: config, weights and tokenizer.

    Args:
        file: the model; the weights are those of `float_weights`.
        folder: an empty folder.

    Raises:
        ModelError: the graph is not one that `export-onnx` writes.
        OSError: the folder cannot be written.
    """
    from safetensors.numpy import save_file

    weights = float_weights(file)
    text = file.metadata.tokenizer
    roles = _roles(Tokenizer.from_str(text))
    named = {role: token for role, (token, _) in roles.items()}
    pad = roles.get("pad_token", ("", 0))[1]
    _write(folder / "config.json", _config(file, weights, pad))
    _write(
        folder / "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast", **named}
    )
    (folder / "tokenizer.json").write_text(text, encoding="utf-8")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def _write(path: Path, value: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")


def float_weights(file: ModelFile) -> dict[str, npt.NDArray[np.float32]]:
    """Return the weights of an exported model, by their names in a checkpoint.

    The graph's rewrites are undone: an 8-bit weight is multiplied by its scales, the factors of
    capped channels are moved back, and the one product of attention becomes those of queries, keys
    and values. The weights of a float32 file are those of its checkpoint, up to one rounding of the
    queries' weights. A weight of an int8 file is off by at most 1/254 of the largest of its row or
    column, and a few times that beside a capped channel.

    Returns:
        name -> float32, as in the state of a `DistilBertForSequenceClassification`.

    Raises:
        ModelError: the graph is not one that `export-onnx` writes.
    """
    try:
        weights = {
            name: np.ascontiguousarray(values, dtype=np.float32)
            for name, values in _weights(onnx.load_model_from_string(file.content).graph)
        }
        if f"{_FIRST_LAYER}attention.q_lin.weight" in weights:
            return weights
    except (KeyError, IndexError, ValueError):
        pass
    raise ModelError(
        f"{file.path}: the graph is not one that this version's export-onnx writes, so training "
        "cannot start from it: give the folder of its run instead"
    )


def _roles(tokenizer: Tokenizer) -> dict[str, tuple[str, int]]:
    """Return the token of each role that the vocabulary has, and its id."""
    found: dict[str, tuple[str, int]] = {}
    for names in (_BERT, _ROBERTA):
        for role, name in zip(_ROLES, names, strict=True):
            index = tokenizer.token_to_id(name)
            if index is not None:
                found.setdefault(role, (name, index))
    return found


def _config(file: ModelFile, weights: _Tensors, pad: int) -> dict[str, Any]:
    """Return the content of config.json: a DistilBERT's, with our own `pooling`."""
    graph = onnx.load_model_from_string(file.content).graph
    heads = int(_tensors(graph)[_HEADS][2])
    smooth = any(node.op_type in ("Erf", "Gelu") for node in graph.node)
    words, width = weights[_EMBEDDINGS.format("word")].shape
    labels, options = file.metadata.labels, file.metadata.provenance.get("options")
    return {
        "model_type": "distilbert",
        "architectures": ["DistilBertForSequenceClassification"],
        "vocab_size": words,
        "max_position_embeddings": len(weights[_EMBEDDINGS.format("position")]),
        "dim": width,
        "n_heads": heads,
        "n_layers": sum(name.endswith(".ffn.lin1.bias") for name in weights),
        "hidden_dim": len(weights[f"{_FIRST_LAYER}ffn.lin1.bias"]),
        "activation": "gelu" if smooth else "relu",
        "pad_token_id": pad,
        "pooling": options.get("pooling", "mean") if isinstance(options, dict) else "mean",
        "problem_type": "multi_label_classification",
        "id2label": dict(enumerate(labels)),
        "label2id": {label: index for index, label in enumerate(labels)},
    }


def _tensors(graph: onnx.GraphProto) -> dict[str, npt.NDArray[Any]]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}


def _weights(graph: onnx.GraphProto) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    tensors = _tensors(graph)
    for name, values in tensors.items():
        if name.endswith(".weight_int8"):
            table = name.removesuffix("_int8")
            yield table, values * tensors[f"{table}_scales"]
        elif name.startswith(_OWN) and name.endswith((".weight", ".bias")):
            yield name, values
    makers = {output: node for node in graph.node for output in node.output}
    biases = {
        value: bias
        for node in graph.node
        if node.op_type == "Add"
        for value, bias in (node.input, reversed(node.input))
        if bias in tensors
    }
    for node in graph.node:
        if node.op_type == "MatMulIntegerToFloat":
            source = makers[node.input[0]].input[0]
            matrix = tensors[node.input[1]] * tensors[node.input[3]]
            matrix = matrix * _inverse_factors(source, makers, tensors)
            yield from _parts(node.input[6], matrix, tensors)
        elif node.op_type == "MatMul" and node.input[1] in tensors:
            yield from _parts(biases[node.output[0]], tensors[node.input[1]], tensors)


def _inverse_factors(
    source: str, makers: Mapping[str, onnx.NodeProto], tensors: _Tensors
) -> npt.NDArray[np.float32] | float:
    """Return what a matmul's input is multiplied by to cap outlier channels, (channels, 1)."""
    capping = makers.get(source)
    if capping is None or capping.op_type != "Mul" or capping.input[1] not in tensors:
        return 1.0
    inverse: npt.NDArray[np.float32] = tensors[capping.input[1]][:, None]
    return inverse


def _parts(
    bias: str, matrix: npt.NDArray[Any], tensors: _Tensors
) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """Yield the weights of one matmul, which is identified by its bias.

    Args:
        bias: the name of the stored bias.
        matrix: (channels, outputs).
        tensors: all stored tensors.
    """
    if not bias.endswith("/attention/bias"):
        yield f"{bias.removesuffix('.bias')}.weight", matrix.T
        return
    prefix = bias.removesuffix("bias").strip("/").replace("/", ".")
    # The export divides the queries by the root of a head's width.
    scales = (np.sqrt(np.float32(tensors[_HEADS][3])), 1.0, 1.0)
    matrices, vectors = np.split(matrix, 3, axis=1), np.split(tensors[bias], 3)
    for part, scale, weight, vector in zip(_PARTS, scales, matrices, vectors, strict=True):
        yield f"{prefix}.{part}.weight", weight.T * scale
        yield f"{prefix}.{part}.bias", vector * scale
