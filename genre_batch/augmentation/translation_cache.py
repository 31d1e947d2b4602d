"""Translations kept across runs: what makes a second run ask nothing, and a broken one go on."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from genre_batch.errors import CatalogError, UsageError
from genre_batch.files import check_output_file

__all__ = ["TranslationCache", "default_cache"]

_WAIT_SECONDS = 60.0
"""Another run may be writing its batch."""
_TABLE = """
CREATE TABLE IF NOT EXISTS copies (
    translator TEXT, pivot TEXT, text BLOB, copy TEXT, PRIMARY KEY (translator, pivot, text)
) WITHOUT ROWID
"""


def default_cache() -> Path:
    """The file in the user's cache folder."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(home, "genre-batch", "translations.sqlite")


def _key(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8")).digest()


class TranslationCache(contextlib.AbstractContextManager["TranslationCache"]):
    """Copies by translator, pivot and text, in one SQLite file that several runs may share."""

    def __init__(self, path: Path) -> None:
        """Opens the file, or makes it.

        Raises:
            UsageError: the path is a folder, or a file that is no such cache.
            CatalogError: it cannot be made.
        """
        self._path = path
        check_output_file(path, name="`cache`", in_new_folder=True)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = sqlite3.connect(path, timeout=_WAIT_SECONDS)
            with self._file:
                self._file.execute(_TABLE)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise CatalogError(f"cannot open the cache {path}: {error}") from error
            raise UsageError(f"--cache {path} is no cache of translations: {error}") from error
        except OSError as error:
            raise CatalogError(f"cannot make the cache {path}: {error.strerror}") from error

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def get(self, translator: str, pivot: str, texts: Sequence[str]) -> dict[str, str]:
        """The copies that are known, by their text.

        Args:
            translator: its identity.
            pivot: which copies.
            texts: what to look for.

        Raises:
            CatalogError: the file cannot be read.
        """
        found = {}
        try:
            for text in texts:
                row = self._file.execute(
                    "SELECT copy FROM copies WHERE translator = ? AND pivot = ? AND text = ?",
                    (translator, pivot, _key(text)),
                ).fetchone()
                if row is not None:
                    found[text] = row[0]
        except sqlite3.Error as error:
            raise CatalogError(f"cannot read the cache {self._path}: {error}") from error
        return found

    def put(self, translator: str, pivot: str, copies: Mapping[str, str]) -> None:
        """Keeps copies by their text, all of them or, if the power goes, none.

        Raises:
            CatalogError: the disk is full, say.
        """
        rows = [(translator, pivot, _key(text), copy) for text, copy in copies.items()]
        try:
            with self._file:
                self._file.executemany("INSERT OR REPLACE INTO copies VALUES (?, ?, ?, ?)", rows)
        except sqlite3.Error as error:
            raise CatalogError(f"cannot write the cache {self._path}: {error}") from error
