"""The schema metadata of an output: the input's, ours, and what other tools need to see ours."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

__all__ = ["with_metadata"]

_SPARK = b"org.apache.spark.sql.parquet.row.metadata"
"""Spark reads its own schema from here, and not the file's, so a column that is not in it does not
exist for Spark (ParquetFileFormat.readSchemaFromFooter)."""
_STALE = (b"parquet.avro.schema", b"avro.schema", b"iceberg.schema")
"""Readers that prefer these schemas to the file's would not see our columns."""


def with_metadata(schema: pa.Schema, ours: Mapping[str, str]) -> pa.Schema:
    """Return a schema with its metadata and ours, in which other tools see all its columns.

    Spark's schema gets the columns that it lacks. It is left out if that is impossible, and so are
    the schemas of Avro and Iceberg: the readers then take the file's own.
    """
    metadata = {key: value for key, value in (schema.metadata or {}).items() if key not in _STALE}
    if _SPARK in metadata:
        spark = _spark_schema(metadata.pop(_SPARK), schema)
        if spark is not None:
            metadata[_SPARK] = spark
    metadata.update({key.encode(): value.encode() for key, value in ours.items()})
    return schema.with_metadata(metadata)


def _spark_schema(text: bytes, schema: pa.Schema) -> bytes | None:
    """Return Spark's schema with every column of the file; None if one has no Spark type."""
    try:
        spark = json.loads(text)
        known = {field["name"]: field for field in spark["fields"]}
    except (ValueError, TypeError, KeyError):
        return None
    fields = []
    for field in schema:
        kind = _spark_type(field.type)
        described = known.get(field.name)
        if described is None or (kind is not None and not _is_alike(described, kind)):
            if kind is None:
                return None
            described = {"name": field.name, "type": kind, "nullable": True, "metadata": {}}
        fields.append(described)
    return json.dumps({**spark, "fields": fields}, separators=(",", ":")).encode()


def _is_alike(described: dict[str, Any], kind: Any) -> bool:
    """Return whether Spark's description of a column fits the type of a column we may have written.

    Only lists and strings are compared: a column of genres may replace one of text.
    """
    known = described.get("type")
    is_array = isinstance(known, dict) and known.get("type") == "array"
    return is_array == (isinstance(kind, dict) and kind.get("type") == "array")


_SPARK_TYPES = (
    (pa.types.is_boolean, "boolean"),
    (pa.types.is_int8, "byte"),
    (pa.types.is_int16, "short"),
    (pa.types.is_int32, "integer"),
    (pa.types.is_int64, "long"),
    (pa.types.is_float32, "float"),
    (pa.types.is_float64, "double"),
    (pa.types.is_string, "string"),
    (pa.types.is_large_string, "string"),
    (pa.types.is_date32, "date"),
    (pa.types.is_binary, "binary"),
)


def _spark_type(kind: pa.DataType) -> Any:
    """Return the JSON name of a type in Spark; None if none of the types that we add."""
    if pa.types.is_list(kind):
        item = _spark_type(kind.value_type)
        return item and {"type": "array", "elementType": item, "containsNull": True}
    return next((name for fits, name in _SPARK_TYPES if fits(kind)), None)
