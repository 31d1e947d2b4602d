"""Teachers: a larger encoder is trained first, and a DistilBERT learns from its predictions."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from genre_batch.dataset.dataset import Dataset, read_dataset
from genre_batch.errors import ModelError, TrainingError, UsageError
from genre_batch.exporting.export import ExportJob, export_onnx
from genre_batch.model.tagger import GenreTagger
from genre_batch.model.text import OVERVIEW_ONLY, TITLE_AND_OVERVIEW
from genre_batch.progress import StepProgress, no_step_progress
from genre_batch.runs import predictions as runs_predictions
from genre_batch.runs.folder import RunFolder
from genre_batch.runs.integrity import write_checksums
from genre_batch.training.distillation.teachers import Targets, load_teacher, teacher_predictions
from genre_batch.training.encoder.base_model import load_checkpoint
from genre_batch.training.encoder.inference import predict
from genre_batch.training.options import TrainingOptions, TrainJob
from genre_batch.training.run import train
from support import tiny
from support.catalogs import load, write_films
from support.scripts import film_texts
from support.training import InterruptionError, interrupt_at

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


def _predictions(
    teachers: list[Path],
    films: Dataset,
    few: Dataset,
    progress: StepProgress = no_step_progress,
    *,
    bare: bool = True,
) -> Targets:
    """Return the predictions of the teachers for some of the films."""
    with TemporaryDirectory() as folder:
        student = RunFolder(Path(folder))
        loaded = [load_teacher(teacher, films) for teacher in teachers]
        return teacher_predictions(loaded, few, student, progress, bare)


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
    targets = _predictions([teacher, other_teacher], films, few)
    models = [load_checkpoint(folder) for folder in (teacher, other_teacher)]
    for found, texts in zip(targets, (few.texts, few.bare_texts), strict=True):
        expected = np.mean([predict(*model, texts, 32) for model in models], axis=0)
        np.testing.assert_allclose(found, expected, atol=0.02)  # bfloat16, where it is fast


def test_a_teacher_that_always_saw_titles_is_asked_with_them_only(
    teacher: Path, films: Dataset, tmp_path: Path
) -> None:
    copy = _trained_as(teacher, tmp_path / "teacher", 0.0)
    few = films.take(range(20))
    totals: list[int] = []
    asked = _predictions([copy], films, few, lambda done, total, what: totals.append(total))
    sometimes = _predictions([teacher], films, few)
    np.testing.assert_array_equal(asked[0], asked[1])
    np.testing.assert_array_equal(asked[0], sometimes[0])
    assert set(totals) == {20}


def test_a_student_that_always_reads_titles_asks_with_them_only(
    teacher: Path, films: Dataset
) -> None:
    few = films.take(range(20))
    totals: list[int] = []
    asked = _predictions(
        [teacher], films, few, lambda done, total, what: totals.append(total), bare=False
    )
    both = _predictions([teacher], films, few)
    np.testing.assert_array_equal(asked[0], asked[1])
    np.testing.assert_array_equal(asked[0], both[0])
    assert set(totals) == {20}


def test_students_with_other_genres_do_not_share_cached_predictions(
    other_teacher: Path, films: Dataset
) -> None:
    few = films.take(range(20))
    reversed_names = replace(few, names=few.names[::-1], labels=few.labels[:, ::-1])
    one = _predictions([other_teacher], films, few)
    other = _predictions([other_teacher], reversed_names, reversed_names)
    np.testing.assert_array_equal(one, other[..., ::-1])


def _trained_as(teacher: Path, folder: Path, title_dropout: float) -> Path:
    """Return a copy of a run that says that it was trained with this share of titles dropped."""
    copy = RunFolder(folder)
    shutil.copytree(teacher, copy.path)
    provenance = copy.read_json(copy.provenance)
    provenance["options"]["title_dropout"] = title_dropout
    copy.provenance.write_text(json.dumps(provenance), encoding="utf-8")
    write_checksums(copy.path, [copy.provenance])
    return copy.path


def test_a_teacher_trained_without_titles_is_asked_without_them(
    teacher: Path, films: Dataset, tmp_path: Path
) -> None:
    without = tmp_path / "without"
    shutil.copytree(teacher, without)
    folder = RunFolder(without)
    bare = replace(films, texts=films.bare_texts, template=OVERVIEW_ONLY)
    bare.write(folder.splits)
    write_checksums(without, [folder.splits])
    few = films.take(range(20))
    sometimes = _predictions([teacher], films, few)
    dropped = _trained_as(teacher, tmp_path / "dropped", 1.0)
    for run in (without, dropped):
        assert load_teacher(run, films).titles == "never"
        asked = _predictions([run], films, few)
        np.testing.assert_array_equal(asked[0], asked[1])
        np.testing.assert_array_equal(asked[1], sometimes[1])


@pytest.mark.parametrize(
    ("template", "options", "titles"),
    [
        (OVERVIEW_ONLY, {"title_dropout": 0.0}, "never"),
        (TITLE_AND_OVERVIEW, {"title_dropout": 1.0}, "never"),
        (TITLE_AND_OVERVIEW, {"title_dropout": 0.0}, "always"),
        (TITLE_AND_OVERVIEW, {"title_dropout": 0.25}, "sometimes"),
        (TITLE_AND_OVERVIEW, {}, "sometimes"),
        (TITLE_AND_OVERVIEW, None, "sometimes"),
    ],
)
def test_an_exported_teacher_is_asked_as_it_was_trained(
    tmp_path: Path, films: Dataset, template: str, options: object, titles: str
) -> None:
    path = tiny.write_model(
        tmp_path / "teacher.onnx",
        props={"text_template": template, "provenance": {"options": options}},
    )
    names = sorted(tiny.LABELS)
    dataset = replace(films, names=names, labels=np.zeros((len(films), len(names)), np.uint8))
    assert load_teacher(path, dataset).titles == titles


def test_films_without_titles_are_predicted_once(teacher: Path, films: Dataset) -> None:
    few = films.take(range(20))
    bare = replace(few, texts=few.bare_texts)
    totals: list[int] = []
    targets = _predictions([teacher], films, bare, lambda done, total, what: totals.append(total))
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
    first = _predictions([copy], films, few, lambda done, total, what: counts.append(done))
    assert counts[-1] == 20
    counts.clear()
    again = _predictions([copy], films, few, lambda done, total, what: counts.append(done))
    assert counts == []
    np.testing.assert_array_equal(again, first)
    _predictions(
        [copy], films, films.take(range(11)), lambda done, total, what: counts.append(done)
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


def test_an_exported_model_teaches_like_its_run(
    exported: dict[str, Path], other_teacher: Path, films: Dataset
) -> None:
    few = films.take(range(20))
    model, run = (_predictions([t], films, few) for t in (exported["fp32"], other_teacher))
    np.testing.assert_allclose(model, run, atol=0.02)  # bfloat16, where it is fast
    renamed = replace(films, names=films.names[::-1])
    other = _predictions([exported["fp32"]], renamed, replace(few, names=renamed.names))
    np.testing.assert_array_equal(other, model[:, :, ::-1])


def test_a_student_of_a_model_is_resumed_without_asking_it_again(
    job: MakeJob,
    exported: dict[str, Path],
    options: TrainingOptions,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runs_predictions, "TEXTS_PER_WRITE", 32)
    short = options.changed(epochs=2, recombined=0.5)
    student = job(tmp_path / "student", teachers=(exported["int8"],), options=short)
    expected = train(replace(student, folder=tmp_path / "expected")).folder
    with pytest.raises(InterruptionError):
        train(student, interrupt_at("predicting with the teacher", 64))
    parts = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "student").rglob("*.npy")}
    assert len(parts) == 2
    with pytest.raises(InterruptionError):
        train(replace(student, resume=True), interrupt_at("training", 13))
    again = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "student").rglob("*.npy")}
    assert parts.items() < again.items()
    loaded: list[object] = []
    monkeypatch.setattr(GenreTagger, "predict_composed", lambda *args: loaded.append(args))
    resumed = train(replace(student, resume=True)).folder
    assert loaded == []
    weights = "model.safetensors"
    assert (resumed / weights).read_bytes() == (expected / weights).read_bytes()
    assert not list(resumed.rglob("*.npy"))
    (record,) = RunFolder(resumed).read_json(RunFolder(resumed).provenance)["teachers"]
    assert record["model"] == sha256(exported["int8"].read_bytes()).hexdigest()


def test_an_exported_model_that_knows_held_out_films_or_other_genres_is_an_error(
    exported: dict[str, Path], films: Dataset, tmp_path: Path
) -> None:
    swapped = replace(films, parts=["test" if part == "train" else "train" for part in films.parts])
    with pytest.raises(TrainingError, match=r"was trained on \d+ films of this split"):
        load_teacher(exported["int8"], swapped)
    with pytest.raises(TrainingError, match=r"genres of the teacher .* differ .* in .*Western"):
        load_teacher(exported["int8"], replace(films, names=[*films.names, "Western"]))
    with pytest.raises(UsageError, match="no such model"):
        load_teacher(tmp_path / "none.onnx", films)
    (tmp_path / "film.onnx").write_text("a film")
    with pytest.raises(ModelError, match=r"film\.onnx"):
        load_teacher(tmp_path / "film.onnx", films)


def test_a_teacher_trained_on_held_out_films_is_an_error(
    job: MakeJob, teacher: Path, films: Dataset, tmp_path: Path
) -> None:
    copy = tmp_path / "teacher"
    shutil.copytree(teacher, copy)
    trained_on = read_dataset(copy / "splits.parquet")
    replace(trained_on, parts=["train"] * len(trained_on)).write(copy / "splits.parquet")
    RunFolder(copy).seal(copy / "splits.parquet")
    held_out = len(films.part("dev", "test"))
    with pytest.raises(TrainingError, match=rf"trained on {held_out} films .* same `split`"):
        train(job(tmp_path / "student", teachers=(copy,)))
    assert not (tmp_path / "student").exists()


def test_a_teacher_of_other_genres_is_an_error(teacher: Path, films: Dataset) -> None:
    with pytest.raises(TrainingError, match=r"genres of the teacher .* differ"):
        load_teacher(teacher, replace(films, names=[*films.names[:-1], "Western"]))


@pytest.mark.parametrize("script", ["Cyrillic", "Han", "Devanagari"])
def test_only_a_teacher_that_knows_held_out_films_of_any_script_is_an_error(
    tmp_path: Path, script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RunFolder, "check_finished", lambda self: None)
    dataset = load(write_films(tmp_path, film_texts(script, 60)))
    teacher = RunFolder(tmp_path)
    teacher.provenance.write_text('{"options": {}, "base_model": "tiny"}')
    dataset.write(teacher.splits)
    assert load_teacher(tmp_path, dataset).record["data"] is None
    swapped = {"train": "train", "dev": "test", "test": "dev"}
    replace(dataset, parts=[swapped[part] for part in dataset.parts]).write(teacher.splits)
    load_teacher(tmp_path, dataset)
    held_out = dataset.part("dev", "test")
    replace(held_out, parts=["train"] * len(held_out)).write(teacher.splits)
    with pytest.raises(TrainingError, match=f"was trained on {len(held_out)} films of this split"):
        load_teacher(tmp_path, dataset)


def test_a_folder_without_a_run_cannot_be_a_teacher(films: Dataset, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="is not a run folder"):
        load_teacher(tmp_path, films)


def test_a_shipped_model_teaches_by_its_name(films: Dataset) -> None:
    with pytest.raises(TrainingError, match="the genres of the teacher default differ"):
        load_teacher("default", films)
