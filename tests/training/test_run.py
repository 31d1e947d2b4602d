"""`train`: a labeled catalog becomes a complete run folder, or nothing is written."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from transformers import AutoTokenizer

from genre_batch.catalog.formats import Location
from genre_batch.catalog.options import ColumnOptions
from genre_batch.dataset.dataset import Dataset, read_dataset
from genre_batch.dataset.split import PARTS
from genre_batch.errors import TrainingError, UsageError
from genre_batch.evaluation.metrics import score_predictions
from genre_batch.runs.folder import RunFolder, Stage
from genre_batch.thresholds.methods import DEFAULT_METHOD, find_thresholds
from genre_batch.training.encoder.base_model import load_base_model, load_checkpoint
from genre_batch.training.encoder.inference import predict
from genre_batch.training.loop import checkpoints
from genre_batch.training.options import ModelOptions, TrainingOptions, TrainJob
from genre_batch.training.recipe import read_recipe
from genre_batch.training.run import TrainResult, train
from support.training import InterruptionError, interrupt_at

MakeJob = Callable[..., TrainJob]


@pytest.fixture(scope="module")
def short(options: TrainingOptions) -> TrainingOptions:
    """Options with two epochs: enough to interrupt in between."""
    return options.changed(epochs=2)


@pytest.fixture(scope="module")
def uninterrupted(
    job: MakeJob, short: TrainingOptions, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Folder of a short run that was not interrupted."""
    return train(job(tmp_path_factory.mktemp("uninterrupted"), options=short)).folder


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _stages(job: TrainJob) -> set[str]:
    """Run a job and return the stages that progress reports."""
    stages = set()
    train(job, lambda done, total, stage: stages.add(stage))
    return stages


def _interrupt(job: TrainJob, step: int, stage: str) -> None:
    with pytest.raises(InterruptionError):
        train(job, interrupt_at(stage, step))


def _content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_finished_run_holds_exactly_these_files(run: Path) -> None:
    assert {path.name for path in run.iterdir()} == {
        "README.md",
        "SHA256SUMS",
        "config.json",
        "extra_train.parquet",
        "metrics.json",
        "model.safetensors",
        "provenance.json",
        "recipe.toml",
        "report.html",
        "special_tokens_map.json",
        "splits.parquet",
        "thresholds.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "training_log.jsonl",
        "vocab.txt",
    }


def test_the_split_has_the_promised_columns_and_every_film(run: Path, films: Dataset) -> None:
    table = pq.read_table(run / "splits.parquet")
    assert table.column_names[:5] == ["row", "group", "part", "text", "labels"]
    assert table.column("row").to_pylist() == films.rows.tolist()
    assert table.column("part").to_pylist() == films.parts
    assert table.column("text").to_pylist() == films.texts
    assert set(table.column("labels").combine_chunks().flatten().to_pylist()) == set(films.names)


def test_the_report_counts_the_films_of_every_part_and_those_dropped(
    report: TrainResult, films: Dataset
) -> None:
    expected = {part: len(films.part(part)) for part in PARTS}
    extra = len(read_dataset(report.folder / "extra_train.parquet"))
    assert report.films == expected | {"train": expected["train"] + extra}
    assert 0 < extra <= 21
    assert report.dropped == films.dropped == 2
    assert report.seconds > 0


def test_thresholds_are_tuned_on_development_and_metrics_measured_with_them(
    report: TrainResult, films: Dataset
) -> None:
    model, tokenizer = load_checkpoint(report.folder)
    development = films.part("dev")
    probabilities = predict(model, tokenizer, development.texts, max_length=32)
    expected = find_thresholds(DEFAULT_METHOD, probabilities, development.labels)
    written = _json(report.folder / "thresholds.json")
    assert (written["method"], written["part"]) == (DEFAULT_METHOD, "dev")
    assert written["thresholds"] == pytest.approx(dict(zip(films.names, expected, strict=True)))
    for part in ("dev", "test"):
        held_out = films.part(part)
        for variant, texts in (
            ("title_and_overview", held_out.texts),
            ("overview", held_out.bare_texts),
        ):
            probabilities = predict(model, tokenizer, texts, max_length=32)
            scores = score_predictions(held_out.labels, probabilities, expected, films.names)
            assert report.metrics[part][variant] == scores.as_dict()
    written = _json(report.folder / "metrics.json")
    assert {part: written[part] for part in ("dev", "test")} == report.metrics


