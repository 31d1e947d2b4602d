"""Expand files, globs, folders and URLs into the catalogs they name, in a fixed order."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Iterator, Sequence

from genre_batch.catalog.formats import STDIO, Location, format_of, input_location
from genre_batch.catalog.rejects import REJECTS_SUFFIX
from genre_batch.catalog.remote import has_magic, is_remote, list_remote
from genre_batch.errors import UsageError

__all__ = ["find_sources", "output_names"]


def find_sources(inputs: Sequence[str], override: str | None = None) -> list[Location]:
    """Find the catalogs to read, in the given order; each glob and folder is sorted by name.

    A folder means every file below it with a catalog's suffix. Hidden files, rejects files and
    names that start with an underscore (markers of other tools) are skipped. An existing file
    named `x[1].csv` is not treated as a glob.

    Args:
        inputs: files, globs, folders, URLs, or `-` for stdin.
        override: a format for all files, whatever their suffix; a folder then means every file
            below it.

    Raises:
        UsageError: there is no such file, its suffix is unknown, or there is nothing to read.
    """
    locations: list[Location] = []
    for path in inputs:
        names = [path] if path == STDIO else _expanded(path, override)
        if not names:
            raise UsageError(f"nothing to read: {path} contains no catalog")
        locations.extend(input_location(name, override) for name in names)
    if len(locations) > 1 and any(location.is_stdio for location in locations):
        raise UsageError("stdin can only be read alone: name either files or -")
    return locations


def _expanded(path: str, override: str | None) -> list[str]:
    if is_remote(path):
        listed = list_remote(path)
        if listed is None:
            return [path]
        return (
            listed if has_magic(path) else [name for name in listed if _is_catalog(name, override)]
        )
    if os.path.isdir(path):
        return [name for name in _files_below(path) if _is_catalog(name, override)]
    if not os.path.exists(path) and has_magic(path):
        names = sorted(glob.glob(path, recursive=True))
        return [name for name in names if not os.path.isdir(name)]
    return [path]


def _is_catalog(path: str, override: str | None) -> bool:
    """Return whether a file in a folder is a catalog."""
    if os.path.basename(path).startswith((".", "_")) or path.endswith(REJECTS_SUFFIX):
        return False
    return override is not None or format_of(path)[0] is not None


def _files_below(folder: str) -> Iterator[str]:
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "_")))
        yield from (os.path.join(parent, name) for name in sorted(files))


def output_names(locations: Sequence[Location]) -> list[str]:
    """Return a relative output name for each catalog: its path below their common folder.

    Raises:
        UsageError: two catalogs have the same name, or files are mixed with URLs.
    """
    paths = [location.path for location in locations]
    if len(paths) == 1:
        return [os.path.basename(paths[0])]
    if len({is_remote(path) for path in paths}) > 1:
        raise UsageError("files and URLs cannot share an output folder: tag them in separate runs")
    absolute = [
        path.partition("://")[2] if is_remote(path) else os.path.abspath(path) for path in paths
    ]
    common = os.path.commonpath([os.path.dirname(path) for path in absolute])
    names = [path[len(common) :].lstrip("/") for path in absolute]
    name, count = Counter(names).most_common(1)[0]
    if count > 1:
        raise UsageError(f"duplicate input {name}: name each file once")
    return names
