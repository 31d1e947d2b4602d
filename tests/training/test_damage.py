"""Promise: whatever file of a run is damaged, resuming repairs it, or an error says what to do."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from genre_batch.catalog.formats import Location
from genre_batch.errors import GenreBatchWarning, TrainingError
from genre_batch.exporting.export import ExportJob, export_onnx
from genre_batch.model.tagger import GenreTagger
from genre_batch.runs.folder import RunFolder, Stage
from genre_batch.runs.integrity import (
    CHECKSUMS,
    drop_checksums,
    read_checksums,
    write_checksums,
)
from genre_batch.training.options import TrainingOptions, TrainJob
from genre_batch.training.run import train
from support.training import InterruptionError, interrupt_at

# The Trainer warns of two checkpoints written within a second.
pytestmark = [
    pytest.mark.filterwarnings("ignore::genre_batch.errors.GenreBatchWarning"),
]

MakeJob = Callable[..., TrainJob]
Damage = Callable[[Path], object]


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


DAMAGES: dict[str, Damage] = {
    "missing": Path.unlink,
    "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "end missing": lambda path: path.write_bytes(path.read_bytes()[:-2]),
    "one bit": _flip,
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "other content": lambda path: path.write_text("[]\n"),
}
NEEDED = (
    *("model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json"),
    *("special_tokens_map.json", "vocab.txt", "splits.parquet", "extra_train.parquet"),
    *("provenance.json", "thresholds.json", "metrics.json"),
)
"""Files without which a run is not whole."""
OTHERS = ("training_log.jsonl", "report.html", "recipe.toml", "README.md", CHECKSUMS)


@pytest.fixture(scope="module")
def damaged_job(job: MakeJob, extra_catalog: Location, options: TrainingOptions) -> MakeJob:
    def make(folder: Path, **changes: object) -> TrainJob:
        few = options.changed(epochs=2)
        return job(folder, options=few, extra_train=extra_catalog.path, **changes)

    return make


@pytest.fixture(scope="module")
def finished(damaged_job: MakeJob, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(damaged_job(tmp_path_factory.mktemp("finished") / "run")).folder


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    return shutil.copytree(finished, tmp_path / "run")


def _one_line(error: Exception) -> bool:
    return len(str(error).splitlines()) == 1 and "report it" not in str(error)


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", NEEDED)
def test_damage_of_any_kind_is_found(copy: Path, name: str, damage: str) -> None:
    DAMAGES[damage](copy / name)
    assert RunFolder(copy).damaged() == [copy / name]


@pytest.mark.parametrize("name", [*NEEDED, *OTHERS])
def test_resuming_a_finished_run_repairs_what_is_damaged(
    damaged_job: MakeJob, finished: Path, copy: Path, name: str
) -> None:
    DAMAGES["missing" if name == CHECKSUMS else "cut"](copy / name)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", GenreBatchWarning)
        result = train(damaged_job(copy, resume=True))
    told = [str(warning.message) for warning in caught]
    if name in (*NEEDED, "report.html"):
        assert any(f"{copy / name} is missing or damaged: " in line for line in told)
    for other in NEEDED:
        assert (copy / other).read_bytes() == (finished / other).read_bytes()
    assert RunFolder(copy).stage is Stage.DONE
    assert {path.name for path in copy.iterdir()} == {path.name for path in finished.iterdir()}
    assert result.metrics == json.loads((finished / "metrics.json").read_text())
    assert RunFolder(copy).damaged() == []


@pytest.mark.parametrize("damage", ["missing", "one bit"])
@pytest.mark.parametrize("name", NEEDED)
def test_the_export_of_a_damaged_run_is_one_line_and_writes_nothing(
    copy: Path, tmp_path: Path, name: str, damage: str
) -> None:
    DAMAGES[damage](copy / name)
    with pytest.raises(TrainingError, match="with --resume") as raised:
        export_onnx(ExportJob(copy, tmp_path / "model.onnx"))
    assert _one_line(raised.value)
    assert name in str(raised.value)
    assert {path.name for path in tmp_path.iterdir()} == {"run"}


def test_a_run_is_exported_without_the_files_that_only_people_read(
    copy: Path, tmp_path: Path
) -> None:
    for name in OTHERS:
        (copy / name).write_bytes(b"\xff")
    export_onnx(ExportJob(copy, tmp_path / "model.onnx", max_loss=100))
    assert len(GenreTagger.load(tmp_path / "model.onnx").labels) == 4


@pytest.mark.parametrize("name", ["splits.parquet", "tokenizer.json", "metrics.json"])
def test_a_run_of_before_there_were_checksums_is_repaired_or_an_error(
    damaged_job: MakeJob, copy: Path, name: str
) -> None:
    (copy / CHECKSUMS).unlink()
    DAMAGES["cut"](copy / name)
    if name == "splits.parquet":
        with pytest.raises(TrainingError, match=r"splits\.parquet is missing or damaged, and what"):
            train(damaged_job(copy, resume=True))
    else:
        train(damaged_job(copy, resume=True))
        assert RunFolder(copy).damaged() == []


def test_an_interruption_at_any_write_of_the_list_of_checksums_loses_none_of_them(
    damaged_job: MakeJob, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = read_checksums(finished)
    for last in range(1, 6):  # films; the moved model; thresholds and metrics; the report
        folder, written = tmp_path / str(last), [0]

        def write(path: Path, files: Iterable[Path], at: int = last, done: Any = written) -> None:
            done[0] += 1
            if done[0] == at:
                raise InterruptionError
            write_checksums(path, files)

        monkeypatch.setattr("genre_batch.runs.folder.write_checksums", write)
        try:
            train(damaged_job(folder))
        except InterruptionError:
            pass
        else:
            assert last == 5  # there are no more of them
        monkeypatch.undo()
        train(damaged_job(folder, resume=folder.exists()))
        assert read_checksums(folder).keys() == whole.keys()
        assert read_checksums(folder)["model.safetensors"] == whole["model.safetensors"]
        assert not RunFolder(folder).partial_model.exists()


@pytest.mark.parametrize("moved", range(4))
def test_a_model_that_was_moved_in_part_is_moved_by_the_resumed_run(
    damaged_job: MakeJob, finished: Path, copy: Path, moved: int
) -> None:
    run = RunFolder(copy)
    names = ["config.json", "tokenizer.json", "vocab.txt", run.weights.name]
    run.partial_model.mkdir()
    for name in names:
        (copy / name).rename(run.partial_model / name)
    write_checksums(run.partial_model, [run.partial_model / name for name in names])
    drop_checksums(copy, [copy / name for name in names])
    for name in names[:moved]:
        (run.partial_model / name).rename(copy / name)
    train(damaged_job(copy, resume=True))
    assert (copy / CHECKSUMS).read_bytes() == (finished / CHECKSUMS).read_bytes()
    assert not run.partial_model.exists()


def test_a_damaged_provenance_of_another_command_is_not_written_again(
    damaged_job: MakeJob, copy: Path
) -> None:
    (copy / "provenance.json").write_text("")
    other = replace(damaged_job(copy, resume=True), thresholds="fixed-0.5")
    with pytest.raises(TrainingError, match=r"provenance\.json is missing or damaged, and what"):
        train(other)
    assert (copy / "provenance.json").read_text() == ""


# Interrupted runs: their checkpoints.

CHECKPOINT_FILES = (
    *("model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth"),
    *("trainer_state.json", "training_args.bin", "average.safetensors", CHECKSUMS),
)


@pytest.fixture(scope="module")
def interrupted(damaged_job: MakeJob, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a run of three epochs that was interrupted in the third one."""
    folder = tmp_path_factory.mktemp("interrupted") / "run"
    with pytest.raises(InterruptionError):
        train(_three_epochs(damaged_job, folder), interrupt_at("training", -2))
    assert len(list((folder / "checkpoints").glob("checkpoint-*"))) == 2
    return folder


