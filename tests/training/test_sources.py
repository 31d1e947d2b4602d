"""Promise: `train` learns from several catalogs, by weight, wording and probability."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from genre_batch.catalog.formats import Location
from genre_batch.dataset.dataset import Dataset, read_dataset
from genre_batch.dataset.extra import ExtraTrain
from genre_batch.errors import GenreBatchWarning
from genre_batch.runs.folder import RunFolder
from genre_batch.training.encoder.base_model import load_base_model
from genre_batch.training.loop.trainer import fine_tune
from genre_batch.training.options import TrainingOptions, TrainJob
from genre_batch.training.run import train
from support.training import InterruptionError, interrupt_at

MakeJob = Callable[..., TrainJob]


@pytest.fixture(scope="module")
def short(options: TrainingOptions) -> TrainingOptions:
    """Options with two epochs."""
    return options.changed(epochs=2)


def _weights(
    folder: Path, base_model: Path, films: Dataset, training: Dataset, options: TrainingOptions
) -> bytes:
    """Return the weights of a model that is trained on these films."""
    model, tokenizer = load_base_model(base_model, films.names, options.model, options.seed)
    folder.mkdir()
    fine_tune(model, tokenizer, training, films.part("dev"), options, RunFolder(folder))
    return b"".join(value.numpy().tobytes() for value in model.state_dict().values())


@pytest.mark.parametrize("loss", ["bce", "focal", "asymmetric", "class-balanced"])
def test_weights_of_1_and_labels_without_gaps_change_no_byte(
    base_model: Path, films: Dataset, short: TrainingOptions, tmp_path: Path, loss: str
) -> None:
    training, chosen = films.part("train"), short.changed(epochs=1, loss=loss)
    expected = _weights(tmp_path / "a", base_model, films, training, chosen)
    same = replace(
        training,
        weights=np.ones(len(training), dtype=np.float32),
        soft=training.labels.astype(np.float32),
        film_ids=np.arange(len(training), dtype=np.uint64)[::-1],
    )
    assert _weights(tmp_path / "b", base_model, films, same, chosen) == expected
    halved = replace(same, weights=np.where(np.arange(len(same)) % 2, 0.5, 1).astype(np.float32))
    assert _weights(tmp_path / "c", base_model, films, halved, chosen) != expected


def test_films_of_weight_0_teach_nothing(
    base_model: Path, films: Dataset, options: TrainingOptions, tmp_path: Path
) -> None:
    training = films.part("train")
    wrong = replace(training, labels=1 - training.labels)
    weights = np.zeros(len(training), dtype=np.float32)
    trained = []
    for name, labels in (("a", training), ("b", wrong)):
        ignored = replace(labels, weights=weights)
        trained.append(
            _weights(tmp_path / name, base_model, films, ignored, options.changed(epochs=1))
        )
    assert trained[0] == trained[1]


def _with_films(catalog: Location, path: Path, genres: bool = True) -> Path:
    """Write the catalog with a column of film names, and each film's words in another order."""
    with open(catalog.path, encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*header, "film"])
        for title, overview, cell in rows:
            words = overview.rstrip(".").split(" ")
            text = overview if genres else " ".join([*words[1:], *words[:1]]) + "."
            writer.writerow([title, text if overview else "", cell if genres else "", title])
    return path


def test_a_run_on_wordings_interrupted_and_resumed_is_the_uninterrupted_run(
    job: MakeJob, catalog: Location, films: Dataset, short: TrainingOptions, tmp_path: Path
) -> None:
    main = _with_films(catalog, tmp_path / "main.csv")
    other = _with_films(catalog, tmp_path / "other.csv", genres=False)
    changes = {
        "catalog": str(main),
        "extra_train": (ExtraTrain(str(other), 0.5),),
        "group": "film",
        "options": short.changed(sampling="rare", masking=0.1, averaging=0.9),
    }
    expected = train(job(tmp_path / "uninterrupted", **changes))
    films_in_training = expected.films["train"] // 2
    log = (expected.folder / "training_log.jsonl").read_text().splitlines()
    assert json.loads(log[0])["step"] == -(-films_in_training // 8)
    (extra,) = expected.extras
    assert len(extra.films) == films_in_training
    assert extra.held_out > 0
    interrupted = job(tmp_path / "run", **changes)
    with pytest.raises(InterruptionError):
        train(interrupted, interrupt_at("training", json.loads(log[0])["step"] + 2))
    resumed = train(replace(interrupted, resume=True))
    for name in ("model.safetensors", "splits.parquet", "extra_train.parquet", "recipe.toml"):
        assert (resumed.folder / name).read_bytes() == (expected.folder / name).read_bytes()
    provenance = json.loads((resumed.folder / "provenance.json").read_text())
    assert provenance["group"] == "film"
    assert provenance["data"][1]["weight"] == 0.5
    written = read_dataset(resumed.folder / "extra_train.parquet")
    assert set(written.training_weights.tolist()) == {1.0}  # the films are the catalog's


def test_a_catalog_is_learned_from_soft_labels_alone(
    job: MakeJob, catalog: Location, films: Dataset, options: TrainingOptions, tmp_path: Path
) -> None:
    """Most films of the catalog only have probabilities, and Romance is masked in half of them."""
    with open(catalog.path, encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    extra = tmp_path / "extra.csv"
    with extra.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*header, "p"])
        for at, (title, overview, cell) in enumerate(rows):
            given = cell.split(", ")
            p: list[float | None] = [0.95 if name in given else 0.05 for name in films.names]
            p[-1] = p[-1] if at % 2 else None
            writer.writerow([title, f"{overview} new", "", json.dumps(p)])
    result = train(
        job(
            tmp_path / "run",
            extra_train=(f"{extra}:2",),
            soft_labels="p",
            options=options.changed(epochs=6),
        )
    )
    assert result.metrics["test"]["title_and_overview"]["macro_f1"] > 0.8
    written = read_dataset(result.folder / "extra_train.parquet")
    assert np.isnan(written.training_labels[:, -1]).mean() == pytest.approx(0.5, abs=0.02)
    assert written.training_labels[:, :-1].min() > 0


def test_other_columns_of_a_resumed_run_are_an_error(
    job: MakeJob, catalog: Location, short: TrainingOptions, tmp_path: Path
) -> None:
    main = _with_films(catalog, tmp_path / "main.csv")
    started = job(tmp_path / "run", catalog=str(main), group="film", options=short)
    with pytest.raises(InterruptionError):
        train(started, interrupt_at("training", 1))
    with pytest.raises(Exception, match="`group` is not set here and film in the run"):
        train(replace(started, group=None, resume=True))


def test_soft_rows_of_the_catalog_are_reported(
    job: MakeJob, catalog: Location, short: TrainingOptions, tmp_path: Path
) -> None:
    with open(catalog.path, encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    path = tmp_path / "films.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        soft = ["[1, 0, 0, null]" if at < 5 else "" for at in range(len(rows))]
        values = [[*row, cell] for row, cell in zip(rows, soft, strict=True)]
        csv.writer(file).writerows([[*header, "p"], *values])
    with pytest.warns(GenreBatchWarning, match="5 rows with soft labels"):
        result = train(job(tmp_path / "run", catalog=str(path), soft_labels="p", options=short))
    assert result.films["train"] >= 5