def test_a_catalog_whose_words_decide_is_learned(report: TrainResult) -> None:
    assert report.metrics["dev"]["title_and_overview"]["macro_f1"] > 0.95
    assert report.metrics["test"]["overview"]["macro_f1"] > 0.8


def test_the_readme_warns_of_the_stock_class_only_when_it_pools_otherwise(
    run: Path, job: MakeJob, short: TrainingOptions, tmp_path: Path
) -> None:
    warning = "its predictions are wrong"
    assert warning in (run / "README.md").read_text(encoding="utf-8")
    assert _json(run / "config.json")["pooling"] == "mean"
    first = train(job(tmp_path / "run", options=short.changed(epochs=1, pooling="first"))).folder
    assert warning not in (first / "README.md").read_text(encoding="utf-8")
    assert _json(first / "config.json")["pooling"] == "first"


def test_the_provenance_records_what_the_run_was_made_of(run: Path, films: Dataset) -> None:
    provenance = _json(run / "provenance.json")
    assert provenance["shape"] == [2, 32, 2, 64]
    assert provenance["data"][0] == {
        "file": "films.csv",
        "sha256": films.sha256,
        "films": len(films),
    }
    assert provenance["data"][1]["file"] == "extra.csv"
    assert provenance["options"]["learning_rate"] == 3e-3
    assert {"genre-batch", "torch", "transformers", "onnxruntime"} <= set(provenance["versions"])


@pytest.mark.parametrize(
    ("at", "stage", "resumed"),
    [
        pytest.param(
            (12, "training"),
            Stage.BEGUN,
            {"training", "measuring development", "measuring", "writing the report"},
        ),
        pytest.param((0, "measuring"), Stage.TRAINED, {"measuring", "writing the report"}),
        pytest.param((0, "writing the report"), Stage.MEASURED, {"writing the report"}),
    ],
    ids=["while training", "while measuring", "before the report"],
)
def test_a_run_interrupted_and_resumed_is_the_uninterrupted_run(
    job: MakeJob,
    short: TrainingOptions,
    uninterrupted: Path,
    tmp_path: Path,
    at: tuple[int, str],
    stage: Stage,
    resumed: set[str],
) -> None:
    interrupted = job(tmp_path / "run", options=short)
    _interrupt(interrupted, *at)
    assert RunFolder(tmp_path / "run").stage is stage
    assert _stages(replace(interrupted, resume=True)) == resumed
    assert RunFolder(tmp_path / "run").stage is Stage.DONE
    expected, content = _content(uninterrupted), _content(tmp_path / "run")
    assert content.keys() == expected.keys()
    for name in (
        *("model.safetensors", "thresholds.json", "metrics.json", "splits.parquet"),
        *("provenance.json", "recipe.toml"),
    ):
        assert content[name] == expected[name]


@pytest.mark.parametrize(
    ("changes", "at"),
    [
        ({}, 10),
        ({"sampling": "rare", "averaging": 0.9, "masking": 0.05}, 10),
        ({"keep": "best", "averaging": 0.9}, 10),
        ({"keep": "best"}, 2),
    ],
)
def test_a_run_interrupted_within_an_epoch_goes_on_from_its_latest_checkpoint(
    job: MakeJob,
    short: TrainingOptions,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, object],
    at: int,
) -> None:
    monkeypatch.setattr(checkpoints, "BETWEEN_CHECKPOINTS", 0.0)
    options = short.changed(**changes)
    whole = train(job(tmp_path / "whole", options=options)).folder
    interrupted = job(tmp_path / "run", options=options)
    _interrupt(interrupted, at, "training")
    steps: list[int] = []
    train(
        replace(interrupted, resume=True),
        lambda done, total, stage: steps.append(done) if stage == "training" else None,
    )
    assert steps[0] == at
    assert _content(tmp_path / "run")["model.safetensors"] == _content(whole)["model.safetensors"]
    logs = [RunFolder.read_log(RunFolder(folder).log) for folder in (tmp_path / "run", whole)]
    for lines in logs:
        for line in lines:
            del line["seconds"], line["films_per_second"]
    assert logs[0] == logs[1]


