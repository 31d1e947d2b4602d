"""The working folder of an export: removed in the end, also those that killed exports left."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from genre_batch.errors import GenreBatchWarning, TrainingError
from genre_batch.exporting.workspace import working_folder

KILLED = """
import os, signal, sys
from genre_batch.exporting.workspace import working_folder
with working_folder(sys.argv[1]) as folder:
    (folder / "draft.onnx").write_bytes(bytes(1000))
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_working_folder_is_beside_the_output_and_removed_in_the_end(tmp_path: Path) -> None:
    with working_folder(tmp_path / "model.onnx") as folder:
        assert folder.parent == tmp_path
        assert os.stat(folder).st_dev == os.stat(tmp_path).st_dev
        (folder / "draft.onnx").touch()
        (folder / "more").mkdir()
    assert list(tmp_path.iterdir()) == []


def test_without_locks_no_folder_of_another_export_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GenreBatchWarning)  # that there are no locks
        with working_folder(tmp_path / "one.onnx") as one:
            (one / "draft.onnx").touch()
            with working_folder(tmp_path / "other.onnx"):
                assert (one / "draft.onnx").exists()


def test_it_is_removed_after_an_error_too(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), working_folder(tmp_path / "model.onnx") as folder:
        (folder / "draft.onnx").rename(folder / "none" / "draft.onnx")
    assert list(tmp_path.iterdir()) == []


def test_the_next_export_removes_what_killed_ones_left(tmp_path: Path) -> None:
    for name in ("model.onnx", "other.onnx"):
        subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "model.onnx")], check=False)
        assert [path.name for path in tmp_path.glob(".model.onnx.*/draft.onnx")] == ["draft.onnx"]
        with working_folder(tmp_path / name) as folder:
            assert [path.name for path in folder.iterdir()] == ["run.lock"]
        assert list(tmp_path.iterdir()) == []


def test_the_folder_of_an_export_that_still_runs_stays(tmp_path: Path) -> None:
    with working_folder(tmp_path / "one.onnx") as one:
        (one / "draft.onnx").touch()
        with working_folder(tmp_path / "other.onnx"):
            assert (one / "draft.onnx").exists()
        refused = pytest.raises(TrainingError, match=r"another export \(process \d+\) is writing")
        with refused, working_folder(tmp_path / "one.onnx"):
            pass
        assert (one / "draft.onnx").exists()
