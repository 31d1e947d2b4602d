"""Predicted genres for a DataFrame of Spark, computed by its executors.

Nothing heavy is imported at the top: executors import this module before they know how many threads
a task may use.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Unpack

from genre_batch.errors import ColumnError, UsageError
from genre_batch.extras import require_extra
from genre_batch.tagging.keywords import TableOptions, with_keywords

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

    from genre_batch.model.metadata import ModelFile
    from genre_batch.model.tagger import GenreTagger

__all__ = ["tag"]


@with_keywords(TableOptions)
def tag(
    df: DataFrame,
    *,
    model: str | os.PathLike[str] | GenreTagger | None = None,
    **options: Unpack[TableOptions],
) -> DataFrame:
    """Append predicted genres to a DataFrame of Spark, lazily; the values are those of `tag_table`.

    The model is read on the driver, and shipped to the executors once. Columns, their nullability
    and their metadata stay as they are. The metadata of `output_column` name the model.

    Args:
        df: a DataFrame of Spark 4, also a streaming one.
        model: a path on the driver, or a `GenreTagger`; None: as in `tag_table`.
            `genre_map` is a path on the driver, too.
        **options: the keywords of `TableOptions`. `threads` are those of each task; None: its cores
            (`spark.task.cpus`, 1 by default).

    Raises:
        MissingExtraError: pyspark is not installed.
        UsageError: `df` is not a DataFrame of Spark, an argument is invalid, or there is no such
            model.
        ColumnError: a column is missing, ambiguous, already exists, or is of a type that Spark
            cannot pass to Python.
        ModelError: the model is unusable.
    """
    require_extra("genre_batch.spark.tag", "spark")
    if isinstance(df, type) or not hasattr(df, "mapInArrow"):
        advice = "use genre_batch.tag_table for tables of other libraries"
        if hasattr(df, "to_spark"):
            advice = "pass df.to_spark(), and call pandas_api() on the result"
        raise UsageError(f"`df` must be a DataFrame of Spark, got {type(df).__name__}: {advice}")
    from genre_batch.model.tagger import GenreTagger
    from genre_batch.tagging.job import tag_job
    from genre_batch.tagging.tables import TableTagger

    if isinstance(model, GenreTagger):
        job, tagger = tag_job(**options), model
    else:
        job = tag_job(model=model, **options)
        tagger = GenreTagger.load(job.model, lazy=True)
    table = TableTagger(job, tagger)
    if job.replace:
        df = _without_other_spellings(df, table.names)
    kept = _find_columns(df, table)
    schema = _schema(df, kept, table)
    options["genre_map"] = None  # a file of the driver
    names = tuple(df.columns)
    model_file = _shipped(df, tagger.file)
    tagging = _Tagging(model_file, tagger.sha256, asdict(table.written), names, options)
    # Spark finds its columns by their names, in which a dot means a field.
    df = df.toDF(*[f"column_{number}" for number in range(len(names))])
    try:
        return df.mapInArrow(tagging, schema)
    except (NotImplementedError, ValueError) as error:
        raise _unsupported_error(df, names) from error


def _find_columns(df: DataFrame, table: Any) -> tuple[str, ...]:
    """Find the columns; return those that stay.

    Raises:
        ColumnError: a column is missing, ambiguous, already exists or holds no text.
    """
    import pyarrow as pa

    from genre_batch.catalog.columns import column_exists_error, no_text_error
    from genre_batch.tagging.frames import check_names

    check_names(df.columns, "`df`")
    kept: tuple[str, ...] = table.start(pa.schema([(name, pa.null()) for name in df.columns]))
    if _ignores_case(df):
        spellings = {name.lower(): name for name in kept}
        for name in table.names:
            if spellings.get(name.lower(), name) != name:
                raise column_exists_error(spellings[name.lower()])
    for name, parameter in table.required_texts.items():
        kind = df.schema[name].dataType.simpleString()
        if kind not in ("string", "binary", "void") and not kind.startswith(("char(", "varchar(")):
            raise no_text_error(name, kind, parameter)
    return kept


def _ignores_case(df: DataFrame) -> bool:
    return bool(df.sparkSession.conf.get("spark.sql.caseSensitive", "false") != "true")


def _without_other_spellings(df: DataFrame, names: Sequence[str]) -> DataFrame:
    """Leave out columns that only differ in case from those that replace them, as Spark sees it."""
    if not _ignores_case(df):
        return df
    ours = {name.lower() for name in names}
    others = [name for name in df.columns if name.lower() in ours and name not in names]
    return df.drop(*others) if others else df


def _schema(df: DataFrame, kept: Sequence[str], table: Any) -> Any:
    """Return the schema of the result, a StructType."""
    import pyarrow as pa
    from pyspark.sql.types import ArrayType, FloatType, StringType, StructField, StructType

    fields = {field.name: field for field in df.schema if field.name in kept}
    for field in table.empty.schema:
        is_genres = pa.types.is_list(field.type)
        fields[field.name] = StructField(
            field.name,
            ArrayType(StringType()) if is_genres else FloatType(),
            True,
            table.schema_metadata if is_genres else None,
        )
    return StructType(list(fields.values()))


def _unchanged(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    return batches


def _unsupported_error(df: DataFrame, names: Sequence[str]) -> ColumnError:
    """Return the error for a DataFrame with a column that Spark cannot pass to Python."""
    from pyspark.sql.types import StructType

    for field, name in zip(df.schema, names, strict=True):
        try:
            df.select(field.name).mapInArrow(_unchanged, StructType([field]))
        except (NotImplementedError, ValueError):
            return ColumnError(
                f"Spark cannot pass the column {name!r} of type {field.dataType.simpleString()} to "
                f"Python: drop it, or cast it to a string first"
            )
    return ColumnError("Spark cannot pass the columns of `df` to Python: select fewer")


@dataclass(frozen=True)
class _Value:
    """A value that travels with the task, where Spark has no broadcast (Spark Connect)."""

    value: ModelFile


def _shipped(df: DataFrame, file: ModelFile) -> Any:
    """Return a holder of the model, whose `value` an executor reads."""
    from pyspark.errors import PySparkException

    try:
        return df.sparkSession.sparkContext.broadcast(file)
    except (AttributeError, NotImplementedError, PySparkException):
        return _Value(file)


_TAGGERS: dict[tuple[str, int], GenreTagger] = {}
"""The loaded models of this process, by hash and threads: Spark uses its workers for many tasks."""


@dataclass(frozen=True)
class _Tagging:
    """The function that the executors call, once for each partition.

    Attributes:
        model: a holder of the model file.
        sha256: the model's hash.
        written: the fields of the `WrittenNames`, because a class of its module imports libraries.
        names: of the columns, whose batches have other names.
        options: as in `batch_tagger`.
    """

    model: Any
    sha256: str
    written: dict[str, Any]
    names: tuple[str, ...]
    options: TableOptions

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        first = next(batches, None)
        if first is None:
            return
        tagger = self._tagger()
        from genre_batch.tagging.tables import batch_tagger
        from genre_batch.tagging.written_names import WrittenNames

        options: TableOptions = {**self.options, "threads": None}
        names = list(self.names)
        first = first.rename_columns(names)
        table = batch_tagger(first.schema, tagger, WrittenNames(**self.written), **options)
        yield table.tag(first)
        for batch in batches:
            yield table.tag(batch.rename_columns(names))

    def _tagger(self) -> GenreTagger:
        threads = self.options.get("threads") or _task_cores()
        key = self.sha256, threads
        if key not in _TAGGERS:
            # The tokenizer and polars would take every core of the machine in each worker.
            for variable in ("RAYON_NUM_THREADS", "POLARS_MAX_THREADS"):
                os.environ.setdefault(variable, str(threads))
            from genre_batch.model.tagger import GenreTagger

            _TAGGERS[key] = GenreTagger(self.model.value, threads)
        return _TAGGERS[key]


def _task_cores() -> int:
    from pyspark import TaskContext

    context = TaskContext.get()
    return max(1, context.cpus()) if context is not None else 1
