"""The one tree of exceptions, each with the exit code that the command line gives it.

    GenreBatchError              1   anything the tool itself reports
    ├── UsageError               2   wrong options, unknown suffix, missing file
    │   └── MissingExtraError    2   a command whose optional packages are not installed
    ├── CatalogError             1   a catalog that cannot be read or written
    │   ├── ColumnError          1   a column that is not there, or is there twice
    │   └── OutputExistsError    1   the output exists and --force was not given
    ├── ModelError               1   an ONNX file that is no model of ours, or is broken
    └── TrainingError            1   training data or a run folder that cannot be used

A message is one line: what is wrong, where, and what to type next. Parameters stand in backticks
(`top_k`), so that Python users read the name of the keyword; the command line puts the name of its
option there (--top-k, cli/main.py).
"""

from __future__ import annotations

__all__ = [
    "CatalogError",
    "ColumnError",
    "GenreBatchError",
    "MissingExtraError",
    "ModelError",
    "OutputExistsError",
    "TrainingError",
    "UsageError",
]


class GenreBatchError(Exception):
    """Base of every error the tool reports; `exit_code` is what the command exits with."""

    exit_code = 1


class UsageError(GenreBatchError):
    """The command was typed wrongly: an option, a suffix, a file that is not there."""

    exit_code = 2


class MissingExtraError(UsageError):
    """A command needs optional packages that are not installed."""

    def __init__(self, what: str, extra: str, missing: str) -> None:
        super().__init__(
            f"{what} needs the extra '{extra}' ({missing} is not installed): "
            f"pip install 'genre-batch[{extra}]'"
        )


class CatalogError(GenreBatchError):
    """A catalog cannot be read or written."""


class ColumnError(CatalogError):
    """A column is missing, ambiguous or already taken."""


class OutputExistsError(CatalogError):
    """The output is already there."""

    def __init__(self, path: object) -> None:
        super().__init__(f"{path} exists: add `force` to overwrite it, or choose another `output`")


class ModelError(GenreBatchError):
    """An ONNX file is not a model of ours, or is broken."""


class TrainingError(GenreBatchError):
    """Training data, a split or a run folder cannot be used."""
