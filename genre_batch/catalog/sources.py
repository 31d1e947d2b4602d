"""Expand files, globs, folders and URLs into the catalogs they name, in a fixed order."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence

from genre_batch.catalog.compression import COMPRESSIONS
from genre_batch.catalog.folders import files_below, is_hidden, matching_paths
from genre_batch.catalog.formats import STDIO, Format, Location, format_of, input_location
from genre_batch.catalog.passed_over import warn_of_passed_over, warn_of_table_log
from genre_batch.catalog.reading.json_values import holds_rows
from genre_batch.catalog.rejects import REJECTS_SUFFIX
from genre_batch.catalog.remote import has_magic, is_remote, list_remote
from genre_batch.errors import CatalogError, GenreBatchWarning, UsageError, counted

__all__ = ["check_named_once", "find_sources", "output_names", "renamed", "warn_of_repeated"]


def find_sources(inputs: Sequence[str], override: str | None = None) -> list[Location]:
    """Find the catalogs to read, in the given order; each glob and folder is sorted by name.

    A folder, named or matched by a glob, means every file below it with a catalog's suffix. Hidden
    files, rejects files and names that start with an underscore (markers of other tools) are
    skipped. An existing file named `x[1].csv` is not treated as a glob. Empty files of a folder
    or glob are skipped with a warning, except JSON Lines, which may be empty.

    Args:
        inputs: files, globs, folders, URLs, or `-` for stdin.
        override: a format for all files, whatever their suffix; a folder then means every file
            below it.

    Raises:
        UsageError: there is no such file, its suffix is unknown, or there is nothing to read.
        CatalogError: a folder cannot be listed.
    """
    if not inputs:
        raise UsageError("nothing to read: name at least one catalog")
    locations: list[Location] = []
    for path in inputs:
        names, sizes = _expanded(path, override)
        if not names:
            verb = "matches" if has_magic(path) else "contains"
            raise UsageError(f"nothing to read: {path} {verb} no catalog")
        expanded = [input_location(name, override) for name in names]
        locations.extend(expanded if names == [path] else _without_empty(expanded, path, sizes))
    if len(locations) > 1 and any(location.is_stdio for location in locations):
        raise UsageError("stdin can only be read alone: name either files or -")
    return locations


def _expanded(path: str, override: str | None) -> tuple[list[str], dict[str, int]]:
    """Return the catalogs that an input means, and the sizes of those in cloud storage."""
    if path == STDIO:
        return [path], {}
    if not is_remote(path):
        return _expanded_here(path, override), {}
    sizes = list_remote(path)
    if sizes is None:
        return [path], {}
    if has_magic(path):
        return list(sizes), sizes
    inner = {name: name[len(path.rstrip("/")) + 1 :].split("/") for name in sizes}
    warn_of_table_log(path, map("/".join, inner.values()))
    visited = [name for name, parts in inner.items() if not any(map(is_hidden, parts[:-1]))]
    return _without_others(path, visited, override), sizes


def _expanded_here(path: str, override: str | None) -> list[str]:
    if os.path.isdir(path):
        return _catalogs_below(path, override)
    if not os.path.exists(path) and has_magic(path):
        names: dict[str, None] = {}
        for name in matching_paths(path):
            if not os.path.isdir(name):
                names[name] = None
            elif not path.rstrip("/").endswith("**"):
                names.update(dict.fromkeys(_catalogs_below(name, override)))
        return list(names)
    return [path]


def _catalogs_below(folder: str, override: str | None) -> list[str]:
    """Return the catalogs below a folder; warn about .json files that hold other things."""
    files = list(files_below(folder))
    below = len(folder.rstrip("/")) + 1
    warn_of_table_log(folder, [*os.listdir(folder), *(path[below:] for path in files)])
    names: list[str] = []
    others: list[str] = []
    for name in _without_others(folder, files, override):
        (names if override is not None or _may_hold_rows(name) else others).append(name)
    if others:
        warnings.warn(
            f"skipped {counted(len(others), '.json file')} of {folder} without an array of "
            f"objects or one object per line (the first: {others[0]})",
            GenreBatchWarning,
            stacklevel=2,
        )
    return names


def _without_others(folder: str, names: Sequence[str], override: str | None) -> list[str]:
    """Return the files of a folder that are catalogs; warn about others that may be."""
    catalogs = [name for name in names if _is_catalog(name, override)]
    others = set(names).difference(catalogs)
    warn_of_passed_over(folder, [name for name in names if name in others])
    return catalogs


def _may_hold_rows(path: str) -> bool:
    """Return whether a file is a catalog by its suffix, and by its content if that is .json."""
    if ".json" not in os.path.basename(path).lower().replace(".jsonl", ""):
        return True
    location = input_location(path)
    try:
        with location.open_raw() as raw:
            return holds_rows(location.decompress(raw).read(_HEAD))
    except (OSError, ValueError, CatalogError):
        return True


def _is_catalog(path: str, override: str | None) -> bool:
    """Return whether a file in a folder is a catalog."""
    if os.path.basename(path).startswith((".", "_")) or path.endswith(REJECTS_SUFFIX):
        return False
    return override is not None or format_of(path)[0] is not None


_HEAD = 1 << 16
"""The bytes at the start of a .json file that show what it holds."""
_SMALL = 64
"""A file of more bytes than this is not empty, even if it is compressed."""


def _without_empty(
    locations: Sequence[Location], path: str, sizes: Mapping[str, int]
) -> list[Location]:
    """Return the catalogs of a folder or glob that are not empty, and warn about the others.

    Args:
        locations: the catalogs.
        path: the folder or glob.
        sizes: the sizes in bytes of those in cloud storage.

    Raises:
        UsageError: all of them are empty.
    """
    empty = [
        place for place in locations if place.format is not Format.JSONL and _is_empty(place, sizes)
    ]
    if not empty:
        return list(locations)
    if len(empty) == len(locations):
        raise UsageError(f"nothing to read: every catalog of {path} is empty")
    warnings.warn(
        f"skipped {counted(len(empty), 'empty file')} of {path} (the first: {empty[0].path})",
        GenreBatchWarning,
        stacklevel=2,
    )
    left = dict.fromkeys(locations)
    for place in empty:
        del left[place]
    return list(left)


def _is_empty(location: Location, sizes: Mapping[str, int]) -> bool:
    """Return whether a file has no byte, or is text without a character."""
    if not location.is_remote and not os.path.isfile(location.path):
        return False
    size = sizes[location.path] if location.is_remote else os.path.getsize(location.path)
    if size == 0 or size > _SMALL or not location.format.is_text:
        return size == 0
    try:
        with location.open_raw() as raw:
            content = location.decompress(raw).read(_SMALL)
    except (OSError, ValueError, CatalogError):
        return False
    return not content.strip(b"\xef\xbb\xbf\xff\xfe\r\n\t ")


def check_named_once(locations: Sequence[Location]) -> None:
    """Check that no file is named twice.

    Raises:
        UsageError: one is.
    """
    if twice := _named_twice(locations):
        raise UsageError(f"duplicate input {_both(*twice)}: name each file once")


def warn_of_repeated(locations: Sequence[Location]) -> None:
    """Warn if a file is named twice, itself, by a folder, glob or link: its rows are repeated."""
    if twice := _named_twice(locations):
        warnings.warn(
            f"{_both(*twice)} is named more than once, and so are its rows written: name each "
            f"file once",
            GenreBatchWarning,
            stacklevel=2,
        )


def _named_twice(locations: Sequence[Location]) -> tuple[str, str] | None:
    """Return the two names of a file that is named more than once; None if there is none."""
    names: dict[object, str] = {}
    for place in locations:
        path = place.path if place.is_remote else os.path.abspath(place.path)
        identity = path if place.is_remote or place.is_stdio else _identity(path)
        if identity in names:
            return names[identity], path
        names[identity] = path
    return None


def _identity(path: str) -> object:
    """Return what links to a file have in common with it; the path itself if it is gone."""
    try:
        status = os.stat(path)
    except OSError:
        return path
    return status.st_dev, status.st_ino


def _both(first: str, second: str) -> str:
    return first if first == second else f"{second} (the same file as {first})"


def output_names(locations: Sequence[Location]) -> list[str]:
    """Return a relative output name for each catalog: its path below their common folder.

    Raises:
        UsageError: a file is named twice, two catalogs have the same name, or files are mixed with
            URLs.
    """
    paths = [location.path for location in locations]
    if len(paths) == 1:
        return [os.path.basename(paths[0])]
    if len({is_remote(path) for path in paths}) > 1:
        raise UsageError("files and URLs cannot share an output folder: tag them in separate runs")
    check_named_once(locations)
    absolute = [
        path.partition("://")[2] if is_remote(path) else os.path.abspath(path) for path in paths
    ]
    common = os.path.commonpath([os.path.dirname(path) for path in absolute])
    names = [path[len(common) :].lstrip("/") for path in absolute]
    name, count = Counter(names).most_common(1)[0]
    if count > 1:
        raise UsageError(f"duplicate input {name}: name each file once")
    return names


def renamed(name: str, output_format: str | None) -> str:
    """Return the name of an output: an input's, with the suffix of `output_format` if it is given.

    An array of JSON objects becomes JSON Lines.
    """
    stem, suffix = os.path.splitext(name)
    if output_format is None:
        if suffix.lower() == ".json":
            return f"{name}l"
        is_compressed = os.path.splitext(stem)[1].lower() == ".json"
        return f"{stem}l{suffix}" if is_compressed else name
    if suffix.lower() in COMPRESSIONS:
        stem = os.path.splitext(stem)[0]
    return f"{stem}.{output_format}"
