"""Files of genre names: maps of them, and the names of genres that a catalog has only ids of."""

from __future__ import annotations

import os

from genre_batch.errors import CatalogError
from genre_batch.failures import reason_of
from genre_batch.files import read_input
from genre_batch.options import StrPath

__all__ = ["read_name_file"]


def read_name_file(path: StrPath, parameter: str) -> str:
    """Return the text of a file of genre names: UTF-8, with or without a byte order mark.

    Args:
        path: the file.
        parameter: the parameter that names it, for messages.

    Raises:
        UsageError: there is no such file, or it is a folder.
        CatalogError: it cannot be read, or is not UTF-8.
    """
    file = os.fspath(path)
    content = read_input(
        file,
        missing=f"no such file: {file}: `{parameter}` names one",
        wanted="a file of genre names",
        unreadable=lambda error: CatalogError(
            f"cannot read {file} of `{parameter}`: {reason_of(error)}"
        ),
    )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise CatalogError(
            f"{file} of `{parameter}`, line {line}: not UTF-8: save it as UTF-8 text"
        ) from error
