"""The cache of translations: an interrupted run resumes, a second run translates nothing."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

from genre_batch.errors import CatalogError, UsageError
from genre_batch.path_checks import check_output_file
from genre_batch.paths import user_cache_folder

__all__ = ["TranslationCache", "default_cache_path"]

_LOCK_TIMEOUT_SECONDS = 60.0
"""How long to wait while another run writes its batch."""
_TABLE = """
CREATE TABLE IF NOT EXISTS copies (
    translator TEXT, pivot TEXT, text BLOB, copy TEXT, PRIMARY KEY (translator, pivot, text)
) WITHOUT ROWID
"""


def default_cache_path() -> Path:
    """Return the path of the cache in the user's cache folder."""
    return user_cache_folder() / "translations.sqlite"


def _key(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8")).digest()


class TranslationCache(contextlib.AbstractContextManager["TranslationCache"]):
    """Copies by translator, pivot and text, in one SQLite file that several runs may share."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Open the file, or create it.

        Raises:
            UsageError: the path is a folder, or a file that is not a translation cache.
            CatalogError: the file cannot be opened or created.
        """
        check_output_file(path, name="`cache`", in_new_folder=True)
        self._path = Path(path)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = sqlite3.connect(self._path, timeout=_LOCK_TIMEOUT_SECONDS)
            with self._file:
                self._file.execute(_TABLE)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise CatalogError(
                    f"cannot open the cache {path}: {error}: name another file with `cache`"
                ) from error
            raise UsageError(
                f"`cache` {path} is not a translation cache: {error}: name another file, or remove "
                f"it if it is a damaged cache"
            ) from error
        except OSError as error:
            raise CatalogError(
                f"cannot create the cache {path}: {error.strerror}: name another file with `cache`"
            ) from error

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def get(self, translator: str, pivot: str, texts: Sequence[str]) -> dict[str, str]:
        """Return the cached copies of texts.

        Args:
            translator: the translator's identity.
            pivot: the language, or chain of languages.
            texts: the texts to look up.

        Returns:
            Text -> copy, for the texts that are cached.

        Raises:
            CatalogError: the file cannot be read.
        """
        cached = {}
        try:
            for text in texts:
                row = self._file.execute(
                    "SELECT copy FROM copies WHERE translator = ? AND pivot = ? AND text = ?",
                    (translator, pivot, _key(text)),
                ).fetchone()
                if row is not None:
                    cached[text] = row[0]
        except sqlite3.Error as error:
            raise self._error("read", error) from error
        return cached

    def put(self, translator: str, pivot: str, copies: Mapping[str, str]) -> None:
        """Store copies in one transaction: all of them or, after a crash, none.

        Args:
            translator: the translator's identity.
            pivot: the language, or chain of languages.
            copies: text -> copy.

        Raises:
            CatalogError: the file cannot be written, for example because the disk is full.
        """
        rows = [(translator, pivot, _key(text), copy) for text, copy in copies.items()]
        try:
            with self._file:
                self._file.executemany("INSERT OR REPLACE INTO copies VALUES (?, ?, ?, ?)", rows)
        except sqlite3.Error as error:
            raise self._error("write", error) from error

    def _error(self, verb: str, error: sqlite3.Error) -> CatalogError:
        advice = (
            "remove it, or name another file with `cache`"
            if not isinstance(error, sqlite3.OperationalError)
            else "free some space, or name another file with `cache`, and run again"
        )
        return CatalogError(f"cannot {verb} the cache {self._path}: {error}: {advice}")
