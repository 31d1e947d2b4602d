"""Files, globs, folders and URLs -> the catalogs they stand for, in a settled order."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence

from genre_batch.catalog.formats import STDIO, Location, format_of, input_location
from genre_batch.catalog.rejects import REJECTS_SUFFIX
from genre_batch.catalog.remote import has_magic, is_remote, list_remote
from genre_batch.errors import UsageError

__all__ = ["find_sources", "output_names"]


def find_sources(inputs: Sequence[str], override: str | None = None) -> list[Location]:
    """The catalogs to read: as they were typed, each glob and folder in order of its names.

    A folder stands for every file beneath it whose suffix is a catalog's; hidden names, rejects,
    and names that start with an underscore, as the marks of other tools do, are passed over. A
    file that is really called `x[1].csv` is no glob.

    Args:
        inputs: files, globs, folders, URLs, or `-` for stdin.
        override: the value of `--input-format`; a folder is then every file beneath it.

    Raises:
        UsageError: no such file, an unknown suffix, or nothing to read.
    """
    found: list[Location] = []
    for path in inputs:
        names = [path] if path == STDIO else _expanded(path, override)
        if not names:
            raise UsageError(f"nothing to read: {path} holds no catalog")
        found.extend(input_location(name, override) for name in names)
    if len(found) > 1 and any(location.is_stdio for location in found):
        raise UsageError("stdin can only be read alone: name files, or - without them")
    return found


def _expanded(path: str, override: str | None) -> list[str]:
    if is_remote(path):
        listed = list_remote(path)
        if listed is None:
            return [path]
        return listed if has_magic(path) else [one for one in listed if _is_catalog(one, override)]
    if os.path.isdir(path):
        return [name for name in _beneath(path) if _is_catalog(name, override)]
    if not os.path.exists(path) and has_magic(path):
        names = sorted(glob.glob(path, recursive=True))
        return [name for name in names if not os.path.isdir(name)]
    return [path]


def _is_catalog(path: str, override: str | None) -> bool:
    """Whether a file of a folder is one of its catalogs."""
    if os.path.basename(path).startswith((".", "_")) or path.endswith(REJECTS_SUFFIX):
        return False
    return override is not None or format_of(path)[0] is not None


def _beneath(folder: str) -> Iterator[str]:
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "_")))
        yield from (os.path.join(parent, name) for name in sorted(files))


def output_names(locations: Sequence[Location]) -> list[str]:
    """What to call each catalog's output in one folder: its own path below what they all share.

    Raises:
        UsageError: two would be called the same.
    """
    paths = [location.path for location in locations]
    if len(paths) == 1:
        return [os.path.basename(paths[0])]
    if len({is_remote(path) for path in paths}) > 1:
        raise UsageError("files and URLs cannot share an output folder: tag them apart")
    absolute = [
        path.partition("://")[2] if is_remote(path) else os.path.abspath(path) for path in paths
    ]
    shared = os.path.commonpath([os.path.dirname(path) for path in absolute])
    names = [path[len(shared) :].lstrip("/") for path in absolute]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f"{twice} is named twice: each input can have one output")
    return names
