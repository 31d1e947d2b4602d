"""The keywords of the functions that tag: their names, types and defaults, each written once.

Nothing heavy is imported: executors of Spark and Ray import this module before they know how many
threads a task may use.
"""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable, Sequence
from typing import Any, TypedDict, TypeVar, cast

__all__ = ["TableOptions", "TagOptions", "with_keywords"]

_Function = TypeVar("_Function", bound=Callable[..., Any])

_DEFAULTS = {
    "calibrated": False,
    "output_column": "predicted_genres",
    "probabilities": False,
    "replace": False,
    "no_aliases": False,
    "encoding": "utf-8",
    "no_hive": False,
    "quote": '"',
    "skip_lines": 0,
    "infer_types": False,
    "strict": False,
    "separator": ", ",
    "resume": True,
    "force": False,
    "cache_size": 10 * 10**9,
    "profile": False,
    "engine": "local",
}
"""Keyword -> default; those of the others are None."""


class TableOptions(TypedDict, total=False):
    """Keywords of every function that tags; `tag_table`, `spark.tag` and others have no others.

    Attributes:
        text_column, title_column: None: the column that the model was trained on, if the data have
            it, else the first column with a usual name.
        threshold, operating_point, top_k, min_k, exclude_genres, calibrated: as in `Decision`.
        output_column: the name of the added column of genres.
        genre_map: a file that maps the names of the output to the model's genres, which are then
            written by these names; None: the model's names.
        no_aliases: the map must name the model's genres by their own names, not by aliases.
        probabilities: also add one column per genre, but not for excluded genres.
        only_missing: only predict rows where this column is null, blank or an empty list.
        only_language: a code of ISO 639-1: rows whose text is in another language get null. Texts
            that say too little, such as a few names, are predicted. None: all rows are; those in
            other languages than the model's are counted, and warned of, except by `spark.tag`.
        replace: replace predicted columns that the data already have; old probabilities are left
            out unless `probabilities` replaces them.
        null_values: the texts that mean null, as a sequence or joined by commas.
        threads: the number of batches that run in parallel; None: the available cores, which are
            those of a task in Spark, and those that are reserved for a worker in Ray.
    """

    text_column: str | None
    title_column: str | None
    threshold: float | None
    operating_point: str | None
    top_k: int | None
    min_k: int | None
    exclude_genres: str | Sequence[str] | None
    calibrated: bool
    output_column: str
    genre_map: str | os.PathLike[str] | None
    no_aliases: bool
    probabilities: bool
    only_missing: str | None
    only_language: str | None
    replace: bool
    null_values: str | Sequence[str] | None
    threads: int | None


class TagOptions(TableOptions, total=False):
    """Keywords of `tag_catalog`: those of `TableOptions`, and these.

    Attributes:
        input_format, delimiter, encoding, quote, escape, skip_lines, no_hive, infer_types, rejects,
            strict: as in `ReadingOptions`.
        output_format, output_delimiter, output_encoding, separator: as in `WritingOptions`.
        resume: use what an interrupted run left.
        force: overwrite an existing output.
        cache: a folder that keeps probabilities across runs.
        cache_size: the maximum size of the cache, in bytes.
        limit: the number of rows to read, from the first one and over all inputs; None: all.
        summary_json: a file for the run's summary; None: no file.
        profile: also gather a profile of the catalog (`TagSummary.profile`).
        engine: where the outputs of a folder are written: `local`, this machine, or `ray`, a Ray
            cluster.
        address: the cluster's HOST:PORT; `auto` for the one that this machine belongs to; `local`
            to start one here; None: `$RAY_ADDRESS`, then `auto`. Only with `ray`.
        shard: `K/N` for every Nth part from the Kth on, counted from 0; `auto` for what a Slurm,
            Kubernetes or AWS Batch array sets it in the environment; None: all parts.
        split_size: the bytes above which an input is cut into several parts, also as text such as
            64MB; `off`: no input is cut. None: as the job was begun, else off, and 64MB where
            several machines write the parts.
        keep_going: whether the other parts are written after one failed; None: unless `strict`.
    """

    input_format: str | None
    delimiter: str | None
    encoding: str
    quote: str
    escape: str | None
    skip_lines: int
    no_hive: bool
    infer_types: bool
    rejects: str | os.PathLike[str] | None
    strict: bool
    output_format: str | None
    output_delimiter: str | None
    output_encoding: str | None
    separator: str
    resume: bool
    force: bool
    cache: str | os.PathLike[str] | None
    cache_size: int
    limit: int | None
    summary_json: str | os.PathLike[str] | None
    profile: bool
    engine: str
    address: str | None
    shard: str | None
    split_size: int | str | None
    keep_going: bool | None


def with_keywords(keywords: type) -> Callable[[_Function], _Function]:
    """Return a decorator for a function whose `**options` are the keys of a TypedDict.

    The function refuses other names, and its run-time signature has a keyword with its default for
    each key, for `help()`, notebooks and the reference. Type checkers read `Unpack[...]`.

    Args:
        keywords: a TypedDict of this module.
    """

    def decorate(function: _Function) -> _Function:
        signature = inspect.signature(function)
        parameters = {
            name: parameter
            for name, parameter in signature.parameters.items()
            if parameter.kind is not parameter.VAR_KEYWORD
        }
        for name, kind in keywords.__annotations__.items():
            parameters[name] = inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=_DEFAULTS.get(name),
                annotation=getattr(kind, "__forward_arg__", kind),
            )

        @functools.wraps(function)
        def checked(*args: Any, **options: Any) -> Any:
            for name in options:
                if name not in parameters:
                    raise TypeError(
                        f"{function.__qualname__}() got an unexpected keyword argument {name!r}"
                    )
            return function(*args, **options)

        checked.__dict__["__signature__"] = signature.replace(parameters=[*parameters.values()])
        return cast(_Function, checked)

    return decorate
