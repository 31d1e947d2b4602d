"""The translation cache stores copies by translator, pivot and text."""

from __future__ import annotations

from pathlib import Path

import pytest

from genre_batch.augmentation.translation_cache import TranslationCache, default_cache_path
from genre_batch.errors import UsageError


def test_another_run_gets_what_was_put(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "cache.sqlite"
    with TranslationCache(path) as cache:
        cache.put("one", "es", {"a": "á", "b": "be"})
        cache.put("one", "ca", {"a": "à"})
    with TranslationCache(path) as cache:
        assert cache.get("one", "es", ["b", "a", "c"]) == {"b": "be", "a": "á"}
        assert cache.get("one", "ca", ["a", "b"]) == {"a": "à"}
        assert cache.get("two", "es", ["a"]) == {}


def test_the_default_path_is_in_the_user_s_cache_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache_path() == tmp_path / "genre-batch" / "translations.sqlite"


def test_a_folder_or_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a folder: name a file"):
        TranslationCache(tmp_path)
    other = tmp_path / "films.csv"
    other.write_text("title,overview\n" * 100, encoding="utf-8")
    with pytest.raises(UsageError, match=r"films\.csv is not a translation cache"):
        TranslationCache(other)
    assert other.read_text(encoding="utf-8").startswith("title")


def test_a_path_where_no_file_can_be_created_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="file is a file: choose a folder"):
        TranslationCache(tmp_path / "file" / "cache.sqlite")