@pytest.fixture(scope="module")
def uninterrupted(damaged_job: MakeJob, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(
        _three_epochs(damaged_job, tmp_path_factory.mktemp("uninterrupted") / "run")
    ).folder


def _three_epochs(make: MakeJob, folder: Path, **changes: object) -> TrainJob:
    standard = make(folder, **changes)
    options = standard.options.changed(epochs=3, averaging=0.9, keep="best")
    return replace(standard, options=options)


def _resume(make: MakeJob, folder: Path) -> tuple[list[str], list[int]]:
    """Resume a run; return its warnings and the steps trained."""
    steps: list[int] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", GenreBatchWarning)
        train(
            _three_epochs(make, folder, resume=True),
            lambda done, total, stage: steps.append(done) if stage == "training" else None,
        )
    messages = [str(warning.message) for warning in caught]
    return [message for message in messages if "is missing or damaged" in message], steps


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        *((name, "cut") for name in CHECKPOINT_FILES),
        ("optimizer.pt", "one bit"),
        ("trainer_state.json", "missing"),
        (CHECKSUMS, "missing"),
    ],
)
def test_a_damaged_checkpoint_takes_a_run_back_to_the_one_before(
    damaged_job: MakeJob,
    interrupted: Path,
    uninterrupted: Path,
    tmp_path: Path,
    name: str,
    damage: str,
) -> None:
    folder = shutil.copytree(interrupted, tmp_path / "run")
    newest = max(
        (folder / "checkpoints").glob("checkpoint-*"), key=lambda path: int(path.name[11:])
    )
    DAMAGES[damage](newest / name)
    told, steps = _resume(damaged_job, folder)
    if (name, damage) != ("trainer_state.json", "missing"):
        assert len(told) == 1
        assert f"training goes back to step {steps[-1] // 3}" in told[0]
    assert steps[0] == steps[-1] // 3 + 1
    for same in ("model.safetensors", "thresholds.json", "metrics.json"):
        assert (folder / same).read_bytes() == (uninterrupted / same).read_bytes()


@pytest.mark.parametrize("name", ["every checkpoint", "best.safetensors"])
def test_without_a_whole_checkpoint_training_starts_again(
    damaged_job: MakeJob,
    interrupted: Path,
    uninterrupted: Path,
    tmp_path: Path,
    name: str,
) -> None:
    folder = shutil.copytree(interrupted, tmp_path / "run")
    pattern = "checkpoint-*/optimizer.pt" if name == "every checkpoint" else name
    for path in (folder / "checkpoints").glob(pattern):
        DAMAGES["end missing"](path)
    told, steps = _resume(damaged_job, folder)
    assert told
    assert all("training starts again" in line for line in told)
    assert steps[0] == 1
    for same in ("model.safetensors", "thresholds.json", "metrics.json"):
        assert (folder / same).read_bytes() == (uninterrupted / same).read_bytes()


@pytest.mark.parametrize("damage", ["cut", "zeros"])
def test_a_damaged_log_loses_only_its_damaged_lines(
    damaged_job: MakeJob, interrupted: Path, tmp_path: Path, damage: str
) -> None:
    folder = shutil.copytree(interrupted, tmp_path / "run")
    DAMAGES[damage](folder / "training_log.jsonl")
    _resume(damaged_job, folder)
    log = RunFolder.read_log(folder / "training_log.jsonl")
    assert log[-1]["epoch"] == 3
    assert all(line["loss"] is not None for line in log)
