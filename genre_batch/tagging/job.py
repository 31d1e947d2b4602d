"""What to tag and how, as one value."""

from __future__ import annotations

from dataclasses import dataclass, field
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
    from_flat_options,
    integer,
    one_of,
    size_in_bytes,
)

__all__ = [
    "DEFAULT_CACHE_BYTES",
    "GENRES_COLUMN",
    "OFF",
    "EngineOptions",
    "RunOptions",
    "TagJob",
    "tag_job",
]

DEFAULT_CACHE_BYTES = 10 * 10**9
GENRES_COLUMN = "predicted_genres"
OFF = "off"
"""The `split_size` with which no input is cut."""


@dataclass(frozen=True)
class EngineOptions(Checked):
    """Where to write the outputs of a folder, which of them, and what to do if one fails.

    The fields are as in `TagOptions`.
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
        if self.shard is not None and self.engine != "local":
            raise UsageError(
                f"`shard` and `engine` {self.engine} cannot be used together: the engine "
                f"distributes the parts itself: leave `shard` out"
            )
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


@dataclass(frozen=True, kw_only=True)
class RunOptions(Checked):
    """How to run a model over a catalog, whatever is written; the fields are as in `TagOptions`."""

    resume: bool = field(default=True, metadata=FLAG)
    force: bool = field(default=False, metadata=FLAG)
    cache: StrPath | None = field(default=None, metadata=STRING)
    cache_size: int = field(default=DEFAULT_CACHE_BYTES, metadata=integer(1))
    threads: int | None = field(default=None, metadata=integer(1))
    limit: int | None = field(default=None, metadata=integer(0))
    summary_json: StrPath | None = field(default=None, metadata=STRING)
    profile: bool = field(default=False, metadata=FLAG)


@dataclass(frozen=True)
class TagJob(RunOptions):
    """The options of one tagging run.

    Attributes:
        sources: files, globs, folders, URLs, or `-` for stdin.
        output: a file or URL; a folder (an existing one, or a name that ends with a slash) for one
            output per input; None for stdout.
        reading: how to read the inputs.
        writing: how to write the outputs.
        running: which outputs of a folder to write, and what to do if one of them fails.
        model: an exported .onnx, `default` or `fast`; None: `$GENRE_BATCH_MODEL`, then `default`.
        decision: how probabilities become genres.

    The others are as in `TagOptions`.

    Raises:
        UsageError: a value is out of range, or two options cannot be used together.
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

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.output_column.strip():
            raise UsageError("`output_column` must not be empty: leave it out for predicted_genres")
        if self.only_language is not None:
            object.__setattr__(self, "only_language", check_language(self.only_language))


def tag_job(**options: Any) -> TagJob:
    """Create a job from flat options, as the command line and `tag_catalog` have them.

    Args:
        options: the fields of `TagJob`, and those of its `ReadingOptions`, `WritingOptions`,
            `EngineOptions` and `Decision`.

    Raises:
        UsageError: a value is out of range, or two options cannot be used together.
        TypeError: there is no such field.
    """
    return from_flat_options(TagJob, options)