def test_a_resumed_run_without_a_checkpoint_starts_again(
    job: MakeJob, short: TrainingOptions, tmp_path: Path
) -> None:
    interrupted = job(tmp_path / "run", options=short)
    _interrupt(interrupted, 2, "training")
    report = train(replace(interrupted, resume=True))
    assert len((report.folder / "training_log.jsonl").read_text().splitlines()) == 2


def test_resuming_a_finished_run_trains_nothing_and_reports_the_same(
    job: MakeJob, report: TrainResult, extra_catalog: Location
) -> None:
    before = _content(report.folder)
    again = job(report.folder, extra_train=extra_catalog.path, resume=True)
    assert _stages(again) == set()
    assert train(again) == report
    assert _content(report.folder) == before


@pytest.mark.parametrize(
    ("changes", "differing"),
    [
        (
            {"options": TrainingOptions().changed(epochs=3, max_length=32)},
            r"`batch_size` is 32 here and 8 in the run; `epochs` is 3 here and 12",
        ),
        (
            {"thresholds": "fixed-0.5"},
            "`thresholds` is fixed-0.5 here and f1-expected",
        ),
        ({"protocol": "paper"}, "`protocol` is paper here and clean in the run"),
        ({"with_title": False}, "`with_title` is False here and True in the run"),
        ({"recipe": "paper"}, "`recipe` is paper here and default in the run"),
        ({"extra_train": None}, "the catalog, or `extra_train`, is another file, or its content"),
        ({"columns": ColumnOptions(title_column="overview")}, "other columns"),
    ],
)
def test_resuming_with_other_options_names_only_those_that_differ(
    job: MakeJob,
    run: Path,
    extra_catalog: Location,
    changes: dict[str, Any],
    differing: str,
) -> None:
    before = _content(run)
    started = rf"was started with (other options: )?{differing}"
    with pytest.raises(TrainingError, match=started) as raised:
        train(job(run, **({"extra_train": extra_catalog.path, "resume": True} | changes)))
    assert len(str(raised.value)) < 400 + len(str(run))
    assert _content(run) == before


def test_resuming_with_another_weight_says_that_it_is_the_weight(
    job: MakeJob, run: Path, extra_catalog: Location
) -> None:
    weighted = job(run, extra_train=f"{extra_catalog.path}:0.5", resume=True)
    with pytest.raises(TrainingError, match="options: the weights of `extra_train` have changed:"):
        train(weighted)


def test_resuming_with_another_split_file_of_the_same_name_is_an_error(
    job: MakeJob, short: TrainingOptions, films: Dataset, tmp_path: Path
) -> None:
    def split_file(folder: str, parts: list[str]) -> Path:
        path = tmp_path / folder / "split.csv"
        path.parent.mkdir()
        rows = zip(films.rows.tolist(), parts, strict=True)
        path.write_text("\n".join(["row,part", *(f"{row},{part}" for row, part in rows)]))
        return path

    one = split_file("one", films.parts)
    other = split_file("other", films.parts[::-1])
    _interrupt(job(tmp_path / "run", options=short, split=one), 1, "training")
    with pytest.raises(TrainingError, match="started with other columns or another split"):
        train(job(tmp_path / "run", options=short, split=other, resume=True))


@pytest.mark.filterwarnings("ignore::genre_batch.errors.GenreBatchWarning")
def test_resuming_with_other_genres_of_a_further_catalog_is_an_error(
    job: MakeJob, short: TrainingOptions, films: Dataset, tmp_path: Path
) -> None:
    further = tmp_path / "further.csv"
    rows = [
        f"Film {at},a further film {at},{genres}\n"
        for at in range(4)
        for genres in ("Comedy", "Comedy|Rom-Com")
    ]
    further.write_text("title,overview,genres\n" + "".join(rows))
    begun = job(tmp_path / "run", options=short, extra_train=str(further))
    _interrupt(begun, 1, "training")
    literal = replace(begun, columns=ColumnOptions(no_aliases=True), resume=True)
    with pytest.raises(TrainingError, match="other columns or genres of `extra_train`"):
        train(literal)


