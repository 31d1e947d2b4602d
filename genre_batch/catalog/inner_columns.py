"""Columns that are inside another one: search indexes, document stores and APIs write such rows."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping
from typing import Any

import pyarrow as pa

from genre_batch.catalog.jq import jq_path

__all__ = ["advice_for_object", "advice_for_table"]

_DEEPEST = 3
_DYNAMODB_TEXT = "S"
"""The key under which DynamoDB's exports have a text: `{"overview": {"S": "..."}}`."""


def advice_for_object(row: Mapping[str, Any], names: Collection[str]) -> str:
    """Return how to move a column up that is inside another one; empty if there is none.

    Args:
        row: a JSON object.
        names: the names that the column may have, lower case.
    """
    path = _path_to(row, names)
    if not path:
        return ""
    *outer, name = path
    keys = jq_path(outer)
    query = f". + {keys} | del({jq_path(outer[:1])})"
    value: Any = row
    for key in path:
        value = value[key]
    if isinstance(value, Mapping) and set(value) == {_DYNAMODB_TEXT}:
        query = f"{keys} | map_values(.[])"
    return f"{_found(outer, name)}: jq -c {shlex.quote(query)} FILE > rows.jsonl"


def advice_for_table(schema: pa.Schema, names: Collection[str]) -> str:
    """Return how to move a column up that is a field of a struct; empty if there is none.

    Args:
        schema: of a table.
        names: the names that the column may have, lower case.
    """
    path = _path_to({field.name: _fields(field.type) for field in schema}, names)
    if not path:
        return ""
    *outer, name = path
    struct = ".".join(f'"{key}"' for key in outer)
    return (
        f"{_found(outer, name)}, for example in DuckDB: "
        f"SELECT * EXCLUDE (\"{outer[0]}\"), unnest({struct}) FROM 'FILE'"
    )


def _found(outer: list[str], name: str) -> str:
    return f"; {name!r} is inside {'.'.join(outer)!r}: move it up first"


def _fields(kind: pa.DataType) -> dict[str, Any]:
    """Return the fields of a struct, and theirs; of other types none."""
    if not pa.types.is_struct(kind):
        return {}
    return {field.name: _fields(field.type) for field in kind}


def _path_to(
    tree: Mapping[str, Any], names: Collection[str], depth: int = 1
) -> tuple[str, ...] | None:
    """Return the keys that lead to the first column with one of the names, if it is inside another.

    Args:
        tree: a JSON object, or the columns of a table and their fields.
        names: the names, lower case.
        depth: of the tree.
    """
    if any(name.strip().lower() in names for name in tree):
        return None
    inner = {key: value for key, value in tree.items() if isinstance(value, Mapping)}
    for key, value in inner.items():
        for name in value:
            if name.strip().lower() in names:
                return key, name
    for key, value in inner.items() if depth < _DEEPEST else ():
        if path := _path_to(value, names, depth + 1):
            return key, *path
    return None
