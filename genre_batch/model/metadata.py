"""What an exported ONNX file carries besides its graph: read, validated and written."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from genre_batch.errors import ModelError
from genre_batch.failures import reason_of
from genre_batch.files import read_input
from genre_batch.model.metadata_checks import (
    InvalidMetadataError,
    calibration_by_label,
    check_text_key_version,
    check_values,
)
from genre_batch.model.text_keys import TEXT_KEY_VERSION
from genre_batch.model.validation import validate_graph, validate_tokenizer

__all__ = [
    "FORMAT_VERSION",
    "ConditionalThreshold",
    "ModelFile",
    "ModelMetadata",
    "OperatingPoint",
    "parse_model",
    "read_model_file",
    "write_metadata",
]

FORMAT_VERSION = 2
"""The newest format that is read. A file states the oldest format that can hold its content: 1, or
2 with conditional thresholds, because a reader that ignores them would decide differently."""
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
OPTIONAL: Mapping[str, Any] = {
    "text_key_version": 1,
    "columns": {},
    "row_name": "films",
    "calibration": {},
    "language": None,
}
"""Keys that files of either format may lack -> what a file without them means."""
CONDITIONAL = "conditional_thresholds"
"""The key that a file of format 2 has besides `KEYS`."""
_INPUTS = ("input_ids", "attention_mask")
_OUTPUT = "logits"
_DYNAMIC = "DynamicQuantize"
"""The prefix of operators that compute their range over a whole batch."""
_EXPORT_AGAIN = "export the model again"


@dataclass(frozen=True)
class OperatingPoint:
    """A named set of thresholds, and what was measured with it on the dev set.

    Attributes:
        thresholds: one per genre, in label order; None switches a genre off.
        precision, recall: pooled over genres (micro), 0..1.
    """

    thresholds: tuple[float | None, ...]
    precision: float
    recall: float


@dataclass(frozen=True)
class ConditionalThreshold:
    """Two thresholds of a genre; which one applies depends on whether another genre is predicted.

    Attributes:
        given: the other genre. It counts as predicted if it reaches its entry in
            `ModelMetadata.thresholds`, even if it has conditional thresholds itself.
        absent: 0..1, used where the other genre is not predicted; None: never predicted there.
        present: 0..1, used where the other genre is predicted; None: never predicted there. At
            most one of the two is None.
    """

    given: str
    absent: float | None
    present: float | None


@dataclass(frozen=True)
class ModelMetadata:
    """Everything the tagger needs to know about a model, and where the model comes from.

    Attributes:
        labels: the genres, in the order of the logits.
        thresholds: one per genre, 0..1; a genre is predicted at its threshold or above.
        operating_points: by name; `thresholds` may equal those of one of them.
        tokenizer: the text of tokenizer.json.
        max_length: the number of tokens that the model reads; longer texts are truncated.
        text_template: contains `{overview}`, and `{title}` if titles are read (model/text.py).
        training_text_keys: (n,) uint64, sorted: `text_key` of every overview trained on.
        metrics: figures by split part, JSON-ready.
        provenance: base model, shape, data hashes, recipe, seed, versions, date, JSON-ready.
        conditional_thresholds: by label, where the threshold depends on another genre. They replace
            entries of `thresholds`, except when another conditional threshold refers to the genre.
        text_key_version: the version of `training_text_keys` (model/text_keys.py).
        columns: the columns of the catalog that the model was trained on: `text`, `title`,
            `genres`, the `separator` of genres, and what `empty` genre cells are (`negative` or
            `skip`); absent or None where there was none.
        row_name: what a row of such a catalog is called, in the plural.
        calibration: (slope, shift) of each label's log odds; empty: none (model/calibration.py).
        language: the code of ISO 639-1 of the texts' language; None: not known, or several.
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
    text_key_version: int = TEXT_KEY_VERSION
    columns: Mapping[str, str | None] = field(default_factory=dict)
    row_name: str = OPTIONAL["row_name"]
    calibration: tuple[tuple[float, float], ...] = ()
    language: str | None = None

    def to_props(self) -> dict[str, str]:
        """Return the metadata_props of the ONNX file: prefixed keys, JSON values.

        Raises:
            UsageError: `calibration` is not empty and does not have one entry for each label.
        """
        packed = np.sort(self.training_text_keys).astype(">u8").tobytes()
        values: dict[str, Any] = {
            "format_version": 2 if self.conditional_thresholds else 1,
            "labels": list(self.labels),
            "thresholds": list(self.thresholds),
            "operating_points": {name: asdict(p) for name, p in self.operating_points.items()},
            "max_length": self.max_length,
            "text_template": self.text_template,
            "training_text_keys": base64.b64encode(packed).decode("ascii"),
            "metrics": self.metrics,
            "provenance": self.provenance,
        }
        calibration = calibration_by_label(self.labels, self.calibration)
        for key, default in OPTIONAL.items():
            value = calibration if key == "calibration" else getattr(self, key)
            if value != default:
                values[key] = value
        if self.conditional_thresholds:
            values[CONDITIONAL] = {
                label: asdict(pair) for label, pair in self.conditional_thresholds.items()
            }
        props = {
            PREFIX + key: json.dumps(value, ensure_ascii=False) for key, value in values.items()
        }
        # tokenizer.json is JSON already: it is stored unchanged.
        props[PREFIX + "tokenizer"] = self.tokenizer
        return props

    @classmethod
    def from_props(cls, props: Mapping[str, str], name: str) -> ModelMetadata:
        """Parse and validate metadata_props.

        Args:
            props: the metadata_props of an ONNX file.
            name: the file's name, for messages.

        Raises:
            ModelError: a key is missing, a value is invalid, or the file was written for a newer
                version of this tool.
        """
        values: dict[str, Any] = {}
        for key in KEYS:
            values[key] = _parsed(props, key, name)
            if key == "format_version":
                _check_version(values[key], name)
        for key, default in OPTIONAL.items():
            values[key] = _parsed(props, key, name) if PREFIX + key in props else default
        check_text_key_version(values["text_key_version"], name)
        if values["format_version"] > 1:
            values[CONDITIONAL] = _parsed(props, CONDITIONAL, name)
        elif PREFIX + CONDITIONAL in props:
            raise ModelError(
                f"{name} has {PREFIX + CONDITIONAL}, which format_version 1 does not have: "
                f"make it again with genre-batch tune --method conditional"
            )
        try:
            check_values(values)
            return cls._from_values(values, props[PREFIX + "tokenizer"])
        except (InvalidMetadataError, KeyError, TypeError, AttributeError, ValueError) as error:
            raise ModelError(f"{name}: invalid metadata: {error}: {_EXPORT_AGAIN}") from error

    @classmethod
    def _from_values(cls, values: Mapping[str, Any], tokenizer: str) -> ModelMetadata:
        packed = base64.b64decode(values["training_text_keys"])
        return cls(
            labels=tuple(values["labels"]),
            thresholds=tuple(float(value) for value in values["thresholds"]),
            operating_points={
                name: OperatingPoint(
                    tuple(entry["thresholds"]), float(entry["precision"]), float(entry["recall"])
                )
                for name, entry in values["operating_points"].items()
            },
            tokenizer=tokenizer,
            max_length=values["max_length"],
            text_template=values["text_template"],
            training_text_keys=np.frombuffer(packed, dtype=">u8").astype(np.uint64),
            metrics=values["metrics"],
            provenance=values["provenance"],
            conditional_thresholds={
                label: ConditionalThreshold(
                    entry["given"],
                    absent=_float_or_none(entry["absent"]),
                    present=_float_or_none(entry["present"]),
                )
                for label, entry in values.get(CONDITIONAL, {}).items()
            },
            calibration=tuple(
                (float(pair[0]), float(pair[1]))
                for pair in map(values["calibration"].get, values["labels"])
                if pair
            ),
            **{key: values[key] for key in OPTIONAL if key != "calibration"},
        )