def test_a_folder_that_is_not_empty_is_an_error(job: MakeJob, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(TrainingError, match="not empty: add `resume`"):
        train(job(tmp_path))
    assert _content(tmp_path) == {"notes.txt": b"mine"}


def test_a_folder_of_something_else_cannot_be_resumed(job: MakeJob, tmp_path: Path) -> None:
    (tmp_path / "training_log.jsonl").write_text("mine")
    with pytest.raises(TrainingError, match="holds no run to resume"):
        train(job(tmp_path, resume=True))
    assert _content(tmp_path) == {"training_log.jsonl": b"mine"}


def test_a_file_instead_of_a_folder_is_an_error(job: MakeJob, tmp_path: Path) -> None:
    (tmp_path / "run").write_text("mine")
    with pytest.raises(TrainingError, match="is a file"):
        train(job(tmp_path / "run"))


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("no/such-model", TrainingError, "`base_model` minilm"),
        ("/no/such/folder", UsageError, "no such folder"),
    ],
)
def test_a_base_model_that_cannot_be_loaded_leaves_no_folder(
    job: MakeJob, tmp_path: Path, name: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        train(job(tmp_path / "run", base_model=name))
    assert not (tmp_path / "run").exists()


def test_more_tokens_than_the_base_model_reads_are_an_error_before_anything_is_written(
    job: MakeJob, options: TrainingOptions, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match="reads at most 64 tokens, not 65: add `max_length` 64"):
        train(job(tmp_path / "run", options=options.changed(max_length=65)))
    assert not (tmp_path / "run").exists()


def test_fixed_thresholds_are_a_half(job: MakeJob, short: TrainingOptions, tmp_path: Path) -> None:
    folder = train(job(tmp_path / "run", options=short, thresholds="fixed-0.5")).folder
    written = _json(folder / "thresholds.json")
    assert (written["method"], set(written["thresholds"].values())) == ("fixed-0.5", {0.5})


def test_the_run_keeps_a_recipe_that_repeats_it(
    run: Path, job: MakeJob, extra_catalog: Location
) -> None:
    expected = job(run, extra_train=extra_catalog.path)
    kept = read_recipe(run / "recipe.toml")
    assert kept.name == "default"
    again = kept.job(expected.catalog, run, resume=True)
    assert again == replace(expected, base_model=str(expected.base_model), resume=True)
    assert _stages(again) == set()


def test_a_run_begun_before_recipes_were_kept_is_resumed(
    job: MakeJob, run: Path, extra_catalog: Location, tmp_path: Path
) -> None:
    shutil.copytree(run, tmp_path / "run")
    (tmp_path / "run" / "recipe.toml").unlink()
    assert _stages(job(tmp_path / "run", extra_train=extra_catalog.path, resume=True)) == set()


def test_frozen_layers_do_not_change(
    job: MakeJob, tiny_bert: Path, options: TrainingOptions, tmp_path: Path
) -> None:
    frozen = options.changed(epochs=1, freeze_layers=1)
    folder = train(job(tmp_path / "run", base_model=str(tiny_bert), options=frozen)).folder
    before = load_base_model(tiny_bert, ["a"], ModelOptions())[0].state_dict()
    for name, weight in load_checkpoint(folder)[0].state_dict().items():
        if ".embeddings." in name or ".layer.0." in name:
            np.testing.assert_array_equal(weight, before[name])
        elif ".layer.1.output.dense.weight" in name:
            assert not np.array_equal(weight, before[name])
    with pytest.raises(TrainingError, match="has 2 layers"):
        train(job(tmp_path / "all", options=options.changed(freeze_layers=2)))


def test_masking_without_a_mask_token_is_an_error(
    job: MakeJob, base_model: Path, options: TrainingOptions, tmp_path: Path
) -> None:
    tokenizer = AutoTokenizer.from_pretrained(base_model)
    copy = tmp_path / "base"
    shutil.copytree(base_model, copy)
    tokenizer.mask_token = None
    tokenizer.save_pretrained(copy)
    masked = options.changed(masking=0.1)
    with pytest.raises(TrainingError, match="no mask token"):
        train(job(tmp_path / "run", base_model=str(copy), options=masked))
    assert not (tmp_path / "run").exists()
