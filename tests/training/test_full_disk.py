"""Promise: a full disk or another fault of the system is one line, and the run goes on after it."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from genre_batch.errors import TrainingError
from genre_batch.exporting.export import ExportJob, export_onnx
from genre_batch.runs.folder import RunFolder, Stage
from genre_batch.training.options import TrainingOptions, TrainJob
from genre_batch.training.run import train

# The Trainer warns of two checkpoints written within a second.
pytestmark = [
    pytest.mark.filterwarnings("ignore::genre_batch.errors.GenreBatchWarning"),
]


def _mount(folder: Path, options: str) -> None:
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no small file system can be mounted here")


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on a file system that is too small for a run, and that has no figures of that."""
    monkeypatch.setattr("genre_batch.runs.disk_space.free_bytes", lambda path: None)
    folder = tmp_path / "small"
    folder.mkdir()
    _mount(folder, "size=200k")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)  # files may still be mapped


@pytest.fixture
def short(job: Callable[..., TrainJob], options: TrainingOptions) -> Callable[..., TrainJob]:
    def make(folder: Path, **changes: object) -> TrainJob:
        return job(folder, options=options.changed(epochs=2), **changes)

    return make


def test_a_run_on_a_full_disk_goes_on_when_there_is_space(
    short: Callable[..., TrainJob], small: Path
) -> None:
    with pytest.raises(TrainingError, match="No space left on device: free some space") as raised:
        train(short(small / "run"))
    assert "then repeat the command with `resume`" in str(raised.value)
    assert RunFolder(small / "run").stage is Stage.BEGUN
    subprocess.run(["mount", "-o", "remount,size=20m", small], check=True)
    result = train(short(small / "run", resume=True))
    assert RunFolder(result.folder).stage is Stage.DONE
    assert RunFolder(result.folder).damaged() == []


def test_a_disk_too_full_to_begin_leaves_nothing(
    short: Callable[..., TrainJob], small: Path
) -> None:
    (small / "filler").write_bytes(bytes(200 * 1024 - 8192))
    with pytest.raises(TrainingError, match="No space left on device: free some space") as raised:
        train(short(small / "run"))
    assert str(raised.value).endswith("then repeat the command")
    assert [path.name for path in small.iterdir()] == ["filler"]


def test_a_disk_that_is_certainly_too_small_is_reported_before_training(
    short: Callable[..., TrainJob], run: Path, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    with pytest.raises(TrainingError, match=r"training writes at least \d+ kB, and the disk has"):
        train(short(small / "run"))
    (small / "filler").write_bytes(bytes(160 * 1024))
    with pytest.raises(TrainingError, match=r"the export writes at least \d+ kB, and the disk has"):
        export_onnx(ExportJob(run, small / "model.onnx"))
    assert [path.name for path in small.iterdir()] == ["filler"]


def test_an_export_to_a_full_disk_leaves_nothing(run: Path, small: Path) -> None:
    (small / "filler").write_bytes(bytes(160 * 1024))
    with pytest.raises(TrainingError, match="No space left on device: free some space"):
        export_onnx(ExportJob(run, small / "model.onnx"))
    assert [path.name for path in small.iterdir()] == ["filler"]


def test_a_folder_that_cannot_be_written_is_named(
    short: Callable[..., TrainJob], run: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "read-only"
    folder.mkdir()
    _mount(folder, "ro,size=200k")
    try:
        with pytest.raises(TrainingError, match="Read-only file system: choose a path"):
            train(short(folder / "run"))
        with pytest.raises(TrainingError, match="Read-only file system: choose a path"):
            export_onnx(ExportJob(run, folder / "model.onnx"))
    finally:
        subprocess.run(["umount", "-l", folder], check=True)  # files may still be mapped


def test_a_file_in_the_way_is_named(short: Callable[..., TrainJob], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(TrainingError, match=r"file/run: Not a directory: a file is in the way"):
        train(short(tmp_path / "file" / "run"))


@pytest.mark.parametrize("limit", [1_000, 60_000, 150_000])
def test_a_limit_on_the_size_of_files_is_named(
    short: Callable[..., TrainJob], tmp_path: Path, limit: int
) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        with pytest.raises(TrainingError, match="ulimit -f"):
            train(short(tmp_path / "run"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    resumed = train(short(tmp_path / "run", resume=RunFolder(tmp_path / "run").is_begun))
    assert RunFolder(resumed.folder).stage is Stage.DONE


def test_without_memory_the_line_says_so(
    short: Callable[..., TrainJob], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise RuntimeError(
            "DefaultCPUAllocator: can't allocate memory: you tried to allocate 4 bytes"
        )

    monkeypatch.setattr("genre_batch.training.run.fine_tune", fail)
    with pytest.raises(TrainingError, match=r"^not enough memory: close other programs") as raised:
        train(short(tmp_path / "run"))
    assert "with `resume`" in str(raised.value)
    assert os.listdir(tmp_path / "run")
