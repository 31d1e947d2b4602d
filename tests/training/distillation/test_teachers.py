"""A larger encoder learns first, and what it makes of the films teaches a DistilBERT."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from transformers import AutoTokenizer

from genre_batch.dataset.dataset import Dataset, read_dataset
from genre_batch.errors import TrainingError
from genre_batch.exporting.export import ExportJob, export_onnx
from genre_batch.training.distillation.teachers import check_teacher, teacher_predictions
from genre_batch.training.encoder.base_model import load_base_model, load_checkpoint
from genre_batch.training.encoder.inference import encode, predict
from genre_batch.training.encoder.pooling import PooledClassifier
from genre_batch.training.loop.linear_probe import STRENGTH, fit_linear_probe
from genre_batch.training.options import FineTuneOptions
from genre_batch.training.run import TrainJob, train
from genre_batch.training.run_folder import RunFolder

# The Trainer warns of two checkpoints written within a second.
pytestmark = pytest.mark.filterwarnings("ignore:mtime may not be reliable:UserWarning")

MakeJob = Callable[..., TrainJob]


class BrokenOffError(Exception):
    """Stands for whatever stops a run."""


@pytest.fixture(scope="module")
def teacher(
    job: MakeJob,
    tiny_bert: Path,
    options: FineTuneOptions,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """The folder of a finished run of a BERT."""
    short = replace(options, epochs=2)
    folder = tmp_path_factory.mktemp("teacher")
    return train(job(folder, base_model=str(tiny_bert), options=short)).folder


@pytest.fixture(scope="module")
def other_teacher(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the shared run, in which answers may be kept."""
    return Path(shutil.copytree(run, tmp_path_factory.mktemp("other") / "run"))


def _quiet(done: int, total: int, what: str) -> None:
    pass


def test_another_encoder_s_run_is_a_run(teacher: Path, films: Dataset) -> None:
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


def test_it_cannot_be_exported_but_can_teach(teacher: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=f"is a bert, .* --teacher {teacher}"):
        export_onnx(ExportJob(teacher, tmp_path / "model.onnx"))
    assert list(tmp_path.iterdir()) == []


def test_its_head_starts_from_a_regression_on_its_frozen_vectors(
    tiny_bert: Path, films: Dataset
) -> None:
    model, tokenizer = load_base_model(str(tiny_bert), films.names, "mean", seed=0)
    assert isinstance(model, PooledClassifier)
    training = films.part("train")
    encoder = {name: weight.clone() for name, weight in model.encoder.state_dict().items()}
    vectors = encode(model, tokenizer, training.texts, 32)
    fit_linear_probe(model, tokenizer, training, 32)
    found = predict(model, tokenizer, training.texts, 32)
    for genre, truth in enumerate(training.labels.T):
        scaled = vectors / vectors.std()
        expected = LogisticRegression(C=STRENGTH).fit(scaled, truth).predict_proba(scaled)[:, 1]
        np.testing.assert_allclose(found[:, genre], expected, atol=0.02)  # bfloat16 vectors
    for name, weight in model.encoder.state_dict().items():
        np.testing.assert_array_equal(weight, encoder[name])


def test_a_genre_that_no_film_has_keeps_its_random_weights(tiny_bert: Path, films: Dataset) -> None:
    model, tokenizer = load_base_model(str(tiny_bert), films.names, "mean", seed=0)
    assert isinstance(model, PooledClassifier)
    before = model.classifier.weight.detach().clone()
    labels = films.labels.copy()
    labels[:, 1] = 0
    fit_linear_probe(model, tokenizer, replace(films, labels=labels), 32)
    np.testing.assert_array_equal(model.classifier.weight[1].detach(), before[1])
    assert not np.array_equal(model.classifier.weight[0].detach(), before[0])


def test_targets_are_the_mean_of_the_teachers_with_and_without_titles(
    teacher: Path, other_teacher: Path, films: Dataset
) -> None:
    few = films.take(range(20))
    targets = teacher_predictions([teacher, other_teacher], few, _quiet)
    models = [load_checkpoint(folder) for folder in (teacher, other_teacher)]
    for found, texts in zip(targets, (few.texts, few.bare_texts), strict=True):
        expected = np.mean([predict(*model, texts, 32) for model in models], axis=0)
        np.testing.assert_allclose(found, expected, atol=0.02)  # bfloat16, where it is fast


def test_films_without_titles_are_asked_for_once(teacher: Path, films: Dataset) -> None:
    few = films.take(range(20))
    bare = replace(few, texts=few.bare_texts)
    told: list[int] = []
    targets = teacher_predictions([teacher], bare, lambda done, total, what: told.append(total))
    np.testing.assert_array_equal(targets[0], targets[1])
    assert set(told) == {20}


