"""The hidden folder next to an output in which an export works, and those that killed ones left."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from genre_batch.errors import TrainingError
from genre_batch.locks import lock_unused, locked
from genre_batch.options import StrPath
from genre_batch.paths import neighbor

__all__ = ["working_folder"]

_SUFFIX = ".genre-batch-export"
_LOCK = "run.lock"


@contextlib.contextmanager
def working_folder(output: StrPath) -> Iterator[Path]:
    """Return a context with a folder for temporary files, on the file system of an output.

    The folders that killed exports left beside it are removed first; those of others that still
    run are locked, and stay.

    Args:
        output: the file that will be written.

    Raises:
        TrainingError: another export is writing this output.
        OSError: the folder cannot be created.
    """
    folder = Path(neighbor(os.path.realpath(output), ".", _SUFFIX))
    _remove_abandoned(folder.parent)

    def busy(process: str) -> TrainingError:
        return TrainingError(
            f"another export (process {process}) is writing {os.fspath(output)}: wait for it, or "
            f"choose another `output`"
        )

    with locked(folder / _LOCK, busy):
        try:
            yield folder
        finally:
            for path in list(folder.iterdir()):
                if path.name != _LOCK:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()


def _remove_abandoned(folder: Path) -> None:
    """Remove the working folders that no process has locked."""
    for path in folder.glob(f".*{_SUFFIX}"):
        lock = lock_unused(path / _LOCK)
        if lock is None:
            continue
        with contextlib.suppress(OSError):
            shutil.rmtree(path)
        os.close(lock)