def _float_or_none(value: float | None) -> float | None:
    return None if value is None else float(value)


def _parsed(props: Mapping[str, str], key: str, name: str) -> Any:
    if PREFIX + key not in props:
        raise ModelError(
            f"{name} is not a genre-batch model: missing metadata key {PREFIX + key}: "
            f"export it with genre-batch export-onnx"
        )
    try:
        return json.loads(props[PREFIX + key])
    except (ValueError, RecursionError) as error:
        raise ModelError(
            f"{name}: the metadata key {PREFIX + key} is not valid JSON ({error}): {_EXPORT_AGAIN}"
        ) from error


def _check_version(version: object, name: str) -> None:
    if not isinstance(version, int) or version < 1:
        raise ModelError(
            f"{name}: {PREFIX}format_version is {version!r}, not a version number: {_EXPORT_AGAIN}"
        )
    if version > FORMAT_VERSION:
        raise ModelError(
            f"{name} has format_version {version}, this genre-batch reads up to {FORMAT_VERSION}: "
            f"upgrade it (pip install -U genre-batch)"
        )


@dataclass(frozen=True)
class ModelFile:
    """A genre-batch ONNX file, read and validated.

    Attributes:
        path: the file's path.
        content: its bytes.
        sha256: the SHA-256 of the bytes, hexadecimal.
        metadata: what it carries.
        batchable: whether a row's result is independent of the other rows in its batch. False for
            a graph that computes the scales of its 8-bit products over the batch.
        is_ready: whether the content is what runs, not the file's own (`unmasked.ready_to_run`).
    """

    path: Path
    content: bytes
    sha256: str
    metadata: ModelMetadata
    batchable: bool = True
    is_ready: bool = False


