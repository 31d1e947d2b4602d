"""Whether files are complete: by their checksums, or by the end that their formats prescribe."""

from __future__ import annotations

import hashlib
import json
import os
import tomllib
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

from genre_batch.files import write_text

__all__ = ["CHECKSUMS", "drop_checksums", "is_whole", "read_checksums", "write_checksums"]

CHECKSUMS = "SHA256SUMS"
"""The file of a folder's checksums, in the format that `sha256sum --check` reads."""


def write_checksums(folder: Path, files: Iterable[Path]) -> None:
    """Record the checksums of files, beside those that the folder's list already has.

    The files are flushed to disk first, so that a list never outlives what it describes.

    Args:
        folder: the folder of the list.
        files: files in it.

    Raises:
        OSError: a file cannot be read, or the list cannot be written.
    """
    checksums = read_checksums(folder)
    for path in files:
        with path.open("rb") as file:
            os.fsync(file.fileno())
            checksums[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    _write(folder, checksums)


def drop_checksums(folder: Path, files: Iterable[Path]) -> None:
    """Remove files from a folder's list of checksums.

    Raises:
        OSError: the list cannot be written.
    """
    checksums = read_checksums(folder)
    names = {path.name for path in files} & checksums.keys()
    if names:
        _write(folder, {name: value for name, value in checksums.items() if name not in names})


def _write(folder: Path, checksums: dict[str, str]) -> None:
    lines = [f"{checksum}  {name}\n" for name, checksum in sorted(checksums.items())]
    write_text(folder / CHECKSUMS, "".join(lines))


def read_checksums(folder: Path) -> dict[str, str]:
    """Return the checksums that a folder's list holds, by name; none if it has no list."""
    try:
        lines = (folder / CHECKSUMS).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    pairs = (line.split("  ", 1) for line in lines if "  " in line)
    return {name: checksum for checksum, name in pairs if len(checksum) == 64}


def is_whole(path: Path, checksum: str | None = None, keys: Iterable[str] = ()) -> bool:
    """Return whether a file exists and is complete, as far as can be checked.

    Args:
        path: the file.
        checksum: its SHA-256, if it is known; otherwise its format decides.
        keys: keys that the object of a JSON file needs.
    """
    try:
        if checksum is not None:
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == checksum
        check = _CHECKS.get(path.suffix)
        if check is None:
            return path.is_file()
        if not check(path):
            return False
        if keys:
            content = json.loads(path.read_text(encoding="utf-8"))
            return isinstance(content, dict) and set(keys) <= content.keys()
    except (OSError, ValueError, RecursionError, zipfile.BadZipFile, EOFError):
        return False
    return True


def _json(path: Path) -> bool:
    return json.loads(path.read_text(encoding="utf-8")) is not None


def _json_lines(path: Path) -> bool:
    text = path.read_text(encoding="utf-8")
    return all(isinstance(json.loads(line), dict) for line in text.splitlines())


def _safetensors(path: Path) -> bool:
    """Compare the size with the header: 8 bytes for its length, then JSON with the offsets."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        size = os.fstat(file.fileno()).st_size
        if not 0 < length <= size - 8:
            return False
        header = json.loads(file.read(length))
    ends = [tensor["data_offsets"][1] for name, tensor in header.items() if name != "__metadata__"]
    return bool(8 + length + max(ends, default=0) == size)


def _parquet(path: Path) -> bool:
    """Look for the marks at both ends; the footer's length is before the last one."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size < 12 or file.read(4) != b"PAR1":
            return False
        file.seek(size - 8)
        length, mark = int.from_bytes(file.read(4), "little"), file.read(4)
    return mark == b"PAR1" and length <= size - 12


def _array(path: Path) -> bool:
    import numpy as np

    np.load(path, mmap_mode="r", allow_pickle=False)  # fails if the file is too short
    return True


def _arrays(path: Path) -> bool:
    with zipfile.ZipFile(path) as archive:
        return archive.testzip() is None


def _page(path: Path) -> bool:
    return path.read_bytes().rstrip().endswith(b"</html>")


def _toml(path: Path) -> bool:
    return tomllib.loads(path.read_text(encoding="utf-8")) is not None


def _lines(path: Path) -> bool:
    return path.read_bytes().endswith(b"\n")


_CHECKS: dict[str, Callable[[Path], bool]] = {
    ".json": _json,
    ".jsonl": _json_lines,
    ".safetensors": _safetensors,
    ".parquet": _parquet,
    ".npy": _array,
    ".npz": _arrays,
    ".html": _page,
    ".toml": _toml,
    ".csv": _lines,
}
