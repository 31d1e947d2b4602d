"""Checks on the values of a model's metadata, which may come from anybody."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Mapping, Sequence
from typing import Any

from genre_batch.errors import ModelError, UsageError, counted
from genre_batch.model.text import uses_title
from genre_batch.model.text_keys import TEXT_KEY_VERSIONS
from genre_batch.names import MAX_NAMES, is_name

__all__ = [
    "MAX_MODEL_TOKENS",
    "InvalidMetadataError",
    "calibration_by_label",
    "check_text_key_version",
    "check_values",
    "is_row_name",
]

MAX_MODEL_TOKENS = 4096
MAX_ROW_NAME_CHARACTERS = 40
MAX_CALIBRATION = 1e6
"""The largest slope, and the largest shift on either side of 0: others would be an error."""
_COLUMNS = {"text", "title", "genres", "separator", "empty"}


class InvalidMetadataError(Exception):
    """A value of the metadata is not what it should be."""


def check_values(values: Mapping[str, Any]) -> None:
    """Check the parsed values of a model's metadata.

    Args:
        values: by unprefixed key; all keys of `metadata.KEYS` but `tokenizer` are there.

    Raises:
        InvalidMetadataError: a value is of the wrong type or out of its range.
        ValueError: the text template is malformed.
        KeyError, TypeError, AttributeError: an entry of a nested value is missing or is of the
            wrong type.
    """
    labels = values["labels"]
    _require(
        isinstance(labels, list)
        and 0 < len(labels) <= MAX_NAMES
        and all(is_name(label) for label in labels)
        and len(set(labels)) == len(labels),
        f"labels are not a list of up to {MAX_NAMES:,} distinct names",
    )
    _require(
        _are_thresholds(values["thresholds"], len(labels)),
        "thresholds are not one number from 0 to 1 per label",
    )
    max_length = values["max_length"]
    _require(
        isinstance(max_length, int) and 2 <= max_length <= MAX_MODEL_TOKENS,
        f"max_length is not a number of tokens from 2 to {MAX_MODEL_TOKENS}",
    )
    _require(isinstance(values["text_template"], str), "text_template is not a string")
    uses_title(values["text_template"])
    for name, entry in values["operating_points"].items():
        _require(
            _are_thresholds(entry["thresholds"], len(labels), allow_null=True),
            f"the thresholds of the operating point {name!r} are not one per label",
        )
    if "conditional_thresholds" in values:
        _check_conditional_thresholds(values["conditional_thresholds"], labels)
    try:
        base64.b64decode(values["training_text_keys"], validate=True)
    except binascii.Error as error:
        raise InvalidMetadataError(f"training_text_keys: {error}") from error
    _check_optional_values(values)
    for key in ("metrics", "provenance"):
        _require(isinstance(values[key], dict), f"{key} is not an object")


def _check_optional_values(values: Mapping[str, Any]) -> None:
    columns = values["columns"]
    _require(
        isinstance(columns, dict)
        and columns.keys() <= _COLUMNS
        and all(value is None or isinstance(value, str) for value in columns.values()),
        f"columns is not an object of the names {', '.join(sorted(_COLUMNS))}",
    )
    _require(is_row_name(values["row_name"]), "row_name is not a plural noun")
    language = values["language"]
    _require(
        language is None
        or (isinstance(language, str) and language.isalpha() and 2 <= len(language) <= 8),
        "language is not a code of ISO 639-1",
    )
    _check_calibration(values["calibration"], values["labels"])


def check_text_key_version(version: object, name: str) -> None:
    """Check the version of the text keys of a model file, which `name` names in the message.

    Raises:
        ModelError: this package does not know it.
    """
    if type(version) is not int or version not in TEXT_KEY_VERSIONS:
        raise ModelError(
            f"{name} has text_key_version {version!r}, this genre-batch reads "
            f"{' and '.join(map(str, TEXT_KEY_VERSIONS))}: upgrade it (pip install -U genre-batch)"
        )


def calibration_by_label(
    labels: Sequence[str], calibration: Sequence[tuple[float, float]]
) -> dict[str, tuple[float, float]]:
    """Return label -> slope and shift; nothing for an empty calibration.

    Raises:
        UsageError: there is not one entry for each label.
    """
    if len(calibration) not in (0, len(labels)):
        raise UsageError(
            f"`calibration` has {counted(len(calibration), 'pair')} for "
            f"{counted(len(labels), 'label')}: give one for each label, or none"
        )
    return dict(zip(labels, calibration, strict=bool(calibration)))


def _check_calibration(entries: Any, labels: list[str]) -> None:
    _require(
        isinstance(entries, dict) and (not entries or entries.keys() == set(labels)),
        "calibration is not an object with an entry for every label",
    )
    for label, entry in entries.items():
        _require(
            isinstance(entry, list)
            and len(entry) == 2
            and all(_is_number(value) and abs(value) <= MAX_CALIBRATION for value in entry)
            and entry[0] > 0,
            f"calibration of {label!r} is not a slope above 0 and a shift",
        )


def _check_conditional_thresholds(entries: Any, labels: list[str]) -> None:
    _require(
        isinstance(entries, dict) and len(entries) > 0,
        "conditional_thresholds is not an object of labels",
    )
    known = set(labels)
    for label, entry in entries.items():
        where = f"conditional_thresholds of {label!r}"
        _require(label in known, f"{where}: not a label")
        _require(
            isinstance(entry, dict) and set(entry) == {"given", "absent", "present"},
            f"{where}: the keys are not given, absent and present",
        )
        given, pair = entry["given"], [entry["absent"], entry["present"]]
        _require(
            isinstance(given, str) and given in known and given != label,
            f"{where}: given is not another label",
        )
        _require(
            _are_thresholds(pair, 2, allow_null=True) and pair != [None, None],
            f"{where}: absent and present are not numbers from 0 to 1 (one of them may be null)",
        )


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise InvalidMetadataError(message)


def is_row_name(name: object) -> bool:
    """Return whether this can name the rows of a catalog: letters, spaces and hyphens in a line."""
    return (
        isinstance(name, str)
        and 0 < len(name) <= MAX_ROW_NAME_CHARACTERS
        and name == name.strip()
        and all(character.isalpha() or character in " -'" for character in name)
        and name[0].isalpha()
    )


def _are_thresholds(values: object, count: int, allow_null: bool = False) -> bool:
    return (
        isinstance(values, list)
        and len(values) == count
        and all(
            (allow_null and value is None) or (_is_number(value) and 0 <= value <= 1)
            for value in values
        )
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
