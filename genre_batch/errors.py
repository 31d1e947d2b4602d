"""The exceptions of this package, with the exit codes that the command line uses for them.

    GenreBatchError              1   error: base class of all the others
    ├── UsageError               2   usage error: invalid options, unknown suffix, missing file
    │   └── MissingExtraError    2   optional packages of a command are not installed
    ├── CatalogError             1   a catalog cannot be read or written
    │   ├── ColumnError          1   a column is missing, ambiguous or already exists
    │   └── OutputExistsError    1   the output exists and overwriting was not requested
    ├── ModelError               1   an ONNX file is not a genre-batch model, or is damaged
    └── TrainingError            1   training data or a run folder cannot be used

A message is one line: what is wrong, where, and what to type next. Names of parameters are in
backticks (`top_k`), because Python users pass keywords. The command line replaces them with the
names of its options (--top-k; cli/group.py).
"""

from __future__ import annotations

import copyreg

TYPE_CHECKING = False  # `typing` takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "CatalogError",
    "ColumnError",
    "GenreBatchError",
    "GenreBatchWarning",
    "MissingExtraError",
    "ModelError",
    "OutputExistsError",
    "TrainingError",
    "UsageError",
    "counted",
    "counted_rows",
    "first_line",
]


def counted(count: int, noun: str) -> str:
    """Return a number and its noun, in the plural unless the number is 1: `1 row`, `2,000 rows`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def counted_rows(count: int, row_name: str) -> str:
    """Return a number of rows by a model's name for them, which is a plural: `2,000 papers`."""
    if count != 1:
        return f"{count:,} {row_name}"
    singular = row_name.removesuffix("s")
    if row_name.endswith("ies") and row_name != "movies":
        singular = row_name.removesuffix("ies") + "y"
    elif row_name.endswith(("sses", "shes", "ches", "xes")):
        singular = row_name.removesuffix("es")
    return f"1 {singular}"


class GenreBatchError(Exception):
    """Base class of all errors; the command line exits with `exit_code`.

    Errors can be pickled and copied: they keep their message, notes and attributes.
    """

    exit_code = 1

    def __reduce__(self) -> tuple[Any, ...]:
        # The default calls the class with the finished message, but some take parts of it.
        create = copyreg.__newobj__  # type: ignore[attr-defined]
        return create, (type(self), *self.args), self.__dict__


class UsageError(GenreBatchError):
    """An option or argument is invalid, a suffix is unknown, or a file does not exist."""

    exit_code = 2


class MissingExtraError(UsageError):
    """A command needs optional packages that are not installed."""

    def __init__(self, what: str, extra: str, missing: str) -> None:
        """Create the message.

        Args:
            what: the command or function that needs the packages.
            extra: the extra that installs them.
            missing: the first package that is missing.
        """
        super().__init__(
            f"{what} needs the extra '{extra}' ({missing} is not installed): "
            f"pip install 'genre-batch[{extra}]'"
        )


class CatalogError(GenreBatchError):
    """A catalog cannot be read or written."""


class ColumnError(CatalogError):
    """A column is missing, ambiguous or already exists."""


class OutputExistsError(CatalogError):
    """The output exists, and overwriting was not requested."""

    def __init__(self, path: object, name: str = "`output`") -> None:
        """Create the message.

        Args:
            path: what exists.
            name: the parameter that names it, in backticks.
        """
        super().__init__(f"{path} exists: add `force` to overwrite it, or choose another {name}")


class ModelError(GenreBatchError):
    """An ONNX file is not a genre-batch model, or is damaged."""


class TrainingError(GenreBatchError):
    """Training data, a split or a run folder cannot be used."""


class GenreBatchWarning(UserWarning):
    """Something that the user should know, although the run continues.

    Like an error, it is one line with parameters in backticks. The command line prints it as it
    occurs; in Python it is an ordinary warning.
    """


def first_line(error: BaseException) -> str:
    """Return the first non-empty line of an error's message, or its type if there is none."""
    lines = (line.strip() for line in str(error).splitlines())
    return next((line for line in lines if line), type(error).__name__)