def test_a_student_learns_from_its_teacher_alone(
    job: MakeJob, other_teacher: Path, options: FineTuneOptions, tmp_path: Path
) -> None:
    taught = replace(options, teacher_weight=1.0, averaging=0.9, masking=0.05)
    report = train(job(tmp_path / "student", teachers=(other_teacher,), options=taught))
    assert report.exportable
    assert report.metrics["dev"]["title_and_overview"]["macro_f1"] > 0.9
    folder = RunFolder(report.folder)
    (told,) = folder.read_json(folder.provenance)["teachers"]
    assert told["base_model"] == folder.read_json(folder.provenance)["base_model"]


def test_a_teacher_asked_again_need_not_think_again(
    teacher: Path, films: Dataset, tmp_path: Path
) -> None:
    copy = tmp_path / "teacher"
    shutil.copytree(teacher, copy)
    few = films.take(range(10))
    told: list[int] = []
    first = teacher_predictions([copy], few, lambda done, total, what: told.append(done))
    assert told[-1] == 20
    told.clear()
    again = teacher_predictions([copy], few, lambda done, total, what: told.append(done))
    assert told == []
    np.testing.assert_array_equal(again, first)
    teacher_predictions([copy], films.take(range(11)), lambda done, total, what: told.append(done))
    assert told[-1] == 22


def test_a_student_s_run_broken_off_and_resumed_is_the_unbroken_run(
    job: MakeJob, teacher: Path, options: FineTuneOptions, tmp_path: Path
) -> None:
    short = replace(options, epochs=2, averaging=0.9, sampling="rare", layer_decay=0.9)
    unbroken = train(job(tmp_path / "unbroken", teachers=(teacher,), options=short)).folder
    broken = job(tmp_path / "broken", teachers=(teacher,), options=short)

    def stop_in_the_second_epoch(done: int, total: int, what: str) -> None:
        if what == "training" and done > total / 2 + 1:
            raise BrokenOffError

    with pytest.raises(BrokenOffError):
        train(broken, stop_in_the_second_epoch)
    resumed = train(replace(broken, resume=True)).folder
    weights = "model.safetensors"
    assert (resumed / weights).read_bytes() == (unbroken / weights).read_bytes()


def test_a_teacher_that_learnt_from_held_out_films_is_refused(
    job: MakeJob, teacher: Path, films: Dataset, tmp_path: Path
) -> None:
    copy = tmp_path / "teacher"
    shutil.copytree(teacher, copy)
    learnt = read_dataset(copy / "splits.parquet")
    replace(learnt, parts=["train"] * len(learnt)).write(copy / "splits.parquet")
    held_out = len(films.part("dev", "test"))
    with pytest.raises(TrainingError, match=rf"trained on {held_out} films .* same --split"):
        train(job(tmp_path / "student", teachers=(copy,)))
    assert not (tmp_path / "student").exists()


def test_a_teacher_of_other_genres_is_refused(teacher: Path, films: Dataset) -> None:
    with pytest.raises(TrainingError, match="knows other genres"):
        check_teacher(teacher, replace(films, names=[*films.names[:-1], "Western"]))


def test_a_folder_that_is_no_run_cannot_teach(films: Dataset, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="is no finished run"):
        check_teacher(tmp_path, films)


def test_frozen_layers_stay_as_they_are(
    job: MakeJob, tiny_bert: Path, options: FineTuneOptions, tmp_path: Path
) -> None:
    frozen = replace(options, epochs=1, freeze_layers=1)
    folder = train(job(tmp_path / "run", base_model=str(tiny_bert), options=frozen)).folder
    before = load_base_model(str(tiny_bert), ["a"], "mean", seed=0)[0].state_dict()
    for name, weight in load_checkpoint(folder)[0].state_dict().items():
        if ".embeddings." in name or ".layer.0." in name:
            np.testing.assert_array_equal(weight, before[name])
        elif ".layer.1.output.dense.weight" in name:
            assert not np.array_equal(weight, before[name])
    with pytest.raises(TrainingError, match="has 2 layers"):
        train(job(tmp_path / "all", options=replace(options, freeze_layers=2)))


def test_masking_without_a_mask_token_is_refused(
    job: MakeJob, base_model: Path, options: FineTuneOptions, tmp_path: Path
) -> None:
    tokenizer = AutoTokenizer.from_pretrained(base_model)
    copy = tmp_path / "base"
    shutil.copytree(base_model, copy)
    tokenizer.mask_token = None
    tokenizer.save_pretrained(copy)
    masked = replace(options, masking=0.1)
    with pytest.raises(TrainingError, match="no mask token"):
        train(job(tmp_path / "run", base_model=str(copy), options=masked))
    assert not (tmp_path / "run").exists()
