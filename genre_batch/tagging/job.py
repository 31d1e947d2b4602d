"""What to tag and how, as one value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from genre_batch.catalog.formats import STDIO
from genre_batch.catalog.options import ReadingOptions, WritingOptions
from genre_batch.errors import UsageError
from genre_batch.model.decision import Decision
from genre_batch.model.language import check_language
from genre_batch.options import (
    FLAG,
    STRING,
    STRINGS,
    Checked,
    StrPath,
    integer,
    one_of,
    size_in_bytes,
)

__all__ = ["DEFAULT_CACHE_BYTES", "GENRES_COLUMN", "OFF", "EngineOptions", "TagJob", "tag_job"]

DEFAULT_CACHE_BYTES = 10 * 10**9
GENRES_COLUMN = "predicted_genres"
OFF = "off"
"""The `split_size` with which no input is cut."""


@dataclass(frozen=True)
class EngineOptions(Checked):
    """Where to write the outputs of a folder, which of them, and what to do if one fails.

    Attributes:
        engine: `local`, this machine, or `ray`, a Ray cluster.
        address: the cluster's HOST:PORT; `auto` for the one that this machine belongs to; `local`
            to start one here; None: `$RAY_ADDRESS`, then `auto`. Only with `ray`.
        shard: `K/N` for every Nth part from the Kth on, counted from 0; `auto` for what a Slurm,
            Kubernetes or AWS Batch array sets it in the environment; None: all parts.
        split_size: the bytes above which an input is cut into several parts, also as text such as
            64MB; `off`: no input is cut. None: as the job was begun, else off, and 64MB where
            several machines write the parts.
        keep_going: whether the other parts are written after one failed; None: unless `strict`.
    """

    engine: str = field(default="local", metadata=one_of("local", "ray"))
    address: str | None = field(default=None, metadata=STRING)
    shard: str | None = field(default=None, metadata=STRING)
    split_size: int | str | None = None
    keep_going: bool | None = field(default=None, metadata=FLAG)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.address is not None and self.engine != "ray":
            raise UsageError("`address` is for a Ray cluster: add `engine` ray")
        if self.shard is not None and self.engine == "ray":
            raise UsageError("`shard` and `engine` ray exclude each other: Ray spreads the parts")
        if self.split_size is not None:
            object.__setattr__(self, "split_size", _split_size(self.split_size))

    @property
    def is_shared(self) -> bool:
        """Whether several machines write the parts."""
        return self.shard is not None or self.engine != "local"


def _split_size(size: int | str) -> int | str:
    """Return the bytes above which an input is cut, or `off`.

    Raises:
        UsageError: it is neither a size nor `off`.
    """
    if isinstance(size, str):
        return OFF if size.lower() == OFF else size_in_bytes("split_size", size)
    bytes_: int = integer(1)["allowed"].check("split_size", size)
    return bytes_


@dataclass(frozen=True)
class TagJob(Checked):
    """The options of one tagging run.

    Attributes:
        sources: files, globs, folders, URLs, or `-` for stdin.
        output: a file or URL; a folder (an existing one, or a name that ends with a slash) for one
            output per input; None for stdout.
        reading: how to read the inputs.
        writing: how to write the outputs.
        running: which outputs of a folder to write, and what to do if one of them fails.
        model: an exported .onnx, `default` or `fast`; None: `$GENRE_BATCH_MODEL`, then `default`.
        text_column, title_column: None: the column that the model was trained on, if the catalog
            has it, else the first column with a usual name (catalog/columns.py).
        decision: how probabilities become genres.
        output_column: the name of the added column of genres.
        genre_map: a file that maps the names of the output to the model's genres
            (catalog/genre_map.py), which are then written by these names; None: the model's names.
        no_aliases: the map must name the model's genres by their own names, not usual other ones.
        probabilities: also write one column per genre, but not for excluded genres.
        only_missing: only predict rows where this column is null, "" or [].
        only_language: a code of ISO 639-1: rows whose text is in another language get null. Texts
            that say too little, such as a few names, are predicted. None: all rows are; those in
            other languages than the model's are counted, and warned of.
        replace: replace predicted columns that the input already has; old probabilities are left
            out unless `probabilities` replaces them.
        resume: use what an interrupted run left.
        force: overwrite an existing output.
        cache: a folder that keeps probabilities across runs.
        cache_size: the maximum size of the cache, in bytes.
        threads: the number of batches that run in parallel; None: the available cores.
        limit: the number of rows to tag, from the first one and over all inputs; None: all.
        summary_json: a file for the run's summary; None: no file.
        profile: also gather a profile of the catalog (`TagSummary.profile`), for a page.

    Raises:
        UsageError: a value is out of range, or two options exclude each other.
    """

    sources: tuple[StrPath, ...] = field(default=(STDIO,), metadata=STRINGS)
    output: StrPath | None = field(default=None, metadata=STRING)
    reading: ReadingOptions = field(default_factory=ReadingOptions)
    writing: WritingOptions = field(default_factory=WritingOptions)
    running: EngineOptions = field(default_factory=EngineOptions)
    model: StrPath | None = field(default=None, metadata=STRING)
    text_column: str | None = field(default=None, metadata=STRING)
    title_column: str | None = field(default=None, metadata=STRING)
    decision: Decision = field(default_factory=Decision)
    output_column: str = field(default=GENRES_COLUMN, metadata=STRING)
    genre_map: StrPath | None = field(default=None, metadata=STRING)
    no_aliases: bool = field(default=False, metadata=FLAG)
    probabilities: bool = field(default=False, metadata=FLAG)
    only_missing: str | None = field(default=None, metadata=STRING)
    only_language: str | None = field(default=None, metadata=STRING)
    replace: bool = field(default=False, metadata=FLAG)
    resume: bool = field(default=True, metadata=FLAG)
    force: bool = field(default=False, metadata=FLAG)
    cache: StrPath | None = field(default=None, metadata=STRING)
    cache_size: int = field(default=DEFAULT_CACHE_BYTES, metadata=integer(1))
    threads: int | None = field(default=None, metadata=integer(1))
    limit: int | None = field(default=None, metadata=integer(0))
    summary_json: StrPath | None = field(default=None, metadata=STRING)
    profile: bool = field(default=False, metadata=FLAG)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.output_column.strip():
            raise UsageError("`output_column` must not be empty: leave it out for predicted_genres")
        if self.only_language is not None:
            object.__setattr__(self, "only_language", check_language(self.only_language))


def tag_job(
    *,
    threshold: float | None = None,
    operating_point: str | None = None,
    top_k: int | None = None,
    exclude_genres: str | Sequence[str] | None = None,
    min_k: int | None = None,
    calibrated: bool = False,
    **options: Any,
) -> TagJob:
    """Create a job from flat options, as the command line and `tag_catalog` have them.

    Args:
        threshold, operating_point, top_k, exclude_genres, min_k, calibrated: the job's `Decision`.
        options: the other fields of `TagJob`, and those of its `ReadingOptions`, `WritingOptions`
            and `EngineOptions`.

    Raises:
        UsageError: a value is out of range, or two options exclude each other.
        TypeError: there is no such field.
    """
    reading, writing, running = (
        {entry.name: options.pop(entry.name) for entry in fields(kind) if entry.name in options}
        for kind in (ReadingOptions, WritingOptions, EngineOptions)
    )
    return TagJob(
        reading=ReadingOptions(**reading),
        writing=WritingOptions(**writing),
        running=EngineOptions(**running),
        decision=Decision(threshold, operating_point, top_k, exclude_genres, min_k, calibrated),
        **options,
    )
