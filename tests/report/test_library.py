"""The drawing library is bundled once for a user, and is the same script every time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from genre_batch.report import library
from genre_batch.report.library import drawing_library


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return an empty cache folder; bundling takes no time and gives a short script."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(library, "_bundled", lambda: "window.vegaEmbed = '–';\n\n")  # noqa: RUF001
    drawing_library.cache_clear()
    yield tmp_path / "cache" / "genre-batch"
    drawing_library.cache_clear()


def _in_another_process(monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the script as a process returns it that cannot bundle one."""
    monkeypatch.setattr(library, "_bundled", lambda: "bundled again")
    drawing_library.cache_clear()
    return drawing_library()


def test_another_process_does_not_bundle_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = drawing_library()
    assert [path.suffix for path in folder.iterdir()] == [".js"]
    assert _in_another_process(monkeypatch) == first


@pytest.mark.parametrize("content", [b"", b"alert(1)", b"\xff\n\xff", None])
def test_a_file_that_was_changed_or_cut_is_not_used(
    folder: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    drawing_library()
    (path,) = folder.iterdir()
    path.write_bytes(path.read_bytes()[:-1] if content is None else content)
    assert _in_another_process(monkeypatch) == "bundled again"
    monkeypatch.setattr(library, "_bundled", lambda: "a third time")
    drawing_library.cache_clear()
    assert drawing_library() == "bundled again"


def test_a_folder_that_cannot_be_written_costs_time_only(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.parent.write_text("a file in place of the folder")
    first = drawing_library()
    assert first.startswith("window.vegaEmbed")
    assert _in_another_process(monkeypatch) == "bundled again"


def test_without_a_home_folder_nothing_is_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    monkeypatch.chdir(folder.parents[1])
    assert drawing_library().startswith("window.vegaEmbed")
    assert not list(folder.parents[1].iterdir())
