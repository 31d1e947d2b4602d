"""A run's folder: its stages, and its small files."""

from __future__ import annotations

from pathlib import Path

import pytest

from genre_batch.errors import TrainingError
from genre_batch.runs.folder import RunFolder, Stage

STAGES = [
    ("provenance.json", Stage.BEGUN),
    ("model.safetensors", Stage.TRAINED),
    ("metrics.json", Stage.MEASURED),
    ("report.html", Stage.DONE),
]


def test_each_file_takes_a_run_to_its_next_stage(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    assert folder.stage is Stage.NEW
    folder.path.mkdir()
    assert folder.stage is Stage.NEW
    folder.thresholds.write_text("{}")
    for name, stage in STAGES:
        (folder.path / name).write_text("{}")
        assert folder.stage is stage


@pytest.mark.parametrize("missing", range(4))
def test_a_missing_file_takes_a_run_back(tmp_path: Path, missing: int) -> None:
    (tmp_path / "thresholds.json").write_text("{}")
    for number, (name, _) in enumerate(STAGES):
        if number != missing:
            (tmp_path / name).write_text("{}")
    assert RunFolder(tmp_path).stage == missing


@pytest.mark.parametrize("name", ["metrics.json", "thresholds.json"])
def test_a_cut_off_file_is_written_again(tmp_path: Path, name: str) -> None:
    for file in ("thresholds.json", *(file for file, _ in STAGES)):
        (tmp_path / file).write_text("{}")
    (tmp_path / name).write_text("{")
    assert RunFolder(tmp_path).stage is Stage.TRAINED


def test_a_new_or_empty_folder_is_usable(tmp_path: Path) -> None:
    for resume in (False, True):
        RunFolder(tmp_path).check_usable(resume=resume)
        RunFolder(tmp_path / "new").check_usable(resume=resume)


@pytest.mark.parametrize("content", ["", "{", None])
def test_a_broken_file_of_a_run_is_named(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "metrics.json").write_text(content)
    with pytest.raises(TrainingError, match=r"metrics\.json is missing or broken"):
        RunFolder.read_json(tmp_path / "metrics.json")
