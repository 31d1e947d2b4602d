"""A run's folder: its stages, its checks, and its small files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from genre_batch.errors import TrainingError
from genre_batch.runs.folder import RunFolder, Stage

CONTENTS = {
    "provenance.json": '{"options": {}, "base_model": "tiny"}',
    "model.safetensors": (2).to_bytes(8, "little").decode() + "{}",
    "thresholds.json": '{"method": "f1", "thresholds": {"Drama": 0.5}}',
    "metrics.json": '{"dev": {}, "test": {}}',
    "report.html": "<html></html>\n",
}
"""The smallest whole file of each name."""
STAGES = [
    ("provenance.json", Stage.BEGUN),
    ("model.safetensors", Stage.TRAINED),
    ("metrics.json", Stage.MEASURED),
    ("report.html", Stage.DONE),
]


def _write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).write_text(CONTENTS[name])


def test_each_file_takes_a_run_to_its_next_stage(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    assert folder.stage is Stage.NEW
    folder.path.mkdir()
    assert folder.stage is Stage.NEW
    _write(folder.path, "thresholds.json")
    for name, stage in STAGES:
        _write(folder.path, name)
        assert folder.stage is stage


@pytest.mark.parametrize("missing", range(4))
def test_a_missing_file_takes_a_run_back(tmp_path: Path, missing: int) -> None:
    _write(tmp_path, "thresholds.json")
    for number, (name, _) in enumerate(STAGES):
        if number != missing:
            _write(tmp_path, name)
    assert RunFolder(tmp_path).stage == missing


@pytest.mark.parametrize("content", ["{", "", "[]", '{"other": 1}'])
@pytest.mark.parametrize("name", ["metrics.json", "thresholds.json"])
def test_a_cut_off_file_takes_a_run_back(tmp_path: Path, name: str, content: str) -> None:
    _write(tmp_path, *CONTENTS)
    (tmp_path / name).write_text(content)
    assert RunFolder(tmp_path).stage is Stage.TRAINED


@pytest.mark.parametrize("resume", [False, True])
def test_a_new_or_empty_folder_is_usable_and_left_as_it_was(tmp_path: Path, resume: bool) -> None:
    with RunFolder(tmp_path).opened(resume=resume):
        assert [path.name for path in tmp_path.iterdir()] == ["run.lock"]
    assert not list(tmp_path.iterdir())
    with RunFolder(tmp_path / "new" / "run").opened(resume=resume):
        assert (tmp_path / "new" / "run").is_dir()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("resume", [False, True])
def test_what_a_start_left_that_was_killed_is_removed(tmp_path: Path, resume: bool) -> None:
    for name in ("splits.parquet", "README.md", ".recipe.toml.1a2b3c4d.partial"):
        (tmp_path / name).touch()
    with RunFolder(tmp_path).opened(resume=resume):
        assert [path.name for path in tmp_path.iterdir()] == ["run.lock"]


def test_a_readme_of_somebody_else_is_not_removed(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    with (
        pytest.raises(TrainingError, match="is not empty"),
        RunFolder(tmp_path).opened(resume=False),
    ):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]


def test_a_second_run_in_the_folder_is_refused_while_the_first_one_lasts(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    with folder.opened(resume=False):
        refused = pytest.raises(TrainingError, match=r"another run \(process \d+\) is using")
        with refused, folder.opened(resume=True):
            pass
    with folder.opened(resume=False):
        pass


def test_the_lock_of_a_dead_process_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "run.lock").write_text("1\n")
    with RunFolder(tmp_path).opened(resume=False):
        pass


@pytest.mark.parametrize("content", ["", "{", None])
def test_a_broken_file_of_a_run_is_named(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "metrics.json").write_text(content)
    with pytest.raises(TrainingError, match=r"metrics\.json is missing or damaged: repeat"):
        RunFolder.read_json(tmp_path / "metrics.json")


@pytest.mark.parametrize("value", [None, "half", [0.5]])
def test_a_threshold_that_is_missing_or_no_number_is_an_error(
    tmp_path: Path, value: object
) -> None:
    thresholds = {} if value is None else {"Drama": value}
    content = json.dumps({"method": "f1", "thresholds": thresholds})
    (tmp_path / "thresholds.json").write_text(content)
    with pytest.raises(TrainingError, match="lacks a threshold"):
        RunFolder(tmp_path).read_thresholds(["Drama"])


def test_a_log_is_read_without_the_lines_that_are_not_whole(tmp_path: Path) -> None:
    log = tmp_path / "training_log.jsonl"
    assert RunFolder.read_log(log) == []
    log.write_bytes(b'{"epoch": 1, "seconds": 2}\n\xff\n[]\n{"epoch": 2}\n{"epoch": 3, "sec')
    assert RunFolder.read_log(log) == [{"epoch": 1, "seconds": 2}]
    assert RunFolder(tmp_path).seconds == 2
