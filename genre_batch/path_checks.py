"""Checks of local paths before any work is done: inputs exist, and outputs can be written."""

from __future__ import annotations

import errno
import os
import tempfile
import unicodedata
from collections.abc import Iterable

from genre_batch.errors import GenreBatchError, OutputExistsError, UsageError
from genre_batch.paths import folder_advice, is_model_name, is_stream

__all__ = [
    "check_input_file",
    "check_input_folder",
    "check_model_name",
    "check_output_file",
    "check_output_folder",
    "check_outside_cache",
    "check_parent_folder",
    "check_separate_files",
]

StrPath = str | os.PathLike[str]


def check_input_file(path: StrPath, name: str = "") -> None:
    """Check that a file to read exists and is not a folder.

    Args:
        path: a file, a device or a FIFO.
        name: what the path is, as a prefix for messages: a parameter in backticks.

    Raises:
        UsageError: there is no such file, or it is a folder.
    """
    path = os.fspath(path)
    _check_length(path, name)
    if not os.path.exists(path):
        if os.path.islink(path):
            missing = f"{path} is a link to {os.readlink(path)}, which is not there: remove it"
            raise UsageError(_prefixed(name, missing))
        raise UsageError(_prefixed(name, f"no such file: {path}"))
    if os.path.isdir(path):
        raise UsageError(_prefixed(name, folder_advice(path)))


def check_input_folder(path: StrPath, name: str = "") -> None:
    """Check that a folder to read exists.

    Args:
        path: the folder.
        name: as in `check_input_file`.

    Raises:
        UsageError: there is no such folder, or it is a file.
    """
    path = os.fspath(path)
    if os.path.isfile(path):
        raise UsageError(_prefixed(name, f"{path} is a file: name a folder"))
    if not os.path.isdir(path):
        raise UsageError(_prefixed(name, f"no such folder: {path}"))


def check_model_name(path: StrPath) -> None:
    """Check that a model to write will be recognized as one: its name ends with .onnx."""
    if not is_model_name(path):
        raise UsageError(f"`output`: the name of a model file must end with .onnx: {path}.onnx")


def check_output_file(
    path: StrPath,
    *,
    force: bool = True,
    name: str = "",
    in_new_folder: bool = False,
    may_be_folder: bool = False,
) -> None:
    """Check that a file can be written under this name, before any work is done for it.

    Args:
        path: the file to write.
        force: whether an existing file may be overwritten.
        name: as in `check_input_file`.
        in_new_folder: whether the folder that holds the file may be missing.
        may_be_folder: whether a folder may be there, which will be emptied first.

    Raises:
        UsageError: the path is a folder or too long, or its folder does not exist.
        OutputExistsError: the file exists and `force` is false.
    """
    path = os.fspath(path)
    _check_length(path, name)
    if os.path.isdir(path) and not may_be_folder:
        raise UsageError(_prefixed(name, f"{path} is a folder: name a file in it"))
    if in_new_folder:
        check_output_folder(_existing_ancestor(os.path.dirname(path))[0], name=name)
    else:
        check_parent_folder(path, name)
    if not force and os.path.exists(path) and not is_stream(path):
        raise OutputExistsError(path)


def _check_length(path: str, name: str) -> None:
    if not path:
        raise UsageError(_prefixed(name, "the path is empty: name a file"))
    try:
        os.lstat(path)
    except ValueError as error:
        raise UsageError(_prefixed(name, f"{path!r}: a path cannot have a NUL byte")) from error
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise UsageError(
                _prefixed(name, f"{path}: {error.strerror}: choose a shorter name")
            ) from error


def check_output_folder(
    path: StrPath, *, name: str = "", error: type[GenreBatchError] = UsageError
) -> None:
    """Check that a path is a folder, or that nothing exists there yet.

    Args:
        path: the folder to write into.
        name: as in `check_input_file`.
        error: the class of the error to raise.

    Raises:
        GenreBatchError: the path is a file; of class `error`.
    """
    path = os.fspath(path)
    _check_length(path, name)
    if os.path.exists(path) and not os.path.isdir(path):
        raise error(_prefixed(name, f"{path} is a file: choose a folder"))


