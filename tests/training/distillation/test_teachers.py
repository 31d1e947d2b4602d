"""Teachers: a larger encoder is trained first, and a DistilBERT learns from its predictions."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from genre_batch.dataset.dataset import Dataset, read_dataset
from genre_batch.errors import TrainingError
from genre_batch.exporting.export import ExportJob, export_onnx
from genre_batch.progress import no_step_progress
from genre_batch.runs.folder import RunFolder
from genre_batch.training.distillation.teachers import check_teacher, teacher_predictions
from genre_batch.training.encoder.base_model import load_checkpoint
from genre_batch.training.encoder.inference import predict
from genre_batch.training.options import TrainingOptions, TrainJob
from genre_batch.training.run import train
from support.catalogs import load, write_films
from support.scripts import film_texts
from support.training import InterruptionError, interrupt_at

# The Trainer warns of two checkpoints written within a second.
pytestmark = pytest.mark.filterwarnings("ignore:mtime may not be reliable:UserWarning")

MakeJob = Callable[..., TrainJob]


@pytest.fixture(scope="module")
def teacher(
    job: MakeJob,
    tiny_bert: Path,
    options: TrainingOptions,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """Folder of a finished run of a BERT."""
    short = options.changed(epochs=2)
    folder = tmp_path_factory.mktemp("teacher")
    return train(job(folder, base_model=str(tiny_bert), options=short)).folder


@pytest.fixture(scope="module")
def other_teacher(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy of the shared run, in which predictions can be cached."""
    return Path(shutil.copytree(run, tmp_path_factory.mktemp("other") / "run"))


def test_a_run_of_another_encoder_is_complete(teacher: Path, films: Dataset) -> None:
    folder = RunFolder(teacher)
    assert folder.read_json(folder.provenance)["architecture"] == "BERT"
    assert folder.read_json(folder.provenance)["shape"] == [2, 32, 2, 64]
    readme = folder.readme.read_text(encoding="utf-8")
    assert f"--teacher {teacher}" in readme
    assert "A bert fine-tuned" in readme
    assert "export-onnx" not in readme
    assert folder.read_json(folder.metrics)["test"]["title_and_overview"]["films"] == len(
        films.part("test")
    )


def test_it_cannot_be_exported_but_can_be_a_teacher(teacher: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=f"is a bert, .* --teacher {teacher}"):
        export_onnx(ExportJob(teacher, tmp_path / "model.onnx"))
    assert list(tmp_path.iterdir()) == []


def test_targets_are_the_mean_of_the_teachers_with_and_without_titles(
    teacher: Path, other_teacher: Path, films: Dataset
) -> None:
    few = films.take(range(20))
    targets = teacher_predictions([teacher, other_teacher], few, no_step_progress)
    models = [load_checkpoint(folder) for folder in (teacher, other_teacher)]
    for found, texts in zip(targets, (few.texts, few.bare_texts), strict=True):
        expected = np.mean([predict(*model, texts, 32) for model in models], axis=0)
        np.testing.assert_allclose(found, expected, atol=0.02)  # bfloat16, where it is fast


def test_films_without_titles_are_predicted_once(teacher: Path, films: Dataset) -> None:
    few = films.take(range(20))
    bare = replace(few, texts=few.bare_texts)
    totals: list[int] = []
    targets = teacher_predictions([teacher], bare, lambda done, total, what: totals.append(total))
    np.testing.assert_array_equal(targets[0], targets[1])
    assert set(totals) == {20}


def test_a_student_learns_from_its_teacher_alone(
    job: MakeJob, other_teacher: Path, options: TrainingOptions, tmp_path: Path
) -> None:
    taught = options.changed(teacher_weight=1.0, averaging=0.9, masking=0.05)
    report = train(job(tmp_path / "student", teachers=(other_teacher,), options=taught))
    assert report.exportable
    assert report.metrics["dev"]["title_and_overview"]["macro_f1"] > 0.9
    folder = RunFolder(report.folder)
    (teacher,) = folder.read_json(folder.provenance)["teachers"]
    assert teacher["base_model"] == folder.read_json(folder.provenance)["base_model"]


def test_a_teacher_s_predictions_are_cached(teacher: Path, films: Dataset, tmp_path: Path) -> None:
    copy = tmp_path / "teacher"
    shutil.copytree(teacher, copy)
    few = films.take(range(10))
    counts: list[int] = []
    first = teacher_predictions([copy], few, lambda done, total, what: counts.append(done))
    assert counts[-1] == 20
    counts.clear()
    again = teacher_predictions([copy], few, lambda done, total, what: counts.append(done))
    assert counts == []
    np.testing.assert_array_equal(again, first)
    teacher_predictions(
        [copy], films.take(range(11)), lambda done, total, what: counts.append(done)
    )
    assert counts[-1] == 22


def test_a_student_s_run_interrupted_and_resumed_is_the_uninterrupted_run(
    job: MakeJob, teacher: Path, options: TrainingOptions, tmp_path: Path
) -> None:
    short = options.changed(epochs=2, averaging=0.9, sampling="rare", layer_decay=0.9)
    uninterrupted = train(
        job(tmp_path / "uninterrupted", teachers=(teacher,), options=short)
    ).folder
    interrupted = job(tmp_path / "interrupted", teachers=(teacher,), options=short)
    with pytest.raises(InterruptionError):
        train(interrupted, interrupt_at("training", 13))  # in the second epoch
    resumed = train(replace(interrupted, resume=True)).folder
    weights = "model.safetensors"
    assert (resumed / weights).read_bytes() == (uninterrupted / weights).read_bytes()


def test_a_teacher_trained_on_held_out_films_is_an_error(
    job: MakeJob, teacher: Path, films: Dataset, tmp_path: Path
) -> None:
    copy = tmp_path / "teacher"
    shutil.copytree(teacher, copy)
    trained_on = read_dataset(copy / "splits.parquet")
    replace(trained_on, parts=["train"] * len(trained_on)).write(copy / "splits.parquet")
    held_out = len(films.part("dev", "test"))
    with pytest.raises(TrainingError, match=rf"trained on {held_out} films .* same `split`"):
        train(job(tmp_path / "student", teachers=(copy,)))
    assert not (tmp_path / "student").exists()


def test_a_teacher_of_other_genres_is_an_error(teacher: Path, films: Dataset) -> None:
    with pytest.raises(TrainingError, match=r"genres of the teacher .* differ"):
        check_teacher(teacher, replace(films, names=[*films.names[:-1], "Western"]))


@pytest.mark.parametrize("script", ["Cyrillic", "Han", "Devanagari"])
def test_only_a_teacher_that_knows_held_out_films_of_any_script_is_an_error(
    tmp_path: Path, script: str
) -> None:
    dataset = load(write_films(tmp_path, film_texts(script, 60)))
    teacher = RunFolder(tmp_path)
    teacher.provenance.write_text("{}")
    teacher.metrics.write_text("{}")
    dataset.write(teacher.splits)
    assert check_teacher(tmp_path, dataset)["data"] is None
    swapped = {"train": "train", "dev": "test", "test": "dev"}
    replace(dataset, parts=[swapped[part] for part in dataset.parts]).write(teacher.splits)
    check_teacher(tmp_path, dataset)
    held_out = dataset.part("dev", "test")
    replace(held_out, parts=["train"] * len(held_out)).write(teacher.splits)
    with pytest.raises(TrainingError, match=f"was trained on {len(held_out)} films of this split"):
        check_teacher(tmp_path, dataset)


def test_a_folder_without_a_run_cannot_be_a_teacher(films: Dataset, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="is not a finished run"):
        check_teacher(tmp_path, films)