def read_model_file(path: Path) -> ModelFile:
    """Read and validate a model file; create no session.

    Raises:
        UsageError: the file does not exist, or is a folder.
        ModelError: it cannot be read, or is no model of ours that is safe (model/validation.py).
    """
    content = read_input(
        path,
        missing=f"no such model: {path}: make one with genre-batch export-onnx",
        wanted="an .onnx file",
        unreadable=lambda error: ModelError(f"cannot read the model {path}: {reason_of(error)}"),
    )
    return parse_model(content, path)


def parse_model(content: bytes, path: Path) -> ModelFile:
    """Validate the bytes of a model file; create no session.

    Args:
        content: the file's bytes.
        path: where they come from, for messages; it need not exist on this machine.

    Raises:
        ModelError: as `read_model_file` raises it.
    """
    try:
        model = onnx.load_model_from_string(content)
    except Exception as error:  # protobuf's DecodeError is in a private module
        raise ModelError(
            f"{path} is not an ONNX file, or is damaged: copy or export it again"
        ) from error
    metadata = ModelMetadata.from_props(
        {prop.key: prop.value for prop in model.metadata_props}, str(path)
    )
    validate_graph(model, str(path))
    validate_tokenizer(metadata.tokenizer, metadata.max_length, str(path))
    inputs = tuple(value.name for value in model.graph.input)
    outputs = [value.name for value in model.graph.output]
    if sorted(inputs) != sorted(_INPUTS) or outputs != [_OUTPUT]:
        raise ModelError(
            f"{path}: the graph maps {', '.join(inputs)} to {', '.join(outputs)}, "
            f"not {', '.join(_INPUTS)} to {_OUTPUT}: {_EXPORT_AGAIN}"
        )
    batchable = not any(node.op_type.startswith(_DYNAMIC) for node in model.graph.node)
    return ModelFile(path, content, hashlib.sha256(content).hexdigest(), metadata, batchable)


def write_metadata(model: onnx.ModelProto, metadata: ModelMetadata) -> None:
    """Put the metadata into a model, replacing any it had."""
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, metadata.to_props())