def check_parent_folder(path: StrPath, name: str = "") -> None:
    """Check that the folder exists in which a file or a folder is to be created.

    Args:
        path: the file or folder to create.
        name: as in `check_input_file`.

    Raises:
        UsageError: there is no such folder.
    """
    # A link may lead elsewhere; `realpath` takes `none/..` for a folder, and the system does not.
    for folder in (os.path.dirname(path) or ".", os.path.dirname(os.path.realpath(path))):
        if os.path.isdir(folder):
            continue
        raise UsageError(_prefixed(name, f"no such folder: {folder}: make it first (mkdir -p)"))


def check_outside_cache(outputs: Iterable[tuple[str, StrPath]], cache: StrPath) -> None:
    """Check that no file would be written among those of the cache.

    Args:
        outputs: each output's name for messages (a parameter in backticks), and its path or URL.
        cache: the folder of the cache.

    Raises:
        UsageError: an output is in it.
    """
    folder = os.path.join(os.path.realpath(cache), "")
    for name, output in outputs:
        path = os.fspath(output)
        if "://" not in path and os.path.realpath(path).startswith(folder):
            raise UsageError(f"{name}: {path} is in the folder of `cache`: choose another folder")


def check_separate_files(
    outputs: Iterable[tuple[str, StrPath]], inputs: Iterable[StrPath] = ()
) -> None:
    """Check that no output would replace an input or another output.

    Links, relative paths, and names that differ only in case on a file system that ignores it are
    recognized. Devices and FIFOs may be named several times: nothing is replaced there.

    Args:
        outputs: each output's name for messages (a parameter in backticks), and its path or URL.
        inputs: paths or URLs that are read.

    Raises:
        UsageError: two of them are the same file.
    """
    read = {_identity(os.fspath(path))[:2] for path in inputs}
    seen: dict[tuple[object, str], list[tuple[str, str]]] = {}
    for name, output in outputs:
        path = os.fspath(output)
        if is_stream(path):
            continue
        place, folded, rest = _identity(path)
        if (place, folded) in read:
            raise UsageError(f"{name}: {path} is one of the inputs: choose another name")
        for other_name, other_rest in seen.setdefault((place, folded), []):
            if rest == other_rest or _is_one_name(path, rest, other_rest):
                raise UsageError(
                    f"{other_name} and {name} would be one file, {path}: "
                    f"choose another name for one of them"
                )
        seen[place, folded].append((name, rest))


def _identity(path: str) -> tuple[object, str, str]:
    """Return what identifies a file: an existing place, and a name below it.

    The name is returned twice, first without differences of case and Unicode normalization; it
    is empty if the file itself exists.
    """
    if "://" in path:
        return path, "", ""
    ancestor, rest = _existing_ancestor(path)
    try:
        status = os.stat(ancestor)
    except OSError:
        return ancestor, rest, rest
    folded = unicodedata.normalize("NFC", rest).casefold()
    return (status.st_dev, status.st_ino), folded, rest


def _existing_ancestor(path: str) -> tuple[str, str]:
    """Split a path, with links resolved, after its last component that exists."""
    head, rest = os.path.realpath(path), ""
    while not os.path.exists(head) and head != os.path.dirname(head):
        head, name = os.path.split(head)
        rest = os.path.join(name, rest) if rest else name
    return head, rest


def _is_one_name(path: str, first: str, second: str) -> bool:
    """Return whether two names that differ in case are one in the folder that will hold `path`."""
    try:
        folder = _existing_ancestor(path)[0]
        with tempfile.TemporaryDirectory(dir=folder, prefix=".genre-batch-") as trial:
            os.makedirs(os.path.join(trial, first))
            return os.path.exists(os.path.join(trial, second))
    except OSError:
        return False


def _prefixed(name: str, message: str) -> str:
    return f"{name}: {message}" if name else message
