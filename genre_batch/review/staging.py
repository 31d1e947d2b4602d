"""Outputs of a folder that appear together, once all of them are complete."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from genre_batch.catalog.formats import Location
from genre_batch.catalog.remote import is_remote
from genre_batch.errors import CatalogError
from genre_batch.failures import reason_of
from genre_batch.files import rename_into_place
from genre_batch.locks import locked
from genre_batch.paths import side_folder

__all__ = ["staged"]

_TEMPORARY = "temporary"
"""The folder that `tag` has next to an output folder too, with its lock."""


@contextlib.contextmanager
def staged(folder: str | None, targets: Sequence[Location]) -> Iterator[list[Location]]:
    """Yield where to write each output; they get their names if the block succeeds.

    So a folder may be replaced by its corrected self: no file of it changes before all outputs are
    complete. In cloud storage, each output gets its name as soon as it is complete.

    Args:
        folder: the folder of the outputs; None: there is one, which is written as it is.
        targets: the outputs.

    Raises:
        CatalogError: another run writes to the folder, or it cannot be written.
    """
    if folder is None or is_remote(folder):
        yield list(targets)
        return

    def busy(process: str) -> CatalogError:
        return CatalogError(
            f"another run (process {process}) is writing {folder}: wait for it, or choose another "
            f"`output`"
        )

    temporary = Path(side_folder(folder), _TEMPORARY)
    place = temporary / "apply"
    with _errors(folder), locked(temporary / "run.lock", busy):
        try:
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
            moved = [
                replace(target, path=str(place / str(number)))
                for number, target in enumerate(targets)
            ]
            yield moved
            for source, target in zip(moved, targets, strict=True):
                os.makedirs(os.path.dirname(target.path), exist_ok=True)
                rename_into_place(source.path, target.path)
        finally:
            shutil.rmtree(place, ignore_errors=True)


@contextlib.contextmanager
def _errors(folder: str) -> Iterator[None]:
    """Raise errors of the system as a `CatalogError` that names the folder."""
    try:
        yield
    except OSError as error:
        raise CatalogError(f"cannot write {folder}: {reason_of(error)}") from error
