"""Find files on this machine: those below a folder, and those that a glob matches."""

from __future__ import annotations

import fnmatch
import os
import warnings
from collections.abc import Iterator

from genre_batch.catalog.remote import has_magic
from genre_batch.errors import CatalogError, GenreBatchWarning
from genre_batch.paths import SIDE_SUFFIX

__all__ = ["files_below", "is_hidden", "matching_paths"]

_FolderId = tuple[int, int]


def is_hidden(name: str) -> bool:
    """Return whether a folder of this name is passed over: a marker, or this tool's own."""
    return name.startswith((".", "_")) or name.endswith(SIDE_SUFFIX)


def files_below(folder: str) -> Iterator[str]:
    """Yield every file below a folder, sorted.

    Hidden folders, those with `_` and those of this tool next to an output are skipped. Links to
    folders are followed, unless they lead to a folder that is read anyway: one in the same tree, or
    one that contains the tree.

    Raises:
        CatalogError: a folder cannot be listed.
    """
    seen = _folders_above(folder)
    links: list[str] = []
    _add_real_folders(folder, seen, links)
    yield from _files_in(folder, seen if links else None)


def _folders_above(folder: str) -> set[_FolderId]:
    """Return the folders that contain a folder."""
    path = os.path.realpath(folder)
    seen = set()
    while path != os.path.dirname(path):
        path = os.path.dirname(path)
        seen.add(_identity(path))
    return seen


def _identity(folder: str) -> _FolderId:
    status = os.stat(folder)
    return status.st_dev, status.st_ino


def _listed(folder: str) -> list[os.DirEntry[str]]:
    """Return a folder's entries, sorted by name."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise CatalogError(
            f"cannot read the folder {folder}: {error.strerror}: change its permissions (chmod), "
            f"or name the other files"
        ) from error


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _is_visited(entry: os.DirEntry[str]) -> bool:
    return not is_hidden(entry.name) and _is_folder(entry)


def _add_real_folders(folder: str, seen: set[_FolderId], links: list[str]) -> None:
    """Add a folder and those below it to `seen`, and the links to folders to `links`."""
    seen.add(_identity(folder))
    for entry in _listed(folder):
        if _is_visited(entry):
            if entry.is_symlink():
                links.append(entry.path)
            else:
                _add_real_folders(entry.path, seen, links)


def _files_in(folder: str, seen: set[_FolderId] | None) -> Iterator[str]:
    """Yield the files below a folder: its own first.

    Args:
        folder: the folder.
        seen: the folders that no link is followed to; None: there are no links.
    """
    entries = _listed(folder)
    for entry in entries:
        if not _is_folder(entry):
            yield entry.path
    for entry in entries:
        if not _is_visited(entry):
            continue
        if seen is not None and entry.is_symlink():
            if _identity(entry.path) in seen:
                warnings.warn(
                    f"the link {entry.path} was not followed: it leads to a folder that is read "
                    f"already",
                    GenreBatchWarning,
                    stacklevel=2,
                )
                continue
            _add_real_folders(entry.path, seen, [])
        yield from _files_in(entry.path, seen)


def matching_paths(pattern: str) -> list[str]:
    """Return the files and folders that a glob matches, sorted.

    `**` matches any number of folders; one that links lead to again is read once. A component that
    exists as it is spelled, such as a folder named `data[1]`, is not treated as a pattern. Names
    that start with a dot are matched only by patterns that do.

    Raises:
        CatalogError: a folder cannot be listed.
    """
    root = "/" if pattern.startswith("/") else ""
    parts = [part for part in pattern.split("/") if part]
    paths = sorted(set(_matching(root, parts, frozenset())))
    if "**" not in parts:
        return paths
    real: dict[str, str] = {}
    for path in paths:
        folder, name = os.path.split(path)
        place = os.path.join(os.path.realpath(folder), name)
        if place not in real or os.path.abspath(path) == place:
            real[place] = path
    return sorted(real.values())


def _matching(folder: str, parts: list[str], above: frozenset[_FolderId]) -> Iterator[str]:
    """Yield what the parts of a pattern match in a folder.

    Args:
        folder: an existing folder; empty: the current one.
        parts: the components that are left.
        above: the folders that a `**` came through.
    """
    if not parts:
        if folder:
            yield folder
        return
    part, rest = parts[0], parts[1:]
    if part == "**":
        yield from _matching_below(folder, rest, above)
    elif os.path.lexists(os.path.join(folder, part)) or not has_magic(part):
        path = os.path.join(folder, part)
        if os.path.isdir(path) or (os.path.lexists(path) and not rest):
            yield from _matching(path, rest, frozenset())
    else:
        for entry in _listed(folder or "."):
            is_match = fnmatch.fnmatchcase(entry.name, part) and (
                part.startswith(".") or not entry.name.startswith(".")
            )
            if is_match and (not rest or _is_folder(entry)):
                yield from _matching(os.path.join(folder, entry.name), rest, frozenset())


def _matching_below(folder: str, rest: list[str], above: frozenset[_FolderId]) -> Iterator[str]:
    identity = _identity(folder or ".")
    if identity in above:
        return
    yield from _matching(folder, rest, frozenset())
    for entry in _listed(folder or "."):
        path = os.path.join(folder, entry.name)
        if not entry.name.startswith("."):
            if _is_folder(entry):
                yield from _matching_below(path, rest, above | {identity})
            elif not rest:
                yield path
