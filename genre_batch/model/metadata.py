"""What an exported ONNX file carries besides its graph: read, written, validated, refused."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from genre_batch.errors import ModelError, UsageError
from genre_batch.model.text import uses_title
from genre_batch.model.validation import vet_graph, vet_tokenizer

__all__ = [
    "FORMAT_VERSION",
    "MAX_MODEL_TOKENS",
    "ConditionalThreshold",
    "ModelFile",
    "ModelMetadata",
    "OperatingPoint",
    "read_model_file",
    "write_metadata",
]

FORMAT_VERSION = 2
"""The newest format that is read. A file says the oldest that carries what it holds: 1, or 2 with
conditional thresholds, for a reader that did not know them would decide otherwise and not tell."""
PREFIX = "genre_batch."
KEYS = (
    "format_version",
    "labels",
    "thresholds",
    "operating_points",
    "tokenizer",
    "max_length",
    "text_template",
    "training_text_keys",
    "metrics",
    "provenance",
)
CONDITIONAL = "conditional_thresholds"
"""The key that a file of format 2 has besides `KEYS`."""
MAX_MODEL_TOKENS = 4096
MAX_LABELS = 10_000
MAX_LABEL_CHARACTERS = 200
_INPUTS = ("input_ids", "attention_mask")
_OUTPUT = "logits"
_DYNAMIC = "DynamicQuantize"
"""How the names of operators begin that look at a whole batch for its range."""


@dataclass(frozen=True)
class OperatingPoint:
    """A named set of thresholds and what was measured with it on the development part.

    Attributes:
        thresholds: one a genre, in label order; None switches a genre off.
        precision, recall: pooled over genres (micro), 0..1.
    """

    thresholds: tuple[float | None, ...]
    precision: float
    recall: float


@dataclass(frozen=True)
class ConditionalThreshold:
    """A genre's two thresholds, of which another genre's prediction chooses.

    Attributes:
        given: the other genre. It counts as predicted from its entry in `ModelMetadata.thresholds`
            upwards, whatever conditional thresholds it has itself.
        absent: 0..1, where the other genre is not predicted; None: this one never is, there.
        present: 0..1, where it is; None likewise, but not both.
    """

    given: str
    absent: float | None
    present: float | None


@dataclass(frozen=True)
class ModelMetadata:
    """Everything the tagger needs to know of a model, and where the model comes from.

    Attributes:
        labels: the genres, in the order of the logits.
        thresholds: one a genre, 0..1; a genre is predicted from its threshold upwards.
        operating_points: by name; `thresholds` may be those of one of them.
        tokenizer: the text of tokenizer.json.
        max_length: tokens the model reads of a text; the rest is cut.
        text_template: `{overview}`, perhaps with `{title}` (model/text.py).
        training_text_keys: (n,) uint64, sorted: `text_key` of every overview trained on.
        metrics: figures by split part, JSON-ready.
        provenance: base model, shape, data hashes, recipe, seed, versions, date, JSON-ready.
        conditional_thresholds: by label, of the genres that look at another one; in place of their
            entries in `thresholds`, which others that look at them are judged by.
    """

    labels: tuple[str, ...]
    thresholds: tuple[float, ...]
    operating_points: Mapping[str, OperatingPoint]
    tokenizer: str
    max_length: int
    text_template: str
    training_text_keys: npt.NDArray[np.uint64]
    metrics: Mapping[str, Any]
    provenance: Mapping[str, Any]
    conditional_thresholds: Mapping[str, ConditionalThreshold] = field(default_factory=dict)

    def to_props(self) -> dict[str, str]:
        """The metadata_props of the ONNX file: prefixed keys, JSON values."""
        packed = np.sort(self.training_text_keys).astype(">u8").tobytes()
        values: dict[str, Any] = {
            "format_version": 2 if self.conditional_thresholds else 1,
            "labels": list(self.labels),
            "thresholds": list(self.thresholds),
            "operating_points": {
                name: {
                    "thresholds": list(point.thresholds),
                    "precision": point.precision,
                    "recall": point.recall,
                }
                for name, point in self.operating_points.items()
            },
            "max_length": self.max_length,
            "text_template": self.text_template,
            "training_text_keys": base64.b64encode(packed).decode("ascii"),
            "metrics": self.metrics,
            "provenance": self.provenance,
        }
        if self.conditional_thresholds:
            values[CONDITIONAL] = {
                label: asdict(one) for label, one in self.conditional_thresholds.items()
            }
        props = {
            PREFIX + key: json.dumps(value, ensure_ascii=False) for key, value in values.items()
        }
        # tokenizer.json is JSON already; it travels as it is.
        props[PREFIX + "tokenizer"] = self.tokenizer
        return props

    @classmethod
    def from_props(cls, props: Mapping[str, str], name: str) -> ModelMetadata:
        """Parses and validates metadata_props.

        Args:
            props: of an ONNX file.
            name: the file's, for messages.

        Raises:
            ModelError: a key is missing or its value is not what it should be, or the file was
                written for a newer version of this tool.
        """
        values: dict[str, Any] = {}
        for key in KEYS:
            values[key] = _parsed(props, key, name)
            if key == "format_version":
                _check_version(values[key], name)
        if values["format_version"] > 1:
            values[CONDITIONAL] = _parsed(props, CONDITIONAL, name)
        elif PREFIX + CONDITIONAL in props:
            raise ModelError(
                f"{name} has {PREFIX + CONDITIONAL}, which format_version 1 does not know: "
                f"make it again with genre-batch tune --method conditional"
            )
        try:
            return cls._validated(values, props[PREFIX + "tokenizer"])
        except (_InvalidError, KeyError, TypeError, AttributeError, ValueError) as error:
            raise ModelError(
                f"{name}: invalid metadata: {error}: export the model again"
            ) from error

    @classmethod
    def _validated(cls, values: dict[str, Any], tokenizer: str) -> ModelMetadata:
        labels = values["labels"]
        _need(
            isinstance(labels, list)
            and 0 < len(labels) <= MAX_LABELS
            and all(_is_name(label) for label in labels)
            and len(set(labels)) == len(labels),
            f"labels are not a list of up to {MAX_LABELS:,} distinct names",
        )
        thresholds = values["thresholds"]
        _need(_are_thresholds(thresholds, len(labels)), "thresholds are not one of 0..1 a label")
        max_length = values["max_length"]
        _need(
            isinstance(max_length, int) and 2 <= max_length <= MAX_MODEL_TOKENS,
            f"max_length is not a number of tokens, 2..{MAX_MODEL_TOKENS}",
        )
        template = values["text_template"]
        _need(isinstance(template, str), "text_template is no text")
        uses_title(template)
        points: dict[str, OperatingPoint] = {}
        for point, entry in values["operating_points"].items():
            _need(
                _are_thresholds(entry["thresholds"], len(labels), off=True),
                f"the thresholds of the operating point {point!r} are not one a label",
            )
            points[point] = OperatingPoint(
                tuple(entry["thresholds"]), float(entry["precision"]), float(entry["recall"])
            )
        conditional = _conditional(values[CONDITIONAL], labels) if CONDITIONAL in values else {}
        try:
            packed = base64.b64decode(values["training_text_keys"], validate=True)
        except binascii.Error as error:
            raise _InvalidError(f"training_text_keys: {error}") from error
        for key in ("metrics", "provenance"):
            _need(isinstance(values[key], dict), f"{key} is no object")
        return cls(
            labels=tuple(labels),
            thresholds=tuple(float(value) for value in thresholds),
            operating_points=points,
            tokenizer=tokenizer,
            max_length=max_length,
            text_template=template,
            training_text_keys=np.frombuffer(packed, dtype=">u8").astype(np.uint64),
            metrics=values["metrics"],
            provenance=values["provenance"],
            conditional_thresholds=conditional,
        )


class _InvalidError(Exception):
    """A value of the metadata is not what it should be."""


def _need(condition: bool, otherwise: str) -> None:
    if not condition:
        raise _InvalidError(otherwise)


def _parsed(props: Mapping[str, str], key: str, name: str) -> Any:
    if PREFIX + key not in props:
        raise ModelError(
            f"{name} is no genre-batch model: its metadata lack {PREFIX + key}: "
            f"export it with genre-batch export-onnx"
        )
    try:
        return json.loads(props[PREFIX + key])
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{name}: the metadata {PREFIX + key} are no JSON: {error}") from error


def _conditional(entries: Any, labels: list[str]) -> dict[str, ConditionalThreshold]:
    _need(isinstance(entries, dict) and len(entries) > 0, f"{CONDITIONAL} is no object of labels")
    known, found = set(labels), {}
    for label, entry in entries.items():
        where = f"{CONDITIONAL} of {label!r}"
        _need(label in known, f"{where}, which is no label")
        _need(
            isinstance(entry, dict) and set(entry) == {"given", "absent", "present"},
            f"{where} are not given, absent and present",
        )
        given, pair = entry["given"], [entry["absent"], entry["present"]]
        _need(
            isinstance(given, str) and given in known and given != label,
            f"{where} look at no other label",
        )
        _need(
            _are_thresholds(pair, 2, off=True) and pair != [None, None],
            f"{where} are not two of 0..1 or null, one of them a number",
        )
        absent, present = (None if value is None else float(value) for value in pair)
        found[label] = ConditionalThreshold(given, absent, present)
    return found


def _is_name(label: object) -> bool:
    """Whether this can stand in a table and a terminal: one line of text, no control characters."""
    return isinstance(label, str) and 0 < len(label) <= MAX_LABEL_CHARACTERS and label.isprintable()


def _check_version(version: object, name: str) -> None:
    if not isinstance(version, int) or version < 1:
        raise ModelError(f"{name}: {PREFIX}format_version is {version!r}, not a version number")
    if version > FORMAT_VERSION:
        raise ModelError(
            f"{name} has format_version {version}, this genre-batch reads up to {FORMAT_VERSION}: "
            f"upgrade it (pip install -U genre-batch)"
        )


def _are_thresholds(values: object, count: int, off: bool = False) -> bool:
    return (
        isinstance(values, list)
        and len(values) == count
        and all(
            (off and value is None)
            or (isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1)
            for value in values
        )
    )


@dataclass(frozen=True)
class ModelFile:
    """An ONNX file of ours, read and checked.

    Attributes:
        path: where it lies.
        content: its bytes.
        sha256: of the bytes, hexadecimal.
        metadata: what it carries.
        batchable: a row's result does not depend on the rows that share its batch. False for a
            graph that takes the scales of its 8-bit products from the batch.
    """

    path: Path
    content: bytes
    sha256: str
    metadata: ModelMetadata
    batchable: bool = True


def read_model_file(path: Path) -> ModelFile:
    """Reads and checks a model file; no session is made.

    Raises:
        UsageError: no such file.
        ModelError: unreadable, no ONNX, without our metadata, with other inputs or outputs, or with
            something in it that is not to be run (model/validation.py).
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise UsageError(f"no such model: {path}: make one with genre-batch export-onnx") from error
    except OSError as error:
        raise ModelError(f"cannot read the model {path}: {error.strerror}") from error
    try:
        model = onnx.load_model_from_string(content)
    except Exception as error:  # protobuf's own DecodeError lies in a private module
        raise ModelError(f"{path} is no ONNX file, or a damaged one") from error
    metadata = ModelMetadata.from_props(
        {prop.key: prop.value for prop in model.metadata_props}, str(path)
    )
    vet_graph(model, str(path))
    vet_tokenizer(metadata.tokenizer, metadata.max_length, str(path))
    inputs = tuple(value.name for value in model.graph.input)
    outputs = [value.name for value in model.graph.output]
    if sorted(inputs) != sorted(_INPUTS) or outputs != [_OUTPUT]:
        raise ModelError(
            f"{path}: the graph maps {', '.join(inputs)} to {', '.join(outputs)}, "
            f"not {', '.join(_INPUTS)} to {_OUTPUT}"
        )
    batchable = not any(node.op_type.startswith(_DYNAMIC) for node in model.graph.node)
    return ModelFile(path, content, hashlib.sha256(content).hexdigest(), metadata, batchable)


def write_metadata(model: onnx.ModelProto, metadata: ModelMetadata) -> None:
    """Puts the metadata into a model, in place of any it had."""
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, metadata.to_props())
